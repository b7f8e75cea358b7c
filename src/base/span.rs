//! Where a piece of text stands: a file, and a range of bytes in it.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

/// A file that was read, by its place in a [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A range of bytes in one file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// Bytes from the file's start.
    pub range: Range<usize>,
}

impl Ord for Span {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |span: &Span| (span.source, span.range.start, span.range.end);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Span {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// One file that was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as shown to people, with forward slashes, relative to the estate's folder.
    pub path: String,
    /// The whole text.
    pub text: Arc<str>,
}

/// All files of one reading, so that a problem can show the line it is about.
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    sources: Vec<Source>,
}

impl SourceMap {
    /// Adds a file and returns its name in this map.
    ///
    /// # Panics
    ///
    /// With more than four billion files; the limits on reading stop far below.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<Arc<str>>) -> SourceId {
        let id = u32::try_from(self.sources.len()).expect("fewer than 2^32 files");
        self.sources.push(Source { path: path.into(), text: text.into() });
        SourceId(id)
    }

    /// Stars out what stands at a place, so that no problem near it shows it. Lines stay where they are.
    pub fn hide(&mut self, span: &Span) {
        let source = &mut self.sources[span.source.0 as usize];
        let star = |(at, letter): (usize, char)| match letter {
            '\n' => "\n".to_owned(),
            letter if span.range.contains(&at) => "*".repeat(letter.len_utf8()),
            letter => letter.to_string(),
        };
        source.text = source.text.char_indices().map(star).collect::<String>().into();
    }

    /// The file behind a name given by [`SourceMap::add`] of this map.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.sources[id.0 as usize]
    }

    /// Files in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        (0u32..).map(SourceId).zip(&self.sources)
    }

    /// Line and column of a span's start, both counted from one, the column in characters.
    pub fn position(&self, span: &Span) -> (usize, usize) {
        let text = &self.get(span.source).text;
        let before = &text[..text.floor_char_boundary(span.range.start)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// `path:line`, as people write a place.
    pub fn place(&self, span: &Span) -> String {
        format!("{}:{}", self.get(span.source).path, self.position(span).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let mut map = SourceMap::default();
        let source = map.add("sites/HRB01.toml", "a\nné = x\n");
        let span = Span { source, range: 8..9 };
        assert_eq!(map.position(&span), (2, 6));
        assert_eq!(map.place(&span), "sites/HRB01.toml:2");
        assert_eq!(map.position(&Span { source, range: 99..99 }), (3, 1));
    }
}
