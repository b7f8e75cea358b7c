//! Puts together what a clinical committee reads about a model at a site, from files below `models/`. What is missing is
//! told all at once, each with the key that names it.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::digest::Digest;
use crate::base::id::{LogId, ScopeId, SiteCode};
use crate::base::limits::{PACKET_FILE_BYTES_MAX, PACKET_SUBGROUPS_MAX};
use crate::base::span::{SourceMap, Span};
use crate::base::time::Timestamp;
use crate::document::{Zone, html, pdf};
use crate::evidence::bundle::{Files, layout};
use crate::evidence::scan;
use crate::journal::{Journal, Line, bundle_dir};
use crate::ops::desired::Desired;
use crate::ops::earlier::limited;
use crate::ops::error::Failure;
use crate::ops::record::RECORDED;
use crate::report::committee::{Content, Packet, PacketPart, Part, subgroups};

/// The folder of models, below the estate's.
pub const FOLDER: &str = "models";
/// Format version of a packet's file.
const FORMAT: u32 = 1;
/// Longest name of a model, in bytes.
const MODEL_BYTES_MAX: usize = 64;
/// Milliseconds of a minute.
const MINUTE: i64 = 60_000;
/// A part that is not there, or says nothing.
const INCOMPLETE: &str = "site.packet-incomplete";
/// A file that is not what it should be.
const WRONG: &str = "site.packet-wrong";

/// A packet's file: `models/<MODEL>/<SITE>.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PacketFile {
    format: u32,
    name: String,
    version: String,
    owner: String,
    intended_use: Option<PartFile>,
    validation_summary: Option<PartFile>,
    subgroup_table: Option<PartFile>,
    human_in_the_loop: Option<PartFile>,
    bias_checks: Option<PartFile>,
    rollback_plan: Option<PartFile>,
}

/// Where a part stands: beside the packet's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartFile {
    file: String,
}

impl PacketFile {
    fn part(&self, part: Part) -> Option<&str> {
        let part = match part {
            Part::IntendedUse => &self.intended_use,
            Part::ValidationSummary => &self.validation_summary,
            Part::SubgroupTable => &self.subgroup_table,
            Part::HumanInTheLoop => &self.human_in_the_loop,
            Part::BiasChecks => &self.bias_checks,
            Part::RollbackPlan => &self.rollback_plan,
        };
        part.as_ref().map(|part| part.file.as_str())
    }
}

/// The packet's file while problems with it are collected.
struct Sheet<'s> {
    root: &'s Path,
    folder: String,
    path: String,
    whole: Span,
    found: Diagnostics,
}

/// Puts a packet together.
///
/// # Errors
///
/// Usage, if there is no such site or model; `Input` with everything that is missing or wrong; if a log is damaged.
pub fn packet(
    root: &Path,
    desired: &Desired,
    journal: Option<&dyn Journal>,
    (site, model): (&str, &str),
    now: Timestamp,
) -> Result<Packet, Failure> {
    let known = desired.loaded.sites.iter().find(|known| known.written_code.value == site);
    let known = known.ok_or_else(|| {
        Failure::usage(format!("there is no site {site}"), "landfall status lists the sites")
    })?;
    let code = SiteCode::new(site).map_err(|bad| Failure::usage(bad.to_string(), "a code such as HRB01"))?;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if model.is_empty() || model.len() > MODEL_BYTES_MAX || !model.bytes().all(is_plain) {
        let help = "lower-case letters, digits and hyphens, such as readmit-30d";
        return Err(Failure::usage(format!("`{model}` is not the name of a model"), help));
    }
    let folder = format!("{FOLDER}/{model}");
    let path = format!("{folder}/{code}.toml");
    if !root.join(&path).is_file() {
        let help = format!("write {path}; docs/FORMATS.md, “Committee packets”, has its keys");
        return Err(Failure::usage(format!("{model} has no packet for {code}"), help));
    }
    let text = read(root, &path).map_err(Failure::failed)?;
    let mut sources = SourceMap::default();
    let source = sources.add(path.clone(), text.as_str());
    let whole = Span { source, range: 0..text.find('\n').unwrap_or(text.len()) };
    let mut sheet = Sheet { root, folder, path, whole, found: Diagnostics::default() };
    let file: PacketFile = match toml::from_str(&text) {
        Ok(file) => file,
        Err(error) => {
            let span = Span { source, range: error.span().unwrap_or(0..0) };
            sheet.found.push(Diagnostic::error(WRONG, error.message().to_owned()).at(span, ""));
            return Err(Failure::Input { found: sheet.found, sources });
        }
    };
    sheet.head(&file, desired);
    let lines = match journal {
        Some(journal) => journal.read(&LogId::Scope(ScopeId::Site(code.clone())), 0)?,
        None => Vec::new(),
    };
    let parts = Part::ALL.into_iter().filter_map(|part| sheet.part(&file, part, &lines)).collect();
    if sheet.found.has_errors() {
        return Err(Failure::Input { found: sheet.found, sources });
    }
    Ok(Packet {
        model: model.to_owned(),
        name: file.name,
        version: file.version,
        owner: file.owner,
        site: code.to_string(),
        site_name: known.name.value.clone(),
        // To the minute, as it is told: the same files give the same bytes within it.
        made_at: Timestamp::from_millis(now.as_millis() / MINUTE * MINUTE),
        parts,
    })
}

