//! How somebody signs on the command line: who they are, in which role, and where their key is. Shared by every command
//! that takes a decision.

mod electronic;

use std::path::{Path, PathBuf};

use clap::Args;

use super::ui::Ui;
use crate::base::id::{PersonId, RoleName};
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::evidence::sshsig::key::PublicKey;
use crate::evidence::sshsig::people as sshsig;
use crate::model::calendar::zone;
use crate::model::people::{Enrolled, People};
use crate::model::signed::{NAMESPACE, Signed, Statement};
use crate::ops::earlier::limited;
use crate::ops::error::Failure;
use crate::people::{How, Seat, may_act};
use crate::signer::person::{Agent, PersonFile, PersonKey, PersonSignError};

/// Who signs, and how.
#[derive(Debug, Clone, Args)]
pub struct Signing {
    /// Who you are in sites/people.toml [default: whose key --key is]
    #[arg(long = "as", value_name = "PERSON")]
    pub person: Option<String>,
    /// The role that you decide in [default: the one of those asked that you hold]
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// A private key file of OpenSSH that is not locked [default: the agent's key that is yours]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Write what would be signed into a file and stop; ssh-keygen -Y sign -n decision@landfall FILE signs it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "signature"])]
    pub statement_out: Option<PathBuf>,
    /// What was signed by hand, as --statement-out wrote it
    #[arg(long, value_name = "FILE", requires = "signature")]
    pub statement: Option<PathBuf>,
    /// The signature that ssh-keygen -Y sign made of it
    #[arg(long, value_name = "FILE", requires = "statement", conflicts_with = "key")]
    pub signature: Option<PathBuf>,
    /// What the signature means: needed where a site keeps electronic records (part11 = true)
    #[arg(long, value_enum, value_name = "MEANING")]
    pub meaning: Option<electronic::Meaning>,
}

/// What is known about those who can sign.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'d> {
    /// Who is who.
    pub people: &'d People,
    /// Whose keys the org log knows.
    pub keys: &'d Enrolled,
    /// The zone in which days are meant.
    pub zone: &'d jiff::tz::TimeZone,
    /// The moment of signing.
    pub now: Timestamp,
}

/// Who decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decider {
    /// Who.
    pub person: PersonId,
    /// In which role.
    pub role: RoleName,
    /// The holder that they stand in for.
    pub instead_of: Option<PersonId>,
}

/// What became of it.
#[derive(Debug)]
pub enum Made {
    /// It was written, to be signed by hand.
    Written,
    /// It is signed.
    Signed(Box<Signed>),
}

impl Signing {
    /// Who decides, in which role, given the seats that are asked.
    ///
    /// # Errors
    ///
    /// `Refused` for automation; usage if it cannot be told who or which role is meant.
    pub fn decider<'s>(
        &self,
        desk: Desk<'_>,
        seats: impl IntoIterator<Item = &'s Seat>,
    ) -> Result<Decider, Failure> {
        let seats: Vec<&Seat> = seats.into_iter().collect();
        let by_hand = self.statement.as_deref().map(read_statement).transpose()?;
        let person = match (&by_hand, &self.person) {
            (Some(statement), _) => statement.person.clone(),
            (None, Some(name)) => known(desk.people, name)?,
            (None, None) => self.owner(desk)?,
        };
        if desk.people.persons.get(&person).is_some_and(|known| known.automation) {
            let reason = format!("{person} is automation, and automation can never decide (rule automation)");
            return Err(Failure::Refused { reason });
        }
        if let Some(statement) = by_hand {
            return Ok(Decider { person, role: statement.role, instead_of: statement.instead_of });
        }
        let today = zone::local(desk.zone, desk.now).date();
        let how = |seat: &Seat| {
            let able = may_act(desk.people, seat, today);
            able.into_iter().find(|(who, _)| *who == person).map(|(_, how)| how)
        };
        let role = match &self.role {
            Some(name) => RoleName::new(name.as_str())
                .map_err(|bad| Failure::usage(bad.to_string(), "landfall roles lists them"))?,
            None => only_role(&person, &seats, how)?,
        };
        let seat = seats.iter().find(|seat| seat.role == role && how(seat).is_some());
        let instead_of = match seat.and_then(|seat| how(seat)) {
            Some(How::Backup { of } | How::Delegate { of }) => Some(of),
            Some(How::Holder) | None => None,
        };
        Ok(Decider { person, role, instead_of })
    }

    /// Signs a statement, writes it out, or takes the signature that was made of it by hand.
    ///
    /// # Errors
    ///
    /// If no key signs, or what was signed by hand is about something else.
    pub fn sign(&self, ui: &Ui, desk: Desk<'_>, statement: Statement) -> Result<Made, Failure> {
        if let Some(path) = &self.statement_out {
            std::fs::write(path, statement.bytes())
                .map_err(|error| Failure::failed(format!("{}: {error}", path.display())))?;
            let shown = path.display();
            ui.say(&format!("Wrote {shown}. Sign it: ssh-keygen -Y sign -n {NAMESPACE} -f KEY {shown}"));
            ui.say(&format!("Then type the same command with --statement {shown} --signature {shown}.sig"));
            return Ok(Made::Written);
        }
        if let (Some(written), Some(signature)) = (&self.statement, &self.signature) {
            return by_hand(written, signature, &statement).map(|signed| Made::Signed(Box::new(signed)));
        }
        let key = self.own_key(desk, &statement.person)?;
        if let PersonKey::Agent(_, public) = &key {
            ui.say(&format!("The agent signs with {}: touch it if it blinks", public.fingerprint()));
        }
        let signature = key.sign(NAMESPACE, &statement.bytes()).map_err(unsigned)?;
        let key = key.public().fingerprint();
        Ok(Made::Signed(Box::new(Signed { statement, signature, key })))
    }

    /// Whose key was named.
    fn owner(&self, desk: Desk<'_>) -> Result<PersonId, Failure> {
        let nobody = || Failure::usage("it is not said who you are", "name yourself with --as PERSON");
        let path = self.key.as_ref().ok_or_else(nobody)?;
        let file = PersonKey::File(PersonFile::open(path).map_err(unsigned)?);
        let enrolled = desk.keys.keys.get(&file.public().fingerprint());
        enrolled.map(|enrolment| enrolment.person.clone()).ok_or_else(nobody)
    }

    fn own_key(&self, desk: Desk<'_>, person: &PersonId) -> Result<PersonKey, Failure> {
        if let Some(path) = &self.key {
            return Ok(PersonKey::File(PersonFile::open(path).map_err(unsigned)?));
        }
        let agent = Agent::of_session().map_err(unsigned)?;
        let is_own = |key: &PublicKey| {
            let enrolled = desk.keys.keys.get(&key.fingerprint());
            enrolled.is_some_and(|enrolment| enrolment.person == *person && enrolment.retired.is_none())
        };
        let own = agent.keys().map_err(unsigned)?.into_iter().find(is_own);
        let own = own.ok_or_else(|| {
            Failure::usage(
                format!("the SSH agent has no key that is enrolled for {person}"),
                "ssh-add gives it one; landfall roles enrol makes a key count; --key names a file",
            )
        })?;
        Ok(PersonKey::Agent(agent, own))
    }
}

