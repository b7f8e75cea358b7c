//! The example estate as it is inside the binary.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "sites/"]
struct Sites;

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Templates;

#[derive(RustEmbed)]
#[folder = "models/"]
struct Models;

/// The files of a folder inside the binary, by path.
fn files<E: RustEmbed>(folder: &str) -> BTreeMap<String, String> {
    let file = |name: &str| Some(String::from_utf8_lossy(&E::get(name)?.data).into_owned());
    E::iter().filter_map(|name| Some((format!("{folder}/{name}"), file(&name)?))).collect()
}

/// The standard packs, by path.
pub(super) fn packs() -> BTreeMap<String, String> {
    files::<Templates>("templates")
}

/// The example's own files, by path.
pub(super) fn estate() -> BTreeMap<String, String> {
    let mut all = files::<Sites>("sites");
    all.extend(files::<Models>("models"));
    all
}
