//! Where the PHI of a site is created, transformed and consumed: systems, datasets and use cases with the ways between
//! them, and what is consumed but was never declared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use crate::model::register::{Registers, UseCase};

/// The map of one site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhiFlow {
    /// Form of this document.
    pub v: u32,
    /// The site.
    pub site: String,
    /// The nodes, by name.
    pub nodes: BTreeMap<String, Node>,
    /// The ways, from node to node.
    pub flows: BTreeSet<(String, String)>,
    /// What is wrong, each as a sentence.
    pub findings: Vec<String>,
}

/// A place where PHI is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// What it is.
    pub role: NodeRole,
    /// Its name, for people.
    pub title: String,
    /// Whether PHI is in it.
    pub phi: bool,
    /// What it is used for.
    pub purposes: Vec<String>,
}

/// What happens to PHI at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeRole {
    /// A system creates it.
    Created,
    /// A dataset holds it as it came.
    Held,
    /// A dataset is made from others.
    Transformed,
    /// A use case reads it.
    Consumed,
    /// Something reads it that nobody declared.
    Undeclared,
}

impl NodeRole {
    const ALL: [(NodeRole, &'static str); 5] = [
        (Self::Created, "Created in systems"),
        (Self::Held, "Held as it came"),
        (Self::Transformed, "Transformed"),
        (Self::Consumed, "Consumed by use cases"),
        (Self::Undeclared, "Consumed, but declared nowhere"),
    ];
}

/// Draws the map of a site from the registers. Systems that create no PHI and are read by no dataset are left out.
pub fn of_site(registers: &Registers, site: &str) -> PhiFlow {
    let mut map = PhiFlow {
        v: 1,
        site: site.to_owned(),
        nodes: BTreeMap::new(),
        flows: BTreeSet::new(),
        findings: Vec::new(),
    };
    for system in registers.systems_of(site).filter(|system| system.not_applicable.is_none()) {
        let Some(name) = system.name.as_ref().filter(|_| system.phi) else { continue };
        map.add(NodeRole::Created, "system", &name.value, true, &[]);
    }
    for dataset in registers.datasets_of(site) {
        let role = if dataset.from.is_empty() { NodeRole::Held } else { NodeRole::Transformed };
        let id = &dataset.id.value;
        map.add(role, "dataset", id, dataset.phi, registers.purposes_of(dataset));
    }
    for dataset in registers.datasets_of(site) {
        let to = format!("dataset:{}", dataset.id.value);
        if let Some(system) = &dataset.system {
            let from = format!("system:{}", system.value);
            map.needs(&from, &system.value, &format!("dataset `{}` comes from system", dataset.id.value));
            map.flows.insert((from, to.clone()));
        } else if dataset.from.is_empty() {
            map.findings.push(format!("nothing says where dataset `{}` comes from", dataset.id.value));
        }
        for id in &dataset.from {
            let from = format!("dataset:{}", id.value);
            map.needs(&from, &id.value, &format!("dataset `{}` is made from", dataset.id.value));
            map.flows.insert((from, to.clone()));
        }
    }
    registers.use_cases_of(site).for_each(|one| map.consume(registers, one, site));
    map.idle();
    map
}

impl PhiFlow {
    fn add(&mut self, role: NodeRole, sort: &str, name: &str, phi: bool, purposes: &[String]) {
        let node = Node { role, title: name.to_owned(), phi, purposes: purposes.to_vec() };
        self.nodes.insert(format!("{sort}:{name}"), node);
    }

    /// Makes a node of what is named and not there, and a finding.
    fn needs(&mut self, key: &str, name: &str, by: &str) {
        if !self.nodes.contains_key(key) {
            let node =
                Node { role: NodeRole::Undeclared, title: name.to_owned(), phi: true, purposes: Vec::new() };
            self.nodes.insert(key.to_owned(), node);
        }
        if self.nodes.get(key).is_some_and(|node| node.role == NodeRole::Undeclared) {
            self.findings.push(format!("{by} `{name}`, which is declared nowhere at {}", self.site));
        }
    }

