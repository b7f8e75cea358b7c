//! Decisions about items and gates: `attest`, `waive`, `checklist not-applicable`, `gate sign`.

use std::collections::BTreeSet;

use clap::Args;

use super::args::Moment;
use super::exit::Exit;
use super::gate::{only_scope, site_of};
use super::run::at;
use super::signing::{Decider, Desk, Made, Signing};
use super::ui::Ui;
use crate::base::id::{GateId, ScopeId, StepId};
use crate::base::time::Timestamp;
use crate::checklist::{self, ItemStanding};
use crate::gate as standing;
use crate::journal::sqlite::SqliteJournal;
use crate::model::calendar::zone;
use crate::model::checklist::{Item, ItemState, Validator};
use crate::model::days::start_of;
use crate::model::signed::{Act, Condition, STATEMENT_VERSION, Signed, Statement, Subject};
use crate::ops::checklist::{Board, Ground};
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::{self, Context, gates};
use crate::people::Seat;

/// Arguments of `attest`.
#[derive(Debug, Args)]
pub struct Attest {
    /// The item, for example readiness.inventory
    pub item: String,
    /// The site; without it the account
    #[arg(long, value_name = "CODE")]
    pub site: Option<String>,
    /// Which statement, from 1, where the item asks for several
    #[arg(long, value_name = "N")]
    pub statement_number: Option<usize>,
    /// Anything to add
    #[arg(long, default_value = "")]
    pub comment: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
}

/// Arguments of `waive`.
#[derive(Debug, Args)]
pub struct Waive {
    /// The item, for example readiness.inventory; or a gate, for example g-02
    pub item: String,
    /// The site; without it the account
    #[arg(long, value_name = "CODE")]
    pub site: Option<String>,
    /// The last day on which it counts, in the estate's zone, for example 2027-06-30
    #[arg(long, value_name = "DATE")]
    pub until: String,
    /// Why it may be missing
    #[arg(long)]
    pub reason: String,
    /// What is done instead meanwhile
    #[arg(long)]
    pub compensating: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
}

/// Arguments of `checklist not-applicable`.
#[derive(Debug, Args)]
pub struct NotApplicable {
    /// The item
    pub item: String,
    /// The site; without it the account
    #[arg(long, value_name = "CODE")]
    pub site: Option<String>,
    /// Why it does not apply here
    #[arg(long)]
    pub reason: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
}

/// Arguments of `gate sign`.
#[derive(Debug, Args)]
pub struct Sign {
    /// The gate, for example g-02
    pub gate: String,
    /// The site; without it the account
    #[arg(long, value_name = "CODE")]
    pub site: Option<String>,
    /// What must follow, as NAME>=DAYSd: the gate opens when those days are over, for example shadow>=30d
    #[arg(long, value_name = "CONDITION", conflicts_with = "reject")]
    pub condition: Vec<String>,
    /// Reject it instead; needs --comment
    #[arg(long)]
    pub reject: bool,
    /// Read it and find it right, instead of signing it
    #[arg(long, conflicts_with_all = ["reject", "condition"])]
    pub review: bool,
    /// Anything to add; the reason of a rejection
    #[arg(long, default_value = "")]
    pub comment: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
    /// The present moment
    #[command(flatten)]
    pub moment: Moment,
}

/// What a decision is made on.
struct Bench<'b> {
    ui: &'b Ui,
    context: Context,
    desired: Desired,
    ground: Ground,
    journal: SqliteJournal,
    board: Board,
}

/// What is decided.
struct Decided<'d> {
    subject: Subject,
    act: Act,
    meaning: String,
    comment: &'d str,
    expires: Option<Timestamp>,
}

impl<'b> Bench<'b> {
    fn new(ui: &'b Ui, context: &Context, moment: &Moment) -> Result<Self, Failure> {
        let context = at(context, moment)?;
        let desired = Desired::read(&context.root)?;
        gates::refuse_shifted(&context, &desired)?;
        let ground = Ground::of(&desired);
        let journal = SqliteJournal::open(&context.journal_dir())?;
        let board = ground.board(&journal, context.clock.now())?;
        Ok(Self { ui, context, desired, ground, journal, board })
    }

    fn item(&self, scope: &ScopeId, name: &str) -> Result<(&Item, &ItemStanding), Failure> {
        let id =
            StepId::new(name).map_err(|bad| Failure::usage(bad.to_string(), "landfall checklist list"))?;
        let found = self.ground.item(scope, &id).zip(self.board.item(scope, &id));
        found.ok_or_else(|| {
            let asks = self.ground.scopes.get(scope);
            let ids = asks.into_iter().flat_map(|asks| asks.items.iter().map(|item| item.id.as_str()));
            let help = match crate::base::diagnostic::nearest(name, ids) {
                Some(near) => format!("did you mean {near}?"),
                None => "landfall checklist list shows what there is; --site names the site".to_owned(),
            };
            Failure::usage(format!("{scope} has no item `{name}`"), help)
        })
    }

