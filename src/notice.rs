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
        let gate = text("gate").filter(|gate| table::is_word(gate)).map(str::to_owned);
        Self { subject, site, wave, gate }
    }
}
