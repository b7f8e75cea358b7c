//! Floor 2: what people are told of a log entry. A notice follows from the entry and the estate alone, so nothing is
//! kept for it, nothing is lost in a crash, and the same entry always gives the same notice under the same id.
//!
//! What leaves is put together from names with a spelling rule and from sentences of our own. Words of a service, of
//! a template or of a person never do.

mod table;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::base::digest::Digest;
use crate::base::id::{LogId, SiteCode, WaveName};
use crate::base::redact;
use crate::base::time::Timestamp;
use crate::evidence::scan;
use crate::model::entry::{ActorKind, Entry};
use crate::model::estate::Estate;
use crate::model::notify::NoticeClass;

/// What all types of notices begin with: a name that belongs to us.
const TYPE_PREFIX: &str = "dev.landfall";
/// Version of the data in a notice.
const TYPE_VERSION: &str = "v1";
/// Version of the envelope.
const CLOUD_EVENTS: &str = "1.0";
/// Longest text in a notice: ids are shorter.
const TEXT_CHARS_MAX: usize = 300;

/// Gates that one notice names; `landfall status` names them all.
const GATES_MAX: usize = 5;

/// What a notice says of the estate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its short name.
    pub code: String,
    /// Its identity.
    pub lineage: String,
    /// Which wave brings a site.
    pub waves: BTreeMap<SiteCode, WaveName>,
}

impl Program {
    /// What notices say of this estate.
    pub fn of(estate: &Estate) -> Self {
        let members = estate.waves.iter().flat_map(|wave| wave.sites.iter().map(move |site| (site, wave)));
        let waves = members
            .filter_map(|(site, wave)| Some((SiteCode::new(site.value.as_str()).ok()?, wave.name.clone())))
            .collect();
        Self { code: estate.code.clone(), lineage: estate.lineage.clone(), waves }
    }
}

/// Something that people are told: a CloudEvents envelope with data of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The same for the same entry, another one for any other.
    pub id: String,
    /// What it is about, for the choice of who is told.
    pub class: NoticeClass,
    /// When it happened.
    pub time: Timestamp,
    /// The site it is about, if it is about one.
    pub site: Option<SiteCode>,
    /// The type, with owner and version in it.
    kind: String,
    source: String,
    subject: String,
    data: Map<String, Value>,
}

impl Notice {
    /// The envelope with its data as JSON, the same bytes each time.
    ///
    /// # Panics
    ///
    /// If the envelope has no JSON form: a bug in its type.
    pub fn to_bytes(&self) -> Vec<u8> {
        let envelope = json!({
            "specversion": CLOUD_EVENTS,
            "id": self.id,
            "source": self.source,
            "type": self.kind,
            "subject": self.subject,
            "time": self.time,
            "datacontenttype": "application/json",
            "data": self.data,
        });
        serde_json::to_vec(&envelope).expect("a notice has a JSON form")
    }

    /// A notice that says only that notices arrive.
    pub fn test(program: &Program, sink: &str, now: Timestamp) -> Self {
        let id = id_of(&(&program.lineage, "test", sink, now));
        let mut data = Map::new();
        put(&mut data, "estate", &program.code);
        put(&mut data, "what", "a test: notices of this estate arrive here");
        put(&mut data, "next", "landfall notify status");
        Self {
            id,
            class: NoticeClass::Finished,
            time: now,
            site: None,
            kind: type_of("notify.test"),
            source: source_of(program),
            subject: safe(&format!("notify/{sink}")),
            data,
        }
    }
}