    /// Signs what is decided, records it, and writes what follows from it.
    fn decide(
        mut self,
        signing: &Signing,
        seats: &BTreeSet<Seat>,
        decided: Decided<'_>,
    ) -> Result<Option<Board>, Failure> {
        let now = self.context.clock.now();
        let keys = ops::decisions::keys(&self.journal)?;
        let (people, zone) = (self.ground.people.clone(), self.ground.zone.clone());
        let desk = Desk { people: &people, keys: &keys, zone: &zone, now };
        let decider = signing.decider(desk, seats)?;
        let statement = self.statement(decider, decided, now);
        let estate = &self.desired.loaded.estate;
        let scope = statement.subject.scope.clone();
        let statement = signing.made(&self.context, &mut self.journal, estate, scope.as_ref(), statement)?;
        let keys = ops::decisions::keys(&self.journal)?;
        let desk = Desk { keys: &keys, ..desk };
        let what = format!("{} {}", statement.act.entry_kind(), statement.subject.name);
        let signed: Box<Signed> = match signing.sign(self.ui, desk, statement)? {
            Made::Written => return Ok(None),
            Made::Signed(signed) => signed,
        };
        self.counts(&signed, seats, &keys)?;
        let seq = gates::decide(&self.context, &mut self.journal, &signed)?;
        let said = &signed.statement;
        let log = said.subject.scope.as_ref().map_or_else(|| "org".to_owned(), ToString::to_string);
        self.ui.say(&format!("{} as {}: {what} (entry {seq} of {log})", said.person, said.role));
        let written = gates::record(&self.context, &self.ground, &mut self.journal)?;
        super::gate::tell(self.ui, &written);
        Ok(Some(self.ground.board(&self.journal, self.context.clock.now())?))
    }

    fn statement(&self, decider: Decider, decided: Decided<'_>, now: Timestamp) -> Statement {
        Statement {
            v: STATEMENT_VERSION,
            estate: self.desired.loaded.estate.lineage.clone(),
            subject: decided.subject,
            act: decided.act,
            person: decider.person,
            role: decider.role,
            instead_of: decider.instead_of,
            at: now,
            expires: decided.expires,
            meaning: decided.meaning,
            comment: decided.comment.trim().to_owned(),
            electronic: None,
        }
    }

    /// A decision that would not count is not recorded: it is told why.
    fn counts(
        &self,
        signed: &Signed,
        seats: &BTreeSet<Seat>,
        keys: &crate::model::people::Enrolled,
    ) -> Result<(), Failure> {
        use crate::approval::{self, Asked, Decision};
        let subject = signed.statement.subject.clone();
        let now = self.context.clock.now();
        let reviews = matches!(signed.statement.act, Act::Review {});
        let asked = Asked {
            seats: seats.clone(),
            review: reviews,
            clinician: self.takes_clinician(&signed.statement),
            valid_days: None,
            kept_out: std::collections::BTreeMap::new(),
            one_way: BTreeSet::new(),
            subject: subject.clone(),
        };
        let log = subject.scope.map_or(crate::base::id::LogId::Org, crate::base::id::LogId::Scope);
        let decision = Decision { signed: signed.clone(), log, seq: 0, recorded_at: now };
        let around = approval::Around {
            estate: &self.ground.lineage,
            zone: &self.ground.zone,
            people: &self.ground.people,
            keys,
        };
        let weighed = approval::weigh(&asked, &[decision], around, now);
        match weighed.refused.get(&0) {
            None => Ok(()),
            Some(rule) => Err(Failure::Refused {
                reason: format!("{} as {}: {rule}", signed.statement.person, signed.statement.role),
            }),
        }
    }

    /// Whether what is stated takes a clinician.
    fn takes_clinician(&self, said: &Statement) -> bool {
        let scope = said.subject.scope.as_ref();
        let id = StepId::new(said.subject.name.as_str()).ok();
        let item = scope.zip(id).and_then(|(scope, id)| self.ground.item(scope, &id));
        let asks = |validator: &Validator| match validator {
            Validator::Attest(attest) => attest.clinician && attest.statement == said.meaning,
            _ => false,
        };
        matches!(said.act, Act::Attest {}) && item.is_some_and(|item| item.validate.iter().any(asks))
    }
}

