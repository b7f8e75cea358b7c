//! NO-SECRET-LITERAL and NO-PHI-IN-NAMES: what must never be written down. Neither is ever shown again.

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::span::Located;

use super::{View, about, each_text};

pub(super) const SECRET: &str = "policy.no-secret-literal";
pub(super) const PHI: &str = "policy.no-phi-in-names";

pub(super) fn literals(view: View<'_>, found: &mut Diagnostics) {
    for secret in &view.loaded.secrets {
        found.push(
            Diagnostic::error(SECRET, format!("this looks like {}: {}", secret.what, secret.stub))
                .at(secret.span.clone(), "a secret must not be in a file")
                .help("revoke it, then refer to it: \"env:NAME\", \"file:PATH\" or \"exec:COMMAND\""),
        );
    }
}

pub(super) fn names(view: View<'_>, found: &mut Diagnostics) {
    for site in view.sites() {
        phi_in(&site.site.name, "the site's name", found);
        let tags = site.scope.value("site.tags").cloned().unwrap_or_default();
        let mut see = |key: &str, text: &str| {
            let text = Located { value: text.to_owned(), span: site.place(&format!("site.tags.{key}")) };
            phi_in(&text, &format!("tag `{key}`"), found);
        };
        each_text("", &tags, &mut see);
    }
    for (scope, resource) in view.resources() {
        let mut see = |key: &str, text: &str| {
            let is_name =
                key == "name" || key.ends_with("_name") || key == "displayName" || key == "tag_value";
            if !is_name {
                return;
            }
            if let Some(what) = phi_shape(text) {
                let message = format!("`{key}` of `{}` holds what looks like {what}", resource.id);
                found.push(about(PHI, message, scope, resource).help(PHI_HELP));
            }
        };
        each_text("", &resource.spec, &mut see);
    }
}

const PHI_HELP: &str = "names and tags are seen by everybody: take it out";

fn phi_in(text: &Located<String>, what: &str, found: &mut Diagnostics) {
    if let Some(shape) = phi_shape(&text.value) {
        found.push(
            Diagnostic::error(PHI, format!("{what} holds what looks like {shape}"))
                .at(text.span.clone(), "not for a name")
                .help(PHI_HELP),
        );
    }
}

/// Digits that make a number after `mrn` one of a medical record; the other shapes have eight or more.
const RECORD_DIGITS_MIN: usize = 5;

/// What a text looks like it holds about a patient.
fn phi_shape(text: &str) -> Option<&'static str> {
    // Every shape has at least so many digits, and hardly any name has.
    if text.bytes().filter(u8::is_ascii_digit).count() < RECORD_DIGITS_MIN {
        return None;
    }
    let lower = text.to_lowercase();
    // Digits become 9, so that a shape is a plain text search.
    let shape: String = lower.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let alone = |pattern: &str| {
        shape.match_indices(pattern).any(|(at, _)| {
            let before = shape[..at].chars().next_back().is_none_or(|c| !c.is_ascii_digit());
            before && shape[at + pattern.len()..].chars().next().is_none_or(|c| !c.is_ascii_digit())
        })
    };
    let record = lower.match_indices("mrn").any(|(at, _)| {
        let rest = lower[at + 3..].trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        rest.bytes().take_while(u8::is_ascii_digit).count() >= RECORD_DIGITS_MIN
    });
    if alone("999-99-9999") {
        Some("a social security number")
    } else if record {
        Some("a medical record number")
    } else if ["9999-99-99", "99/99/9999", "99-99-9999"].iter().any(|pattern| alone(pattern)) {
        Some("a date of birth")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_patients_are_seen() {
        for (text, what) in [
            ("note-123-45-6789", Some("a social security number")),
            ("MRN: 0048213", Some("a medical record number")),
            ("born_1961-04-09", Some("a date of birth")),
            ("cban-hrb01-prod", None),
            ("CC-4101", None),
            ("172.20.12.0/24", None),
            ("210987601001", None),
        ] {
            assert_eq!(phi_shape(text), what, "{text}");
        }
    }
}
