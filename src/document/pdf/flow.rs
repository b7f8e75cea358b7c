//! Blocks laid onto pages: where every line, rule and box stands. Nothing is drawn yet.

mod table;

use std::collections::BTreeMap;

use crate::base::limits::PDF_PAGES_MAX;
use crate::document::{Block, Document, Heading, Text};

use super::PdfError;
use super::fonts::{Face, Fonts};
use super::lines::{Line, Setting, lines};

/// A4 in points.
pub(super) const PAGE: (f32, f32) = (595.28, 841.89);
/// White at the left and right.
pub(super) const SIDE: f32 = 45.0;
const TOP: f32 = 42.0;
/// Where the text of a page ends; the foot stands below.
const BOTTOM: f32 = PAGE.1 - 52.0;
/// The width of text.
pub(super) const WIDE: f32 = PAGE.0 - 2.0 * SIDE;
/// The size of text.
const BODY: f32 = 8.6;
/// From one line to the next, as a share of the size.
const LEADING: f32 = 1.3;
/// The share of a line's height that lies above its base.
const RISE: f32 = 0.98;
/// Lines of one frame; a longer notice has several.
const NOTICE_LINES_MAX: usize = 40;
/// Room that a heading needs below it, so that it never ends a page.
const BELOW_HEADING: f32 = 60.0;

/// Something to draw. Places are in points from the upper left corner.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    /// A line of text, by the left end of its base.
    Words { x: f32, y: f32, size: f32, line: Line },
    /// A horizontal line.
    Rule { x: f32, y: f32, wide: f32, thick: f32, grey: u8 },
    /// An area.
    Area { x: f32, y: f32, wide: f32, high: f32, grey: u8 },
}

/// Pages with all their marks.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Laid {
    pub(super) pages: Vec<Vec<Mark>>,
    /// Headings in order, with their page and height.
    pub(super) headings: Vec<(Heading, usize, f32)>,
}

impl Laid {
    /// Where a heading stands.
    pub(super) fn places(&self) -> BTreeMap<&str, (usize, f32)> {
        self.headings.iter().map(|(heading, page, y)| (heading.anchor.as_str(), (*page, *y))).collect()
    }
}

/// Lays a document onto pages.
pub(super) fn lay(document: &Document, fonts: &Fonts) -> Result<Laid, PdfError> {
    let mut flow = Flow { fonts, laid: Laid::default(), y: TOP, too_long: false };
    flow.laid.pages.push(Vec::new());
    flow.words(&Text::new(&document.title), Setting { face: Face::Strong, size: 16.0, width: WIDE }, SIDE);
    flow.y += 3.0;
    for block in &document.blocks {
        flow.block(block);
        if flow.too_long {
            return Err(PdfError::TooLong { most: PDF_PAGES_MAX });
        }
    }
    Ok(flow.laid)
}

struct Flow<'f> {
    fonts: &'f Fonts,
    laid: Laid,
    /// Where the next thing begins.
    y: f32,
    too_long: bool,
}

