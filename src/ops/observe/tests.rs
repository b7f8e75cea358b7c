//! What is found and planned, with a service in memory: text in, text out.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::base::digest::Digest;
use crate::base::id::{KindName, RunId};
use crate::base::time::{Millis, Timestamp};
use crate::driver::{Answer, Change, Driver, Listing};
use crate::model::event::{Desired, Effect, Event};
use crate::model::finding::NextCall;
use crate::model::outcome::{ApplyOutcome, CauseClass};
use crate::model::plan::Reversal;
use crate::plan::{Parts, scope_plan};

/// A service that lists and shows what it has, and notes what it was asked.
#[derive(Default)]
struct Service {
    lists: BTreeMap<String, Vec<Value>>,
    objects: BTreeMap<String, Value>,
    /// What lists inside something show, by kind; of each item those fields that were asked by must fit.
    inside: BTreeMap<String, Vec<Value>>,
    broken: Option<String>,
    refuses: Option<CauseClass>,
    asked: Mutex<Vec<String>>,
}

impl Service {
    fn with_list(kind: &str, items: Value) -> Self {
        let lists = [(kind.to_owned(), items.as_array().unwrap().clone())].into();
        Self { lists, ..Self::default() }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Driver for Service {
    fn observe<'a>(&'a self, target: &'a Target, _: Millis) -> Answer<'a, Observation> {
        let kind = Registry::standard().get(&target.kind).unwrap();
        let id = target.id.clone().or_else(|| kind::id_of(kind, &target.spec, None)).unwrap_or_default();
        self.asked.lock().unwrap().push(format!("read {} {id}", target.kind));
        let found = self.objects.get(&id).cloned();
        Box::pin(async { found.map_or(Observation::Absent, |live| Observation::Present { id, live }) })
    }

    fn list<'a>(&'a self, kind: &'a KindName, place: &'a Place, _: Millis) -> Answer<'a, Listing> {
        self.asked.lock().unwrap().push(format!("list {kind} {place:?}"));
        let listing = match self.lists.get(kind.as_str()) {
            _ if self.broken.as_deref() == Some(kind.as_str()) => {
                Listing::Unreadable(Cause::new(CauseClass::Internal, "it fell over"))
            }
            Some(items) => Listing::Complete(items.clone()),
            None => Listing::Complete(Vec::new()),
        };
        Box::pin(async { listing })
    }

    fn list_inside<'a>(
        &'a self,
        kind: &'a KindName,
        _: &'a Place,
        outer: &'a Value,
        _: Millis,
    ) -> Answer<'a, Listing> {
        self.asked.lock().unwrap().push(format!("list {kind} in {outer}"));
        let fits = |item: &&Value| {
            outer.as_object().unwrap().iter().all(|(field, value)| item.get(field) == Some(value))
        };
        let listing = match (self.refuses, self.inside.get(kind.as_str())) {
            (Some(class), _) => Listing::Unreadable(Cause::new(class, "refused")),
            (None, Some(items)) => Listing::Complete(items.iter().filter(fits).cloned().collect()),
            (None, None) => Listing::Complete(Vec::new()),
        };
        Box::pin(async { listing })
    }

    fn apply<'a>(&'a self, _: &'a Change, _: Millis) -> Answer<'a, ApplyOutcome> {
        panic!("a plan changes nothing")
    }
}

fn resource(id: &str, kind: &str, spec: Value) -> Resource {
    Resource {
        id: id.parse().unwrap(),
        kind: format!("databricks.{kind}").parse().unwrap(),
        after: Vec::new(),
        via: None,
        spec: spec.into(),
        evidence: None,
        origin: Origin { pack: "p".parse().unwrap(), template: "t.toml.hbs".to_owned(), line: 1 },
    }
}

/// What a log holds after this resource was made under an id.
fn held(resource: &Resource, id: &str) -> [Event; 2] {
    let (step, at) = (resource.id.clone(), Timestamp::from_millis(0));
    let desired = Desired {
        kind: resource.kind.clone(),
        via: resource.via.clone(),
        after: resource.after.clone(),
        spec_digest: Digest::of_canonical(&resource.spec),
        spec: resource.spec.as_ref().clone(),
    };
    let (call, applied) = (NextCall::Create, step.clone());
    [
        Event::StepApplying { step, attempt: 1, call, deadline: at, desired },
        Event::StepApplied { step: applied, attempt: 1, at, id: Some(id.to_owned()) },
    ]
}

