//! Programs that propose calls: started without a shell, in an empty folder, with nothing in their environment but where
//! programs are found, and stopped together with everything that they started.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::Instant;

use crate::base::limits::AGENT_LINE_BYTES_MAX;

/// An agent that runs.
#[derive(Debug)]
pub struct Agent {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    ends: Instant,
    _folder: tempfile::TempDir,
}

/// What came from an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A line, without its newline. It is longer than the limit by one byte at most.
    Line(Vec<u8>),
    /// It has ended, or closed its output.
    Ended,
    /// It took too long.
    TooLate,
}

impl Agent {
    /// Starts a program. One with a slash in its name is taken from `root`, any other from where programs are.
    ///
    /// # Errors
    ///
    /// If there is no such program.
    pub fn start(command: &[String], root: &Path, at_most: Duration) -> Result<Self, String> {
        let (program, arguments) = command.split_first().ok_or("the command is empty")?;
        let path = if program.contains('/') { root.join(program) } else { program.into() };
        let folder = tempfile::tempdir().map_err(|error| format!("a folder for it: {}", error.kind()))?;
        let mut start = Command::new(path);
        start
            .args(arguments)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        #[cfg(unix)]
        start.process_group(0);
        let mut child = start.spawn().map_err(|error| format!("it cannot be started: {}", error.kind()))?;
        let input = child.stdin.take().expect("its input was asked for");
        let output = BufReader::new(child.stdout.take().expect("its output was asked for"));
        Ok(Self { child, input, output, ends: Instant::now() + at_most, _folder: folder })
    }

    /// The next line.
    pub async fn hear(&mut self) -> Heard {
        let mut line = Vec::new();
        let most = AGENT_LINE_BYTES_MAX as u64 + 1;
        let mut limited = (&mut self.output).take(most);
        match tokio::time::timeout_at(self.ends, limited.read_until(b'\n', &mut line)).await {
            Err(_) => Heard::TooLate,
            Ok(Err(_) | Ok(0)) => Heard::Ended,
            Ok(Ok(_)) => {
                if line.last() == Some(&b'\n') {
                    line.pop();
                }
                Heard::Line(line)
            }
        }
    }

    /// Says a line; whether it was taken. An agent that does not read cannot hold us.
    pub async fn say(&mut self, line: &str) -> bool {
        let line = format!("{line}\n");
        let said = async {
            self.input.write_all(line.as_bytes()).await?;
            self.input.flush().await
        };
        matches!(tokio::time::timeout_at(self.ends, said).await, Ok(Ok(())))
    }

    /// Ends it with everything that it started.
    pub async fn stop(mut self) {
        self.kill_group();
        // It was killed; what remains is to let the system forget it.
        let _ = self.child.kill().await;
    }

    /// Until it is waited for, nobody else gets its number, so this reaches nobody else.
    fn kill_group(&mut self) {
        #[cfg(unix)]
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            // Everybody in it may have ended already.
            let _ =
                nix::sys::signal::killpg(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGKILL);
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill_group();
    }
}

#[cfg(all(test, unix))]
mod tests;
