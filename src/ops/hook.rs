//! Where checkpoints are handed on to: a folder, where nothing is ever replaced, or a program of one's own.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::base::limits::{HOOK_POLL, HOOK_TIMEOUT};
use crate::model::estate::Hook;
use crate::ops::earlier::failed;
use crate::ops::error::Failure;

/// Hands the files of one checkpoint on. The first of them is what a program reads on its standard input.
pub(super) fn hand_on(
    root: &Path,
    hook: &Hook,
    log: &str,
    size: u64,
    files: &[(&str, Vec<u8>)],
) -> Result<(), Failure> {
    match hook {
        Hook::Directory(directory) => {
            let folder = root.join(directory).join(log);
            fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
            files.iter().try_for_each(|(kind, bytes)| add(&folder, size, kind, bytes))
        }
        Hook::Command(words) => {
            let input = files.first().map_or(&[][..], |(_, bytes)| bytes);
            run(root, words, log, size, input)
        }
    }
}

/// Adds a file; the same one may be there already, another one must not.
fn add(folder: &Path, size: u64, kind: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = super::checkpoints::path(folder, size, kind);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(folder, error))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(|error| failed(&path, error))?;
    match file.persist_noclobber(&path) {
        Ok(_) => Ok(()),
        Err(_) if fs::read(&path).is_ok_and(|there| there == bytes) => Ok(()),
        Err(error) => Err(failed(&path, error.error)),
    }
}

/// Runs the program without a shell; log and size follow its own arguments.
fn run(root: &Path, words: &[String], log: &str, size: u64, input: &[u8]) -> Result<(), Failure> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(Failure::failed("the command is empty"));
    };
    let told = |what: String| Failure::failed(format!("{program} for {log} at {size}: {what}"));
    let mut child = Command::new(program)
        .args(arguments)
        .args([log, &size.to_string()])
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| told(error.to_string()))?;
    // A checkpoint fits into the pipe, so a program that does not read cannot hold us; one that has gone away says so
    // by how it ends.
    if let Some(mut pipe) = child.stdin.take() {
        let _ = pipe.write_all(input);
    }
    wait(&mut child).map_err(told)
}

fn wait(child: &mut Child) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("it ended with {status}")),
            Ok(None) if begun.elapsed() < HOOK_TIMEOUT.as_std() => std::thread::sleep(HOOK_POLL.as_std()),
            Ok(None) => {
                // It may have ended just now; either way it does not run on.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it did not end within {HOOK_TIMEOUT}"));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}
