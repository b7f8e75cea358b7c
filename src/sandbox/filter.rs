//! SCIM filters: comparisons joined by `or`.

use serde_json::Value;

use super::answer::Refusal;

/// One comparison.
pub(super) struct Clause {
    attribute: String,
    operator: String,
    value: String,
}

impl Clause {
    /// Whether the item passes.
    pub fn holds(&self, item: &Value) -> bool {
        let own = item
            .as_object()
            .and_then(|object| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(&self.attribute)))
            .and_then(|(_, value)| value.as_str())
            .unwrap_or_default()
            .to_lowercase();
        match self.operator.as_str() {
            "eq" => own == self.value,
            "ne" => own != self.value,
            "co" => own.contains(&self.value),
            _ => own.starts_with(&self.value),
        }
    }
}

/// `attribute op "value"` clauses joined by `or`, with at most as many as the real service takes.
///
/// # Errors
/// If the filter says more than that, or too much.
pub(super) fn clauses(filter: &str) -> Result<Vec<Clause>, Refusal> {
    let bad = || Refusal::scim(400, format!("the filter is not supported: {filter}"));
    let mut clauses = Vec::new();
    let mut rest = filter.trim();
    loop {
        let (attribute, tail) = rest.split_once(' ').ok_or_else(bad)?;
        let (operator, tail) = tail.trim_start().split_once(' ').ok_or_else(bad)?;
        if !matches!(operator, "eq" | "ne" | "co" | "sw") {
            return Err(bad());
        }
        let (value, tail) = quoted(tail.trim_start()).ok_or_else(bad)?;
        clauses.push(Clause {
            attribute: attribute.to_owned(),
            operator: operator.to_owned(),
            value: value.to_lowercase(),
        });
        if clauses.len() > 200 {
            return Err(Refusal::scim(400, "INVALID_FILTER: more than 200 nodes"));
        }
        rest = match tail.trim() {
            "" => return Ok(clauses),
            tail => tail.strip_prefix("or ").ok_or_else(bad)?.trim_start(),
        };
    }
}

/// A quoted text with backslash escapes, and what follows it. Bare words are taken as they are.
fn quoted(text: &str) -> Option<(String, &str)> {
    let Some(inner) = text.strip_prefix('"') else {
        let end = text.find(' ').unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let (mut value, mut letters) = (String::new(), inner.char_indices());
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &inner[place + 1..])),
            '\\' => value.push(letters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn passes(filter: &str) -> Option<Vec<bool>> {
        let items = [json!({ "displayName": "Nurses \"A\"" }), json!({ "displayName": "doctors" })];
        let clauses = clauses(filter).ok()?;
        Some(items.iter().map(|item| clauses.iter().any(|clause| clause.holds(item))).collect())
    }

    #[test]
    fn comparisons_fold_case_and_take_escapes() {
        assert_eq!(passes(r#"displayName eq "nurses \"a\"""#), Some(vec![true, false]));
        assert_eq!(passes(r#"displayname co "s""#), Some(vec![true, true]));
        assert_eq!(passes(r#"displayName sw "doc" or displayName eq "x""#), Some(vec![false, true]));
        assert_eq!(passes("displayName ne doctors"), Some(vec![true, false]));
    }

    #[test]
    fn other_filters_are_refused() {
        let long = vec![r#"a eq "b""#; 201].join(" or ");
        for bad in ["", "displayName", "a gt \"b\"", "a eq \"b", "a eq \"b\" and c eq \"d\"", &long] {
            assert_eq!(passes(bad), None, "{bad}");
        }
    }
}
