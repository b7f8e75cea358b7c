//! A document as PDF: A4, embedded fonts, numbered pages, an outline, and links to its own headings alone. It is PDF/A-2u,
//! the form that archives take: nothing in it comes from elsewhere, and every glyph says which letter it is.

mod draw;
mod flow;
mod fonts;
mod lines;

use super::Document;
use fonts::Fonts;

/// Why a document cannot be written as PDF.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    /// It has too many pages.
    #[error("it has more than {most} pages")]
    TooLong {
        /// As many as there may be.
        most: usize,
    },
    /// The embedded fonts or the drawing do not make a sound file.
    #[error("it cannot be written as PDF: {what}")]
    Unsound {
        /// What is wrong.
        what: String,
    },
}

/// The bytes of the PDF.
///
/// # Errors
///
/// If it has more pages than anybody reads.
pub fn pages(document: &Document) -> Result<Vec<u8>, PdfError> {
    let fonts = Fonts::embedded().ok_or_else(|| unsound("the embedded fonts cannot be read"))?;
    let laid = flow::lay(document, &fonts)?;
    draw::drawn(document, &fonts, &laid)
}

fn unsound(what: impl Into<String>) -> PdfError {
    PdfError::Unsound { what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::PDF_PAGES_MAX;
    use crate::document::{Block, Table, Text};

    fn document(blocks: Vec<Block>) -> Document {
        Document {
            title: "Evidence of site HRB01".into(),
            author: "compliance".into(),
            producer: "landfall 0.1.0".into(),
            identity: "an id".into(),
            made_at: "2027-01-12T06:06:12.402Z".parse().expect("a moment"),
            foot: "HRB01".into(),
            blocks,
        }
    }

    #[test]
    fn the_same_document_gives_the_same_bytes() {
        let one = document(vec![Block::section("One"), Block::Paragraph("some words".into())]);
        let bytes = pages(&one).expect("written");
        assert!(bytes.starts_with(b"%PDF-1.7"));
        assert_eq!(bytes, pages(&one).expect("written"));
        let other = Document { identity: "another".into(), ..one };
        assert_ne!(bytes, pages(&other).expect("written"));
    }

    #[test]
    fn whatever_comes_in_a_sound_file_comes_out() {
        let evil = format!("\u{202e}\u{0}東{}\u{fffe}\u{10ffff}", "x".repeat(5_000));
        let mut table = Table::new(&[("a\u{1f600}", 1), ("b", 0), ("c", 900)]);
        for _ in 0..4 {
            table.push([evil.as_str().into(), evil.as_str().into(), Text::none()]);
        }
        let blocks = vec![
            Block::Heading(crate::document::Heading { level: 2, words: evil.clone(), anchor: evil.clone() }),
            Block::Notice(Text::new(&evil).code(&evil)),
            Block::Pairs(vec![(evil.clone(), evil.as_str().into())]),
            Block::List(vec![Text::none().place("nowhere", &evil)]),
            Block::Table(table),
            Block::Code(vec![evil.clone(), String::new()]),
            Block::Shares(vec![(evil.clone(), u64::from(u32::MAX)), (String::new(), 0)]),
            Block::Table(Table::default()),
        ];
        let bytes =
            pages(&Document { title: evil.clone(), foot: evil, ..document(blocks) }).expect("written");
        assert!(bytes.len() > 1000);
    }

    #[test]
    fn a_document_without_end_is_refused() {
        let blocks = vec![Block::Paragraph(Text::new("a ").line().line()); 25 * PDF_PAGES_MAX];
        assert_eq!(pages(&document(blocks)), Err(PdfError::TooLong { most: PDF_PAGES_MAX }));
    }
}
