//! Where all of it comes from, how to check it without this program, and what no seal proves.

use crate::document::{Block, Text};
use crate::evidence::sshsig;

use super::super::{layout, readme};
use super::facts::Facts;

pub(super) fn blocks(facts: &Facts<'_>) -> Vec<Block> {
    let content = facts.content;
    let parts = content.parts;
    let mut blocks = vec![Block::named("check", "How to check this yourself")];
    let first = Text::new("In the folder that this page is in; ")
        .file(layout::README, layout::README)
        .plain(" says what each command proves.");
    blocks.push(Block::Paragraph(first));
    for (command, expected) in readme::commands(content).into_iter().zip(expected(facts)) {
        blocks.push(Block::Code(vec![command]));
        blocks.push(Block::Paragraph(Text::new("Expect: ").plain(expected)));
    }
    blocks.push(Block::Paragraph("Compare these keys with what you were given on another way:".into()));
    blocks.push(Block::Code(vec![parts.log_key.to_string(), parts.bundle_key.to_string()]));
    blocks.extend(provenance(facts));
    blocks.push(Block::named("limits", "What the seal does not prove"));
    blocks.push(Block::Paragraph(
        "That something which was never written down did not happen; that documents which are only named by digest are \
         true; that whoever holds the signing key did not replace the whole history before the first copy left their \
         hands."
            .into(),
    ));
    blocks
}

/// What each of the commands says if all is well.
fn expected(facts: &Facts<'_>) -> [String; 4] {
    let parts = facts.content.parts;
    let (word, fingerprint) = (sshsig::word(&parts.bundle_key), sshsig::fingerprint(&parts.bundle_key));
    let allow = if parts.rehearsal { ", with --allow-rehearsal, because it is one" } else { "" };
    [
        "a line with OK for each file, and no line with FAILED".to_owned(),
        format!("Good \"{}\" signature … with {word} key {fingerprint}", sshsig::NAMESPACE),
        format!(
            "a line that names {} entries, and no line with `does not hold`",
            facts.content.checkpoint.size
        ),
        format!("integrity ok, complete ok{allow}"),
    ]
}

/// Where all of it comes from: the names and numbers that a reader compares, not those that they read first.
fn provenance(facts: &Facts<'_>) -> Vec<Block> {
    let content = facts.content;
    let parts = content.parts;
    let runs: Vec<&str> = parts.runs.iter().map(|run| run.as_str()).collect();
    let partial = if content.plan.head.partial { " (partial)" } else { "" };
    let packs: Vec<String> =
        content.plan.head.packs.iter().map(|(name, lock)| format!("{name} {}", lock.version)).collect();
    let none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    let rows = [
        ("Target", format!("{} ({})", content.plan.head.target.name, content.plan.head.target.host)),
        ("Run", none(runs.join(", "))),
        ("Plan", format!("{}{partial}", content.plan.digest)),
        ("Packs", none(packs.join(", "))),
        ("Exported", format!("{} by {} with {}", parts.exported_at, parts.exported_by, parts.tool)),
        (
            "Record",
            format!(
                "{} entries of the log {}, root {}; counted in the organisation's log at its entry {}",
                content.checkpoint.size,
                content.checkpoint.origin,
                content.checkpoint.root,
                parts.heads_proof.index
            ),
        ),
    ];
    let mut pairs: Vec<(String, Text)> =
        rows.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
    for (log, head) in &parts.shared {
        let words = format!("{log}: {} entries, root {}", head.size, head.root);
        pairs.push(("Rests on".to_owned(), words.into()));
    }
    vec![Block::part("Where this comes from"), Block::Pairs(pairs)]
}
