//! Where everything stands in a bundle, and what its seal says.

use crate::base::digest::Digest;
use crate::base::id::{LogId, ScopeId, SiteCode};
use crate::base::limits::BUNDLE_DEPTH_MAX;

use super::super::origin;

/// The page for a person.
pub const INDEX: &str = "index.html";
/// The same page for archives and printers.
pub const PRINTED: &str = "index.pdf";
/// How to check the bundle.
pub const README: &str = "README.txt";
/// The digest of every file but this and the seal.
pub const SUMS: &str = "SHA256SUMS";
/// The signed note over [`SUMS`].
pub const SEAL: &str = "SHA256SUMS.note";
/// The same as an SSH signature over [`SUMS`].
pub const SSH_SEAL: &str = "SHA256SUMS.sig";
/// The attestation over [`SUMS`] with counts and heads.
pub const ATTESTED_BUNDLE: &str = "attestations/bundle.dsse.json";
/// The files that no list of files can name, because they are made of it.
pub const UNLISTED: [&str; 4] = [SUMS, SEAL, SSH_SEAL, ATTESTED_BUNDLE];
/// The attestation of where rendered files come from.
pub const ATTESTED_ORIGIN: &str = "attestations/provenance.dsse.json";
/// The attestation of how checks ended.
pub const ATTESTED_CHECKS: &str = "attestations/checks.dsse.json";
/// The attestation that nothing in it looks like a secret or like patient data.
pub const ATTESTED_SCAN: &str = "attestations/scan.dsse.json";
/// The attestation of which gates were let through by people, if any was.
pub const ATTESTED_GATES: &str = "attestations/gates.dsse.json";
/// The folder of attestations.
pub const ATTESTATIONS: &str = "attestations/";
/// The folder of OSCAL files.
pub const OSCAL: &str = "oscal/";
/// What was looked for before it left, and that nothing was found.
pub const SCAN: &str = "scan.json";
/// What the bundle is about.
pub const MANIFEST: &str = "bundle.json";
/// The head of the plan and the site's own part of it.
pub const PLAN: &str = "plan.json";
/// What there is to say about controls.
pub const CONTROLS: &str = "controls.json";
/// The checker that needs only Python and OpenSSL.
pub const SCRIPT: &str = "verify_log.py";
/// The second verifier of the whole bundle, which needs Python, OpenSSL and OpenSSH and shares no code with this one.
pub const VERIFIER: &str = "verify_bundle.py";
/// All scripts, each with its text.
pub(super) const SCRIPTS: [(&str, &str); 10] = [
    (SCRIPT, include_str!("../verify_log.py")),
    (VERIFIER, include_str!("../verify_bundle.py")),
    ("verify_forms.py", include_str!("../verify_forms.py")),
    ("verify_handovers.py", include_str!("../verify_handovers.py")),
    ("verify_lineage.py", include_str!("../verify_lineage.py")),
    ("verify_outside.py", include_str!("../verify_outside.py")),
    ("verify_populations.py", include_str!("../verify_populations.py")),
    ("verify_reconcile.py", include_str!("../verify_reconcile.py")),
    ("verify_records.py", include_str!("../verify_records.py")),
    ("verify_statements.py", include_str!("../verify_statements.py")),
];
/// The site's log, a line for each entry.
pub const LOG: &str = "journal/site.jsonl";
/// The leaf hash of each line.
pub const LEAVES: &str = "journal/leaves";
/// The site log's signed checkpoint.
pub const CHECKPOINT: &str = "journal/checkpoint";
/// The checkpoint of the previous bundle of the site.
pub const PREVIOUS: &str = "journal/previous-checkpoint";
/// The proof that the log continues it.
pub const CONSISTENCY: &str = "journal/consistency";
/// The newest checkpoint that a witness has cosigned.
pub const WITNESSED: &str = "journal/witnessed-checkpoint";
/// The org log's signed checkpoint.
pub const ORG_CHECKPOINT: &str = "journal/org-checkpoint";
/// The org log's last entry: the heads of all logs under pseudonyms.
pub const HEADS: &str = "journal/heads.json";
/// Where it lists no heads but holds the root of a tree of them: the proofs for this site's log and those it rests on.
pub const HEADS_MEMBERS: &str = "journal/heads.members.json";
/// The proof that it is the last entry.
pub const HEADS_PROOF: &str = "journal/heads.tlog-proof";
/// The reply of a time-stamp service over [`CHECKPOINT`].
pub const STAMP: &str = "journal/checkpoint.tsr";
/// The same over [`ORG_CHECKPOINT`].
pub const ORG_STAMP: &str = "journal/org-checkpoint.tsr";
/// The certificates of time-stamp services and of the authority that the exporter trusts for them.
pub const STAMP_CHAIN: &str = "keys/tsa-chain.pem";
/// How keys took over from each other, oldest first.
pub const HANDOVERS: &str = "keys/handovers.json";
/// The key of checkpoints.
pub const LOG_KEY: &str = "keys/log.vkey";
/// The key of the seal.
pub const BUNDLE_KEY: &str = "keys/bundle.vkey";
/// The key of the seal as OpenSSL and securesystemslib read it.
pub const BUNDLE_KEY_PEM: &str = "keys/bundle.pub.pem";
/// The key of the seal as `ssh-keygen` reads it.
pub const ALLOWED_SIGNERS: &str = "keys/allowed_signers";
/// The folder of rendered files.
pub const RENDERED: &str = "rendered/";
/// The folder of files that entries name.
pub const EVIDENCE: &str = "evidence/";

