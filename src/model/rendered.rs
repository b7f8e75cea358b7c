//! What the packs give for one scope once they are rendered.

use std::collections::BTreeMap;

use crate::base::id::ScopeId;
use crate::base::span::Span;
use crate::model::resource::{ChecklistStep, Origin, Resource};

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
    /// The start of each template in the source map, by `<pack>/<template>`, for problems found later.
    pub templates: BTreeMap<String, Span>,
}

impl Rendered {
    /// A place in the template that something came from; never fails for origins of this rendering.
    pub fn place(&self, origin: &Origin) -> Option<&Span> {
        self.templates.get(&format!("{}/{}", origin.pack, origin.template))
    }
}
