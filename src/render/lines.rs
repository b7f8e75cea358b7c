//! The lines of a template, cut up once, so that the one which most likely gave a rendered line is found without reading
//! the template again for each object of each scope.

use std::collections::BTreeMap;
use std::ops::Range;

/// A template's lines that are not empty.
#[derive(Default)]
pub(super) struct Lines {
    /// Where each text stands; none if it stands in several lines.
    whole: BTreeMap<String, Option<Range<usize>>>,
    /// The lines with tags in them.
    forms: Vec<Form>,
}

/// A line with tags: its fixed parts, and where it stands.
struct Form {
    parts: Vec<String>,
    range: Range<usize>,
}

impl Lines {
    /// Cuts up a template.
    pub(super) fn of(template: &str) -> Self {
        let mut lines = Self::default();
        let mut start = 0;
        for line in template.split_inclusive('\n') {
            let range = start..start + line.trim_end().len();
            start += line.len();
            let text = line.trim();
            if text.is_empty() {
                continue;
            }
            lines.forms.extend(fixed_parts(text).map(|parts| Form { parts, range: range.clone() }));
            let stands = lines.whole.entry(text.to_owned()).or_insert_with(|| Some(range.clone()));
            if stands.as_ref() != Some(&range) {
                *stands = None;
            }
        }
        lines
    }

    /// Where the only line stands that could have given this rendered line: the same text, or else one whose fixed parts
    /// stand in it in their order.
    pub(super) fn like(&self, rendered: &str) -> Option<Range<usize>> {
        let rendered = rendered.trim();
        if let Some(Some(range)) = self.whole.get(rendered) {
            return Some(range.clone());
        }
        let mut could = self.forms.iter().filter(|form| could_give(&form.parts, rendered));
        let only = could.next()?;
        if could.next().is_some() { None } else { Some(only.range.clone()) }
    }
}

/// What stands around the tags of a line; none if it has no tag, or so little around them that nothing follows from it.
fn fixed_parts(template: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        parts.push(before.to_owned());
        rest = after.split_once("}}").map_or("", |(_, after)| after.trim_start_matches('}'));
    }
    parts.push(rest.to_owned());
    let says_something = parts.iter().map(|part| part.trim().len()).sum::<usize>() >= 4;
    (parts.len() >= 2 && says_something).then_some(parts)
}

/// Whether these parts stand in a rendered line in this order, the first at its start and the last at its end.
fn could_give(parts: &[String], rendered: &str) -> bool {
    let (first, last) = (&parts[0], &parts[parts.len() - 1]);
    if !rendered.starts_with(first.as_str()) || !rendered.ends_with(last.as_str()) {
        return false;
    }
    let mut from = 0;
    parts.iter().all(|part| match rendered[from..].find(part.as_str()) {
        Some(at) => {
            from += at + part.len();
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::Lines;

    fn told<'t>(template: &'t str, rendered: &str) -> Option<&'t str> {
        Lines::of(template).like(rendered).map(|range| &template[range])
    }

    #[test]
    fn a_template_line_is_recognised_by_its_fixed_parts() {
        let template = "[[x]]\n  id = \"catalog.{{x}}\"\n{{y}}\n\nid = \"schema.{{x}}.{{y}}\"\n";
        assert_eq!(told(template, "id = \"catalog.clinical\""), Some("  id = \"catalog.{{x}}\""));
        assert_eq!(told(template, "id = \"schema.a.b\""), Some("id = \"schema.{{x}}.{{y}}\""));
        assert_eq!(told(template, "id = \"volume.clinical\""), None);
        assert_eq!(told(template, "  [[x]]  "), Some("[[x]]"));
        assert_eq!(told(template, ""), None);
    }

    #[test]
    fn of_two_lines_that_could_be_meant_none_is() {
        assert_eq!(told("a = {{b}}c\na = {{d}}c\n", "a = 1c"), None);
        assert_eq!(told("a = 1\n a = 1\n", "a = 1"), None);
        assert_eq!(
            told("abc = 1\nabc = 1\nabc = {{x}}\n", "abc = 1"),
            Some("abc = {{x}}"),
            "the form is the only one"
        );
    }
}
