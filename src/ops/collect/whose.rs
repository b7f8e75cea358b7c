//! Whose an object is: of the scope whose log holds it, else of the sites that its tags or its name say. And what may be
//! said of it: nothing that names another site.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::digest::Digest;
use crate::base::id::{KindName, ScopeId, SiteCode, StepId};
use crate::base::limits::POPULATION_CELL_CHARS_MAX;
use crate::evidence::scan;
use crate::kind::{self, Registry};
use crate::model::holdings::Holdings;

/// Who owns what, by all logs of the estate and the codes of its sites.
#[derive(Debug, Default)]
pub struct Owners {
    held: BTreeMap<(KindName, String), (ScopeId, StepId)>,
    ids: BTreeMap<String, BTreeSet<ScopeId>>,
    codes: BTreeMap<String, SiteCode>,
}

/// Shorter ids are no names: a number such as `1` stands in many texts.
const ID_CHARS_MIN: usize = 5;

impl Owners {
    /// What these logs hold, and the sites there are.
    pub fn new(holdings: &BTreeMap<ScopeId, Holdings>, codes: BTreeSet<SiteCode>) -> Self {
        let (mut held, mut ids) = (BTreeMap::new(), BTreeMap::<String, BTreeSet<ScopeId>>::new());
        for (scope, holdings) in holdings {
            for (step, holding) in holdings.watched() {
                let Some(kind) = Registry::standard().get(&holding.kind) else { continue };
                let id = holding.id.clone().or_else(|| kind::id_of(kind, &holding.spec, None));
                let Some(id) = id.map(|id| id.to_lowercase()) else { continue };
                if id.len() >= ID_CHARS_MIN {
                    ids.entry(id.clone()).or_default().insert(scope.clone());
                }
                held.insert((holding.kind, id), (scope.clone(), step.clone()));
            }
        }
        let codes = codes.into_iter().map(|code| (code.as_str().to_lowercase(), code)).collect();
        Self { held, ids, codes }
    }

    /// The scope and the step that hold an object.
    pub fn holder(&self, kind: &KindName, id: &str) -> Option<&(ScopeId, StepId)> {
        self.held.get(&(kind.clone(), id.to_lowercase()))
    }

    /// The scopes that hold an object of this id, whatever its kind.
    pub fn of_id(&self, id: &str) -> impl Iterator<Item = &ScopeId> {
        self.ids.get(&id.to_lowercase()).into_iter().flatten()
    }

    /// The sites whose codes stand in a text, each between other letters than those of words.
    pub fn named<'o>(&'o self, text: &'o str) -> impl Iterator<Item = &'o SiteCode> {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
        words.filter(|word| !word.is_empty()).filter_map(|word| self.codes.get(&word.to_lowercase()))
    }

    /// A site's code as it is kept here.
    pub fn code(&self, site: &SiteCode) -> Option<&SiteCode> {
        self.codes.get(&site.as_str().to_lowercase())
    }

    /// A text as the records of a site may hold it: what is too long, names another site, or looks like a secret or
    /// patient data is told by its digest.
    pub fn safe(&self, site: &SiteCode, text: &str) -> String {
        let is_foreign = self.named(text).any(|code| code != site);
        let is_long = text.len() > POPULATION_CELL_CHARS_MAX;
        if is_long || is_foreign || scan::scan(text.as_bytes()).is_some() {
            return format!("sha256-{}", Digest::of(text.as_bytes()));
        }
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_the_sites_whose_codes_are_words_of_it() {
        let code = |text: &str| SiteCode::new(text).unwrap();
        let owners = Owners::new(&BTreeMap::new(), [code("HRB01"), code("RVB07")].into());
        let named = |text| owners.named(text).map(SiteCode::as_str).collect::<Vec<_>>().join(" ");
        assert_eq!(named("cban-hrb01-prod"), "HRB01");
        assert_eq!(named("prod_clinical_rvb07.gold for HRB01"), "RVB07 HRB01");
        assert_eq!(named("xhrb01 hrb011 "), "");
        let safe = |text: &str| owners.safe(&code("HRB01"), text);
        assert_eq!(safe("cban-hrb01-prod"), "cban-hrb01-prod");
        assert!(safe("hrb01 and rvb07").starts_with("sha256-"));
        assert!(safe(&"x".repeat(10 << 20)).len() < 80, "ten megabytes of name");
        assert!(safe("Patient MRN: 00441723").starts_with("sha256-"), "patient data in a name");
        assert!(
            safe(&format!("dapi{}", "0123456789abcdef".repeat(2))).starts_with("sha256-"),
            "a token as a name"
        );
    }
}
