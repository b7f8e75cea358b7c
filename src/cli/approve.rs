//! Decisions about plans: asked for, given, refused, reviewed, taken back, listed; and what is asked before a launch.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::args::{Apply, Moment, Output};
use super::exit::Exit;
use super::run::at;
use super::signing::{Decider, Desk, Made, Signing};
use super::ui::Ui;
use crate::approval::need::is_of_site;
use crate::base::id::{PersonId, ScopeId, SiteCode};
use crate::evidence::question::moment;
use crate::journal::Journal;
use crate::journal::sqlite::SqliteJournal;
use crate::model::estate::Estate;
use crate::model::plan::SavedPlan;
use crate::model::signed::{Act, ChangeClass, Condition, STATEMENT_VERSION, Statement, Subject};
use crate::ops::approvals::{self, Carved, Case, meaning};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::launch::Found;
use crate::ops::{self, Context, guard};
use crate::people::Seat;
use crate::report::brief;

/// What is decided about, by whom.
#[derive(Debug, Args)]
pub struct Decides {
    /// A plan saved with `plan --out`
    pub plan: PathBuf,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
}

/// Which parts of a plan are meant.
#[derive(Debug, Args)]
pub struct PartsOf {
    /// Only the part of this site; again for each
    #[arg(long, value_name = "CODE")]
    pub site: Vec<String>,
    /// Only the parts of the sites of this pattern, by its letter; again for each
    #[arg(long, value_name = "LETTER")]
    pub pattern: Vec<String>,
}

/// How a change is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Class {
    /// Goes to the change board
    Normal,
    /// A repetition of something that was approved before
    Standard,
    /// Cannot wait; the board looks at it afterwards
    Emergency,
}

impl From<Class> for ChangeClass {
    fn from(class: Class) -> ChangeClass {
        match class {
            Class::Normal => ChangeClass::Normal,
            Class::Standard => ChangeClass::Standard,
            Class::Emergency => ChangeClass::Emergency,
        }
    }
}

/// Arguments of `request`.
#[derive(Debug, Args)]
pub struct Request {
    /// What is asked for, and by whom
    #[command(flatten)]
    pub of: Decides,
    /// Who built what it changes; again for each. They and who asks do not approve
    #[arg(long, value_name = "PERSON", required = true)]
    pub built_by: Vec<String>,
    /// The change's ticket
    #[arg(long, value_name = "NUMBER")]
    pub ticket: Option<String>,
    /// The change's class
    #[arg(long, value_enum, default_value_t = Class::Normal)]
    pub class: Class,
    /// Anything to add
    #[arg(long, default_value = "")]
    pub comment: String,
}

/// Arguments of `approve`.
#[derive(Debug, Args)]
pub struct Approve {
    /// What is approved, and by whom
    #[command(flatten)]
    pub of: Decides,
    /// Which parts
    #[command(flatten)]
    pub parts: PartsOf,
    /// What must follow, as 'shadow>=30d': for at least so many days from now on; again for each
    #[arg(long, value_name = "CONDITION")]
    pub conditional: Vec<String>,
    /// Name a step that can never be undone, as 'site/HRB01 workspace.prod'; once for each, no wildcards
    #[arg(long, value_name = "STEP")]
    pub one_way: Vec<String>,
    /// Anything to add
    #[arg(long, default_value = "")]
    pub comment: String,
    /// The day or moment from which on it does not count any more
    #[arg(long, value_name = "WHEN")]
    pub expires: Option<String>,
}

/// Arguments of `reject`.
#[derive(Debug, Args)]
pub struct Reject {
    /// What is rejected, and by whom
    #[command(flatten)]
    pub of: Decides,
    /// Which parts
    #[command(flatten)]
    pub parts: PartsOf,
    /// Why
    #[arg(long)]
    pub reason: String,
}

/// Arguments of `review`.
#[derive(Debug, Args)]
pub struct Review {
    /// What was reviewed, and by whom
    #[command(flatten)]
    pub of: Decides,
    /// Say that this condition of your approval is met
    #[arg(long, value_name = "NAME", conflicts_with = "break_glass")]
    pub condition: Option<String>,
    /// Review what was launched without its approvals
    #[arg(long)]
    pub break_glass: bool,
    /// Anything to add
    #[arg(long, default_value = "")]
    pub comment: String,
}

