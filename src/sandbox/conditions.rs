//! What it is like to call the sandbox: how long answers take, how many calls it takes, how many it turns away.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::faults::FaultKind;
use super::ids::Origin;
use crate::base::limits::{SANDBOX_LIMITS_MAX, SANDBOX_REQUESTS_MAX, SANDBOX_STALL_MAX};
use crate::base::time::{Millis, Timestamp};

/// Parts of a call in one second's worth: meters count in whole thousandths, so that no rounding adds up.
const WHOLE: u64 = 1_000;

/// The conditions. By default answers come at once, and every call is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Conditions {
    /// What every call takes before it is carried out, in real time.
    pub latency_ms: u64,
    /// Calls a second that a host takes, whatever they are; any number with none.
    pub rate: Option<u32>,
    /// Calls a second of one family that a host takes. The family is the first word of the path behind the account, or
    /// behind the version: `scim`, `workspaces`, `unity-catalog`.
    pub limits: BTreeMap<String, u32>,
    /// Of a hundred calls, so many are refused with 429.
    pub busy_percent: u8,
    /// Of a hundred calls, so many are refused with 503.
    pub error_percent: u8,
}

impl Conditions {
    /// What is wrong with them, if anything is.
    pub(super) fn fault(&self) -> Option<String> {
        let slow = Millis(self.latency_ms) > SANDBOX_STALL_MAX;
        let never = self.rate == Some(0) || self.limits.values().any(|rate| *rate == 0);
        let percent = u32::from(self.busy_percent) + u32::from(self.error_percent) > 100;
        let many = self.limits.len() > SANDBOX_LIMITS_MAX;
        let tests = [
            (slow, format!("a call takes {SANDBOX_STALL_MAX} at most")),
            (never, "a rate is at least one call a second".to_owned()),
            (percent, "no more than a hundred of a hundred calls can be refused".to_owned()),
            (many, format!("there are {SANDBOX_LIMITS_MAX} limits at most")),
        ];
        tests.into_iter().find_map(|(wrong, what)| wrong.then_some(what))
    }

    /// How long a call takes.
    pub(super) fn latency(&self) -> Option<Millis> {
        (self.latency_ms > 0).then_some(Millis(self.latency_ms))
    }
}

/// What was counted so far.
#[derive(Debug, Default)]
pub(super) struct Counted {
    meters: BTreeMap<(String, String), Meter>,
    asked: BTreeMap<String, u64>,
}

impl Counted {
    /// What goes wrong with a call under these conditions. Which calls of a seed are refused follows from what they ask
    /// and how often it was asked, and not from their order.
    pub(super) fn judge(
        &mut self,
        conditions: &Conditions,
        seed: u64,
        call: &Call,
        now: Timestamp,
    ) -> Option<FaultKind> {
        self.metered(conditions, call, now).or_else(|| self.drawn(conditions, seed, call))
    }

    fn metered(&mut self, conditions: &Conditions, call: &Call, now: Timestamp) -> Option<FaultKind> {
        if conditions.rate.is_none() && conditions.limits.is_empty() {
            return None;
        }
        let (host, family) = (host(call), family(call)?);
        let own = conditions.limits.get(family).map(|rate| ((host.clone(), family.to_owned()), *rate));
        let all = conditions.rate.map(|rate| ((host, String::new()), rate));
        let due: Vec<_> = own.into_iter().chain(all).collect();
        // A call that one meter refuses is not counted by the other.
        let ready = due.iter().all(|(key, rate)| {
            if self.meters.len() >= SANDBOX_REQUESTS_MAX {
                self.meters.clear();
            }
            self.meters.entry(key.clone()).or_insert_with(|| Meter::new(*rate, now)).fill(*rate, now)
        });
        if !ready {
            return Some(FaultKind::TooMany { retry_after: Some(1) });
        }
        for (key, _) in &due {
            if let Some(meter) = self.meters.get_mut(key) {
                meter.level -= WHOLE;
            }
        }
        None
    }

    fn drawn(&mut self, conditions: &Conditions, seed: u64, call: &Call) -> Option<FaultKind> {
        let (busy, error) = (u64::from(conditions.busy_percent), u64::from(conditions.error_percent));
        if busy + error == 0 || family(call).is_none() {
            return None;
        }
        if self.asked.len() >= SANDBOX_REQUESTS_MAX {
            self.asked.clear();
        }
        let request = format!("{} {} {:?}", call.method, call.path, call.query);
        let times = self.asked.entry(request.clone()).or_default();
        *times += 1;
        let drawn = Origin::of(seed, "conditions", &request, *times).number() % 100;
        if drawn < busy {
            return Some(FaultKind::TooMany { retry_after: Some(1) });
        }
        (drawn < busy + error).then_some(FaultKind::Unavailable)
    }
}

