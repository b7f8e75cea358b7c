//! What the items of a scope are run with: the estate, read even where it breaks its own rules, and what the logs know.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::base::diagnostic::Severity;
use crate::base::digest::Digest;
use crate::base::id::{LogId, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::driver::Place;
use crate::evidence::scan;
use crate::journal::{Journal, Line};
use crate::model::adoption::Adopted;
use crate::model::calendar::zone;
use crate::model::entry::BlobRef;
use crate::model::event::Event;
use crate::model::event::RunOutcome;
use crate::model::holdings::{Holding, Holdings};
use crate::model::outcome::Cause;
use crate::model::rendered::Rendered;
use crate::model::resource::Resource;
use crate::ops::Context;
use crate::ops::checklist::Ground;
use crate::ops::desired::{self, Desired};
use crate::ops::error::Failure;
use crate::ops::plan::read_holdings;
use crate::policy::{self, RULES};
use crate::runner::known::Known;
use crate::{facts, resolve};

/// An estate whose items can be run.
#[derive(Debug)]
pub struct Estate {
    /// What is desired.
    pub desired: Desired,
    /// Whether it breaks a rule: then it is looked at, but nothing is done.
    pub breaks_rules: bool,
}

impl Estate {
    /// Reads an estate. One that breaks rules, and is right in everything else, is read all the same: items say which.
    ///
    /// # Errors
    ///
    /// Every other problem of every file.
    pub fn read(root: &Path) -> Result<Self, Failure> {
        let found = match Desired::read(root) {
            Ok(desired) => return Ok(Self { desired, breaks_rules: false }),
            Err(Failure::Input { found, sources }) => {
                let errors = || found.iter().filter(|problem| problem.severity == Severity::Error);
                if errors().any(|problem| !RULES.iter().any(|rule| rule.code == problem.code)) {
                    return Err(Failure::Input { found, sources });
                }
                found
            }
            Err(other) => return Err(other),
        };
        let (loaded, _) = Desired::load(root, None)?;
        let (resolved, _) = resolve::all(&loaded);
        let (shelf, rendered, _) = desired::printed(&loaded, &resolved);
        let desired = Desired { loaded, resolved, shelf, rendered, warnings: found };
        Ok(Self { desired, breaks_rules: true })
    }
}

/// What the logs know of the objects of a scope, and of those that it rests on.
struct Objects {
    holdings: Holdings,
    known: Known,
}

/// One scope with everything about it.
pub struct Around<'a> {
    pub(super) estate: &'a Estate,
    pub(super) rendered: &'a Rendered,
    /// What the logs know of objects; it grows with what deeds make.
    objects: RefCell<Objects>,
    /// What is asked at this scope, by which its items stand.
    pub(super) ground: Ground,
    /// The scope's log; for the account also the org log.
    pub(super) lines: Vec<Line>,
    /// When the newest good run ended.
    pub(super) released: Option<Timestamp>,
    pub(super) facts: Value,
    pub(super) zone: jiff::tz::TimeZone,
    /// Files of records, by digest, as far as they can be read.
    pub(super) files: BTreeMap<Digest, Value>,
    /// The estate's folder.
    pub(super) root: PathBuf,
}

impl<'a> Around<'a> {
    /// Reads the logs of a scope and of those that it rests on.
    ///
    /// # Errors
    ///
    /// If a log cannot be read.
    pub fn read(
        context: &Context,
        estate: &'a Estate,
        rendered: &'a Rendered,
        journal: &dyn Journal,
    ) -> Result<Self, Failure> {
        let (scope, desired) = (&rendered.scope, &estate.desired);
        let region = desired.region_of(scope);
        let scopes: BTreeSet<ScopeId> =
            [ScopeId::Account, scope.clone()].into_iter().chain(region.clone()).collect();
        let mut held = read_holdings(journal, &scopes)?;
        let mut known = Known::default();
        for (one, holdings) in &held {
            let declared =
                desired.rendered.get(one).into_iter().flat_map(|r| &r.resources).map(|r| r.id.clone());
            let ids = holdings.watched().map(|(id, _)| id.clone());
            known.declare(one, (one == scope).then(|| region.clone()).flatten(), ids.chain(declared));
            for (id, holding) in holdings.watched() {
                known.set_outputs(one, id, holding.outputs.clone());
                known.set_spec(one, id, holding.spec.clone());
            }
        }
        let log = LogId::Scope(scope.clone());
        let mut lines = journal.read(&log, 0)?;
        let released = lines.iter().rev().find(|line| ended_well(line)).map(|line| line.entry.at);
        if *scope == ScopeId::Account {
            lines.extend(journal.read(&LogId::Org, 0)?);
            lines.sort_by_key(|line| line.entry.at);
        }
        let zone = desired.loaded.estate.time_zone();
        let mut ground = Ground::of(desired);
        ground.scopes.retain(|asked, _| asked == scope);
        let today = zone::local(&zone, context.clock.now()).date();
        Ok(Self {
            files: files(journal, &lines),
            facts: facts::of_scope(&desired.loaded, &desired.resolved, scope, Some(today)),
            objects: RefCell::new(Objects { holdings: held.remove(scope).unwrap_or_default(), known }),
            root: context.root.clone(),
            ground,
            estate,
            rendered,
            lines,
            released,
            zone,
        })
    }

