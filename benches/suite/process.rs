//! Runs a program in a process of its own and says what it took: wall time, processor time, most memory.
//!
//! Usage of children can only be asked for as a sum over all of them, so each measured program gets a small parent of
//! its own: this program again, with `--wrap`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// What one run took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Seconds on the clock.
    pub wall: f64,
    /// Seconds of user and system time.
    pub cpu: f64,
    /// Most memory at once, in MB.
    pub rss: f64,
    /// Whether it ended with 0 (or 2, as terraform does for differences).
    pub ok: bool,
}

/// A program with its arguments and folder.
#[derive(Debug, Clone)]
pub struct Program {
    /// What it is called in tables.
    pub name: String,
    words: Vec<String>,
    folder: std::path::PathBuf,
    env: Vec<(String, String)>,
}

impl Program {
    pub fn new(name: &str, folder: &Path, words: &[&str]) -> Self {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Self { name: name.to_owned(), words, folder: folder.to_owned(), env: Vec::new() }
    }

    /// The same with these variables.
    pub fn with(mut self, env: Vec<(String, String)>) -> Self {
        self.env = env;
        self
    }

    /// This program, doing something else.
    pub fn own(name: &str, folder: &Path, words: &[&str]) -> Self {
        let own = std::env::current_exe().expect("this program has a path");
        let own = own.to_string_lossy().into_owned();
        let all: Vec<&str> = std::iter::once(own.as_str()).chain(words.iter().copied()).collect();
        Self::new(name, folder, &all)
    }

    fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(&self.folder).env("TF_IN_AUTOMATION", "1");
        command.env("CHECKPOINT_DISABLE", "1").env_remove("LANDFALL_ROOT").env_remove("LANDFALL_STATE");
        command.envs(self.env.iter().cloned()).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Runs it once.
    pub fn run(&self) -> Usage {
        let own = std::env::current_exe().expect("this program has a path").to_string_lossy().into_owned();
        let mut words = vec![own, "--wrap".to_owned()];
        words.extend(self.words.iter().cloned());
        let output = self
            .command(&words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let text = String::from_utf8_lossy(&output.stdout);
        let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [wall, cpu, rss, ok] = numbers[..] else {
            panic!("{}: {text}\n{}", self.name, String::from_utf8_lossy(&output.stderr))
        };
        if ok == 0.0 {
            let all = String::from_utf8_lossy(&output.stderr);
            let tail: Vec<&str> = all.lines().rev().take(6).collect();
            eprintln!(
                "    {} did not end well: {}",
                self.name,
                tail.into_iter().rev().collect::<Vec<_>>().join(" | ")
            );
        }
        Usage { wall, cpu, rss, ok: ok == 1.0 }
    }

    /// Starts it without measuring, to be stopped by its handle.
    pub fn start(&self) -> std::process::Child {
        self.command(&self.words)
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }
}

/// The small parent: runs the words, prints what they took.
pub fn wrap(words: &[String]) {
    let began = Instant::now();
    let status = Command::new(&words[0]).args(&words[1..]).stdout(Stdio::null()).status();
    let wall = began.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system tells what children used");
    let seconds = |time: nix::sys::time::TimeVal| time.num_microseconds() as f64 / 1e6;
    let cpu = seconds(usage.user_time()) + seconds(usage.system_time());
    let ok = status.ok().and_then(|status| status.code()).is_some_and(|code| matches!(code, 0 | 2));
    println!("{wall} {cpu} {} {}", usage.max_rss() as f64 / 1024.0, i32::from(ok));
}

/// Several runs of one program.
#[derive(Debug, Clone, Default)]
pub struct Runs(pub Vec<Usage>);

impl Runs {
    fn sorted(&self, of: impl Fn(&Usage) -> f64) -> Vec<f64> {
        let mut all: Vec<f64> = self.0.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all
    }

    pub fn median(&self, of: impl Fn(&Usage) -> f64) -> f64 {
        let all = self.sorted(of);
        all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// From the least to the most, as a part of the median.
    pub fn spread(&self, of: impl Fn(&Usage) -> f64 + Copy) -> f64 {
        let all = self.sorted(of);
        match (all.first(), all.last()) {
            (Some(least), Some(most)) => (most - least) / self.median(of),
            _ => f64::NAN,
        }
    }

    pub fn wall(&self) -> f64 {
        self.median(|usage| usage.wall)
    }

    pub fn cpu(&self) -> f64 {
        self.median(|usage| usage.cpu)
    }

    pub fn rss(&self) -> f64 {
        self.median(|usage| usage.rss)
    }

    pub fn ok(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|usage| usage.ok)
    }
}

/// Runs programs in turn, so many times each, after one turn that does not count. `before` is called before each run.
pub fn paired(programs: &[Program], times: usize, mut before: impl FnMut(usize)) -> Vec<Runs> {
    let mut all = vec![Runs::default(); programs.len()];
    let warm = usize::from(times > 1);
    for turn in 0..times + warm {
        for (at, program) in programs.iter().enumerate() {
            before(at);
            let usage = program.run();
            if turn >= warm {
                all[at].0.push(usage);
            }
        }
    }
    all
}
