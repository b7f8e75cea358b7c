//! Signatures at sites that keep electronic records: what has to be said beside who signs.

use clap::ValueEnum;

use super::{Signing, read_statement};
use crate::base::id::{LogId, ScopeId};
use crate::journal::Journal;
use crate::model::electronic::{SignatureMeaning, is_asked};
use crate::model::estate::Estate;
use crate::model::signed::Statement;
use crate::ops::challenge::{Form, electronic, printed_name};
use crate::ops::error::Failure;
use crate::ops::{self, Context};

/// What a signature means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Meaning {
    /// Has read it and found it right
    Review,
    /// Approves it
    Approval,
    /// Answers for it
    Responsibility,
}

impl From<Meaning> for SignatureMeaning {
    fn from(meaning: Meaning) -> Self {
        match meaning {
            Meaning::Review => SignatureMeaning::Review,
            Meaning::Approval => SignatureMeaning::Approval,
            Meaning::Responsibility => SignatureMeaning::Responsibility,
        }
    }
}

impl Signing {
    /// The statement as it has to be signed for these scopes: as it is, or as an electronic record if one of them is a site
    /// that keeps such. Then a challenge is given out, which only this signature answers.
    ///
    /// # Errors
    ///
    /// Usage, if it is not said what the signature means, or something else is missing; if a log cannot be written.
    pub fn made<'s>(
        &self,
        context: &Context,
        journal: &mut dyn Journal,
        estate: &Estate,
        scopes: impl IntoIterator<Item = &'s ScopeId>,
        statement: Statement,
    ) -> Result<Statement, Failure> {
        let scopes: Vec<&ScopeId> = scopes.into_iter().collect();
        let needs = is_asked(&estate.people, scopes.iter().copied());
        let meaning = match self.meaning {
            Some(meaning) => SignatureMeaning::from(meaning),
            None if needs => {
                return Err(Failure::usage(
                    "a site of it keeps electronic records (part11 = true): the signature needs its meaning",
                    "say --meaning review, --meaning approval or --meaning responsibility",
                ));
            }
            None => return Ok(statement),
        };
        if let Some(path) = &self.statement {
            let written = read_statement(path)?;
            let name = printed_name(&estate.people, &written.person)?;
            let said = written.electronic.as_ref();
            if said.is_some_and(|said| said.name == name && said.meaning == meaning) {
                return Ok(Statement {
                    v: written.v,
                    at: written.at,
                    electronic: written.electronic,
                    ..statement
                });
            }
            return Err(Failure::usage(
                format!("{} does not say this name and this meaning", path.display()),
                "write it anew with --statement-out and --meaning",
            ));
        }
        let mut logs = vec![LogId::Org];
        logs.extend(scopes.into_iter().cloned().map(LogId::Scope));
        let (zone, actor) = (estate.time_zone(), ops::person());
        let form = Form { people: &estate.people, zone: &zone, meaning, logs: &logs, actor: &actor };
        electronic(context, journal, form, statement)
    }
}