struct Looked {
    world: World,
    service: Arc<Service>,
    resources: Vec<Resource>,
}

/// Looks at the same resources in these scopes; the first scope holds what the events say.
async fn look(service: Service, scopes: &[&str], resources: Vec<Resource>, log: &[[Event; 2]]) -> Looked {
    let run: RunId = "run-1".parse().unwrap();
    let mut holdings = Holdings::default();
    log.iter().flatten().for_each(|event| holdings.fold(Some(&run), event));
    let nothing = Holdings::default();
    let scopes: Vec<ScopeId> = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
    let of = |(index, scope)| {
        let holdings = if index == 0 { &holdings } else { &nothing };
        Wanted { scope, region: None, resources: &resources, holdings }
    };
    let wanted: Vec<Wanted<'_>> = scopes.iter().enumerate().map(of).collect();
    let service = Arc::new(service);
    let world = observe(&Reads::with(service.clone(), Millis(1000)), &wanted).await;
    Looked { world, service, resources }
}

impl Looked {
    /// What was found in a scope: operation and changes of each step.
    fn text(&self, scope: &str) -> String {
        let none = BTreeMap::new();
        let found = self.world.found.get(&scope.parse().unwrap()).unwrap_or(&none);
        let mut out = String::new();
        for (step, found) in found {
            out.push_str(&format!("{step} {:?}\n", found.operation));
            for change in &found.changes {
                let to = match (&change.to, &change.known_after) {
                    (Some(to), _) => to.to_string(),
                    (None, Some(step)) => format!("known after {step}"),
                    (None, None) => "nothing".to_owned(),
                };
                out.push_str(&format!("  {} {to}\n", change.at));
            }
        }
        out
    }
}

#[tokio::test]
async fn a_kind_is_listed_once_for_all_scopes_and_never_read_one_by_one() {
    let catalogs = vec![
        resource("catalog.a", "catalog", json!({"name": "a"})),
        resource("catalog.b", "catalog", json!({"name": "b", "comment": "${catalog.a.name}"})),
    ];
    let looked = look(Service::default(), &["site/HRB01", "site/HRB02"], catalogs, &[]).await;
    assert_eq!(looked.service.asked(), ["list databricks.catalog Account"]);
    assert_eq!(looked.text("site/HRB01"), looked.text("site/HRB02"));
}

#[tokio::test]
async fn lists_go_out_before_what_is_read_one_by_one_however_deep_their_objects_lie() {
    let setting = json!({"type": "disable_legacy_dbfs", "value": {"disable_legacy_dbfs": {"value": true}}});
    let setting = resource("setting.dbfs", "workspace_setting", setting);
    let mut catalog = resource("catalog.a", "catalog", json!({"name": "a"}));
    catalog.after = vec![setting.id.clone()];
    let mut network = resource("network.a", "network", json!({"network_name": "n"}));
    network.after = vec![catalog.id.clone()];
    let looked = look(Service::default(), &["site/HRB01"], vec![setting, catalog, network], &[]).await;
    let asked = looked.service.asked();
    assert_eq!(asked.len(), 3, "nothing is asked twice: {asked:?}");
    assert_eq!(asked[..2], ["list databricks.catalog Account", "list databricks.network Account"]);
}

/// A catalog's name in a service, its schemas, and what was made of them: two in one, one in another.
fn schemas() -> (Vec<Resource>, Vec<[Event; 2]>, Vec<Value>) {
    let of = |catalog: &str, name: &str| {
        let spec = json!({"catalog_name": catalog, "name": name, "comment": "c"});
        resource(&format!("schema.{catalog}.{name}"), "schema", spec)
    };
    let schemas = vec![of("a", "s1"), of("a", "s2"), of("b", "s1")];
    let live = |one: &Resource| {
        let mut live = one.spec.as_ref().clone();
        let name = |field: &str| one.spec[field].as_str().unwrap().to_owned();
        live["full_name"] = json!(format!("{}.{}", name("catalog_name"), name("name")));
        live
    };
    let log = schemas.iter().map(|one| held(one, live(one)["full_name"].as_str().unwrap())).collect();
    let live = schemas.iter().map(live).collect();
    (schemas, log, live)
}

