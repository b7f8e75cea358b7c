//! What all objects of Unity Catalog share: names, owners, stamps, updates, what hangs on them.

use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::principals;
use super::store::{Rows, Store};
use super::visit::{Visit, known, text};

/// Collections whose scope is a metastore.
pub(super) const UC_COLLECTIONS: &[&str] = &[
    "catalogs",
    "schemas",
    "volumes",
    "external_locations",
    "storage_credentials",
    "grants",
    "bindings",
    "entity_tags",
];

/// A kind of object.
#[derive(Debug)]
pub(super) struct Kind {
    /// As it stands in paths of grants and bindings.
    pub name: &'static str,
    /// As it stands in paths of tags; empty if it takes none.
    pub tagged: &'static str,
    /// Where it is kept.
    pub collection: &'static str,
    /// For people.
    pub word: &'static str,
    /// Stem of its error codes.
    pub code: &'static str,
    /// Status of a second create.
    pub taken_status: u16,
    /// Fields a create takes.
    pub created: &'static [&'static str],
    /// Fields an update takes.
    pub mutable: &'static [&'static str],
}

/// Catalogs.
pub(super) const CATALOG: Kind = Kind {
    name: "catalog",
    tagged: "catalogs",
    collection: "catalogs",
    word: "Catalog",
    code: "CATALOG",
    taken_status: 400,
    created: &[
        "name",
        "comment",
        "properties",
        "options",
        "storage_root",
        "connection_name",
        "provider_name",
        "share_name",
        "managed_encryption_settings",
        "custom_max_retention_hours",
    ],
    mutable: &[
        "comment",
        "properties",
        "options",
        "owner",
        "isolation_mode",
        "enable_predictive_optimization",
        "managed_encryption_settings",
        "custom_max_retention_hours",
    ],
};

/// Schemas.
pub(super) const SCHEMA: Kind = Kind {
    name: "schema",
    tagged: "schemas",
    collection: "schemas",
    word: "Schema",
    code: "SCHEMA",
    taken_status: 400,
    created: &["name", "catalog_name", "comment", "properties", "storage_root", "custom_max_retention_hours"],
    mutable: &[
        "comment",
        "properties",
        "owner",
        "enable_predictive_optimization",
        "custom_max_retention_hours",
    ],
};

/// Volumes.
pub(super) const VOLUME: Kind = Kind {
    name: "volume",
    tagged: "volumes",
    collection: "volumes",
    word: "Volume",
    code: "VOLUME",
    taken_status: 409,
    created: &["name", "catalog_name", "schema_name", "volume_type", "storage_location", "comment"],
    mutable: &["comment", "owner"],
};

/// External locations.
pub(super) const LOCATION: Kind = Kind {
    name: "external_location",
    tagged: "",
    collection: "external_locations",
    word: "External Location",
    code: "EXTERNAL_LOCATION",
    taken_status: 409,
    created: &[
        "name",
        "url",
        "credential_name",
        "comment",
        "read_only",
        "fallback",
        "enable_file_events",
        "file_event_queue",
        "encryption_details",
    ],
    mutable: &[
        "url",
        "credential_name",
        "comment",
        "read_only",
        "fallback",
        "enable_file_events",
        "file_event_queue",
        "encryption_details",
        "owner",
        "isolation_mode",
    ],
};

/// Storage credentials.
pub(super) const CREDENTIAL: Kind = Kind {
    name: "storage_credential",
    tagged: "",
    collection: "storage_credentials",
    word: "Storage Credential",
    code: "STORAGE_CREDENTIAL",
    taken_status: 409,
    created: &["name", "aws_iam_role", "comment", "read_only"],
    mutable: &["aws_iam_role", "comment", "read_only", "owner", "isolation_mode"],
};

/// All of them.
pub(super) const KINDS: &[&Kind] = &[&CATALOG, &SCHEMA, &VOLUME, &LOCATION, &CREDENTIAL];

impl Kind {
    /// 404 with the kind's own code.
    pub fn absent(&self, name: &str) -> Refusal {
        Refusal::new(
            404,
            format!("{}_DOES_NOT_EXIST", self.code),
            format!("{} '{name}' does not exist.", self.word),
        )
    }

