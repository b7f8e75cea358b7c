//! One byte of any input changed after approval: the plan is refused, and the file is named.

use std::fs;

use landfall::base::digest::Digest;
use landfall::journal::memory::MemoryJournal;
use landfall::ops::Context;
use landfall::ops::desired::Desired;
use landfall::ops::error::Failure;
use landfall::ops::plan::{Asked, make, select};
use landfall::ops::{stale, target};

use crate::world::{Estate, repository};

/// Bytes that are tried; the seed is fixed, so a failure can be seen again.
const TRIED: u32 = 150;

fn draw(seed: u32, what: &str, below: usize) -> usize {
    let digest = Digest::of(format!("{seed} {what}").as_bytes());
    let drawn = digest.as_bytes().iter().take(6).fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
    drawn % below
}

#[test]
fn one_byte_of_any_input_changed_after_approval_is_refused_by_name() {
    let estate = Estate::of(&[&repository().join("tests/fixtures/estate")]);
    let (root, state) = (estate.root(), estate.path("state"));
    let context = Context::find(Some(root.clone()), Some(state), &root).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let journal = MemoryJournal::new();
    let desired = Desired::read(&root).unwrap();
    let (saved, reached) = runtime.block_on(async {
        let reached = target::reach(&context, &desired.loaded, "sandbox").await.unwrap();
        let selection = select(&desired, &Asked::All).unwrap();
        let saved = make(&context, &desired, selection, &reached, &journal).await.unwrap();
        (saved, reached)
    });
    stale::refuse_known(&context, &saved, &desired, &reached, &journal).unwrap();
    let inputs: Vec<&String> = saved.plan.inputs.keys().collect();
    let (mut told, mut of_files) = ([0, 0], std::collections::BTreeSet::new());
    for seed in 0..TRIED {
        let path = inputs[draw(seed, "file", inputs.len())];
        let before = fs::read(root.join(path)).unwrap();
        let at = draw(seed, "place", before.len());
        let mut bytes = before.clone();
        bytes[at] ^= 1 << draw(seed, "bit", 7);
        fs::write(root.join(path), &bytes).unwrap();
        let now = Desired::read(&root);
        let named = match &now {
            // The files are wrong: apply says which of them were edited before it says what is wrong with them.
            Err(Failure::Input { .. }) => stale::edited(&saved, &root),
            Err(other) => panic!("{path}: {other}"),
            Ok(now) => match stale::refuse_known(&context, &saved, now, &reached, &journal) {
                Err(Failure::Stale { changed }) => changed,
                other => panic!("byte {at} of {path}: {other:?}"),
            },
        };
        fs::write(root.join(path), &before).unwrap();
        let says = |words: &String| {
            // Another lineage is another estate: which file says so needs no name.
            words.contains(path.as_str()) || words.starts_with("the plan was made for the estate")
        };
        assert!(named.iter().any(says), "byte {at} of {path}: {named:?}");
        told[usize::from(now.is_ok())] += 1;
        of_files.insert(path.clone());
    }
    println!("{} files; {} flips were wrong files, {} made the plan stale", of_files.len(), told[0], told[1]);
    assert!(told[0] > 5 && told[1] > 5, "{told:?}");
}