#[tokio::test]
async fn what_is_inside_one_object_is_listed_once_and_alone_it_is_read() {
    let (schemas, log, live) = schemas();
    let by_id = |live: &Value| (live["full_name"].as_str().unwrap().to_owned(), live.clone());
    let mut service = Service { objects: live.iter().map(by_id).collect(), ..Service::default() };
    // Of the two, the list shows only one.
    service.inside.insert("databricks.schema".to_owned(), vec![live[0].clone()]);
    let looked = look(service, &["site/HRB01"], schemas.clone(), &log).await;
    let mut asked = looked.service.asked();
    asked.sort();
    let expected = [
        r#"list databricks.schema in {"catalog_name":"a"}"#,
        "read databricks.schema a.s2",
        "read databricks.schema b.s1",
    ];
    assert_eq!(asked, expected, "what is held and not shown is read before it counts as gone");
    assert_eq!(looked.text("site/HRB01"), "schema.a.s1 None\nschema.a.s2 None\nschema.b.s1 None\n");

    for (class, reads) in
        [(CauseClass::PermissionDenied, 3), (CauseClass::NotFound, 3), (CauseClass::Busy, 1)]
    {
        let service =
            Service { objects: live.iter().map(by_id).collect(), refuses: Some(class), ..Service::default() };
        let looked = look(service, &["site/HRB01"], schemas.clone(), &log).await;
        let asked = looked.service.asked();
        let found = asked.iter().filter(|line| line.starts_with("read")).count();
        assert_eq!(found, reads, "{class:?}: {asked:?}");
        assert_eq!(looked.world.unreadable.len(), 3 - reads, "{class:?}");
    }
}

#[tokio::test]
async fn what_was_asked_ahead_counts_only_if_it_was_the_right_question() {
    let policy = resource("policy.p", "cluster_policy", json!({"name": "p"}));
    let spec = json!({"object_type": "cluster-policies", "object_id": "${policy.p.policy_id}", "access_control_list": []});
    let permissions = resource("permissions.p", "permissions", spec);
    let mut log = vec![held(&policy, "p-1")];
    let mut made = held(&permissions, "cluster-policies/p-1");
    if let Event::StepApplying { desired, .. } = &mut made[0] {
        desired.spec["object_id"] = json!("p-1");
    }
    log.push(made);
    let outputs = json!({"policy_id": "p-1", "name": "p"}).as_object().unwrap().clone();
    let seen = |desired: &Resource| Event::StepSucceeded {
        step: desired.id.clone(),
        attempt: 1,
        effect: Effect::Created,
        id: Some("p-1".to_owned()),
        outputs: outputs.clone(),
        readback: None,
        polls: 0,
        settled_in: Millis(0),
        desired: None,
    };
    log.push([seen(&policy), seen(&policy)]);
    for (there, expected) in [("p-1", 1), ("p-2", 2)] {
        let item = json!({"policy_id": there, "name": "p"});
        let service = Service::with_list("databricks.cluster_policy", json!([item]));
        let resources = vec![policy.clone(), permissions.clone()];
        let asked = look(service, &["site/HRB01"], resources, &log).await.service.asked();
        let reads: Vec<&String> = asked.iter().filter(|line| line.starts_with("read")).collect();
        assert_eq!(reads.len(), expected, "{asked:?}");
    }
}