/// The notice of an entry, if people are told of it. Rehearsals tell nobody: nothing real happened.
pub fn of(entry: &Entry, program: &Program) -> Option<Notice> {
    if entry.actor.kind == ActorKind::Rehearsal {
        return None;
    }
    let row = table::row(entry)?;
    let about = About::of(entry, program);
    let mut data = Map::new();
    put(&mut data, "estate", &program.code);
    let texts = [
        ("wave", about.wave.as_ref().map(ToString::to_string)),
        ("site", about.site.as_ref().map(ToString::to_string)),
        ("run", entry.run.as_ref().map(ToString::to_string)),
        ("step", entry.step.as_ref().map(ToString::to_string)),
        ("gate", about.gate.clone()),
        ("what", Some(table::sentence(row.what, &about.subject))),
        ("owner", Some(row.owner.role(about.site.is_some()).to_owned())),
        ("next", Some(table::sentence(row.next, about.site.as_ref().map_or("", SiteCode::as_str)))),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            put(&mut data, name, text.trim_end());
        }
    }
    if let Some(why) = table::why(entry) {
        let mut told = Map::new();
        put(&mut told, "class", &why.class);
        why.code.iter().for_each(|code| put(&mut told, "code", code));
        put(&mut told, "words", why.words);
        data.insert("why".to_owned(), Value::Object(told));
    }
    Some(Notice {
        id: id_of(&(&program.lineage, &entry.log, entry.seq, entry.at, &entry.kind)),
        class: row.class,
        time: entry.at,
        site: about.site,
        kind: type_of(row.name),
        source: source_of(program),
        subject: safe(&about.subject),
        data,
    })
}

/// The time is part of it, so that a journal that was begun anew does not give old ids to new entries.
fn id_of<T: serde::Serialize>(parts: &T) -> String {
    Digest::of_canonical(parts).to_string().chars().take(32).collect()
}

fn type_of(name: &str) -> String {
    format!("{TYPE_PREFIX}.{name}.{TYPE_VERSION}")
}

fn source_of(program: &Program) -> String {
    format!("urn:uuid:{}", safe(&program.lineage))
}

fn put(data: &mut Map<String, Value>, name: &str, text: &str) {
    data.insert(name.to_owned(), Value::String(safe(text)));
}

/// The last guard: even names with a spelling rule can be spelled like a secret or like a patient's number.
fn safe(text: &str) -> String {
    if let Some(unsaid) = scan::unsaid(text) {
        return unsaid;
    }
    if !redact::secret_shapes(text).is_empty() {
        return "(not shown: it looks like it holds a secret)".to_owned();
    }
    text.chars().filter(|letter| !letter.is_control()).take(TEXT_CHARS_MAX).collect()
}

/// What an entry is about.
struct About {
    subject: String,
    site: Option<SiteCode>,
    wave: Option<WaveName>,
    gate: Option<String>,
}

