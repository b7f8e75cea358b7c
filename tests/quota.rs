//! Whether a plan fits under the limits of the services: inventories just below, at and above a limit, and the site that
//! is the first not to fit.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;

use landfall::base::id::{KindName, ScopeId};
use landfall::kind::Registry;
use landfall::model::kind::Kind;
use landfall::model::plan::overview::{Counted, Overview, Room};
use landfall::model::plan::{Operation, Plan};
use landfall::quota::{Ground, Inventory, rooms};
use serde_json::{Value, json};

/// The four sites of a wave in launch order, not in that of their names.
const SITES: [&str; 4] = ["NRT04", "WLW05", "STN06", "RVB07"];

/// A step of a plan: scope, kind, operation, spec.
type Step = (&'static str, &'static str, Operation, Value);

fn plan(steps: &[Step]) -> Plan {
    let mut scopes: BTreeMap<String, serde_json::Map<String, Value>> = BTreeMap::new();
    let sites = SITES.iter().map(|site| format!("site/{site}"));
    for scope in sites.chain(["account".to_owned(), "region/us-east-1".to_owned()]) {
        scopes.entry(scope).or_default();
    }
    for (index, (scope, kind, operation, spec)) in steps.iter().enumerate() {
        let reconcile = json!({
            "kind": format!("databricks.{kind}"), "via": "workspace.prod", "operation": operation, "spec": spec,
            "changes": [], "reversal": "reversible",
        });
        let limits = json!({"call_timeout": 1, "attempts_max": 1, "poll_every": 1, "ready_within": 1});
        let step = json!({"work": {"reconcile": reconcile}, "after": {}, "limits": limits});
        scopes.get_mut(*scope).unwrap().insert(format!("step.{index}"), step);
    }
    let scopes: BTreeMap<String, Value> =
        scopes.into_iter().map(|(scope, steps)| (scope, json!({"needs": [], "steps": steps}))).collect();
    serde_json::from_value(json!({
        "v": 1, "tool": "t", "estate": "E", "lineage": "l", "selection": "all",
        "target": {"name": "sandbox", "account_id": "0", "host": "embedded"},
        "inputs": {}, "packs": {}, "parameters": {}, "heads": {}, "scopes": scopes,
        "fleet": {"waves": [{"name": "w", "sites": SITES, "max_parallel": 2, "failure_budget": 1}]},
    }))
    .unwrap()
}

fn look(plan: &Plan, inventories: &[Inventory], ceilings: &[(&str, u64)]) -> Overview {
    let kinds: BTreeMap<KindName, &Kind> =
        Registry::standard().kinds().map(|kind| (kind.name.clone(), kind)).collect();
    let ceilings = ceilings.iter().map(|(name, most)| ((*name).to_owned(), *most)).collect();
    let regions = SITES.iter().map(|site| {
        let region = if *site == "RVB07" { "us-west-2" } else { "us-east-1" };
        (format!("site/{site}").parse::<ScopeId>().unwrap(), region.to_owned())
    });
    let regions = regions.collect();
    let ground = Ground { kinds: &kinds, ceilings: &ceilings, inventories, regions: &regions };
    Overview { room: rooms(plan, ground), ..Overview::default() }
}

fn room<'o>(overview: &'o Overview, quota: &str) -> &'o Room {
    overview.room.iter().find(|room| room.quota == quota).unwrap_or_else(|| panic!("no room for {quota}"))
}

/// What stops a launch, as `site: quota, needs n of m left`.
fn blocked(overview: &Overview) -> String {
    overview.first_blocked().map_or("fits".to_owned(), |(room, blocked)| {
        format!("{}: {}, needs {} of {} left", blocked.scope, room.quota, blocked.needs, blocked.left)
    })
}

fn inventory(kind: &str, through: Option<&str>, items: Vec<Value>) -> Inventory {
    let through = through.map(|scope| (scope.parse().unwrap(), "workspace.prod".parse().unwrap()));
    Inventory { kind: format!("databricks.{kind}").parse().unwrap(), through, items }
}

