//! All kinds the program knows, read once from the tables that are part of it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::base::id::KindName;
use crate::model::kind::Kind;

macro_rules! tables {
    ($($file:literal),* $(,)?) => {
        [$((concat!("src/kind/databricks/", $file), include_str!(concat!("databricks/", $file)))),*]
    };
}

const TABLES: [(&str, &str); 28] = tables![
    "budget.toml",
    "budget_policy.toml",
    "catalog.toml",
    "cluster_policy.toml",
    "credentials.toml",
    "customer_managed_key.toml",
    "entity_tag_assignment.toml",
    "external_location.toml",
    "grants.toml",
    "group.toml",
    "log_delivery.toml",
    "metastore.toml",
    "metastore_assignment.toml",
    "network.toml",
    "network_connectivity_config.toml",
    "network_policy.toml",
    "permissions.toml",
    "private_access_settings.toml",
    "schema.toml",
    "storage_configuration.toml",
    "storage_credential.toml",
    "volume.toml",
    "vpc_endpoint.toml",
    "workspace.toml",
    "workspace_assignment.toml",
    "workspace_bindings.toml",
    "workspace_network_option.toml",
    "workspace_setting.toml",
];

/// A table that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct BadTable {
    /// The file.
    pub file: String,
    /// The line, from one.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// Reads one table.
///
/// # Errors
///
/// The file, the line and what is wrong there.
pub fn read_table(file: &str, text: &str) -> Result<Kind, BadTable> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
        BadTable { file: file.to_owned(), line, message: error.message().to_owned() }
    })
}

/// The kinds by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Registry {
    kinds: BTreeMap<KindName, Kind>,
}

