//! The example estate as it is inside the binary.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "sites/"]
struct Sites;

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Templates;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The standard packs, by path.
pub(super) fn packs() -> BTreeMap<String, String> {
    let files = Templates::iter().filter_map(|name| {
        let file = Templates::get(&name)?;
        Some((format!("templates/{name}"), text(&file.data)))
    });
    files.collect()
}

/// The example's own files, by path.
pub(super) fn estate() -> BTreeMap<String, String> {
    let files = Sites::iter().filter_map(|name| {
        let file = Sites::get(&name)?;
        Some((format!("sites/{name}"), text(&file.data)))
    });
    files.collect()
}
