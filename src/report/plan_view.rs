//! A plan as text: Terraform's grammar first, then our own line across sites.

use std::fmt::Write as _;

use serde_json::Value;

use super::{pattern_view, room_view};
use crate::base::id::ScopeId;
use crate::model::plan::{FieldChange, Operation, Plan, Reconcile, Reversal, RollbackOf, SavedPlan, Work};

/// How many of each operation; a replacement counts as one to add and one to destroy, as Terraform counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Objects to be made.
    pub add: usize,
    /// Objects to be changed in place.
    pub change: usize,
    /// Objects to be deleted.
    pub destroy: usize,
    /// Of these, objects deleted and made again.
    pub replace: usize,
    /// Objects that are as desired.
    pub unchanged: usize,
    /// Read-backs with expectations.
    pub checks: usize,
}

impl Counts {
    /// Whether anything would be done to the target.
    pub fn has_changes(&self) -> bool {
        self.add + self.change + self.destroy > 0
    }

    fn count(&mut self, work: &Work) {
        match work {
            Work::Check { .. } => self.checks += 1,
            Work::Reconcile(reconcile) => match reconcile.operation {
                Operation::None => self.unchanged += 1,
                Operation::Create => self.add += 1,
                Operation::Update => self.change += 1,
                Operation::Delete => self.destroy += 1,
                Operation::Replace => {
                    self.add += 1;
                    self.destroy += 1;
                    self.replace += 1;
                }
            },
        }
    }
}

/// Counts over a whole plan.
pub fn counts(plan: &Plan) -> Counts {
    let mut counts = Counts::default();
    plan.scopes.values().flat_map(|s| s.steps.values()).for_each(|step| counts.count(&step.work));
    counts
}

/// Counts of one scope.
pub fn scope_counts(plan: &Plan, scope: &ScopeId) -> Counts {
    let mut counts = Counts::default();
    plan.scope(scope).steps.values().for_each(|step| counts.count(&step.work));
    counts
}

/// What to leave out of the text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Show objects that stay as they are.
    pub show_unchanged: bool,
    /// Show fields of new objects too.
    pub show_fields: bool,
    /// List what is done once per pattern, as it is at the first site of it.
    pub by_pattern: bool,
}

/// The whole text: what cannot be undone first, then scope by scope, then the summary.
pub fn text(saved: &SavedPlan, options: Options) -> String {
    let mut out = String::new();
    head(&mut out, &saved.plan);
    out.push_str(&body(&saved.plan, options));
    out.push_str(&summary(saved));
    out
}

/// What is done: what is to be looked at first, then scope by scope, or pattern by pattern.
pub fn body(plan: &Plan, options: Options) -> String {
    let mut out = String::new();
    severe(&mut out, plan);
    shared(&mut out, plan);
    let patterns = &plan.overview.patterns;
    for scope in plan.scopes.keys().filter(|scope| !options.by_pattern || scope.site().is_none()) {
        let _ = writeln!(out, "\n  # {scope}");
        scope_text(&mut out, plan, scope, options);
    }
    for pattern in patterns.iter().filter(|_| options.by_pattern) {
        let codes: Vec<String> = pattern.sites.iter().map(ToString::to_string).collect();
        let Some(first) = pattern.sites.first() else { continue };
        let (count, sites) = (codes.len(), plural(codes.len(), "site", "sites"));
        let _ = writeln!(
            out,
            "\n  # pattern {}: {count} {sites}, {}; as at {first}",
            pattern.name,
            codes.join(" ")
        );
        scope_text(&mut out, plan, &ScopeId::Site(first.clone()), options);
    }
    out
}

/// What a plan leaves out of the waves that it touches, in words; nothing if it is whole.
pub fn partial(plan: &Plan) -> Option<String> {
    let left_out = plan.selection.left_out()?.iter().map(|(wave, sites)| {
        let codes: Vec<String> = sites.iter().map(ToString::to_string).collect();
        format!("{} of {wave} ({})", codes.len(), codes.join(" "))
    });
    Some(format!("Partial plan: leaves out {}.", left_out.collect::<Vec<_>>().join(", ")))
}

fn head(out: &mut String, plan: &Plan) {
    let (what, target) = (&plan.selection, &plan.target);
    let _ = writeln!(out, "{} · {what} · target {} ({})", plan.estate, target.name, target.host);
    out.push_str("Read-only: no object was changed to make this plan.\n");
    if let Some(partial) = partial(plan) {
        let _ = writeln!(out, "{partial}");
    }
    if let Some(back) = &plan.rollback {
        way_back(out, back);
    }
}