/// Arguments of `withdraw`.
#[derive(Debug, Args)]
pub struct Withdraw {
    /// What is taken back, and by whom
    #[command(flatten)]
    pub of: Decides,
    /// Which parts
    #[command(flatten)]
    pub parts: PartsOf,
    /// Anything to add
    #[arg(long, default_value = "")]
    pub comment: String,
}

/// Commands about approvals.
#[derive(Debug, Subcommand)]
pub enum ApprovalsCommand {
    /// Show what was decided about a plan, what of it counts, and what is missing
    List {
        /// A plan saved with `plan --out`
        plan: PathBuf,
        /// The present moment
        #[command(flatten)]
        moment: Moment,
        /// How to print
        #[arg(long, short, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
}

/// The way past the approvals.
#[derive(Debug, Args)]
pub struct Glass {
    /// Launch without the approvals that are missing: an emergency, signed by somebody who could approve it
    #[arg(long, requires = "reason")]
    pub break_glass: bool,
    /// Why there is no time for approvals
    #[arg(long, requires = "break_glass")]
    pub reason: Option<String>,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Everything that a decision about a plan is made with.
struct Table<'t> {
    ui: &'t Ui,
    context: &'t Context,
    case: Case<'t>,
}

impl Table<'_> {
    fn desk(&self) -> Desk<'_> {
        let case = &self.case;
        Desk { people: case.people, keys: &case.keys, zone: &case.zone, now: self.context.clock.now() }
    }

    /// The seats that the plan asks for, at these scopes or at all.
    fn seats(&self, scopes: &BTreeSet<ScopeId>) -> BTreeSet<Seat> {
        let mut seats = BTreeSet::new();
        for need in &self.case.saved.plan.approvals {
            for scope in need.scopes.iter().filter(|scope| scopes.is_empty() || scopes.contains(scope)) {
                let roles = need.roles.iter().filter(|role| scope.site().is_some() || !is_of_site(role));
                seats.extend(roles.map(|role| Seat { role: role.clone(), site: scope.site().cloned() }));
            }
        }
        seats
    }

    /// The seats that anybody holds, for acts that any role can do.
    fn any_seat(&self) -> BTreeSet<Seat> {
        let held = &self.case.people.holdings;
        held.iter().map(|one| Seat { role: one.role.clone(), site: one.site.clone() }).collect()
    }

    /// The parts that were named, or those of the decider's own sites where the role is a site's.
    fn scopes(&self, parts: &PartsOf) -> Result<BTreeSet<ScopeId>, Failure> {
        let plan = &self.case.saved.plan;
        let mut scopes = BTreeSet::new();
        for code in &parts.site {
            let scope = SiteCode::new(code.as_str()).ok().map(ScopeId::Site);
            let known = scope.filter(|scope| plan.scopes.contains_key(scope));
            let none =
                || Failure::usage(format!("the plan has no site `{code}`"), "landfall show PLAN lists them");
            scopes.insert(known.ok_or_else(none)?);
        }
        for letter in &parts.pattern {
            let pattern = plan.overview.patterns.iter().find(|pattern| pattern.name == *letter);
            let none = || {
                Failure::usage(
                    format!("the plan has no pattern `{letter}`"),
                    "landfall show PLAN --patterns lists them",
                )
            };
            scopes.extend(pattern.ok_or_else(none)?.sites.iter().cloned().map(ScopeId::Site));
        }
        Ok(scopes)
    }

    fn statement(&self, by: Decider, subject: Subject, act: Act, meaning: String) -> Statement {
        Statement {
            v: STATEMENT_VERSION,
            estate: self.case.estate.to_owned(),
            subject,
            act,
            person: by.person,
            role: by.role,
            instead_of: by.instead_of,
            at: self.context.clock.now(),
            expires: None,
            meaning,
            comment: String::new(),
        }
    }

    /// Signs, weighs and writes down.
    fn settle(
        &self,
        signing: &Signing,
        statement: Statement,
        journal: &mut dyn Journal,
    ) -> Result<Option<Statement>, Failure> {
        self.ui.say(&format!("{} as {} signs: {}", statement.person, statement.role, statement.meaning));
        match signing.sign(self.ui, self.desk(), statement)? {
            Made::Written => Ok(None),
            Made::Signed(signed) => {
                let recorded = approvals::decide(self.context, &self.case, journal, &signed)?;
                let org = recorded.places.first().map_or(0, |(_, seq)| *seq);
                let (kind, key) = (signed.statement.act.entry_kind(), &signed.key);
                self.ui.result(&format!("Recorded {kind} as entry {org} of the org log, signed with {key}"));
                Ok(Some(signed.statement))
            }
        }
    }

    fn told(&self, journal: &dyn Journal, estate: &Estate) -> Result<(), Failure> {
        let case = Case::open(self.case.saved, estate, journal)?;
        let standing = case.standing(self.context.clock.now());
        approvals::lines(&case, &standing).iter().for_each(|line| self.ui.say(line));
        Ok(())
    }
}

