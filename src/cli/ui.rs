//! The only writer to standard output and standard error: data to the first, talk to the second.

use std::io::{BufRead, IsTerminal, Read, Write};

use crate::cli::args::{Colour, Common};

/// Of an answer that somebody types: names are shorter.
const ANSWER_BYTES_MAX: u64 = 1_024;

/// Where words go, and how.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    quiet: bool,
    colour: bool,
    streams: bool,
}

impl Ui {
    /// Settles colour once, from flags, environment and terminal.
    pub fn new(common: &Common) -> Self {
        let colour = match common.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                let forced = ["CLICOLOR_FORCE", "FORCE_COLOR"].iter().any(|name| set(name));
                let plain = set("NO_COLOR") || std::env::var("TERM").is_ok_and(|term| term == "dumb");
                forced || (!plain && std::io::stderr().is_terminal())
            }
        };
        Self { quiet: common.quiet, colour, streams: false }
    }

    /// Whether to use colour.
    pub fn colour(&self) -> bool {
        self.colour
    }

    /// Whether to say less.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// The same, for a command whose standard output is a stream for programs: what it came to is talk then.
    pub fn with_stream(self, streams: bool) -> Self {
        Self { streams, ..self }
    }

    /// What a command came to, in words: data, unless standard output is a stream for programs.
    pub fn result(&self, text: &str) {
        if self.streams { self.say(text.trim_end()) } else { self.line(text.trim_end()) }
    }

    /// Whether a person looks at standard error.
    pub fn is_terminal(&self) -> bool {
        std::io::stderr().is_terminal()
    }

    /// Data. A reader that went away is not an error.
    pub fn data(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// A line of data.
    pub fn line(&self, text: &str) {
        self.data(&format!("{text}\n"));
    }

    /// A JSON value as data, one line.
    pub fn json(&self, value: &serde_json::Value) {
        self.line(&value.to_string());
    }

    /// A sentence for the person at the terminal.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.always(text);
        }
    }

    /// The same for whoever works in the background.
    pub fn talk(self) -> impl Fn(&str) + Send + Sync + 'static {
        move |text| self.say(text)
    }

    /// Asks the person at the terminal; none if nobody is there.
    pub fn ask(&self, question: &str) -> Option<String> {
        if !std::io::stdin().is_terminal() || !self.is_terminal() {
            return None;
        }
        let mut err = std::io::stderr().lock();
        let _ = write!(err, "{question}").and_then(|()| err.flush());
        let mut typed = String::new();
        let length = std::io::stdin().lock().take(ANSWER_BYTES_MAX).read_line(&mut typed).ok()?;
        (length > 0).then_some(typed)
    }

    /// A sentence that `--quiet` does not silence: errors and what to do next.
    pub fn always(&self, text: &str) {
        let mut err = std::io::stderr().lock();
        let _ = writeln!(err, "{text}");
    }
}

fn set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0")
}
