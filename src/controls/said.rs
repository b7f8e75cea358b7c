//! What entries say to the inputs of evidence kinds: items, statements, records and feeds.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::base::time::Timestamp;
use crate::model::entry::Entry;

use super::catalogue::Catalogue;
use super::feed::Feed;
use super::fold::{History, Observation, StepOutcome, Trail};
use super::kind::EvidenceKind;
use super::selector::Selector;

/// The kinds of entries that say something about an item.
const RECORDED: &str = "item.recorded";
const ATTESTED: &str = "attestation.given";
const WAIVED: &str = "waiver.granted";
const EXCUSED: &str = "item.not-applicable";
/// The kind of the entry with which a file is filed.
const FILED: &str = "evidence.recorded";

/// A source of an input in one log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Which input of the kind.
    pub input: usize,
    /// Which of its sources.
    pub source: usize,
    /// The log.
    pub log: LogId,
}

/// What a feed has seen opened and not closed yet, each with the people behind it.
pub(super) type Opened = BTreeMap<(String, Place), BTreeMap<String, BTreeSet<String>>>;

/// A log with what has to be known of it beforehand.
pub(super) struct Scene<'h> {
    /// The log.
    pub history: &'h History,
    /// Whether it is the site's own.
    pub is_own: bool,
    /// The plan of its newest run.
    newest: Option<Digest>,
    /// The first place of an entry of a kind about that plan.
    first: BTreeMap<&'h str, u64>,
    /// The people behind the entries of feeds that others have to keep apart from.
    behind: BTreeMap<&'h str, BTreeSet<&'h str>>,
}

impl<'h> Scene<'h> {
    pub(super) fn of(catalogue: &'h Catalogue, history: &'h History, is_own: bool) -> Self {
        let started = |entry: &&Entry| entry.kind == "run.started";
        let newest = history.entries.iter().rev().find(started).and_then(|entry| entry.plan);
        let mut scene = Self { history, is_own, newest, first: BTreeMap::new(), behind: BTreeMap::new() };
        if is_own {
            for entry in history.entries.iter().filter(|entry| newest.is_some() && entry.plan == newest) {
                scene.first.entry(&entry.kind).or_insert(entry.seq);
            }
            for (name, feed) in catalogue.kept_apart() {
                let people: BTreeSet<&str> = scene
                    .entries()
                    .filter(|entry| scene.fits(feed, entry))
                    .flat_map(|entry| feed.people(entry))
                    .collect();
                scene.behind.insert(name, people);
            }
        }
        scene
    }

    /// The entries that count.
    pub(super) fn entries(&self) -> impl Iterator<Item = &'h Entry> + use<'h> {
        let history = self.history;
        history.entries.iter().filter(|entry| !history.void.contains(&entry.seq))
    }

    /// Whether an entry is one of a feed here: about the right plan, and early enough.
    fn fits(&self, feed: &Feed, entry: &Entry) -> bool {
        let of_plan = !feed.of_plan || (self.newest.is_some() && entry.plan == self.newest);
        let begun = feed.before.as_ref().and_then(|kind| self.first.get(kind.as_str()));
        of_plan && begun.is_none_or(|begun| entry.seq < *begun) && feed.takes(entry)
    }
}

/// What an entry says to a source; nothing if it is about something else.
pub(super) fn said(
    catalogue: &Catalogue,
    scene: &Scene<'_>,
    selector: &Selector,
    entry: &Entry,
    before: Option<&Observation>,
    open: &mut BTreeMap<String, BTreeSet<String>>,
) -> Option<Observation> {
    let (outcome, until) = match selector {
        Selector::Item(id) => (of_item(id, RECORDED, entry, before)?, None),
        Selector::Attested { item, roles } => {
            let outcome = of_item(item, ATTESTED, entry, before)?;
            let signed = outcome == StepOutcome::Held && entry.kind == ATTESTED;
            (if signed { together(selector, roles, entry, before, open)? } else { outcome }, None)
        }
        Selector::Record(kind) => {
            let own = entry.body.get("kind").and_then(|own| own.as_str()) == Some(kind);
            // A sentence without a file shows nothing that anybody could look at.
            (own && !entry.refs.is_empty()).then_some((StepOutcome::Held, None))?
        }
        Selector::Feed(name) => {
            let feed = catalogue.feeds().get(name).filter(|_| scene.is_own)?;
            let outcome =
                if feed.opens.is_empty() { plain(scene, feed, entry) } else { paired(feed, entry, open) };
            (outcome?, feed.until(entry))
        }
        Selector::Signal(_) => return None,
    };
    let refs = entry.refs.clone();
    Some(Observation { seq: entry.seq, at: entry.at, outcome, until, refs, looked: None })
}

