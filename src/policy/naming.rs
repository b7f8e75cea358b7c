//! NAMING: names stay inside what the platforms allow, so that no step fails on a name halfway through a launch.

use crate::base::diagnostic::Diagnostics;

use super::{View, about, each_text};

pub(super) const CODE: &str = "policy.naming";

/// Which names, how long, of which characters, and how that is said.
struct Limit {
    kind: &'static str,
    key: &'static str,
    length: std::ops::RangeInclusive<usize>,
    fits: fn(char) -> bool,
    characters: &'static str,
}

const OBJECT: &str = "letters, digits, dashes and underscores";

/// Unity Catalog takes more characters than these in backticks; without backticks every tool can read the name.
fn object(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == '-'
}

fn bucket(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-' || letter == '.'
}

fn printable(letter: char) -> bool {
    !letter.is_control()
}

const LIMITS: [Limit; 7] = [
    Limit { kind: "databricks.catalog", key: "name", length: 1..=255, fits: object, characters: OBJECT },
    Limit { kind: "databricks.schema", key: "name", length: 1..=255, fits: object, characters: OBJECT },
    Limit { kind: "databricks.volume", key: "name", length: 1..=255, fits: object, characters: OBJECT },
    Limit { kind: "databricks.metastore", key: "name", length: 1..=255, fits: object, characters: OBJECT },
    Limit {
        kind: "databricks.storage_configuration",
        key: "bucket_name",
        length: 3..=63,
        fits: bucket,
        characters: "lower-case letters, digits, dashes and dots",
    },
    Limit {
        kind: "databricks.cluster_policy",
        key: "name",
        length: 1..=100,
        fits: printable,
        characters: "printable characters",
    },
    Limit {
        kind: "databricks.group",
        key: "displayName",
        length: 1..=255,
        fits: printable,
        characters: "printable characters",
    },
];

pub(super) fn check(view: View<'_>, found: &mut Diagnostics) {
    for (scope, resource) in view.resources() {
        for limit in LIMITS.iter().filter(|limit| limit.kind == resource.kind.as_str()) {
            let mut see = |key: &str, name: &str| {
                if key != limit.key || name.contains("${") {
                    return;
                }
                let length = name.chars().count();
                if limit.length.contains(&length) && name.chars().all(limit.fits) {
                    return;
                }
                let message = format!("`{key}` of `{}` does not fit its platform: `{name}`", resource.id);
                let (least, most) = (limit.length.start(), limit.length.end());
                let help = format!("use {least} to {most} {}; this has {length}", limit.characters);
                found.push(about(CODE, message, scope, resource).help(help));
            };
            each_text("", &resource.spec, &mut see);
        }
    }
}
