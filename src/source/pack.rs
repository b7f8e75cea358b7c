//! Reads packs: a manifest and the templates beside it.

use std::collections::BTreeMap;

use crate::base::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::base::digest::Digest;
use crate::base::id::PackName;
use crate::base::span::{Located, Span};
use crate::model::pack::{Input, InputType, PACK_FORMAT, Pack, PackScope, TemplateFile};
use crate::model::reader::{Reader, boolean};
use crate::model::tree::{self, Node, Table, Tree};

use super::{PACK_CODES, Text, Texts};

/// The roots that templates of a scope see. Inputs begin with one of them.
const ROOTS: [&str; 9] = ["site", "region", "ehr", "account", "wave", "estate", "tags", "sites", "regions"];

/// The files of one pack, by path inside it.
type PackFiles<'t> = BTreeMap<&'t str, &'t Text>;

pub(super) fn read(texts: &Texts, found: &mut Diagnostics) -> BTreeMap<PackName, Pack> {
    let mut folders: BTreeMap<&str, PackFiles<'_>> = BTreeMap::new();
    for (path, text) in &texts.by_path {
        let inside = path.strip_prefix("templates/").and_then(|rest| rest.split_once('/'));
        match inside {
            Some(("overrides", _)) | None => {}
            Some((folder, file)) => {
                folders.entry(folder).or_default().insert(file, text);
            }
        }
    }
    let mut packs = BTreeMap::new();
    for (folder, files) in &folders {
        if let Some(pack) = pack(folder, files, found) {
            packs.insert(pack.name.clone(), pack);
        }
    }
    check_needs(&packs, found);
    packs
}

fn pack(folder: &str, files: &PackFiles<'_>, found: &mut Diagnostics) -> Option<Pack> {
    let Some(manifest) = files.get("pack.toml") else {
        let first = files.values().next()?;
        found.push(
            Diagnostic::error("pack.missing-manifest", format!("templates/{folder} has no pack.toml"))
                .at(first.start(), "this file belongs to no pack")
                .help(format!("add templates/{folder}/pack.toml, or move the file away")),
        );
        return None;
    };
    let (table, problems) = tree::parse(manifest.source, &manifest.text);
    found.extend(problems);
    let mut reader = Reader::new(&table, manifest.first_line(), "pack.toml", PACK_CODES, found);
    let format = format!("{PACK_FORMAT}: this program reads no other format");
    reader.required("format", &format, |value| (value.as_i64() == Some(PACK_FORMAT)).then_some(()));
    let expected = format!("`{folder}`, like the folder");
    let name = reader.required("name", &expected, |value| {
        value.as_str().filter(|text| *text == folder).and_then(|text| PackName::new(text).ok())
    });
    let version = reader.text("version");
    reader.optional_text("doc");
    let scope = reader.required("scope", "account, region or site", |value| {
        let word = value.as_str()?;
        PackScope::ALL.iter().find(|(name, _)| *name == word).map(|(_, scope)| *scope)
    });
    let (requires, controls) = (reader.texts("requires"), reader.texts("controls"));
    let inputs = inputs(&mut reader);
    reader.finish();
    Some(Pack {
        name: name?.value,
        version: version?,
        scope: scope?.value,
        requires,
        controls,
        inputs,
        templates: templates(files),
        digest: digest(files),
        span: manifest.first_line(),
    })
}

fn templates(files: &PackFiles<'_>) -> BTreeMap<String, TemplateFile> {
    let is_template = |path: &str| path.ends_with(".hbs");
    let template = |text: &Text| TemplateFile { source: text.source, text: text.text.clone() };
    files
        .iter()
        .filter(|(path, _)| is_template(path))
        .map(|(path, text)| ((*path).to_owned(), template(text)))
        .collect()
}

/// A pack's digest covers the name and the bytes of its manifest and of every template.
fn digest(files: &PackFiles<'_>) -> Digest {
    let digests: BTreeMap<&str, Digest> = files.iter().map(|(path, text)| (*path, text.digest)).collect();
    Digest::of_canonical(&digests)
}

fn check_needs(packs: &BTreeMap<PackName, Pack>, found: &mut Diagnostics) {
    for pack in packs.values() {
        for need in &pack.requires {
            if packs.keys().any(|name| name.as_str() == need.value) {
                continue;
            }
            let message = format!("pack `{}` needs pack `{}`, which is not there", pack.name, need.value);
            let problem =
                Diagnostic::error("pack.missing-requirement", message).at(need.span.clone(), "needed here");
            found.push(match nearest(&need.value, packs.keys().map(PackName::as_str)) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(format!("add the pack as templates/{}", need.value)),
            });
        }
    }
}

fn inputs(reader: &mut Reader<'_, '_>) -> BTreeMap<String, Input> {
    let Some((table, _)) = reader.table("inputs") else { return BTreeMap::new() };
    let mut inputs = BTreeMap::new();
    for (path, entry) in &table.entries {
        let Some(inner) = entry.tree.as_table() else {
            reader.wrong(&entry.tree, path, "a table");
            continue;
        };
        if !path.split('.').next().is_some_and(|root| ROOTS.contains(&root)) {
            let message = format!("input `{path}` does not begin with a root that templates see");
            reader.found().push(
                Diagnostic::error(PACK_CODES.wrong, message)
                    .at(entry.key.clone(), "not a path")
                    .help(format!("write it in quotes with its root: [inputs.\"site.{path}\"]")),
            );
            continue;
        }
        if let Some(input) = input(reader, path, inner, entry.key.clone()) {
            inputs.insert(path.clone(), input);
        }
    }
    inputs
}

fn input(reader: &mut Reader<'_, '_>, path: &str, table: &Table, span: Span) -> Option<Input> {
    let what = format!("input `{path}`");
    let mut inner = reader.inner(table, span.clone(), &what);
    let words = format!("one of {}, or list<…>", InputType::words().collect::<Vec<_>>().join(", "));
    let kind = inner.required("type", &words, |value| value.as_str().and_then(InputType::named));
    let required = inner.optional("required", "true or false", boolean);
    let identity = inner.optional("identity", "true or false", boolean);
    let one_of = list(&mut inner, "one_of").iter().map(Tree::to_json).collect();
    let bounds: Vec<f64> =
        list(&mut inner, "range").iter().filter_map(|tree| tree.to_json().as_f64()).collect();
    if table.get("range").is_some() && bounds.len() != 2 {
        let tree = table.get("range").cloned();
        tree.iter().for_each(|tree| inner.wrong(tree, "range", "[least, greatest]"));
    }
    let doc = inner.text("doc");
    inner.finish();
    Some(Input {
        kind: kind?.value,
        required: required.is_none_or(|Located { value, .. }: Located<bool>| value),
        one_of,
        range: (bounds.len() == 2).then(|| (bounds[0], bounds[1])),
        identity: identity.is_some_and(|l| l.value),
        doc: doc.map(|l| l.value).unwrap_or_default(),
        span,
    })
}

fn list<'t>(reader: &mut Reader<'t, '_>, key: &'static str) -> &'t [Tree] {
    match reader.any(key) {
        None => &[],
        Some(Tree { node: Node::List(items), .. }) => items,
        Some(tree) => {
            reader.wrong(tree, key, "a list");
            &[]
        }
    }
}
