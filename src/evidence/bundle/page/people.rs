//! Who held which role, by what they signed; what each signature means; and who else wrote into the record.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::time::Timestamp;
use crate::document::{Block, Table, Text};
use crate::evidence::decisions;
use crate::model::entry::ActorKind;

use super::facts::Facts;
use super::summary::act;
use super::{counted, first};

/// Decisions that are listed one by one; the others stand in the folder of decisions.
const DECISIONS_SHOWN_MAX: usize = 200;

struct Acts {
    entries: usize,
    first: Timestamp,
    last: Timestamp,
}

impl Acts {
    fn with(all: Option<Acts>, at: Timestamp) -> Self {
        match all {
            None => Self { entries: 1, first: at, last: at },
            Some(acts) => {
                Self { entries: acts.entries + 1, first: acts.first.min(at), last: acts.last.max(at) }
            }
        }
    }
}

pub(super) fn blocks(facts: &Facts<'_>) -> Vec<Block> {
    let mut blocks = vec![Block::named("people", "People")];
    if facts.signed.is_empty() {
        blocks.push(Block::Paragraph(
            "No signed decision is recorded: nobody is known to have acted in a role.".into(),
        ));
    } else {
        blocks.push(roles(facts));
        blocks.push(Block::part("What was signed"));
        blocks.push(signed(facts));
    }
    blocks.push(Block::part("Who wrote into the record"));
    blocks.push(writers(facts));
    blocks.push(Block::Paragraph(
        "Identities as the program knew them when it wrote; a role is told where somebody signed in it."
            .into(),
    ));
    blocks
}

fn roles(facts: &Facts<'_>) -> Block {
    let mut held: BTreeMap<(String, String), (Acts, BTreeSet<&str>)> = BTreeMap::new();
    for (_, signed) in &facts.signed {
        let statement = &signed.statement;
        let seat = (statement.person.to_string(), statement.role.to_string());
        let (acts, mut keys) = match held.remove(&seat) {
            Some((acts, keys)) => (Acts::with(Some(acts), statement.at), keys),
            None => (Acts::with(None, statement.at), BTreeSet::new()),
        };
        keys.insert(&signed.key);
        held.insert(seat, (acts, keys));
    }
    let mut table =
        Table::new(&[("Who", 16), ("Role", 16), ("Signed", 10), ("Between", 24), ("Key fingerprint", 34)]);
    for ((person, role), (acts, keys)) in held {
        let days = format!("{} and {}", facts.zone.day(acts.first), facts.zone.day(acts.last));
        let keys = Text::lines(keys.into_iter().map(|key| Text::none().code(key)));
        table.push([person.into(), role.into(), acts.entries.to_string().into(), days.into(), keys]);
    }
    Block::Table(table)
}

fn signed(facts: &Facts<'_>) -> Block {
    let mut table = Table::new(&[
        ("When", 19),
        ("Who, in which role", 17),
        ("Did what", 16),
        ("What the signature means", 34),
        ("File", 14),
    ]);
    let row = |(seq, signed): &(u64, crate::model::signed::Signed)| {
        let one = &signed.statement;
        let instead = one.instead_of.as_ref().map_or(String::new(), |other| format!(", in place of {other}"));
        let mut meaning = Text::new(one.meaning.clone());
        if let Some(said) = &one.electronic {
            let words = format!(
                "Meaning of the signature: {}. Signed by {}, {}.",
                said.meaning.word(),
                said.name,
                said.time
            );
            meaning = meaning.line().strong(words);
        }
        if !one.comment.is_empty() {
            meaning = meaning.line().plain(format!("Comment: {}", one.comment));
        }
        let who = Text::new(one.person.to_string()).line().plain(format!("{}{instead}", one.role));
        [facts.zone.moment(one.at).into(), who, act(&one.act).into(), meaning, facts.decision(*seq)]
    };
    let more = |over| {
        let words = format!("and {over} more in {}", decisions::FOLDER);
        [Text::none(), Text::none(), Text::none(), words.into(), Text::none()]
    };
    for cells in first(facts.signed.iter().map(row).collect(), DECISIONS_SHOWN_MAX, more) {
        table.push(cells);
    }
    Block::Table(table)
}

fn writers(facts: &Facts<'_>) -> Block {
    let mut writers: BTreeMap<(&str, &str), Acts> = BTreeMap::new();
    for entry in &facts.content.records.entries {
        let kind = match entry.actor.kind {
            ActorKind::Person => "person",
            ActorKind::Automation => "program",
            ActorKind::Rehearsal => "rehearsal",
        };
        let who = (entry.actor.id.as_str(), kind);
        let acts = Acts::with(writers.remove(&who), entry.at);
        writers.insert(who, acts);
    }
    let mut table = Table::new(&[("Who", 14), ("As", 10), ("What", 16), ("First", 30), ("Last", 30)]);
    for ((who, kind), acts) in writers {
        let wrote = format!("wrote {}", counted(acts.entries, "entry", "entries"));
        let (first, last) = (facts.zone.moment(acts.first), facts.zone.moment(acts.last));
        table.push([who.into(), kind.into(), wrote.into(), first.into(), last.into()]);
    }
    let parts = facts.content.parts;
    let at = facts.zone.moment(parts.exported_at);
    table.push([
        parts.exported_by.clone().into(),
        "exporter".into(),
        "made this bundle".into(),
        at.clone().into(),
        at.into(),
    ]);
    Block::Table(table)
}
