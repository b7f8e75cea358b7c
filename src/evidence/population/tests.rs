//! Hand-made logs with populations in them, good ones and spoiled ones.

use super::*;
use crate::base::digest::Digest;
use crate::model::entry::{Actor, ActorKind, BlobRef, Entry};
use crate::model::population::{
    CallRead, Compared, IDENTITY, LineageRead, Others, POPULATION_VERSION, PagesEnd, PopulationRead, READ,
};
use serde_json::json;
use std::collections::BTreeMap;

/// A log of one site, written line by line.
struct Log(Records);

impl Log {
    /// A site that has made one workspace.
    fn launched() -> Self {
        let log = "site/HRB01".parse().unwrap();
        let mut log = Self(Records { log, entries: Vec::new(), blobs: BTreeMap::new() });
        let desired = json!({ "kind": "databricks.workspace", "spec": { "workspace_name": "cban-hrb01-prod" },
                              "spec_digest": Digest::of(b"spec") });
        let deadline = "2027-01-11T09:01:00Z";
        log.step(
            "step.applying",
            json!({ "attempt": 1, "call": "create", "deadline": deadline, "desired": desired }),
        );
        log.step("step.applied", json!({ "attempt": 1, "at": "2027-01-11T09:00:00Z", "id": "1001" }));
        log.step(
            "step.succeeded",
            json!({ "attempt": 1, "effect": "created", "id": "1001", "outputs": {},
                                           "polls": 0, "settled_in": 1 }),
        );
        log
    }

    fn entry(&mut self, kind: &str, step: Option<&str>, refs: Vec<BlobRef>, body: Value) {
        let seq = self.0.entries.len() as u64;
        self.0.entries.push(Entry {
            v: 1,
            seq,
            at: Timestamp::from_millis(1_799_658_000_000),
            log: self.0.log.clone(),
            run: None,
            kind: kind.to_owned(),
            step: step.map(|step| step.parse().unwrap()),
            actor: Actor { kind: ActorKind::Automation, id: "landfall".to_owned() },
            plan: None,
            refs,
            body,
            salt: "0".repeat(32),
        });
    }

    fn step(&mut self, kind: &str, body: Value) {
        self.entry(kind, Some("workspace.prod"), Vec::new(), body);
    }

    /// Keeps a population; `change` may spoil it before.
    fn read(&mut self, name: &str, rows: &[&[&str]], change: impl FnOnce(&mut PopulationRead)) {
        let (question, columns) = platform::columns(name).unwrap();
        let mut table: Vec<Vec<String>> = Vec::new();
        for row in rows {
            let mut row: Vec<String> = row.iter().map(|cell| (*cell).to_owned()).collect();
            row.resize(columns.len(), String::new());
            table.push(row);
        }
        let csv = Answer { question, sentence: String::new(), columns, rows: table }.csv();
        let sha256 = Digest::of(csv.as_bytes());
        self.0.blobs.insert(sha256, csv.into_bytes());
        let count = rows.len() as u64;
        let end = PagesEnd::Exhausted { proof: "the last page has no next_page_token".to_owned() };
        let mut read = PopulationRead {
            v: POPULATION_VERSION,
            population: name.to_owned(),
            target: "production".to_owned(),
            read_as: Some("landfall".to_owned()),
            began: Timestamp::from_millis(1_799_658_000_000),
            ended: Timestamp::from_millis(1_799_658_001_000),
            calls: vec![CallRead {
                host: "https://accounts.example".to_owned(),
                call: "GET /list".to_owned(),
                query: String::new(),
                pages: vec![u32::try_from(count).unwrap()],
                end,
            }],
            more_calls: 0,
            items: count,
            rows: count,
            others: Others::default(),
            compared: Vec::new(),
            lineage: None,
            csv: sha256,
        };
        change(&mut read);
        let named = BlobRef { path: format!("population/{name}.csv"), sha256 };
        self.entry(READ, None, vec![named], serde_json::to_value(&read).unwrap());
    }

    fn line(&self, what: &str) -> ReconciliationLine {
        let summary = Populations::of(&self.0).summary();
        summary
            .reconciliations
            .into_iter()
            .find(|one| one.what == what)
            .unwrap_or_else(|| panic!("no line {what}"))
    }

    fn population(&self, name: &str) -> Population {
        Populations::of(&self.0).all.into_iter().find(|one| one.name == name).unwrap()
    }
}

