//! Whose evidence it is, of which time, and how the record is kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::base::time::Timestamp;
use crate::document::{Block, Text};

use super::super::layout;
use super::facts::Facts;

pub(super) fn blocks(facts: &Facts<'_>) -> Vec<Block> {
    let parts = facts.content.parts;
    let mut blocks = Vec::new();
    if parts.rehearsal {
        blocks.push(Block::Notice(
            "Rehearsal: nothing on this page really happened. It ran against a throwaway sandbox, and is signed by a \
             rehearsal's key."
                .into(),
        ));
    }
    let wave = parts.wave.as_ref().map_or("outside a wave".to_owned(), |wave| format!("wave {wave}"));
    let mut rows = vec![
        ("Site", Text::new(format!("{}; {}, {wave}", facts.site(), parts.estate))),
        ("Period", period(facts)),
        (
            "As of",
            Text::new(format!(
                "{}, exported by {} with {}; {}",
                facts.zone.moment(parts.exported_at),
                parts.exported_by,
                parts.tool,
                packs(facts)
            ))
            .file(layout::PLAN, layout::PLAN),
        ),
        ("Record", record(facts)),
    ];
    if facts.content.plan.head.partial {
        let words = " other sites of a wave were left out of it.";
        rows.push(("Scope", Text::none().strong("Partial plan:").plain(words)));
    }
    blocks.push(Block::Pairs(rows.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()));
    blocks
}

fn period(facts: &Facts<'_>) -> Text {
    let entries = &facts.content.records.entries;
    let Some((first, last)) = entries.first().zip(entries.last()) else {
        return "nothing is recorded".into();
    };
    let zone = &facts.zone;
    let days = format!("; days on this page are those of {}", zone.name());
    Text::new(format!("{} to {}{days}", zone.moment(first.at), zone.moment(last.at)))
}

fn packs(facts: &Facts<'_>) -> String {
    let packs = &facts.content.plan.head.packs;
    if packs.is_empty() {
        return "the plan is in ".to_owned();
    }
    format!("the versions of its {} packs are in ", packs.len())
}

/// How the record is kept: sealed, witnessed, time-stamped, and going on from what was shown before.
fn record(facts: &Facts<'_>) -> Text {
    let content = facts.content;
    let parts = content.parts;
    let sealed =
        format!("{} entries, sealed {}", content.checkpoint.size, facts.zone.moment(parts.exported_at));
    let mut text = Text::link(layout::CHECKPOINT, sealed).plain("; ");
    let cosigned = parts.witnessed.as_ref().map(|note| cosigners(note, parts.log_key.name()));
    text = match cosigned.as_deref() {
        Some([]) | None => text.plain("no witness has cosigned it"),
        Some(witnesses) => {
            let one =
                |(name, at): &(String, Timestamp)| format!("witnessed by {name} {}", facts.zone.moment(*at));
            let words: Vec<String> = witnesses.iter().map(one).collect();
            text.file(layout::WITNESSED, words.join(", "))
        }
    };
    text = match &parts.stamped {
        Some(stamp) => {
            let words = format!("time-stamped by {} {}", stamp.by, facts.zone.moment(stamp.at));
            text.plain("; ").file(layout::STAMP, words)
        }
        None => text.plain("; not time-stamped"),
    };
    match &content.previous {
        Some(before) => text
            .plain("; history kept since the ")
            .file(layout::PREVIOUS, format!("{} entries that were shown before", before.size)),
        None => text.plain("; nothing of it was shown before, as far as this machine knows"),
    }
}

/// Bytes of a cosignature behind its key id: a time, and an Ed25519 signature.
const COSIGNATURE: usize = 8 + 64;
/// Bytes of a key id.
const KEY_ID: usize = 4;

/// Who says in a note to have cosigned it, and when. For showing: that they did is checked with their keys.
fn cosigners(note: &str, own: &str) -> Vec<(String, Timestamp)> {
    let one = |line: &str| {
        let (name, signature) = line.strip_prefix("— ")?.split_once(' ')?;
        let bytes = BASE64.decode(signature).ok().filter(|bytes| bytes.len() == KEY_ID + COSIGNATURE)?;
        let seconds = u64::from_be_bytes(bytes.get(KEY_ID..KEY_ID + 8)?.try_into().ok()?);
        let millis = i64::try_from(seconds).ok()?.checked_mul(1000)?;
        (name != own).then(|| (name.to_owned(), Timestamp::from_millis(millis)))
    };
    note.lines().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosigners_are_told_from_the_log_itself_and_from_rubbish() {
        let line = |name: &str, bytes: &[u8]| format!("— {name} {}", BASE64.encode(bytes));
        let mut cosigned = vec![0; KEY_ID + COSIGNATURE];
        cosigned[KEY_ID..KEY_ID + 8].copy_from_slice(&1_800_000_000_u64.to_be_bytes());
        let note =
            [line("log", &[0; 68]), line("witness", &cosigned), line("log", &cosigned), "— x !".to_owned()];
        let at = Timestamp::from_millis(1_800_000_000_000);
        assert_eq!(cosigners(&note.join("\n"), "log"), [("witness".to_owned(), at)]);
    }
}
