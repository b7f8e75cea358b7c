//! CIDR-OVERLAP and CIDR-SIZE: an address plan in which everything that can meet is apart, and everything fits.

use ipnet::IpNet;
use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::span::Span;

use super::{SiteView, View};

pub(super) const OVERLAP: &str = "policy.cidr-overlap";
pub(super) const SIZE: &str = "policy.cidr-size";

/// Each node of a cluster takes two addresses: one for the platform, one for Spark.
const ADDRESSES_PER_NODE: u64 = 2;
/// AWS keeps five addresses of every subnet.
const RESERVED: u64 = 5;

/// A network and whose it is.
struct Owned {
    net: IpNet,
    owner: String,
    span: Span,
    is_on_prem: bool,
}

fn network(value: Option<&Value>) -> Option<IpNet> {
    value.and_then(Value::as_str).and_then(|text| text.parse().ok())
}

/// The landing zones of a site by name.
fn zones<'v>(site: &SiteView<'v>) -> impl Iterator<Item = (&'v String, &'v Value)> {
    let zones = site.scope.value("site.network").and_then(Value::as_object);
    zones.into_iter().flatten().filter(|(_, zone)| zone.is_object())
}

fn all(view: View<'_>) -> Vec<Owned> {
    let mut nets = Vec::new();
    for (name, facts) in &view.loaded.estate.regions {
        if let Some(tree) = facts.facts.get("hub_cidr")
            && let Some(net) = tree.as_str().and_then(|text| text.parse().ok())
        {
            let owner = format!("the hub of {name}");
            nets.push(Owned { net, owner, span: tree.span.clone(), is_on_prem: false });
        }
    }
    for site in view.sites() {
        for (zone, value) in zones(&site) {
            if let Some(net) = network(value.get("cidr")) {
                let span = site.place(&format!("site.network.{zone}.cidr"));
                nets.push(Owned { net, owner: format!("{} {zone}", site.code), span, is_on_prem: false });
            }
        }
        // What the other side sees is the translated range, where there is one.
        let translated = network(site.scope.value("site.on_prem.nat_cidr"));
        let path = if translated.is_some() { "site.on_prem.nat_cidr" } else { "site.on_prem.cidr" };
        if let Some(net) = translated.or_else(|| network(site.scope.value(path))) {
            let owner = format!("{} on-prem", site.code);
            nets.push(Owned { net, owner, span: site.place(path), is_on_prem: true });
        }
    }
    nets
}

/// Networks are nested or apart, so sorted by start each overlaps with the open ones above it, or with none.
pub(super) fn overlaps(view: View<'_>, found: &mut Diagnostics) {
    let mut nets = all(view);
    nets.sort_by_key(|owned| (owned.net.network(), owned.net.prefix_len(), owned.span.clone()));
    let mut open: Vec<&Owned> = Vec::new();
    for owned in &nets {
        while open.last().is_some_and(|above| !above.net.contains(&owned.net)) {
            open.pop();
        }
        if let Some(above) = open.last() {
            found.push(overlap(above, owned));
        }
        open.push(owned);
    }
}

fn overlap(first: &Owned, second: &Owned) -> Diagnostic {
    let message = format!(
        "{} ({}) and {} ({}) have addresses in common",
        second.owner, second.net, first.owner, first.net
    );
    let help = if first.is_on_prem || second.is_on_prem {
        "give the on-prem range of one of them a translation: `nat_cidr = …` under [on_prem]"
    } else {
        "give one of them a range that is free"
    };
    Diagnostic::error(OVERLAP, message)
        .at(second.span.clone(), second.owner.clone())
        .at(first.span.clone(), first.owner.clone())
        .help(help)
}

pub(super) fn sizes(view: View<'_>, found: &mut Diagnostics) {
    for site in view.sites() {
        let workers = |key: &str| site.scope.value(&format!("site.{key}")).and_then(Value::as_u64);
        let most = workers("max_workers").max(workers("power_user_max_workers"));
        for (zone, value) in zones(&site) {
            let Some(net) = network(value.get("cidr")) else { continue };
            let subnets = value.get("private_subnets").and_then(Value::as_array);
            let subnets: Vec<IpNet> =
                subnets.into_iter().flatten().filter_map(|subnet| network(subnet.get("cidr"))).collect();
            let span = site.place(&format!("site.network.{zone}.private_subnets"));
            for (index, subnet) in subnets.iter().enumerate() {
                inside(&site, zone, net, subnet, &span, found);
                if let Some(other) =
                    subnets[..index].iter().find(|other| subnet.contains(*other) || other.contains(subnet))
                {
                    let message = format!("subnets {other} and {subnet} of {} {zone} overlap", site.code);
                    found.push(Diagnostic::error(SIZE, message).at(span.clone(), "both are here"));
                }
            }
            let smallest = subnets.iter().copied().max_by_key(IpNet::prefix_len).unwrap_or(net);
            if let Some(most) = most {
                room(&site, zone, smallest, most, &span, found);
            }
        }
    }
}

fn inside(site: &SiteView<'_>, zone: &str, net: IpNet, subnet: &IpNet, span: &Span, found: &mut Diagnostics) {
    if !net.contains(subnet) {
        let message = format!("subnet {subnet} of {} {zone} is not in {net}", site.code);
        found.push(
            Diagnostic::error(SIZE, message)
                .at(span.clone(), "outside")
                .at(site.place(&format!("site.network.{zone}.cidr")), "the network"),
        );
    }
}

fn room(site: &SiteView<'_>, zone: &str, subnet: IpNet, workers: u64, span: &Span, found: &mut Diagnostics) {
    // A driver runs beside the workers.
    let needed = workers.saturating_add(1).saturating_mul(ADDRESSES_PER_NODE).saturating_add(RESERVED);
    let bits = u32::from(subnet.max_prefix_len() - subnet.prefix_len());
    let size = 1u64.checked_shl(bits).unwrap_or(u64::MAX);
    if size < needed {
        let message = format!(
            "{subnet} of {} {zone} has {size} addresses, but {workers} workers need {needed}",
            site.code
        );
        found.push(
            Diagnostic::error(SIZE, message)
                .at(span.clone(), "too small")
                .at(site.place("site.max_workers"), "workers of a cluster")
                .help("give it a larger range, or lower `max_workers`")
                .note(format!(
                    "{ADDRESSES_PER_NODE} addresses a node, driver included, and {RESERVED} reserved"
                )),
        );
    }
}
