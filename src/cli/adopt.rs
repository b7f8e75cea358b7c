//! `landfall adopt`: objects that are there already become ours, by name and never silently.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::args::Output;
use super::exit::Exit;
use super::run::{journal_to_read, runtime, warn};
use super::ui::Ui;
use crate::base::id::ScopeId;
use crate::journal::sqlite::SqliteJournal;
use crate::model::plan::FieldChange;
use crate::ops::Context;
use crate::ops::adopt::{self, Candidate, Named};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::target::{reach, sign_in};
use crate::report::plan_view::plural;

/// Version of the JSON form.
const JSON_VERSION: u32 = 1;

/// What is recorded as the reason if none is given.
const REASON: &str = "it was there before this estate";

/// Arguments of `adopt`.
#[derive(Debug, Args)]
pub struct AdoptArgs {
    /// The kind, for example databricks.catalog
    #[arg(required_unless_present = "discover")]
    pub kind: Option<String>,
    /// The object's natural key or id
    #[arg(required_unless_present = "discover")]
    pub key: Option<String>,
    /// The scope that is to own it: `account`, `region/<name>` or `site/<CODE>`
    #[arg(long, value_name = "SCOPE", required_unless_present = "discover")]
    pub scope: Option<String>,
    /// The step that declares it
    #[arg(long = "as", value_name = "STEP", required_unless_present = "discover")]
    pub step: Option<String>,
    /// List everything that is declared, is there and is held by no log
    #[arg(long, conflicts_with_all = ["kind", "key", "scope", "step"])]
    pub discover: bool,
    /// With --discover: adopt all of it
    #[arg(long, requires = "discover")]
    pub all: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Why, without patient data
    #[arg(long, default_value = REASON)]
    pub reason: String,
    /// Where the objects are
    #[arg(long, value_name = "NAME", default_value = "sandbox")]
    pub target: String,
    /// How to print what was discovered
    #[arg(long, short, value_enum, default_value_t = Output::Text, requires = "discover")]
    pub output: Output,
}

/// Carries out `adopt`.
pub fn adopt(ui: &Ui, context: &Context, args: &AdoptArgs) -> Result<Exit, Failure> {
    let desired = Desired::read(&context.root)?;
    warn(ui, &desired);
    if args.discover { discover(ui, context, &desired, args) } else { named(ui, context, &desired, args) }
}

fn found(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    scopes: &BTreeSet<ScopeId>,
    target: &str,
) -> Result<Vec<Candidate>, Failure> {
    let journal = journal_to_read(context)?;
    runtime()?.block_on(async {
        let reached = reach(context, &desired.loaded, target).await?.told(ui.talk());
        sign_in(&reached).await?;
        adopt::discover(desired, scopes, &reached, &*journal).await
    })
}

fn discover(ui: &Ui, context: &Context, desired: &Desired, args: &AdoptArgs) -> Result<Exit, Failure> {
    let scopes = desired.rendered.keys().cloned().collect();
    let all = found(ui, context, desired, &scopes, &args.target)?;
    match args.output {
        Output::Json => ui.json(&json!({
            "v": JSON_VERSION, "objects": all.iter().map(|one| as_json(one, args)).collect::<Vec<_>>(),
        })),
        Output::Text => ui.data(&table(&all, args)),
    }
    let (ready, refused): (Vec<Candidate>, Vec<Candidate>) =
        all.into_iter().partition(|one| one.refused.is_none());
    if !args.all || ready.is_empty() {
        return Ok(Exit::Done);
    }
    confirm(ui, args.yes, "all", &format!("adopt these {}", ready.len()))?;
    let done = record(context, &ready, &args.reason)?;
    ui.say(&format!(
        "Adopted {done} {}; nothing on the target was changed",
        plural(done, "object", "objects")
    ));
    if !refused.is_empty() {
        ui.say(&format!("{} could not be adopted: see above", refused.len()));
    }
    ui.say(&format!("Next: landfall plan --all --target {}", args.target));
    Ok(Exit::Done)
}

