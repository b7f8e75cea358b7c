//! A site's parameters, and where each value comes from.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base::diagnostic::nearest;
use crate::base::id::ScopeId;
use crate::model::resolved::Explanation;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::plan::site;

/// A value, and the layer and place that set it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// The value.
    pub value: Value,
    /// `layer, file:line`.
    pub from: String,
}

/// All parameters of a site by dotted path.
///
/// # Errors
///
/// If there is no such site.
pub fn all(desired: &Desired, code: &str) -> Result<BTreeMap<String, Parameter>, Failure> {
    let scope = ScopeId::Site(site(desired, code)?);
    let resolved = &desired.resolved.scopes[&scope];
    let of = |path: &String| {
        let layered = resolved.provenance[path].chain.last()?;
        let place = desired.loaded.sources.place(&layered.span);
        let value = resolved.value(path)?.clone();
        Some((path.clone(), Parameter { value, from: format!("{}, {place}", layered.layer) }))
    };
    Ok(resolved.provenance.keys().filter_map(of).collect())
}

/// One parameter with every layer that set it.
///
/// # Errors
///
/// If there is no such site or parameter.
pub fn explain(desired: &Desired, code: &str, key: &str) -> Result<Explanation, Failure> {
    let scope = ScopeId::Site(site(desired, code)?);
    let resolved = &desired.resolved.scopes[&scope];
    resolved.explain(key, &desired.loaded.sources).ok_or_else(|| {
        let known: Vec<&str> = resolved
            .provenance
            .keys()
            .flat_map(|path| [path.as_str(), path.trim_start_matches("site.")])
            .collect();
        let near = nearest(key, known.iter().copied());
        let help = near
            .map_or("landfall params --site CODE lists all".to_owned(), |n| format!("did you mean `{n}`?"));
        Failure::usage(format!("{code} has no parameter `{key}`"), help)
    })
}