#[tokio::test]
async fn what_rests_on_a_step_that_has_not_run_is_known_after_it() {
    let resources = vec![
        // The order in which they are declared does not matter.
        resource(
            "schema.s",
            "schema",
            json!({"catalog_name": "${catalog.a.name}", "name": "s",
            "comment": "at ${catalog.a.storage_location}"}),
        ),
        resource("catalog.a", "catalog", json!({"name": "a"})),
    ];
    let looked = look(Service::default(), &["site/HRB01"], resources, &[]).await;
    insta::assert_snapshot!(looked.text("site/HRB01"), @r#"
    catalog.a Create
      /name "a"
    schema.s Create
      /catalog_name "a"
      /comment known after catalog.a
      /name "s"
    "#);
}

#[tokio::test]
async fn strangers_are_reported_and_what_is_always_there_is_not() {
    let service = Service {
        objects: [(
            "disable_legacy_dbfs".to_owned(),
            json!({"value": {"disable_legacy_dbfs": {"value": false}}}),
        )]
        .into(),
        ..Service::with_list("databricks.catalog", json!([{"name": "A"}]))
    };
    let setting = json!({"type": "disable_legacy_dbfs", "value": {"disable_legacy_dbfs": {"value": true}}});
    let resources = vec![
        resource("catalog.a", "catalog", json!({"name": "a"})),
        resource("setting.dbfs", "workspace_setting", setting),
    ];
    let looked = look(service, &["site/HRB01"], resources, &[]).await;
    let strangers: Vec<String> =
        looked.world.foreign.iter().map(|(_, step, id)| format!("{step} {id}")).collect();
    assert_eq!(strangers, ["catalog.a A"]);
    assert!(looked.text("site/HRB01").contains("setting.dbfs Update"), "{}", looked.text("site/HRB01"));
}

#[tokio::test]
async fn what_was_renamed_is_the_same_object_and_not_a_new_one() {
    let before = resource("catalog.a", "catalog", json!({"name": "old"}));
    let after = resource("catalog.a", "catalog", json!({"name": "new"}));
    let service = Service::with_list("databricks.catalog", json!([{"name": "old"}]));
    let looked = look(service, &["site/HRB01"], vec![after], &[held(&before, "old")]).await;
    insta::assert_snapshot!(looked.text("site/HRB01"), @r#"
    catalog.a Replace
      /name "new"
    "#);
}

#[tokio::test]
async fn somebody_elses_object_in_the_place_of_ours_is_a_stranger() {
    let network = resource("network.a", "network", json!({"network_name": "n", "vpc_id": "v"}));
    let item = json!({"network_id": "id-2", "network_name": "n", "vpc_id": "v"});
    let service = Service::with_list("databricks.network", json!([item]));
    let log = [held(&network, "id-1")];
    let looked = look(service, &["site/HRB01"], vec![network], &log).await;
    assert_eq!(looked.world.foreign.len(), 1, "{}", looked.text("site/HRB01"));
}

#[tokio::test]
async fn what_cannot_be_read_is_said_for_every_resource() {
    let service = Service { broken: Some("databricks.catalog".to_owned()), ..Service::default() };
    let resources = vec![
        resource("catalog.a", "catalog", json!({"name": "a"})),
        resource("catalog.b", "catalog", json!({"name": "b"})),
    ];
    let looked = look(service, &["site/HRB01"], resources, &[]).await;
    let unread: Vec<String> =
        looked.world.unreadable.iter().map(|(_, step, cause)| format!("{step}: {cause}")).collect();
    assert_eq!(unread, ["catalog.a: it fell over", "catalog.b: it fell over"]);
}

#[tokio::test]
async fn what_rests_on_something_absent_is_absent_too_whatever_a_read_answers() {
    let service = Service { broken: Some("databricks.network".to_owned()), ..Service::default() };
    let mut network = resource("network.a", "network", json!({"network_name": "a"}));
    network.after = vec!["credentials.a".parse().unwrap()];
    let credentials = resource("credentials.a", "credentials", json!({"credentials_name": "a"}));
    let looked = look(service, &["site/HRB01"], vec![network, credentials], &[]).await;
    assert_eq!(looked.world.unreadable, Vec::new());
    let operations: Vec<&str> = vec!["credentials.a Create", "network.a Create"];
    let text = looked.text("site/HRB01");
    let found: Vec<&str> = text.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(found, operations);
}

#[tokio::test]
async fn leftovers_are_deleted_in_reverse_and_through_a_workspace_that_is_left_over_too() {
    let workspace = resource("workspace.w", "workspace", json!({"workspace_name": "w"}));
    let mut catalog = resource("catalog.a", "catalog", json!({"name": "a"}));
    catalog.via = Some(workspace.id.clone().into());
    let setting = json!({"type": "disable_legacy_dbfs", "value": {"disable_legacy_dbfs": {"value": true}}});
    let mut setting = resource("setting.dbfs", "workspace_setting", setting);
    setting.via = Some(workspace.id.clone().into());
    let objects = [
        ("7", json!({"workspace_id": 7, "workspace_name": "w", "workspace_status": "RUNNING"})),
        ("a", json!({"name": "a"})),
        ("disable_legacy_dbfs", json!({"value": {"disable_legacy_dbfs": {"value": true}}})),
    ];
    let service =
        Service { objects: objects.map(|(id, live)| (id.to_owned(), live)).into(), ..Service::default() };
    let log = [held(&workspace, "7"), held(&catalog, "a"), held(&setting, "disable_legacy_dbfs")];
    let looked = look(service, &["site/HRB01"], Vec::new(), &log).await;
    let scope: ScopeId = "site/HRB01".parse().unwrap();
    let parts = Parts {
        scope: &scope,
        needs: &BTreeSet::new(),
        resources: &looked.resources,
        checks: &[],
        leftovers: &looked.world.leftovers[&scope],
        call_timeout: Millis(1000),
    };
    let plan = scope_plan(parts, BTreeMap::new()).unwrap();
    let order: Vec<&str> = crate::plan::order(&plan).unwrap().into_iter().map(StepId::as_str).collect();
    assert_eq!(order, ["catalog.a", "workspace.w"], "a setting has no delete call and stays as it is");
}

#[test]
fn only_the_settings_that_cannot_be_set_back_are_one_way() {
    let kind = Registry::standard().get(&"databricks.workspace_setting".parse().unwrap()).unwrap();
    let of = |operation, name: &str| kind::reversal(kind, operation, &json!({ "type": name }), &[]);
    for operation in [Operation::Create, Operation::Update] {
        assert_eq!(of(operation, "shield_csp_enablement_ws_db"), Reversal::OneWay, "{operation:?}");
        assert_eq!(of(operation, "disable_legacy_dbfs"), Reversal::Reversible, "{operation:?}");
    }
}

#[tokio::test]
async fn a_replacement_reaches_what_names_the_replaced_object() {
    let resources = vec![
        resource(
            "credentials.a",
            "credentials",
            json!({"credentials_name": "a", "aws_credentials": {"sts_role": {"role_arn": "arn:new"}}}),
        ),
        resource(
            "storage.a",
            "storage_configuration",
            json!({"storage_configuration_name": "s", "root_bucket_info": {"bucket_name": "b"}}),
        ),
        resource(
            "log_delivery.a",
            "log_delivery",
            json!({"config_name": "a", "log_type": "AUDIT_LOGS", "output_format": "JSON",
                "credentials_id": "${credentials.a.credentials_id}",
                "storage_configuration_id": "${storage.a.storage_configuration_id}"}),
        ),
    ];
    let mut service = Service::default();
    let items = [
        (
            "credentials",
            json!({"credentials_id": "c-1", "credentials_name": "a",
            "aws_credentials": {"sts_role": {"role_arn": "arn:old"}}}),
        ),
        (
            "storage_configuration",
            json!({"storage_configuration_id": "s-1", "storage_configuration_name": "s",
            "root_bucket_info": {"bucket_name": "b"}}),
        ),
        (
            "log_delivery",
            json!({"config_id": "l-1", "config_name": "a", "log_type": "AUDIT_LOGS", "output_format": "JSON",
            "credentials_id": "c-1", "storage_configuration_id": "s-1", "status": "ENABLED"}),
        ),
    ];
    for (kind, item) in items {
        service.lists.insert(format!("databricks.{kind}"), vec![item.clone()]);
        for id in ["c-1", "s-1", "l-1"]
            .into_iter()
            .filter(|id| item.to_string().contains(&format!("_id\":\"{id}\"")))
        {
            service.objects.entry(id.to_owned()).or_insert(item.clone());
        }
    }
    let log = [held(&resources[0], "c-1"), held(&resources[1], "s-1"), held(&resources[2], "l-1")];
    let looked = look(service, &["account"], resources, &log).await;
    assert_eq!(looked.world.unreadable, []);
    assert_eq!(
        looked.text("account"),
        "credentials.a Replace\n  /aws_credentials/sts_role/role_arn \"arn:new\"\nlog_delivery.a Replace\n  \
         /credentials_id known after credentials.a\nstorage.a None\n"
    );
}