/// Where a plan leads that leads back, and what it leaves alone.
fn way_back(out: &mut String, back: &RollbackOf) {
    let _ = match &back.drill {
        None => writeln!(out, "Leads back to R{} (run {}), state {}.", back.release, back.run, back.state),
        Some(step) => writeln!(out, "Drill: changes {step} on purpose, to lead back to R{}.", back.release),
    };
    for (step, why) in &back.stays {
        let _ = writeln!(out, "  stays: {step}   ({why})");
    }
    for (step, why) in &back.unchecked {
        let _ = writeln!(out, "  not checked again: {step}   ({why})");
    }
}

/// Destroys, replacements and one-way steps come before everything else, in this order.
fn severe(out: &mut String, plan: &Plan) {
    let mut lines = Vec::new();
    for (scope, id, reconcile) in plan.reconciles() {
        if let Some(severity) = Severity::of(reconcile) {
            let creates = reconcile.operation == Operation::Create;
            let consent = plan.consents.iter().find(|consent| creates && consent.kind == reconcile.kind);
            let accepted =
                consent.map_or(String::new(), |consent| format!("; accepted by {}", consent.owner));
            lines.push((
                severity,
                format!("{:>3} {scope} {id}   {}{accepted}", symbol(reconcile.operation), severity.words()),
            ));
        }
    }
    if !lines.is_empty() {
        lines.sort_by_key(|(severity, _)| *severity);
        let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
        let _ = writeln!(out, "\nLook at these first:\n{}", lines.join("\n"));
    }
}

/// Why a step is to be looked at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// It takes something away for good.
    Destroys,
    /// It takes something away and makes it again, and cannot be undone.
    ReplacesOneWay,
    /// It takes something away and makes it again.
    Replaces,
    /// It makes or changes something and cannot be undone.
    OneWay,
}

impl Severity {
    pub(super) fn of(reconcile: &Reconcile) -> Option<Self> {
        let one_way = reconcile.reversal == Reversal::OneWay;
        match reconcile.operation {
            Operation::Delete => Some(Self::Destroys),
            Operation::Replace if one_way => Some(Self::ReplacesOneWay),
            Operation::Replace => Some(Self::Replaces),
            Operation::Create | Operation::Update => one_way.then_some(Self::OneWay),
            Operation::None => None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Destroys => "destroys what is there",
            Self::ReplacesOneWay => "destroys what is there and makes it again; cannot be undone",
            Self::Replaces => "destroys what is there and makes it again",
            Self::OneWay => "cannot be undone",
        }
    }
}

/// What changes of the account and the regions, and which sites rest on it.
fn shared(out: &mut String, plan: &Plan) {
    let lines: Vec<String> = plan.scopes.keys().filter_map(|scope| shared_line(plan, scope)).collect();
    if !lines.is_empty() {
        let _ = writeln!(out, "\nShared by sites:\n{}", lines.join("\n"));
    }
}

/// One shared scope with everything in it that other sites may feel; nothing if nothing of it changes.
pub(super) fn shared_line(plan: &Plan, scope: &ScopeId) -> Option<String> {
    let counts = scope_counts(plan, scope);
    if scope.site().is_some() || !counts.has_changes() {
        return None;
    }
    let felt = plan.scope(scope).steps.iter().filter_map(|(id, step)| match &step.work {
        Work::Reconcile(r) if !matches!(r.operation, Operation::None | Operation::Create) => {
            Some(format!("\n      {:>3} {id}", symbol(r.operation)))
        }
        Work::Reconcile(_) | Work::Check { .. } => None,
    });
    Some(format!(
        "  {scope}: {} to add, {} to change, {} to destroy; on it rest {}{}",
        counts.add,
        counts.change,
        counts.destroy,
        resting(plan, scope),
        felt.collect::<String>()
    ))
}

