//! Writes the example estate with the standard packs, as they are inside the binary.

use std::path::Path;

use rust_embed::RustEmbed;

use crate::ops::error::Failure;
use crate::ops::render;

#[derive(RustEmbed)]
#[folder = "sites/"]
struct Sites;

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Templates;

/// Writes `sites/`, `templates/` and a `.gitignore` into a new or empty folder; returns the number of files.
///
/// # Errors
///
/// If the folder holds something already, or cannot be written.
pub fn write(dir: &Path) -> Result<usize, Failure> {
    let mut files = std::collections::BTreeMap::new();
    let mut add = |folder: &str, name: &str, bytes: &[u8]| {
        files.insert(format!("{folder}/{name}"), String::from_utf8_lossy(bytes).into_owned());
    };
    for name in Sites::iter() {
        if let Some(file) = Sites::get(&name) {
            add("sites", &name, &file.data);
        }
    }
    for name in Templates::iter() {
        if let Some(file) = Templates::get(&name) {
            add("templates", &name, &file.data);
        }
    }
    files.insert(".gitignore".to_owned(), "/.landfall\n".to_owned());
    let count = files.len();
    render::write(&files, dir)?;
    Ok(count)
}