impl About {
    /// An entry of a scope's log is about the scope; one of the organisation's names a scope or a wave in its body, or
    /// is about the launch.
    fn of(entry: &Entry, program: &Program) -> Self {
        let text = |name: &str| entry.body.get(name).and_then(Value::as_str);
        let scope = match &entry.log {
            LogId::Scope(scope) => Some(scope.clone()),
            LogId::Org => text("scope").and_then(|scope| scope.parse().ok()),
        };
        let site = scope.as_ref().and_then(|scope| scope.site().cloned());
        let named = text("wave").and_then(|wave| WaveName::new(wave).ok());
        let wave = named.or_else(|| program.waves.get(site.as_ref()?).cloned());
        let subject = match (&scope, &wave, &entry.run) {
            (Some(scope), _, _) => scope.to_string(),
            (None, Some(wave), _) => format!("wave/{wave}"),
            (None, None, Some(run)) => format!("launch/{run}"),
            (None, None, None) => entry.log.to_string(),
        };
        // One gate, or all that are open.
        let open = entry.body.get("open").and_then(Value::as_array).into_iter().flatten();
        let gates = text("gate").into_iter().chain(open.filter_map(Value::as_str));
        let gates: Vec<&str> = gates.filter(|gate| table::is_word(gate)).take(GATES_MAX).collect();
        let gate = (!gates.is_empty()).then(|| gates.join(", "));
        Self { subject, site, wave, gate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::StepId;
    use crate::model::entry::{Actor, ENTRY_VERSION};

    fn program() -> Program {
        let site = |code: &str| SiteCode::new(code).unwrap();
        let wave = |name: &str| WaveName::new(name).unwrap();
        Program {
            code: "cban".to_owned(),
            lineage: "7d0f6f52-5f0e-4b53-9a35-0c8c2f4b6a11".to_owned(),
            waves: BTreeMap::from([(site("HRB01"), wave("pilot"))]),
        }
    }

    fn entry(log: &str, kind: &str, body: Value) -> Entry {
        Entry {
            v: ENTRY_VERSION,
            seq: 7,
            at: "2027-01-11T09:00:00Z".parse().unwrap(),
            log: log.parse().unwrap(),
            run: Some("run-1".parse().unwrap()),
            kind: kind.to_owned(),
            step: None,
            actor: Actor { kind: ActorKind::Person, id: "Jane Doe".to_owned() },
            plan: None,
            refs: Vec::new(),
            body,
            salt: "00".repeat(16),
        }
    }

    fn told(log: &str, kind: &str, body: Value) -> String {
        match of(&entry(log, kind, body), &program()) {
            None => "nobody is told".to_owned(),
            Some(notice) => {
                let data =
                    |name: &str| notice.data.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
                let why = notice.data.get("why").map_or("-".to_owned(), |why| why["class"].to_string());
                let parts =
                    [notice.class.word(), &notice.kind, &notice.subject, &data("owner"), &data("wave")];
                format!("{} {why} | {} | {}", parts.join(" "), data("what"), data("next"))
            }
        }
    }

    #[test]
    fn each_kind_of_entry_tells_its_owner_what_to_type() {
        let cases = [
            (
                told("site/HRB01", "run.ended", json!({"outcome": "failed", "counts": {}})),
                "failed dev.landfall.run.failed.v1 site/HRB01 ops-lead pilot - | \
                 the run of site/HRB01 ended with failed steps | landfall status HRB01",
            ),
            (
                told("account", "run.ended", json!({"outcome": "succeeded"})),
                "finished dev.landfall.run.succeeded.v1 account program-manager - - | \
                 every step of account holds | landfall status",
            ),
            (
                told(
                    "org",
                    "wave.halted",
                    json!({"wave": "pilot", "why": {"budget": {"failed": 2, "budget": 1}}}),
                ),
                "failed dev.landfall.wave.halted.v1 wave/pilot program-manager pilot \"budget\" | \
                 wave/pilot is halted: no further site of it starts | landfall status",
            ),
            (
                told("org", "scope.waiting", json!({"scope": "site/HRB01", "at": 1, "why": "window"})),
                "waiting dev.landfall.scope.waiting.v1 site/HRB01 steward pilot \"window\" | \
                 site/HRB01 waits before it may start | landfall status HRB01",
            ),
            (
                told("org", "gate.opened", json!({"scope": "site/HRB01", "gate": "go-live"})),
                "gate dev.landfall.gate.opened.v1 site/HRB01 steward pilot - | \
                 a gate before site/HRB01 is open and needs a decision | landfall status HRB01",
            ),
            (
                told("org", "wait.escalated", json!({"wave": "wave1"})),
                "waiting dev.landfall.wait.escalated.v1 wave/wave1 executive-sponsor wave1 - | \
                 what wave/wave1 waits for was not answered in time | landfall status",
            ),
            (
                told("org", "launch.suspended", json!({})),
                "waiting dev.landfall.launch.suspended.v1 launch/run-1 program-manager - - | \
                 the launch was stopped and can be taken up again | landfall resume",
            ),
            (
                told("org", "scope.ended", json!({"scope": "site/HRB01", "outcome": "failed"})),
                "nobody is told",
            ),
            (told("org", "launch.started", json!({})), "nobody is told"),
            (told("site/HRB01", "run.ended", json!({"outcome": "teleported"})), "nobody is told"),
        ];
        for (told, expected) in cases {
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn a_rehearsal_tells_nobody() {
        let mut entry = entry("org", "launch.ended", json!({"outcome": "failed"}));
        assert!(of(&entry, &program()).is_some());
        entry.actor.kind = ActorKind::Rehearsal;
        assert!(of(&entry, &program()).is_none());
    }

    #[test]
    fn the_same_entry_has_one_id_and_no_other_has_it() {
        let entry = entry("site/HRB01", "step.failed", json!({}));
        let id = |entry: &Entry| of(entry, &program()).unwrap().id;
        assert_eq!(id(&entry), id(&entry.clone()));
        assert_eq!(id(&entry).len(), 32);
        let changes: [fn(&mut Entry); 4] = [
            |entry| entry.seq += 1,
            |entry| entry.at = entry.at + crate::base::time::Millis(1),
            |entry| entry.log = LogId::Org,
            |entry| entry.kind = "launch.paused".to_owned(),
        ];
        for change in changes {
            let mut other = entry.clone();
            change(&mut other);
            assert_ne!(id(&entry), id(&other));
        }
        let elsewhere = Program { lineage: "other".to_owned(), ..program() };
        assert_ne!(id(&entry), of(&entry, &elsewhere).unwrap().id);
    }

    #[test]
    fn no_canary_leaves() {
        let token = format!("dapi{}", "0123456789abcdef".repeat(2));
        let canaries =
            [token.as_str(), "MRN 00441723", "Jane Doe", "jane.doe@example.com", "s3cret-spec", "1962-03-14"];
        let all = canaries.join(" ");
        let cause = json!({"class": "permission-denied", "code": all, "message": all, "request_id": all});
        let kinds =
            ["step.failed", "wave.halted", "scope.waiting", "gate.opened", "wait.escalated", "scope.skipped"];
        for kind in kinds {
            for why in
                [json!(all), json!({ all.clone(): all }), json!([all]), json!({"window": {"until": all}})]
            {
                let body = json!({
                    "cause": cause, "why": why, "gate": all, "wave": all, "scope": all, "at": all, "open": [all],
                    "desired": {"spec": {"name": all}}, "readback": all, "outcome": all,
                });
                let mut entry = entry("org", kind, body);
                entry.step = Some(StepId::new(format!("catalog.{token}")).unwrap());
                let sent = String::from_utf8(of(&entry, &program()).unwrap().to_bytes()).unwrap();
                for canary in canaries {
                    assert!(!sent.contains(canary), "{kind}: {canary} in {sent}");
                }
                assert!(sent.contains("not shown"), "the step's name is spelled like a token: {sent}");
                entry.body["cause"] = Value::Null;
                let sent = String::from_utf8(of(&entry, &program()).unwrap().to_bytes()).unwrap();
                assert!(canaries.iter().all(|canary| !sent.contains(canary)), "{kind}: {sent}");
            }
        }
    }

    #[test]
    fn the_envelope_is_a_cloud_event_with_listed_data_only() {
        let cause =
            json!({"class": "permission-denied", "code": "PERMISSION_DENIED", "message": "User x may not"});
        let mut entry = entry("site/HRB01", "step.failed", json!({"attempt": 1, "cause": cause}));
        entry.step = Some(StepId::new("catalog.clinical").unwrap());
        let notice = of(&entry, &program()).unwrap();
        let sent: Value = serde_json::from_slice(&notice.to_bytes()).unwrap();
        let expected = json!({
            "specversion": "1.0", "id": notice.id, "source": "urn:uuid:7d0f6f52-5f0e-4b53-9a35-0c8c2f4b6a11",
            "type": "dev.landfall.step.failed.v1", "subject": "site/HRB01", "time": "2027-01-11T09:00:00.000Z",
            "datacontenttype": "application/json",
            "data": {
                "estate": "cban", "wave": "pilot", "site": "HRB01", "run": "run-1", "step": "catalog.clinical",
                "what": "a step of site/HRB01 failed", "owner": "ops-lead", "next": "landfall status HRB01",
                "why": {"class": "permission-denied", "code": "PERMISSION_DENIED", "words": "a permission is missing"},
            },
        });
        assert_eq!(sent, expected);
    }
}