const OWN: &[&str] = &["1001", "log", "workspace.prod", "cban-hrb01-prod"];

#[test]
fn what_the_platform_lists_is_the_population_and_agrees_with_the_log() {
    let mut log = Log::launched();
    log.read("workspaces", &[OWN], |read| {
        read.calls[0].pages = vec![2, 0, 1];
        (read.items, read.others) = (3, Others { known: 2, unknown: 0 });
    });
    let line = log.line("workspaces of this site");
    assert_eq!((line.ours.1, line.theirs.1, line.differences, line.agrees), (Some(1), Some(1), 0, true));
    let line = log.line("workspaces of the whole account");
    assert_eq!((line.ours.1, line.theirs.1, line.agrees), (Some(3), Some(3), true));
    let population = log.population("workspaces");
    assert_eq!(population.rows.rows[0][..3], OWN[..3]);
    let text = population.query_text(7);
    for words in [
        "GET /list at https://accounts.example",
        "3 pages of 2 + 0 + 1 items",
        "Read as     landfall",
        "3 in all: 1 of this site, 2 of other scopes",
        "has no next_page_token",
        "entry 3 of",
    ] {
        assert!(text.contains(words), "no {words:?} in\n{text}");
    }
}

#[test]
fn every_difference_is_listed_with_its_side() {
    let mut log = Log::launched();
    log.read("workspaces", &[&["2002", "tag", "", "by-hand"]], |read| {
        (read.items, read.calls[0].pages) = (2, vec![2]);
        read.others.unknown = 1;
    });
    let line = log.line("workspaces of this site");
    assert_eq!(
        (line.ours.1, line.theirs.1, line.standing.as_str()),
        (Some(1), Some(1), "DIFFERS"),
        "1 = 1 is not enough"
    );
    let listed: Vec<String> = line.listed.iter().map(|(item, detail)| format!("{item} {detail}")).collect();
    assert_eq!(
        listed,
        ["2002 in the list (tag), not in the log", "workspace.prod in the log (1001), not in the list"]
    );
    assert_eq!(log.line("workspaces of the whole account").differences, 2);
    let other_id: &[&str] = &["1009", "log", "workspace.prod"];
    log.read("workspaces", &[other_id], |_| ());
    assert_eq!(log.line("workspaces of this site").listed[0].1, "the list has 1009, the log has 1001");
    log.read("workspaces", &[OWN, OWN], |_| ());
    assert_eq!(log.line("workspaces of this site").listed[0].1, "in the list more than once");
    log.read("workspaces", &[OWN, &["7", platform::BY_SERVICE, ""], &["8", platform::GONE, ""]], |_| ());
    assert!(
        log.line("workspaces of this site").agrees,
        "what the service makes and what is gone is not counted"
    );
}

#[test]
fn a_source_that_is_not_there_is_missing_and_never_nothing() {
    let log = Log::launched();
    for what in [
        "workspaces of this site",
        "changes under a ticket",
        "changes and audit events",
        "users of the account",
        "people who left",
    ] {
        let line = log.line(what);
        assert_eq!(line.theirs.1, None, "{what}");
        assert!(line.standing.starts_with("source missing: ") && !line.agrees, "{what}: {}", line.standing);
    }
    assert_eq!(log.line("changes and audit events").ours.1, Some(1));
    assert!(log.population("grants").nothing().unwrap().starts_with("No record"));
}

#[test]
fn what_was_cut_off_never_agrees() {
    let mut log = Log::launched();
    let cut = PagesEnd::Cut { why: "a page names a page that was read before".to_owned() };
    log.read("workspaces", &[OWN], |read| read.calls[0].end = cut.clone());
    let line = log.line("workspaces of this site");
    assert_eq!((line.differences, line.agrees), (0, false));
    assert_eq!(line.standing, "NOT COMPLETE: a page names a page that was read before");
    assert!(log.population("workspaces").source().ends_with("NOT COMPLETE"));
    log.read("budgets", &[], |read| read.calls[0].end = cut);
    assert!(
        log.population("budgets").nothing().unwrap().starts_with("No statement"),
        "nothing is said of half a list"
    );
    log.read("budgets", &[], |_| ());
    assert!(log.population("budgets").nothing().unwrap().starts_with("Nothing happened"));
}

