//! The releases of a scope, as its log and the journal's files tell them.

use crate::base::digest::Digest;
use crate::base::id::{LogId, ScopeId, SiteCode};
use crate::journal::Journal;
use crate::model::entry::Entry;
use crate::model::plan::PlanExcerpt;
use crate::ops::error::Failure;
use crate::ops::launch::PLAN_FILE;
use crate::release::{History, Release};

/// The log of a scope.
pub(super) fn log_of(scope: &ScopeId) -> LogId {
    LogId::Scope(scope.clone())
}

/// What the log of a scope tells about releases.
///
/// # Errors
///
/// If the log is damaged.
pub fn history(journal: &dyn Journal, scope: &ScopeId) -> Result<History, Failure> {
    let lines = journal.read(&log_of(scope), 0)?;
    let entries: Vec<Entry> = lines.into_iter().map(|line| line.entry).collect();
    let plans = |digest: &Digest| excerpt(journal, digest).ok();
    History::read(&entries, &plans)
        .map_err(|e| Failure::NotVerified { what: format!("the log of {scope}: {e}") })
}

fn excerpt(journal: &dyn Journal, digest: &Digest) -> Result<PlanExcerpt, Failure> {
    let bytes = journal.get_blob(digest)?;
    let bad = |what: String| Failure::NotVerified { what: format!("{PLAN_FILE}: {what}") };
    let raw = serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
    PlanExcerpt::from_value(raw).map_err(|e| bad(e.to_string()))
}

/// The plan behind a release.
///
/// # Errors
///
/// If it is not in the journal any more, or not whole.
pub(super) fn excerpt_of(journal: &dyn Journal, release: &Release) -> Result<PlanExcerpt, Failure> {
    let file = release.files.iter().find(|file| file.path == PLAN_FILE);
    let file = file.ok_or_else(|| Failure::NotVerified {
        what: format!("the first entry of run {} names no {PLAN_FILE}", release.run),
    })?;
    excerpt(journal, &file.sha256)
}

/// The release of this name, such as `R2`.
///
/// # Errors
///
/// If there is none.
pub fn named<'h>(history: &'h History, text: &str) -> Result<&'h Release, Failure> {
    let number = text.strip_prefix(['R', 'r']).unwrap_or(text).parse().ok();
    number.and_then(|number| history.release(number)).ok_or_else(|| {
        let known: Vec<String> = history.releases.iter().map(Release::name).collect();
        let known = if known.is_empty() { "there is none yet".to_owned() } else { known.join(", ") };
        Failure::usage(format!("no release is called `{text}`"), format!("the releases are: {known}"))
    })
}

/// The scope of this name: a site's code, or `account`, `region/<name>`, `site/<CODE>`.
///
/// # Errors
///
/// If it is neither.
pub fn scope(text: &str) -> Result<ScopeId, Failure> {
    if let Ok(site) = SiteCode::new(text) {
        return Ok(ScopeId::Site(site));
    }
    text.parse().map_err(|_| {
        Failure::usage(
            format!("`{text}` is neither a site nor a scope"),
            "a scope is a site's code, account, region/<name> or site/<CODE>",
        )
    })
}

/// Every scope that has a log.
///
/// # Errors
///
/// If the journal is damaged.
pub fn scopes(journal: &dyn Journal) -> Result<Vec<ScopeId>, Failure> {
    let scope = |log: &LogId| match log {
        LogId::Scope(scope) => Some(scope.clone()),
        LogId::Org => None,
    };
    Ok(journal.heads()?.keys().filter_map(scope).collect())
}