/// A bucket that holds one second's worth of calls.
#[derive(Debug)]
struct Meter {
    level: u64,
    at: Timestamp,
}

impl Meter {
    fn new(rate: u32, now: Timestamp) -> Self {
        Self { level: u64::from(rate) * WHOLE, at: now }
    }

    /// Fills up for the time that has passed; whether it holds a call.
    fn fill(&mut self, rate: u32, now: Timestamp) -> bool {
        let rate = u64::from(rate);
        let gained = now.since(self.at).0.saturating_mul(rate);
        self.level = self.level.saturating_add(gained).min(rate * WHOLE);
        self.at = self.at.max(now);
        self.level >= WHOLE
    }
}

/// The host that counts a call: the account or a workspace.
fn host(call: &Call) -> String {
    let workspace = call.workspace.clone().or_else(|| call.host_label().map(str::to_owned));
    match call.segments.get(2).map(String::as_str) {
        Some("accounts") => "account".to_owned(),
        _ => workspace.unwrap_or_else(|| "account".to_owned()),
    }
}

/// The family of a call; none for sign-in, which is counted by nobody.
fn family(call: &Call) -> Option<&str> {
    let words: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["api", _, "accounts", _, family, ..] => Some(family),
        ["api", _, "preview", family, ..] | ["api", _, family, ..] => Some(family),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn get(path: &str) -> Call {
        Call::new("GET", path, "").expect("a call")
    }

    #[test]
    fn a_host_takes_one_seconds_worth_at_once_and_then_its_rate() {
        let conditions = Conditions { rate: Some(2), ..Conditions::default() };
        let mut counted = Counted::default();
        let account = get("/api/2.0/accounts/a/workspaces");
        let workspace = Call { workspace: Some("7".into()), ..get("/api/2.1/unity-catalog/catalogs") };
        let mut taken = |call: &Call, millis| counted.judge(&conditions, 1, call, at(millis)).is_none();
        let told: Vec<bool> =
            [0, 0, 0, 499, 500, 500, 60_000].iter().map(|millis| taken(&account, *millis)).collect();
        assert_eq!(told, [true, true, false, false, true, false, true]);
        assert!(taken(&workspace, 0), "another host counts by itself");
        assert!(taken(&get("/oidc/v1/token"), 0), "sign-in is not counted");
    }

    #[test]
    fn a_family_has_a_limit_of_its_own_and_a_refused_call_costs_nothing() {
        let limits = BTreeMap::from([("scim".to_owned(), 1)]);
        let conditions = Conditions { rate: Some(3), limits, ..Conditions::default() };
        let mut counted = Counted::default();
        let mut taken = |path: &str| counted.judge(&conditions, 1, &get(path), at(0)).is_none();
        let told = ["scim/v2/Groups", "scim/v2/Groups", "workspaces", "workspaces", "workspaces"]
            .map(|path| taken(&format!("/api/2.0/accounts/a/{path}")));
        assert_eq!(told, [true, false, true, true, false]);
    }

    #[test]
    fn a_part_of_the_calls_is_refused_the_same_ones_for_the_same_seed() {
        let conditions = Conditions { busy_percent: 5, error_percent: 2, ..Conditions::default() };
        let told = |seed, reversed: bool| {
            let mut counted = Counted::default();
            let mut numbers: Vec<u32> = (0..2_000).collect();
            if reversed {
                numbers.reverse();
            }
            let mut told: Vec<(u32, Option<FaultKind>)> = numbers
                .into_iter()
                .map(|n| {
                    let call = get(&format!("/api/2.1/unity-catalog/catalogs/c{n}"));
                    (n, counted.judge(&conditions, seed, &call, at(0)))
                })
                .collect();
            told.sort_by_key(|(n, _)| *n);
            told
        };
        assert_eq!(told(1, false), told(1, true));
        assert_ne!(told(1, false), told(2, false));
        let count =
            |kind: &FaultKind| told(1, false).iter().filter(|(_, told)| told.as_ref() == Some(kind)).count();
        let (busy, error) =
            (count(&FaultKind::TooMany { retry_after: Some(1) }), count(&FaultKind::Unavailable));
        assert!((70..130).contains(&busy) && (20..60).contains(&error), "{busy} {error}");
    }

    #[test]
    fn conditions_that_make_no_sense_are_refused() {
        let wrong = [
            Conditions { rate: Some(0), ..Conditions::default() },
            Conditions { busy_percent: 60, error_percent: 60, ..Conditions::default() },
            Conditions { latency_ms: u64::MAX, ..Conditions::default() },
        ];
        assert!(wrong.iter().all(|one| one.fault().is_some()));
        assert_eq!(Conditions::default().fault(), None);
    }
}