/// States that an item is so, in its own words.
pub fn attest(ui: &Ui, context: &Context, args: &Attest) -> Result<Exit, Failure> {
    let bench = Bench::new(ui, context, &args.moment)?;
    let scope = site_of(&bench.desired, args.site.as_deref())?;
    let (item, standing) = bench.item(&scope, &args.item)?;
    if let ItemState::Blocked { by } = &standing.state {
        let reason = format!("{by} comes before {} and is not done", item.id);
        return Err(Failure::Refused { reason });
    }
    let (at, statement) = chosen(item, standing, args.statement_number)?;
    let seats = statement.by.iter().map(|role| checklist::seat(&scope, role)).collect();
    let decided = Decided {
        subject: checklist::subject(&scope, item),
        act: Act::Attest {},
        meaning: statement.text.clone(),
        comment: &args.comment,
        expires: None,
    };
    ui.say(&format!("\u{201c}{}\u{201d}", statement.text));
    let id = item.id.clone();
    let Some(board) = bench.decide(&args.signing, &seats, decided)? else { return Ok(Exit::Done) };
    let after = board.item(&scope, &id);
    if let Some(missing) =
        after.and_then(|item| item.statements.get(at)).filter(|one| !one.missing.is_empty())
    {
        let roles: Vec<&str> = missing.missing.iter().map(crate::base::id::RoleName::as_str).collect();
        ui.say(&format!("Still to be stated by {}", roles.join(", ")));
    }
    Ok(Exit::Done)
}

/// The statement that is meant: the only one, the only one that is open, or the one of this number.
fn chosen<'s>(
    item: &Item,
    standing: &'s ItemStanding,
    number: Option<usize>,
) -> Result<(usize, &'s checklist::Statement), Failure> {
    let all = &standing.statements;
    let open: Vec<usize> = (0..all.len()).filter(|at| !all[*at].missing.is_empty()).collect();
    let at = match (number, open.as_slice(), all.len()) {
        (_, _, 0) => {
            return Err(Failure::usage(
                format!("nobody has to state anything about {}", item.id),
                format!("landfall checklist show {} says how it is shown", item.id),
            ));
        }
        (Some(number), _, count) if (1..=count).contains(&number) => number - 1,
        (Some(_), _, count) => {
            return Err(Failure::usage(
                format!("{} asks for {count} statements", item.id),
                "landfall checklist show numbers them",
            ));
        }
        (None, [at], _) => *at,
        (None, _, 1) => 0,
        (None, _, count) => {
            return Err(Failure::usage(
                format!("{} asks for {count} statements", item.id),
                "say which one with --statement-number; landfall checklist show numbers them",
            ));
        }
    };
    Ok((at, &all[at]))
}

/// Lets an item, or a whole gate, pass for a time.
pub fn waive(ui: &Ui, context: &Context, args: &Waive) -> Result<Exit, Failure> {
    let bench = Bench::new(ui, context, &args.moment)?;
    let scope = site_of(&bench.desired, args.site.as_deref())?;
    let expires = end(&bench.ground, &args.until, bench.board.now)?;
    said("--reason", &args.reason)?;
    said("--compensating", &args.compensating)?;
    let gate = GateId::new(args.item.as_str()).ok();
    let gate = gate.and_then(|id| bench.board.gate(&scope, &id).cloned());
    let (subject, seats, title) = match gate {
        Some(gate) => {
            let authority = &bench.ground.authority;
            let roles = [&authority.sponsor, &authority.compliance];
            let seats = roles.into_iter().map(|role| checklist::seat(&scope, role)).collect();
            (standing::subject(&gate), seats, format!("the gate {}", gate.gate))
        }
        None => {
            let (item, _) = bench.item(&scope, &args.item)?;
            let roles = checklist::waiver_roles(item.severity, &item.owner, &bench.ground.authority);
            let seats: BTreeSet<Seat> = roles.iter().map(|role| checklist::seat(&scope, role)).collect();
            (checklist::subject(&scope, item), seats, item.title.clone())
        }
    };
    let decided = Decided {
        act: Act::Waive { compensating: args.compensating.trim().to_owned() },
        meaning: format!("I answer for it that this is missing until {}: {title}", args.until),
        comment: &args.reason,
        expires: Some(expires),
        subject: subject.clone(),
    };
    let Some(board) = bench.decide(&args.signing, &seats, decided)? else { return Ok(Exit::Done) };
    let holds = match (StepId::new(subject.name.as_str()).ok(), GateId::new(subject.name.as_str()).ok()) {
        (_, Some(id)) if board.gate(&scope, &id).is_some_and(|gate| gate.open) => true,
        (Some(id), _) => board.item(&scope, &id).is_some_and(|item| item.state.is_closed()),
        (None, _) => false,
    };
    if !holds {
        let roles: Vec<String> = seats.iter().map(|seat| seat.role.to_string()).collect();
        ui.say(&format!("It counts when all of these have waived it: {}", roles.join(", ")));
    }
    Ok(Exit::Done)
}

