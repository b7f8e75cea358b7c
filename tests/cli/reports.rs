//! Reports about the program over a pilot that was launched on its twenty-fifth day.

use serde_json::Value;

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
    dashboards_say_what_the_json_says(&estate);
}

/// The numbers of the pages are those of the JSON reports, and nothing in them comes from elsewhere.
fn dashboards_say_what_the_json_says(estate: &Estate) {
    let out = estate.path("pages");
    let html = ["report", "html", "--out", out.to_str().unwrap()];
    estate.run(&html).ends(0).prints("Wrote 13 pages");
    estate.run(&html).ends(64);
    let page = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    for file in std::fs::read_dir(&out).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let text = page(&name);
        assert!(!text.contains("<script") && !text.contains("http:") && !text.contains("https:"), "{name}");
    }
    let program = page("index.html");
    let status = estate.run(&["status", "-o", "json"]).ends(0).json();
    let word = |value: &Value| value.as_str().unwrap().replace('-', " ");
    for wave in status["waves"].as_array().unwrap() {
        let row = format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>",
            word(&wave["name"]),
            word(&wave["state"]),
            wave["done"],
            wave["failed"],
            wave["total"]
        );
        assert!(program.contains(&row), "{row}");
    }
    let sites = status["scopes"].as_array().unwrap().iter();
    for scope in sites.filter(|scope| scope["scope"].as_str().unwrap().starts_with("site/")) {
        let done =
            format!("<td>{}</td><td>{} of {}</td>", word(&scope["state"]), scope["done"], scope["total"]);
        assert!(program.contains(&done), "{done}");
    }
    let milestones = estate.run(&["report", "milestones", "-o", "json"]).ends(0).json();
    for one in milestones["milestones"].as_array().unwrap() {
        let row = format!("<td>{}</td><td>{}</td>", word(&one["name"]), one["goal"].as_str().unwrap());
        assert!(program.contains(&row), "{row}");
    }
    let compliance = page("compliance.html");
    let coverage = estate.run(&["evidence", "coverage", "-o", "json"]).ends(0).json();
    let fields = [
        "required",
        "evidenced",
        "partial",
        "failed",
        "not_run",
        "manual",
        "waived",
        "stale",
        "not_applicable",
    ];
    for one in coverage["coverage"].as_array().unwrap() {
        let site = one["site"].as_str().unwrap();
        let cells: String = fields.iter().map(|field| format!("<td>{}</td>", one[field])).collect();
        let row = format!("<tr><td><a href=\"./site-{site}.html\">{site}</a></td>{cells}</tr>");
        assert!(compliance.contains(&row), "{row}");
    }
    assert!(page("site-HRB01.html").contains("<td>R1</td>"), "the release of the pilot");
}
