//! Launches held against changes and their tickets, over the real records.

use std::collections::BTreeSet;
use std::path::Path;

use landfall::base::id::{LogId, PersonId, RunId};
use landfall::base::limits::LEASE;
use landfall::change::{Change, Review, Signatures};
use landfall::entropy::Entropy;
use landfall::journal::Journal;
use landfall::journal::memory::MemoryJournal;
use landfall::model::change::{Basis, BoardDecision, ChangeApplied, ChangeState};
use landfall::model::entry::{Actor, ActorKind, Entry, EntryDraft};
use landfall::model::estate::{Estate, Hook};
use landfall::model::plan::{Plan, SavedPlan};
use landfall::model::signed::ChangeClass;
use landfall::ops::Context;
use landfall::ops::changes::board::Meeting;
use landfall::ops::changes::{self, Begin, Book, Step, Wanted, after_launch, refuse_without_change};
use landfall::ops::checkpoints;
use landfall::ops::note::{self, Note};
use landfall::runner::clock::Clock;
use serde_json::{Value, json};

use crate::receiver::{Mood, NUMBER, Receiver, TOKEN, approval};

const ESTATE: &str = r#"
format = 1
[estate]
name = "Example"
code = "ex"
lineage = "7d0f6f52-5f0e-4b53-9a35-0c8c2f4b6a11"
day_one = 2026-12-01
[roles]
change-board = "cab-chair"
[tickets]
adapter = "servicenow"
user = "exec:echo robot"
token = "file:token"
required = "always"
timeout_ms = 2000
"#;

fn actor() -> Actor {
    Actor { kind: ActorKind::Person, id: "tester".to_owned() }
}

fn person(name: &str) -> PersonId {
    PersonId::new(name).unwrap()
}

/// Everybody has signed, somebody else has reviewed.
fn all_signed(_: &SavedPlan, _: &Change, _: &[Entry]) -> Signatures {
    let basis = Basis { what: "review by peer".to_owned(), log: LogId::Org, seq: 1_000 };
    let at = "2027-01-01T00:00:00Z".parse().unwrap();
    let reviews = vec![Review { person: person("peer"), at, basis }];
    Signatures { reviews, ..Signatures::default() }
}

fn plan(site: &str, note: &str) -> SavedPlan {
    let plan: Plan = serde_json::from_value(json!({
        "v": 1, "tool": note, "estate": "Example", "lineage": "7d0f6f52-5f0e-4b53-9a35-0c8c2f4b6a11",
        "target": { "name": "prod", "account_id": "0", "host": "https://accounts.cloud.databricks.com" },
        "selection": { "sites": [site] }, "inputs": {}, "packs": {}, "parameters": {}, "heads": {},
        "fleet": { "waves": [] }, "scopes": { format!("site/{site}"): { "needs": [], "steps": {} } },
    }))
    .unwrap();
    SavedPlan::new(plan, "2027-01-01T00:00:00Z".parse().unwrap())
}

struct World {
    receiver: Receiver,
    context: Context,
    estate: Estate,
    journal: MemoryJournal,
    _folder: tempfile::TempDir,
}

