//! The compute policy language: whether a cluster is within a policy's definition.
//!
//! A definition has one rule per attribute path; paths are joined with dots, and what follows `custom_tags.`,
//! `spark_conf.` or `spark_env_vars.` is one key, dots included. Rules of type `regex` are not evaluated here.

use serde_json::{Map, Value};

/// Attributes that are maps with free keys.
const MAPS: [&str; 3] = ["custom_tags", "spark_conf", "spark_env_vars"];
/// Rules about the policy's use, not about an attribute of a cluster.
const VIRTUAL: [&str; 2] = ["cluster_type", "dbus_per_hour"];

/// Fills in what the policy fixes, and its defaults where they are asked for; then says what is out of bounds.
pub fn enforce(definition: &Map<String, Value>, cluster: &mut Value, with_defaults: bool) -> Vec<String> {
    let mut violations = Vec::new();
    for (path, rule) in definition.iter().filter(|(path, _)| !VIRTUAL.contains(&path.as_str())) {
        let pointer = pointer(path);
        if cluster.pointer(&pointer).is_none()
            && let Some(value) = filling(rule, with_defaults)
        {
            crate::base::pointer::set(cluster, &pointer, value.clone());
        }
        violations.extend(violation(path, rule, cluster.pointer(&pointer)));
    }
    violations
}

fn pointer(path: &str) -> String {
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match path.split_once('.') {
        Some((map, key)) if MAPS.contains(&map) => format!("/{map}/{}", escaped(key)),
        _ => path.split('.').map(|key| format!("/{}", escaped(key))).collect(),
    }
}

fn filling(rule: &Value, with_defaults: bool) -> Option<&Value> {
    match rule.get("type").and_then(Value::as_str) {
        Some("fixed") => rule.get("value"),
        _ if with_defaults => rule.get("defaultValue"),
        _ => None,
    }
}

fn violation(path: &str, rule: &Value, given: Option<&Value>) -> Option<String> {
    let kind = rule.get("type").and_then(Value::as_str).unwrap_or_default();
    let optional = rule.get("isOptional").and_then(Value::as_bool).unwrap_or(false);
    let failed = |must: String| {
        let is = given.map_or("missing".to_owned(), |value| format!("{value} instead"));
        Some(format!("Validation failed for {path}, the value {must} (is {is})"))
    };
    let Some(value) = given else {
        let may_be_missing = optional || matches!(kind, "fixed" | "forbidden" | "blocklist");
        return if may_be_missing { None } else { failed("must be present".to_owned()) };
    };
    let listed = || rule.get("values").and_then(Value::as_array).is_some_and(|values| values.contains(value));
    let bound = |name: &str| rule.get(name).and_then(Value::as_f64);
    match kind {
        "fixed" if rule.get("value") != Some(value) => failed(format!("must be {}", rule["value"])),
        "forbidden" => failed("must not be present".to_owned()),
        "allowlist" if !listed() => failed(format!("must be one of {}", rule["values"])),
        "blocklist" if listed() => failed(format!("must not be one of {}", rule["values"])),
        "range" => {
            let number = value.as_f64();
            let low = bound("minValue").is_some_and(|least| number.is_none_or(|n| n < least));
            let high = bound("maxValue").is_some_and(|most| number.is_none_or(|n| n > most));
            let show = |name: &str, free: &str| rule.get(name).map_or(free.to_owned(), Value::to_string);
            let (least, most) = (show("minValue", "any"), show("maxValue", "any"));
            if low || high { failed(format!("must be between {least} and {most}")) } else { None }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(rule: Value, cluster: Value) -> Vec<String> {
        let definition = Map::from_iter([("autoscale.max_workers".to_owned(), rule)]);
        enforce(&definition, &mut cluster.clone(), false)
    }

    #[test]
    fn each_type_of_rule_accepts_and_refuses() {
        let given = |n: u32| json!({ "autoscale": { "max_workers": n } });
        let range = json!({ "type": "range", "minValue": 1, "maxValue": 6 });
        assert_eq!(check(range.clone(), given(6)), Vec::<String>::new());
        assert_eq!(
            check(range.clone(), given(40)),
            [
                "Validation failed for autoscale.max_workers, the value must be between 1 and 6 (is 40 instead)"
            ]
        );
        assert_eq!(check(range, json!({})).len(), 1, "what is not optional must be there");
        let optional = json!({ "type": "range", "maxValue": 6, "isOptional": true });
        assert!(check(optional, json!({})).is_empty());
        let allow = json!({ "type": "allowlist", "values": [2, 4] });
        assert_eq!((check(allow.clone(), given(4)).len(), check(allow, given(3)).len()), (0, 1));
        let block = json!({ "type": "blocklist", "values": [2] });
        assert_eq!((check(block.clone(), given(4)).len(), check(block, given(2)).len()), (0, 1));
        let forbidden = json!({ "type": "forbidden" });
        assert_eq!((check(forbidden.clone(), json!({})).len(), check(forbidden, given(1)).len()), (0, 1));
        let fixed = json!({ "type": "fixed", "value": 2 });
        assert_eq!((check(fixed.clone(), json!({})).len(), check(fixed, given(3)).len()), (0, 1));
    }

    #[test]
    fn fixed_values_are_filled_in_and_keys_of_maps_keep_their_dots() {
        let definition = json!({
            "custom_tags.costCenter": { "type": "fixed", "value": "CC-1" },
            "spark_conf.spark.databricks.cluster.profile": { "type": "fixed", "value": "singleNode" },
            "autotermination_minutes": { "type": "range", "maxValue": 60, "defaultValue": 30 },
            "cluster_type": { "type": "fixed", "value": "job" },
        });
        let mut cluster = json!({});
        assert_eq!(enforce(definition.as_object().unwrap(), &mut cluster, true), Vec::<String>::new());
        assert_eq!(
            cluster,
            json!({
                "custom_tags": { "costCenter": "CC-1" },
                "spark_conf": { "spark.databricks.cluster.profile": "singleNode" },
                "autotermination_minutes": 30,
            })
        );
        let mut untagged = json!({ "custom_tags": { "costCenter": "other" }, "autotermination_minutes": 10 });
        assert_eq!(enforce(definition.as_object().unwrap(), &mut untagged, false).len(), 1);
    }
}