/// One object of a kind as a list shows it and as a spec asks for it.
fn object(kind: &str, number: usize) -> Value {
    let name = format!("o{number}");
    match kind {
        "workspace" => json!({"workspace_name": name, "workspace_id": number}),
        "vpc_endpoint" => json!({"vpc_endpoint_name": name, "vpc_endpoint_id": name}),
        "private_access_settings" => json!({"private_access_settings_name": name}),
        "log_delivery" => json!({"config_name": name, "log_type": "AUDIT_LOGS", "status": "ENABLED"}),
        "network_connectivity_config" => json!({"name": name, "region": "us-east-1"}),
        "catalog" => json!({"name": name}),
        other => panic!("no object of kind {other}"),
    }
}

#[test]
fn the_first_site_that_does_not_fit_is_exact() {
    // Three sites make `each`, so 3 × each are needed; the last of them is the fourth in launch order.
    let cases: [(&str, &str, u64, usize, Option<&str>); 6] = [
        ("workspace", "workspaces_per_account", 50, 2, None),
        ("vpc_endpoint", "vpc_endpoints_per_account", 110, 4, None),
        ("private_access_settings", "private_access_settings_per_account", 55, 1, None),
        ("network_connectivity_config", "network_connectivity_configs_per_region", 10, 2, None),
        ("log_delivery", "log_deliveries_per_type", 2, 1, None),
        ("catalog", "catalogs_per_metastore", 1000, 3, Some("site/NRT04")),
    ];
    for (kind, quota, max, each, through) in cases {
        let makers: &[&'static str] = if kind == "log_delivery" {
            &["site/WLW05"]
        } else {
            &["site/WLW05", "site/NRT04", "site/STN06"]
        };
        let mut steps: Vec<Step> = Vec::new();
        for (index, site) in makers.iter().enumerate() {
            for number in 0..each {
                let name = 100_000 + index * 100 + number;
                steps.push((
                    site,
                    Box::leak(kind.to_owned().into_boxed_str()),
                    Operation::Create,
                    object(kind, name),
                ));
            }
        }
        let plan = plan(&steps);
        let needed = (makers.len() * each) as u64;
        let last = if makers.len() == 1 { "site/WLW05" } else { "site/STN06" };
        let there = |live: u64| {
            let items = (0..usize::try_from(live).unwrap()).map(|number| object(kind, number)).collect();
            look(&plan, &[inventory(kind, through, items)], &[])
        };
        let fits = there(max - needed);
        assert_eq!((blocked(&fits).as_str(), room(&fits, quota).left), ("fits", 0), "{kind}");
        let roomy = there(max - needed - u64::from(max > needed));
        assert_eq!(blocked(&roomy), "fits", "{kind}");
        let over = there(max - needed + 1);
        let expected = format!("{last}: {quota}, needs {each} of {} left", each - 1);
        assert_eq!((blocked(&over), room(&over, quota).left), (expected, -1), "{kind}");
        let full = there(max);
        let first = if makers.len() == 1 { "site/WLW05" } else { "site/NRT04" };
        assert_eq!(blocked(&full), format!("{first}: {quota}, needs {each} of 0 left"), "{kind}");
        assert_eq!(room(&full, quota).live, max, "{kind}");
    }
}

#[test]
fn what_is_taken_away_makes_room_and_what_is_full_already_stops_nobody_else() {
    let delete = ("site/NRT04", "workspace", Operation::Delete, object("workspace", 0));
    let make = ("site/WLW05", "workspace", Operation::Create, object("workspace", 99));
    let full: Vec<Value> = (0..50).map(|number| object("workspace", number)).collect();
    let full = [inventory("workspace", None, full)];
    assert_eq!(blocked(&look(&plan(&[delete, make.clone()]), &full, &[])), "fits");
    let keep = ("site/NRT04", "workspace", Operation::None, object("workspace", 0));
    assert_eq!(
        blocked(&look(&plan(std::slice::from_ref(&keep)), &full, &[("workspaces_per_account", 10)])),
        "fits"
    );
    assert_eq!(
        blocked(&look(&plan(&[keep, make.clone()]), &full, &[])),
        "site/WLW05: workspaces_per_account, needs 1 of 0 left"
    );
    assert_eq!(blocked(&look(&plan(&[make]), &full, &[("workspaces_per_account", 200)])), "fits");
}

