//! Sites that use workspaces and catalogs of their region, beside one that has its own.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::world::Estate;

const SITES: &str = "HRB01,MPL02,CDR03";

/// What a region has to say so that its sites may share.
const LENDS: &str = r#"
[region.us-east-1.shared]
costCenter = "CC-4199"
owner = "team-platform"
catalogs = [
  { environment = "dev", zone = "nonprod", domain = "claims" },
  { environment = "test", zone = "nonprod", domain = "claims" },
  { environment = "prod", zone = "prod", domain = "claims" },
  { environment = "dev", zone = "nonprod", domain = "clinical" },
  { environment = "test", zone = "nonprod", domain = "clinical" },
  { environment = "prod", zone = "prod", domain = "clinical" },
]

[region.us-east-1.shared.network.prod]
zone = "prod"
environment = "prod"
aws_account_id = "210987699001"
vpc_id = "vpc-0a11111111111111a"
subnet_ids = ["subnet-0a1111111111111a1", "subnet-0a1111111111111a2"]
security_group_id = "sg-0a111111111111111"
rest_endpoint_id = "vpce-0a11111111111111b"
relay_endpoint_id = "vpce-0a11111111111111c"
storage_key_arn = "arn:aws:kms:us-east-1:210987699001:key/11111111-2e30-465e-8106-62c2bc99c58b"
managed_services_key_arn = "arn:aws:kms:us-east-1:210987699001:key/22222222-2e30-465e-8106-62c2bc99c58b"

[region.us-east-1.shared.network.nonprod]
zone = "nonprod"
environment = "dev"
aws_account_id = "210987699002"
vpc_id = "vpc-0b11111111111111a"
subnet_ids = ["subnet-0b1111111111111a1", "subnet-0b1111111111111a2"]
security_group_id = "sg-0b111111111111111"
rest_endpoint_id = "vpce-0b11111111111111b"
relay_endpoint_id = "vpce-0b11111111111111c"
storage_key_arn = "arn:aws:kms:us-east-1:210987699002:key/33333333-2e30-465e-8106-62c2bc99c58b"
managed_services_key_arn = "arn:aws:kms:us-east-1:210987699002:key/44444444-2e30-465e-8106-62c2bc99c58b"
"#;

fn shares(estate: &Estate, site: &str, catalog: &str) {
    let says = format!("\n[isolation]\ncatalog = \"{catalog}\"\nworkspace = \"shared\"\n");
    estate.append(&format!("sites/{site}.toml"), &says);
}

/// The plan in a file.
fn saved(estate: &Estate, file: &str) -> Value {
    serde_json::from_slice::<Value>(&std::fs::read(estate.path(file)).unwrap()).unwrap()["plan"].take()
}

/// How many objects of a kind a scope of a plan has.
fn count(plan: &Value, scope: &str, kind: &str) -> usize {
    let steps = plan["scopes"][scope]["steps"].as_object().unwrap().values();
    steps.filter(|step| step["work"]["reconcile"]["kind"] == kind).count()
}

/// What is planned under a limit.
fn planned(plan: &Value, quota: &str, owner: &str) -> i64 {
    let rooms = plan["overview"]["room"].as_array().unwrap();
    let room = rooms.iter().find(|room| room["quota"] == quota && room["owner"] == owner);
    room.unwrap_or_else(|| panic!("no {quota} of {owner} in {rooms:#?}"))["planned"].as_i64().unwrap()
}

#[test]
fn sites_that_share_stand_in_the_workspaces_and_catalogs_of_their_region() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.plan(&["--site", SITES], "own.plan").ends(0);
    let own = saved(&estate, "own.plan");

    estate.append("sites/estate.toml", LENDS);
    shares(&estate, "HRB01", "shared");
    shares(&estate, "MPL02", "shared");
    estate.run(&["check"]).ends(0);
    let told = estate.plan(&["--site", SITES], "first.plan").ends(0);
    told.prints("site.isolation.catalog, site.isolation.workspace");
    let plan = saved(&estate, "first.plan");
    for (scope, workspaces, catalogs) in
        [("region/us-east-1", 2, 6), ("site/HRB01", 0, 0), ("site/MPL02", 0, 0), ("site/CDR03", 2, 3)]
    {
        assert_eq!(count(&plan, scope, "databricks.workspace"), workspaces, "{scope}");
        assert_eq!(count(&plan, scope, "databricks.catalog"), catalogs, "{scope}");
    }
    // Two sites with two workspaces each, and the region's two instead of them; six catalogs and three, and six instead.
    let of = |plan: &Value| {
        let catalogs = planned(plan, "catalogs_per_metastore", "metastore us-east-1");
        (planned(plan, "workspaces_per_account", "account"), catalogs)
    };
    assert_eq!((of(&own), of(&plan)), ((6, 9), (4, 6)));

    estate.run(&["apply", "first.plan"]).ends(0);
    estate.plan(&["--site", SITES], "again.plan").ends(0).prints("No changes.");
    estate.run(&["drift", "--site", SITES, "--target", "served"]).ends(0).prints("No drift in");
    one_goes_back_alone(&estate, &served);
}

/// What a site adds and takes back leaves the region and the other site as they were.
fn one_goes_back_alone(estate: &Estate, served: &crate::world::Served) {
    estate.edit("sites/HRB01.toml", "owner = \"team-hrb01\"", "owner = \"team-harbour\"");
    estate.plan(&["--site", "HRB01"], "second.plan").ends(0);
    let plan = saved(estate, "second.plan");
    let changing = |scope: &str| -> BTreeSet<String> {
        let steps = plan["scopes"][scope]["steps"].as_object().into_iter().flatten();
        let operation = |step: &Value| step["work"]["reconcile"]["operation"].clone();
        let changing = steps.filter(|(_, step)| !matches!(operation(step).as_str(), None | Some("none")));
        changing.map(|(id, _)| id.clone()).collect()
    };
    assert_eq!(changing("region/us-east-1"), BTreeSet::new());
    assert!(changing("site/HRB01").contains("tag.prod.clinical.priorauth.gold.owner"));
    estate.run(&["apply", "second.plan"]).ends(0);
    served.forget_requests();
    estate.run(&["rollback", "HRB01", "--target", "served", "--out", "back.plan"]).ends(0);
    assert_eq!(saved(estate, "back.plan")["scopes"].as_object().unwrap().len(), 1);
    estate.run(&["apply", "back.plan"]).ends(0).prints("Proved    it is as R1 was");
    let changed = served.mutations();
    assert!(!changed.is_empty());
    for request in &changed {
        assert!(
            !request.path.contains("mpl02") && !request.path.ends_with("/unity-catalog/catalogs"),
            "{request:?}"
        );
    }
    // The site's files still say what was taken back; the region and the other site are as they were left.
    let drift = ["drift", "--site", "MPL02", "--target", "served"];
    estate.run(&drift).ends(0).prints("No drift in");
}

#[test]
fn a_site_has_catalogs_of_its_own_in_a_workspace_of_its_region() {
    let mut estate = Estate::example();
    let served = estate.serve(&[]);
    estate.reach(&served, 5000);
    estate.append("sites/estate.toml", LENDS);
    shares(&estate, "HRB01", "own");
    estate.plan(&["--site", "HRB01"], "first.plan").ends(0);
    let plan = saved(&estate, "first.plan");
    let of = |kind: &str| count(&plan, "site/HRB01", kind);
    assert_eq!((of("databricks.workspace"), of("databricks.catalog")), (0, 6));
    estate.run(&["apply", "first.plan"]).ends(0);
    estate.plan(&["--site", "HRB01"], "again.plan").ends(0).prints("No changes.");
}
