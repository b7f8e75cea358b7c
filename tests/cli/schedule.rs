//! `landfall schedule`: openings in the sites' own time, and what is refused.

use crate::world::Estate;

/// Before the night on which clocks are set forward.
const ASKED: &str = "2027-03-10T15:00-06:00";

#[test]
fn a_site_opens_in_its_own_zone_across_the_night_on_which_clocks_change() {
    let estate = Estate::example();
    let ran = estate.run(&["schedule", "--site", "CDR03", "--from", ASKED]).ends(0);
    assert_eq!(
        ran.out,
        "\
CDR03  wave1  America/Chicago  from 2027-02-16  longest opening of a year 6 h 0 min
  shut at that moment: outside the change windows
  open    Sun 2027-03-14 00:00 -06:00 to Sun 2027-03-14 05:00 -05:00  4 h 0 min
  open    Sun 2027-03-21 00:00 -05:00 to Sun 2027-03-21 05:00 -05:00  5 h 0 min
  open    Sun 2027-04-04 00:00 -05:00 to Sun 2027-04-04 05:00 -05:00  5 h 0 min
  open    Sun 2027-04-11 00:00 -05:00 to Sun 2027-04-11 05:00 -05:00  5 h 0 min
  open    Sun 2027-04-18 00:00 -05:00 to Sun 2027-04-18 05:00 -05:00  5 h 0 min
  frozen  2027-03-25 to 2027-04-02  quarter-end-claims
"
    );
    assert!(!estate.path("state").exists(), "a question writes nothing");
}

#[test]
fn a_wave_begins_with_its_first_day_and_freezes_are_left_out() {
    let estate = Estate::example();
    let json = estate.run(&["schedule", "--wave", "wave2", "--from", ASKED, "-o", "json"]).ends(0).json();
    assert_eq!((json["v"].as_u64(), json["from"].as_str()), (Some(1), Some("2027-03-10T21:00:00.000Z")));
    let sites = json["sites"].as_array().unwrap();
    let codes: Vec<&str> = sites.iter().map(|site| site["site"].as_str().unwrap()).collect();
    assert_eq!(codes, ["NRT04", "WLW05", "STN06", "RVB07"]);
    for site in sites {
        assert_eq!(site["shut"], "before the first day");
        let openings = site["openings"].as_array().unwrap();
        assert_eq!(openings.len(), 5);
        for opening in openings {
            let begin = opening["begin_local"].as_str().unwrap();
            let day = begin.split(' ').nth(1).unwrap();
            assert!(day >= "2027-03-15" && !("2027-03-25"..="2027-04-02").contains(&day), "{site}");
        }
    }
}

#[test]
fn a_freeze_of_one_site_is_its_own_and_a_site_without_windows_is_always_open() {
    let estate = Estate::example();
    let freeze =
        "\n[[freeze]]\nname = \"ehr-release\"\nfrom = 2027-03-13\nto = 2027-03-15\nsites = [\"CDR03\"]\n";
    estate.append("sites/estate.toml", freeze);
    let of = |site: &str| estate.run(&["schedule", "--site", site, "--from", ASKED]).ends(0);
    of("CDR03")
        .prints("  open    Sun 2027-03-21 00:00 -05:00")
        .prints("frozen  2027-03-13 to 2027-03-15  ehr-release");
    assert!(!of("STN06").out.contains("ehr-release"));
    let text = estate.text("sites/HRB01.toml");
    let (before, after) = text.split_once("[[window]]").unwrap();
    let after = &after[after.find("\n[").unwrap()..];
    estate.write("sites/HRB01.toml", &format!("{before}{after}"));
    let text = of("HRB01").out;
    assert!(
        text.starts_with("HRB01  pilot  America/New_York  from 2027-01-11  no windows: any time\n"),
        "{text}"
    );
    assert!(
        text.contains(
            "\n  open at that moment\n  open    Wed 2027-03-10 16:00 -05:00 to Thu 2027-03-25 00:00 -04:00"
        ),
        "{text}"
    );
    assert!(text.contains("\n  open    Sat 2027-04-03 00:00 -04:00 on\n"), "{text}");
}

#[test]
fn what_is_not_there_is_refused() {
    let estate = Estate::example();
    estate.run(&["schedule", "--site", "CDR04"]).ends(64).says("no site is called `CDR04`");
    estate.run(&["schedule", "--wave", "wave9"]).ends(64).says("no wave is called `wave9`");
    estate.run(&["schedule", "--from", "yesterday"]).ends(64).says("a moment is written as RFC 3339");
    estate.run(&["schedule", "--wave", "wave1", "--site", "CDR03"]).ends(64);
}
