//! Reports about the program over a pilot that was launched on its twenty-fifth day.

use crate::world::Estate;

#[test]
fn the_pilot_is_in_time_if_it_is_live_with_the_controls_that_it_stands_on() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    let live = "2027-02-04T18:00:00Z";
    estate.plan(&["--wave", "pilot", "--now", live], "p.plan").ends(0);
    let before = estate.run(&["report", "milestones", "--now", "2027-02-12T12:00:00Z"]).ends(0);
    before.prints("D30  the pilot site is live with foundational controls: NOT MET");
    estate.run(&["apply", "p.plan", "--now", live]).ends(0);
    let met = estate.run(&["report", "milestones", "--now", "2027-02-12T12:00:00Z"]).ends(0);
    met.prints("controls: MET (day 25), due by day 30")
        .prints("HRB01  holds  tags.policy                  site/HRB01#");

    let rows =
        estate.run(&["report", "plan-90", "--now", "2027-02-12T12:00:00Z", "-o", "json"]).ends(0).json();
    let rows = rows["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 34);
    assert!(rows.iter().all(|row| row["owner"].is_string() && row["dates"].is_array()), "{rows:#?}");
    assert!(rows.iter().any(|row| row["overdue"] == true), "{rows:#?}");
    assert!(rows.iter().filter(|row| row["overdue"] == true).all(|row| row["days"]["to"] == 30), "{rows:#?}");
    estate.run(&["report", "plan-90"]).ends(0).prints("P-34  ").prints(" of 34 done, ");

    let effort = estate.run(&["report", "effort", "--site", "HRB01", "-o", "json"]).ends(0).json();
    assert!(effort["sites"][0]["automated"].as_u64().unwrap() > 50, "{effort}");
    assert_eq!(effort["sites"][0]["manual"], 0, "{effort}");
    estate.run(&["report", "approvals"]).ends(0).prints("At the sites: 0 decisions");
}