#[test]
fn counts_that_do_not_fit_their_rows_and_pages_are_named() {
    type Spoil = fn(&mut PopulationRead);
    let spoils: [(Spoil, &str); 5] = [
        (|read| read.rows = 2, "says 2 rows, and its file has 1"),
        (|read| read.items = 9, "says 9 items, and its pages have 1"),
        (|read| read.calls[0].pages = vec![1, 1], "says 1 items, and its pages have 2"),
        (|read| read.others.known = 5, "says 1 items, and counts 6 as somebody's"),
        (|read| read.csv = Digest::of(b"elsewhere"), "names rows that are not there or are no table"),
    ];
    for (spoil, words) in spoils {
        let mut log = Log::launched();
        log.read("workspaces", &[OWN], spoil);
        let wrong = log.population("workspaces").cut().unwrap_or_default();
        assert!(wrong.ends_with(words), "{words}: {wrong}");
        assert!(!log.line("workspaces of this site").agrees, "{words}");
    }
}

#[test]
fn changes_and_audit_events_are_one_to_one() {
    let at = "2027-01-11T09:00:00.000Z";
    let own = |entry: &'static str| [at, "landfall", "POST", "/workspaces", "", entry];
    let mut log = Log::launched();
    log.read("audit-events", &[&own("site/HRB01#0")], |_| ());
    assert!(log.line("changes and audit events").agrees);
    log.read("audit-events", &[&own("site/HRB01#0"), &own("site/HRB01#0"), &own("")], |_| ());
    assert_eq!(
        log.line("changes and audit events").differences,
        2,
        "one event twice, and one that is no change"
    );
    log.read("audit-events", &[&[at, "eve", "DELETE", "/workspaces/1001", "", ""]], |_| ());
    let line = log.line("changes and audit events");
    assert_eq!(
        line.listed[0],
        ("site/HRB01#0".to_owned(), "a change of the log that no audit event shows".to_owned())
    );
    assert_eq!(log.line("changes by others than this program").listed[0].1, "by eve");
    log.read("audit-events", &[], |read| read.read_as = None);
    assert!(
        log.line("changes and audit events").standing.starts_with("source missing"),
        "nobody knows who we are"
    );
    log.read("audit-events", &[], |read| read.calls.clear());
    assert!(log.line("changes by others than this program").standing.starts_with("source missing"));
    assert!(log.population("audit-events").nothing().unwrap().starts_with("No record"));
}

#[test]
fn people_are_counted_and_only_those_of_the_site_are_named() {
    let compared = |whole| Compared {
        with: IDENTITY.to_owned(),
        sha256: Digest::of(b"users"),
        people: 4,
        whole,
        matched: 2,
        in_account: 5,
    };
    let rows: &[&[&str]] =
        &[&["71", "user", "yes", "group", "no", "no"], &["72", "user", "yes", "group", "yes", "no"]];
    let mut log = Log::launched();
    log.read("users", rows, |read| read.compared = vec![compared(true)]);
    let line = log.line("users of the account");
    assert_eq!((line.ours.1, line.theirs.1, line.differences), (Some(5), Some(4), 5));
    let items: Vec<&str> = line.listed.iter().map(|(item, _)| item.as_str()).collect();
    assert_eq!(items, ["71", "2", "2"], "one by id, two of other sites as a count, two not in the account");
    log.read("users", rows, |read| read.compared = vec![compared(false)]);
    assert!(log.line("users of the account").standing.starts_with("NOT COMPLETE"));
}

#[test]
fn rows_are_hostile_and_files_are_the_same_every_time() {
    let mut log = Log::launched();
    let formula: &[&str] = &["=1+1", "name", "", "=HYPERLINK(\"http://evil\")", "a\"b,c\r\nd"];
    log.read("workspaces", &[OWN, formula], |_| ());
    let populations = Populations::of(&log.0);
    let files = populations.files().unwrap();
    let csv = String::from_utf8(files["population/workspaces.csv"].clone()).unwrap();
    assert!(csv.contains("'=1+1,name,,\"'=HYPERLINK(\"\"http://evil\"\")\""), "{csv}");
    let read: PopulationRead = serde_json::from_value(log.0.entries.last().unwrap().body.clone()).unwrap();
    assert_eq!(Digest::of(csv.as_bytes()), read.csv, "what is shown is what was kept");
    assert_eq!(files, Populations::of(&log.0).files().unwrap());
    assert!(files["lead-sheet.xlsx"].starts_with(b"PK"));
    let samples = String::from_utf8(files["population/samples.csv"].clone()).unwrap();
    assert!(
        samples.contains("workspaces,2,'=1+1,documented: the site's log holds it,fail: no log holds it,"),
        "{samples}"
    );
    let data: ReconciliationData = serde_json::from_slice(&files[RECONCILIATION_DATA]).unwrap();
    assert_eq!(data.reconciled, populations.reconciled);
}

