//! What is evidenced at the first site of the rehearsal: when its wave was done, and at the end.

use super::World;
use crate::base::id::{LogId, ScopeId, SiteCode};
use crate::controls::{Coverage, Framework, KindLine};
use crate::journal::Journal as _;
use crate::ops::controls::Ledger;
use crate::ops::error::Failure;
use crate::report::life::{CompleteLine, CoverageLine};

impl World<'_> {
    /// Keeps how much of each framework is evidenced. Evidence ages: what was there when the wave was done need not be
    /// there at the end, if nobody has shown it again.
    pub(super) fn look_at_controls(&mut self) -> Result<(), Failure> {
        let first = self.life.waves.first().and_then(|wave| wave.sites.first());
        let Some(site) = first.and_then(|code| SiteCode::new(code.as_str()).ok()) else { return Ok(()) };
        let lines = self.journal.read(&LogId::Scope(ScopeId::Site(site.clone())), 0)?;
        let done = lines.iter().find(|line| line.entry.kind == "run.ended").map(|line| line.entry.at);
        let moments = done.map(|at| ("when it was live", at)).into_iter().chain([("at the end", self.now())]);
        let mut ledger = Ledger::open(&self.context)?;
        for (moment, at) in moments {
            for score in ledger.site(&self.journal, &site, at)?.coverage(&Framework::ALL) {
                self.life.coverage.push(CoverageLine {
                    site: site.to_string(),
                    moment: format!("{moment}, {}", self.shown(at)),
                    framework: score.label,
                    evidenced: score.evidenced,
                    required: score.required,
                    waived: score.waived,
                    partial: score.partial,
                });
            }
        }
        self.look_at_completeness(&mut ledger)
    }

    /// Keeps of every site that was launched which frameworks are complete at the end.
    fn look_at_completeness(&mut self, ledger: &mut Ledger) -> Result<(), Failure> {
        let launched = self.life.waves.iter().filter(|wave| wave.launched.is_some());
        let sites: Vec<SiteCode> = launched
            .flat_map(|wave| &wave.sites)
            .filter_map(|code| SiteCode::new(code.as_str()).ok())
            .collect();
        for site in sites {
            let found = ledger.site(&self.journal, &site, self.now())?;
            let (complete, open): (Vec<Coverage>, Vec<Coverage>) =
                found.coverage(&Framework::ALL).into_iter().partition(Coverage::is_complete);
            let lines = found.standings.iter().map(|(kind, standing)| KindLine::of(kind, standing));
            let missing = lines.filter(|line| !line.is_there());
            self.life.complete.push(CompleteLine {
                site: site.to_string(),
                complete: complete.into_iter().map(|score| score.label).collect(),
                open: open.into_iter().map(|score| (score.label, score.gaps.len())).collect(),
                missing: missing.map(|line| format!("{}: {}", line.kind, line.why)).collect(),
            });
        }
        Ok(())
    }
}
