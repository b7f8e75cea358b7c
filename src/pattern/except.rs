//! How one pattern differs from another, and because of which parameters.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::limits::PATTERN_DIFFERENCES_MAX;
use crate::model::outline::OutlinedStep;
use crate::model::plan::overview::{Because, Differing, Except, Setting};
use crate::model::resolved::{Provenance, ResolvedScope};

use super::normal::{NormalStep, differing};
use super::{Origins, Outlined};

/// One site of each pattern.
pub(super) struct Pair<'p> {
    pub(super) here: &'p Outlined,
    pub(super) there: &'p Outlined,
    pub(super) origins: Origins<'p>,
}

impl Pair<'_> {
    /// Describes `here` as `there`, except …
    pub(super) fn compare(&self, like: &str) -> Except {
        let (here, there) = (&self.here.normal, &self.there.normal);
        let mut except = Except { like: like.to_owned(), ..Except::default() };
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        let names: BTreeSet<&String> = here.steps.keys().chain(there.steps.keys()).collect();
        for name in names {
            let (one, two) = (here.steps.get(name), there.steps.get(name));
            let at = match (one, two) {
                (Some(one), Some(two)) => differing(&one.what, &two.what),
                _ => Vec::new(),
            };
            if at.is_empty() && one.is_some() && two.is_some() {
                continue;
            }
            let because = self.because(one, two, &at);
            let known = !because.is_empty();
            for parameter in because {
                *reasons.entry(parameter).or_default() += 1;
            }
            if except.added.len() + except.missing.len() + except.differing.len() >= PATTERN_DIFFERENCES_MAX {
                except.more += 1;
                continue;
            }
            if !known {
                except.found_otherwise.push(name.clone());
            }
            match (one, two) {
                (Some(_), None) => except.added.push(name.clone()),
                (None, Some(_)) => except.missing.push(name.clone()),
                _ => except
                    .differing
                    .push(Differing { step: name.clone(), at: at.iter().map(|at| field(at)).collect() }),
            }
        }
        except.because = reasons.into_iter().map(|(parameter, steps)| self.told(parameter, steps)).collect();
        except
    }

    /// The parameters behind one difference: of those that the step looks at, the ones whose values differ.
    fn because(&self, one: Option<&NormalStep>, two: Option<&NormalStep>, at: &[String]) -> BTreeSet<String> {
        let outlined = [(self.here, one), (self.there, two)].map(|(site, step)| site.step(step?));
        let outlined: Vec<&OutlinedStep> = outlined.into_iter().flatten().collect();
        let printed = |step: &&OutlinedStep| -> Vec<String> {
            let places = step
                .printed
                .iter()
                .filter(|(place, _)| at.is_empty() || at.iter().any(|at| lies_at(place, at)));
            places.flat_map(|(_, paths)| paths.iter().cloned()).collect()
        };
        let direct: BTreeSet<String> =
            outlined.iter().flat_map(printed).filter_map(|path| self.differs(&path)).collect();
        let is_there = one.is_some() && two.is_some();
        if is_there && !direct.is_empty() {
            return direct;
        }
        let decided = outlined.iter().flat_map(|step| &step.decided_by);
        let decided: BTreeSet<String> = decided.filter_map(|path| self.differs(path)).collect();
        if decided.is_empty() { direct } else { decided }
    }

    /// The parameter that a path leads to, if the two sites have different values for it and it does not merely say
    /// which site it is.
    fn differs(&self, path: &str) -> Option<String> {
        let parameter = self.parameter(self.here, path).or_else(|| self.parameter(self.there, path))?;
        let [here, there] =
            [self.here, self.there].map(|site| self.scope(site).and_then(|s| s.value(&parameter)));
        (here != there).then_some(parameter)
    }

    /// The name under which a file sets what is at a path: the path, or the table or list that it lies in.
    fn parameter(&self, site: &Outlined, path: &str) -> Option<String> {
        let known = &self.scope(site)?.provenance;
        let prefixes = std::iter::once(path).chain(path.rmatch_indices('.').map(|(at, _)| &path[..at]));
        prefixes.filter(|prefix| known.contains_key(*prefix)).map(str::to_owned).next()
    }

    fn scope(&self, site: &Outlined) -> Option<&ResolvedScope> {
        self.origins.resolved.scopes.get(&site.scope)
    }

    fn told(&self, parameter: String, steps: usize) -> Because {
        let setting = |site: &Outlined| {
            let scope = self.scope(site);
            let span = scope.and_then(|scope| scope.provenance.get(&parameter)).and_then(Provenance::span);
            Setting {
                site: site.code.clone(),
                value: scope.and_then(|scope| scope.value(&parameter)).cloned(),
                place: span.map(|span| self.origins.sources.place(span)),
            }
        };
        Because { here: setting(self.here), there: setting(self.there), parameter, steps }
    }
}

impl Outlined {
    fn step(&self, step: &NormalStep) -> Option<&OutlinedStep> {
        self.outline.as_ref()?.steps.get(&step.id)
    }
}

/// A pointer into a comparable step, as a pointer into what is declared.
fn field(at: &str) -> String {
    at.strip_prefix("/declared").unwrap_or(at).to_owned()
}

/// Whether a place in a declaration is the one of a difference, or one of the two lies in the other. A change names its
/// field as one word, `/changes/~1comment/to`.
fn lies_at(place: &str, difference: &str) -> bool {
    let wanted = match difference.strip_prefix("/changes/") {
        None => difference.strip_prefix("/declared").unwrap_or(difference).to_owned(),
        Some(rest) => {
            let field = rest.split('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
            format!("/spec{field}")
        }
    };
    let within = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    within(place, &wanted) || within(&wanted, place)
}
