//! Commands that only look: init, check, params, packs, render, waves, evidence.

use std::path::Path;

use comfy_table::{Table, presets};
use serde_json::json;

use super::args::{Check, Init, Output, Params, Render};
use super::exit::Exit;
use super::ui::Ui;
use super::{asked, draw};
use crate::journal::sqlite::SqliteJournal;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{self, Context};

pub fn init(ui: &Ui, args: &Init) -> Result<Exit, Failure> {
    let count = ops::init::write(&args.dir, args.sites)?;
    let dir = args.dir.display();
    let estate = match args.sites {
        None => "an example estate of eleven clinics".to_owned(),
        Some(1) => "a generated estate of one site".to_owned(),
        Some(sites) => format!("a generated estate of {sites} sites"),
    };
    ui.say(&format!("Wrote {count} files to {dir}: {estate} and the standard packs"));
    let go = if args.dir == Path::new(".") { String::new() } else { format!("cd {dir} && ") };
    ui.say(&format!("Next: {go}landfall check && landfall rehearse pilot; README.md says what to edit"));
    Ok(Exit::Done)
}

pub fn check(ui: &Ui, context: &Context, args: &Check) -> Result<Exit, Failure> {
    if args.output == Output::Json {
        return Ok(check_json(ui, context, args.packs.as_deref()));
    }
    let checked = ops::check::check(&context.root, args.packs.as_deref())?;
    if !checked.warnings.is_empty() {
        ui.always(draw::diagnostics(&checked.warnings, &checked.sources, ui.colour()).trim_end());
    }
    ui.line(&format!(
        "Checked {} sites, {} waves, {} packs: {} steps render, nothing is wrong",
        checked.sites, checked.waves, checked.packs, checked.steps
    ));
    Ok(Exit::Done)
}

fn check_json(ui: &Ui, context: &Context, packs: Option<&Path>) -> Exit {
    let (found, sources, exit) = match ops::check::check(&context.root, packs) {
        Ok(checked) => (checked.warnings, checked.sources, Exit::Done),
        Err(Failure::Input { found, sources }) => (found, sources, Exit::Input),
        Err(other) => return super::explain(ui, other),
    };
    ui.json(&json!({ "v": 1, "diagnostics": draw::json(&found, &sources) }));
    exit
}

pub fn params(ui: &Ui, context: &Context, args: &Params) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    let Some(key) = &args.explain else {
        let all = ops::params::all(&desired, &args.site)?;
        if args.output == Output::Json {
            let of = |p: &ops::params::Parameter| json!({ "value": p.value, "from": p.from });
            let map: serde_json::Map<_, _> = all.iter().map(|(k, p)| (k.clone(), of(p))).collect();
            ui.json(&serde_json::Value::Object(map));
        } else {
            let mut table = table(&["PARAMETER", "VALUE", "FROM"]);
            for (path, parameter) in &all {
                table.add_row([path.clone(), parameter.value.to_string(), parameter.from.clone()]);
            }
            ui.line(&table.to_string());
        }
        return Ok(Exit::Done);
    };
    let found = ops::params::explain(&desired, &args.site, key)?;
    if args.output == Output::Json {
        let chain: Vec<_> = found
            .chain
            .iter()
            .map(|l| json!({ "path": l.path, "layer": l.layer.to_string(), "place": l.place, "value": l.value }))
            .collect();
        ui.json(&json!({ "path": found.path, "value": found.value, "chain": chain }));
        return Ok(Exit::Done);
    }
    ui.line(&format!("{} = {}", found.path, found.value));
    let last = found.chain.len().saturating_sub(1);
    for (index, layer) in found.chain.iter().enumerate() {
        let counts = if index == last { "this counts" } else { "overridden" };
        ui.line(&format!("  {:<12} {:<30} {}   {counts}", layer.layer.to_string(), layer.place, layer.value));
    }
    Ok(Exit::Done)
}