fn named(ui: &Ui, context: &Context, desired: &Desired, args: &AdoptArgs) -> Result<Exit, Failure> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let typed = text(&args.scope);
    let scope: ScopeId = typed.parse().map_err(|_| {
        Failure::usage(format!("`{typed}` is no scope"), "write account, region/<name> or site/<CODE>")
    })?;
    let named =
        Named { kind: text(&args.kind), key: text(&args.key), scope: scope.clone(), step: text(&args.step) };
    let (step, _) = named.check(desired)?;
    let mut scopes = desired.needs_of(&scope);
    scopes.insert(scope.clone());
    let all = found(ui, context, desired, &scopes, &args.target)?;
    let one = adopt::one(&named, &step, &*journal_to_read(context)?, &all)?;
    ui.data(&object(&one));
    confirm(ui, args.yes, step.as_str(), &format!("adopt {step}"))?;
    record(context, std::slice::from_ref(&one), &args.reason)?;
    ui.say(&format!("{scope} holds {step} from now on; nothing on the target was changed"));
    let select = scope.site().map_or("--all".to_owned(), |site| format!("--site {site}"));
    ui.say(&format!("Next: landfall plan {select} --target {}", args.target));
    Ok(Exit::Done)
}

fn record(context: &Context, chosen: &[Candidate], reason: &str) -> Result<usize, Failure> {
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    adopt::adopt(context, &mut journal, chosen, reason)
}

/// Never silently: a flag, or the name typed on a terminal.
fn confirm(ui: &Ui, yes: bool, name: &str, what: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let refused = |reason: &str| Failure::Refused { reason: format!("{reason}; nothing was adopted") };
    match ui.ask(&format!("Type `{name}` to {what}: ")) {
        None => Err(refused("nobody is at the terminal to confirm it: add --yes")),
        Some(typed) if typed.trim() == name => Ok(()),
        Some(_) => Err(refused("that is not what was asked for")),
    }
}

fn table(all: &[Candidate], args: &AdoptArgs) -> String {
    if all.is_empty() {
        return "Nothing to adopt: everything declared that is there is held by a log.\n".to_owned();
    }
    let mut out = String::new();
    for one in all {
        out.push_str(&object(one));
        if one.refused.is_none() {
            let _ = writeln!(out, "    {}", command(one, args));
        }
    }
    let ready = all.iter().filter(|one| one.refused.is_none()).count();
    let _ = writeln!(
        out,
        "\n{} {} there that no log holds, {ready} of them can be adopted. Read-only: nothing was changed.\n\
         landfall adopt --discover --all --target {} takes them all over",
        all.len(),
        plural(all.len(), "declared object is", "declared objects are"),
        args.target
    );
    out
}

fn object(one: &Candidate) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{} {}   {} `{}` (id {})", one.scope, one.step, one.kind, one.key, one.id);
    if let Some(why) = &one.refused {
        let _ = writeln!(out, "    cannot be adopted: {why}");
    } else if one.changes.is_empty() {
        out.push_str("    it is as declared: a plan would change nothing\n");
    } else {
        out.push_str("    a plan would then change:\n");
        one.changes.iter().for_each(|change| field(&mut out, change));
    }
    out
}

fn field(out: &mut String, change: &FieldChange) {
    let show = |value: &Option<serde_json::Value>| {
        let text = value.as_ref().map_or("(none)".to_owned(), ToString::to_string);
        crate::evidence::scan::unsaid(&text).unwrap_or(text)
    };
    let forces = if change.forces_replacement { "  # forces replacement" } else { "" };
    let (from, to) = (show(&change.from), show(&change.to));
    let _ = writeln!(out, "      {}: {from} -> {to}{forces}   [{}]", change.at, change.reason);
}

/// The exact command for one object.
fn command(one: &Candidate, args: &AdoptArgs) -> String {
    let Candidate { scope, step, kind, key, .. } = one;
    format!("landfall adopt {kind} {} --scope {scope} --as {step} --target {}", quoted(key), args.target)
}

/// As a shell takes it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

fn as_json(one: &Candidate, args: &AdoptArgs) -> serde_json::Value {
    let Candidate { scope, step, kind, key, id, changes, refused, .. } = one;
    let differs: Vec<&str> = changes.iter().map(|change| change.at.as_str()).collect();
    json!({
        "scope": scope, "step": step, "kind": kind, "key": key, "id": id, "differs": differs, "refused": refused,
        "command": refused.is_none().then(|| command(one, args)),
    })
}