    /// The refusal of a second create.
    pub fn taken(&self, name: &str) -> Refusal {
        Refusal::new(
            self.taken_status,
            format!("{}_ALREADY_EXISTS", self.code),
            format!("{} '{name}' already exists", self.word),
        )
    }

    /// The object with this name, as it is.
    ///
    /// # Errors
    /// If there is none.
    pub fn existing(&self, visit: &Visit<'_>, name: &str) -> Result<Value, Refusal> {
        let key = name.to_lowercase();
        visit.store.get(self.collection, &visit.metastore, &key).cloned().ok_or_else(|| self.absent(name))
    }

    /// The object with this name, as a read shows it.
    ///
    /// # Errors
    /// If there is none.
    pub fn read(&self, visit: &mut Visit<'_>, name: &str) -> Result<Value, Refusal> {
        let key = name.to_lowercase();
        let metastore = visit.metastore.clone();
        visit.store.read(self.collection, &metastore, &key).ok_or_else(|| self.absent(name))
    }

    /// Writes the object under its key.
    pub fn put(&self, visit: &mut Visit<'_>, key: &str, document: Value) {
        let metastore = visit.metastore.clone();
        visit.store.put(self.collection, &metastore, key, document);
    }

    /// Takes the object away with its grants, bindings and tags.
    pub fn remove(&self, visit: &mut Visit<'_>, key: &str) {
        let metastore = visit.metastore.clone();
        visit.store.remove(self.collection, &metastore, key);
        for collection in ["grants", "bindings"] {
            visit.store.remove(collection, &metastore, &format!("{}/{key}", self.name));
        }
        let prefix = format!("{}/{key}/", self.tagged);
        visit.store.remove_where("entity_tags", &metastore, |tag| tag.starts_with(&prefix));
    }

    /// Applies an update's fields. The document is not yet written.
    ///
    /// # Errors
    /// If there is nothing to update, a rename is asked for, or the new owner is unknown.
    pub fn update(&self, visit: &Visit<'_>, document: &mut Value) -> Result<Map<String, Value>, Refusal> {
        let body = visit.call.object()?;
        if body.get("new_name").is_some_and(|name| !name.is_null()) {
            return Err(Refusal::invalid("the sandbox does not rename objects"));
        }
        let changes = known(&body, self.mutable);
        if changes.is_empty() {
            return Err(Refusal::invalid(format!("Update{} Nothing to update.", self.word.replace(' ', ""))));
        }
        if let Some(owner) = changes.get("owner") {
            principals::check_principal(visit, owner.as_str().unwrap_or_default())?;
        }
        if let Some(object) = document.as_object_mut() {
            object.extend(changes.clone());
            object.insert("updated_at".into(), visit.millis());
            object.insert("updated_by".into(), json!(visit.caller.name));
        }
        Ok(changes)
    }
}

/// Adds what every new object carries.
pub(super) fn stamp(visit: &Visit<'_>, body: &mut Map<String, Value>) {
    let stamps = [
        ("metastore_id", json!(visit.metastore)),
        ("owner", json!(visit.caller.name)),
        ("created_at", visit.millis()),
        ("created_by", json!(visit.caller.name)),
        ("updated_at", visit.millis()),
        ("updated_by", json!(visit.caller.name)),
        ("browse_only", json!(false)),
    ];
    body.extend(stamps.map(|(key, value)| (key.to_owned(), value)));
}

/// A name as it is stored.
///
/// # Errors
/// If it is empty, too long, or holds what names cannot hold.
pub(super) fn stored_name(name: &str) -> Result<String, Refusal> {
    let is_bad = |letter: char| letter.is_control() || matches!(letter, '.' | ' ' | '/');
    if name.is_empty() || name.chars().count() > 255 || name.chars().any(is_bad) {
        return Err(Refusal::invalid(format!(
            "'{name}' is not a valid name: periods, spaces, slashes and control characters are not allowed"
        )));
    }
    Ok(name.to_lowercase())
}

