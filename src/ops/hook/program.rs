//! Runs a program without a shell, with limits on how long it takes and how much it says.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::base::limits::{HOOK_OUTPUT_BYTES_MAX, HOOK_POLL, HOOK_TIMEOUT};
use crate::ops::error::Failure;

use super::Given;

/// Runs a program of the estate's. Log and size follow its own arguments, the signed checkpoint is its input; what it
/// prints is given back.
pub(super) fn run(root: &Path, words: &[String], given: &Given<'_>) -> Result<Vec<u8>, Failure> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(Failure::failed("the command is empty"));
    };
    let told =
        |what: String| Failure::failed(format!("{program} for {} at {}: {what}", given.log, given.size));
    let mut command = Command::new(program);
    command.args(arguments).args([given.log, &given.size.to_string()]).current_dir(root);
    let input = given.files.first().map_or(&[][..], |(_, bytes)| bytes);
    output(command, input).map_err(told)
}

/// Runs a command to its end and gives what it printed.
pub(super) fn output(mut command: Command, input: &[u8]) -> Result<Vec<u8>, String> {
    // Into a file: a pipe that nobody empties would hold a program that says much.
    let mut printed = tempfile::tempfile().map_err(|error| error.to_string())?;
    let to = printed.try_clone().map_err(|error| error.to_string())?;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(to)
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    // A checkpoint fits into the pipe, so a program that does not read cannot hold us; one that has gone away says so
    // by how it ends.
    if let Some(mut pipe) = child.stdin.take() {
        let _ = pipe.write_all(input);
    }
    wait(&mut child)?;
    read(&mut printed).map_err(|error| error.to_string())
}

fn read(printed: &mut File) -> std::io::Result<Vec<u8>> {
    printed.rewind()?;
    let mut bytes = Vec::new();
    printed.take(HOOK_OUTPUT_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
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
