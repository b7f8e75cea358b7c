//! Reports over the journal: how long sites took.

use crate::base::id::{LogId, ScopeId, SiteCode, WaveName};
use crate::base::time::Timestamp;
use crate::journal::Journal;
use crate::model::estate::{Loaded, Wave};
use crate::ops::error::Failure;
use crate::report::cycle_time::{CycleTime, cycle_time};
use crate::report::provisioning::{ProvisioningTime, provisioning_time};

/// How long each site took from the start of its run until it was validated: the sites of one wave, or all.
///
/// # Errors
///
/// If there is no such wave, or the journal is damaged.
pub fn provisioning_times(
    loaded: &Loaded,
    journal: &dyn Journal,
    wave: Option<&str>,
) -> Result<Vec<ProvisioningTime>, Failure> {
    let waves: Vec<&Wave> = match wave {
        Some(name) => vec![named(loaded, name)?],
        None => loaded.estate.waves.iter().collect(),
    };
    let mut times = Vec::new();
    for site in waves.into_iter().flat_map(sites) {
        let lines = journal.read(&LogId::Scope(ScopeId::Site(site.clone())), 0)?;
        times.push(provisioning_time(&site, lines.iter().map(|line| &line.entry)));
    }
    Ok(times)
}

/// How many days each site of a wave took from its first launch until a run of it succeeded.
///
/// # Errors
///
/// If there is no such wave, or the journal is damaged.
pub fn cycle_times(
    loaded: &Loaded,
    journal: &dyn Journal,
    wave: &str,
    now: Timestamp,
) -> Result<Vec<CycleTime>, Failure> {
    let wave = named(loaded, wave)?;
    let name: &WaveName = &wave.name;
    let org = journal.read(&LogId::Org, 0)?;
    let days_max = loaded.estate.site_days_max;
    let mut times = Vec::new();
    for site in sites(wave) {
        let lines = journal.read(&LogId::Scope(ScopeId::Site(site.clone())), 0)?;
        let (org, own) = (org.iter().map(|line| &line.entry), lines.iter().map(|line| &line.entry));
        times.push(cycle_time(&site, name, org, own, days_max, now));
    }
    Ok(times)
}

fn named<'l>(loaded: &'l Loaded, name: &str) -> Result<&'l Wave, Failure> {
    loaded.estate.waves.iter().find(|wave| wave.name.as_str() == name).ok_or_else(|| {
        let known: Vec<&str> = loaded.estate.waves.iter().map(|wave| wave.name.as_str()).collect();
        Failure::usage(format!("no wave is called `{name}`"), format!("there are: {}", known.join(", ")))
    })
}

fn sites(wave: &Wave) -> Vec<SiteCode> {
    wave.sites.iter().filter_map(|site| SiteCode::new(site.value.as_str()).ok()).collect()
}
