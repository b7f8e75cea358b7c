//! Plans of launches: 1 to 12 sites in up to four waves, with budgets, windows, criteria and bake time.

use std::collections::{BTreeMap, BTreeSet};

use landfall::base::id::{RegionName, ScopeId, SiteCode, WaveName};
use landfall::base::time::Millis;
use landfall::model::calendar::Calendar;
use landfall::model::criterion::{Criterion, Holds};
use landfall::model::plan::{
    Bake, FleetPlan, Operation, Plan, PlannedStep, Reconcile, Reversal, ScopePlan, Selection, StepLimits,
    TargetName, WavePlan, Work,
};
use serde_json::json;

use crate::random::Random;

pub const MINUTE: u64 = 60_000;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// 2026-03-02T00:00:00Z, a Monday with a change of clocks in New York ahead.
pub const BEGIN: i64 = 1_772_409_600_000;

/// What a seed's plan may have.
pub struct Traits {
    pub windows: bool,
    pub bake: bool,
    pub entry: bool,
    /// A freeze may begin that has no end in sight.
    pub closing: bool,
}

pub fn plan(random: &mut Random, traits: &Traits) -> Plan {
    let mut scopes = BTreeMap::new();
    if random.chance(600) {
        scopes.insert(ScopeId::Account, scope(random, traits, BTreeSet::new()));
    }
    let regions: Vec<ScopeId> = (0..random.below(3))
        .map(|n| ScopeId::Region(RegionName::new(format!("region-{n}")).expect("a region")))
        .collect();
    for region in &regions {
        // A need outside the plan was met before.
        scopes.insert(region.clone(), scope(random, traits, BTreeSet::from([ScopeId::Account])));
    }
    let mut waves = Vec::new();
    let mut left = random.between(1, 12);
    for number in 0..random.between(1, 4) {
        let mut sites = Vec::new();
        let size = random.between(0, left);
        left -= size;
        for n in 0..size {
            // Names do not sort as the waves do.
            let wave = ["SID", "SIB", "SIC", "SIA"][number as usize];
            let code = SiteCode::new(format!("{wave}{:02}", n * 7 % 12)).expect("a site code");
            let mut needs = BTreeSet::new();
            if !regions.is_empty() {
                needs.insert(regions[random.below(regions.len() as u64) as usize].clone());
            }
            scopes.insert(ScopeId::Site(code.clone()), scope(random, traits, needs));
            sites.push(code);
        }
        waves.push(wave(random, traits, number, sites));
    }
    let failure_budget = random.chance(300).then(|| random.below(4) as u32);
    whole(scopes, FleetPlan { waves, failure_budget })
}

pub fn whole(scopes: BTreeMap<ScopeId, ScopePlan>, fleet: FleetPlan) -> Plan {
    let text = |text: &str| text.to_owned();
    Plan {
        v: 1,
        tool: text("sim"),
        estate: text("sim"),
        lineage: text("sim"),
        target: TargetName { name: text("sim"), account_id: text("sim"), host: text("embedded") },
        selection: Selection::All,
        inputs: BTreeMap::new(),
        packs: BTreeMap::new(),
        parameters: BTreeMap::new(),
        heads: BTreeMap::new(),
        fleet,
        scopes,
        overview: Default::default(),
        rollback: None,
        approvals: Vec::new(),
        consents: Vec::new(),
    }
}

fn wave(random: &mut Random, traits: &Traits, number: u64, sites: Vec<SiteCode>) -> WavePlan {
    let bake = (traits.bake && random.chance(600)).then(|| Bake {
        length: Millis(random.below(5) * HOUR),
        every: Millis(random.between(1, 8) * 15 * MINUTE),
    });
    let criterion = |n| Criterion {
        id: format!("criterion-{n}"),
        owner: "security-officer".to_owned(),
        holds: Holds::NoOpenFindings,
    };
    let entry = if traits.entry && random.chance(500) { random.between(1, 3) } else { 0 };
    WavePlan {
        name: WaveName::new(format!("wave{number}")).expect("a wave"),
        sites,
        max_parallel: random.between(0, 4) as u32,
        failure_budget: random.below(4) as u32,
        bake,
        entry: (0..entry).map(criterion).collect(),
    }
}

fn scope(random: &mut Random, traits: &Traits, needs: BTreeSet<ScopeId>) -> ScopePlan {
    let windowed = traits.windows && random.chance(400);
    let mut steps = BTreeMap::new();
    if random.chance(800) {
        steps.insert("catalog.prod".parse().expect("a step"), change());
    }
    ScopePlan {
        needs,
        steps,
        calendar: windowed.then(|| calendar(random, traits)),
        expected: Millis(if windowed { random.below(4) * 30 * MINUTE } else { 0 }),
    }
}

fn change() -> PlannedStep {
    let limits = StepLimits {
        call_timeout: Millis(1_000),
        attempts_max: 3,
        poll_every: Millis(1_000),
        ready_within: Millis(1_000),
        expected: Millis(0),
    };
    let work = Work::Reconcile(Reconcile {
        kind: "databricks.catalog".parse().expect("a kind"),
        via: None,
        operation: Operation::Create,
        spec: json!({}).into(),
        changes: Vec::new(),
        seen: None,
        id: None,
        reversal: Reversal::Reversible,
    });
    PlannedStep { work, after: BTreeMap::new(), origin: None, evidence: None, limits }
}

fn calendar(random: &mut Random, traits: &Traits) -> Calendar {
    let zone = random.pick(&["UTC", "America/New_York", "Asia/Tokyo"]);
    let days: Vec<&str> = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
        .into_iter()
        .filter(|day| *day == "Sun" || random.chance(700))
        .collect();
    let from = random.below(24);
    let to = (from + random.between(2, 8)) % 24;
    let windows = if random.chance(800) {
        json!([{ "days": days, "from": format!("{from:02}:00"), "to": format!("{to:02}:30"), "zone": zone }])
    } else {
        json!([])
    };
    let mut freezes = Vec::new();
    if random.chance(200) {
        freezes.push(json!({ "name": "go-live", "from": "2026-03-03", "to": "2026-03-05" }));
    }
    if traits.closing && random.chance(500) {
        freezes.push(json!({ "name": "retired", "from": "2026-03-09", "to": "2028-12-31" }));
    }
    let first = (!traits.closing && random.chance(100)).then_some("2026-03-04");
    let form = json!({ "zone": zone, "windows": windows, "freezes": freezes, "first_day": first });
    serde_json::from_value(form).expect("a calendar")
}
