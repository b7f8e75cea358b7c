//! Scenario 22: a thousand sites on a virtual clock, by the real engines, queue, lanes and rates, against the least time
//! that the same limits allow. Making the plan is not in the time.

use std::process::Command;
use std::time::Instant;

use landfall::pacing::Rates;
use serde_json::{Value, json};

use crate::Suite;
use crate::chart::{Curve, Drawing};
use crate::fleet::{bound, estate, play};
use crate::plans::time;

/// Calls under way at once.
const SLOTS: usize = 512;
const SEED: u64 = 1;

/// Plays one launch and prints what came of it: sites, slots, seed.
pub fn child(words: &[String]) {
    let number = |at: usize| words[at].parse::<usize>().expect("a number");
    let (sites, slots, seed) = (number(0), number(1), number(2) as u64);
    let (plan, rates) = (estate::plan(sites), Rates::standard());
    let steps: usize = plan.scopes.values().map(|scope| scope.steps.len()).sum();
    let began = Instant::now();
    let played = play::play(&plan, seed, slots, rates);
    let took = began.elapsed().as_secs_f64();
    let stages = bound::bound(&plan, seed, slots, rates);
    let least: f64 = stages.iter().map(bound::Stage::seconds).sum();
    let binds: Vec<String> = stages
        .iter()
        .map(|stage| format!("{} {:.0} s by {}", stage.name, stage.seconds(), stage.binds()))
        .collect();
    println!(
        "{}",
        json!({
            "steps": steps, "makespan": played.makespan.0 as f64 / 1e3, "bound": least, "took": took,
            "calls": played.calls, "polls": played.polls, "refused": played.refused,
            "digest": played.digest.to_string(), "binds": binds.join(", "),
        })
    );
}

fn played(sites: usize, seed: u64) -> Value {
    let own = std::env::current_exe().expect("this program has a path");
    let words = ["--simulate".to_owned(), sites.to_string(), SLOTS.to_string(), seed.to_string()];
    let output = Command::new(own).args(words).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

pub fn fleets(suite: &mut Suite) {
    let mut ratios = Curve::new(Drawing::Bound, "simulated launch, 512 calls at once");
    let mut cost = Curve::new(Drawing::Cost, "simulated launch");
    let number = |of: &Value, name: &str| of[name].as_f64().unwrap_or(f64::NAN);
    let mut last = Value::Null;
    let mut sites = 0;
    for size in suite.sizes.fleet.clone() {
        let one = played(size, SEED);
        let ratio = number(&one, "makespan") / number(&one, "bound");
        suite.say(&format!(
            "{size} sites: {ratio:.3} of the bound, {}; {}",
            time(number(&one, "took")),
            one["binds"]
        ));
        ratios.points.push((size as f64, ratio));
        cost.points.push((size as f64, number(&one, "took")));
        (last, sites) = (one, size);
    }
    let same = played(sites, SEED)["digest"] == last["digest"]
        && played(sites, SEED + 1)["digest"] != last["digest"];
    let (makespan, least, took) = (number(&last, "makespan"), number(&last, "bound"), number(&last, "took"));
    let ratio = makespan / least;
    let grows = cost.exponent();
    suite.exponents.push(("simulation".to_owned(), grows));
    let met = ratio <= 1.05 && took <= 5.0 && last["refused"] == 0 && same && sites >= 1_000;
    suite.measured(
        22,
        met,
        [
            format!("{makespan:.0} s simulated in {}", time(took)),
            format!("bound {least:.0} s ({})", last["binds"].as_str().unwrap_or_default()),
            format!("{ratio:.3}"),
        ],
        format!(
            "{sites} sites, {} steps, {} calls, of them {} that found nothing ready yet and {} too many for the services; \
             {SLOTS} at once; the same seed gave {}; growth {grows:.2}",
            last["steps"],
            last["calls"],
            last["polls"],
            last["refused"],
            if same { "the same launch" } else { "ANOTHER launch" }
        ),
    );
    suite.curves.extend([ratios, cost]);
}
