//! Campaigns of recertification on the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Draft, Recert, recording, sign};
use crate::access::campaign::Standing;
use crate::base::id::{RoleName, SiteCode};
use crate::base::limits;
use crate::cli::exit::Exit;
use crate::cli::signing::{Desk, Signing};
use crate::cli::ui::Ui;
use crate::journal::sqlite::SqliteJournal;
use crate::model::access::{Answers, CAMPAIGN_VERSION, Outcome, Verdict};
use crate::model::signed::Act;
use crate::ops::access as ops_access;
use crate::ops::desired::Desired;
use crate::ops::earlier::limited;
use crate::ops::error::Failure;
use crate::ops::{self, Context, decisions};
use crate::people::Seat;

/// Carries out a command of a campaign.
pub(super) fn recert(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    command: Recert,
) -> Result<Exit, Failure> {
    let estate = &desired.loaded.estate;
    match command {
        Recert::Start { site, days, moment } => {
            let context = &recording(context, desired, &moment)?;
            let site = ops::plan::site(desired, &site)?;
            let mut journal = SqliteJournal::open(&context.journal_dir())?;
            let standing = ops_access::start(context, &mut journal, &site, days)?;
            started(ui, &site, &standing);
        }
        Recert::Answer { site, keep, revoke, file, signing, moment } => {
            let context = &recording(context, desired, &moment)?;
            let site = ops::plan::site(desired, &site)?;
            return answer(ui, context, desired, &site, (keep, revoke, file), &signing);
        }
        Recert::Confirm { site, moment } => {
            let context = &recording(context, desired, &moment)?;
            let site = ops::plan::site(desired, &site)?;
            let mut journal = SqliteJournal::open(&context.journal_dir())?;
            let outcome = ops_access::confirm(context, &mut journal, &site)?;
            let campaign = outcome.campaign;
            ui.result(&format!("{campaign} of {site} is filed again: what it took away is gone"));
        }
        Recert::Close { site, moment } => {
            let context = &recording(context, desired, &moment)?;
            let site = ops::plan::site(desired, &site)?;
            let mut journal = SqliteJournal::open(&context.journal_dir())?;
            let outcome = ops_access::close(context, estate, &mut journal, &site)?;
            closed(ui, &site, &outcome);
        }
    }
    Ok(Exit::Done)
}

fn started(ui: &Ui, site: &SiteCode, standing: &Standing) {
    let Standing { campaign, due, rows, .. } = standing;
    ui.result(&format!("{campaign} of {site}: {} rights to answer for until {due}", rows.len()));
    let mut work: BTreeMap<&RoleName, usize> = BTreeMap::new();
    for (_, row) in standing.open() {
        *work.entry(&row.reviewer).or_default() += 1;
    }
    work.iter().for_each(|(role, rows)| ui.line(&format!("  {role}: {rows} rows")));
    ui.say(&format!("Next: landfall access list --site {site} --rows"));
}

fn closed(ui: &Ui, site: &SiteCode, outcome: &Outcome) {
    let of = |verdict: Verdict| outcome.rows.values().filter(move |one| one.verdict == verdict).count();
    for one in outcome.rows.values().filter(|one| one.verdict != Verdict::Kept) {
        let why = one.reason.as_deref().unwrap_or("nobody answered for it");
        let right = &one.row.right;
        ui.line(&format!("goes: {} {} by {}: {why}", right.principal, right.privilege, right.step));
    }
    ui.result(&format!(
        "{} of {site} is closed, {} % answered: {} stay, {} go, {} go because nobody answered",
        outcome.campaign,
        outcome.answered_percent,
        of(Verdict::Kept),
        of(Verdict::Revoked),
        of(Verdict::Unanswered)
    ));
    if outcome.removed_but_there > 0 {
        ui.say(&format!("Next: landfall plan --site {site} --out access.plan shows what is taken away"));
        ui.say(&format!("Once that is applied: landfall access recert confirm --site {site}"));
    }
}

fn answer(
    ui: &Ui,
    context: &Context,
    desired: &Desired,
    site: &SiteCode,
    (keep, revoke, file): (Vec<String>, Vec<String>, Option<PathBuf>),
    signing: &Signing,
) -> Result<Exit, Failure> {
    let estate = &desired.loaded.estate;
    let mut journal = SqliteJournal::open(&context.journal_dir())?;
    let (keys, zone, now) = (decisions::keys(&journal)?, estate.time_zone(), context.clock.now());
    let all = ops_access::standings(estate, &journal, site, now)?;
    let Some(open) = all.into_iter().find(|one| one.closed.is_none()) else {
        return Err(Failure::Refused {
            reason: format!("{site} has no open campaign: landfall access recert start"),
        });
    };
    let seat = |role: &RoleName| Seat { role: role.clone(), site: Some(site.clone()) };
    let seats: Vec<Seat> = open.rows.values().map(|(row, _)| seat(&row.reviewer)).collect();
    let desk = Desk { people: &estate.people, keys: &keys, zone: &zone, now };
    let role = signing.decider(desk, &seats)?.role;
    let mut answers = match file {
        Some(path) => from_file(&path, &open.campaign)?,
        None => Answers {
            v: CAMPAIGN_VERSION,
            campaign: open.campaign.clone(),
            keep: keep.into_iter().collect(),
            revoke: revoke.iter().map(|text| reason(text)).collect::<Result<_, _>>()?,
        },
    };
    if answers.keep.remove("all") {
        let own = open.open().filter(|(id, row)| row.reviewer == role && !answers.revoke.contains_key(*id));
        answers.keep.extend(own.map(|(id, _)| id.clone()));
    }
    let (subject, meaning) = ops_access::answering(&journal, site, &answers, &role)?;
    let draft = Draft { subject, act: Act::Attest {}, meaning, comment: "", seats: [seat(&role)].into() };
    let Some(signed) = sign(ui, context, desired, &mut journal, signing, draft)? else {
        return Ok(Exit::Done);
    };
    let standing = ops_access::answer(context, estate, &mut journal, site, &answers, &signed)?;
    let open = standing.open().count();
    ui.result(&format!(
        "{} of {site}: {} % answered, {open} rows open",
        standing.campaign,
        standing.percent()
    ));
    if open == 0 {
        ui.say(&format!("Next: landfall access recert close --site {site}"));
    }
    Ok(Exit::Done)
}

/// Answers from a file, which does not have to say for which campaign it is.
fn from_file(path: &Path, campaign: &str) -> Result<Answers, Failure> {
    let bytes = limited(path, limits::NOTE_FILE_BYTES_MAX)?;
    let bad = |error: serde_json::Error| {
        Failure::usage(
            format!("{}: {error}", path.display()),
            "write { \"keep\": [ROW], \"revoke\": { ROW: REASON } }",
        )
    };
    let mut raw: serde_json::Value = serde_json::from_slice(&bytes).map_err(bad)?;
    if let Some(table) = raw.as_object_mut() {
        table.entry("v").or_insert_with(|| json!(CAMPAIGN_VERSION));
        table.entry("campaign").or_insert_with(|| json!(campaign));
    }
    serde_json::from_value(raw).map_err(bad)
}

fn reason(text: &str) -> Result<(String, String), Failure> {
    let (row, why) = text
        .split_once('=')
        .ok_or_else(|| Failure::usage(format!("--revoke {text}: no reason"), "write --revoke ROW=REASON"))?;
    Ok((row.trim().to_owned(), why.trim().to_owned()))
}
