//! What can be asked for before anything is known but the logs: where our objects were, and what they rested on, when we
//! last saw them. An answer counts only if the question turns out to be the right one, so that a plan never rests on a log
//! alone; nearly always it is, and a scope is looked at in one go instead of level by level.

use std::collections::{BTreeMap, BTreeSet};

use super::listed::{ListKey, Listed};
use super::{Look, Observer, Wanted, look, target_of};
use crate::base::id::{ScopeId, StepId};
use crate::driver::{Listing, Target};
use crate::kind::Registry;
use crate::model::outcome::Observation;
use crate::runner::known::Known;

/// Answers to questions that may turn out to be the right ones.
#[derive(Default)]
pub(super) struct Ahead {
    lists: BTreeMap<ListKey, Listed>,
    reads: BTreeMap<(ScopeId, StepId), (Target, Observation)>,
}

/// One question.
enum Question {
    List(ListKey),
    Read(ScopeId, StepId, Target),
}

/// Its answer.
enum Answered {
    List(ListKey, Listing),
    Read(ScopeId, StepId, Target, Observation),
}

impl Ahead {
    /// The list, if it was asked for.
    pub(super) fn take_list(&mut self, key: &ListKey) -> Option<Listed> {
        self.lists.remove(key)
    }

    /// What was read of a step's object, if exactly this was asked.
    pub(super) fn take_read(
        &mut self,
        scope: &ScopeId,
        step: &StepId,
        target: &Target,
    ) -> Option<Observation> {
        let (asked, observation) = self.reads.remove(&(scope.clone(), step.clone()))?;
        (asked == *target).then_some(observation)
    }
}

impl Observer {
    /// Asks for all that our logs tell where to find.
    pub(super) async fn look_ahead(&mut self, wanted: &[Wanted<'_>]) {
        let known = self.presumed(wanted);
        let mut looks: Vec<Look<'_>> = Vec::new();
        for one in wanted {
            let seen: BTreeSet<&StepId> = one.holdings.watched().map(|(id, _)| id).collect();
            let seen = one.resources.iter().filter(|resource| seen.contains(&resource.id));
            looks.extend(seen.map(|resource| look(&known, one, resource)));
        }
        looks.retain(|look| look.missing.is_empty() && look.place.is_some());
        let mut lists = self.awaited.ready(&known);
        lists.extend(super::shared_lists(&looks));
        let listed = |look: &&Look<'_>| look.list_key().is_some_and(|key| lists.contains(&key));
        let singles: Vec<Question> = looks
            .iter()
            .filter(|look| !listed(look))
            .filter_map(|look| {
                Some(Question::Read(look.scope.clone(), look.resource.id.clone(), target_of(look)?))
            })
            .collect();
        let questions = lists.into_iter().map(Question::List).chain(singles).collect();
        let answers = self.reads.each(questions, |driver, timeout, question| async move {
            match question {
                Question::List(key) => {
                    let listing = super::ask_list(&*driver, &key, timeout).await;
                    Answered::List(key, listing)
                }
                Question::Read(scope, step, target) => {
                    let observation = driver.observe(&target, timeout).await;
                    Answered::Read(scope, step, target, observation)
                }
            }
        });
        for answer in answers.await {
            match answer {
                Answered::List(key, listing) => {
                    let kind = Registry::standard().get(&key.kind).expect("kinds were checked before");
                    let listed = Listed::of(kind, &key, listing);
                    self.ahead.lists.insert(key, listed);
                }
                Answered::Read(scope, step, target, observation) => {
                    self.ahead.reads.insert((scope, step), (target, observation));
                }
            }
        }
    }

    /// What would be known if everything still were as our logs have it.
    fn presumed(&self, wanted: &[Wanted<'_>]) -> Known {
        let mut known = self.known.clone();
        for one in wanted {
            for (id, held) in one.holdings.watched() {
                known.set_outputs(one.scope, id, held.outputs);
                known.set_spec(one.scope, id, held.spec);
            }
        }
        known
    }
}