/// Everything that is opened for a decision: held in one place so that the table can borrow from it.
struct Opened {
    context: Context,
    saved: SavedPlan,
    desired: Desired,
    journal: SqliteJournal,
}

fn open(context: &Context, of: &Decides) -> Result<Opened, Failure> {
    let context = at(context, &of.moment)?;
    let saved = ops::plan::read(&of.plan)?;
    ops::target::refuse_shifted(&context, &saved.plan.target)?;
    let desired = Desired::read(&context.root)?;
    if saved.plan.lineage != desired.loaded.estate.lineage {
        let reason = format!("the plan was made for another estate, `{}`", saved.plan.estate);
        return Err(Failure::Refused { reason });
    }
    if saved.plan.approvals.is_empty() {
        return Err(Failure::usage(
            format!(
                "the plan needs no approval: target {} asks for none, or nothing changes",
                saved.plan.target.name
            ),
            "[targets.NAME] gates = \"enforce\" in sites/estate.toml makes a target ask",
        ));
    }
    let journal = SqliteJournal::open(&context.journal_dir())?;
    Ok(Opened { context, saved, desired, journal })
}

impl Opened {
    fn estate(&self) -> &Estate {
        &self.desired.loaded.estate
    }

    fn table<'t>(&'t self, ui: &'t Ui) -> Result<Table<'t>, Failure> {
        let case = Case::open(&self.saved, self.estate(), &self.journal)?;
        Ok(Table { ui, context: &self.context, case })
    }

    fn another(&self) -> Result<SqliteJournal, Failure> {
        Ok(SqliteJournal::open(&self.context.journal_dir())?)
    }
}

/// Asks for the approval of a plan.
pub fn request(ui: &Ui, context: &Context, args: &Request) -> Result<Exit, Failure> {
    let opened = open(context, &args.of)?;
    let table = opened.table(ui)?;
    let by = args.of.signing.decider(table.desk(), &table.any_seat())?;
    let built_by = args.built_by.iter().map(|name| builder(name)).collect::<Result<_, _>>()?;
    let subject = table.case.subject([]);
    let meaning = meaning::requests(&table.case, &subject, args.class.into());
    let act = Act::Request { built_by, class: args.class.into(), ticket: args.ticket.clone() };
    let statement = Statement { comment: args.comment.clone(), ..table.statement(by, subject, act, meaning) };
    show(ui, &opened, None);
    let mut journal = opened.another()?;
    if table.settle(&args.of.signing, statement, &mut journal)?.is_some() {
        table.told(&journal, opened.estate())?;
    }
    Ok(Exit::Done)
}

/// Somebody who built it need not be known: a contractor is kept out all the same.
fn builder(name: &str) -> Result<PersonId, Failure> {
    PersonId::new(name).map_err(|bad| Failure::usage(bad.to_string(), "--built-by data-team-lead"))
}

