//! Which privileges exist on which securable of Unity Catalog.

const CONTAINED: &[&str] = &[
    "APPLY_TAG",
    "BROWSE",
    "CREATE_FUNCTION",
    "CREATE_MATERIALIZED_VIEW",
    "CREATE_MODEL",
    "CREATE_TABLE",
    "CREATE_VOLUME",
    "EXECUTE",
    "EXTERNAL_USE_SCHEMA",
    "MANAGE",
    "MODIFY",
    "READ_VOLUME",
    "REFRESH",
    "SELECT",
    "USE_SCHEMA",
    "WRITE_VOLUME",
];

/// Securable type as it stands in paths, privileges of its own, whether it contains others.
const TABLE: &[(&str, &[&str], bool)] = &[
    (
        "metastore",
        &[
            "CREATE_CATALOG",
            "CREATE_CLEAN_ROOM",
            "CREATE_CONNECTION",
            "CREATE_EXTERNAL_LOCATION",
            "CREATE_PROVIDER",
            "CREATE_RECIPIENT",
            "CREATE_SERVICE_CREDENTIAL",
            "CREATE_SHARE",
            "CREATE_STORAGE_CREDENTIAL",
            "MANAGE_ALLOWLIST",
            "SET_SHARE_PERMISSION",
            "USE_CONNECTION",
            "USE_MARKETPLACE_ASSETS",
            "USE_PROVIDER",
            "USE_RECIPIENT",
            "USE_SHARE",
        ],
        false,
    ),
    ("catalog", &["CREATE_SCHEMA", "USE_CATALOG"], true),
    ("schema", &[], true),
    ("volume", &["APPLY_TAG", "MANAGE", "READ_VOLUME", "WRITE_VOLUME"], false),
    (
        "external_location",
        &[
            "BROWSE",
            "CREATE_EXTERNAL_TABLE",
            "CREATE_EXTERNAL_VOLUME",
            "CREATE_FOREIGN_SECURABLE",
            "CREATE_MANAGED_STORAGE",
            "EXTERNAL_USE_LOCATION",
            "MANAGE",
            "READ_FILES",
            "WRITE_FILES",
        ],
        false,
    ),
    (
        "storage_credential",
        &["CREATE_EXTERNAL_LOCATION", "CREATE_EXTERNAL_TABLE", "MANAGE", "READ_FILES", "WRITE_FILES"],
        false,
    ),
];

/// The way a privilege is written to the API; users also write it with spaces.
pub(super) fn spelled(privilege: &str) -> String {
    privilege.trim().to_ascii_uppercase().replace(' ', "_")
}

/// Whether the privilege can be granted on a securable of this type.
pub(super) fn applies(kind: &str, privilege: &str) -> bool {
    let Some((_, own, contains)) = TABLE.iter().find(|(name, _, _)| *name == kind) else { return false };
    privilege == "ALL_PRIVILEGES" || own.contains(&privilege) || (*contains && CONTAINED.contains(&privilege))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn privileges_belong_to_their_securables() {
        for (kind, privilege) in [
            ("catalog", "USE_CATALOG"),
            ("catalog", "SELECT"),
            ("schema", "CREATE_TABLE"),
            ("volume", "READ_VOLUME"),
            ("external_location", "READ_FILES"),
            ("volume", "ALL_PRIVILEGES"),
        ] {
            assert!(applies(kind, privilege), "{kind} {privilege}");
        }
        for (kind, privilege) in [
            ("schema", "USE_CATALOG"),
            ("external_location", "SELECT"),
            ("catalog", "FLY"),
            ("table", "SELECT"),
        ] {
            assert!(!applies(kind, privilege), "{kind} {privilege}");
        }
        assert_eq!(spelled("use catalog"), "USE_CATALOG");
    }
}
