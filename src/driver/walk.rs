//! Walks the pages of one list and keeps the proof of it: how many items each page had, and how the last one was known to
//! be the last. Pure: pages in, the next question out.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::base::digest::Digest;
use crate::base::limits::{LIST_ITEMS_MAX, LIST_PAGES_MAX};
use crate::model::kind::Paging;
use crate::model::population::PagesEnd;

/// Items of one SCIM page.
const SCIM_COUNT: usize = 1_000;

/// A list that is being read.
#[derive(Debug)]
pub struct Walk {
    paging: Paging,
    at: String,
    items: Vec<Value>,
    pages: Vec<u32>,
    tokens: BTreeSet<String>,
    seen: BTreeSet<Digest>,
}

/// What comes after a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Another page, asked for with these parameters.
    More(Vec<(String, String)>),
    /// Nothing.
    Over(PagesEnd),
}

impl Walk {
    /// A list whose items stand at a pointer of each page.
    pub fn new(paging: Paging, at: &str) -> Self {
        let (items, pages) = (Vec::new(), Vec::new());
        Self { paging, at: at.to_owned(), items, pages, tokens: BTreeSet::new(), seen: BTreeSet::new() }
    }

    /// The parameters of the first page.
    pub fn first(&self) -> Vec<(String, String)> {
        match self.paging {
            Paging::Scim => self.scim_page(),
            Paging::None | Paging::Array | Paging::Token => Vec::new(),
        }
    }

    /// Takes a page, and says what comes next. A page that does not fit is not taken.
    pub fn take(&mut self, mut page: Value) -> Turn {
        let items = match page.pointer_mut(&self.at).map(Value::take) {
            Some(Value::Array(items)) => items,
            // A list without items is often left out.
            Some(Value::Null) | None if !self.at.is_empty() => Vec::new(),
            _ => return cut("an answer is not a list"),
        };
        let is_empty = items.is_empty();
        for item in &items {
            if !self.seen.insert(Digest::of_canonical(item)) {
                return cut(
                    "the same item came twice: the list moved while it was read, or its pages repeat",
                );
            }
        }
        self.pages.push(u32::try_from(items.len()).unwrap_or(u32::MAX));
        self.items.extend(items);
        if self.items.len() > LIST_ITEMS_MAX {
            return cut("it has more items than can be");
        }
        let turn = match self.paging {
            Paging::None | Paging::Array => {
                exhausted("one answer: the call has no pages, and the answer names no next one", &page)
            }
            Paging::Token => self.after_token(&page),
            Paging::Scim => self.after_scim(&page, is_empty),
        };
        match turn {
            Turn::More(_) if self.pages.len() >= LIST_PAGES_MAX => cut("its pages do not end"),
            turn => turn,
        }
    }

    fn after_token(&mut self, page: &Value) -> Turn {
        match next_token(page) {
            None => exhausted("the last page has no next_page_token", &Value::Null),
            Some(token) if !self.tokens.insert(token.to_owned()) => {
                cut("a page names a page that was read before")
            }
            Some(token) => Turn::More(vec![("page_token".to_owned(), token.to_owned())]),
        }
    }

    fn after_scim(&self, page: &Value, is_empty: bool) -> Turn {
        let read = self.items.len() as u64;
        match page.get("totalResults").and_then(Value::as_u64) {
            Some(total) if read > total => cut(&format!("it gave {read} items and counts {total}")),
            Some(total) if read == total => {
                exhausted(&format!("as many items as totalResults says: {total}"), &Value::Null)
            }
            Some(total) if is_empty => cut(&format!("it ended after {read} of {total} items")),
            None if is_empty => exhausted("the last page is empty", &Value::Null),
            Some(_) | None => Turn::More(self.scim_page()),
        }
    }

    fn scim_page(&self) -> Vec<(String, String)> {
        let start = ("startIndex".to_owned(), (self.items.len() + 1).to_string());
        vec![start, ("count".to_owned(), SCIM_COUNT.to_string())]
    }

    /// Everything that was read, and how many items each page had.
    pub fn end(self) -> (Vec<Value>, Vec<u32>) {
        (self.items, self.pages)
    }
}

fn next_token(page: &Value) -> Option<&str> {
    page.get("next_page_token").and_then(Value::as_str).filter(|token| !token.is_empty())
}

fn cut(why: &str) -> Turn {
    Turn::Over(PagesEnd::Cut { why: why.to_owned() })
}

