//! The people of a generated estate: the example's for the program, and those of its own sites.

use std::fmt::Write as _;

use super::site::Site;

/// Where the example's people of the program end; after it, up to the next heading, come those of its sites.
const PROGRAM_TO: &str = "# Programs carry out steps and never sign.\nautomation = { automation = true }\n";
const SITES_TO: &str = "# ---- Who stands in";
/// What is about the example's own sites.
const ABSENCES_FROM: &str = "# ---- Absences at sites";
const ABSENCES_TO: &str = "# ---- What nobody has together";

/// The file of people, from the example's.
pub(super) fn file(example: &str, sites: &[Site]) -> String {
    let (head, rest) = example.split_once(PROGRAM_TO).unwrap_or((example, ""));
    let rest = rest.find(SITES_TO).map_or("", |at| &rest[at..]);
    let (middle, rest) = rest.split_once(ABSENCES_FROM).unwrap_or((rest, ""));
    let last = rest.find(ABSENCES_TO).map_or("", |at| &rest[at..]);
    let mut own = String::new();
    for site in sites {
        let code = site.code.to_lowercase();
        let _ = writeln!(own, "steward-{code} = {{}}\nsteward-backup-{code} = {{}}\nops-lead-{code} = {{}}");
    }
    format!("{head}{PROGRAM_TO}\n{own}\n{middle}{}{last}", absence(sites))
}

/// One steward is away, as in the example.
fn absence(sites: &[Site]) -> String {
    let Some(first) = sites.first() else { return String::new() };
    let (code, lower) = (&first.code, first.code.to_lowercase());
    format!(
        "# A delegate acts on these days and for this site only, and cannot hand the role on.\n[[delegation]]\n\
         role = \"site-steward\"\nsite = \"{code}\"\nfrom = \"steward-{lower}\"\nto = \"data-team-lead\"\n\
         begin = 2027-03-01\nend = 2027-03-05\nreason = \"leave\"\n\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_examples_sites_is_left() {
        let example = include_str!("../../../sites/people.toml");
        let text = file(example, &[Site::new(1), Site::new(2)]);
        assert!(!text.contains("hrb01") && !text.contains("HRB01"), "{text}");
        for kept in ["\npm = {}\n", "[[delegation]]", "[[conflict]]", "role = \"on-call\""] {
            assert!(text.contains(kept), "{kept} in {text}");
        }
    }
}
