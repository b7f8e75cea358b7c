//! Floor 3: reads an estate's files. The folder reader is a thin shell; [`load_files`] does the work on a map of
//! paths to bytes, so that embedded packs and tests go the same way.

mod anchors;
mod approvals;
mod estate;
mod folder;
mod lock;
mod notify;
mod pack;
mod people;
mod rates;
pub mod reference;
mod registers;
mod site;
mod stages;
mod tickets;
mod undoing;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::digest::Digest;
use crate::base::limits::{INPUT_FILE_BYTES_MAX, INPUT_FILES_MAX};
use crate::base::redact;
use crate::base::span::{SourceId, SourceMap, Span};
use crate::controls::OWN_CONTROLS_FILE;
use crate::model::estate::{ESTATE_FILE, LOCK_FILE, Loaded, SecretFound};
use crate::model::people::PEOPLE_FILE;
use crate::model::reader::Codes;
use crate::model::register::REGISTERS_FOLDER;

pub use folder::{Folder, Unread, read, read_with_packs};
pub use lock::lock_text;

/// Files by path from the estate's folder, with forward slashes.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The codes of problems in `sites/`.
const ESTATE_CODES: Codes =
    Codes { unknown: "estate.unknown-key", missing: "estate.missing-key", wrong: "estate.wrong-value" };
/// The codes of problems in manifests and the lock file.
const PACK_CODES: Codes =
    Codes { unknown: "pack.unknown-key", missing: "pack.missing-key", wrong: "pack.wrong-value" };

/// Reads the estate in this folder.
pub fn load(root: &Path) -> (Loaded, Diagnostics) {
    let folder = read(root);
    load_folder(folder)
}

/// Puts an estate together from files that were read, and from those that could not be.
pub fn load_folder(folder: Folder) -> (Loaded, Diagnostics) {
    let (mut loaded, mut found) = load_files(folder.files);
    for unread in folder.unread {
        let source = loaded.sources.add(unread.path.clone(), "");
        let problem = Diagnostic::error(unread.code, unread.message).at(Span { source, range: 0..0 }, "");
        found.push(problem.help(unread.help));
    }
    found.settle();
    (loaded, found)
}

/// Puts an estate together from files in memory.
pub fn load_files(files: Files) -> (Loaded, Diagnostics) {
    let mut texts = Texts::default();
    for (path, bytes) in files.into_iter().filter(|(path, _)| is_input(path)) {
        if texts.by_path.len() < INPUT_FILES_MAX {
            texts.add(path, bytes);
        } else {
            let span = texts.absent(&path);
            let message = format!("there are more than {INPUT_FILES_MAX} files");
            texts.found.push(Diagnostic::error("file.too-many", message).at(span, "from here on"));
            break;
        }
    }
    let mut found = std::mem::take(&mut texts.found);
    let mut estate = estate::read(&mut texts, &mut found);
    let sites = site::read(&texts, &mut found);
    estate.people = people::read(&texts, &estate, &sites, &mut found);
    notify::check_sites(&estate, &sites, &mut found);
    let registers = registers::read(&texts, &mut found);
    let packs = pack::read(&texts, &mut found);
    let lock = lock::read(&texts, &packs, &mut found);
    let forks =
        texts.by_path.iter().filter(|(path, _)| is_fork(path)).map(|(_, text)| text.start()).collect();
    found.settle();
    let Texts { sources, mut inputs, secrets, .. } = texts;
    // Who is on leave, and with which key somebody signs, changes nothing of what a plan would do.
    inputs.remove(PEOPLE_FILE);
    // Nor do the ids that the organisation has for controls.
    inputs.remove(OWN_CONTROLS_FILE);
    let by_code = Loaded::first_of_each(&sites);
    (Loaded { sources, estate, sites, by_code, registers, packs, lock, inputs, secrets, forks }, found)
}