impl World {
    fn new(extra: &str) -> Self {
        let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::start());
        let text = ESTATE.replace("required", &format!("url = \"{}\"\nrequired", receiver.address));
        std::fs::create_dir_all(folder.path().join("sites")).unwrap();
        std::fs::write(folder.path().join("sites/estate.toml"), format!("{text}{extra}")).unwrap();
        secret(&folder.path().join("token"));
        let (loaded, _) = landfall::source::load(folder.path());
        let context = Context {
            root: folder.path().to_owned(),
            state: folder.path().join(".landfall"),
            clock: Clock::Real,
            entropy: Entropy::System,
        };
        assert!(loaded.estate.tickets.is_some(), "the table was not read");
        Self { receiver, context, estate: loaded.estate, journal: MemoryJournal::new(), _folder: folder }
    }

    fn open(&mut self, saved: &SavedPlan, class: ChangeClass) -> String {
        let requester = person("maria");
        let wanted = Wanted {
            saved,
            title: "Bring HRB01 ashore",
            class,
            ticket: Some(NUMBER),
            requester: &requester,
            built_by: BTreeSet::from([person("dev")]),
        };
        changes::open(&self.context, &mut self.journal, &wanted, None, &actor()).unwrap().change.to_string()
    }

    async fn tell(&mut self, change: &str) -> Result<(), String> {
        let opened = Book::read(&self.journal).unwrap().find(change).unwrap().opened.clone();
        let told =
            changes::ticket::tell(&self.context, &self.estate, &mut self.journal, &opened, &actor()).await;
        told.map_err(|failure| failure.to_string())
    }

    fn advance(&mut self, change: &str, to: ChangeState, reason: &str) -> Result<(), String> {
        let begin = (to == ChangeState::Scheduled).then_some(Begin::Next);
        let step = Step { change, to, reason, begin };
        let made =
            changes::advance(&self.context, &self.estate, &mut self.journal, step, &all_signed, &actor());
        made.map(|_| ()).map_err(|failure| failure.to_string())
    }

    fn decide(&mut self, change: &str, decision: BoardDecision, note: &str) -> Result<(), String> {
        let attendees = BTreeSet::from([person("cab-chair")]);
        let date = "2026-01-05".parse().unwrap();
        let meeting = Meeting { change, date, attendees, decision, note };
        let made = changes::board::decide(&self.context, &self.estate, &mut self.journal, meeting, &actor());
        made.map(|_| ()).map_err(|failure| failure.to_string())
    }

    /// A change that is told to its ticket, and scheduled.
    async fn scheduled(&mut self, saved: &SavedPlan) -> String {
        let change = self.open(saved, ChangeClass::Normal);
        self.tell(&change).await.unwrap();
        self.decide(&change, BoardDecision::Approved, "").unwrap();
        for to in [ChangeState::Reviewed, ChangeState::Approved, ChangeState::Scheduled] {
            self.advance(&change, to, "").unwrap();
        }
        change
    }

    /// Whether a launch may begin, in words.
    async fn launched(&self, saved: &SavedPlan, change: Option<&str>) -> String {
        let cleared = refuse_without_change(&self.context, &self.estate, saved, change, &self.journal).await;
        match cleared {
            Ok(Some(_)) => "cleared".to_owned(),
            Ok(None) => "not asked".to_owned(),
            Err(failure) => failure.to_string(),
        }
    }

    fn kinds(&self) -> Vec<String> {
        let lines = self.journal.read(&LogId::Org, 0).unwrap();
        lines.into_iter().map(|line| line.entry.kind).collect()
    }

    /// One more entry in a log.
    fn note(&mut self, log: &LogId) {
        let note = Note::new("run.noted", json!({}));
        note::append(&self.context, &mut self.journal, log, note).unwrap();
    }

    /// What a launch would write.
    fn append(&mut self, kind: &str, body: Value) {
        let now = self.context.clock.now();
        let lease = self.journal.take_lease(&LogId::Org, "test", now, LEASE).unwrap();
        let draft = EntryDraft {
            log: LogId::Org,
            at: now,
            run: Some(RunId::new("run-1").unwrap()),
            kind: kind.to_owned(),
            step: None,
            actor: actor(),
            plan: None,
            refs: Vec::new(),
            body,
        };
        self.journal.append(&[&lease], vec![draft]).unwrap();
        self.journal.release(&lease).unwrap();
    }
}

