//! A plan on one page, for people who do not read plans. Every sentence rests on the plan; what the plan does not know
//! is called unknown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::plan_view::{Severity, counts, partial, plural, resting, shared_line};
use super::{pattern_view, room_view};
use crate::base::id::{ScopeId, SiteCode};
use crate::base::time::Timestamp;
use crate::model::plan::overview::Counted;
use crate::model::plan::{Operation, Plan, Reconcile, Reversal, SavedPlan};

/// Steps that are named in one paragraph; the rest is counted, so that the page stays one.
const STEPS_NAMED: usize = 12;

/// What is known beside the plan. What is empty is called unknown.
#[derive(Debug, Clone, Default)]
pub struct Outlook {
    /// When each site may start next.
    pub next_starts: BTreeMap<SiteCode, Timestamp>,
    /// Until when the plan may be applied.
    pub valid_until: Option<Timestamp>,
    /// Approvals and gates that are still open; absent while nobody has asked.
    pub open_gates: Option<Vec<String>>,
}

/// The page.
pub fn text(saved: &SavedPlan, outlook: &Outlook) -> String {
    let plan = &saved.plan;
    let mut out = String::new();
    let _ = writeln!(out, "{}: {}", plan.estate, plan.selection);
    let _ = writeln!(out, "Plan {}, made at {}\n", saved.digest, saved.made_at);
    let paragraphs: [(&str, String); 11] = [
        ("What", what(plan)),
        ("Where", place(plan)),
        ("Sites", sites(plan)),
        ("Patterns", pattern_view::line(&plan.overview.patterns).unwrap_or_else(unknown)),
        ("When", when(plan, outlook)),
        ("Risk", risk(plan)),
        ("Cannot be undone", named(plan, |r| changes(r) && r.reversal == Reversal::OneWay)),
        ("Destroyed or replaced", named(plan, destroys)),
        ("Shared", shared(plan)),
        ("Room", room(plan)),
        ("Waits for", waits_for(plan, outlook)),
    ];
    for (head, words) in paragraphs {
        let _ = writeln!(out, "{head}\n  {}", words.replace('\n', "\n  "));
    }
    let _ = writeln!(out, "Cost\n  Unknown: a plan holds no prices.");
    out
}

fn unknown() -> String {
    "Unknown: the plan says nothing about it.".to_owned()
}

fn changes(reconcile: &Reconcile) -> bool {
    reconcile.operation != Operation::None
}

fn destroys(reconcile: &Reconcile) -> bool {
    matches!(reconcile.operation, Operation::Delete | Operation::Replace)
}

fn what(plan: &Plan) -> String {
    let counts = counts(plan);
    if !counts.has_changes() {
        return format!(
            "Nothing changes. {} {} read back what is there.",
            counts.checks,
            plural(counts.checks, "check", "checks")
        );
    }
    format!(
        "{} to add, {} to change, {} to destroy, {} of these a replacement; {} stay as they are. {} {} read back what was \
         made.",
        counts.add,
        counts.change,
        counts.destroy,
        counts.replace,
        counts.unchanged,
        counts.checks,
        plural(counts.checks, "check", "checks")
    )
}

fn place(plan: &Plan) -> String {
    let regions = plan.scopes.keys().filter_map(|scope| match scope {
        ScopeId::Region(name) => Some(name.to_string()),
        ScopeId::Account | ScopeId::Site(_) => None,
    });
    let regions: Vec<String> = regions.collect();
    let regions = if regions.is_empty() { "none".to_owned() } else { regions.join(", ") };
    format!("Target {} ({}); regions: {regions}.", plan.target.name, plan.target.host)
}

fn sites(plan: &Plan) -> String {
    let wave = |wave: &crate::model::plan::WavePlan| {
        let codes: Vec<String> = wave.sites.iter().map(ToString::to_string).collect();
        let first = codes.first().cloned().unwrap_or_default();
        let order = match codes.len() {
            1 => String::new(),
            _ => format!("; {first} goes first and alone, then at most {} at once", wave.max_parallel),
        };
        format!(
            "{}: {} {}, {}{order}. {} may fail before no further one starts.",
            wave.name,
            codes.len(),
            plural(codes.len(), "site", "sites"),
            codes.join(" "),
            wave.failure_budget
        )
    };
    plan.fleet.waves.iter().map(wave).chain(partial(plan)).collect::<Vec<_>>().join("\n")
}

