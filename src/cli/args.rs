//! What can be typed. Meaning is given to it in `cli.rs`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Examples stand first: they are what people look for.
const EXAMPLES: &str = "\
Start with:
  landfall rehearse pilot                 a whole wave against an embedded sandbox; no cloud account needed
  landfall plan --wave pilot --out p.plan what would happen, object by object; changes nothing
  landfall apply p.plan                   exactly that, or a refusal that says what changed
  landfall evidence verify BUNDLE...      check bundles offline

Exit codes: landfall help-exit-codes    Problems in files: landfall check";

/// Brings the sites of a healthcare organisation onto Databricks, wave by wave
#[derive(Debug, Parser)]
#[command(name = "landfall", version, about, after_help = EXAMPLES, disable_help_subcommand = true)]
#[command(infer_subcommands = false, max_term_width = 110)]
pub struct Cli {
    /// Flags that every command takes
    #[command(flatten)]
    pub common: Common,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command stand behind a command's own.
const GLOBAL: &str = "Options of every command";

/// Flags that every command takes.
#[derive(Debug, Args)]
pub struct Common {
    /// Folder that holds `sites/` and `templates/` [default: the nearest one upwards]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "DIR", env = "LANDFALL_ROOT")]
    pub root: Option<PathBuf>,
    /// Folder for journal, plans and sandbox state [default: `.landfall` below the root]
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "DIR", env = "LANDFALL_STATE")]
    pub state: Option<PathBuf>,
    /// Use colour
    #[arg(long, global = true, help_heading = GLOBAL, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
    /// Say less
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    pub quiet: bool,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How to print a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// For programs
    Json,
}

/// How to print a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanOutput {
    /// For people
    Text,
    /// For programs
    Json,
    /// One page, for people who do not read plans
    Brief,
}

