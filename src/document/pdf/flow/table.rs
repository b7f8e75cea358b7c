//! Tables: rows stay together, headings are repeated on every page, and a row that is taller than a page goes on.

use crate::document::{Table, Text};

use super::super::fonts::Face;
use super::super::lines::{Line, Setting, lines};
use super::{BODY, BOTTOM, Flow, LEADING, Mark, SIDE, TOP, WIDE};

/// White between columns.
const GAP: f32 = 8.0;
/// White above and below the text of a row.
const PAD: f32 = 2.2;
/// The size of text in tables.
const SIZE: f32 = BODY - 0.6;
/// A row is kept whole up to this height.
const KEPT: f32 = (BOTTOM - TOP) / 3.0;
/// The share of the names in pairs.
const NAMES: f32 = 0.17;

/// A row of a table: its cells in lines.
struct Row {
    cells: Vec<Vec<Line>>,
}

impl Row {
    fn lines(&self) -> usize {
        self.cells.iter().map(Vec::len).max().unwrap_or(0)
    }

    fn high(&self) -> f32 {
        self.lines() as f32 * SIZE * LEADING + 2.0 * PAD
    }

    /// Takes the first lines of every cell away, and gives them as a row.
    fn cut(&mut self, count: usize) -> Row {
        let cells = self.cells.iter_mut().map(|cell| cell.drain(..count.min(cell.len())).collect()).collect();
        Row { cells }
    }
}

/// Names with what belongs to each.
pub(super) fn pairs(flow: &mut Flow<'_>, pairs: &[(String, Text)]) {
    let widths = [WIDE * NAMES, WIDE * (1.0 - NAMES)];
    for (name, value) in pairs {
        let mut row = Row {
            cells: vec![
                set(flow, &Text::new(name), Face::Strong, widths[0]),
                set(flow, value, Face::Plain, widths[1]),
            ],
        };
        rows(flow, &mut row, &widths, None);
    }
    flow.y += 3.0;
}

/// A table with columns.
pub(super) fn table(flow: &mut Flow<'_>, table: &Table) {
    let widths: Vec<f32> = table.shares().iter().map(|share| (share * WIDE).max(GAP * 2.0)).collect();
    let head = Row {
        cells: table
            .columns
            .iter()
            .zip(&widths)
            .map(|(column, width)| set(flow, &Text::new(&column.words), Face::Strong, *width))
            .collect(),
    };
    if flow.y + head.high() + 3.0 * SIZE * LEADING > BOTTOM {
        flow.turn();
    }
    heading(flow, &head, &widths);
    for cells in &table.rows {
        let mut row = Row {
            cells: cells
                .iter()
                .zip(&widths)
                .map(|(cell, width)| set(flow, cell, Face::Plain, *width))
                .collect(),
        };
        rows(flow, &mut row, &widths, Some(&head));
    }
    flow.y += 4.0;
}

fn set(flow: &Flow<'_>, text: &Text, face: Face, width: f32) -> Vec<Line> {
    lines(flow.fonts, text, Setting { face, size: SIZE, width: (width - GAP).max(SIZE) })
}

fn heading(flow: &mut Flow<'_>, head: &Row, widths: &[f32]) {
    placed(flow, head, widths);
    flow.mark(Mark::Rule { x: SIDE, y: flow.y, wide: WIDE, thick: 0.8, grey: 30 });
}

/// A row, on as many pages as it takes.
fn rows(flow: &mut Flow<'_>, row: &mut Row, widths: &[f32], head: Option<&Row>) {
    loop {
        let room = BOTTOM - flow.y;
        if row.high() <= room {
            placed(flow, row, widths);
            flow.mark(Mark::Rule { x: SIDE, y: flow.y, wide: WIDE, thick: 0.35, grey: 170 });
            return;
        }
        let fits = ((room - 2.0 * PAD) / (SIZE * LEADING)).floor();
        // On a page of its own even the tallest row begins, and every turn of this loop sets at least one line.
        let fresh = head.map_or(TOP, |head| TOP + head.high());
        let begins_here = flow.y <= fresh + 1.0 || (row.high() > KEPT && fits >= 3.0);
        if begins_here {
            let part = row.cut((fits as usize).max(1));
            placed(flow, &part, widths);
        }
        flow.turn();
        if flow.too_long {
            return;
        }
        if let Some(head) = head {
            heading(flow, head, widths);
        }
    }
}

fn placed(flow: &mut Flow<'_>, row: &Row, widths: &[f32]) {
    let (top, mut x) = (flow.y, SIDE);
    for (cell, width) in row.cells.iter().zip(widths) {
        flow.y = top + PAD;
        for line in cell {
            flow.put(Some(line), x, SIZE);
            flow.y += SIZE * LEADING;
        }
        x += width;
    }
    flow.y = top + row.high();
}
