//! What a clinical committee reads about a model, and what is said of a packet that is not whole.

use std::fs;

use crate::world::{Estate, repository, tree};

const PACKET: &str = "models/no-show-risk/HRB01.toml";

/// The example estate with its models.
fn with_models() -> Estate {
    let estate = Estate::example();
    let from = repository().join("models/no-show-risk");
    fs::create_dir_all(estate.root().join("models/no-show-risk")).unwrap();
    for (name, bytes) in tree(&from) {
        fs::write(estate.root().join("models/no-show-risk").join(name), bytes).unwrap();
    }
    estate
}

const ASK: [&str; 6] = ["docs", "committee-packet", "--site", "HRB01", "--model", "no-show-risk"];
/// A moment, so that the same files give the same bytes.
const NOW: [&str; 2] = ["--now", "2027-01-11T09:00:00Z"];

#[test]
fn a_packet_has_its_six_parts_with_their_sources_in_three_forms() {
    let estate = with_models();
    let filed = [
        "record",
        "model.bias-checks",
        "--scope",
        "site/HRB01",
        "--file",
        "estate/models/no-show-risk/bias_checks.md",
    ];
    estate.run(&[&filed[..], &["--statement", "read by the committee"]].concat()).ends(0);
    let shown = estate.run(&[&ASK[..], &NOW].concat()).ends(0);
    for words in [
        "# No-show risk at Harborview Internal Medicine: for the clinical committee",
        "## Intended use",
        "## Validation summary",
        "| 65 and over | 5580 | 0.11 | 0.79 | 0.14 |",
        "## Human in the loop",
        "## Bias checks",
        "## Rollback plan",
        "- Answers for it: data-science",
        "on record as site/HRB01#0",
    ] {
        assert!(shown.out.contains(words), "no {words:?} in\n{}", shown.out);
    }
    let out = |name: &str| {
        estate.run(&[&ASK[..], &NOW, &["--out", name]].concat()).ends(0);
        tree(&estate.path(name))
    };
    let (one, two) = (out("one"), out("two"));
    for (name, bytes) in &one {
        assert!(two[name] == *bytes, "the same files give the same bytes: {name}");
    }
    assert_eq!(one.keys().collect::<Vec<_>>(), ["packet.html", "packet.md", "packet.pdf"]);
    assert_eq!(one["packet.md"], shown.out.as_bytes());
    assert!(
        String::from_utf8_lossy(&one["packet.html"]).contains("<h2 id=\"rollback_plan\">Rollback plan</h2>")
    );
    assert!(one["packet.pdf"].starts_with(b"%PDF"));
    estate.run(&[&ASK[..], &["--out", "one"]].concat()).ends(64).says("is there already");
}

#[test]
fn what_is_missing_or_wrong_is_told_at_once_with_its_key() {
    let estate = with_models();
    let refused = |words: &[&str]| {
        let ran = estate.run(&ASK).ends(65);
        for words in words {
            assert!(ran.err.contains(words), "no {words:?} in\n{}", ran.err);
        }
        assert!(ran.out.is_empty(), "nothing half: {}", ran.out);
    };
    let whole = estate.text(PACKET);
    let without: String =
        whole.lines().filter(|line| !line.starts_with("bias_checks")).flat_map(|line| [line, "\n"]).collect();
    estate.write(PACKET, &without);
    fs::remove_file(estate.root().join("models/no-show-risk/rollback_plan.md")).unwrap();
    refused(&[
        "site.packet-incomplete",
        "no `bias_checks`",
        "add to models/no-show-risk/HRB01.toml: bias_checks = { file = \"bias_checks.md\" }",
        "models/no-show-risk/rollback_plan.md is not there",
    ]);

    let part = |name: &str, text: &str| estate.write(&format!("models/no-show-risk/{name}"), text);
    estate.write(PACKET, &whole);
    part("rollback_plan.md", "# Rollback\n\n---\n");
    part("subgroup_table.csv", "subgroup,n\nwomen,\n");
    part("intended_use.md", "For Jane Doe, MRN: 00441723.\n");
    refused(&["says nothing below its headings", "line 2 has an empty cell", "holds what looks like"]);

    part("rollback_plan.md", "switch it off\n");
    part("subgroup_table.csv", "subgroup,n\nwomen,1\n");
    part("intended_use.md", &"x ".repeat(200_000));
    refused(&["has more than 262144 bytes"]);
    part("intended_use.md", "for calls\n");
    for (name, told) in [
        ("../../sites/people.toml", "which is no file beside it"),
        ("/etc/passwd", "which is no file beside it"),
        ("", "which is no file beside it"),
    ] {
        estate.write(PACKET, &whole.replace("\"bias_checks.md\"", &format!("\"{name}\"")));
        refused(&[told]);
    }
    std::os::unix::fs::symlink("/etc/hostname", estate.root().join("models/no-show-risk/link.md")).unwrap();
    estate.write(PACKET, &whole.replace("\"bias_checks.md\"", "\"link.md\""));
    refused(&["leads over a link"]);
    estate.write(PACKET, &whole.replace("\"data-science\"", "\"nobody\""));
    refused(&["site.packet-wrong", "no role is called `nobody`"]);
    estate.write(PACKET, &format!("{whole}\nharm = 1\n"));
    refused(&["unknown field `harm`"]);
    estate.write(PACKET, &whole.replace("format = 1", "format = 9"));
    refused(&["format 9 is not known"]);

    let other =
        |site: &str, model: &str| estate.run(&["docs", "committee-packet", "--site", site, "--model", model]);
    other("HRB01", "../sites").ends(64).says("is not the name of a model");
    other("HRB01", "readmit-30d").ends(64).says("write models/readmit-30d/HRB01.toml");
    other("ZZZ99", "no-show-risk").ends(64).says("there is no site ZZZ99");
}