    /// What the log says of a resource's object.
    pub(super) fn held(&self, step: &StepId) -> Option<Holding> {
        let objects = self.objects.borrow();
        objects.holdings.watched().find(|(id, _)| *id == step).map(|(_, held)| held)
    }

    /// A value with all references resolved.
    ///
    /// # Errors
    ///
    /// The first one that has no value yet, in words.
    pub(super) fn resolved(&self, value: &Value) -> Result<Value, String> {
        let (resolved, missing) = self.objects.borrow().known.resolve(&self.rendered.scope, value);
        match missing.first() {
            Some(reference) => Err(format!("{reference} has no value yet")),
            None => Ok(resolved),
        }
    }

    /// Where the calls of a resource go.
    ///
    /// # Errors
    ///
    /// If the workspace that it is reached through is not there, in words.
    pub(super) fn place(&self, resource: &Resource) -> Result<Place, String> {
        let place = self.objects.borrow().known.place(&self.rendered.scope, resource.via.as_ref());
        place.ok_or_else(|| "the workspace that it is reached through is not there".to_owned())
    }

    /// Takes in what a deed has made or changed.
    pub(super) fn take_in(&self, step: &StepId, adopted: Adopted, refs: &[BlobRef]) {
        let mut objects = self.objects.borrow_mut();
        let (scope, known) = (&self.rendered.scope, &mut objects.known);
        known.set_outputs(scope, step, adopted.outputs.clone());
        known.set_spec(scope, step, adopted.desired.spec.clone());
        objects.holdings.adopt(step, adopted, refs);
    }

    /// What a rule finds wrong at this scope, or that there is no such rule.
    pub(super) fn rule(&self, name: &str) -> Result<Vec<String>, String> {
        let Desired { loaded, resolved, rendered, .. } = &self.estate.desired;
        let Some(found) = policy::of_rule(name, loaded, resolved, rendered) else {
            let known: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
            return Err(format!("no rule has this name; the rules are {}", known.join(", ")));
        };
        let codes: Vec<&str> = loaded.sites.iter().map(|site| site.written_code.value.as_str()).collect();
        Ok(super::rules::of_scope(&found, &loaded.sources, &self.rendered.scope, &codes))
    }
}

fn ended_well(line: &Line) -> bool {
    let event = Event::from_entry(&line.entry.kind, line.entry.step.as_ref(), &line.entry.body);
    matches!(event, Ok(Event::RunEnded { outcome: RunOutcome::Succeeded, .. }))
}

/// The JSON files of the records in a log. One that cannot be read says nothing.
fn files(journal: &dyn Journal, lines: &[Line]) -> BTreeMap<Digest, Value> {
    let records = lines.iter().filter(|line| line.entry.kind == crate::ops::record::RECORDED);
    let named = records.flat_map(|line| &line.entry.refs);
    let said = |sha256: &Digest| serde_json::from_slice(&journal.get_blob(sha256).ok()?).ok();
    named.filter_map(|named| Some((named.sha256, said(&named.sha256)?))).collect()
}

/// A cause in words that may be written down.
pub(super) fn words(cause: &Cause) -> String {
    let text = cause.to_string();
    scan::unsaid(&text).unwrap_or(text)
}
