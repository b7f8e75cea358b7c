//! The registers of a generated estate: what the example has agreed for all of its sites. Rows of single sites are left
//! out: nobody has looked at a generated site, and an inventory that nobody made would be worse than none.

use std::collections::BTreeMap;

use crate::model::register::{Register, Register::Agreements, Register::Risks};

/// Registers of which something holds for all sites.
const KEPT: [Register; 2] = [Agreements, Risks];
/// Kinds of agreements that list the datasets of the example's sites.
const OF_DATASETS: [&str; 2] = ["kind = \"phi-inventory\"", "kind = \"dpia\""];

/// The registers, by path.
pub(super) fn files(example: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let paths = KEPT.map(Register::path);
    let kept = paths.into_iter().filter_map(|path| Some((path.clone(), for_all(example.get(&path)?))));
    kept.collect()
}

/// The rows that name no site. A row begins with its `[[` at the beginning of a line and ends with a blank line before
/// another one; tables inside a row begin with a single bracket or follow it.
fn for_all(text: &str) -> String {
    let mut rows = text.split("\n[[");
    let head = rows.next().unwrap_or_default().lines().take_while(|line| !line.starts_with("# ----"));
    let mut out: String = head.map(|line| format!("{line}\n")).collect();
    for row in rows {
        let of_a_site = row.lines().any(|line| line.starts_with("site = ") || line.starts_with("sites = "));
        if of_a_site || OF_DATASETS.iter().any(|kind| row.contains(kind)) {
            continue;
        }
        // Headings between rows speak of rows that may not be there.
        let lines: Vec<&str> = row.lines().collect();
        let last =
            lines.iter().rposition(|line| !line.is_empty() && !line.starts_with('#')).map_or(0, |at| at + 1);
        out.push_str(&format!("\n[[{}\n", lines[..last].join("\n")));
    }
    out
}