/// Approves a plan or parts of it.
pub fn approve(ui: &Ui, context: &Context, args: &Approve) -> Result<Exit, Failure> {
    let opened = open(context, &args.of)?;
    let table = opened.table(ui)?;
    let named = table.scopes(&args.parts)?;
    let by = args.of.signing.decider(table.desk(), &table.seats(&named))?;
    let scopes = own_sites(&table, &by, named);
    let one_way = one_way(&table, &by, &scopes, &args.one_way)?;
    let conditions = args.conditional.iter().map(|text| condition(text)).collect::<Result<_, _>>()?;
    let expires = args.expires.as_deref().map(moment::until).transpose();
    let expires = expires.map_err(|bad| Failure::usage(bad.to_string(), "write a day as 2027-01-11"))?;
    let subject = table.case.subject(&scopes);
    let meaning = meaning::approves(&table.case, &subject);
    let act = Act::Approve { conditions, one_way };
    let made = table.statement(by, subject, act, meaning);
    let statement = Statement { expires, comment: args.comment.clone(), ..made };
    show(ui, &opened, Some(&scopes));
    let mut journal = opened.another()?;
    if table.settle(&args.of.signing, statement, &mut journal)?.is_some() {
        table.told(&journal, opened.estate())?;
        ui.say(&format!("Next: landfall apply {}", args.of.plan.display()));
    }
    Ok(Exit::Done)
}

/// A site's own role decides about that site's part, and about no other.
fn own_sites(table: &Table<'_>, by: &Decider, named: BTreeSet<ScopeId>) -> BTreeSet<ScopeId> {
    if !named.is_empty() || !is_of_site(&by.role) {
        return named;
    }
    let today = crate::model::calendar::zone::local(&table.case.zone, table.context.clock.now()).date();
    let sites = table.case.saved.plan.scopes.keys().filter(|scope| {
        let seat = Seat { role: by.role.clone(), site: scope.site().cloned() };
        let able = crate::people::may_act(table.case.people, &seat, today);
        seat.site.is_some() && able.iter().any(|(person, _)| *person == by.person)
    });
    sites.cloned().collect()
}

