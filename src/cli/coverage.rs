//! `landfall evidence coverage`: the score of controls, and every gap with what is missing.

use std::collections::BTreeSet;

use serde_json::json;

use crate::base::time::Timestamp;
use crate::cli::args::{Coverage, CoverageOutput, FrameworkName};
use crate::cli::exit::Exit;
use crate::cli::inspect::{read_journal, table};
use crate::cli::ui::Ui;
use crate::controls::{Coverage as Score, Framework, Gap, csv};
use crate::model::control::Missing;
use crate::ops::Context;
use crate::ops::controls::{SiteControls, all, of_bundle};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;

/// Prints the score. The context is only made for a journal: a bundle needs no estate around it.
pub fn coverage(
    ui: &Ui,
    context: impl FnOnce() -> Result<Context, Failure>,
    args: &Coverage,
) -> Result<Exit, Failure> {
    let (sites, now) = match &args.bundle {
        Some(folder) => {
            let (found, exported_at) = of_bundle(folder)?;
            (vec![found], exported_at)
        }
        None => of_journal(&context()?, args.site.as_deref())?,
    };
    let frameworks = match args.framework {
        Some(name) => vec![framework(name)],
        None => Framework::ALL.to_vec(),
    };
    let scores: Vec<Score> = sites.iter().flat_map(|site| site.coverage(&frameworks)).collect();
    match args.output {
        CoverageOutput::Text => text(ui, &scores, args.site.is_some() || args.bundle.is_some()),
        CoverageOutput::Json => ui.json(&json!({ "v": 1, "as_of": now, "coverage": scores })),
        CoverageOutput::Csv => ui.data(&matrix(&sites, &frameworks)),
    }
    let open: usize = scores.iter().map(|score| score.gaps.len()).sum();
    if args.require_complete && open > 0 {
        let kinds: BTreeSet<&str> = scores.iter().flat_map(|score| &score.gaps).flat_map(kinds_of).collect();
        let kinds = Vec::from_iter(kinds).join(", ");
        let why = if kinds.is_empty() { String::new() } else { format!("; not there: {kinds}") };
        ui.always(&format!("refused: {open} controls are not evidenced{why}"));
        return Ok(Exit::Refused);
    }
    Ok(Exit::Done)
}

fn of_journal(context: &Context, site: Option<&str>) -> Result<(Vec<SiteControls>, Timestamp), Failure> {
    let desired = Desired::read(&context.root)?;
    let now = context.clock.now();
    let sites = match read_journal(context)? {
        Some(journal) => all(context, &desired, &journal, site, now)?,
        None => all(context, &desired, &crate::journal::memory::MemoryJournal::new(), site, now)?,
    };
    Ok((sites, now))
}

fn kinds_of(gap: &Gap) -> impl Iterator<Item = &str> {
    gap.missing.iter().map(|missing| missing.kind.as_str())
}

pub(super) fn framework(name: FrameworkName) -> Framework {
    match name {
        FrameworkName::Hipaa => Framework::Hipaa,
        FrameworkName::Soc2 => Framework::Soc2,
        FrameworkName::Hitrust => Framework::Hitrust,
        FrameworkName::Part11 => Framework::Part11,
        FrameworkName::Nist => Framework::Nist,
    }
}

fn matrix(sites: &[SiteControls], frameworks: &[Framework]) -> String {
    let wanted = |word: &str| frameworks.iter().any(|framework| framework.word() == word);
    let kept: Vec<_> = sites
        .iter()
        .map(|site| {
            (&site.site, site.rows.iter().filter(|row| wanted(&row.framework)).cloned().collect::<Vec<_>>())
        })
        .collect();
    csv(kept.iter().map(|(site, rows)| (*site, rows.as_slice())))
}

fn text(ui: &Ui, scores: &[Score], with_gaps: bool) {
    let head = [
        "SITE",
        "FRAMEWORK",
        "EVIDENCED",
        "PARTIAL",
        "FAILED",
        "NOT RUN",
        "MANUAL",
        "WAIVED",
        "N/A",
        "STALE",
    ];
    let mut scored = table(&head);
    for score in scores {
        let counts = [
            score.partial,
            score.failed,
            score.not_run,
            score.manual,
            score.waived,
            score.not_applicable,
            score.stale,
        ];
        let names = [score.site.to_string(), score.label.clone()];
        let evidenced = format!("{}/{}", score.evidenced, score.required);
        scored.add_row(names.into_iter().chain([evidenced]).chain(counts.map(|count| count.to_string())));
    }
    ui.line(&scored.to_string());
    if !with_gaps {
        ui.say("Next: --site CODE lists what is missing");
        return;
    }
    if scores.iter().all(|score| score.gaps.is_empty()) {
        ui.line("\nNothing is missing.");
        return;
    }
    let mut gaps = table(&["CONTROL", "TITLE", "STATUS", "MISSING"]);
    for score in scores {
        for gap in &score.gaps {
            let id = format!("{} {}", score.label, gap.id);
            let missing: Vec<String> = gap.missing.iter().map(words).collect();
            gaps.add_row([id, gap.title.clone(), gap.status.clone(), missing.join("\n")]);
        }
    }
    ui.line(&format!("\n{gaps}"));
}

fn words(missing: &Missing) -> String {
    let since = missing.since.map_or(String::new(), |since| format!(" since {since}"));
    format!("{}{since}: {}", missing.kind, missing.why)
}
