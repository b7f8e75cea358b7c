//! `README.txt`: what this is, and how to check it with and without this program.

use super::{Content, layout};

pub(super) fn text(content: &Content<'_>) -> String {
    let parts = content.parts;
    let rehearsal = if parts.rehearsal {
        "REHEARSAL: nothing in this bundle really happened. It was made against a throwaway sandbox.\n\n"
    } else {
        ""
    };
    let heading =
        format!("Evidence bundle of site {}, made {} by {}", parts.site, parts.exported_at, parts.tool);
    format!(
        "{heading}\n{line}\n\n{rehearsal}\
         Open {index} for a summary. Everything in it is taken from the other files.\n\n{check}\n{keys}\n{limits}",
        line = "=".repeat(heading.len()),
        index = layout::INDEX,
        check = CHECK,
        keys = format_args!(
            "Compare these keys with what you were given on another way; a bundle cannot vouch for its own keys.\n\n  \
             log key     {}\n  bundle key  {}\n",
            parts.log_key, parts.bundle_key
        ),
        limits = LIMITS,
    )
}

/// The commands, with what they prove.
const CHECK: &str = "\
How to check it, in this folder
-------------------------------

1. No file was changed (any system with coreutils):

     sha256sum -c SHA256SUMS

2. The log is whole, in order and signed (Python 3 and OpenSSL 3):

     python3 verify_log.py journal/site.jsonl journal/checkpoint keys/log.vkey journal/leaves

3. All of the above, the seal, the files that entries name, the plan and its steps:

     landfall evidence verify .

";

/// What no seal can prove.
const LIMITS: &str = "\
What the seal does not prove
----------------------------

That something which was never written down did not happen; that documents which are only named by digest are true;
that whoever holds the signing key did not replace the whole history before the first copy left their hands. Keep this
bundle: the next one must continue the same log.
";

/// The commands as the index page shows them.
pub(super) const COMMANDS: [&str; 3] = [
    "sha256sum -c SHA256SUMS",
    "python3 verify_log.py journal/site.jsonl journal/checkpoint keys/log.vkey journal/leaves",
    "landfall evidence verify .",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_and_readme_show_the_same_commands() {
        for command in COMMANDS {
            assert!(CHECK.contains(&format!("     {command}\n")), "{command}");
        }
    }
}