/// How to show long work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// Bars on a terminal, lines elsewhere
    Auto,
    /// Bars
    Bar,
    /// One line per step
    Lines,
    /// Nothing
    None,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write an example estate with the standard packs into a folder
    Init(Init),
    /// Check all files and show every problem at once
    #[command(alias = "validate")]
    Check(Check),
    /// Show a site's parameters and where each value comes from
    Params(Params),
    /// List the packs, or lock their digests
    #[command(subcommand)]
    Packs(Packs),
    /// Render the templates of sites into files
    Render(Render),
    /// Draw the graph of a plan
    Graph(Graph),
    /// Show what would change; change nothing
    Plan(PlanArgs),
    /// Show what is no longer as the logs hold it; change nothing
    Drift(Box<super::drift::DriftArgs>),
    /// Ask for rights, decide about them, and answer for them again
    #[command(subcommand)]
    Access(Box<super::access::AccessCommand>),
    /// Show what waits for people, oldest first: what would be signed, and what to type
    Inbox(super::inbox::InboxArgs),
    /// Take over objects that exist already; change nothing on the target
    Adopt(Box<super::adopt::AdoptArgs>),
    /// Show a saved plan
    Show(ShowPlan),
    /// Run a wave against a throwaway sandbox on a virtual clock and write its evidence bundle
    Rehearse(Rehearse),
    /// Carry out a saved plan exactly, or refuse it
    Apply(Box<Apply>),
    /// List, launch and watch waves
    #[command(subcommand)]
    Wave(Wave),
    /// Ask for the approval of a saved plan: say who built it, and for which ticket
    Request(Box<super::approve::Request>),
    /// Sign that exactly this plan, or some of its sites, may be carried out
    Approve(Box<super::approve::Approve>),
    /// Sign that a plan, or some of its sites, must not be carried out; it is a draft again
    Reject(Box<super::approve::Reject>),
    /// Sign that a plan was reviewed, that a condition is met, or that an emergency was looked at
    Review(Box<super::approve::Review>),
    /// Take back what you decided about a plan
    Withdraw(Box<super::approve::Withdraw>),
    /// Show what was decided about a plan, what of it counts, and what is missing
    #[command(subcommand)]
    Approvals(super::approve::ApprovalsCommand),
    /// Go on with a launch that was interrupted, or whose moment has come
    Resume(Resume),
    /// Plan the way back of a site to a release; change nothing
    Rollback(super::way_back::Rollback),
    /// List, show and compare releases
    #[command(subcommand)]
    Release(super::release::ReleaseCommand),
    /// Open, show and advance changes: what launches are asked for, reviewed and closed with
    #[command(subcommand)]
    Change(super::change::ChangeCommand),
    /// Show what is pinned, which versions of the packs each site runs, and by what it is behind
    Versions(super::versions::VersionsArgs),
    /// Try sites again that failed, were skipped or were taken out
    Retry(Retry),
    /// Show who writes which log, or take a lock away
    #[command(subcommand)]
    Locks(super::locks::LocksCommand),
    /// File a record that people made, such as a drill or an access review
    Record(super::locks::Record),
    /// Run, list and show checklist items, and list the validators that they can use
    #[command(subcommand)]
    Checklist(super::checklist::ChecklistCommand),
    /// Show who holds which role, who stands in and who answers for what; enrol people's keys
    Roles(super::roles::RolesArgs),
    /// List and show gates, and sign them
    #[command(subcommand)]
    Gate(super::gate::GateCommand),
    /// State that a checklist item is so, in its own words, with your key
    Attest(Box<super::attest::Attest>),
    /// Let a checklist item or gate pass for a time: with reason, end and what is done instead
    Waive(Box<super::attest::Waive>),
    /// Show every site: what is done, what is not, and why
    Status(Status),
    /// Show how long steps are expected to take on a target, and what earlier runs measured
    Durations(super::durations::DurationsArgs),
    /// Show how long sites took, with the entries behind every figure
    #[command(subcommand)]
    Report(super::report::ReportCommand),
    /// Write documents for people outside of the program
    #[command(subcommand)]
    Docs(super::docs::DocsCommand),
    /// Show when each site may be changed next, in its own time zone
    Schedule(Schedule),
    /// Print the entries of a log
    Log(Log),
    /// Print the JSON Schema of what leaves the program
    #[command(subcommand)]
    Schema(super::schema::SchemaCommand),
    /// Export and verify evidence bundles; answer what auditors ask from journal or bundle
    #[command(subcommand)]
    Evidence(Evidence),
    /// Write the heads of all logs into the org log and hand on its checkpoint, once a day
    Checkpoint,
    /// Show the keys of the evidence, and let new ones take over
    #[command(subcommand)]
    Keys(super::keys::KeysCommand),
    /// Cosign logs that only grow, with a key of one's own
    #[command(subcommand)]
    Witness(WitnessCommand),
    /// Keep the register of audit findings in the sites' logs
    #[command(subcommand)]
    Finding(super::register::FindingCommand),
    /// List what the registers hold: agreements, systems, use cases, datasets, risks, metrics
    #[command(subcommand)]
    Registers(super::registers::RegistersCommand),
    /// Tell people what happened: deliver what waits, show how it stands, try it out
    #[command(subcommand)]
    Notify(super::notify::NotifyCommand),
    /// Serve the sandbox over loopback HTTP
    #[command(subcommand)]
    Sandbox(SandboxCommand),
    /// Write shell completions
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// List the exit codes
    HelpExitCodes,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The folder to write to; it must be empty or not exist
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Generate an estate of so many sites instead of the example
    #[arg(long, value_name = "N")]
    pub sites: Option<u32>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Use the packs of this folder instead of those in `templates/`: a folder of packs, or one pack
    #[arg(long, value_name = "DIR")]
    pub packs: Option<PathBuf>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Arguments of `params`.