/// Files that are made last, from all others.
pub(super) const MADE: [&str; 7] = [INDEX, PRINTED, README, SUMS, SEAL, MANIFEST, SCAN];

/// Longest path of a file, in bytes: what common archive formats and file systems take.
const PATH_BYTES_MAX: usize = 240;

/// Whether a path leads to a file below the bundle's folder, on any system.
pub fn is_plain_path(path: &str) -> bool {
    let sound = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._- +=@,".contains(&byte);
        !part.is_empty() && part.bytes().all(plain) && !part.starts_with('.') && !part.ends_with([' ', '.'])
    };
    path.len() <= PATH_BYTES_MAX && path.split('/').count() <= BUNDLE_DEPTH_MAX && path.split('/').all(sound)
}

/// Where the attestation of an OSCAL file stands: `attestations/oscal-poam.dsse.json`. Nothing for any other file.
pub fn oscal_attestation(path: &str) -> Option<String> {
    let name = path.strip_prefix(OSCAL)?.strip_suffix(".json")?;
    (!name.contains('/')).then(|| format!("{ATTESTATIONS}oscal-{name}.dsse.json"))
}

/// Whether a file is made of others after they were scanned: the list, the seals, the attestations, the scan's record.
pub fn is_made_of_others(path: &str) -> bool {
    path == SCAN || path.starts_with(ATTESTATIONS) || UNLISTED.contains(&path)
}

/// The text of the seal: the list of files of this site's bundle has this digest.
pub fn note_text(root: &str, site: &SiteCode, sums: &Digest) -> String {
    let log = origin::of_log(root, &LogId::Scope(ScopeId::Site(site.clone())));
    format!("landfall evidence bundle 1\n{log}\n{sums}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_the_folder_are_plain() {
        for good in [INDEX, SUMS, SEAL, LOG, HEADS_PROOF, LOG_KEY, "rendered/sql/grants.sql"] {
            assert!(is_plain_path(good), "{good}");
        }
        let long = "a/".repeat(200);
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "a//b",
            "a/",
            "../a",
            "a/../b",
            "./a",
            "a\\b",
            "C:/a",
            "a\nb",
            "é",
            &long,
        ] {
            assert!(!is_plain_path(bad), "{bad:?}");
        }
    }
}
