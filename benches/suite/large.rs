//! Scenarios 4, 5, 8 and 18: many sites launched at 50 ms a call, then planned again, edited and exported.

use std::fs;

use crate::Suite;
use crate::apply::{World, launch};
use crate::chart::{Curve, Drawing};
use crate::estate::Estate;
use crate::plans::time;
use crate::process::Usage;
use crate::standing::size;

/// Calls under way at once.
const SLOTS: usize = 512;

fn world(suite: &Suite, sites: usize) -> World {
    World::with(suite, &format!("many-{sites}"), sites, &[], &format!("calls_at_once = {SLOTS}"))
}

pub fn many(suite: &mut Suite) {
    let sites = suite.sizes.many;
    if sites == 0 {
        for number in [4, 5, 8, 18] {
            suite.skip(number, "only in the full form");
        }
        return;
    }
    let world = world(suite, sites);
    let one = launch(&world, SLOTS);
    suite.memory.push((format!("apply of {sites} sites over HTTP"), one.usage.rss));
    suite.measured(
        8,
        one.usage.ok && one.ratio() <= 1.12 && one.usage.cpu <= 8.0 * sites as f64 / 1_000.0,
        [
            format!(
                "{sites} sites: {} wall, {} CPU, {:.0} MB",
                time(one.usage.wall),
                time(one.usage.cpu),
                one.usage.rss
            ),
            format!("bound {}", time(one.bound)),
            format!("{:.2}", one.ratio()),
        ],
        format!(
            "{} steps, {} calls, judged against {:.1} CPU-s; the sandbox shares the processors",
            one.steps,
            one.calls,
            8.0 * sites as f64 / 1_000.0
        ),
    );
    assert!(one.usage.ok, "the launch of {sites} sites did not end well");
    // What comes now is about planning, not about waiting.
    world.served.forget_faults();
    again(suite, &world);
    exported(suite, &world.estate);
}

/// A plan of what stands; whether nothing is left to do is told by its exit.
fn planned(world: &World) -> Usage {
    world.program(&["plan", "--all", "--target", "served", "--out", "q.plan"]).run()
}

fn again(suite: &mut Suite, world: &World) {
    let sites = world.estate.sites;
    let thousand = sites as f64 / 1_000.0;
    let whole = planned(world);
    let left = changes(world);
    let baseline = suite.terraform.as_ref().map(|terraform| {
        let root = terraform.root(&suite.scratch, "tf-one", 1);
        let _ = terraform.apply(&root).run();
        terraform.plan(&root).run().cpu * sites as f64
    });
    let ratio = baseline.map_or(String::new(), |cpu| format!("1/{:.0}", cpu / whole.cpu));
    suite.measured(
        4,
        whole.ok
            && left == 0
            && whole.cpu <= 1.2 * thousand
            && baseline.is_none_or(|cpu| cpu / whole.cpu >= 200.0),
        [
            format!("{sites} sites: {} CPU, {} wall, {:.0} MB", time(whole.cpu), time(whole.wall), whole.rss),
            baseline.map_or("no terraform or tofu here".to_owned(), |cpu| {
                format!("Terraform, one root a site: {} CPU", time(cpu))
            }),
            ratio,
        ],
        format!(
            "{sites} sites, judged against {:.2} CPU-s; {left} changes left; reads everything over HTTP",
            1.2 * thousand
        ),
    );
    let edited = &world.estate.site_files()[sites / 2];
    let text = fs::read_to_string(edited).expect("a site");
    fs::write(edited, text.replacen("costCenter = \"CC-", "costCenter = \"CX-", 1)).expect("a site");
    let after = planned(world);
    let left = changes(world);
    suite.measured(
        5,
        after.ok && left > 0 && after.wall <= 0.3 * thousand,
        [
            format!("{sites} sites: {} wall, {} CPU", time(after.wall), time(after.cpu)),
            format!("#4: {} wall, {} CPU", time(whole.wall), time(whole.cpu)),
            format!("{:.2}", after.cpu / whole.cpu),
        ],
        format!(
            "{sites} sites, judged against {}; one cost centre edited, {left} changes",
            time(0.3 * thousand)
        ),
    );
    fs::write(edited, text).expect("a site");
}

fn changes(world: &World) -> usize {
    let operations = world.estate.operations("q.plan");
    operations.iter().filter(|(word, _)| !["none", "check"].contains(&word.as_str())).map(|(_, n)| n).sum()
}

fn exported(suite: &mut Suite, estate: &Estate) {
    let help = estate.prints(&["evidence", "export", "--help"]);
    if !help.contains("--all") {
        return suite.skip(18, "`evidence export` has no --all in this build");
    }
    let sites = estate.sites;
    let thousand = sites as f64 / 1_000.0;
    let export = estate.program("export", &["evidence", "export", "--all", "--out", "bundles"]).run();
    let folder = estate.root.join("bundles");
    let bytes = size(&folder);
    let bundles = fs::read_dir(&folder)
        .map_or(0, |entries| entries.flatten().filter(|entry| entry.path().is_dir()).count());
    let verify = estate.program("verify", &["evidence", "verify", "bundles"]).run();
    let mut curve = Curve::new(Drawing::Cost, "evidence export --all");
    curve.points.push((sites as f64, export.cpu));
    suite.curves.push(curve);
    suite.measured(
        18,
        export.ok && verify.ok && bundles == sites && export.cpu <= 2.0 * thousand && verify.cpu <= thousand,
        [
            format!(
                "{sites} sites: {} / {} CPU, export {} wall",
                time(export.cpu),
                time(verify.cpu),
                time(export.wall)
            ),
            format!(
                "{:.0} MB through zstd and SHA-256: {} / {}",
                bytes as f64 / 1e6,
                time(0.6 * thousand),
                time(0.45 * thousand)
            ),
            format!("{:.1} / {:.1}", export.cpu / (2.0 * thousand), verify.cpu / thousand),
        ],
        format!("{bundles} bundles, judged against {} / {} CPU", time(2.0 * thousand), time(thousand)),
    );
}
