//! Populations as files: the query beside each, the lead sheet, the samples, and the reconciliations as a table.

use crate::evidence::answer::Answer;
use crate::model::population::{CallRead, PagesEnd};

use super::{Counted, Population, Populations, SOURCE, Sample, Standing, Taken};

const LEAD: [&str; 11] = [
    "population",
    "file",
    "source",
    "created",
    "from",
    "to",
    "size",
    "sample size",
    "sampling",
    "attributes tested",
    "statement",
];
const SAMPLE: [&str; 6] = ["population", "row", "id", "attribute", "result", "auditor"];
const RECONCILED: [&str; 9] = [
    "what",
    "our source",
    "our count",
    "other source",
    "other count",
    "differences",
    "standing",
    "item",
    "detail",
];

impl Population {
    pub(super) fn query_text(&self, entries: usize) -> String {
        let mut text = match &self.taken {
            Some(taken) => platform_text(self, taken),
            None => format!(
                "Population  {}\nSource      {SOURCE}: journal/site.jsonl with {entries} entries\nQuery       {}\n\
                 Rows        {}\nPaging      none: every row comes from a read of one object, recorded in the log; no \
                 list of\n            the platform was paged, so objects made beside this program are not in it\n",
                self.name,
                self.query,
                self.rows.rows.len(),
            ),
        };
        if let Some(nothing) = self.nothing() {
            text.push_str(&format!("Statement   {nothing}\n"));
        }
        text
    }
}

/// How a population was read, in words that can be repeated by hand: every call with its pages.
fn platform_text(population: &Population, taken: &Taken) -> String {
    let read = &taken.read;
    let who = read.read_as.as_deref().unwrap_or("not told by the way of signing in");
    let mut text = format!(
        "Population  {}\nSource      lists of the platform, target {}\nRead as     {who}\nBegan       {}\nEnded       \
         {}\nItems       {} in all: {} of this site, {} of other scopes of the estate, {} that no log knows\nRows        \
         {}\nRows file   sha256:{}\nRecorded    entry {} of journal/site.jsonl\nQuery       {}\n",
        population.name,
        read.target,
        read.began,
        read.ended,
        read.items,
        read.rows,
        read.others.known,
        read.others.unknown,
        read.rows,
        read.csv,
        taken.entry,
        population.query,
    );
    for CallRead { host, call, query, pages, end } in &read.calls {
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        let sizes: Vec<String> = pages.iter().map(ToString::to_string).collect();
        let end = match end {
            PagesEnd::Exhausted { proof } => format!("the last page was read: {proof}"),
            PagesEnd::Cut { why } => format!("NOT COMPLETE: {why}"),
        };
        let (count, sizes) = (pages.len(), sizes.join(" + "));
        text.push_str(&format!(
            "Call        {call}{query} at {host}\nPaging      {count} pages of {sizes} items; {end}\n"
        ));
    }
    if read.more_calls > 0 {
        let more = read.more_calls;
        text.push_str(&format!("Calls       {more} more of the same form, each read to its last page\n"));
    }
    if let Some(wrong) = &taken.wrong {
        text.push_str(&format!("WRONG       {wrong}\n"));
    }
    text
}

impl Populations {
    pub(super) fn lead_sheet(&self) -> Answer {
        let row = |(population, sample): (&Population, &Sample)| {
            let (from, to) = match (&population.taken, population.span) {
                (Some(taken), _) => (taken.read.began.to_string(), taken.read.ended.to_string()),
                (None, Some((from, to))) => (from.to_string(), to.to_string()),
                (None, None) => Default::default(),
            };
            vec![
                population.name.to_owned(),
                population.path(),
                population.source(),
                population
                    .taken
                    .as_ref()
                    .map_or("with the bundle".to_owned(), |taken| taken.read.ended.to_string()),
                from,
                to,
                sample.size.to_string(),
                sample.taken.to_string(),
                sample.approach.clone(),
                sample.attributes.join("; "),
                population.nothing().unwrap_or_default(),
            ]
        };
        let rows = self.all.iter().zip(&self.samples).map(row).collect();
        Answer { question: "lead sheet", sentence: String::new(), columns: &LEAD, rows }
    }

    pub(super) fn samples_table(&self) -> Answer {
        let mut rows = Vec::new();
        for sample in &self.samples {
            for item in &sample.items {
                for (attribute, result) in sample.attributes.iter().zip(&item.results) {
                    rows.push(vec![
                        sample.population.to_owned(),
                        item.row.to_string(),
                        item.id.clone(),
                        (*attribute).to_owned(),
                        result.clone(),
                        String::new(),
                    ]);
                }
            }
        }
        Answer { question: "samples", sentence: String::new(), columns: &SAMPLE, rows }
    }

    /// Every reconciliation with its differences below it.
    pub(super) fn table(&self) -> Answer {
        let mut rows = self.reconciliation.rows();
        let count = |counted: &Counted| counted.count.map_or("missing".to_owned(), |count| count.to_string());
        for one in &self.reconciled {
            let differences = match one.standing {
                Standing::Missing { .. } => "not known".to_owned(),
                Standing::Agrees | Standing::Differs | Standing::Cut { .. } => one.differences.to_string(),
            };
            rows.push(vec![
                one.what.clone(),
                one.ours.source.clone(),
                count(&one.ours),
                one.theirs.source.clone(),
                count(&one.theirs),
                differences,
                one.standing.words(),
                String::new(),
                String::new(),
            ]);
            for difference in &one.listed {
                let mut row = vec![String::new(); RECONCILED.len()];
                row[0] = format!("difference: {}", one.what);
                [row[7], row[8]] = [difference.item.clone(), difference.detail.clone()];
                rows.push(row);
            }
        }
        Answer {
            question: "reconciliation",
            sentence: self.reconciliation.sentence(),
            columns: &RECONCILED,
            rows,
        }
    }
}