/// A list without pages that names a next one all the same has not shown everything.
fn exhausted(proof: &str, page: &Value) -> Turn {
    match next_token(page) {
        Some(_) => cut("the call has no pages, but its answer names a next one"),
        None => Turn::Over(PagesEnd::Exhausted { proof: proof.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// How a list ends that answers with these pages, and how many items each had.
    fn walked(paging: Paging, at: &str, pages: &[Value]) -> (String, Vec<u32>) {
        let mut walk = Walk::new(paging, at);
        let mut end = "there is no further page".to_owned();
        for page in pages {
            if let Turn::Over(over) = walk.take(page.clone()) {
                end = match over {
                    PagesEnd::Exhausted { .. } => "whole".to_owned(),
                    PagesEnd::Cut { why } => why,
                };
                break;
            }
        }
        (end, walk.end().1)
    }

    #[test]
    fn a_list_is_whole_only_when_its_last_page_says_so() {
        let page = |items: Value, next: &str| json!({ "items": items, "next_page_token": next });
        let token = |pages: &[Value]| walked(Paging::Token, "/items", pages);
        let whole = |pages: &[u32]| ("whole".to_owned(), pages.to_vec());
        assert_eq!(
            token(&[page(json!([1, 2]), "a"), page(json!([]), "b"), page(json!([3]), "")]),
            whole(&[2, 0, 1])
        );
        assert_eq!(token(&[json!({})]), whole(&[0]));
        let (end, _) = token(&[page(json!([1]), "a"), page(json!([2]), "a")]);
        assert_eq!(end, "a page names a page that was read before");
        let (end, _) = token(&[page(json!([1]), "a"), page(json!([2]), "b"), page(json!([3]), "a")]);
        assert_eq!(end, "a page names a page that was read before", "a longer circle");
        let (end, pages) = token(&[page(json!([1]), "a"), page(json!([1]), "")]);
        assert!(end.starts_with("the same item came twice") && pages == [1], "{end} {pages:?}");
        assert_eq!(token(&[json!({ "items": 7 })]).0, "an answer is not a list");
        assert_eq!(token(&[page(json!([1]), "a")]).0, "there is no further page", "page 1 of 2 is no list");
    }

    #[test]
    fn scim_lists_must_give_as_many_as_they_count() {
        let page = |items: Value, total: u64| json!({ "Resources": items, "totalResults": total });
        let scim = |pages: &[Value]| walked(Paging::Scim, "/Resources", pages).0;
        assert_eq!(scim(&[page(json!([1, 2]), 3), page(json!([3]), 3)]), "whole");
        assert_eq!(scim(&[page(json!([1]), 10), page(json!([]), 10)]), "it ended after 1 of 10 items");
        assert_eq!(scim(&[page(json!([1, 2]), 1)]), "it gave 2 items and counts 1");
        assert!(scim(&[page(json!([1]), 3), page(json!([1]), 3)]).starts_with("the same item came twice"));
        let mut walk = Walk::new(Paging::Scim, "/Resources");
        assert_eq!(walk.first()[0], ("startIndex".to_owned(), "1".to_owned()));
        let Turn::More(next) = walk.take(page(json!([1, 2]), 3)) else { panic!("there is more") };
        assert_eq!(next[0], ("startIndex".to_owned(), "3".to_owned()));
    }

    #[test]
    fn one_answer_that_names_another_is_not_whole() {
        assert_eq!(walked(Paging::Array, "", &[json!([1, 2])]).0, "whole");
        assert_eq!(walked(Paging::None, "/policies", &[json!({ "policies": [1] })]).0, "whole");
        let more = json!({ "policies": [1], "next_page_token": "x" });
        assert!(walked(Paging::None, "/policies", &[more]).0.starts_with("the call has no pages"));
        assert_eq!(walked(Paging::Array, "", &[json!({ "error": 1 })]).0, "an answer is not a list");
    }

    #[test]
    fn pages_without_end_end() {
        let mut walk = Walk::new(Paging::Token, "/items");
        for number in 0..LIST_PAGES_MAX + 1 {
            if let Turn::Over(end) = walk.take(json!({ "next_page_token": number.to_string() })) {
                assert_eq!(end, PagesEnd::Cut { why: "its pages do not end".to_owned() });
                return;
            }
        }
        panic!("it went on");
    }
}
