//! The estate as it was written: account, regions, EHR variants, waves, roles, standards, targets and sites.

mod calendar;

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;

use crate::base::digest::Digest;
use crate::base::id::{PackName, RegionName, SiteCode, WaveName};
use crate::base::span::{Located, SourceMap, Span};
use crate::base::time::Millis;
use crate::model::anchor::{ServiceAddress, TimestampService};
use crate::model::authority::{ApprovalRule, GateUse};
use crate::model::criterion::Criterion;
use crate::model::notify::Notify;
use crate::model::pack::Pack;
use crate::model::people::People;
use crate::model::plan::{Bake, Consent, PackLock};
use crate::model::register::{Registers, SuccessCriterion};
use crate::model::tickets::Tickets;
use crate::model::tree::Table;

pub use calendar::calendar_of;

/// Format version of `sites/estate.toml`.
pub const ESTATE_FORMAT: i64 = 1;

/// Where the estate's own file is, from the estate's folder.
pub const ESTATE_FILE: &str = "sites/estate.toml";

/// Where the locked versions of the packs are.
pub const LOCK_FILE: &str = "templates/pack.lock";

/// Everything that was read, before any of it is put together.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The text behind every place.
    pub sources: SourceMap,
    /// What `sites/estate.toml` says.
    pub estate: Estate,
    /// The sites in the order of their files.
    pub sites: Vec<Site>,
    /// Where in `sites` the first one of each code stands; see [`Loaded::first_of_each`].
    pub by_code: BTreeMap<String, usize>,
    /// What `sites/registers/` lists.
    pub registers: Registers,
    /// The packs by name.
    pub packs: BTreeMap<PackName, Pack>,
    /// What `templates/pack.lock` says.
    pub lock: BTreeMap<PackName, PackLock>,
    /// Digest of every input file, by path.
    pub inputs: BTreeMap<String, Digest>,
    /// What looks like a secret in any of the files, comments included.
    pub secrets: Vec<SecretFound>,
    /// Files that look like a site's own templates.
    pub forks: Vec<Span>,
}

/// Something in a file that looks like a secret. The secret itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFound {
    /// What it looks like.
    pub what: &'static str,
    /// As much of it as may be shown.
    pub stub: String,
    /// Where it stands.
    pub span: Span,
}

/// The whole program.
#[derive(Debug, Clone)]
pub struct Estate {
    /// Its name, for people.
    pub name: String,
    /// Its short name, used in names of objects.
    pub code: String,
    /// Tells this estate from all others, for ever.
    pub lineage: String,
    /// The program's first day.
    pub day_one: Option<Date>,
    /// Calendar days that a site may take from its first launch until it is done.
    pub site_days_max: u32,
    /// The IANA zone in which days are meant where no window names one.
    pub zone: Option<Located<String>>,
    /// Facts about the account, as templates see them under `account`.
    pub account: Table,
    /// Site parameters of the program layer.
    pub defaults: Table,
    /// Dotted parameter paths that only the program layer may set.
    pub locked: Vec<Located<String>>,
    /// The regions.
    pub regions: BTreeMap<RegionName, Facts>,
    /// The EHR variants.
    pub ehrs: BTreeMap<String, Facts>,
    /// The stages of the program in order.
    pub stages: Vec<Stage>,
    /// What the program is to have reached.
    pub success: Vec<SuccessCriterion>,
    /// How many sites of one launch may fail in all, where that is limited beside the waves' own budgets.
    pub failure_budget: Option<u32>,
    /// Hours within which what was launched past its approvals is reviewed.
    pub break_glass_hours: u32,
    /// The waves in order.
    pub waves: Vec<Wave>,
    /// Times in which nothing is changed.
    pub freezes: Vec<Freeze>,
    /// Who holds which role.
    pub roles: BTreeMap<String, Located<String>>,
    /// The people behind the roles, with their keys; from `sites/people.toml`.
    pub people: People,
    /// Which plans need whose signatures.
    pub approvals: Vec<ApprovalRule>,
    /// What every taggable object carries.
    pub tags: TagRules,
    /// Where plans can be carried out.
    pub targets: BTreeMap<String, TargetSpec>,
    /// How long a plan may wait before it is applied.
    pub plan_valid_days: u32,
    /// Ceilings of the services that were raised or lowered for this account, by the limit's name.
    pub quotas: BTreeMap<String, Located<u64>>,
    /// Who gets every checkpoint of a log.
    pub publish: Vec<Hook>,
    /// Who stamps checkpoints, in the order in which they are asked.
    pub timestamps: Vec<TimestampService>,
    /// Who is told of what happens.
    pub notify: Vec<Notify>,
    /// The ticket system, if launches have tickets.
    pub tickets: Option<Tickets>,
    /// First-time creates that cannot be undone and are accepted beforehand.
    pub consents: Vec<Consent>,
    /// What follows a failed run of a site that says nothing itself.
    pub on_failure: OnFailure,
    /// The file's start, for problems with what is not there.
    pub span: Span,
}