pub fn packs(ui: &Ui, context: &Context, output: Output) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    if output == Output::Json {
        let packs: Vec<_> = desired
            .loaded
            .packs
            .values()
            .map(|pack| {
                let words = |list: &[crate::base::span::Located<String>]| -> Vec<String> {
                    list.iter().map(|one| one.value.clone()).collect()
                };
                json!({
                    "name": pack.name, "version": pack.version.value, "digest": pack.digest,
                    "scope": pack.scope.word(), "requires": words(&pack.requires),
                    "controls": words(&pack.controls), "inputs": pack.inputs.keys().collect::<Vec<_>>(),
                })
            })
            .collect();
        ui.json(&json!({ "v": 1, "packs": packs }));
        return Ok(Exit::Done);
    }
    let mut table = table(&["PACK", "VERSION", "SCOPE", "DIGEST", "INPUTS", "NEEDS"]);
    for pack in desired.loaded.packs.values() {
        let needs: Vec<&str> = pack.requires.iter().map(|r| r.value.as_str()).collect();
        table.add_row([
            pack.name.to_string(),
            pack.version.value.clone(),
            pack.scope.word().to_owned(),
            pack.digest.short(),
            pack.inputs.len().to_string(),
            needs.join(", "),
        ]);
    }
    ui.line(&table.to_string());
    Ok(Exit::Done)
}

pub fn lock(ui: &Ui, context: &Context) -> Result<Exit, Failure> {
    ui.data(&ops::packs::lock(&context.root)?);
    ui.say("Wrote templates/pack.lock");
    Ok(Exit::Done)
}

pub fn render(ui: &Ui, context: &Context, args: &Render) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    let files = ops::render::files(&desired, &asked(&args.select))?;
    let digest = ops::render::digest(&files);
    if let Some(out) = &args.out {
        ops::render::write(&files, out)?;
        ui.say(&format!("Wrote {} files to {}", files.len(), out.display()));
    }
    if args.digest {
        for (path, text) in &files {
            ui.line(&format!("{}  {path}", crate::base::digest::Digest::of(text.as_bytes())));
        }
    }
    ui.line(&format!("{digest}  all {} files", files.len()));
    Ok(Exit::Done)
}

pub fn waves(ui: &Ui, context: &Context, output: Output) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    let waves = &desired.loaded.estate.waves;
    if output == Output::Json {
        let all: Vec<_> = waves
            .iter()
            .map(|wave| {
                let sites: Vec<&str> = wave.sites.iter().map(|s| s.value.as_str()).collect();
                json!({ "name": wave.name, "kind": wave.kind.word(), "sites": sites,
                        "max_parallel": wave.max_parallel, "failure_budget": wave.failure_budget })
            })
            .collect();
        ui.json(&json!({ "v": 1, "waves": all }));
        return Ok(Exit::Done);
    }
    let mut table = table(&["WAVE", "KIND", "SITES (canary first)", "PARALLEL", "BUDGET", "FROM", "TO"]);
    for wave in waves {
        let sites: Vec<&str> = wave.sites.iter().map(|s| s.value.as_str()).collect();
        let day = |day: Option<jiff::civil::Date>| day.map_or(String::new(), |day| day.to_string());
        table.add_row([
            wave.name.to_string(),
            wave.kind.word().to_owned(),
            sites.join(", "),
            wave.max_parallel.to_string(),
            wave.failure_budget.to_string(),
            day(wave.start),
            day(wave.end),
        ]);
    }
    ui.line(&table.to_string());
    Ok(Exit::Done)
}

/// The journal, if there is one yet; looking never makes one.
pub(super) fn read_journal(context: &Context) -> Result<Option<SqliteJournal>, Failure> {
    let dir = context.journal_dir();
    if !dir.exists() {
        return Ok(None);
    }
    Ok(Some(SqliteJournal::open_read_only(&dir)?))
}

pub(super) fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head.iter().copied());
    table
}