/// What an entry says about an item: what it came to, or that somebody answers for it.
fn of_item(id: &str, shows: &str, entry: &Entry, before: Option<&Observation>) -> Option<StepOutcome> {
    let text = |pointer: &str| entry.body.pointer(pointer).and_then(|value| value.as_str());
    let about =
        || text("/statement/subject/kind") == Some("item") && text("/statement/subject/name") == Some(id);
    let holds = before.is_some_and(|before| before.outcome == StepOutcome::Held);
    match entry.kind.as_str() {
        RECORDED if shows == RECORDED => {
            (entry.step.as_ref()?.as_str() == id).then_some(())?;
            if entry.body.get("passed").and_then(|passed| passed.as_bool()) == Some(true) {
                return Some(StepOutcome::Held);
            }
            let answered = before.filter(|before| match before.outcome {
                StepOutcome::Waived { until } => entry.at < until,
                StepOutcome::Excused { .. } => true,
                StepOutcome::Held
                | StepOutcome::Failed { .. }
                | StepOutcome::Drifted { .. }
                | StepOutcome::Blocked { .. }
                | StepOutcome::Open { .. } => false,
            });
            let missing = entry.body.get("missing").and_then(|missing| missing.as_array());
            let words: Vec<&str> = missing.into_iter().flatten().filter_map(|one| one.as_str()).collect();
            let why = if words.is_empty() { "it does not hold".to_owned() } else { words.join(", ") };
            Some(answered.map_or(StepOutcome::Failed { why }, |before| before.outcome.clone()))
        }
        ATTESTED if shows == ATTESTED => about().then_some(StepOutcome::Held),
        WAIVED if about() && !holds => {
            let until = text("/statement/expires")?.parse().ok()?;
            Some(StepOutcome::Waived { until })
        }
        EXCUSED if about() && !holds => {
            let reason = text("/statement/comment").unwrap_or("no reason is recorded").to_owned();
            Some(StepOutcome::Excused { reason })
        }
        _ => None,
    }
}

/// What a signed statement comes to with those before it: it holds once each role has stated the same of the same item. What
/// held goes on until it is too old, while the first of them state it again.
fn together(
    selector: &Selector,
    roles: &BTreeSet<String>,
    entry: &Entry,
    before: Option<&Observation>,
    open: &mut BTreeMap<String, BTreeSet<String>>,
) -> Option<StepOutcome> {
    let text =
        |pointer: &str| entry.body.pointer(pointer).and_then(|value| value.as_str()).unwrap_or_default();
    let about = format!("{} {}", text("/statement/subject/digest"), text("/statement/meaning"));
    let said = open.entry(about.clone()).or_default();
    said.insert(text("/statement/role").to_owned());
    if roles.is_subset(said) {
        // Whoever renews it states it anew, all of them.
        open.remove(&about);
        return Some(StepOutcome::Held);
    }
    let holds = before.is_some_and(|before| before.outcome == StepOutcome::Held);
    (!holds).then(|| StepOutcome::Open { what: selector.to_string() })
}

/// An entry that says by itself that something holds.
fn plain(scene: &Scene<'_>, feed: &Feed, entry: &Entry) -> Option<StepOutcome> {
    scene.fits(feed, entry).then_some(())?;
    let people = feed.people(entry);
    let with = |name: &String| scene.behind.get(name.as_str()).is_some_and(|all| !all.is_disjoint(&people));
    if feed.apart.iter().any(with) {
        let why = format!("{} is by somebody who must be another", entry.kind);
        return Some(StepOutcome::Failed { why });
    }
    Some(feed.broken(entry).map_or(StepOutcome::Held, |why| StepOutcome::Failed { why }))
}

/// An entry that opens something, closes it, or says that nothing is open.
fn paired(feed: &Feed, entry: &Entry, open: &mut BTreeMap<String, BTreeSet<String>>) -> Option<StepOutcome> {
    let people = || feed.people(entry).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    if feed.opens.contains(&entry.kind) {
        open.insert(feed.subject(entry), people());
    } else if feed.takes(entry) {
        // Nobody closes what they opened, where people are behind it.
        let subject = feed.subject(entry);
        let by_another = |opened: &BTreeSet<String>| opened.is_disjoint(&people());
        open.get(&subject).is_some_and(by_another).then(|| open.remove(&subject))?;
    } else if !feed.idle.contains(&entry.kind) {
        return None;
    }
    if open.is_empty() {
        return Some(StepOutcome::Held);
    }
    Some(StepOutcome::Open { what: feed.says.clone() })
}

/// The source that speaks for an input, with what it said last. A file that was only filed counts where nobody has
/// looked at an item of the same input.
pub(super) fn newest<'t>(
    kind: &EvidenceKind,
    trail: &'t Trail,
    input: usize,
) -> Option<(&'t Place, &'t Observation)> {
    let own = || trail.said.iter().filter(|(place, _)| place.input == input);
    let is_bare = |place: &Place| kind.inputs[input][place.source].is_bare_record();
    let judged = own().filter(|(place, _)| !is_bare(place)).max_by_key(|(_, seen)| (seen.at, seen.seq));
    judged.or_else(|| own().max_by_key(|(_, seen)| (seen.at, seen.seq)))
}

/// When what was said is too old, or ends by itself.
pub(super) fn expires(kind: &EvidenceKind, seen: &Observation) -> Option<Timestamp> {
    earlier(kind.max_age().map(|age| seen.at + age), seen.until)
}

/// The earlier of two moments of which either may be missing.
pub(super) fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// The kinds of entries that can say something to a source.
pub(super) fn entry_kinds<'s>(
    selector: &'s Selector,
    feeds: &'s BTreeMap<String, Feed>,
) -> BTreeSet<&'s str> {
    match selector {
        Selector::Item(_) => BTreeSet::from([RECORDED, WAIVED, EXCUSED]),
        Selector::Attested { .. } => BTreeSet::from([ATTESTED, WAIVED, EXCUSED]),
        Selector::Record(_) => BTreeSet::from([FILED]),
        Selector::Feed(name) => feeds.get(name).map_or_else(BTreeSet::new, |feed| {
            feed.entry.iter().chain(&feed.opens).chain(&feed.idle).map(String::as_str).collect()
        }),
        Selector::Signal(_) => BTreeSet::new(),
    }
}