fn when(plan: &Plan, outlook: &Outlook) -> String {
    let start = |code: &SiteCode| match outlook.next_starts.get(code) {
        Some(at) => format!("{code}: {at}"),
        None => format!("{code}: unknown"),
    };
    let codes: Vec<&SiteCode> = plan.fleet.waves.iter().flat_map(|wave| &wave.sites).collect();
    let starts = if outlook.next_starts.is_empty() {
        "Next start of each site: unknown.".to_owned()
    } else {
        let starts: Vec<String> = codes.into_iter().map(start).collect();
        format!("Next start of each site: {}.", starts.join(", "))
    };
    match outlook.valid_until {
        Some(until) => format!("{starts}\nThe plan can be applied until {until}."),
        None => format!("{starts}\nUntil when the plan can be applied: unknown."),
    }
}

fn risk(plan: &Plan) -> String {
    let count = |wanted: &dyn Fn(&Reconcile) -> bool| plan.reconciles().filter(|(_, _, r)| wanted(r)).count();
    let (one_way, with_loss) = (
        count(&|r| changes(r) && r.reversal == Reversal::OneWay),
        count(&|r| changes(r) && r.reversal == Reversal::WithLoss),
    );
    let severe = count(&|r| Severity::of(r).is_some_and(|severity| severity < Severity::OneWay));
    let shared = plan.reconciles().filter(|(scope, _, r)| scope.site().is_none() && changes(r)).count();
    format!(
        "{one_way} {} cannot be undone, {with_loss} can be undone with loss. {severe} {} destroyed or replaced. {shared} {} \
         what sites share.",
        plural(one_way, "step", "steps"),
        plural(severe, "object is", "objects are"),
        plural(shared, "step changes", "steps change"),
    )
}

/// Steps by name, scope by scope.
fn named(plan: &Plan, wanted: impl Fn(&Reconcile) -> bool) -> String {
    let steps: Vec<String> = plan
        .reconciles()
        .filter(|(_, _, reconcile)| wanted(reconcile))
        .map(|(scope, id, reconcile)| format!("{scope} {id} ({})", reconcile.kind))
        .collect();
    let mut lines: Vec<String> = steps.iter().take(STEPS_NAMED).cloned().collect();
    if steps.len() > STEPS_NAMED {
        lines.push(format!("and {} more; landfall show names them all", steps.len() - STEPS_NAMED));
    }
    if lines.is_empty() { "Nothing.".to_owned() } else { lines.join("\n") }
}

fn shared(plan: &Plan) -> String {
    let lines: Vec<String> = plan.scopes.keys().filter_map(|scope| shared_line(plan, scope)).collect();
    if !lines.is_empty() {
        return lines.iter().map(|line| line.trim_start()).collect::<Vec<_>>().join("\n");
    }
    let scopes = plan.scopes.keys().filter(|scope| scope.site().is_none());
    let lines: Vec<String> = scopes
        .map(|scope| format!("{scope}: nothing changes; on it rest {}", resting(plan, scope)))
        .collect();
    if lines.is_empty() { "Nothing.".to_owned() } else { lines.join("\n") }
}

fn room(plan: &Plan) -> String {
    let Some(line) = room_view::line(&plan.overview) else { return unknown() };
    let of_sites = plan.overview.room.iter().filter(|room| !room.is_of_one_site);
    let unsure: std::collections::BTreeSet<&str> =
        of_sites.filter(|room| room.counted != Counted::All).map(|room| room.quota.as_str()).collect();
    if unsure.is_empty() {
        return line;
    }
    let unsure: Vec<&str> = unsure.into_iter().collect();
    format!("{line}\nUnknown how many others have already made under: {}.", unsure.join(", "))
}

fn waits_for(plan: &Plan, outlook: &Outlook) -> String {
    let shared: Vec<String> =
        plan.scopes.keys().filter(|s| s.site().is_none()).map(ToString::to_string).collect();
    let order = format!("All sites wait until {} ended well.", shared.join(", "));
    match &outlook.open_gates {
        None => format!("{order}\nApprovals and people: unknown."),
        Some(gates) if gates.is_empty() => format!("{order}\nNo approval is open."),
        Some(gates) => format!("{order}\n{}", gates.join("\n")),
    }
}