/// A storage URL without trailing slashes.
///
/// # Errors
/// If it is not an S3 URL of a bucket.
pub(super) fn storage_url(url: &str) -> Result<String, Refusal> {
    let clean = url.trim_end_matches('/');
    let bucket = clean.strip_prefix("s3://").map(|rest| rest.split('/').next().unwrap_or_default());
    match bucket {
        Some(bucket) if !bucket.is_empty() && !clean.contains(char::is_whitespace) => Ok(clean.to_owned()),
        Some(_) | None => Err(Refusal::invalid(format!("'{url}' is not a valid s3 URL"))),
    }
}

/// Whether `inner` is `outer` or below it.
pub(super) fn covers(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Refuses a storage root that no external location covers.
///
/// # Errors
/// If none does.
pub(super) fn check_covered(visit: &Visit<'_>, url: &str) -> Result<(), Refusal> {
    let is_over = |location: &Value| covers(text(location, "url"), url);
    match visit.find(LOCATION.collection, &visit.metastore, is_over) {
        Some(_) => Ok(()),
        None => Err(Refusal::new(
            400,
            "EXTERNAL_LOCATION_DOES_NOT_EXIST",
            format!("No parent external location found for path '{url}'"),
        )),
    }
}

/// Refuses a call through a workspace that an isolated object is not bound to.
///
/// # Errors
/// If it is not bound.
pub(super) fn check_bound(visit: &Visit<'_>, kind: &Kind, document: &Value) -> Result<(), Refusal> {
    if is_bound(visit, kind, document) {
        return Ok(());
    }
    let name = text(document, "name");
    Err(Refusal::denied(format!("{} '{name}' is not accessible in current workspace", kind.word)))
}

/// Whether the object is open, or bound to the workspace the call goes through.
fn is_bound(visit: &Visit<'_>, kind: &Kind, document: &Value) -> bool {
    is_bound_to(visit.store, (&visit.metastore, &visit.workspace), kind, document)
}

fn is_bound_to(store: &Store, door: (&str, &str), kind: &Kind, document: &Value) -> bool {
    if !text(document, "isolation_mode").ends_with("ISOLATED") {
        return true;
    }
    let (metastore, workspace) = door;
    let key = format!("{}/{}", kind.name, text(document, "name"));
    let bindings = store.get("bindings", metastore, &key);
    bindings.is_some_and(|bindings| bindings.get(workspace).is_some())
}

/// The objects of a kind that a list through this workspace shows.
pub(super) fn listed(visit: &mut Visit<'_>, kind: &Kind) -> Rows {
    let all = visit.call.flag("include_unbound");
    let door = (visit.metastore.as_str(), visit.workspace.as_str());
    let shows = |store: &Store, row: &Value| all || is_bound_to(store, door, kind, row);
    visit.store.read_where(kind.collection, &visit.metastore, "", shows)
}

/// Binds the object to the workspace the call goes through, as a switch to isolation does.
pub(super) fn bind_here(visit: &mut Visit<'_>, kind: &Kind, name: &str) {
    let (metastore, workspace) = (visit.metastore.clone(), visit.workspace.clone());
    let key = format!("{}/{name}", kind.name);
    let mut bindings = visit.store.get("bindings", &metastore, &key).cloned().unwrap_or(json!({}));
    if bindings.get(&workspace).is_none() {
        bindings[&workspace] = json!("BINDING_TYPE_READ_WRITE");
        visit.store.put("bindings", &metastore, &key, bindings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_and_refused() {
        assert_eq!(stored_name("Prod_HRB01").as_deref(), Ok("prod_hrb01"));
        for bad in ["", "a.b", "a b", "a/b", "a\nb", ".."] {
            assert!(stored_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn urls_cover_what_is_below_them() {
        assert_eq!(storage_url("s3://b/p//").as_deref(), Ok("s3://b/p"));
        for bad in ["", "s3://", "https://b", "s3://b/a b"] {
            assert!(storage_url(bad).is_err(), "{bad:?}");
        }
        assert!(covers("s3://b/p", "s3://b/p") && covers("s3://b/p", "s3://b/p/x"));
        assert!(!covers("s3://b/p", "s3://b/pq") && !covers("s3://b/p/x", "s3://b/p"));
    }
}