/// The person of this name.
pub(super) fn known(people: &People, name: &str) -> Result<PersonId, Failure> {
    let found = people.persons.keys().find(|person| person.as_str() == name).cloned();
    found.ok_or_else(|| {
        let near = crate::base::diagnostic::nearest(name, people.persons.keys().map(PersonId::as_str));
        let help = near
            .map_or("sites/people.toml says who there is".to_owned(), |near| format!("did you mean {near}?"));
        Failure::usage(format!("nobody is called `{name}`"), help)
    })
}

fn only_role(
    person: &PersonId,
    seats: &[&Seat],
    how: impl Fn(&Seat) -> Option<How>,
) -> Result<RoleName, Failure> {
    let mut roles: Vec<&RoleName> =
        seats.iter().filter(|seat| how(seat).is_some()).map(|seat| &seat.role).collect();
    roles.sort();
    roles.dedup();
    let names = |roles: &[&RoleName]| roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match roles.as_slice() {
        [role] => Ok((*role).clone()),
        [] => {
            let mut asked: Vec<&RoleName> = seats.iter().map(|seat| &seat.role).collect();
            asked.sort();
            asked.dedup();
            let reason = format!(
                "{person} holds none of the roles that are asked: {} (rule role-not-held)",
                names(&asked)
            );
            Err(Failure::Refused { reason })
        }
        several => Err(Failure::usage(
            format!("{person} holds several of the roles that are asked: {}", names(several)),
            "say which one with --role",
        )),
    }
}

/// The statement and its signature from files, if they are about what the command is about.
fn by_hand(written: &Path, signature: &Path, expected: &Statement) -> Result<Signed, Failure> {
    let statement = read_statement(written)?;
    let same = statement.estate == expected.estate
        && statement.subject == expected.subject
        && statement.act.entry_kind() == expected.act.entry_kind()
        && statement.meaning == expected.meaning
        && statement.electronic == expected.electronic;
    if !same {
        let reason = format!("{} is about something else than this command", written.display());
        return Err(Failure::Refused { reason });
    }
    let text = String::from_utf8(limited(signature, limits::NOTE_FILE_BYTES_MAX)?).unwrap_or_default();
    let bad = |what: String| Failure::Refused { reason: format!("{}: {what}", signature.display()) };
    let text = sshsig::respelled(&text).map_err(|error| bad(error.to_string()))?;
    let fitting =
        sshsig::verify(&text, NAMESPACE, &statement.bytes()).map_err(|error| bad(error.to_string()))?;
    Ok(Signed { statement, signature: text, key: fitting.key.fingerprint() })
}

fn read_statement(path: &Path) -> Result<Statement, Failure> {
    let bytes = limited(path, limits::NOTE_FILE_BYTES_MAX)?;
    let bad =
        |what: String| Failure::usage(format!("{}: {what}", path.display()), "--statement-out writes one");
    let statement: Statement =
        serde_json::from_slice(&bytes).map_err(|error| bad(format!("not a statement: {error}")))?;
    if statement.bytes() == bytes { Ok(statement) } else { Err(bad("it was written otherwise".to_owned())) }
}

fn unsigned(error: PersonSignError) -> Failure {
    Failure::failed(error.to_string())
}
