//! Pages for people: one plain document of headings, tables and words, written as HTML and as PDF from the same content.
//!
//! A document knows nothing of what it tells. It is built once; both writers are pure, and the same document gives the
//! same bytes.

pub mod html;
mod letters;
mod moment;
pub mod pdf;

use crate::base::time::Timestamp;

pub use moment::Zone;

/// A page that people read and print.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What it is, in a few words: the first heading, and the title of the window.
    pub title: String,
    /// Who made it.
    pub author: String,
    /// The program that made it.
    pub producer: String,
    /// What tells this document from all others: the same for the same content.
    pub identity: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// What stands at the foot of every printed page.
    pub foot: String,
    /// Everything below the title, in order.
    pub blocks: Vec<Block>,
}

/// A piece of a document, the full width of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A heading that can be linked to.
    Heading(Heading),
    /// A paragraph.
    Paragraph(Text),
    /// A paragraph that nobody may overlook, in a frame.
    Notice(Text),
    /// Points without an order.
    List(Vec<Text>),
    /// Names with what belongs to each.
    Pairs(Vec<(String, Text)>),
    /// A table.
    Table(Table),
    /// Lines for a machine, each as it is to be typed.
    Code(Vec<String>),
    /// Shares of a whole, drawn and written.
    Shares(Vec<(String, u64)>),
}

/// A heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// How deep it stands: 2 for a section, 3 for a part of one.
    pub level: u8,
    /// Its words.
    pub words: String,
    /// Its name for links: lower-case letters, digits and hyphens.
    pub anchor: String,
}

/// A table whose rows are cells of text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, each with as many cells as there are columns.
    pub rows: Vec<Vec<Text>>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub words: String,
    /// Its share of the width.
    pub weight: u16,
}

/// Words with their emphasis and links.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// The words in order.
    pub spans: Vec<Span>,
}

/// Words of one sort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// As they are.
    Plain(String),
    /// Emphasised.
    Strong(String),
    /// For a machine.
    Code(String),
    /// A link to a file beside the document; printed, the words alone.
    File {
        /// Its path.
        path: String,
        /// The words.
        words: String,
    },
    /// A link to a heading of the document.
    Place {
        /// The heading's anchor.
        anchor: String,
        /// The words.
        words: String,
    },
    /// The end of a line.
    Break,
}

impl Block {
    /// The heading of a section, named by its words.
    pub fn section(words: &str) -> Self {
        Self::heading(2, words)
    }

    /// The heading of a part of a section, named by its words.
    pub fn part(words: &str) -> Self {
        Self::heading(3, words)
    }

    fn heading(level: u8, words: &str) -> Self {
        let hyphened =
            |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
        let anchor = words.chars().map(hyphened).collect();
        Self::Heading(Heading { level, words: words.to_owned(), anchor })
    }

    /// A heading of a section with a name of its own.
    pub fn named(anchor: &str, words: &str) -> Self {
        Self::Heading(Heading { level: 2, words: words.to_owned(), anchor: anchor.to_owned() })
    }
}

impl Table {
    /// A table without rows, from the words and weights of its columns.
    pub fn new(columns: &[(&str, u16)]) -> Self {
        let column = |(words, weight): &(&str, u16)| Column { words: (*words).to_owned(), weight: *weight };
        Self { columns: columns.iter().map(column).collect(), rows: Vec::new() }
    }

    /// The same with another row.
    pub fn push<const N: usize>(&mut self, cells: [Text; N]) {
        debug_assert_eq!(N, self.columns.len(), "a cell for each column");
        self.rows.push(cells.into());
    }

    /// Each column's share of the width.
    fn shares(&self) -> Vec<f32> {
        let whole: f32 = self.columns.iter().map(|column| f32::from(column.weight)).sum();
        self.columns.iter().map(|column| f32::from(column.weight) / whole.max(1.0)).collect()
    }
}

impl Text {
    /// No words.
    pub fn none() -> Self {
        Self::default()
    }

    /// Plain words.
    pub fn new(words: impl Into<String>) -> Self {
        Self::default().plain(words)
    }

    /// A link to a file, in words.
    pub fn link(path: impl Into<String>, words: impl Into<String>) -> Self {
        Self::default().file(path, words)
    }

    /// The same with plain words behind it.
    pub fn plain(self, words: impl Into<String>) -> Self {
        self.with(Span::Plain(words.into()))
    }

    /// The same with emphasised words behind it.
    pub fn strong(self, words: impl Into<String>) -> Self {
        self.with(Span::Strong(words.into()))
    }

    /// The same with words for a machine behind it.
    pub fn code(self, words: impl Into<String>) -> Self {
        self.with(Span::Code(words.into()))
    }

    /// The same with a link to a file behind it.
    pub fn file(self, path: impl Into<String>, words: impl Into<String>) -> Self {
        self.with(Span::File { path: path.into(), words: words.into() })
    }

    /// The same with a link to a heading behind it.
    pub fn place(self, anchor: impl Into<String>, words: impl Into<String>) -> Self {
        self.with(Span::Place { anchor: anchor.into(), words: words.into() })
    }

    /// The same with the end of a line behind it, if there is anything before.
    pub fn line(self) -> Self {
        if self.is_empty() { self } else { self.with(Span::Break) }
    }

    /// The same with another text behind it.
    pub fn text(mut self, other: Text) -> Self {
        self.spans.extend(other.spans);
        self
    }

    /// Several texts, a line each.
    pub fn lines(texts: impl IntoIterator<Item = Text>) -> Self {
        texts.into_iter().fold(Self::default(), |all, one| all.line().text(one))
    }

    /// Whether there are no words.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    fn with(mut self, span: Span) -> Self {
        self.spans.push(span);
        self
    }
}

impl From<&str> for Text {
    fn from(words: &str) -> Self {
        Self::new(words)
    }
}

impl From<String> for Text {
    fn from(words: String) -> Self {
        Self::new(words)
    }
}