#[derive(Debug, Args)]
pub struct Params {
    /// The site
    #[arg(long, value_name = "CODE")]
    pub site: String,
    /// Show one parameter with every layer that set it
    #[arg(long, value_name = "KEY")]
    pub explain: Option<String>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Pack commands.
#[derive(Debug, Subcommand)]
pub enum Packs {
    /// List the packs with scope, version, digest and inputs
    List {
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Write `templates/pack.lock`
    Lock,
    /// Compare packs: versions, inputs, and what they render to for each site; looks at no target
    Diff {
        /// A folder of packs, or one pack
        old: PathBuf,
        /// The other one [default: the estate's own packs]
        new: Option<PathBuf>,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
}

/// Which sites; every flag narrows the others.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Select {
    /// The sites of one wave
    #[arg(long, value_name = "WAVE")]
    pub wave: Option<String>,
    /// These sites only; a plan that leaves out others of their wave is marked as partial
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub site: Vec<String>,
    /// Sites in these regions only
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    pub region: Vec<String>,
    /// Sites with all of these tags only
    #[arg(long, value_name = "KEY=VALUE")]
    pub tag: Vec<String>,
    /// Not these sites
    #[arg(long, value_name = "CODE", value_delimiter = ',', num_args = 1..)]
    pub exclude: Vec<String>,
    /// The whole estate
    #[arg(long, conflicts_with_all = ["wave", "site"])]
    pub all: bool,
}

/// Arguments of `render`.
#[derive(Debug, Args)]
pub struct Render {
    /// Which sites
    #[command(flatten)]
    pub select: Select,
    /// The folder to write to; it must be empty or not exist
    #[arg(long, value_name = "DIR", required_unless_present = "digest")]
    pub out: Option<PathBuf>,
    /// Print digests only, write nothing
    #[arg(long)]
    pub digest: bool,
}

/// Arguments of `graph`.
#[derive(Debug, Args)]
pub struct Graph {
    /// Which sites
    #[command(flatten)]
    pub select: Select,
    /// The form
    #[arg(long, short, value_enum, default_value_t = GraphForm::Text)]
    pub output: GraphForm,
}

/// Forms of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphForm {
    /// Lines with reasons
    Text,
    /// For Graphviz
    Dot,
    /// A drawing
    Svg,
    /// For programs
    Json,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Which sites
    #[command(flatten)]
    pub select: Select,
    /// Where it would be carried out [default: sandbox]
    #[arg(long, value_name = "NAME", default_value = "sandbox")]
    pub target: String,
    /// Save the plan, to be applied exactly
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
    /// Use the packs of this folder instead of those in `templates/`; the plan is bound to them: a folder of packs, or one pack
    #[arg(long, value_name = "DIR")]
    pub packs: Option<PathBuf>,
    /// Compare with another plan, saved or carried out by a run, or with a release, such as R3@HRB01
    #[arg(long, value_name = "PLAN FILE | RUN | R3@SITE")]
    pub against: Option<String>,
    /// Exit with 2 if there are changes; with --against, if the plans differ
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// How to print
    #[command(flatten)]
    pub form: PlanForm,
}

/// How to print a plan, and what of it.
#[derive(Debug, Clone, Copy, Args)]
pub struct PlanForm {
    /// List objects that stay as they are
    #[arg(long)]
    pub show_unchanged: bool,
    /// List the fields of new objects
    #[arg(long)]
    pub show_fields: bool,
    /// List what is done once per pattern of sites, not once per site
    #[arg(long, conflicts_with = "patterns")]
    pub by_pattern: bool,
    /// List the calls that would change something: method, path, host and family
    #[arg(long, conflicts_with = "patterns")]
    pub calls: bool,
    /// Explain how the patterns of sites differ, and show nothing else
    #[arg(long, conflicts_with_all = ["show_unchanged", "show_fields"])]
    pub patterns: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = PlanOutput::Text)]
    pub output: PlanOutput,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub struct ShowPlan {
    /// A plan saved with `plan --out`
    pub plan: PathBuf,
    /// How to print
    #[command(flatten)]
    pub form: PlanForm,
}

