//! Fault rules: which requests go wrong, how, and how often.

use serde::{Deserialize, Serialize};

/// A rule. Of the rules that match a request, the first that is not used up decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Method and path, `*` standing for any text: `POST /api/2.1/unity-catalog/catalogs*`.
    pub pattern: String,
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

impl Fault {
    fn matches(&self, request: &str) -> bool {
        glob(self.pattern.as_bytes(), request.as_bytes())
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
    /// Position of the rule for stale reads, with its reads and whether the object looks absent.
    pub stale: Option<(usize, u32, bool)>,
}

/// Asks the rules about a request and counts it.
pub(super) fn strike(faults: &mut [Fault], method: &str, path: &str) -> Strike {
    let request = format!("{method} {path}");
    let mut strike = Strike::default();
    for (position, fault) in faults.iter_mut().enumerate().filter(|(_, fault)| fault.matches(&request)) {
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
        let mut faults =
            [Fault { pattern: "GET /x".into(), kind: FaultKind::Unavailable, skip: 1, times: 2 }];
        let struck: Vec<bool> = (0..4).map(|_| strike(&mut faults, "GET", "/x").kind.is_some()).collect();
        assert_eq!(struck, [false, true, true, false]);
        assert_eq!(strike(&mut faults, "GET", "/y"), Strike::default());
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
