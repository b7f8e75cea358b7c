//! On the example estate: nothing that holds PHI gets past agreements that are not in force, and everything else does.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};

use super::blocked;
use crate::base::id::ScopeId;
use crate::model::plan::{Plan, Selection};
use crate::ops::desired::Desired;
use crate::ops::{init, plan};
use crate::policy::phi_bearing;

/// The example with one register changed.
fn example(change: impl Fn(&str) -> String) -> Desired {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("estate");
    init::write(&root, None).unwrap();
    let path = root.join("sites/registers/agreements.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, change(&text)).unwrap();
    Desired::read(&root).unwrap_or_else(|error| panic!("{error}"))
}

fn planned(desired: &Desired) -> Plan {
    plan::offline(desired, Selection::All).unwrap()
}

/// What is blocked on a day, by site, and what all of it rests on.
fn on(desired: &Desired, day: Date) -> BTreeMap<ScopeId, (usize, String)> {
    let blocks = blocked(desired, &planned(desired), day);
    blocks.into_iter().map(|one| (one.scope, (one.steps.len(), one.reasons.join("; ")))).collect()
}

#[test]
fn with_agreements_in_force_nothing_is_blocked() {
    let desired = example(str::to_owned);
    assert_eq!(on(&desired, date(2027, 1, 11)), BTreeMap::new());
    assert_eq!(on(&desired, date(2028, 12, 31)), BTreeMap::new());
}

#[test]
fn no_object_that_holds_phi_gets_past_a_provider_without_agreement() {
    let desired = example(|text| text.replace("party = \"databricks\"", "party = \"somebody-else\""));
    let plan = planned(&desired);
    let blocks = blocked(&desired, &plan, date(2027, 1, 11));
    let sites: BTreeSet<&ScopeId> = plan.scopes.keys().filter(|scope| scope.site().is_some()).collect();
    assert_eq!(blocks.iter().map(|one| &one.scope).collect::<BTreeSet<_>>(), sites, "every site has PHI");
    for block in &blocks {
        let rendered = &desired.rendered[&block.scope];
        assert_eq!(
            block.steps,
            phi_bearing(rendered),
            "{}: the agreement comes before all of it",
            block.scope
        );
        let kept = plan.scopes[&block.scope].steps.len() - block.steps.len();
        assert!(kept > block.steps.len(), "{}: the landing zone may be made", block.scope);
        let is_prod = |id: &crate::base::id::StepId| id.as_str().contains(".prod.");
        assert!(block.steps.iter().all(is_prod), "dev and test hold none: {:?}", block.steps);
        assert!(block.reasons[0].contains("no business associate agreement covers databricks"));
    }
}

#[test]
fn what_lies_in_a_catalog_with_phi_holds_phi() {
    let desired = example(str::to_owned);
    let site: ScopeId = "site/HRB01".parse().unwrap();
    let bearing = phi_bearing(&desired.rendered[&site]);
    let has = |id: &str| bearing.iter().any(|one| one.as_str() == id);
    assert!(has("catalog.prod.clinical"), "{bearing:?}");
    assert!(has("schema.prod.clinical.priorauth.gold"), "{bearing:?}");
    assert!(has("volume.prod.clinical.priorauth.landing"), "{bearing:?}");
    assert!(!has("catalog.dev.clinical") && !has("workspace.prod") && !has("external_location.prod"));
}

#[test]
fn an_agreement_for_some_sites_leaves_the_others_blocked_and_one_that_is_over_blocks_all() {
    let some = example(|text| {
        text.replace("party = \"aws\"\n", "party = \"aws\"\nsites = [\"HRB01\", \"MPL02\"]\n")
    });
    let blocked = on(&some, date(2027, 1, 11));
    assert_eq!(blocked.len(), 9, "{blocked:?}");
    assert!(!blocked.contains_key(&"site/HRB01".parse().unwrap()));
    let whole = example(str::to_owned);
    let over = on(&whole, date(2029, 1, 1));
    assert_eq!(over.len(), 11);
    let (_, why) = &over[&"site/HRB01".parse().unwrap()];
    assert!(why.contains("`baa-aws` expired on 2028-12-31"), "{why}");
}
