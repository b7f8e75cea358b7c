//! Programs that are started, heard and stopped.

use super::*;

fn start(script: &str, at_most: Duration) -> Agent {
    let command = ["sh", "-c", script].map(str::to_owned);
    Agent::start(&command, Path::new("/"), at_most).expect("it starts")
}

fn line(text: &str) -> Heard {
    Heard::Line(text.as_bytes().to_vec())
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn lines_go_both_ways_until_it_ends() {
    let mut agent = start("read -r x; echo \"got $x\"; printf tail", LONG);
    assert!(agent.say("hello").await);
    assert_eq!(agent.hear().await, line("got hello"));
    assert_eq!(agent.hear().await, line("tail"));
    assert_eq!(agent.hear().await, Heard::Ended);
    agent.stop().await;
}

#[tokio::test]
async fn it_knows_nothing_of_the_machine() {
    let mut agent = start("env | cut -d= -f1 | sort | tr '\\n' ' '; echo; ls -A | wc -l", LONG);
    let Heard::Line(names) = agent.hear().await else { panic!("a line") };
    let names = String::from_utf8(names).unwrap();
    let known = ["PATH", "PWD", "OLDPWD", "SHLVL", "_"];
    assert!(names.split_whitespace().all(|name| known.contains(&name)), "{names}");
    assert_eq!(agent.hear().await, line("0"));
    agent.stop().await;
}

#[tokio::test]
async fn a_line_without_end_is_cut() {
    let mut agent = start("cat /dev/zero", LONG);
    let Heard::Line(cut) = agent.hear().await else { panic!("a line") };
    assert_eq!(cut.len(), AGENT_LINE_BYTES_MAX + 1);
    agent.stop().await;
}

#[tokio::test]
async fn one_that_is_silent_too_long_is_told_so() {
    let mut agent = start("sleep 600", Duration::ZERO);
    assert_eq!(agent.hear().await, Heard::TooLate);
    agent.stop().await;
}

#[tokio::test]
async fn what_it_started_ends_with_it() {
    let mut agent = start("sleep 600 & echo $!; wait", LONG);
    let Heard::Line(id) = agent.hear().await else { panic!("a line") };
    let id: i32 = String::from_utf8(id).unwrap().parse().unwrap();
    agent.stop().await;
    // It was sent the signal before `stop` came back; what is left of it is what nobody has waited for yet.
    let state = || std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    for _ in 0..1_000 {
        let text = state();
        let gone =
            text.is_empty() || text.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'));
        if gone {
            return;
        }
        tokio::task::yield_now().await;
        std::thread::yield_now();
    }
    panic!("{} still runs", state());
}

#[test]
fn a_program_that_is_not_there_is_told() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let none = Agent::start(&["no-such-program".to_owned()], Path::new("/"), LONG);
    assert_eq!(none.map(drop), Err("it cannot be started: entity not found".to_owned()));
    assert_eq!(Agent::start(&[], Path::new("/"), LONG).map(drop), Err("the command is empty".to_owned()));
}
