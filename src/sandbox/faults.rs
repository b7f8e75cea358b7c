//! Fault rules: which requests go wrong, how, and how often.

use serde::{Deserialize, Serialize};

use crate::base::time::Timestamp;

/// A rule. Of the rules that match a request, the first that is not used up decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Method and path, `*` standing for any text: `POST /api/2.1/unity-catalog/catalogs*`.
    pub pattern: String,
    /// A text that the path, the query, the body or the name of the workspace holds, in any case: `hrb01`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<String>,
    /// Before this moment the rule matches nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// What goes wrong.
    pub kind: FaultKind,
    /// Matching requests that still go well.
    #[serde(default)]
    pub skip: u32,
    /// Matching requests that then go wrong.
    #[serde(default = "once")]
    pub times: u32,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// Refused before anything happens.
    Before {
        /// HTTP status.
        status: u16,
        /// `error_code` of the body.
        code: String,
    },
    /// Takes effect, and the answer is lost. A request that is refused gets its refusal, and counts all the same.
    AfterEffect {
        /// The status answered instead; without one the connection is cut.
        #[serde(default)]
        status: Option<u16>,
    },
    /// Waits in real time, then goes on.
    Stall {
        /// How long.
        millis: u64,
    },
    /// The first reads after a write show the object as it was before.
    StaleFirstRead {
        /// Reads after each write.
        reads: u32,
        /// Whether the object looks absent instead of old.
        #[serde(default)]
        absent: bool,
    },
    /// 429.
    TooMany {
        /// Seconds for `Retry-After`; without them the header is missing.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// 503.
    Unavailable,
}

fn once() -> u32 {
    1
}

/// A request as the rules look at it.
pub(super) struct Asked<'a> {
    /// Method and path.
    pub request: String,
    /// When it came.
    pub now: Timestamp,
    /// Whether it holds a text, given in lower case.
    pub holds: &'a dyn Fn(&str) -> bool,
}

impl Fault {
    /// A rule that strikes once, from the start.
    pub fn once(pattern: impl Into<String>, kind: FaultKind) -> Self {
        Self { pattern: pattern.into(), holds: None, from: None, kind, skip: 0, times: 1 }
    }

    fn matches(&self, asked: &Asked<'_>) -> bool {
        self.from.is_none_or(|from| from <= asked.now)
            && glob(self.pattern.as_bytes(), asked.request.as_bytes())
            && self.holds.as_ref().is_none_or(|text| (asked.holds)(&text.to_lowercase()))
    }

    /// Counts a matching request; whether it goes wrong.
    fn strikes(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if self.times == 0 {
            return false;
        }
        self.times -= 1;
        true
    }
}

/// What the rules say about one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Strike {
    /// What goes wrong, stale reads apart.
    pub kind: Option<FaultKind>,
    /// When the request came.
    pub came: Option<Timestamp>,
    /// Position of the rule for stale reads, with its reads and whether the object looks absent.
    pub stale: Option<(usize, u32, bool)>,
}

/// Asks the rules about a request and counts it.
pub(super) fn strike(faults: &mut [Fault], asked: &Asked<'_>) -> Strike {
    let mut strike = Strike::default();
    for (position, fault) in faults.iter_mut().enumerate().filter(|(_, fault)| fault.matches(asked)) {
        if let FaultKind::StaleFirstRead { reads, absent } = fault.kind {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if fault.times > 0 && strike.stale.is_none() {
                strike.stale = Some((position, reads, absent));
            }
        } else if strike.kind.is_none() && fault.strikes() {
            strike.kind = Some(fault.kind.clone());
        }
    }
    strike
}

/// Whether the text is what the pattern says; takes time linear in pattern times text at worst.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                last_star = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(byte) if *byte == text[at_text] => {
                at_pattern += 1;
                at_text += 1;
            }
            Some(_) | None => match last_star {
                Some((star, from)) => {
                    last_star = Some((star, from + 1));
                    at_pattern = star + 1;
                    at_text = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        let matches = |pattern: &str, text: &str| glob(pattern.as_bytes(), text.as_bytes());
        assert!(matches("POST /a/*/c", "POST /a/b/b/c"));
        assert!(matches("* /a", "GET /a"));
        assert!(matches("GET /a*", "GET /a"));
        assert!(matches("*", ""));
        assert!(!matches("GET /a", "GET /ab"));
        assert!(!matches("GET /a/*/c", "GET /a/b/d"));
    }

    #[test]
    fn a_rule_skips_then_strikes_then_is_used_up() {
        let mut faults = [Fault { skip: 1, times: 2, ..Fault::once("GET /x", FaultKind::Unavailable) }];
        let struck: Vec<bool> =
            (0..4).map(|_| strike(&mut faults, &asked("GET /x", 0)).kind.is_some()).collect();
        assert_eq!(struck, [false, true, true, false]);
        assert_eq!(strike(&mut faults, &asked("GET /y", 0)), Strike::default());
    }

    fn asked(request: &str, millis: i64) -> Asked<'static> {
        let now = Timestamp::from_millis(millis);
        Asked { request: request.to_owned(), now, holds: &|text| "{\"name\":\"prod_hrb01\"}".contains(text) }
    }

    #[test]
    fn a_rule_can_mean_one_site_and_begin_later() {
        let rule = Fault {
            holds: Some("HRB01".into()),
            from: Some(Timestamp::from_millis(500)),
            ..Fault::once("* /x", FaultKind::Unavailable)
        };
        let strikes =
            |rule: &Fault, millis| strike(&mut [rule.clone()], &asked("GET /x", millis)).kind.is_some();
        assert!(!strikes(&rule, 499));
        assert!(strikes(&rule, 500));
        assert!(!strikes(&Fault { holds: Some("CDR03".into()), ..rule }, 500));
    }

    #[test]
    fn rules_read_from_json() {
        let fault: Fault =
            serde_json::from_str(r#"{"pattern":"POST /api/*","kind":{"after_effect":{}},"skip":2}"#)
                .expect("a rule");
        assert_eq!((fault.skip, fault.times, fault.kind), (2, 1, FaultKind::AfterEffect { status: None }));
        for bad in [r#"{"pattern":"x"}"#, r#"{"pattern":"x","kind":"explode"}"#] {
            assert!(serde_json::from_str::<Fault>(bad).is_err(), "{bad}");
        }
    }
}