/// How a run shows itself.
#[derive(Debug, Args)]
pub struct Show {
    /// How to show progress
    #[arg(long, value_enum, default_value_t = Progress::Auto, value_name = "HOW")]
    pub progress: Progress,
    /// Print every event as a JSON line on standard output
    #[arg(long, value_name = "FORM", value_parser = ["json"])]
    pub events: Option<String>,
}

/// What is there when a rehearsal begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StartFrom {
    /// Nothing
    Empty,
    /// What is there by now
    Live,
}

/// Arguments of `rehearse`.
#[derive(Debug, Args)]
pub struct Rehearse {
    /// The wave, or several, which then follow each other as in one launch
    #[arg(required_unless_present = "all", conflicts_with = "all", num_args = 1.., value_name = "WAVE")]
    pub waves: Vec<String>,
    /// The whole life of the waves, with everybody who plays a part
    #[command(flatten)]
    pub life: super::rehearse_life::LifeArgs,
    /// Where the bundles go [default: below the state folder]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Fixes ids, keys and times: the same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// What is there when it begins: nothing, or a copy of what the estate's own sandbox and journal hold by now
    #[arg(long, value_enum, default_value_t = StartFrom::Empty)]
    pub from: StartFrom,
    /// Let something go wrong, for example `create catalog@RVB07=fail`, `read catalog@HRB01=gone+40m`,
    /// `PATCH /api/2.1/*=busy:3`; ways: fail, denied, gone, busy, down, lost, stale
    #[arg(long = "fault", value_name = "VERB KIND[@SITE][=HOW[:TIMES][+DELAY]]")]
    pub faults: Vec<String>,
    /// How to show progress
    #[command(flatten)]
    pub show: Show,
}

/// The moment that counts as the present one.
#[derive(Debug, Args)]
pub struct Moment {
    /// Take this RFC 3339 moment for the present one; refused unless the target is a sandbox
    #[arg(long, value_name = "MOMENT")]
    pub now: Option<String>,
}

/// What every wish says.
#[derive(Debug, Args)]
pub struct Why {
    /// Why; it is recorded
    #[arg(long)]
    pub reason: String,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
}

/// Arguments of `retry`.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["failed", "site"])))]
pub struct Retry {
    /// Everything that failed, was skipped or was taken out
    #[arg(long)]
    pub failed: bool,
    /// These sites
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub site: Vec<String>,
    /// Why
    #[command(flatten)]
    pub why: Why,
    /// Stay while it waits for people or windows
    #[arg(long)]
    pub wait: bool,
    /// How to show progress
    #[command(flatten)]
    pub show: Show,
}

/// Arguments of `apply`.
#[derive(Debug, Args)]
pub struct Apply {
    /// A plan saved with `plan --out`
    pub plan: PathBuf,
    /// The change that it is launched on, such as CHG-1; its ticket is read where the estate asks for one
    #[arg(long, value_name = "CHANGE")]
    pub change: Option<String>,
    /// Name a step that can never be undone, as 'site/HRB01 workspace.prod'; once for each, no wildcards
    #[arg(long, value_name = "STEP")]
    pub one_way: Vec<String>,
    /// Name an object that the plan destroys with loss, as 'site/HRB01 group.ops'; once for each, no wildcards. What holds
    /// data is never destroyed
    #[arg(long, value_name = "STEP")]
    pub allow_destroy: Vec<String>,
    /// Answer ordinary questions with yes; never names a step that cannot be undone
    #[arg(long)]
    pub yes: bool,
    /// Launch without the approvals in an emergency, signed and reviewed afterwards
    #[command(flatten)]
    pub glass: super::approve::Glass,
    /// Stay while it waits for people or windows
    #[arg(long)]
    pub wait: bool,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
    /// The packs that the plan was made with, where they are not those in `templates/`
    #[arg(long, value_name = "DIR")]
    pub packs: Option<PathBuf>,
    /// How to show progress
    #[command(flatten)]
    pub show: Show,
}

