//! The matrix of controls as an XLSX workbook. The same rows give the same bytes: its only date is the export's.

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, XlsxError};

use crate::base::time::Timestamp;
use crate::model::control::ControlRow;

use super::matrix::{COLUMNS, cells};

/// A workbook that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the workbook of controls cannot be written")]
pub struct BadWorkbook(#[from] XlsxError);

/// Widths of the columns, in letters.
const WIDTHS: [f64; 14] = [11.0, 22.0, 18.0, 44.0, 12.0, 8.0, 16.0, 40.0, 25.0, 25.0, 25.0, 60.0, 40.0, 30.0];

/// The workbook's bytes. A cell is text, so that nothing in it is taken for a formula.
///
/// # Errors
///
/// If a cell is longer than the format allows.
pub fn workbook(rows: &[ControlRow], made_at: Timestamp) -> Result<Vec<u8>, BadWorkbook> {
    let mut book = Workbook::new();
    let made = ExcelDateTime::from_timestamp(made_at.as_millis() / 1000)?;
    book.set_properties(&DocProperties::new().set_title("Controls").set_creation_datetime(&made));
    let (bold, wrapped) = (Format::new().set_bold(), Format::new().set_text_wrap());
    let sheet = book.add_worksheet().set_name("Controls")?;
    for (column, (name, width)) in (0_u16..).zip(COLUMNS.iter().zip(WIDTHS)) {
        sheet.set_column_width(column, width)?;
        sheet.write_string_with_format(0, column, *name, &bold)?;
    }
    let mut last = 0;
    for (line, row) in (1_u32..).zip(rows) {
        for (column, cell) in (0_u16..).zip(cells(row)) {
            sheet.write_string_with_format(line, column, cell, &wrapped)?;
        }
        last = line;
    }
    sheet.set_freeze_panes(1, 2)?;
    sheet.autofilter(0, 0, last, 13)?;
    Ok(book.save_to_buffer()?)
}
