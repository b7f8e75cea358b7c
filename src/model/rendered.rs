//! What the packs give for one scope once they are rendered.

use std::collections::BTreeMap;

use crate::base::id::{ScopeId, StepId};
use crate::base::span::Span;
use crate::model::checklist::Item;
use crate::model::gate::Gate;
use crate::model::resource::{ChecklistStep, Resource};

/// One scope's rendered files and what they declare.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The scope.
    pub scope: ScopeId,
    /// The rendered text by `<pack>/<file>`.
    pub files: BTreeMap<String, String>,
    /// The objects, in the order of packs and files.
    pub resources: Vec<Resource>,
    /// The checklist items, in the order of packs and files.
    pub steps: Vec<ChecklistStep>,
    /// The items of checklists, in the order of packs and files.
    pub items: Vec<Item>,
    /// The gates, in the order of packs and files.
    pub gates: Vec<Gate>,
    /// Where in its template each of them stands, as near as can be told, for problems found later.
    pub places: BTreeMap<StepId, Span>,
}