/// The sites that rest on a shared scope; those outside the plan are known to plans that looked over the estate.
pub(super) fn resting(plan: &Plan, scope: &ScopeId) -> String {
    let of_plan =
        || plan.scopes.iter().filter(|(_, steps)| steps.needs.contains(scope)).filter_map(|(s, _)| s.site());
    let inside: Vec<String> = of_plan().map(ToString::to_string).collect();
    let Some(all) = plan.overview.rest_on.get(scope) else {
        return format!("{} of this plan; others are not known", inside.join(" "));
    };
    let outside: Vec<String> =
        all.iter().filter(|c| !of_plan().any(|own| own == *c)).map(ToString::to_string).collect();
    match (inside.is_empty(), outside.is_empty()) {
        (true, true) => "no sites".to_owned(),
        (false, true) => inside.join(" "),
        (true, false) => format!("{}, outside this plan", outside.join(" ")),
        (false, false) => format!("{}, and outside this plan {}", inside.join(" "), outside.join(" ")),
    }
}

fn scope_text(out: &mut String, plan: &Plan, scope: &ScopeId, options: Options) {
    let counts = scope_counts(plan, scope);
    for (id, step) in &plan.scope(scope).steps {
        let Work::Reconcile(reconcile) = &step.work else { continue };
        if reconcile.operation == Operation::None && !options.show_unchanged {
            continue;
        }
        let _ = writeln!(out, "{:>3} {id}   ({})", symbol(reconcile.operation), reconcile.kind);
        if reconcile.operation != Operation::Create || options.show_fields {
            reconcile.changes.iter().for_each(|change| field(out, change));
        }
    }
    let mut rest = Vec::new();
    if counts.unchanged > 0 && !options.show_unchanged {
        rest.push(format!("{} unchanged hidden (--show-unchanged)", counts.unchanged));
    }
    if counts.checks > 0 {
        rest.push(format!("{} {}", counts.checks, plural(counts.checks, "check", "checks")));
    }
    if !rest.is_empty() {
        let _ = writeln!(out, "    {}", rest.join(", "));
    }
}

fn field(out: &mut String, change: &FieldChange) {
    let from = change.from.as_ref().map_or("(none)".to_owned(), short);
    let to = match (&change.to, &change.known_after) {
        (Some(value), _) => short(value),
        (None, Some(step)) => format!("(known after {step})"),
        (None, None) => "(none)".to_owned(),
    };
    let forces = if change.forces_replacement { "  # forces replacement" } else { "" };
    let at = if change.at.is_empty() { "(whole object)" } else { &change.at };
    let _ = writeln!(out, "        {at}: {from} -> {to}{forces}   [{}]", change.reason);
}

/// A value in at most eighty letters; what looks like a secret is starred out.
pub fn short(value: &Value) -> String {
    let text = value.to_string();
    let text = crate::base::redact::mask(&text);
    if text.chars().count() <= 80 {
        text.into_owned()
    } else {
        format!("{}…", text.chars().take(79).collect::<String>())
    }
}

/// Terraform's glyphs.
pub fn symbol(operation: Operation) -> &'static str {
    match operation {
        Operation::None => " ",
        Operation::Create => "+",
        Operation::Update => "~",
        Operation::Replace => "-/+",
        Operation::Delete => "-",
    }
}

/// The last lines: Terraform's summary byte for byte, then ours.
pub fn summary(saved: &SavedPlan) -> String {
    let plan = &saved.plan;
    let counts = counts(plan);
    let mut out = String::from("\n");
    if counts.has_changes() {
        let _ = writeln!(
            out,
            "Plan: {} to add, {} to change, {} to destroy.",
            counts.add, counts.change, counts.destroy
        );
    } else if let Some(back) = &plan.rollback {
        let _ = writeln!(out, "No changes. What is there is as R{} was.", back.release);
    } else {
        out.push_str("No changes. What is there is what the estate asks for.\n");
    }
    let sites = plan.scopes.keys().filter(|s| s.site().is_some()).count();
    let _ = writeln!(
        out,
        "Across {sites} {} and {} shared {}. {} {}. {} unchanged. {} {}.",
        plural(sites, "site", "sites"),
        plan.scopes.len() - sites,
        plural(plan.scopes.len() - sites, "scope", "scopes"),
        counts.replace,
        plural(counts.replace, "replacement", "replacements"),
        counts.unchanged,
        counts.checks,
        plural(counts.checks, "check", "checks")
    );
    let overview = [
        pattern_view::line(&plan.overview.patterns),
        room_view::line(&plan.overview),
        room_view::ceilings_line(plan),
    ];
    for line in overview.into_iter().flatten() {
        let _ = writeln!(out, "{line}");
    }
    let _ = writeln!(out, "Digest {}", saved.digest);
    out
}

/// The right word for a number.
pub fn plural<'w>(count: usize, one: &'w str, many: &'w str) -> &'w str {
    if count == 1 { one } else { many }
}