/// The files of a packet, by name.
///
/// # Errors
///
/// If it has more pages than anybody reads.
pub fn files(packet: &Packet, zone: &Zone) -> Result<Files, Failure> {
    let document = packet.document(zone, &format!("landfall {}", env!("CARGO_PKG_VERSION")));
    let printed = pdf::pages(&document).map_err(|error| Failure::failed(error.to_string()))?;
    Ok(Files::from([
        ("packet.md".to_owned(), packet.markdown(zone).into_bytes()),
        ("packet.html".to_owned(), html::page(&document).into_bytes()),
        ("packet.pdf".to_owned(), printed),
    ]))
}

/// Writes the files of a packet into a new folder, which appears whole or not at all.
///
/// # Errors
///
/// If there is something at the path, or it cannot be written.
pub fn write(files: &Files, out: &Path) -> Result<(), Failure> {
    if out.symlink_metadata().is_ok() {
        let there = format!("{} is there already", out.display());
        return Err(Failure::usage(there, "name a folder that is not there yet"));
    }
    bundle_dir::write(out, files).map_err(|error| Failure::failed(format!("the packet: {error}")))
}

impl Sheet<'_> {
    fn wrong(&mut self, code: &'static str, what: String, help: String) {
        let problem = Diagnostic::error(code, what).at(self.whole.clone(), "").help(help);
        self.found.push(problem);
    }

    fn head(&mut self, file: &PacketFile, desired: &Desired) {
        if file.format != FORMAT {
            let what = format!("format {} is not known", file.format);
            self.wrong(WRONG, what, format!("write format = {FORMAT}"));
        }
        for (key, value) in [("name", &file.name), ("version", &file.version), ("owner", &file.owner)] {
            if value.trim().is_empty() || value.chars().any(char::is_control) {
                self.wrong(WRONG, format!("`{key}` says nothing"), format!("write `{key}` in {}", self.path));
            }
        }
        if !desired.loaded.estate.roles.contains_key(&file.owner) {
            let what = format!("no role is called `{}`", file.owner);
            self.wrong(WRONG, what, "name a role of sites/estate.toml as owner".to_owned());
        }
    }

    fn part(&mut self, file: &PacketFile, part: Part, lines: &[Line]) -> Option<PacketPart> {
        let (key, title) = (part.key(), part.title());
        let example = format!("add to {}: {key} = {{ file = \"{key}.{}\" }}", self.path, ending(part));
        let Some(name) = file.part(part) else {
            self.wrong(INCOMPLETE, format!("the packet has no `{key}` ({title})"), example);
            return None;
        };
        if !layout::is_plain_path(name) {
            self.wrong(WRONG, format!("`{key}` names {name:?}, which is no file beside it"), example);
            return None;
        }
        let path = format!("{}/{name}", self.folder);
        let text = match read(self.root, &path) {
            Ok(text) => text,
            Err(why) => {
                self.wrong(INCOMPLETE, format!("`{key}` ({title}): {why}"), format!("write {path}"));
                return None;
            }
        };
        if let Some(found) = scan::scan(text.as_bytes()) {
            let what = format!("{path} holds what looks like {}, at byte {}", found.what, found.at);
            self.wrong(WRONG, what, "take it out: nothing about a single patient belongs there".to_owned());
            return None;
        }
        let content = match content(part, &text) {
            Ok(content) => content,
            Err(why) => {
                self.wrong(INCOMPLETE, format!("`{key}` ({title}): {path}: {why}"), format!("mend {path}"));
                return None;
            }
        };
        let sha256 = Digest::of(text.as_bytes());
        let holds = |line: &&Line| {
            line.entry.kind == RECORDED && line.entry.refs.iter().any(|named| named.sha256 == sha256)
        };
        let recorded = lines.iter().find(holds).map(|line| format!("{}#{}", line.entry.log, line.entry.seq));
        Some(PacketPart { part, path, sha256, recorded, content })
    }
}

fn ending(part: Part) -> &'static str {
    match part {
        Part::SubgroupTable => "csv",
        Part::IntendedUse
        | Part::ValidationSummary
        | Part::HumanInTheLoop
        | Part::BiasChecks
        | Part::RollbackPlan => "md",
    }
}

fn content(part: Part, text: &str) -> Result<Content, String> {
    if part == Part::SubgroupTable {
        let rows = subgroups(text).map_err(|no| no.to_string())?;
        if rows.len() > PACKET_SUBGROUPS_MAX {
            return Err(format!("it has more than {PACKET_SUBGROUPS_MAX} rows"));
        }
        return Ok(Content::Rows(rows));
    }
    let says = text.lines().any(|line| !line.starts_with('#') && line.chars().any(char::is_alphanumeric));
    if says {
        Ok(Content::Words(text.to_owned()))
    } else {
        Err("it says nothing below its headings".to_owned())
    }
}

/// A text file below the estate's folder; links are not followed.
fn read(root: &Path, path: &str) -> Result<String, String> {
    let mut at = root.to_owned();
    for part in path.split('/') {
        at.push(part);
        let there = fs::symlink_metadata(&at).map_err(|_| format!("{path} is not there"))?;
        if there.file_type().is_symlink() {
            return Err(format!("{path} leads over a link, and links are not followed"));
        }
    }
    if !at.is_file() {
        return Err(format!("{path} is not a file"));
    }
    let bytes = limited(&at, PACKET_FILE_BYTES_MAX).map_err(|failure| failure.to_string())?;
    String::from_utf8(bytes).map_err(|_| format!("{path} is not UTF-8 text"))
}