impl Flow<'_> {
    fn block(&mut self, block: &Block) {
        let body = Setting { face: Face::Plain, size: BODY, width: WIDE };
        match block {
            Block::Heading(heading) => self.heading(heading),
            Block::Paragraph(text) => {
                self.words(text, body, SIDE);
                self.y += 3.0;
            }
            Block::Notice(text) => self.notice(text),
            Block::List(points) => {
                for point in points {
                    self.need(BODY * LEADING);
                    let dot = lines(self.fonts, &"•".into(), body);
                    self.put(dot.first(), SIDE + 2.0, BODY);
                    self.words(point, Setting { width: WIDE - 12.0, ..body }, SIDE + 12.0);
                }
                self.y += 3.0;
            }
            Block::Pairs(pairs) => table::pairs(self, pairs),
            Block::Table(one) => table::table(self, one),
            Block::Code(code) => {
                for line in code {
                    let size = BODY - 1.6;
                    let setting = Setting { face: Face::Code, size, width: WIDE - 8.0 };
                    self.words(&Text::new(line), setting, SIDE + 8.0);
                    self.y += 1.0;
                }
                self.y += 3.0;
            }
            Block::Shares(shares) => self.shares(shares),
        }
    }

    fn heading(&mut self, heading: &Heading) {
        let (size, above) = if heading.level <= 2 { (11.5, 10.0) } else { (9.6, 7.0) };
        self.y += above;
        self.need(size * LEADING + BELOW_HEADING);
        let page = self.laid.pages.len() - 1;
        self.laid.headings.push((heading.clone(), page, self.y));
        self.words(&Text::new(&heading.words), Setting { face: Face::Strong, size, width: WIDE }, SIDE);
        if heading.level <= 2 {
            self.mark(Mark::Rule { x: SIDE, y: self.y + 1.0, wide: WIDE, thick: 0.7, grey: 30 });
            self.y += 3.0;
        }
        self.y += 2.0;
    }

    fn notice(&mut self, text: &Text) {
        let setting = Setting { face: Face::Strong, size: BODY, width: WIDE - 16.0 };
        let set = lines(self.fonts, text, setting);
        for chunk in set.chunks(NOTICE_LINES_MAX) {
            let high = chunk.len() as f32 * BODY * LEADING + 8.0;
            self.need(high);
            self.frame(self.y, high);
            self.y += 4.0;
            for line in chunk {
                self.put(Some(line), SIDE + 8.0, BODY);
                self.y += BODY * LEADING;
            }
            self.y += 4.0;
        }
        self.y += 5.0;
    }

    fn frame(&mut self, y: f32, high: f32) {
        let thick = 1.6;
        for at in [y, y + high] {
            self.mark(Mark::Rule { x: SIDE, y: at, wide: WIDE, thick, grey: 20 });
        }
        for x in [SIDE, SIDE + WIDE - thick] {
            self.mark(Mark::Area { x, y, wide: thick, high, grey: 20 });
        }
    }

    fn shares(&mut self, shares: &[(String, u64)]) {
        const GREYS: [u8; 6] = [34, 119, 187, 68, 153, 221];
        let whole: u64 = shares.iter().map(|(_, count)| count).sum();
        self.need(24.0);
        let mut x = SIDE;
        for (place, (_, count)) in shares.iter().enumerate() {
            let wide = WIDE * (*count as f32 / whole.max(1) as f32);
            if wide > 0.0 {
                let grey = GREYS[place % GREYS.len()];
                self.mark(Mark::Area { x, y: self.y, wide: (wide - 0.5).max(0.3), high: 8.0, grey });
            }
            x += wide;
        }
        self.y += 10.0;
        let words: Vec<String> = shares.iter().map(|(what, count)| format!("{count} {what}")).collect();
        self.words(&words.join(" · ").into(), Setting { face: Face::Plain, size: BODY, width: WIDE }, SIDE);
        self.y += 3.0;
    }

    /// Sets a text line by line, over as many pages as it takes.
    fn words(&mut self, text: &Text, setting: Setting, x: f32) {
        for line in lines(self.fonts, text, setting) {
            self.need(setting.size * LEADING);
            self.put(Some(&line), x, setting.size);
            self.y += setting.size * LEADING;
        }
    }

    /// A line at the present height, which stays.
    fn put(&mut self, line: Option<&Line>, x: f32, size: f32) {
        if let Some(line) = line.filter(|line| !line.is_empty()) {
            let y = self.y + size * RISE;
            self.mark(Mark::Words { x, y, size, line: line.clone() });
        }
    }

    /// Begins another page unless there is so much room on this one. True if it did.
    fn need(&mut self, high: f32) -> bool {
        if self.y + high <= BOTTOM || self.y <= TOP {
            return false;
        }
        self.turn();
        true
    }

    fn turn(&mut self) {
        if self.laid.pages.len() >= PDF_PAGES_MAX {
            self.too_long = true;
        } else {
            self.laid.pages.push(Vec::new());
        }
        self.y = TOP;
    }

    fn mark(&mut self, mark: Mark) {
        // Marks of a document that is too long are of no use to anybody.
        if let Some(page) = self.laid.pages.last_mut().filter(|_| !self.too_long) {
            page.push(mark);
        }
    }
}
