//! The first page of help: the verbs grouped by what people come for, instead of one long list.

use std::fmt::Write as _;

use clap::CommandFactory;

use super::args::Cli;

/// What people come for, in the order of a site's life, with the verbs that serve it.
const GROUPS: [(&str, &[&str]); 7] = [
    (
        "Describe the estate",
        &["init", "check", "params", "packs", "render", "registers", "versions", "schema"],
    ),
    ("Plan", &["plan", "show", "graph", "schedule", "durations", "drift", "adopt"]),
    (
        "Decide and approve",
        &[
            "inbox",
            "request",
            "review",
            "approve",
            "reject",
            "withdraw",
            "approvals",
            "change",
            "gate",
            "checklist",
            "attest",
            "waive",
            "record",
            "access",
            "roles",
        ],
    ),
    ("Launch and recover", &["rehearse", "apply", "wave", "resume", "retry", "release", "rollback", "locks"]),
    ("Watch", &["status", "report", "log", "notify"]),
    ("Prove", &["evidence", "finding", "docs", "checkpoint", "witness", "keys"]),
    ("Practise and set up", &["sandbox", "completions", "help-exit-codes"]),
];

/// The program's command line, with the first page of help in groups.
#[must_use]
pub fn command() -> clap::Command {
    let command = Cli::command();
    let header = command.get_styles().get_header();
    let options = format!("{header}Options of every command:{header:#}\n{{options}}");
    let verbs = grouped(&command);
    command
        .help_template(format!("{{about}}\n\n{{usage-heading}} {{usage}}\n\n{verbs}{options}{{after-help}}"))
}

/// Each group under its heading, each verb with its one line.
fn grouped(command: &clap::Command) -> String {
    let styles = command.get_styles();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let width = GROUPS.iter().flat_map(|(_, verbs)| *verbs).map(|verb| verb.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (heading, verbs) in GROUPS {
        let _ = writeln!(text, "{header}{heading}:{header:#}");
        for verb in verbs {
            let about = command.find_subcommand(verb).and_then(clap::Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "  {literal}{verb:width$}{literal:#}  {about}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_verb_is_in_one_group_with_a_line_that_fits() {
        let listed: Vec<&str> = GROUPS.iter().flat_map(|(_, verbs)| *verbs).copied().collect();
        let command = Cli::command();
        let shown: BTreeSet<&str> = command
            .get_subcommands()
            .filter(|verb| !verb.is_hide_set())
            .map(clap::Command::get_name)
            .collect();
        assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), shown);
        assert_eq!(listed.len(), shown.len(), "a verb stands in two groups");
        for verb in command.get_subcommands() {
            let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(about.len() <= 92, "{} says too much for one line: {about}", verb.get_name());
        }
    }

    #[test]
    fn the_first_page_shows_groups_flags_and_examples() {
        let page = command().render_help().to_string();
        for part in ["Prove:\n  evidence ", "\n  plan ", "--root <DIR>", "Start with:"] {
            assert!(page.contains(part), "{part:?} is missing in:\n{page}");
        }
    }
}