impl Registry {
    /// The kinds of this program.
    ///
    /// # Panics
    ///
    /// If a built-in table cannot be read; a test reads them all.
    pub fn standard() -> &'static Registry {
        static STANDARD: LazyLock<Registry> =
            LazyLock::new(|| Registry::read(&TABLES).expect("the built-in tables are tested"));
        &STANDARD
    }

    /// Reads tables, each given as file name and text.
    ///
    /// # Errors
    ///
    /// The first table that cannot be read, or that names a kind for the second time.
    pub fn read(tables: &[(&str, &str)]) -> Result<Registry, BadTable> {
        let mut kinds = BTreeMap::new();
        for (file, text) in tables {
            let kind = read_table(file, text)?;
            let name = kind.name.clone();
            if kinds.insert(name.clone(), kind).is_some() {
                let message = format!("{name} is described twice");
                return Err(BadTable { file: (*file).to_owned(), line: 1, message });
            }
        }
        Ok(Registry { kinds })
    }

    /// A kind by name.
    pub fn get(&self, name: &KindName) -> Option<&Kind> {
        self.kinds.get(name)
    }

    /// The names of all kinds, in order.
    pub fn names(&self) -> impl Iterator<Item = &KindName> {
        self.kinds.keys()
    }

    /// All kinds, in the order of their names.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.values()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::kind::{Class, Existence, Field, FieldType, Paging, Role, UpdateStyle};

    const NAMES: [&str; 28] = [
        "databricks.budget",
        "databricks.budget_policy",
        "databricks.catalog",
        "databricks.cluster_policy",
        "databricks.credentials",
        "databricks.customer_managed_key",
        "databricks.entity_tag_assignment",
        "databricks.external_location",
        "databricks.grants",
        "databricks.group",
        "databricks.log_delivery",
        "databricks.metastore",
        "databricks.metastore_assignment",
        "databricks.network",
        "databricks.network_connectivity_config",
        "databricks.network_policy",
        "databricks.permissions",
        "databricks.private_access_settings",
        "databricks.schema",
        "databricks.storage_configuration",
        "databricks.storage_credential",
        "databricks.volume",
        "databricks.vpc_endpoint",
        "databricks.workspace",
        "databricks.workspace_assignment",
        "databricks.workspace_bindings",
        "databricks.workspace_network_option",
        "databricks.workspace_setting",
    ];

    #[test]
    fn the_kinds_are_these() {
        let names: Vec<&str> = Registry::standard().names().map(KindName::as_str).collect();
        assert_eq!(names, NAMES);
        for (file, text) in &TABLES {
            let kind = read_table(file, text).expect("a table");
            assert_eq!(
                *file,
                format!("src/kind/databricks/{}.toml", &kind.name.as_str()["databricks.".len()..])
            );
        }
    }

    #[test]
    fn a_bad_table_is_told_by_file_and_line() {
        let (_, text) = TABLES[0];
        let told = |text: &str| read_table("x.toml", text).expect_err("refused").to_string();
        assert_eq!(
            told("name = \"databricks.x\"\nclas = 1\n").split(", expected").next(),
            Some("x.toml:2: unknown field `clas`")
        );
        assert!(told(&text.replace("plain-record", "plain")).contains(":4: unknown variant `plain`"));
        let twice = Registry::read(&[("a.toml", text), ("b.toml", text)]).expect_err("refused");
        assert_eq!(twice.to_string(), "b.toml:1: databricks.budget is described twice");
    }

    #[test]
    fn every_class_has_the_calls_it_needs() {
        for kind in Registry::standard().kinds() {
            let calls = &kind.calls;
            let (name, update) = (&kind.name, calls.update.as_ref().map(|update| update.style));
            assert!(calls.create.is_some(), "{name} cannot be made");
            assert!(calls.read.is_some() || calls.list.is_some(), "{name} cannot be read");
            let fits = match kind.class {
                Class::ImmutableRecord => update.is_none(),
                Class::PlainRecord => calls.list.is_some() && kind.id.live.is_some() && update.is_some(),
                Class::NamedSecurable => {
                    matches!(update, Some(UpdateStyle::Changed))
                        && kind.fields.iter().any(|field| field.after_create)
                        && calls.list.is_some()
                }
                Class::Relation => matches!(update, Some(UpdateStyle::Upsert | UpdateStyle::Mask)),
                Class::DeltaSet => {
                    matches!(update, Some(UpdateStyle::Delta))
                        && calls.create.as_ref().is_some_and(|call| call.empties)
                        && calls.delete.as_ref().is_some_and(|call| call.empties)
                }
                Class::FullReplaceSet => matches!(update, Some(UpdateStyle::Full)),
                Class::SingletonWithEtag => matches!(update, Some(UpdateStyle::Etag)),
                Class::Singleton => update.is_some(),
                Class::WriteOnlySecret | Class::Executed => false,
            };
            assert!(fits, "{name} has not the calls of its class");
            assert!(
                calls.delete.is_some() || kind.existence == Existence::Always,
                "{name} cannot be deleted"
            );
            let delta = calls.update.as_ref().is_some_and(|update| update.delta.is_some());
            assert_eq!(delta, update == Some(UpdateStyle::Delta), "{name}");
        }
    }

    #[test]
    fn an_object_can_always_be_found_and_named() {
        for kind in Registry::standard().kinds() {
            let name = &kind.name;
            assert!(kind.id.live.is_some() || kind.id.spec.is_some(), "{name} has no id");
            assert!(!kind.key.parts.is_empty(), "{name} has no natural key");
            let found_by_id = kind.calls.read.is_some() && kind.id.spec.is_some();
            let keyed = kind.key.parts.iter().any(|part| part.item.is_some());
            assert!(
                found_by_id || (kind.calls.list.is_some() && keyed),
                "{name} cannot be found before its id is known"
            );
            for part in &kind.key.parts {
                let field =
                    kind.field(&part.spec).unwrap_or_else(|| panic!("{name}: {} is no field", part.spec));
                assert!(
                    field.required || kind.field(parent(&part.spec)).is_some_and(|f| f.required),
                    "{name}"
                );
            }
        }
    }

    fn parent(pattern: &str) -> &str {
        pattern.rsplit_once('/').map_or("", |(parent, _)| parent)
    }

    fn is_pointer(text: &str) -> bool {
        text.starts_with('/') && !text.ends_with('/') && !text.contains("//") && !text.contains('{')
    }

    #[test]
    fn every_pointer_is_one_and_every_field_has_an_owner() {
        for kind in Registry::standard().kinds() {
            let name = &kind.name;
            let mut seen = BTreeSet::new();
            for field in &kind.fields {
                assert!(is_pointer(&field.at), "{name}: {}", field.at);
                assert!(seen.insert(&field.at), "{name}: {} stands twice", field.at);
                let owner = kind.field(parent(&field.at)).map(|field| field.holds);
                let fits = match parent(&field.at) {
                    "" => true,
                    _ if field.at.ends_with("/*") => owner == Some(FieldType::List),
                    _ => owner == Some(FieldType::Object),
                };
                assert!(fits, "{name}: {} has no owner that holds it", field.at);
            }
            let plain = kind.outputs.iter().chain(&kind.record).chain(&kind.id.live);
            let plain = plain.chain(kind.ready.as_ref().map(|ready| &ready.at));
            for at in plain.chain(kind.gone.as_ref().map(|gone| &gone.at)) {
                assert!(is_pointer(at) && !at.contains('*'), "{name}: {at}");
            }
            for (list, paging) in kind.calls.list.iter().map(|list| (list.items.as_str(), list.paging)) {
                assert_eq!(list.is_empty(), paging == Paging::Array, "{name}");
                assert!(list.is_empty() || is_pointer(list), "{name}: {list}");
            }
        }
    }

    #[test]
    fn every_rule_has_a_reason() {
        let has_rule = |field: &Field| {
            field.replace
                || field.after_create
                || field.role != Role::Managed
                || !field.normal.is_empty()
                || field.set.is_some()
                || field.default.is_some()
                || field.clear.is_some()
                || field.one_way.is_some()
                || field.shuts_out
                || field.holds == FieldType::JsonText
        };
        for kind in Registry::standard().kinds() {
            for field in kind.fields.iter().filter(|field| has_rule(field)) {
                assert!(!field.reason.is_empty(), "{}: {} has a rule without a reason", kind.name, field.at);
            }
            let mut reasons =
                vec![&kind.key.reason, &kind.reversal.create.reason, &kind.reversal.delete.reason];
            reasons.extend(kind.calls.update.iter().map(|update| &update.reason));
            reasons.extend(kind.ready.iter().map(|ready| &ready.reason));
            reasons.extend(kind.gone.iter().map(|gone| &gone.reason));
            let strangers = kind.strangers.iter();
            reasons.extend(strangers.clone().map(|strangers| &strangers.reason));
            reasons.extend(strangers.flat_map(|strangers| &strangers.exceptions).map(|one| &one.reason));
            reasons.extend(kind.quotas.iter().map(|quota| &quota.reason));
            assert!(reasons.iter().all(|reason| !reason.is_empty()), "{}", kind.name);
        }
    }

    #[test]
    fn sets_of_objects_say_what_tells_items_apart() {
        for kind in Registry::standard().kinds() {
            for field in kind.fields.iter().filter(|field| field.set.is_some()) {
                let below = format!("{}/*", field.at);
                let item = kind.field(&below).unwrap_or_else(|| panic!("{}: {below} is no field", kind.name));
                let keys = field.set.iter().flatten();
                assert_eq!(
                    item.holds == FieldType::Object,
                    keys.clone().next().is_some(),
                    "{}: {below}",
                    kind.name
                );
                for key in keys {
                    assert!(kind.field(&format!("{below}{key}")).is_some(), "{}: {below}{key}", kind.name);
                }
            }
        }
    }

    #[test]
    fn templates_name_fields_that_a_spec_must_have() {
        for (file, text) in &TABLES {
            let kind = read_table(file, text).expect("a table");
            for rest in text.split("spec.").skip(1) {
                let name: String =
                    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let field = kind.field(&format!("/{name}"));
                assert!(field.is_some_and(|field| field.required), "{file}: {name} is not a required field");
            }
        }
    }

    #[test]
    fn what_holds_data_cannot_be_brought_back_for_nothing() {
        use crate::model::plan::Reversal;
        let holds_data = ["catalog", "schema", "volume", "metastore", "workspace"];
        for kind in Registry::standard().kinds() {
            let name = &kind.name.as_str()["databricks.".len()..];
            if holds_data.contains(&name) {
                assert!(kind.protected.is_some() && kind.reversal.delete.rank == Reversal::OneWay, "{name}");
            }
            for call in [&kind.calls.create, &kind.calls.delete].into_iter().flatten() {
                assert!(!call.query.contains_key("force"), "{name} is deleted by force");
            }
        }
    }
}