/// Wave commands.
#[derive(Debug, Subcommand)]
pub enum Wave {
    /// List the waves and their sites
    List {
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Launch a saved plan of a wave
    Launch(Box<Apply>),
    /// Let no further site start, and stop those that run where they are
    Pause {
        /// The wave
        wave: String,
        /// Why
        #[command(flatten)]
        why: Why,
    },
    /// Let a paused launch go on
    Resume {
        /// The wave
        wave: String,
        /// Why
        #[command(flatten)]
        why: Why,
        /// Stay while it waits for people or windows
        #[arg(long)]
        wait: bool,
        /// How to show progress
        #[command(flatten)]
        show: Show,
    },
    /// Call a launch off: calls under way finish, and everything ends as it stands
    Abort {
        /// The wave
        wave: String,
        /// Why
        #[command(flatten)]
        why: Why,
        /// Do not ask for a typed confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Take a site out of its launch, whether it runs or not
    Skip {
        /// The site
        site: String,
        /// Why
        #[command(flatten)]
        why: Why,
    },
    /// Show one wave, site by site
    Status {
        /// The wave
        wave: String,
        /// How to show it
        #[command(flatten)]
        shown: Shown,
    },
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// The launch [default: the newest that has not ended]
    pub run: Option<String>,
    /// Every launch whose moment has come
    #[arg(long, conflicts_with = "run")]
    pub due: bool,
    /// Stay while it waits for people or windows
    #[arg(long)]
    pub wait: bool,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
    /// How to show progress
    #[command(flatten)]
    pub show: Show,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// One site only
    pub site: Option<String>,
    /// The chain of reasons, one link a line, to who or what can release it
    #[arg(long)]
    pub why: bool,
    /// How to show it
    #[command(flatten)]
    pub shown: Shown,
}

/// How to show where things stand.
#[derive(Debug, Args)]
pub struct Shown {
    /// Every site, however many there are
    #[arg(long)]
    pub all: bool,
    /// Look again every so many seconds until no launch is open
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "5")]
    pub watch: Option<u64>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = StatusOutput::Table)]
    pub output: StatusOutput,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
}

/// Forms of where things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatusOutput {
    /// For people
    #[value(alias = "text")]
    Table,
    /// For people with wide windows
    Wide,
    /// One JSON document; its schema: landfall schema status
    Json,
    /// A line for each scope
    Csv,
    /// The names of the scopes
    Name,
}

