//! The lead sheet as a workbook, in the form in which sample tests are handed in: one page that lists the populations, one
//! with the reconciliations, and one for each population's sample with a blank column for the auditor. The same
//! populations give the same bytes: its only date is that of the log's newest entry.

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use crate::base::time::Timestamp;
use crate::evidence::answer::Answer;

use super::Populations;
use super::sample::Sample;

/// A workbook that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the lead sheet cannot be written")]
pub struct BadLeadSheet(#[from] XlsxError);

/// Letters of a cell: what the format takes is 32,767.
const CELL_CHARS_MAX: usize = 32_000;
/// Letters of the name of a page.
const PAGE_CHARS_MAX: usize = 31;
/// Width of a column, in letters.
const WIDTH: f64 = 28.0;

/// The workbook's bytes. A cell is text, so that nothing in it is taken for a formula.
///
/// # Errors
///
/// If the format does not take it.
pub fn workbook(populations: &Populations, made_at: Timestamp) -> Result<Vec<u8>, BadLeadSheet> {
    let mut book = Workbook::new();
    let made = ExcelDateTime::from_timestamp(made_at.as_millis() / 1000)?;
    book.set_properties(&DocProperties::new().set_title("Lead sheet").set_creation_datetime(&made));
    page(book.add_worksheet(), "Populations", &populations.lead_sheet())?;
    page(book.add_worksheet(), "Reconciliation", &populations.table())?;
    for sample in &populations.samples {
        sample_page(book.add_worksheet(), sample)?;
    }
    Ok(book.save_to_buffer()?)
}

fn page(sheet: &mut Worksheet, name: &str, table: &Answer) -> Result<(), XlsxError> {
    sheet.set_name(name)?;
    head(sheet, 0, table.columns)?;
    let wrapped = Format::new().set_text_wrap();
    for (line, row) in (1_u32..).zip(&table.rows) {
        for (column, cell) in (0_u16..).zip(row) {
            sheet.write_string_with_format(line, column, shortened(cell), &wrapped)?;
        }
    }
    sheet.set_freeze_panes(1, 1)?;
    Ok(())
}

fn sample_page(sheet: &mut Worksheet, sample: &Sample) -> Result<(), XlsxError> {
    let name: String = sample.population.chars().take(PAGE_CHARS_MAX).collect();
    sheet.set_name(name)?;
    let (bold, wrapped) = (Format::new().set_bold(), Format::new().set_text_wrap());
    let facts = [
        ("Population", format!("population/{}.csv", sample.population)),
        ("Population size", sample.size.to_string()),
        ("Sample size", sample.taken.to_string()),
        ("Sampling approach", sample.approach.clone()),
    ];
    let mut line = 0;
    for (what, value) in facts {
        sheet.write_string_with_format(line, 0, what, &bold)?;
        sheet.write_string(line, 1, value)?;
        line += 1;
    }
    let columns: Vec<&str> =
        ["row", "id"].into_iter().chain(sample.attributes.iter().copied()).chain(["auditor"]).collect();
    head(sheet, line + 1, &columns)?;
    for (line, item) in (line + 2..).zip(&sample.items) {
        let row = item.row.to_string();
        let cells = [&row, &item.id].into_iter().chain(&item.results);
        for (column, cell) in (0_u16..).zip(cells) {
            sheet.write_string_with_format(line, column, shortened(cell), &wrapped)?;
        }
    }
    Ok(())
}

fn head(sheet: &mut Worksheet, line: u32, columns: &[&str]) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold().set_text_wrap();
    for (column, name) in (0_u16..).zip(columns) {
        sheet.set_column_width(column, WIDTH)?;
        sheet.write_string_with_format(line, column, *name, &bold)?;
    }
    Ok(())
}

fn shortened(cell: &str) -> String {
    cell.chars().take(CELL_CHARS_MAX).collect()
}
