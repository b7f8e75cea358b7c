//! Small fleets: near the bound, within the limits, the same every time.

use landfall::base::id::ScopeId;
use landfall::base::time::Millis;
use landfall::model::plan::{Plan, Work};
use landfall::pacing::Rates;

use crate::fleet::bound::{Stage, bound};
use crate::fleet::estate::{plan, widen};
use crate::fleet::play::{Played, Straggler, play, play_with};

const SLOTS: usize = 512;

/// One launch, and how far it is from its bound.
fn launched(sites: usize, seed: u64) -> (Played, f64) {
    let (plan, rates) = (plan(sites), Rates::standard());
    let played = play(&plan, seed, SLOTS, rates);
    let stages = bound(&plan, seed, SLOTS, rates);
    let ratio = played.makespan.0 as f64 / 1e3 / stages.iter().map(Stage::seconds).sum::<f64>();
    let binds: Vec<&str> = stages.iter().map(Stage::binds).collect();
    println!(
        "{sites} sites: {:?}, {ratio:.3} of the bound ({binds:?}), {} polls",
        played.makespan, played.polls
    );
    assert!(ratio >= 1.0 - 1e-3, "the bound is one: {ratio}");
    assert_eq!(played.refused, 0, "calls more than the services take");
    (played, ratio)
}

#[test]
fn two_hundred_sites_come_within_a_twentieth_of_the_bound_and_never_ask_too_much() {
    let (_, ratio) = launched(200, 1);
    assert!(ratio <= 1.05, "{ratio}");
}

/// With fewer sites the account's line runs dry while workspaces are made, which the bound of the lane does not know.
#[test]
fn sixty_sites_take_a_seventh_more_at_most_and_the_same_time_every_time() {
    let (played, ratio) = launched(60, 1);
    assert!(ratio <= 1.15, "{ratio}");
    assert_eq!(launched(60, 1).0, played, "the same seed gives the same launch");
    assert_ne!(launched(60, 2).0.digest, played.digest, "another seed gives another");
}

/// How much later the other sites end, at the worst, than they do in the launch before: 1 is not at all.
fn later(before: &Played, after: &Played, but: &ScopeId) -> f64 {
    let others = after.ends.iter().filter(|(site, _)| site.site().is_some() && *site != but);
    let later = |(site, end): (&ScopeId, &Millis)| end.0 as f64 / before.ends[site].0 as f64;
    let worst = others.map(later).fold(0.0, f64::max);
    assert!(worst > 0.0, "there are others");
    worst
}

/// The site that is neither the first, which goes alone, nor the last.
fn middle(plan: &Plan) -> ScopeId {
    let sites = &plan.fleet.waves[0].sites;
    ScopeId::Site(sites[sites.len() / 2].clone())
}

#[test]
fn one_slow_call_makes_no_other_site_later() {
    let (plan, rates) = (plan(12), Rates::standard());
    let scope = middle(&plan);
    let is_workspace =
        |work: &Work| matches!(work, Work::Reconcile(one) if one.kind.as_str() == "databricks.workspace");
    let workspace = plan.scopes[&scope].steps.iter().find(|(_, step)| is_workspace(&step.work));
    let step = workspace.expect("a site has a workspace").0.clone();
    let slow = Straggler { scope: scope.clone(), step, takes: Millis::from_secs(60) };
    for slots in [32, SLOTS] {
        let calm = play(&plan, 1, slots, rates);
        let with = play_with(&plan, 1, slots, rates, Some(&slow));
        let own = Millis(with.ends[&scope].0.saturating_sub(calm.ends[&scope].0));
        let worst = later(&calm, &with, &scope);
        println!("{slots} slots: the slow site {own} later, the others {worst:.3}");
        assert!(own >= Millis::from_secs(30), "the site itself waits for its call: {own}");
        assert!(worst <= 1.05, "{slots} slots: {worst}");
    }
}

#[test]
fn one_large_site_makes_small_ones_later_by_what_it_shares_with_them() {
    let (alone, rates) = (plan(12), Rates::standard());
    let mut with = alone.clone();
    let large = middle(&alone);
    widen(&mut with, &large, 5);
    assert!(with.scopes[&large].steps.len() > 4 * alone.scopes[&large].steps.len());
    for slots in [32, SLOTS] {
        let (before, after) = (play(&alone, 1, slots, rates), play(&with, 1, slots, rates));
        let worst = later(&before, &after, &large);
        println!("{slots} slots: the small sites {worst:.3}");
        assert!(worst <= 1.3, "{slots} slots: {worst}");
    }
}
