//! Faults of a rehearsal as they are typed: `create databricks.catalog@RVB07=fail`, `read catalog@HRB01=gone+40m`,
//! `PATCH /api/2.1/unity-catalog/*=busy:3`.

use crate::base::diagnostic::nearest;
use crate::base::redact::shown;
use crate::base::time::{Millis, Timestamp};
use crate::kind::Registry;
use crate::model::kind::Kind;
use crate::ops::error::Failure;
use crate::sandbox::{Fault, FaultKind};

/// How things go wrong, by word.
const HOW: [How; 7] = [
    How { word: "fail", times: u32::MAX, kind: || refusal(400, "INVALID_PARAMETER_VALUE") },
    How { word: "denied", times: u32::MAX, kind: || refusal(403, "PERMISSION_DENIED") },
    How { word: "gone", times: u32::MAX, kind: || refusal(404, "RESOURCE_DOES_NOT_EXIST") },
    How { word: "busy", times: 3, kind: || FaultKind::TooMany { retry_after: Some(5) } },
    How { word: "down", times: 3, kind: || FaultKind::Unavailable },
    How { word: "lost", times: 1, kind: || FaultKind::AfterEffect { status: None } },
    How { word: "stale", times: 1, kind: || FaultKind::StaleFirstRead { reads: 3, absent: false } },
];

struct How {
    word: &'static str,
    /// How often, where nothing is said.
    times: u32,
    kind: fn() -> FaultKind,
}

fn refusal(status: u16, code: &str) -> FaultKind {
    FaultKind::Before { status, code: code.to_owned() }
}

/// The requests that a verb means for a kind.
type Requests = fn(&Kind) -> Vec<String>;

/// The verbs.
const VERBS: [(&str, Requests); 4] =
    [("create", creates), ("read", reads), ("update", updates), ("delete", deletes)];

/// The sandbox's rules for one typed fault. `began` is when the rehearsal begins.
///
/// # Errors
///
/// If the words are not understood; the message says what may be typed.
pub fn parse(typed: &str, began: Timestamp) -> Result<Vec<Fault>, Failure> {
    let (what, how) = typed.rsplit_once('=').unwrap_or((typed, "fail"));
    let (what, site) = match what.rsplit_once('@') {
        Some((what, site)) => (what, Some(site.trim())),
        None => (what, None),
    };
    let (kind, times, from) = how_of(how.trim(), began)?;
    let rule = |pattern: String| Fault {
        holds: site.map(str::to_owned),
        from,
        times,
        ..Fault::once(pattern, kind.clone())
    };
    Ok(patterns(what.trim())?.into_iter().map(rule).collect())
}

fn how_of(text: &str, began: Timestamp) -> Result<(FaultKind, u32, Option<Timestamp>), Failure> {
    let (text, delay) = match text.split_once('+') {
        Some((text, delay)) => (text, Some(delay)),
        None => (text, None),
    };
    let (word, times) = match text.split_once(':') {
        Some((word, times)) => (word, Some(times)),
        None => (text, None),
    };
    let how = HOW.iter().find(|how| how.word == word).ok_or_else(|| {
        let words = HOW.map(|how| how.word);
        let near = nearest(word, words).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        let message = format!("`{}` is not a way to go wrong", shown(word));
        Failure::usage(message, format!("{near}there are {}", words.join(", ")))
    })?;
    let times = match times {
        Some(text) => text.parse().ok().filter(|times| *times > 0).ok_or_else(|| {
            let message = format!("`{}` is not a number of times", shown(text));
            Failure::usage(message, "write for example busy:3")
        })?,
        None => how.times,
    };
    let from = match delay {
        Some(text) => {
            let delay: Millis = text.parse().map_err(|_| {
                let message = format!("`{}` is not a length of time", shown(text));
                Failure::usage(message, "write for example gone+40m")
            })?;
            Some(began + delay)
        }
        None => None,
    };
    Ok(((how.kind)(), times, from))
}