    fn consume(&mut self, registers: &Registers, one: &UseCase, site: &str) {
        // A use case of several sites reads each site's own datasets.
        let own = one
            .consumes
            .iter()
            .filter(|id| registers.dataset(&id.value).is_none_or(|dataset| dataset.site.value == site));
        let read: Vec<&str> = own.map(|id| id.value.as_str()).collect();
        if read.is_empty() {
            return;
        }
        let name = &one.name.value;
        let phi = read.iter().any(|id| registers.dataset(id).is_none_or(|dataset| dataset.phi));
        self.add(NodeRole::Consumed, "use-case", name, phi, &[]);
        for id in read {
            let from = format!("dataset:{id}");
            self.needs(&from, id, &format!("use case `{name}` reads"));
            self.flows.insert((from, format!("use-case:{name}")));
        }
    }

    /// Systems with PHI that no dataset comes from: either the inventory of data is not whole, or nothing is taken there.
    fn idle(&mut self) {
        let feeding: BTreeSet<&String> = self.flows.iter().map(|(from, _)| from).collect();
        let idle =
            self.nodes.iter().filter(|(key, node)| node.role == NodeRole::Created && !feeding.contains(key));
        let idle: Vec<String> = idle.map(|(key, _)| key.clone()).collect();
        for key in idle {
            self.nodes.remove(&key);
        }
    }
}

/// For people.
pub fn text(map: &PhiFlow) -> String {
    let mut out = format!("PHI of {}\n", map.site);
    for (role, title) in NodeRole::ALL {
        let of = map.nodes.iter().filter(|(_, node)| node.role == role);
        let rows: Vec<String> = of
            .map(|(key, node)| {
                let to = map.flows.iter().filter(|(from, _)| from == key);
                let to: Vec<&str> =
                    to.filter_map(|(_, to)| map.nodes.get(to)).map(|n| n.title.as_str()).collect();
                let to = if to.is_empty() { String::new() } else { format!(" → {}", to.join(", ")) };
                let purposes = if node.purposes.is_empty() {
                    String::new()
                } else {
                    format!(" (for {})", node.purposes.join(", "))
                };
                let class = if node.phi { "" } else { " [no PHI]" };
                format!("  {}{class}{purposes}{to}\n", node.title)
            })
            .collect();
        if !rows.is_empty() {
            let _ = write!(out, "\n{title}\n{}", rows.concat());
        }
    }
    match map.findings.len() {
        0 => out.push_str("\nNothing is consumed that was not declared\n"),
        count => {
            let _ = writeln!(out, "\n{count} findings");
            map.findings.iter().for_each(|finding| {
                let _ = writeln!(out, "  ! {finding}");
            });
        }
    }
    out
}

/// As a Mermaid flow chart.
pub fn mermaid(map: &PhiFlow) -> String {
    let mut out = "flowchart LR\n".to_owned();
    let ids: BTreeMap<&String, String> =
        map.nodes.keys().enumerate().map(|(at, key)| (key, format!("n{at}"))).collect();
    for (key, node) in &map.nodes {
        // Quotes end a label of Mermaid, and names come from people.
        let title = node.title.replace('"', "#quot;").replace(['<', '>', '\n'], " ");
        let (open, close) = match node.role {
            NodeRole::Created => ("[(", ")]"),
            NodeRole::Held | NodeRole::Transformed | NodeRole::Undeclared => ("[", "]"),
            NodeRole::Consumed => ("([", "])"),
        };
        let class = match (node.role, node.phi) {
            (NodeRole::Undeclared, _) => ":::undeclared",
            (_, true) => ":::phi",
            (_, false) => "",
        };
        let _ = writeln!(out, "  {}{open}\"{title}\"{close}{class}", ids[key]);
    }
    for (from, to) in &map.flows {
        if let (Some(from), Some(to)) = (ids.get(from), ids.get(to)) {
            let _ = writeln!(out, "  {from} --> {to}");
        }
    }
    out.push_str("  classDef phi stroke:#b45309,stroke-width:2px\n");
    out.push_str("  classDef undeclared stroke:#b91c1c,stroke-width:3px,stroke-dasharray:4\n");
    out
}
