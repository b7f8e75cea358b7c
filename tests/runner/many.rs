//! Dozens of scopes: they are taken up on every core, event by event, and that must not show.

use std::sync::Arc;

use landfall::journal::Journal;
use landfall::model::plan::Plan;

use crate::WELL;
use crate::service::Fault;
use crate::story::{Step, Story, plan, step};

/// Sites with a catalog each, named by their number.
fn sites(count: usize) -> Plan {
    let names: Vec<(String, String)> =
        (0..count).map(|at| (format!("site/HRB{at:02}"), format!("c{at:02}"))).collect();
    let of =
        |(site, catalog): &(String, String)| -> (String, Vec<Step>) { (site.clone(), vec![step(catalog)]) };
    let mut scopes: Vec<(String, Vec<Step>)> = names.iter().map(of).collect();
    scopes.insert(0, ("account".to_owned(), vec![step("a")]));
    plan(scopes.iter_mut().map(|(name, steps)| (name.as_str(), std::mem::take(steps))).collect())
}

#[tokio::test]
async fn many_scopes_are_taken_up_where_they_stood() {
    for call in ["create c00", "create c30", "read c59"] {
        let mut story = Story::new(sites(60));
        story.service.fault(call, Fault::HangAfter);
        let service = Arc::clone(&story.service);
        tokio::select! {
            left = story.launch("run-1") => panic!("{call} was to hang, but {left:?}"),
            () = service.hangs() => {}
        }
        assert_eq!(story.launch("run-1").await.unwrap(), WELL, "{call}");
        assert_eq!(story.service.made(), 61, "{call}: {:?}", story.service.calls());
        let heads = story.journal.heads().unwrap();
        assert_eq!(heads.len(), 62, "a log for each scope, and the organisation's");
    }
}

#[tokio::test]
async fn of_several_logs_that_cannot_be_understood_the_first_is_named() {
    let mut story = Story::new(sites(60));
    for site in ["site/HRB59", "site/HRB07", "site/HRB41"] {
        crate::note_in(&mut story.journal, site, "step.teleported", "run-1");
    }
    let error = story.launch("run-1").await.unwrap_err();
    assert!(error.to_string().starts_with("site/HRB07: "), "{error}");
}