#[test]
fn a_later_look_counts_and_later_changes_do_not_change_an_earlier_one() {
    let mut log = Log::launched();
    log.read("workspaces", &[], |_| ());
    log.read("workspaces", &[OWN], |_| ());
    assert!(log.line("workspaces of this site").agrees, "the newest counts");
    log.step("step.succeeded", json!({ "attempt": 1, "effect": "deleted", "polls": 0, "settled_in": 1 }));
    assert!(log.line("workspaces of this site").agrees, "held against what the log held at that moment");
}

/// A log whose gold tables were read with these edges; `whole` says whether to the end.
fn with_lineage(edges: &[&[&str]], told: Option<LineageRead>, whole: bool) -> Log {
    let mut log = Log::launched();
    let schema = "schema.prod.clinical.priorauth.gold";
    let gold = ["c.x_gold.a", "c.x_gold.b"].map(|table| [table, "c.x_gold", "MANAGED", schema]);
    log.read("gold-tables", &[&gold[0], &gold[1]], |_| {});
    log.read("lineage", edges, |read| {
        read.lineage = told;
        if !whole {
            read.calls[0].end = PagesEnd::Cut { why: "the answer did not come".to_owned() };
        }
    });
    log
}

#[test]
fn lineage_is_told_per_gold_table_and_one_without_a_source_is_a_difference() {
    let edges: &[&[&str]] = &[
        &["c.x_silver.s", "c.x_gold.a", "TABLE", "this site"],
        &["c.x_bronze.r", "c.x_silver.s", "TABLE", "this site"],
        &["", "c.x_gold.b", "NONE", "nobody's by name"],
    ];
    let counts = LineageRead { tables: 2, without: 1 };
    let made = Populations::of(&with_lineage(edges, Some(counts), true).0);
    let lineage = made.lineage.as_ref().expect("it was read");
    assert_eq!(
        lineage.sentence(),
        "Lineage: 2 gold tables, 2 edges from source to target; 1 followed back to raw data, 1 without any source."
    );
    assert!(made.tables().contains_key(LINEAGE_DATA));
    assert_eq!(
        made.all.iter().find_map(|one| one.cut()),
        None,
        "what the entry says is what its rows come to"
    );
    let log = with_lineage(edges, Some(counts), true);
    let line = log.line("gold tables and their sources");
    assert_eq!((line.ours.1, line.theirs.1, line.agrees), (Some(2), Some(1), false));
    assert_eq!(line.listed, [("c.x_gold.b".to_owned(), "a gold table without any upstream edge".to_owned())]);
}

#[test]
fn an_entry_that_counts_other_than_its_rows_is_wrong_and_a_cut_list_says_nothing() {
    let edges: &[&[&str]] = &[&["c.x_silver.s", "c.x_gold.a", "TABLE", "another site"]];
    for lie in
        [None, Some(LineageRead { tables: 2, without: 0 }), Some(LineageRead { tables: 9, without: 1 })]
    {
        let log = with_lineage(edges, lie, true);
        let cut = log.population("lineage").cut().expect("a lie is told");
        assert!(cut.contains("does not say of the lineage what its rows come to"), "{cut}");
    }
    let cut = with_lineage(edges, None, false);
    let line = cut.line("gold tables and their sources");
    assert!(line.standing.starts_with("NOT COMPLETE"), "{line:?}");
    let honest = with_lineage(edges, Some(LineageRead { tables: 2, without: 1 }), true);
    let listed = honest.line("gold tables and their sources").listed;
    assert!(listed.contains(&("c.x_gold.a".to_owned(), "made from something of another site's".to_owned())));
    let never = Populations::of(&Log::launched().0);
    assert!(never.lineage.is_none() && !never.tables().contains_key(LINEAGE_DATA));
}