/// What follows a failed run of a site. Nothing is ever applied by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// Everything stays as it is until somebody decides.
    #[default]
    Hold,
    /// The way back to known-good is planned and saved; somebody decides about it.
    Rollback,
}

impl OnFailure {
    /// Every choice with the word the files use for it.
    pub const ALL: [(&'static str, OnFailure); 2] = [("hold", Self::Hold), ("rollback", Self::Rollback)];
}

/// Free facts about a region or an EHR variant, and the site parameters it sets.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What templates see.
    pub facts: Table,
    /// Site parameters of this layer.
    pub defaults: Table,
    /// Where it is declared.
    pub span: Span,
}

/// A wave's purpose, which decides how many sites it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaveKind {
    /// The first site.
    Pilot,
    /// Shows that the same packs work a second time.
    Repeatability,
    /// Several sites at once.
    Scale,
}

impl WaveKind {
    /// Every kind with the word the file uses for it.
    pub const ALL: [(&'static str, WaveKind); 3] =
        [("pilot", Self::Pilot), ("repeatability", Self::Repeatability), ("scale", Self::Scale)];

    /// The word the file uses.
    pub fn word(self) -> &'static str {
        match self {
            WaveKind::Pilot => "pilot",
            WaveKind::Repeatability => "repeatability",
            WaveKind::Scale => "scale",
        }
    }
}

/// An ordered group of sites.
#[derive(Debug, Clone)]
pub struct Wave {
    /// Its name.
    pub name: WaveName,
    /// Its purpose.
    pub kind: WaveKind,
    /// Its sites in order, as written.
    pub sites: Vec<Located<String>>,
    /// How many sites may run at once.
    pub max_parallel: u32,
    /// How many sites may fail before no further one starts.
    pub failure_budget: u32,
    /// How long its sites are watched before others follow.
    pub bake: Option<Bake>,
    /// The stage it belongs to.
    pub stage: Option<Located<String>>,
    /// Lets a scale wave have fewer sites than the rule asks for.
    pub waiver: Option<Located<Waiver>>,
    /// First day.
    pub start: Option<Date>,
    /// Last day.
    pub end: Option<Date>,
    /// Site parameters of this layer.
    pub defaults: Table,
    /// Where it is declared.
    pub span: Span,
}

/// A stage of the program: what must hold before its waves begin, and before those of later stages do.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Its name.
    pub name: Located<String>,
    /// The phase of the program that it belongs to, from 1 to 3.
    pub phase: u32,
    /// What must hold before its waves begin.
    pub entry: Vec<Criterion>,
    /// What must hold before the waves of later stages begin.
    pub exit: Vec<Criterion>,
    /// Where it is declared.
    pub span: Span,
}

/// An exception from the rule about a wave's size, with somebody who answers for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// The role that answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub until: Date,
}

/// Days on which nothing is changed, both ends included.
#[derive(Debug, Clone)]
pub struct Freeze {
    /// Its name.
    pub name: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// The sites it holds for, as written; none says everything.
    pub sites: Vec<Located<String>>,
    /// Where it is declared.
    pub span: Span,
}

/// What every taggable object carries.
#[derive(Debug, Clone, Default)]
pub struct TagRules {
    /// Keys that must be there.
    pub required: Vec<String>,
    /// Values that `environment` may have.
    pub environments: Vec<String>,
}

/// Where checkpoints are handed on to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// A folder, below the estate's unless it begins at the root.
    Directory(String),
    /// A program with its arguments; it is run without a shell.
    Command(Vec<String>),
    /// A git repository, in which each checkpoint becomes a commit.
    Git(String),
    /// A program that stores the checkpoint where nobody can delete it, and prints the lock that it then reads back.
    Lock(Vec<String>),
    /// A comment on the ticket of every open change of the site.
    Ticket,
    /// A witness that answers over HTTP.
    Witness(ServiceAddress),
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hook::Directory(directory) => write!(f, "the folder {directory}"),
            Hook::Command(words) => write!(f, "the command `{}`", words.join(" ")),
            Hook::Git(folder) => write!(f, "the repository {folder}"),
            Hook::Lock(words) => write!(f, "the locked store of `{}`", words.join(" ")),
            Hook::Ticket => write!(f, "the tickets of open changes"),
            Hook::Witness(url) => write!(f, "the witness at {url}"),
        }
    }
}

