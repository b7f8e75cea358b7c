//! Reads `[targets.<name>.rates]`: how many calls per second a target takes.

use std::collections::BTreeMap;

use crate::base::diagnostic::{Diagnostic, nearest};
use crate::base::span::Located;
use crate::model::reader::Reader;
use crate::pacing::{BadOverride, Rates};

use super::ESTATE_CODES;

/// Calls per second of families that the program knows; every other key and every absurd rate is a problem.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> BTreeMap<String, Located<f64>> {
    let Some((table, _)) = reader.table("rates") else { return BTreeMap::new() };
    let standard = Rates::standard();
    let mut rates = BTreeMap::new();
    for (family, entry) in &table.entries {
        let Some(calls) = entry.tree.to_json().as_f64() else {
            reader.wrong(&entry.tree, family, "a number of calls per second");
            continue;
        };
        match standard.accept(family, calls) {
            Ok(_) => {
                rates.insert(family.clone(), Located { value: calls, span: entry.tree.span.clone() });
            }
            Err(BadOverride::Family(_)) => {
                let names = || standard.families().map(|(name, _)| name.as_str());
                let help = match nearest(family, names()) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("the families are {}", names().collect::<Vec<_>>().join(", ")),
                };
                let problem =
                    Diagnostic::error(ESTATE_CODES.unknown, format!("there is no API family `{family}`"));
                reader.found().push(problem.at(entry.key.clone(), "not known").help(help));
            }
            Err(bad @ (BadOverride::NotARate | BadOverride::TooFast { .. })) => reader.found().push(
                Diagnostic::error(ESTATE_CODES.wrong, format!("`{family}`: {bad}"))
                    .at(entry.tree.span.clone(), "not a rate for this family"),
            ),
        }
    }
    rates
}
