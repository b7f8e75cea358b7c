//! The workspace that an object is reached through.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::base::id::StepId;

use super::reference::RefScope;

/// A workspace by its step: one of the object's own scope, written `workspace.prod`, or one of the site's region, written
/// `region:workspace.prod`. The account has no workspaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Via {
    /// A workspace of the scope that the object belongs to.
    Own(StepId),
    /// A workspace of the region that the site lies in.
    Region(StepId),
}

impl Via {
    /// Reads what a template or a log says; none if it names no step.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("region:") {
            Some(step) => StepId::new(step).ok().map(Self::Region),
            None => StepId::new(text).ok().map(Self::Own),
        }
    }

    /// The step, if it is one of the object's own scope: only that is in the same graph.
    pub fn own(&self) -> Option<&StepId> {
        match self {
            Self::Own(step) => Some(step),
            Self::Region(_) => None,
        }
    }

    /// The step, in whichever scope.
    pub fn step(&self) -> &StepId {
        match self {
            Self::Own(step) | Self::Region(step) => step,
        }
    }

    /// Whose step it is.
    pub fn scope(&self) -> RefScope {
        match self {
            Self::Own(_) => RefScope::Same,
            Self::Region(_) => RefScope::Region,
        }
    }
}

impl From<StepId> for Via {
    fn from(step: StepId) -> Self {
        Self::Own(step)
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(step) => write!(f, "{step}"),
            Self::Region(step) => write!(f, "region:{step}"),
        }
    }
}

impl Serialize for Via {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Via {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not the name of a workspace to go through"))
    }
}

impl JsonSchema for Via {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Via".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "the step of a workspace, after `region:` if it is the region's" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_it_is_read() {
        for (text, own) in [("workspace.prod", true), ("region:workspace.prod", false)] {
            let via: Via = serde_json::from_value(text.into()).unwrap();
            assert_eq!((serde_json::to_value(&via).unwrap(), via.own().is_some()), (text.into(), own));
        }
        for text in ["account:workspace.prod", "region:", ""] {
            assert_eq!(Via::parse(text), None, "{text}");
        }
    }
}
