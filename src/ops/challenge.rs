//! Makes statements electronic records: gives a challenge out, writes it into the logs that the decision will go to, and
//! puts it into what is signed, with the signer's printed name, the time with its zone and what the signature means.

use jiff::tz::TimeZone;

use crate::base::id::{LogId, PersonId};
use crate::journal::Journal;
use crate::model::electronic::{
    CHALLENGE_VERSION, CHALLENGED, Challenged, Electronic, SignatureMeaning, lacks, subject_digest,
};
use crate::model::entry::Actor;
use crate::model::people::People;
use crate::model::signed::{ELECTRONIC_VERSION, Statement};
use crate::ops::Context;
use crate::ops::error::Failure;
use crate::ops::note::{self, Note};

/// What an electronic record is made with.
#[derive(Debug, Clone, Copy)]
pub struct Form<'f> {
    /// Who is who.
    pub people: &'f People,
    /// The zone in which the time is printed.
    pub zone: &'f TimeZone,
    /// What the signature means.
    pub meaning: SignatureMeaning,
    /// The logs that the decision goes to.
    pub logs: &'f [LogId],
    /// Who asks for the challenge.
    pub actor: &'f Actor,
}

/// The signer's name as it is printed.
///
/// # Errors
///
/// Usage, if the files give none.
pub fn printed_name(people: &People, person: &PersonId) -> Result<String, Failure> {
    let name = people.persons.get(person).and_then(|known| known.name.clone());
    name.ok_or_else(|| {
        Failure::usage(
            format!("an electronic record prints the signer's name, and {person} has none"),
            format!("write {person} = {{ name = \"…\" }} in sites/people.toml"),
        )
    })
}

/// The statement as an electronic record. Its challenge is in the logs afterwards, and good for this one signature.
///
/// # Errors
///
/// Usage, if it gives no reason or the signer has no printed name; if a log cannot be written.
pub fn electronic(
    context: &Context,
    journal: &mut dyn Journal,
    form: Form<'_>,
    statement: Statement,
) -> Result<Statement, Failure> {
    if statement.comment.trim().is_empty() {
        return Err(Failure::usage(
            "an electronic record gives the reason of the signature",
            "say it with --comment \"…\" (--reason where there is one)",
        ));
    }
    let name = printed_name(form.people, &statement.person)?;
    let size = journal.heads()?.get(&LogId::Org).map_or(0, |head| head.size);
    let purpose = format!("challenge {size} {} {}", statement.person, statement.subject.digest);
    let nonce = context.entropy.name(&purpose).map_err(|error| Failure::failed(error.to_string()))?;
    let given = Challenged {
        v: CHALLENGE_VERSION,
        person: statement.person.clone(),
        subject: subject_digest(&statement.subject),
        nonce: nonce.clone(),
    };
    let mut logs: Vec<&LogId> = form.logs.iter().chain([&LogId::Org]).collect();
    logs.sort();
    logs.dedup();
    for log in logs {
        note::append(context, journal, log, Note::of(CHALLENGED, &given)?.by(form.actor))?;
    }
    // Signed is the moment after the challenge: it cannot be older than what it answers.
    let at = context.clock.now();
    let exact = jiff::Timestamp::from_millisecond(at.as_millis())
        .map_err(|error| Failure::failed(error.to_string()))?;
    let time = exact.to_zoned(form.zone.clone()).to_string();
    let electronic = Electronic { meaning: form.meaning, name, time, challenge: nonce };
    let made = Statement { v: ELECTRONIC_VERSION, at, electronic: Some(electronic), ..statement };
    match lacks(&made) {
        None => Ok(made),
        Some(what) => Err(Failure::failed(format!("the electronic record would lack {what}"))),
    }
}
