//! The report as text and for spreadsheets.

use serde_json::json;

use super::*;

fn deviation(at: &str) -> Deviation {
    let (wanted, found) = (Some(json!(true)), Some(json!("=1")));
    Deviation { at: at.to_owned(), wanted, found, reason: "the spec asks for it".to_owned(), accepted: None }
}

fn report() -> Conformance {
    let mut workspace = Setting::of(vec![deviation("/tags/owner")], Mark::Deviates);
    workspace.stand_for("tags.policy", &["/tags".to_owned()]);
    workspace.stand_for("encryption.cmk_at_rest", &["/key".to_owned()]);
    let mut gone = Setting::of(vec![deviation("")], Mark::NotThere);
    gone.stand_for("audit.log_delivery", &[]);
    let fine = || {
        let mut fine = Setting::of(Vec::new(), Mark::Deviates);
        fine.stand_for("tags.policy", &[]);
        fine
    };
    let scope = |name: &str, settings: Vec<(&str, Setting)>| {
        let settings = settings.into_iter().map(|(id, setting)| (id.parse().unwrap(), setting)).collect();
        (name.parse::<ScopeId>().unwrap(), settings)
    };
    let settings = [
        scope("account", vec![("log_delivery.audit", gone)]),
        scope("site/AAA01", vec![("workspace.prod", workspace), ("budget.site", fine())]),
        scope("site/BBB02", vec![("workspace.prod", fine()), ("budget.site", fine())]),
    ];
    Conformance { at: Timestamp::from_millis(0), target: "sandbox".to_owned(), settings: settings.into() }
}

#[test]
fn a_deviation_is_one_red_cell_in_each_matrix_and_a_line_below() {
    insta::assert_snapshot!(text(&report()), @r#"
    Conformance with the baseline, target sandbox, 1970-01-01T00:00:00.000Z
    ok conforms · DEV deviates · acc accepted until a day · none not there · ? not looked at · blank not asked for

    Controls, by evidence kind
                              account  AAA01  BBB02
      audit.log_delivery      none
      encryption.cmk_at_rest           ok
      tags.policy                      DEV    ok

    Settings
                          account  AAA01  BBB02
      log_delivery.audit  none
      workspace.prod               DEV    ok
      1 more setting conforms everywhere

    What does not conform
      none account log_delivery.audit   audit.log_delivery
             (whole object): wanted true, found "=1"   [the spec asks for it]
      DEV  site/AAA01 workspace.prod   tags.policy
             /tags/owner: wanted true, found "=1"   [the spec asks for it]

    3 conform, 1 deviate, 0 accepted, 1 not there, 0 not looked at.
    "#);
}

#[test]
fn spreadsheets_get_every_cell_and_no_formula() {
    insta::assert_snapshot!(csv(&report()).replace("\r\n", "\n"), @r#"
    matrix,scope,name,mark,field,wanted,found,accepted until,reason
    control,account,audit.log_delivery,not-there,,,,,
    control,site/AAA01,encryption.cmk_at_rest,conforms,,,,,
    control,site/AAA01,tags.policy,deviates,,,,,
    control,site/BBB02,tags.policy,conforms,,,,,
    setting,account,log_delivery.audit,not-there,,true,"""=1""",,the spec asks for it
    setting,site/AAA01,budget.site,conforms,,,,,
    setting,site/AAA01,workspace.prod,deviates,/tags/owner,true,"""=1""",,the spec asks for it
    setting,site/BBB02,budget.site,conforms,,,,,
    setting,site/BBB02,workspace.prod,conforms,,,,,
    "#);
}

#[test]
fn an_accepted_deviation_is_not_red_until_its_end() {
    let mut accepted = deviation("/a");
    accepted.accepted = Some(
        serde_json::from_value(json!({
            "owner": "it", "until": "2027-01-01T00:00:00.000Z", "reason": "r",
            "by": {"type": "person", "id": "p"}, "at": "2026-01-01T00:00:00.000Z",
        }))
        .unwrap(),
    );
    assert_eq!(Setting::of(vec![accepted.clone()], Mark::Deviates).mark, Mark::Accepted);
    let mut both = Setting::of(vec![accepted, deviation("/b")], Mark::Deviates);
    both.stand_for("x", &["/a".to_owned()]);
    assert_eq!((both.mark, both.controls["x"]), (Mark::Deviates, Mark::Accepted));
}