fn secret(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, format!("{TOKEN}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn a_launch_goes_on_an_approved_ticket_and_its_records_name_it() {
    let (mut world, saved) = (World::new(""), plan("HRB01", "a"));
    assert_eq!(
        world.launched(&saved, None).await,
        "target prod takes no launch without a change: landfall change open PLAN --title \"…\" --ticket NUMBER, then --change"
    );
    let change = world.scheduled(&saved).await;
    let (context, estate) = (world.context.clone(), world.estate.clone());
    let cleared = refuse_without_change(&context, &estate, &saved, Some(&change), &world.journal)
        .await
        .unwrap()
        .unwrap();
    let file = cleared.record(&context, &saved, &actor(), &mut world.journal).unwrap();
    assert_eq!(file.path, "change.json");
    let kept: ChangeApplied = serde_json::from_slice(&world.journal.get_blob(&file.sha256).unwrap()).unwrap();
    let ticket = kept.ticket.unwrap();
    assert_eq!(
        (ticket.number.as_str(), ticket.state.as_str(), ticket.plan),
        (NUMBER, "Implement", saved.digest)
    );
    assert_eq!(
        (ticket.approvers, ticket.standing.as_str()),
        (vec!["cab.chair".to_owned()], "recorded, not signed")
    );
    let text = format!("{:?}", world.journal.read(&LogId::Org, 0).unwrap());
    assert!(!text.contains(TOKEN) && !text.contains("patient"), "{text}");

    world.append("launch.started", json!({ "plan": saved.digest, "selection": "all" }));
    world.append("launch.ended", json!({ "outcome": "succeeded" }));
    let run = RunId::new("run-1").unwrap();
    let after = after_launch(&context, &estate, &run, &mut world.journal, &actor()).await.unwrap();
    assert_eq!(after.trouble, [""; 0]);
    assert_eq!(after.done.len(), 3, "{:?}", after.done);
    assert!(world.receiver.desk(|desk| desk.notes.contains("ended: succeeded")));
    let again = after_launch(&context, &estate, &run, &mut world.journal, &actor()).await.unwrap();
    assert_eq!((again.done.len(), again.trouble.len()), (0, 0), "{again:?}");
    world.advance(&change, ChangeState::Closed, "done").unwrap();
    let kinds = world.kinds();
    let of = |kind: &str| kinds.iter().filter(|one| *one == kind).count();
    assert_eq!(
        (of("change.advanced"), of("change.applied"), of("ticket.read"), of("ticket.commented")),
        (6, 1, 1, 2)
    );
}

#[tokio::test]
async fn each_ticket_that_will_not_do_is_refused_with_its_reason_and_nothing_is_written() {
    let (mut world, saved) = (World::new(""), plan("HRB01", "a"));
    let change = world.scheduled(&saved).await;
    let before = world.kinds();
    type Case = (&'static str, fn(&mut crate::receiver::Desk), &'static str);
    let cases: [Case; 9] = [
        (
            "closed",
            |desk| desk.state = "Closed".to_owned(),
            "ticket CHG0012345 is not open: its state is `Closed`",
        ),
        (
            "new",
            |desk| desk.state = "New".to_owned(),
            "ticket CHG0012345 is not approved: its state is `New`",
        ),
        (
            "site",
            |desk| desk.title = "For MPL02".to_owned(),
            "ticket CHG0012345 is not for HRB01: it names MPL02",
        ),
        ("digest", |desk| desk.notes.clear(), "ticket CHG0012345 does not quote the digest of this plan"),
        ("own", |desk| desk.approvals = vec![approval("maria", "approved")], "was approved by maria alone"),
        ("nobody", |desk| desk.approvals.clear(), "ticket CHG0012345 does not tell who approved it"),
        ("no", |desk| desk.approvals.push(approval("net.lead", "rejected")), "was rejected by net.lead"),
        (
            "before",
            |desk| desk.approvals[0].2 = "2020-01-01 00:00:00".to_owned(),
            "was approved before it named plan",
        ),
        (
            "down",
            |desk| desk.mood = Mood::Status(503, 9),
            "cannot be read, so nothing shows that CHG-1 is approved: the \
            ticket system is down: it answered 503",
        ),
    ];
    let good = world.receiver.desk(|desk| desk.clone());
    for (name, change_it, expected) in cases {
        world.receiver.desk(change_it);
        let told = world.launched(&saved, Some(&change)).await;
        assert!(told.contains(expected), "{name}: {told}");
        world.receiver.desk(|desk| *desk = good.clone());
    }
    assert_eq!(world.kinds(), before);
    assert_eq!(world.launched(&saved, Some(&change)).await, "cleared");
    let other = plan("HRB01", "b");
    assert!(world.launched(&other, Some(&change)).await.contains("open a change for it"));
}

#[tokio::test]
async fn a_person_who_asks_is_known_under_the_name_that_the_ticket_system_has() {
    let mut world = World::new("[tickets.people]\nmaria = \"cab.chair\"\n");
    let saved = plan("HRB01", "a");
    let change = world.scheduled(&saved).await;
    let told = world.launched(&saved, Some(&change)).await;
    assert!(told.contains("ticket CHG0012345 was approved by cab.chair alone"), "{told}");
}

#[tokio::test]
async fn only_a_scheduled_change_is_launched_and_each_refusal_names_the_next_step() {
    let (mut world, saved) = (World::new(""), plan("HRB01", "a"));
    let change = world.open(&saved, ChangeClass::Normal);
    assert!(
        world.launched(&saved, Some(&change)).await.contains("CHG-1 is draft, and only a scheduled change")
    );
    assert_eq!(
        world.advance(&change, ChangeState::Applied, "").unwrap_err(),
        "CHG-1 is draft, and applied does not follow on that; the legal next step is reviewed"
    );
    assert!(world.advance(&change, ChangeState::Reviewed, "").is_ok());
    assert!(
        world
            .advance(&change, ChangeState::Approved, "")
            .unwrap_err()
            .contains("a decision of the change board")
    );
    world.decide(&change, BoardDecision::Rejected, "not before the audit").unwrap();
    let book = Book::read(&world.journal).unwrap();
    let back = book.find(&change).unwrap();
    assert_eq!(back.state, ChangeState::Draft);
    assert!(back.history.last().unwrap().why.contains("not before the audit"));
    assert!(world.launched(&saved, Some("CHG-2")).await.contains("there is no CHG-2"));
}

#[tokio::test]
async fn a_ticket_system_that_is_down_stops_no_run_and_is_told_later() {
    let (mut world, saved) = (World::new(""), plan("HRB01", "a"));
    let change = world.scheduled(&saved).await;
    let (context, estate) = (world.context.clone(), world.estate.clone());
    let cleared = refuse_without_change(&context, &estate, &saved, Some(&change), &world.journal)
        .await
        .unwrap()
        .unwrap();
    cleared.record(&context, &saved, &actor(), &mut world.journal).unwrap();
    world.append("launch.started", json!({ "plan": saved.digest, "selection": "all" }));
    world.append("launch.ended", json!({ "outcome": "partial" }));
    world.receiver.desk(|desk| desk.mood = Mood::Status(500, 9));
    let run = RunId::new("run-1").unwrap();
    let after = after_launch(&context, &estate, &run, &mut world.journal, &actor()).await.unwrap();
    assert_eq!(after.trouble.len(), 1, "{after:?}");
    assert!(after.trouble[0].contains("was not told how it ended: the ticket system is down"), "{after:?}");
    let book = Book::read(&world.journal).unwrap();
    assert_eq!(
        book.find(&change).unwrap().state,
        ChangeState::Applied,
        "what did not end well is not validated"
    );
    world.receiver.desk(|desk| desk.mood = Mood::Good);
    let after = after_launch(&context, &estate, &run, &mut world.journal, &actor()).await.unwrap();
    assert_eq!((after.done.len(), after.trouble.len()), (1, 0), "{after:?}");
}

#[tokio::test]
async fn what_waits_for_the_board_is_told() {
    let (mut world, saved) = (World::new(""), plan("HRB01", "a"));
    let change = world.open(&saved, ChangeClass::Normal);
    let waiting = |world: &World| {
        changes::board::pending(&world.estate, &world.journal, world.context.clock.now()).unwrap()
    };
    assert_eq!(waiting(&world), []);
    world.advance(&change, ChangeState::Reviewed, "").unwrap();
    let all = waiting(&world);
    assert_eq!((all.len(), all[0].role.as_str()), (1, "change-board"));
    assert_eq!(all[0].people, BTreeSet::from([person("cab-chair")]));
    world.decide(&change, BoardDecision::Approved, "").unwrap();
    assert_eq!(waiting(&world), []);
}

#[tokio::test]
async fn checkpoints_of_a_site_are_published_on_the_tickets_of_its_open_changes() {
    let (mut world, saved) = (World::new(""), plan("HRB01", "a"));
    world.estate.publish = vec![Hook::Ticket];
    let change = world.scheduled(&saved).await;
    let site: LogId = "site/HRB01".parse().unwrap();
    let (other, account): (LogId, LogId) = ("site/MPL02".parse().unwrap(), "account".parse().unwrap());
    let comments = |world: &World| -> Vec<String> {
        let notes = world.receiver.desk(|desk| desk.notes.clone());
        notes.split("Landfall checkpoint of ").skip(1).map(str::to_owned).collect()
    };
    // Hooks wait for their answers, so they are not asked on the runtime's own thread.
    let record = |world: &World| {
        let record = || checkpoints::record(&world.context, &world.journal, &world.estate, false).troubles;
        std::thread::scope(|scope| scope.spawn(record).join().unwrap())
    };
    for log in [&site, &other, &account] {
        world.note(log);
    }
    assert_eq!(record(&world), Vec::<String>::new());
    let first = comments(&world);
    assert_eq!(first.len(), 1, "of the change's site alone: {first:?}");
    let head = world.journal.heads().unwrap()[&site].clone();
    assert!(first[0].contains("/site/HRB01\n1 entries, root sha256 "), "{first:?}");
    assert!(first[0].contains(&head.root.to_string()), "{first:?}");

    // Nothing grew: nothing is written. A system that is down is told of, and made up for.
    assert_eq!(record(&world), Vec::<String>::new());
    assert_eq!(comments(&world).len(), 1);
    world.note(&site);
    world.receiver.desk(|desk| desk.mood = Mood::Status(503, 9));
    let troubles = record(&world);
    assert!(troubles.len() == 1 && troubles[0].contains("checkpoints are not with"), "{troubles:?}");
    assert_eq!(comments(&world).len(), 1);
    world.receiver.desk(|desk| desk.mood = Mood::Good);
    assert_eq!(record(&world), Vec::<String>::new());
    assert_eq!(comments(&world).len(), 2, "the same once more, and then well");

    // What was published counts by what the ticket shows: a mark that is lost writes no comment twice.
    std::fs::remove_dir_all(world.context.state.join("published")).unwrap();
    assert_eq!(record(&world), Vec::<String>::new());
    assert_eq!(comments(&world).len(), 2);

    // A closed change has no ticket to write on any more.
    let (context, estate) = (world.context.clone(), world.estate.clone());
    let cleared = refuse_without_change(&context, &estate, &saved, Some(&change), &world.journal);
    cleared.await.unwrap().unwrap().record(&context, &saved, &actor(), &mut world.journal).unwrap();
    world.append("launch.started", json!({ "plan": saved.digest, "selection": "all" }));
    world.append("launch.ended", json!({ "outcome": "succeeded" }));
    let run = RunId::new("run-1").unwrap();
    after_launch(&context, &estate, &run, &mut world.journal, &actor()).await.unwrap();
    world.advance(&change, ChangeState::Closed, "done").unwrap();
    world.note(&site);
    assert_eq!(record(&world), Vec::<String>::new());
    assert_eq!(comments(&world).len(), 2);
}
