//! Floor 2: the facts that checklist items are held against, one JSON document for each scope. Everything in it follows
//! from the files; a site's document holds nothing of another site.

mod registers;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use crate::base::id::ScopeId;
use crate::model::estate::{Loaded, Wave};
use crate::model::people::{Holding, SITE_OPS_LEAD, SITE_STEWARD};
use crate::model::resolved::{Resolved, ResolvedScope};

pub use registers::{agreement_row, dataset_row, system_row};

/// What is known about a scope: `/site` its parameters, `/program`, `/people`, `/registers`. With a day, `/today` is
/// there too, and every agreement says whether it is in force on it.
pub fn of_scope(loaded: &Loaded, resolved: &Resolved, scope: &ScopeId, today: Option<Date>) -> Value {
    let own = resolved.scopes.get(scope);
    let site = own.and_then(|own| own.context.get("site").cloned()).unwrap_or(Value::Null);
    let mut facts = json!({
        "site": site,
        "program": program(loaded, scope),
        "people": people(loaded, scope, own),
        "registers": registers::of_scope(loaded, scope, today),
    });
    if let (Some(today), Some(all)) = (today, facts.as_object_mut()) {
        all.insert("today".to_owned(), json!(today.to_string()));
    }
    facts
}

fn program(loaded: &Loaded, scope: &ScopeId) -> Value {
    let estate = &loaded.estate;
    let success = estate.success.iter().map(|one| {
        json!({
            "metric": one.metric,
            "baseline": one.baseline,
            "target": one.target,
            "unit": one.unit,
            "by": registers::day(one.by),
            "owner": one.owner,
        })
    });
    let own_wave = scope.site().and_then(|code| loaded.wave_of(code.as_str()));
    json!({
        "name": estate.name,
        "code": estate.code,
        "day_one": registers::day(estate.day_one),
        "site_days_max": estate.site_days_max,
        "waves": estate.waves.iter().map(|one| wave(one, scope)).collect::<Vec<_>>(),
        "wave": own_wave.map(|one| wave(one, scope)),
        "stages": estate.stages.iter().map(|stage| json!({"name": stage.name.value, "phase": stage.phase})).collect::<Vec<_>>(),
        "success_criteria": success.collect::<Vec<_>>(),
        "regions": estate.regions.keys().collect::<Vec<_>>(),
    })
}

/// A wave; to a site it names that site alone.
fn wave(wave: &Wave, scope: &ScopeId) -> Value {
    let seen = |code: &&str| scope.site().is_none_or(|own| own.as_str() == *code);
    let sites: Vec<&str> = wave.sites.iter().map(|site| site.value.as_str()).filter(seen).collect();
    json!({
        "name": wave.name,
        "kind": wave.kind.word(),
        "stage": wave.stage.as_ref().map(|stage| &stage.value),
        "sites": sites,
        "start": registers::day(wave.start),
        "end": registers::day(wave.end),
    })
}

/// Who holds which role here; `<role>-backup` is who stands in.
fn people(loaded: &Loaded, scope: &ScopeId, own: Option<&ResolvedScope>) -> Value {
    let mut all: BTreeMap<String, Value> =
        loaded.estate.roles.iter().map(|(role, who)| (role.clone(), json!(who.value))).collect();
    let concerns = |holding: &&Holding| match (&holding.site, scope.site()) {
        (None, _) => true,
        (Some(site), Some(own)) => site == own,
        (Some(_), None) => false,
    };
    for holding in loaded.estate.people.holdings.iter().filter(concerns) {
        all.insert(holding.role.to_string(), json!(holding.person));
        if let Some(backup) = &holding.backup {
            all.insert(format!("{}-backup", holding.role), json!(backup));
        }
    }
    let steward_backup = format!("{SITE_STEWARD}-backup");
    let of_files =
        [(SITE_STEWARD, "steward"), (&steward_backup, "steward_backup"), (SITE_OPS_LEAD, "ops_lead")];
    for (role, key) in of_files.into_iter().filter(|_| scope.site().is_some()) {
        let named = own.and_then(|own| own.value(&format!("site.{key}"))).filter(|who| who.is_string());
        all.entry(role.to_owned()).or_insert_with(|| named.cloned().unwrap_or(Value::Null));
    }
    all.into_iter().collect::<Map<_, _>>().into()
}