/// Whether a file can change what is rendered. Notes and pictures beside them do not count.
fn is_input(path: &str) -> bool {
    let inside = path.starts_with("sites/") || path.starts_with("templates/");
    inside && (path.ends_with(".toml") || path.ends_with(".hbs") || path == LOCK_FILE)
}

/// A site's own templates: below `templates/overrides`, or anywhere in `sites/` but as a site's file or a register.
fn is_fork(path: &str) -> bool {
    if path.starts_with(REGISTERS_FOLDER) && path.ends_with(".toml") {
        return false;
    }
    let in_sites =
        path.strip_prefix("sites/").is_some_and(|rest| rest.contains('/') || rest.ends_with(".hbs"));
    in_sites || path.starts_with("templates/overrides/")
}

/// One text file.
struct Text {
    source: SourceId,
    text: std::sync::Arc<str>,
    digest: Digest,
}

impl Text {
    fn start(&self) -> Span {
        Span { source: self.source, range: 0..0 }
    }

    /// The whole first line, for problems with what is not in the file.
    fn first_line(&self) -> Span {
        Span { source: self.source, range: 0..self.text.find('\n').unwrap_or(self.text.len()) }
    }
}

/// All text files, and the problems with those that are none.
#[derive(Default)]
struct Texts {
    sources: SourceMap,
    inputs: BTreeMap<String, Digest>,
    by_path: BTreeMap<String, Text>,
    secrets: Vec<SecretFound>,
    found: Diagnostics,
}

impl Texts {
    fn add(&mut self, path: String, bytes: Vec<u8>) {
        let digest = Digest::of(&bytes);
        if bytes.len() as u64 > INPUT_FILE_BYTES_MAX {
            let source = self.sources.add(path, "");
            self.found.push(too_large(Span { source, range: 0..0 }, bytes.len() as u64));
            return;
        }
        let text: std::sync::Arc<str> = match String::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(error) => return self.not_text(path, &error),
        };
        // What is shown around a problem comes from this map: secrets must not be in it.
        let shapes = redact::secret_shapes(&text);
        let shown = match redact::mask_shapes(&text, &shapes) {
            Cow::Borrowed(_) => text.clone(),
            Cow::Owned(masked) => masked.into(),
        };
        let source = self.sources.add(path.clone(), shown);
        for shape in shapes {
            let stub = redact::stub(&text[shape.range.clone()]);
            let span = Span { source, range: shape.range };
            self.secrets.push(SecretFound { what: shape.what, stub, span });
        }
        self.inputs.insert(path.clone(), digest);
        self.by_path.insert(path, Text { source, text, digest });
    }

    fn not_text(&mut self, path: String, error: &std::string::FromUtf8Error) {
        let good = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..good]);
        let source = self.sources.add(path, redact::mask(&before).as_ref());
        self.found.push(
            Diagnostic::error(
                "file.not-utf8",
                format!("this file is not UTF-8 text: byte {} is not", good + 1),
            )
            .at(Span { source, range: good..good }, "text ends here")
            .help("save the file as UTF-8"),
        );
    }

    /// The site files: `sites/<name>.toml` but the estate's own.
    fn sites(&self) -> impl Iterator<Item = (&String, &Text)> {
        let is_site = |path: &str| {
            ![ESTATE_FILE, PEOPLE_FILE, OWN_CONTROLS_FILE].contains(&path)
                && path
                    .strip_prefix("sites/")
                    .is_some_and(|rest| !rest.contains('/') && rest.ends_with(".toml"))
        };
        self.by_path.iter().filter(move |(path, _)| is_site(path))
    }

    /// The start of a file that is not there, so that a problem can name it.
    fn absent(&mut self, path: &str) -> Span {
        Span { source: self.sources.add(path, ""), range: 0..0 }
    }
}

fn too_large(span: Span, bytes: u64) -> Diagnostic {
    Diagnostic::error("file.too-large", format!("this file has {bytes} bytes"))
        .at(span, "")
        .help(format!("split it: at most {INPUT_FILE_BYTES_MAX} bytes are read"))
}