/// What is named of that which cannot be undone, as the statement has it.
fn one_way(
    table: &Table<'_>,
    by: &Decider,
    scopes: &BTreeSet<ScopeId>,
    named: &[String],
) -> Result<BTreeSet<String>, Failure> {
    let case = &table.case;
    let steps = guard::one_way(&case.saved.plan);
    let mut found = BTreeSet::new();
    for name in named {
        let typed = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let step = steps
            .iter()
            .find(|step| step.name() == typed || step.name().strip_prefix("site/") == Some(&*typed));
        let Some(step) = step else {
            let what = if typed.contains(['*', '?', '[', ',']) {
                "steps are named one by one, without wildcards (rule wildcard)"
            } else {
                "the plan has no such step that needs to be named"
            };
            return Err(Failure::Refused { reason: format!("--one-way '{typed}': {what}") });
        };
        found.insert(case.one_way_name(&step.scope, step.step.as_str()));
    }
    let mut missing = Vec::new();
    for need in case.saved.plan.approvals.iter().filter(|need| need.roles.contains(&by.role)) {
        for (scope, ids) in
            need.one_way.iter().filter(|(scope, _)| scopes.is_empty() || scopes.contains(scope))
        {
            let open = ids.iter().filter(|id| !found.contains(&case.one_way_name(scope, id)));
            missing.extend(open.map(|id| format!("  --one-way '{scope} {id}'")));
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let reason = format!(
        "these steps can never be undone, and whoever approves names each of them (rule one-way-not-named):\n{}",
        missing.join("\n")
    );
    Err(Failure::Refused { reason })
}

/// `shadow>=30d`.
fn condition(text: &str) -> Result<Condition, Failure> {
    let parsed = text.split_once(">=").and_then(|(name, days)| {
        let name = name.trim();
        let days_min = days.trim().strip_suffix('d')?.parse().ok()?;
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        (!name.is_empty() && plain).then(|| Condition { name: name.to_owned(), days_min })
    });
    parsed.ok_or_else(|| {
        Failure::usage(
            format!("`{text}` is not a condition"),
            "write a name and days: --conditional 'shadow>=30d'",
        )
    })
}

/// Rejects a plan or parts of it.
pub fn reject(ui: &Ui, context: &Context, args: &Reject) -> Result<Exit, Failure> {
    if args.reason.trim().is_empty() {
        return Err(Failure::usage("the reason is empty", "say why: --reason \"…\""));
    }
    let opened = open(context, &args.of)?;
    let table = opened.table(ui)?;
    let named = table.scopes(&args.parts)?;
    let by = args.of.signing.decider(table.desk(), &table.seats(&named))?;
    let scopes = own_sites(&table, &by, named);
    let subject = table.case.subject(&scopes);
    let meaning = meaning::rejects(&table.case, &subject);
    let made = table.statement(by, subject, Act::Reject {}, meaning);
    let statement = Statement { comment: args.reason.clone(), ..made };
    let mut journal = opened.another()?;
    if table.settle(&args.of.signing, statement, &mut journal)?.is_some() {
        if scopes.is_empty() {
            ui.result("The plan is a draft again: change what the reason says, then plan anew");
        } else {
            ui.result("A launch goes on without these sites");
        }
        table.told(&journal, opened.estate())?;
    }
    Ok(Exit::Done)
}

/// Says that a plan was reviewed, that a condition is met, or that an emergency was looked at.
pub fn review(ui: &Ui, context: &Context, args: &Review) -> Result<Exit, Failure> {
    let opened = open(context, &args.of)?;
    let table = opened.table(ui)?;
    let asked = if args.condition.is_some() { table.seats(&BTreeSet::new()) } else { table.any_seat() };
    let by = args.of.signing.decider(table.desk(), &asked)?;
    let whole = table.case.subject([]);
    let (act, subject, meaning) = match &args.condition {
        Some(name) => {
            let subject = conditioned(&table, &by, name).unwrap_or(whole);
            let meaning = meaning::meets(name, &subject);
            (Act::Attest {}, subject, meaning)
        }
        None if args.break_glass => (Act::Review {}, whole.clone(), meaning::reviews_emergency(&whole)),
        None => (Act::Review {}, whole.clone(), meaning::reviews(&table.case, &whole)),
    };
    let statement = Statement { comment: args.comment.clone(), ..table.statement(by, subject, act, meaning) };
    if args.condition.is_none() {
        show(ui, &opened, None);
    }
    let mut journal = opened.another()?;
    if table.settle(&args.of.signing, statement, &mut journal)?.is_some() {
        table.told(&journal, opened.estate())?;
    }
    Ok(Exit::Done)
}

/// What the approval with this condition was about.
fn conditioned(table: &Table<'_>, by: &Decider, name: &str) -> Option<Subject> {
    let own = table.case.decisions.iter().map(|decision| &decision.signed.statement);
    let mut own = own.filter(|statement| statement.person == by.person);
    let has = |statement: &&Statement| {
        statement.act.conditions().unwrap_or_default().iter().any(|condition| condition.name == name)
    };
    own.rfind(has).map(|statement| statement.subject.clone())
}

/// Takes back what somebody decided.
pub fn withdraw(ui: &Ui, context: &Context, args: &Withdraw) -> Result<Exit, Failure> {
    let opened = open(context, &args.of)?;
    let table = opened.table(ui)?;
    let scopes = table.scopes(&args.parts)?;
    let by = args.of.signing.decider(table.desk(), &table.any_seat())?;
    let subject = table.case.subject(&scopes);
    let meaning = meaning::withdraws(&table.case, &subject);
    let made = table.statement(by, subject, Act::Withdraw {}, meaning);
    let statement = Statement { comment: args.comment.clone(), ..made };
    let mut journal = opened.another()?;
    if table.settle(&args.of.signing, statement, &mut journal)?.is_some() {
        table.told(&journal, opened.estate())?;
    }
    Ok(Exit::Done)
}

/// Shows where a plan's approvals stand.
pub fn approvals(ui: &Ui, context: &Context, command: ApprovalsCommand) -> Result<Exit, Failure> {
    let ApprovalsCommand::List { plan, moment, output } = command;
    let context = &at(context, &moment)?;
    let saved = ops::plan::read(&plan)?;
    ops::target::refuse_shifted(context, &saved.plan.target)?;
    let desired = Desired::read(&context.root)?;
    let journal = super::run::journal_to_read(context)?;
    let case = Case::open(&saved, &desired.loaded.estate, &*journal)?;
    let standing = case.standing(context.clock.now());
    match output {
        Output::Json => ui.json(&approvals::shown(&case, &standing)),
        Output::Text => {
            ui.line(&format!("Plan {} for {}", saved.digest, case.subject([]).name));
            approvals::lines(&case, &standing).iter().for_each(|line| ui.line(line));
        }
    }
    Ok(Exit::Done)
}

/// Shows what is going to be signed: what cannot be undone and what is destroyed first, then the plan on one page.
fn show(ui: &Ui, opened: &Opened, scopes: Option<&BTreeSet<ScopeId>>) {
    let steps = guard::one_way(&opened.saved.plan);
    if !steps.is_empty() {
        ui.say("Cannot be undone:");
        ui.say(&guard::lines(&steps));
    }
    let outlook = ops::overview::outlook(&opened.saved, Some(opened.estate()));
    ui.say(brief::text(&opened.saved, &outlook).trim_end());
    if let Some(scopes) = scopes.filter(|scopes| !scopes.is_empty()) {
        let names: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        ui.say(&format!("Only the parts of {}", names.join(", ")));
    }
}

/// What is asked before a launch begins: the approvals that the plan needs, or the signed way past them.
pub fn before_launch(
    ui: &Ui,
    context: &Context,
    saved: &SavedPlan,
    estate: &Estate,
    journal: &mut SqliteJournal,
    args: &Apply,
) -> Result<Vec<Carved>, Failure> {
    let now = context.clock.now();
    let refused = match approvals::refuse_unapproved(saved, estate, journal, now) {
        Ok(carved) => {
            told_carved(ui, &carved);
            return Ok(carved);
        }
        Err(refused) => refused,
    };
    let (true, Some(reason), Failure::Refused { .. }) =
        (args.glass.break_glass, &args.glass.reason, &refused)
    else {
        return Err(refused);
    };
    break_glass(ui, context, (saved, estate), journal, (&args.glass.signing, reason))?;
    approvals::refuse_unapproved(saved, estate, journal, now)
}

fn break_glass(
    ui: &Ui,
    context: &Context,
    (saved, estate): (&SavedPlan, &Estate),
    journal: &mut SqliteJournal,
    (signing, reason): (&Signing, &str),
) -> Result<(), Failure> {
    let case = Case::open(saved, estate, journal)?;
    let table = Table { ui, context, case };
    let by = signing.decider(table.desk(), &table.seats(&BTreeSet::new()))?;
    let subject = table.case.subject([]);
    let meaning = meaning::breaks_glass(&table.case, &subject);
    let made = table.statement(by, subject, Act::BreakGlass {}, meaning);
    let statement = Statement { comment: reason.to_owned(), ..made };
    if table.settle(signing, statement, journal)?.is_none() {
        let reason = "the statement was written out; nothing was launched".to_owned();
        return Err(Failure::Refused { reason });
    }
    ui.always(&format!(
        "BREAK-GLASS: launched without approvals. Somebody else reviews it within {} hours: landfall review PLAN --break-glass",
        estate.break_glass_hours
    ));
    Ok(())
}

/// What is asked when a launch is taken up again.
pub fn before_resume(
    ui: &Ui,
    context: &Context,
    found: &Found,
    estate: &Estate,
    journal: &mut SqliteJournal,
) -> Result<(), Failure> {
    let carved = approvals::refuse_unheld(&found.saved, estate, journal, context.clock.now())?;
    let open = |carved: &Carved| {
        let scope = ScopeId::Site(carved.site.clone());
        found.fleet.scopes().get(&scope).is_some_and(|phase| !phase.is_ended())
    };
    let carved: Vec<Carved> = carved.into_iter().filter(open).collect();
    told_carved(ui, &carved);
    ops::launch::take_out(context, journal, &found.run, &carved)
}

/// Says loudly which launches went past their approvals and were not reviewed yet.
pub fn told_emergencies(ui: &Ui, context: &Context, desired: &Desired) -> Result<(), Failure> {
    let journal = super::run::journal_to_read(context)?;
    let now = context.clock.now();
    let opened = approvals::break_glass::opened(&desired.loaded.estate, &*journal, now)?;
    opened.iter().filter(|one| one.is_open()).for_each(|one| ui.always(&one.line(now)));
    Ok(())
}

fn told_carved(ui: &Ui, carved: &[Carved]) {
    for Carved { site, by, reason } in carved {
        ui.always(&format!("{site} is left out: {by} rejected its part: {reason}"));
    }
}
