//! An answer: one sentence and a table of text, drawn the same way whatever was asked and wherever the records were.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// Format version of an answer as JSON.
pub const ANSWER_VERSION: u32 = 1;

/// What a question came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The question, in one word.
    pub question: &'static str,
    /// The answer in one sentence; "no record" where there is none.
    pub sentence: String,
    /// The names of the columns.
    pub columns: &'static [&'static str],
    /// The rows; each has a cell for each column.
    pub rows: Vec<Vec<String>>,
}

impl Answer {
    /// Columns under each other, for a terminal.
    pub fn text(&self) -> String {
        let head: Vec<String> = self.columns.iter().map(|column| column.to_uppercase()).collect();
        let rows: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
        let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut out = format!("{}\n", plain(&self.sentence));
        if rows.is_empty() {
            return out;
        }
        for row in std::iter::once(&head).chain(&rows) {
            let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            let _ = writeln!(out, "{}", padded.collect::<Vec<_>>().join("  ").trim_end());
        }
        out
    }

    /// A Markdown table under the sentence.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut out = format!("{}\n", in_markdown(&self.sentence));
        if self.rows.is_empty() {
            return out;
        }
        let head: Vec<String> = self.columns.iter().map(|column| in_markdown(column)).collect();
        let _ = write!(out, "\n{}|{}\n", line(&head), " --- |".repeat(head.len()));
        for row in &self.rows {
            out.push_str(&line(&row.iter().map(|cell| in_markdown(cell)).collect::<Vec<_>>()));
        }
        out
    }

    /// For programs: each row an object.
    pub fn json(&self) -> Value {
        let object = |row: &Vec<String>| -> Value {
            let cells = self.columns.iter().zip(row);
            let fields = cells.map(|(name, cell)| ((*name).replace(' ', "_"), Value::from(cell.as_str())));
            Value::Object(fields.collect::<Map<_, _>>())
        };
        let rows: Vec<Value> = self.rows.iter().map(object).collect();
        json!({ "v": ANSWER_VERSION, "question": self.question, "answer": self.sentence, "count": rows.len(), "rows": rows })
    }

    /// Comma-separated values (RFC 4180), with the columns' names first.
    pub fn csv(&self) -> String {
        let line = |cells: Vec<String>| format!("{}\r\n", cells.join(","));
        let mut out = line(self.columns.iter().map(|column| in_csv(column)).collect());
        for row in &self.rows {
            out.push_str(&line(row.iter().map(|cell| in_csv(cell)).collect()));
        }
        out
    }
}

/// Without control letters: an answer may repeat what a service said, and a terminal obeys those.
fn plain(cell: &str) -> String {
    cell.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn in_markdown(cell: &str) -> String {
    let mut out = String::with_capacity(cell.len());
    for letter in plain(cell).chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' => out.extend(['\\', letter]),
            _ => out.push(letter),
        }
    }
    out
}

/// A spreadsheet computes cells that begin like a formula; an apostrophe makes them text.
fn in_csv(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{cell}") } else { cell.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(cell: &str) -> Answer {
        let rows = vec![vec!["1".to_owned(), cell.to_owned()]];
        Answer { question: "test", sentence: "One row.".to_owned(), columns: &["entry", "read back"], rows }
    }

    #[test]
    fn the_same_rows_in_every_form() {
        let answer = answer("a,b");
        assert_eq!(answer.text(), "One row.\nENTRY  READ BACK\n1      a,b\n");
        assert_eq!(answer.markdown(), "One row.\n\n| entry | read back |\n| --- | --- |\n| 1 | a,b |\n");
        assert_eq!(answer.csv(), "entry,read back\r\n1,\"a,b\"\r\n");
        assert_eq!(answer.json()["rows"][0], serde_json::json!({"entry": "1", "read_back": "a,b"}));
    }

    #[test]
    fn no_cell_reaches_a_terminal_page_or_spreadsheet_as_a_command() {
        let bad = answer("=HYPERLINK(\"x\")\u{1b}[2J|<script>");
        assert!(!bad.text().contains('\u{1b}'));
        assert!(bad.markdown().contains("\\|&lt;script>"));
        assert!(bad.csv().contains("\"'=HYPERLINK(\"\"x\"\")"));
        for formula in ["+1", "-1", "@a"] {
            assert!(answer(formula).csv().contains(&format!("'{formula}")), "{formula}");
        }
    }
}
