//! A git repository as a place for checkpoints: each becomes a commit, which whoever pulls holds a copy of.

use std::path::Path;
use std::process::Command;

use crate::ops::error::Failure;

use super::{Given, program, store};

/// Variables that would lead git to another repository, or to somebody else's settings.
const LEADING: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"];

/// Adds the files to the repository and commits them; what is committed already is not committed again.
pub(super) fn commit(folder: &Path, given: &Given<'_>) -> Result<(), Failure> {
    let told = |what: String| {
        Failure::failed(format!("{} for {} at {}: {what}", folder.display(), given.log, given.size))
    };
    let run = |words: &[&str]| program::output(git(folder, words), &[]);
    run(&["rev-parse", "--is-inside-work-tree"])
        .map_err(|_| told("it is no git repository: git init makes one".to_owned()))?;
    store(folder, given)?;
    run(&["add", "--", given.log]).map_err(|what| told(format!("git add: {what}")))?;
    // Ends well only if there is nothing to commit.
    if run(&["diff", "--cached", "--quiet", "--", given.log]).is_ok() {
        return Ok(());
    }
    let title = format!("Checkpoint of {} at {} entries", given.log, given.size);
    run(&["commit", "--quiet", "--message", &title, "--", given.log])
        .map_err(|what| told(format!("git commit: {what}")))?;
    Ok(())
}

/// A git command that runs no hooks, signs nothing and has an author on any machine.
fn git(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder);
    for setting in [
        "user.name=landfall",
        "user.email=landfall@localhost",
        "core.hooksPath=/dev/null",
        "commit.gpgsign=false",
    ] {
        command.args(["-c", setting]);
    }
    for name in LEADING {
        command.env_remove(name);
    }
    command.args(words);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_checkpoint_is_one_commit_and_a_folder_without_git_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = [("checkpoint", b"a\n".to_vec()), ("request", b"b\n".to_vec())];
        let given = |size| Given { log: "site/HRB01", size, files: &files };
        let error = commit(folder.path(), &given(1)).expect_err("no repository");
        assert!(error.to_string().contains("no git repository"), "{error}");
        program::output(git(folder.path(), &["init", "--quiet"]), &[]).expect("a repository");
        for size in [1, 1, 2] {
            commit(folder.path(), &given(size)).expect("committed");
        }
        let log = program::output(git(folder.path(), &["log", "--format=%an %s"]), &[]).expect("a log");
        assert_eq!(
            String::from_utf8_lossy(&log),
            "landfall Checkpoint of site/HRB01 at 2 entries\nlandfall Checkpoint of site/HRB01 at 1 entries\n"
        );
    }
}