fn patterns(what: &str) -> Result<Vec<String>, Failure> {
    let help = "write VERB KIND, for example `create databricks.catalog`, or METHOD /path*";
    let Some((verb, object)) = what.split_once(' ') else {
        return Err(Failure::usage(format!("`{}` does not say what goes wrong", shown(what)), help));
    };
    let object = object.trim();
    if object.starts_with('/') || object.starts_with('*') {
        return Ok(vec![format!("{verb} {object}")]);
    }
    let Some((_, requests)) = VERBS.iter().find(|(word, _)| *word == verb) else {
        let words = VERBS.map(|(word, _)| word).join(", ");
        let message = format!("`{}` is not a verb", shown(verb));
        return Err(Failure::usage(message, format!("there are {words}; {help}")));
    };
    let registry = Registry::standard();
    let full = if object.contains('.') { object.to_owned() } else { format!("databricks.{object}") };
    let kind = registry.kinds().find(|kind| kind.name.as_str() == full).ok_or_else(|| {
        let near = nearest(&full, registry.kinds().map(|kind| kind.name.as_str()));
        let near = near.map_or(String::new(), |near| format!("did you mean `{near}`?"));
        Failure::usage(format!("there is no kind `{}`", shown(object)), near)
    })?;
    let found = requests(kind);
    if found.is_empty() {
        return Err(Failure::usage(format!("nobody can {verb} a {}", kind.title), help));
    }
    Ok(found)
}

fn creates(kind: &Kind) -> Vec<String> {
    kind.calls.create.iter().map(|call| request(call.method.word(), &call.path)).collect()
}

fn reads(kind: &Kind) -> Vec<String> {
    let read = kind.calls.read.iter().map(|call| request("GET", &call.path));
    read.chain(kind.calls.list.iter().map(|call| request("GET", &call.path))).collect()
}

fn updates(kind: &Kind) -> Vec<String> {
    kind.calls.update.iter().map(|call| request(call.method.word(), &call.path)).collect()
}

fn deletes(kind: &Kind) -> Vec<String> {
    kind.calls.delete.iter().map(|call| request(call.method.word(), &call.path)).collect()
}

/// Method and path with a star for everything that is filled in.
fn request(method: &str, path: &str) -> String {
    let mut pattern = format!("{method} ");
    let mut depth = 0_u32;
    for letter in path.chars() {
        match letter {
            '{' => {
                depth += 1;
                if depth == 1 {
                    pattern.push('*');
                }
            }
            '}' => depth = depth.saturating_sub(1),
            letter if depth == 0 => pattern.push(letter),
            _ => {}
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_as(typed: &str) -> String {
        let began = "2027-03-15T09:00:00Z".parse().expect("a moment");
        match parse(typed, began) {
            Ok(faults) => {
                let one = |fault: &Fault| {
                    let holds = fault.holds.as_ref().map_or(String::new(), |site| format!(" at {site}"));
                    let from = fault.from.map_or(String::new(), |from| format!(" from {from}"));
                    let times =
                        if fault.times == u32::MAX { "always".to_owned() } else { fault.times.to_string() };
                    format!("{}{holds}{from}: {:?} {times}", fault.pattern, fault.kind)
                };
                faults.iter().map(one).collect::<Vec<_>>().join("\n")
            }
            Err(failure) => format!("error: {failure}"),
        }
    }

    #[test]
    fn what_is_typed_becomes_rules() {
        assert_eq!(
            shown_as("create catalog@RVB07"),
            "POST /api/2.1/unity-catalog/catalogs at RVB07: \
             Before { status: 400, code: \"INVALID_PARAMETER_VALUE\" } always"
        );
        assert_eq!(
            shown_as("PATCH /api/2.1/*=busy:2"),
            "PATCH /api/2.1/*: TooMany { retry_after: Some(5) } 2"
        );
        let gone = shown_as("read databricks.catalog@HRB01=gone+40m");
        assert!(
            gone.contains("GET /api/2.1/unity-catalog/catalogs/* at HRB01 from 2027-03-15T09:40:00"),
            "{gone}"
        );
        assert_eq!(gone.lines().count(), 2, "a kind is read one by one and by lists: {gone}");
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (typed, part) in [
            ("catalog", "does not say what goes wrong"),
            ("create catalogue", "no kind"),
            ("make catalog", "not a verb"),
            ("create catalog=explode", "not a way to go wrong"),
            ("create catalog=busy:0", "not a number"),
            ("create catalog=gone+soon", "not a length of time"),
        ] {
            assert!(shown_as(typed).contains(part), "{typed}: {}", shown_as(typed));
        }
    }
}