/// How a target is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetDriver {
    /// The server inside the process.
    Sandbox,
    /// A real account.
    Databricks,
}

/// What a target makes of the sites' calendars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CalendarUse {
    /// Changes wait for windows, freezes and first days.
    Observe,
    /// Changes are made at any time. Only for what is no real account.
    Ignore,
}

impl CalendarUse {
    /// Every use with the word the file has for it.
    pub const ALL: [(&'static str, CalendarUse); 2] = [("observe", Self::Observe), ("ignore", Self::Ignore)];
}

/// Where a plan can be carried out.
#[derive(Debug, Clone)]
pub struct TargetSpec {
    /// How it is reached.
    pub driver: TargetDriver,
    /// The Databricks account.
    pub account_id: String,
    /// The account host; the sandbox has none.
    pub host: Option<String>,
    /// The profile in `~/.databrickscfg` to sign in with.
    pub profile: Option<String>,
    /// Deadline of one call, where it differs from the product's.
    pub call_timeout: Option<Millis>,
    /// Calls under way at once, where they differ from the product's.
    pub calls_at_once: Option<usize>,
    /// Calls per second by API family, where they differ from the published ones.
    pub rates: BTreeMap<String, Located<f64>>,
    /// Whether changes wait for the sites' calendars.
    pub calendar: CalendarUse,
    /// What it is for; drills are for rehearsals only.
    pub purpose: Purpose,
    /// Whether plans need approvals.
    pub gates: GateUse,
    /// Where it is declared.
    pub span: Span,
}

/// What a target is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// People work there.
    Production,
    /// It is there to be tried out.
    Rehearsal,
}

impl Purpose {
    /// Each with its word.
    pub const ALL: [(&'static str, Self); 2] =
        [("production", Self::Production), ("rehearsal", Self::Rehearsal)];
}

/// One site's file.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its code as written; see [`Site::code`].
    pub written_code: Located<String>,
    /// Its name, for people.
    pub name: Located<String>,
    /// Its region as written.
    pub region: Located<String>,
    /// Its EHR variant as written.
    pub ehr: Located<String>,
    /// When it may be changed.
    pub windows: Vec<Window>,
    /// What follows a failed run, if it says so itself.
    pub on_failure: Option<OnFailure>,
    /// Whether its records are electronic records in the sense of 21 CFR Part 11.
    pub part11: bool,
    /// Everything else: site parameters.
    pub parameters: Table,
    /// Its file.
    pub path: String,
    /// The file's first line, for problems with what is not there.
    pub span: Span,
}

/// A time of the week in which a site may be changed, as written.
#[derive(Debug, Clone)]
pub struct Window {
    /// Days on which it begins.
    pub days: Vec<Located<String>>,
    /// Local time of its begin.
    pub from: Located<String>,
    /// Local time of its end.
    pub to: Located<String>,
    /// The IANA time zone.
    pub zone: Located<String>,
    /// Says that an end before the begin is meant: the window ends on the next day.
    pub crosses_midnight: bool,
    /// Where it is declared.
    pub span: Span,
}

impl Site {
    /// The site's code, if it is spelled as one.
    pub fn code(&self) -> Option<SiteCode> {
        SiteCode::new(self.written_code.value.as_str()).ok()
    }
}

impl Loaded {
    /// Digest of every input file, by path.
    pub fn digests(&self) -> BTreeMap<String, Digest> {
        self.inputs.clone()
    }

    /// Version and digest of every pack as it was read.
    pub fn pack_locks(&self) -> BTreeMap<PackName, PackLock> {
        self.packs.iter().map(|(name, pack)| (name.clone(), pack.lock())).collect()
    }

    /// The site of this code; the first one where two files claim it.
    pub fn site(&self, code: &SiteCode) -> Option<&Site> {
        self.sites.get(*self.by_code.get(code.as_str())?)
    }

    /// Where the first site of each code stands: there may be a thousand of them, and each is asked for many times.
    pub fn first_of_each(sites: &[Site]) -> BTreeMap<String, usize> {
        sites.iter().enumerate().rev().map(|(at, site)| (site.written_code.value.clone(), at)).collect()
    }

    /// What follows a failed run of a site.
    pub fn on_failure(&self, code: &SiteCode) -> OnFailure {
        self.site(code).and_then(|site| site.on_failure).unwrap_or(self.estate.on_failure)
    }

    /// The wave that a site is in; the first one where two claim it.
    pub fn wave_of(&self, code: &str) -> Option<&Wave> {
        self.estate.waves.iter().find(|wave| wave.sites.iter().any(|site| site.value == code))
    }
}
