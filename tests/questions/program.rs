//! The questions asked of the compiled program, from a journal and from the bundle that leaves the house.

use std::process::Command;

use super::world::{Estate, Ran, copy};

struct Asked {
    estate: Estate,
    key: String,
}

impl Asked {
    fn launched() -> Self {
        let mut estate = Estate::example();
        let served = estate.serve(&[]);
        estate.reach(&served, 5000);
        estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
        estate.run(&["apply", "p.plan"]).ends(0);
        Self { estate, key: String::new() }
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.estate.run(args)
    }

    fn export(&mut self, name: &str) {
        let ran = self.run(&["evidence", "export", "--site", "HRB01", "--out", name]).ends(0);
        let key =
            ran.err.lines().find_map(|line| line.strip_prefix("Log key, to be kept outside the bundle: "));
        self.key = key.expect("a key").to_owned();
    }

    fn verify(&self, bundle: &str) -> Ran {
        self.run(&["evidence", "verify", bundle, "--key", &self.key])
    }

    /// The place of the first entry that a query finds.
    fn first(&self, query: &str) -> String {
        let found = self.run(&["evidence", "search", query, "--site", "HRB01", "-o", "json"]).ends(0).json();
        let id = found["rows"][0]["entry"].as_str().expect("a hit");
        id.strip_prefix("site/HRB01#").expect("the site's").to_owned()
    }

    #[track_caller]
    fn same_from_both(&self, bundle: &str, question: &[&str]) {
        let ask = |of: &[&str]| self.run(&[&["evidence"], question, of, &["-o", "json"]].concat()).ends(0);
        let (journal, bundle) = (ask(&["--site", "HRB01"]), ask(&["--bundle", bundle]));
        assert_eq!(journal.out, bundle.out, "{question:?}");
        assert!(journal.json()["answer"].as_str().is_some_and(|sentence| !sentence.is_empty()));
    }
}

#[test]
fn findings_holds_and_redactions_are_sealed_and_every_answer_is_the_same_from_journal_and_bundle() {
    let mut asked = Asked::launched();
    asked.run(&["evidence", "list", "--wave", "pilot"]).ends(0).prints("none is missing");
    asked.run(&["evidence", "list", "--wave", "wave1"]).ends(1).prints("No record");
    asked.run(&["evidence", "timeline", "--site", "MPL02"]).ends(64).says("no record");

    let opened = asked
        .run(&[
            "finding",
            "open",
            "--site",
            "HRB01",
            "--title",
            "Grants without owner",
            "--severity",
            "high",
            "--owner",
            "ana",
            "--due",
            "2020-01-01",
        ])
        .ends(0);
    let number = opened.out.trim().to_owned();
    let close = |evidence: &str| {
        asked.run(&[
            "finding",
            "close",
            "--site",
            "HRB01",
            "--finding",
            &number,
            "--evidence",
            evidence,
            "--comment",
            "done",
        ])
    };
    close("99999").ends(3).says("there is no entry 99999");
    close("3").ends(3).says("older than finding");
    asked.run(&["finding", "report"]).ends(0).prints("1 findings open, 1 of them overdue, 0 closed.");

    asked.run(&["evidence", "hold", "--site", "HRB01", "--reason", "case 7"]).ends(0);
    asked.run(&["evidence", "hold", "--site", "HRB01", "--reason", "case 7"]).ends(3);
    asked.run(&["evidence", "retention", "--now", "2099-01-01"]).ends(0).prints("no: legal hold since");
    let prune = |with: &[&str]| asked.run(&[&["evidence", "prune"], with].concat());
    prune(&["--now", "2099-01-01", "--site", "HRB01"]).ends(0).says("Nothing may go");
    prune(&["--now", "2099-01-01", "--yes"]).ends(64);
    prune(&["--yes"]).ends(0).says("0 files were taken away");
    let hold = asked.first("kind:hold.set");
    close(&hold).ends(0);
    close(&hold).ends(3).says("was closed by entry");

    let seen = asked.first("kind:step.succeeded step:catalog.prod.clinical");
    asked.export("before");
    let redact = |entry: &str| {
        asked.run(&["evidence", "redact", "--site", "HRB01", "--entry", entry, "--reason", "a name"])
    };
    redact("0").ends(3).says("run.started");
    redact(&seen).ends(0);
    redact(&seen).ends(3).says("redacted already");

    asked.export("bundle");
    asked.verify("bundle").ends(0).prints("1 of them redacted").prints("integrity ok, complete ok\n");
    // A line that gave way to its hash rewrites no history.
    let kept = asked.run(&["evidence", "verify", "bundle", "--previous", "before"]).ends(0);
    kept.prints("of the previous bundle; continues the").prints("of the checkpoint that you kept");
    for question in ["approvals", "changes", "access", "incidents", "retirements"] {
        asked.same_from_both("bundle", &["ask", question]);
    }
    asked.same_from_both("bundle", &["timeline"]);
    asked.same_from_both("bundle", &["search", "catalog"]);
    let everywhere = asked.run(&["evidence", "search", "kind:run.started"]).ends(0);
    everywhere.prints("site/HRB01#0").prints("account#");
    asked.run(&["finding", "list", "--bundle", "bundle"]).ends(0).prints("Grants without owner");
    asked.run(&["evidence", "list", "--bundle", "bundle"]).ends(0).prints("none is missing");
    tombstones_need_a_record(&asked, &seen);
}

/// Whoever takes a line away without a record, or another one than its record names, is found out.
fn tombstones_need_a_record(asked: &Asked, seen: &str) {
    let log = "journal/site.jsonl";
    let text = std::fs::read_to_string(asked.estate.path("bundle").join(log)).expect("a log");
    let lines: Vec<&str> = text.lines().collect();
    let place: usize = seen.parse().expect("a place");
    assert!(lines[place].starts_with("!sha256:"), "{}", lines[place]);
    let page = std::fs::read_to_string(asked.estate.path("bundle/index.html")).expect("a page");
    assert!(page.contains(&format!("<strong>Redacted:</strong> entry {place} (step.succeeded): a name")));
    copy(&asked.estate.path("bundle"), &asked.estate.path("cut"));
    let leaves = std::fs::read_to_string(asked.estate.path("cut/journal/leaves")).expect("leaves");
    let other = place - 1;
    let tombstone = format!("!sha256:{}", leaves.lines().nth(other).expect("a leaf"));
    let mut cut = lines.clone();
    cut[other] = &tombstone;
    std::fs::write(asked.estate.path("cut").join(log), cut.join("\n") + "\n").expect("written");
    asked
        .verify("cut")
        .ends(7)
        .prints(&format!("entry {other} cannot be used: it was taken away, and no redaction.made"));
    if Command::new("openssl").arg("version").output().is_ok() {
        let mut script = Command::new("python3");
        script.current_dir(asked.estate.path("bundle")).args([
            "-B",
            "verify_log.py",
            log,
            "journal/checkpoint",
        ]);
        let output = script.args(["keys/log.vkey", "journal/leaves"]).output().expect("python3 runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains(" 1 of them redacted"), "{output:?}");
    }
}
