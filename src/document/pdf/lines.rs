//! Words broken into lines of a given width.

use crate::document::letters::{numbered, visible};
use crate::document::{Span, Text};

use super::fonts::{Face, Fonts, Shape};

/// Letters of one sort that stand side by side.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) face: Face,
    /// The heading that it links to.
    pub(super) place: Option<String>,
    pub(super) words: String,
    pub(super) shapes: Vec<Shape>,
}

impl Run {
    /// Its width at size one.
    pub(super) fn width(&self) -> f32 {
        self.shapes.iter().map(|shape| shape.width).sum()
    }
}

/// A line.
pub(super) type Line = Vec<Run>;

/// How letters of a text are set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) face: Face,
    pub(super) size: f32,
    pub(super) width: f32,
}

#[derive(Clone, Copy)]
struct Letter {
    letter: char,
    shape: Shape,
    /// The span that it comes from; nothing is known of lines' ends.
    span: usize,
}

/// Breaks a text into lines. No letter is left out: what a font lacks stands as its number.
pub(super) fn lines(fonts: &Fonts, text: &Text, setting: Setting) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut open: Vec<Letter> = Vec::new();
    for (place, span) in text.spans.iter().enumerate() {
        match words(span) {
            Some(words) => open.extend(letters(fonts, &visible(words), face(span, setting.face), place)),
            None => {
                broken(&open, setting.width / setting.size, &mut |letters| {
                    lines.push(line(letters, text, setting))
                });
                open.clear();
            }
        }
    }
    broken(&open, setting.width / setting.size, &mut |letters| lines.push(line(letters, text, setting)));
    lines
}

fn words(span: &Span) -> Option<&str> {
    match span {
        Span::Plain(words)
        | Span::Strong(words)
        | Span::Code(words)
        | Span::File { words, .. }
        | Span::Place { words, .. } => Some(words),
        Span::Break => None,
    }
}

fn face(span: &Span, given: Face) -> Face {
    match span {
        Span::Strong(_) => Face::Strong,
        Span::Code(_) => Face::Code,
        Span::Plain(_) | Span::File { .. } | Span::Place { .. } | Span::Break => given,
    }
}

fn letters(fonts: &Fonts, words: &str, face: Face, span: usize) -> Vec<Letter> {
    let mut letters = Vec::with_capacity(words.len());
    for letter in words.chars() {
        match fonts.shape(face, letter) {
            Some(shape) => letters.push(Letter { letter, shape, span }),
            None => letters.extend(
                numbered(letter)
                    .chars()
                    .filter_map(|letter| Some(Letter { letter, shape: fonts.shape(face, letter)?, span })),
            ),
        }
    }
    letters
}

/// Cuts letters into lines no wider than `width`: at spaces, in long words at a sign, else anywhere.
fn broken<'l>(letters: &'l [Letter], width: f32, line: &mut impl FnMut(&'l [Letter])) {
    let mut rest = letters;
    loop {
        let end = fitting(rest, width);
        if end == rest.len() {
            line(rest);
            return;
        }
        let space = rest[..=end].iter().rposition(|one| one.letter == ' ').filter(|at| *at > 0);
        let behind = rest[..end].iter().rposition(|one| "/_.:,;-=|&?".contains(one.letter)).map(|at| at + 1);
        let before = rest[..=end].iter().rposition(|one| one.letter == '(').filter(|at| *at > 0);
        let sign = behind.max(before);
        // A long path is not pushed down whole if that leaves most of the line empty.
        let cut = match (space, sign) {
            (Some(space), Some(sign)) if space * 3 < end && sign > space + 1 => sign,
            (Some(space), _) => space,
            (None, Some(sign)) => sign,
            (None, None) => end,
        };
        line(&rest[..cut]);
        rest = &rest[cut..];
        while rest.first().is_some_and(|one| one.letter == ' ') {
            rest = &rest[1..];
        }
    }
}

/// How many letters fit, and at least one.
fn fitting(letters: &[Letter], width: f32) -> usize {
    let mut wide = 0.0;
    for (place, one) in letters.iter().enumerate() {
        wide += one.shape.width;
        if wide > width && one.letter != ' ' {
            return place.max(1);
        }
    }
    letters.len()
}

fn line(letters: &[Letter], text: &Text, setting: Setting) -> Line {
    let mut line: Line = Vec::new();
    let mut last = None;
    for one in letters {
        if last != Some(one.span) {
            let span = &text.spans[one.span];
            let place = match span {
                Span::Place { anchor, .. } => Some(anchor.clone()),
                Span::Plain(_) | Span::Strong(_) | Span::Code(_) | Span::File { .. } | Span::Break => None,
            };
            line.push(Run {
                face: face(span, setting.face),
                place,
                words: String::new(),
                shapes: Vec::new(),
            });
            last = Some(one.span);
        }
        if let Some(run) = line.last_mut() {
            run.words.push(one.letter);
            run.shapes.push(one.shape);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &Text, width: f32) -> Vec<String> {
        let fonts = Fonts::embedded().expect("fonts");
        let setting = Setting { face: Face::Plain, size: 10.0, width };
        let joined = |line: &Line| line.iter().map(|run| run.words.as_str()).collect::<String>();
        lines(&fonts, text, setting).iter().map(joined).collect()
    }

    #[test]
    fn lines_end_at_spaces_then_behind_signs_then_anywhere() {
        assert_eq!(set(&"one two three".into(), 45.0), ["one two", "three"]);
        assert_eq!(
            set(&"evidence/0003-catalog.clinical".into(), 80.0),
            ["evidence/0003-", "catalog.clinical"]
        );
        assert_eq!(set(&"164.308(a)(1)(ii)(A)".into(), 70.0), ["164.308(a)(1)", "(ii)(A)"]);
        let long = set(&"x".repeat(40).into(), 50.0);
        assert!(long.len() > 3 && long.concat() == "x".repeat(40), "{long:?}");
        assert_eq!(set(&Text::new("a").line().plain("b"), 50.0), ["a", "b"]);
    }

    #[test]
    fn what_a_font_lacks_or_hides_stands_as_its_number() {
        assert_eq!(set(&"a東\u{202e}b".into(), 500.0), ["a[U+6771][U+202E]b"]);
        assert_eq!(set(&"✓ ✗ → é Ω ж".into(), 500.0), ["✓ ✗ → é Ω ж"]);
    }
}
