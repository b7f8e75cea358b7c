//! Tables and what they were made from.

use serde_json::{Value, json};

use super::*;

const LINEAGE: &str = "/api/2.0/lineage-tracking/table-lineage";

fn with_layers(pipelines: bool) -> Trial {
    let mut trial = Trial::with_catalog();
    trial.core().run_pipelines(pipelines);
    for layer in ["x_bronze", "x_silver", "x_gold"] {
        trial.ok("POST", &format!("{U}/schemas"), json!({ "name": layer, "catalog_name": "cat" }));
    }
    let volume = json!({ "name": "landing", "catalog_name": "cat", "schema_name": "x_bronze",
        "volume_type": "MANAGED" });
    trial.ok("POST", &format!("{U}/volumes"), volume);
    trial
}

fn tables(trial: &mut Trial, schema: &str) -> Vec<String> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let target =
            format!("{U}/tables?catalog_name=cat&schema_name={schema}&max_results=0&page_token={token}");
        let page = trial.ok("GET", &target, Value::Null);
        let names = page["tables"].as_array().expect("a list");
        all.extend(names.iter().map(|one| one["full_name"].as_str().unwrap_or_default().to_owned()));
        token = page["next_page_token"].as_str().unwrap_or_default().to_owned();
        if token.is_empty() {
            return all;
        }
    }
}

fn sources(trial: &mut Trial, table: &str) -> Value {
    trial.ok("GET", &format!("{LINEAGE}?table_name={table}"), Value::Null)["upstreams"].clone()
}

#[test]
fn pipelines_leave_a_table_in_each_layer_and_change_nothing() {
    let mut trial = with_layers(true);
    let before = trial.core().state();
    assert_eq!(tables(&mut trial, "x_gold"), ["cat.x_gold.curated"]);
    let up = sources(&mut trial, "cat.x_gold.curated");
    assert_eq!(up[0]["tableInfo"]["schema_name"], "x_silver", "{up}");
    let up = sources(&mut trial, "Cat.x_Bronze.received");
    assert_eq!(
        up,
        json!([{ "fileInfo": { "path": "/Volumes/cat/x_bronze/landing" }, "jobInfos": [{ "job_id": 1 }] }])
    );
    assert_eq!(trial.core().state(), before, "looking changes nothing, and pipelines leave no state");
    let mut without = with_layers(false);
    assert!(tables(&mut without, "x_gold").is_empty());
}

#[test]
fn rows_that_are_put_in_are_told_and_leave_with_their_schema() {
    let mut trial = with_layers(false);
    let row = |source: &str, target: &str| {
        json!({ "source_table_full_name": source, "source_type": "TABLE",
                "target_table_full_name": target, "target_type": "TABLE", "entity_type": "NOTEBOOK" })
    };
    let rows = [
        row("cat.x_silver.s", "Cat.x_gold.a"),
        row("", "cat.x_gold.lone"),
        row("cat.x_silver.t", "cat.x_gold.a"),
    ];
    assert_eq!(trial.core().add_lineage(&rows), Ok(3));
    assert_eq!(tables(&mut trial, "x_gold"), ["cat.x_gold.a", "cat.x_gold.lone"]);
    assert_eq!(sources(&mut trial, "cat.x_gold.a").as_array().map(Vec::len), Some(2));
    let lone = sources(&mut trial, "cat.x_gold.lone");
    assert_eq!(lone, json!([{ "notebookInfos": [{ "notebook_id": 1 }] }]), "a writer, and no source");
    let schema = format!("{U}/schemas/cat.x_gold");
    let full = trial.refused("DELETE", &schema, Value::Null);
    assert_eq!(full, code(400, "INVALID_STATE"), "a schema with tables is not empty");
    trial.ok("DELETE", &format!("{schema}?force=true"), Value::Null);
    trial.ok("POST", &format!("{U}/schemas"), json!({ "name": "x_gold", "catalog_name": "cat" }));
    assert!(tables(&mut trial, "x_gold").is_empty(), "what comes anew is empty");
}

#[test]
fn rows_and_questions_that_make_no_sense_are_refused_and_leave_nothing() {
    let mut trial = with_layers(false);
    let good = json!({ "target_table_full_name": "cat.x_gold.a" });
    let bad = [
        json!({}),
        json!(7),
        json!({ "target_table_full_name": "nowhere.x_gold.a" }),
        json!({ "target_table_full_name": "cat.x_gold." }),
        json!({ "target_table_full_name": "a" }),
        json!({ "source_table_full_name": "cat..t", "target_table_full_name": "cat.x_gold.a" }),
    ];
    for row in bad {
        let refused = trial.core().add_lineage(&[good.clone(), row.clone()]);
        assert!(refused.is_err(), "{row}");
        assert!(tables(&mut trial, "x_gold").is_empty(), "all or nothing: {row}");
    }
    let many = vec![good; crate::base::limits::SANDBOX_LINEAGE_ROWS_MAX + 1];
    assert!(trial.core().add_lineage(&many).is_err());
    for name in ["", "a", "cat.x_gold", "a.b.c.d"] {
        let asked = trial.refused("GET", &format!("{LINEAGE}?table_name={name}"), Value::Null);
        assert_eq!(asked, code(400, "INVALID_PARAMETER_VALUE"), "{name}");
    }
    let absent = trial.refused("GET", &format!("{LINEAGE}?table_name=cat.x_gold.z"), Value::Null);
    assert_eq!(absent, code(404, "TABLE_DOES_NOT_EXIST"));
    assert_eq!(trial.call("POST", LINEAGE, json!({})).status, 501);
}
