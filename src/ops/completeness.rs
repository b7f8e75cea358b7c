//! How much of the evidence that is asked for is there, by site and theme, and how it stood at the end of each wave.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::id::{LogId, ScopeId, SiteCode};
use crate::base::time::Timestamp;
use crate::controls::{KindLine, Share, share, themes};
use crate::journal::Journal;
use crate::model::event::{Event, RunOutcome};
use crate::ops::Context;
use crate::ops::controls::Ledger;
use crate::ops::desired::Desired;
use crate::ops::error::Failure;
use crate::ops::plan;

/// One site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SiteEvidence {
    /// The site.
    pub site: SiteCode,
    /// Everything that is asked for.
    pub all: Share,
    /// By theme.
    pub themes: BTreeMap<String, Share>,
    /// What is not there, and why.
    pub gaps: Vec<KindLine>,
}

/// How a wave stood when its last site was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaveEvidence {
    /// The wave.
    pub wave: String,
    /// When; none if it is not done.
    pub ended: Option<Timestamp>,
    /// What its sites had then, all together.
    pub then: Option<Share>,
    /// What they have now.
    pub now: Share,
}

/// The whole report. Computed whenever it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Completeness {
    /// Site by site.
    pub sites: Vec<SiteEvidence>,
    /// Wave by wave.
    pub waves: Vec<WaveEvidence>,
}

/// How much evidence is there, of one site or of all.
///
/// # Errors
///
/// If there is no such site, or a log is damaged.
pub fn completeness(
    context: &Context,
    desired: &Desired,
    journal: &dyn Journal,
    site: Option<&str>,
    now: Timestamp,
) -> Result<Completeness, Failure> {
    let sites: Vec<SiteCode> = match site {
        Some(code) => vec![plan::site(desired, code)?],
        None => desired.rendered.keys().filter_map(|scope| scope.site().cloned()).collect(),
    };
    let mut ledger = Ledger::open(context)?;
    let (mut all, mut shares) = (Vec::new(), BTreeMap::new());
    for site in &sites {
        let standings = ledger.site(journal, site, now)?.standings;
        let of = share(&standings);
        shares.insert(site.clone(), of);
        let lines = standings.iter().map(|(kind, standing)| KindLine::of(kind, standing));
        let gaps = lines.filter(|line| !line.is_there()).collect();
        all.push(SiteEvidence { site: site.clone(), all: of, themes: themes(&standings), gaps });
    }
    let mut waves = Vec::new();
    for wave in &desired.loaded.estate.waves {
        let codes = wave.sites.iter().filter_map(|site| SiteCode::new(site.value.as_str()).ok());
        let own: Vec<SiteCode> = codes.filter(|code| shares.contains_key(code)).collect();
        if own.is_empty() {
            continue;
        }
        let ended = ended(journal, &own, now)?;
        let mut current = Share::default();
        own.iter().for_each(|site| current.add(shares[site]));
        let then = match ended {
            None => None,
            Some(ended) => {
                let mut then = Share::default();
                for site in &own {
                    then.add(share(&ledger.site(journal, site, ended)?.standings));
                }
                Some(then)
            }
        };
        waves.push(WaveEvidence { wave: wave.name.to_string(), ended, then, now: current });
    }
    Ok(Completeness { sites: all, waves })
}

/// When the first good run of the last of these sites ended; none while one of them has none.
fn ended(journal: &dyn Journal, sites: &[SiteCode], now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    let mut last = None;
    for site in sites {
        let lines = journal.read(&LogId::Scope(ScopeId::Site(site.clone())), 0)?;
        let good = lines.iter().find(|line| {
            let event = Event::from_entry(&line.entry.kind, None, &line.entry.body);
            matches!(event, Ok(Event::RunEnded { outcome: RunOutcome::Succeeded, .. }))
        });
        match good.map(|line| line.entry.at).filter(|at| *at <= now) {
            Some(at) => last = last.max(Some(at)),
            None => return Ok(None),
        }
    }
    Ok(last)
}