/// Says that an item does not apply.
pub fn not_applicable(ui: &Ui, context: &Context, args: &NotApplicable) -> Result<Exit, Failure> {
    let bench = Bench::new(ui, context, &args.moment)?;
    let scope = site_of(&bench.desired, args.site.as_deref())?;
    said("--reason", &args.reason)?;
    let (item, _) = bench.item(&scope, &args.item)?;
    if !item.may_not_apply {
        let reason = format!("{} applies everywhere: its pack does not say `may_not_apply = true`", item.id);
        return Err(Failure::Refused { reason });
    }
    let seats = BTreeSet::from([checklist::seat(&scope, &item.owner)]);
    let decided = Decided {
        subject: checklist::subject(&scope, item),
        act: Act::NotApplicable {},
        meaning: format!("This does not apply here: {}", item.title),
        comment: &args.reason,
        expires: None,
    };
    bench.decide(&args.signing, &seats, decided)?;
    Ok(Exit::Done)
}

/// Signs, reviews or rejects a gate.
pub fn sign(ui: &Ui, context: &Context, args: &Sign) -> Result<Exit, Failure> {
    let bench = Bench::new(ui, context, &args.moment)?;
    let scope = only_scope(&bench.desired, &bench.ground, &args.gate, args.site.as_deref())?;
    let id = GateId::new(args.gate.as_str())
        .map_err(|bad| Failure::usage(bad.to_string(), "landfall gate list"))?;
    let found = bench.ground.gate(&scope, &id).zip(bench.board.gate(&scope, &id));
    let Some((gate, now)) = found else {
        return Err(Failure::usage(format!("{scope} has no gate `{id}`"), "landfall gate list"));
    };
    let others: Vec<String> = now
        .missing
        .iter()
        .filter(|item| item.id != id.as_str() && !item.id.starts_with(&format!("{id}.")))
        .map(|item| format!("{}: {} [{}]", item.id, item.missing, item.owner))
        .collect();
    if !others.is_empty() && !args.reject {
        others.iter().for_each(|line| ui.always(&format!("  {line}")));
        let reason =
            format!("{id} is signed when everything that it rests on is there; {} missing", others.len());
        return Err(Failure::Refused { reason });
    }
    if args.reject {
        said("--comment", &args.comment)?;
    }
    let act = match (args.reject, args.review) {
        (true, _) => Act::Reject {},
        (false, true) => Act::Review {},
        (false, false) => Act::Approve { conditions: conditions(&args.condition)?, one_way: BTreeSet::new() },
    };
    let seats = gate.quorum.roles.iter().map(|role| checklist::seat(&scope, role)).collect();
    let meaning = match &act {
        Act::Reject {} => format!("I reject this: {}", gate.statement),
        Act::Review {} => format!("I have read what this rests on and found it right: {}", gate.statement),
        _ => gate.statement.clone(),
    };
    ui.say(&format!("\u{201c}{meaning}\u{201d}"));
    let decided =
        Decided { subject: standing::subject(now), act, meaning, comment: &args.comment, expires: None };
    let Some(board) = bench.decide(&args.signing, &seats, decided)? else { return Ok(Exit::Done) };
    if let Some(after) = board.gate(&scope, &id) {
        ui.say(&super::gate::line(after, board.now));
    }
    Ok(Exit::Done)
}

fn said(option: &str, text: &str) -> Result<(), Failure> {
    if text.trim().is_empty() {
        return Err(Failure::usage(format!("{option} is empty"), "say it in a few words"));
    }
    Ok(())
}

/// The first moment after a day.
fn end(ground: &Ground, until: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    use jiff::ToSpan as _;
    let day: jiff::civil::Date = until
        .parse()
        .map_err(|_| Failure::usage(format!("--until {until} is not a day"), "write --until 2027-06-30"))?;
    let end = start_of(&ground.zone, day.saturating_add(1.days()));
    if end <= now {
        let today = zone::local(&ground.zone, now).date();
        return Err(Failure::usage(format!("--until {until} is over: today is {today}"), "name a later day"));
    }
    Ok(end)
}

/// `shadow>=30d`: what must follow, for how many days at least.
fn conditions(texts: &[String]) -> Result<Vec<Condition>, Failure> {
    let one = |text: &String| {
        let (name, days) = text.split_once(">=")?;
        let days: u32 = days.strip_suffix('d')?.parse().ok().filter(|days| (1..=3_660).contains(days))?;
        StepId::new(name).ok()?;
        Some(Condition { name: name.to_owned(), days_min: days })
    };
    texts
        .iter()
        .map(|text| {
            one(text).ok_or_else(|| {
                Failure::usage(format!("`{text}` is not a condition"), "write --condition 'shadow>=30d'")
            })
        })
        .collect()
}