/// Arguments of `schedule`.
#[derive(Debug, Args)]
pub struct Schedule {
    /// The sites of one wave
    #[arg(long, value_name = "WAVE", conflicts_with = "site")]
    pub wave: Option<String>,
    /// These sites only
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub site: Vec<String>,
    /// Ask about another moment than now, for example 2027-03-10T15:00-06:00
    #[arg(long, value_name = "RFC 3339")]
    pub from: Option<crate::base::time::Timestamp>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Arguments of `log`.
#[derive(Debug, Args)]
pub struct Log {
    /// `org`, `account`, `region/<name>` or `site/<CODE>`
    pub log: String,
    /// One run only, entry by entry in words, with what each changed; `last` is the newest
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// One step only
    #[arg(long, value_name = "STEP", requires = "run")]
    pub step: Option<String>,
    /// From this entry on
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    pub from: u64,
    /// Up to this entry, and then how everything stands there
    #[arg(long, value_name = "SEQ", requires = "run")]
    pub until: Option<u64>,
    /// Go on with what is appended
    #[arg(long, conflicts_with = "until")]
    pub follow: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Evidence commands.
#[derive(Debug, Subcommand)]
pub enum Evidence {
    /// Questions to the records
    #[command(flatten)]
    Answer(super::answer::AnswerCommand),
    /// Questions about controls
    #[command(flatten)]
    Controls(super::controls::ControlsCommand),
    /// Keeping and giving out records
    #[command(flatten)]
    Keep(super::register::KeepCommand),
    /// Write the bundle of a site, of a wave's sites or of all sites
    #[command(visible_alias = "bundle")]
    Export(super::export::Export),
    /// Show everything that is recorded about one change, or one entry
    Show(super::show::Show),
    /// Read populations from the platform, page by page, and keep them in the sites' logs
    Collect(super::collect::Collect),
    /// Show how many controls are evidenced, and what is missing for the others
    Coverage(Coverage),
    /// Check bundles without journal and network
    Verify(super::verify::Verify),
}

/// Witness commands.
#[derive(Debug, Subcommand)]
pub enum WitnessCommand {
    /// Make a witness: a key of its own that cosigns the logs of one log key
    Init {
        /// The witness's folder, on a machine of its own
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// Its name, for example compliance.example/witness-1
        #[arg(long, value_name = "NAME")]
        name: String,
        /// The log key, as given to you
        #[arg(long, value_name = "VKEY")]
        key: String,
    },
    /// Cosign what has grown, refuse everything else
    Cosign {
        /// The witness's folder
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// A folder of checkpoints, as `publish` writes it
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// Where cosigned checkpoints go; bring them back as `cosigned` in the state folder
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Answer over HTTP: POST /add-checkpoint, as C2SP tlog-witness says
    Serve {
        /// The witness's folder
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// Address and port; port 0 takes a free one
        #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
        listen: std::net::SocketAddr,
    },
    /// Check that what the witness keeps is what it cosigned
    Verify {
        /// The witness's folder
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
    },
}

/// Arguments of `evidence coverage`.
#[derive(Debug, Args)]
pub struct Coverage {
    /// One site only
    #[arg(long, value_name = "CODE", conflicts_with = "all")]
    pub site: Option<String>,
    /// All sites of the estate [default]
    #[arg(long)]
    pub all: bool,
    /// What a bundle says, as of its export; it is verified first
    #[arg(long, value_name = "DIR", conflicts_with_all = ["site", "all"])]
    pub bundle: Option<PathBuf>,
    /// One framework only
    #[arg(long, value_enum, value_name = "NAME")]
    pub framework: Option<FrameworkName>,
    /// Exit with 3 if any control that applies is not evidenced
    #[arg(long)]
    pub require_complete: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t = CoverageOutput::Text)]
    pub output: CoverageOutput,
}

/// Frameworks by short name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FrameworkName {
    /// HIPAA Security Rule
    Hipaa,
    /// SOC 2 trust services criteria
    Soc2,
    /// HITRUST CSF
    Hitrust,
    /// 21 CFR Part 11
    Part11,
    /// NIST SP 800-53 r5
    Nist,
}

/// Forms of the coverage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CoverageOutput {
    /// For people
    Text,
    /// One JSON document: the score with every gap
    Json,
    /// The matrix: a line for each site and control
    Csv,
}

/// Sandbox commands.
#[derive(Debug, Subcommand)]
pub enum SandboxCommand {
    /// Serve until interrupted; prints the address and how to sign in
    Serve {
        /// Loopback address and port; port 0 takes a free one
        #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
        listen: String,
        /// Keep the state in this folder [default: in memory]
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// The account id it answers for [default: that of target `sandbox`]
        #[arg(long, value_name = "UUID")]
        account_id: Option<String>,
        /// Seconds a workspace takes to come up
        #[arg(long, default_value_t = 0, value_name = "SECONDS")]
        workspace_seconds: u64,
        /// Fixes the ids it gives out
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Refuse to make workspaces and budget policies without these tags
        #[arg(long, value_name = "KEY", value_delimiter = ',')]
        required_tags: Vec<String>,
        #[command(flatten)]
        conditions: super::sandbox::ConditionArgs,
        /// Items of one page of its lists [default: as many as the service gives]
        #[arg(long, value_name = "ITEMS")]
        page_size: Option<usize>,
    },
}
