//! The ways a list is cut into pages.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::answer::Refusal;
use super::store::Rows;

/// One page of a token list.
#[derive(Debug, PartialEq)]
pub(super) struct Page {
    /// The items.
    pub items: Vec<Value>,
    /// Token of the next page.
    pub next: Option<String>,
}

impl Page {
    /// `{items_key: [...], next_page_token}`; the token is left out at the end.
    pub fn into_body(self, items_key: &str) -> Value {
        let mut body = json!({ items_key: self.items });
        if let (Some(next), Some(object)) = (self.next, body.as_object_mut()) {
            object.insert("next_page_token".into(), Value::String(next));
        }
        body
    }

    /// The same page with every item changed.
    pub fn map(self, change: impl Fn(Value) -> Value) -> Page {
        Page { items: self.items.into_iter().map(change).collect(), next: self.next }
    }
}

/// The page size for what was asked: zero and nothing mean the server's own.
///
/// # Errors
/// If it is not a number of items.
pub(super) fn size(asked: Option<&str>, own: usize) -> Result<usize, Refusal> {
    let own = own.max(1);
    match asked.map(str::parse::<usize>) {
        None | Some(Ok(0)) => Ok(own),
        Some(Ok(asked)) => Ok(asked.min(own)),
        Some(Err(_)) => Err(Refusal::invalid("page size must be a number that is not negative")),
    }
}

/// Cuts the page that starts after the token's key. With `gaps`, the first page is followed by an empty one
/// that carries a token, as Unity Catalog may do at any time.
///
/// # Errors
/// If the token is none of ours.
pub(super) fn by_token(rows: Rows, token: Option<&str>, size: usize, gaps: bool) -> Result<Page, Refusal> {
    let (gap, after) = match token.filter(|token| !token.is_empty()) {
        None => (false, None),
        Some(token) => {
            let bytes = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            match bytes.as_deref().and_then(|text| text.split_once(':')) {
                Some(("gap", key)) => (true, Some(key.to_owned())),
                Some(("key", key)) => (false, Some(key.to_owned())),
                Some(_) | None => return Err(Refusal::invalid("page_token is not valid")),
            }
        }
    };
    let token = |word: &str, key: &str| URL_SAFE_NO_PAD.encode(format!("{word}:{key}"));
    if let (true, Some(key)) = (gap, &after) {
        return Ok(Page { items: Vec::new(), next: Some(token("key", key)) });
    }
    let is_first = after.is_none();
    let mut rest = rows.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after));
    let page: Vec<(String, Value)> = rest.by_ref().take(size).collect();
    let last = page.last().map(|(key, _)| key.clone()).filter(|_| rest.next().is_some());
    let next = last.map(|key| token(if gaps && is_first { "gap" } else { "key" }, &key));
    Ok(Page { items: page.into_iter().map(|(_, item)| item).collect(), next })
}

/// A SCIM list response: `startIndex` counts from one.
pub(super) fn scim(items: Vec<Value>, start: Option<&str>, count: Option<&str>, own: usize) -> Value {
    let total = items.len();
    let start = start.and_then(|text| text.parse::<usize>().ok()).unwrap_or(1).max(1);
    let count = count.and_then(|text| text.parse::<usize>().ok()).unwrap_or(own).min(own.max(1));
    let page: Vec<Value> = items.into_iter().skip(start - 1).take(count).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": page.len(),
        "Resources": page,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize) -> Rows {
        (0..count).map(|number| (format!("k{number}"), json!(number))).collect()
    }

    fn sizes(count: usize, size: usize, gaps: bool) -> Vec<usize> {
        let (mut sizes, mut token) = (Vec::new(), None);
        loop {
            let page = by_token(rows(count), token.as_deref(), size, gaps).expect("a page");
            sizes.push(page.items.len());
            token = page.next;
            if token.is_none() {
                return sizes;
            }
        }
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        assert_eq!(sizes(5, 2, false), [2, 2, 1]);
        assert_eq!(sizes(4, 2, false), [2, 2]);
        assert_eq!(sizes(0, 2, false), [0]);
    }

    #[test]
    fn a_page_may_be_empty_and_still_carry_a_token() {
        assert_eq!(sizes(5, 2, true), [2, 0, 2, 1]);
        assert_eq!(sizes(2, 2, true), [2]);
    }

    #[test]
    fn foreign_tokens_and_sizes_are_refused() {
        for token in ["x", "!!", "a2V5"] {
            assert!(by_token(rows(2), Some(token), 1, false).is_err(), "{token}");
        }
        for asked in ["-1", "x", ""] {
            assert!(size(Some(asked), 5).is_err(), "{asked}");
        }
        assert_eq!([size(Some("0"), 5), size(Some("3"), 5), size(Some("99"), 5)], [Ok(5), Ok(3), Ok(5)]);
    }

    #[test]
    fn scim_counts_from_one() {
        let list = scim(vec![json!(1), json!(2), json!(3)], Some("2"), Some("10000"), 1);
        assert_eq!(list["Resources"], json!([2]));
        assert_eq!((&list["totalResults"], &list["startIndex"]), (&json!(3), &json!(2)));
    }
}
