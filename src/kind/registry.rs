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
