//! What templates of each scope see.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::base::id::{RegionName, ScopeId};
use crate::model::estate::{Estate, Facts, Loaded, Site, Wave};
use crate::model::resolved::{Layer, Layered, Provenance, ResolvedScope};
use crate::model::tree::{Entry, Node, Table};

use super::layers::Layers;

/// A context being put together.
struct Builder {
    context: Map<String, Value>,
    provenance: BTreeMap<String, Provenance>,
}

impl Builder {
    fn new(loaded: &Loaded) -> Self {
        let mut builder = Self { context: Map::new(), provenance: BTreeMap::new() };
        let estate = &loaded.estate;
        builder.put("estate", program(estate));
        builder
            .put("tags", json!({"required": estate.tags.required, "environments": estate.tags.environments}));
        builder.facts("account", Layer::Program, &estate.account, Map::new());
        builder
    }

    fn put(&mut self, root: &str, value: Value) {
        self.context.insert(root.to_owned(), value);
    }

    /// Free facts with a few values of our own added; where the file says the same key, ours counts.
    fn facts(&mut self, root: &str, layer: Layer, facts: &Table, own: Map<String, Value>) {
        let mut value = facts.to_json();
        if let Value::Object(entries) = &mut value {
            entries.extend(own);
        }
        self.put(root, value);
        for (key, entry) in &facts.entries {
            self.remember(&format!("{root}.{key}"), layer, entry);
        }
    }

    fn remember(&mut self, path: &str, layer: Layer, entry: &Entry) {
        match &entry.tree.node {
            Node::Table(table) if !table.entries.is_empty() => {
                for (key, entry) in &table.entries {
                    self.remember(&format!("{path}.{key}"), layer, entry);
                }
            }
            Node::Table(_) | Node::Scalar(_) | Node::List(_) => {
                let layered = Layered { layer, span: entry.tree.span.clone(), value: entry.tree.to_json() };
                self.provenance.insert(path.to_owned(), Provenance { chain: vec![layered] });
            }
        }
    }

    fn own(&mut self, path: &str, layer: Layer, written: &crate::base::span::Located<String>) {
        let value = Value::from(written.value.as_str());
        let layered = Layered { layer, span: written.span.clone(), value };
        self.provenance.insert(path.to_owned(), Provenance { chain: vec![layered] });
    }

    fn build(self, scope: ScopeId) -> ResolvedScope {
        let Builder { context, provenance } = self;
        ResolvedScope { scope, context: Value::Object(context), provenance, absent: BTreeSet::new() }
    }
}

fn program(estate: &Estate) -> Value {
    let mut program = json!({"name": estate.name, "code": estate.code, "lineage": estate.lineage});
    if let Some(day) = estate.day_one {
        program["day_one"] = Value::from(day.to_string());
    }
    program
}

/// The account sees all sites and regions, so that it can make objects for each of them.
pub(super) fn account(loaded: &Loaded) -> ResolvedScope {
    let mut builder = Builder::new(loaded);
    let sites = loaded.sites.iter().filter(|site| site.code().is_some()).map(|site| {
        let code = &site.written_code.value;
        let wave = loaded.wave_of(code).map(|wave| wave.name.to_string());
        json!({
            "code": code, "code_lower": code.to_lowercase(), "name": site.name.value,
            "region": site.region.value, "ehr": site.ehr.value, "wave": wave,
        })
    });
    let sites = sites.collect();
    builder.put("sites", sites);
    let regions = loaded.estate.regions.iter().map(|(name, facts)| {
        let mut region = facts.facts.to_json();
        region["name"] = Value::from(name.as_str());
        region
    });
    let regions = regions.collect();
    builder.put("regions", regions);
    builder.build(ScopeId::Account)
}

/// A region sees its facts and the account's, never a site.
pub(super) fn region(loaded: &Loaded, name: &RegionName, facts: &Facts) -> ResolvedScope {
    let mut builder = Builder::new(loaded);
    builder.facts("region", Layer::Region, &facts.facts, one("name", name.as_str()));
    builder.build(ScopeId::Region(name.clone()))
}

/// A site sees its parameters and the facts of everything above it.
pub(super) fn site(loaded: &Loaded, site: &Site, id: ScopeId, layers: Layers<'_>) -> ResolvedScope {
    let mut builder = Builder::new(loaded);
    let none = Table::default();
    let region = RegionName::new(site.region.value.as_str()).ok();
    let facts = region.and_then(|name| loaded.estate.regions.get(&name));
    let own = one("name", &site.region.value);
    builder.facts("region", Layer::Region, facts.map_or(&none, |f| &f.facts), own);
    let facts = loaded.estate.ehrs.get(&site.ehr.value);
    builder.facts("ehr", Layer::Ehr, facts.map_or(&none, |f| &f.facts), one("variant", &site.ehr.value));
    let wave = loaded.wave_of(&site.written_code.value);
    builder.put("wave", wave.map_or(Value::Null, wave_facts));
    let mut values = layers.values;
    builder.provenance.extend(layers.provenance);
    let own =
        [("code", &site.written_code), ("name", &site.name), ("region", &site.region), ("ehr", &site.ehr)];
    for (key, written) in own {
        values.insert(key.to_owned(), Value::from(written.value.as_str()));
        builder.own(&format!("site.{key}"), Layer::Site, written);
    }
    values.insert("code_lower".to_owned(), Value::from(site.written_code.value.to_lowercase()));
    values.insert("wave".to_owned(), wave.map_or(Value::Null, |wave| Value::from(wave.name.as_str())));
    builder.put("site", Value::Object(values));
    builder.build(id)
}

fn one(key: &str, value: &str) -> Map<String, Value> {
    Map::from_iter([(key.to_owned(), Value::from(value))])
}

fn wave_facts(wave: &Wave) -> Value {
    let sites: Vec<&str> = wave.sites.iter().map(|site| site.value.as_str()).collect();
    json!({
        "name": wave.name, "kind": wave.kind.word(), "sites": sites,
        "max_parallel": wave.max_parallel, "failure_budget": wave.failure_budget,
        "start": wave.start.map(|day| day.to_string()), "end": wave.end.map(|day| day.to_string()),
    })
}
