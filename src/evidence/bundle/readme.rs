//! `README.txt`: what this is, and how to check it with and without this program.

use super::super::{decisions, origin, sshsig};
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
         Open {index} for a summary, or {printed}, which is the same for printers and archives. Everything in it is \
         taken from the other files.\n\n{check}\n{keys}\n{limits}",
        line = "=".repeat(heading.len()),
        index = layout::INDEX,
        printed = layout::PRINTED,
        check = check(content),
        keys = format_args!(
            "Compare these keys with what you were given on another way; a bundle cannot vouch for its own keys.\n\n  \
             log key     {}\n  bundle key  {}\n",
            parts.log_key, parts.bundle_key
        ),
        limits = LIMITS,
    )
}

/// The commands, each with what it proves and what it needs.
fn check(content: &Content<'_>) -> String {
    let heading = "How to check it, in this folder";
    let mut text = format!("{heading}\n{}\n\n", "-".repeat(heading.len()));
    for (place, (proves, command)) in PROVES.iter().zip(commands(content)).enumerate() {
        text.push_str(&format!("{}. {proves}:\n\n     {command}\n\n", place + 1));
    }
    if let Some((seq, signed)) = decisions::of(&content.records.entries).first() {
        text.push_str(&format!(
            "Every file {}NNNN.json is what somebody signed, word for word, and NNNN is its entry in the log. With OpenSSH \
             8.2 or newer, for example:\n\n     {}\n\n",
            decisions::FOLDER,
            decisions::command(*seq, signed)
        ));
    }
    text.push_str(
        "In PowerShell, which has no `<`, put `cmd /c` before the second command and quote the rest.\n",
    );
    text
}

/// What each of the commands proves.
const PROVES: [&str; 5] = [
    "No file was changed (any system with coreutils)",
    "The list of files is signed (OpenSSH 8.1 or newer)",
    "The log is whole, in order and signed (Python 3 and OpenSSL 3)",
    "All of the above, the files that entries name, the plan and its steps, the attestations, without Landfall (Python 3, OpenSSL 3, OpenSSH)",
    "The same with Landfall",
];

/// The commands, here and on the index page.
pub(super) fn commands(content: &Content<'_>) -> [String; 5] {
    let principal = origin::principal(content.parts.log_key.name());
    let [sums, signers, ssh_seal] = [layout::SUMS, layout::ALLOWED_SIGNERS, layout::SSH_SEAL];
    let [script, log, own, key, leaves] =
        [layout::SCRIPT, layout::LOG, layout::CHECKPOINT, layout::LOG_KEY, layout::LEAVES];
    let earlier = match content.previous {
        Some(_) => format!(" {} {}", layout::PREVIOUS, layout::CONSISTENCY),
        None => String::new(),
    };
    [
        format!("sha256sum -c {sums}"),
        format!(
            "ssh-keygen -Y verify -f {signers} -I {principal} -n {} -s {ssh_seal} < {sums}",
            sshsig::NAMESPACE
        ),
        format!("python3 {script} {log} {own} {key} {leaves}{earlier}"),
        format!("python3 {} .", layout::VERIFIER),
        "landfall evidence verify .".to_owned(),
    ]
}

/// What no seal can prove.
const LIMITS: &str = "\
What the seal does not prove
----------------------------

That something which was never written down did not happen; that documents which are only named by digest are true;
that whoever holds the signing key did not replace the whole history before the first copy left their hands. Keep this
bundle: the next one must continue the same log, and `landfall evidence verify --previous` shows whether it does. A
witness who cosigned the log leaves a copy that the signing key cannot replace.
";
