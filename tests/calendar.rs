//! What the estate's files come to as calendars, scope by scope.

use landfall::model::calendar::Calendar;
use landfall::model::estate::{CalendarUse, Loaded, calendar_of};
use landfall::source::{self, Files, load_files};

fn files(folder: &str) -> Files {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let folder = source::read(&root);
    assert_eq!(folder.unread, []);
    folder.files
}

/// The small estate with these lines at the end of its file.
fn estate_with(lines: &str) -> Loaded {
    let mut files = files("tests/fixtures/estate");
    files.get_mut("sites/estate.toml").expect("the estate").extend_from_slice(lines.as_bytes());
    load_files(files).0
}

fn of(loaded: &Loaded, scope: &str) -> Calendar {
    calendar_of(loaded, &scope.parse().expect("a scope"))
}

/// Zone, windows, names of freezes and first day in one line.
fn told(calendar: &Calendar) -> String {
    let freezes: Vec<&str> = calendar.freezes.iter().map(|freeze| freeze.name.as_str()).collect();
    let windows: Vec<String> = calendar
        .windows
        .iter()
        .map(|window| format!("{:?} {}-{} {}", window.days, window.from, window.to, window.zone))
        .collect();
    format!("{} | {} | {freezes:?} | {:?}", calendar.zone, windows.join("; "), calendar.first_day)
}

#[test]
fn each_scope_has_the_freezes_that_hold_for_it() {
    let freezes = "
[[freeze]]
name = \"all\"
from = 2027-03-25
to = 2027-04-02

[[freeze]]
name = \"release\"
from = 2027-05-25
to = 2027-05-26
sites = [\"MPL02\"]
";
    let loaded = estate_with(freezes);
    assert_eq!(told(&of(&loaded, "account")), r#"UTC |  | ["all"] | None"#);
    assert_eq!(told(&of(&loaded, "region/us-west-2")), r#"UTC |  | ["all"] | None"#);
    assert!(told(&of(&loaded, "site/HRB01")).ends_with(r#"| ["all"] | None"#));
    assert_eq!(
        told(&of(&loaded, "site/MPL02")),
        r#"America/Los_Angeles | {Wed} 22:00-02:00 America/Los_Angeles | ["all", "release"] | None"#
    );
}

#[test]
fn the_example_estate_has_zones_and_first_days() {
    let (loaded, _) = load_files(files("."));
    assert_eq!(told(&of(&loaded, "account")), r#"America/New_York |  | ["quarter-end-claims"] | None"#);
    assert_eq!(
        told(&of(&loaded, "site/CDR03")),
        r#"America/Chicago | {Sun} 00:00-05:00 America/Chicago | ["quarter-end-claims"] | Some(2027-02-16)"#
    );
    for site in &loaded.sites {
        let calendar = of(&loaded, &format!("site/{}", site.written_code.value));
        let text = serde_json::to_string(&calendar).expect("JSON");
        assert_eq!(serde_json::from_str::<Calendar>(&text).expect("a calendar"), calendar);
    }
}

#[test]
fn a_window_that_cannot_be_understood_never_opens() {
    let mut files = files("tests/fixtures/estate");
    let text = String::from_utf8(files["sites/MPL02.toml"].clone()).expect("text");
    files.insert("sites/MPL02.toml".into(), text.replace("\"22:00\"", "\"ten\"").into_bytes());
    let loaded = load_files(files).0;
    let calendar = of(&loaded, "site/MPL02");
    let now = "2027-01-11T09:00:00Z".parse().expect("a moment");
    assert_eq!((calendar.windows.len(), calendar.openings(now, 1)), (1, Vec::new()));
}

#[test]
fn a_real_account_keeps_to_calendars_and_a_sandbox_does_not() {
    let account = "account_id = \"5b0a1f0e-3d0c-4c61-8f0d-2f4e6a7c9b10\"\n";
    let target = |name: &str, rest: &str| format!("\n[targets.{name}]\n{account}{rest}\n");
    let lines = [
        target("real", "driver = \"databricks\"\nhost = \"https://accounts.cloud.databricks.com\""),
        target("near", "driver = \"databricks\"\nhost = \"http://127.0.0.1:1\"\ncalendar = \"ignore\""),
        target("strict", "driver = \"sandbox\"\ncalendar = \"observe\""),
    ];
    let loaded = estate_with(&lines.concat());
    let uses = |name: &str| loaded.estate.targets[name].calendar;
    assert_eq!(
        [uses("real"), uses("near"), uses("sandbox"), uses("strict")],
        [CalendarUse::Observe, CalendarUse::Ignore, CalendarUse::Ignore, CalendarUse::Observe]
    );
}
