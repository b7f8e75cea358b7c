//! What is evidenced at the first site of the rehearsal: when its wave was done, and at the end.

use super::World;
use crate::base::id::{LogId, ScopeId, SiteCode};
use crate::controls::Framework;
use crate::journal::Journal as _;
use crate::ops::controls::Ledger;
use crate::ops::error::Failure;
use crate::report::life::CoverageLine;

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
        Ok(())
    }
}