#[test]
fn what_does_not_count_is_not_counted_and_owners_are_kept_apart() {
    let make = ("account", "log_delivery", Operation::Create, object("log_delivery", 9));
    let log = |status: &str, kind: &str, filter: Value| {
        json!({"config_name": format!("{status}{kind}{filter}"),
        "log_type": kind, "status": status, "workspace_ids_filter": filter})
    };
    let others = vec![
        log("ENABLED", "AUDIT_LOGS", json!([])),
        log("DISABLED", "AUDIT_LOGS", json!([])),
        log("ENABLED", "BILLABLE_USAGE", json!([])),
        log("ENABLED", "AUDIT_LOGS", json!([7])),
    ];
    let overview = look(&plan(&[make]), &[inventory("log_delivery", None, others)], &[]);
    let found = room(&overview, "log_deliveries_per_type");
    assert_eq!((found.live, found.left, found.owner.as_str()), (1, 0, "account AUDIT_LOGS"));

    let catalog = |site, number| (site, "catalog", Operation::Create, object("catalog", number));
    let there = |names: &[usize]| names.iter().map(|number| object("catalog", *number)).collect::<Vec<_>>();
    let seen = [
        inventory("catalog", Some("site/NRT04"), there(&[1, 2])),
        inventory("catalog", Some("site/STN06"), there(&[2, 3])),
    ];
    let overview = look(&plan(&[catalog("site/WLW05", 10), catalog("site/RVB07", 11)]), &seen, &[]);
    let rooms: Vec<_> = overview.room.iter().map(|r| (r.owner.as_str(), r.live, r.counted, r.left)).collect();
    assert_eq!(
        rooms,
        [
            ("metastore us-east-1", 3, Counted::AtLeast, 996),
            ("metastore us-west-2", 0, Counted::OwnOnly, 999)
        ]
    );
}

#[test]
fn the_next_limit_is_the_one_that_fewest_further_sites_fit_under() {
    let mut steps: Vec<Step> = Vec::new();
    for site in ["site/NRT04", "site/WLW05", "site/STN06", "site/RVB07"] {
        let number = steps.len();
        steps.extend(
            (0..4).map(|n| (site, "vpc_endpoint", Operation::Create, object("vpc_endpoint", number + n))),
        );
        steps.extend((0..2).map(|n| (site, "workspace", Operation::Create, object("workspace", number + n))));
    }
    let plan = plan(&steps);
    let listed = [
        inventory("workspace", None, (100..114).map(|number| object("workspace", number)).collect()),
        inventory("vpc_endpoint", None, (100..164).map(|number| object("vpc_endpoint", number)).collect()),
    ];
    // 110 − 64 − 16 = 30 endpoints are room for 7 sites and not for an eighth; 50 − 14 − 8 workspaces for 14.
    let overview = look(&plan, &listed, &[]);
    let (room, more) = overview.next_limit().unwrap();
    assert_eq!((room.quota.as_str(), more), ("vpc_endpoints_per_account", 7));
    let overview = look(&plan, &listed, &[("vpc_endpoints_per_account", 1000)]);
    assert_eq!(
        overview.next_limit().map(|(room, more)| (room.quota.as_str(), more)),
        Some(("workspaces_per_account", 14))
    );
}

#[test]
fn every_limit_has_a_name_of_its_own_and_a_place_to_be_counted_in() {
    let mut names = std::collections::BTreeSet::new();
    for kind in Registry::standard().kinds() {
        for quota in &kind.quotas {
            assert!(names.insert(&quota.name), "{} stands twice", quota.name);
            assert!(quota.max > 0 && !quota.reason.is_empty(), "{}", quota.name);
            for at in quota.by.iter().chain(quota.unless.iter().map(|unless| &unless.at)) {
                assert!(kind.field(at).is_some(), "{}: {at} is no field of {}", quota.name, kind.name);
            }
        }
    }
}
