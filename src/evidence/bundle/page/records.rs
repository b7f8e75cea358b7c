//! What the records show besides steps: people, populations, and applied against read back.

use std::collections::BTreeMap;

use crate::base::time::Timestamp;
use crate::evidence::population::{LEAD_SHEET, Population};
use crate::model::entry::ActorKind;

use super::super::{Content, layout};
use super::escape::{escaped, link, moment};
use super::tables::table;

struct Acts {
    entries: usize,
    first: Timestamp,
    last: Timestamp,
}

pub(super) fn people(content: &Content<'_>) -> String {
    let mut actors: BTreeMap<(&str, &str), Acts> = BTreeMap::new();
    for entry in &content.records.entries {
        let kind = match entry.actor.kind {
            ActorKind::Person => "person",
            ActorKind::Automation => "program",
            ActorKind::Rehearsal => "rehearsal",
        };
        let acts = actors.entry((&entry.actor.id, kind)).or_insert(Acts {
            entries: 0,
            first: entry.at,
            last: entry.at,
        });
        acts.entries += 1;
        acts.last = entry.at;
    }
    let mut rows = Vec::new();
    for ((id, kind), acts) in actors {
        let what = format!("wrote {} entries", acts.entries);
        rows.push([escaped(id), kind.to_owned(), what, moment(acts.first), moment(acts.last)]);
    }
    let parts = content.parts;
    let at = moment(parts.exported_at);
    rows.push([
        escaped(&parts.exported_by),
        "exporter".to_owned(),
        "made this bundle".to_owned(),
        at.clone(),
        at,
    ]);
    let note = "<p>Identities as the program knew them when it wrote. Roles and signatures are not recorded by this \
                version.</p>\n";
    table("People", ["Who", "As", "What", "First", "Last"], rows) + note
}

pub(super) fn populations(content: &Content<'_>) -> String {
    let row = |population: &Population| {
        let path = population.path();
        let query = path.replace(".csv", ".query.txt");
        let span = population.span.map_or_else(
            || "no record".to_owned(),
            |(from, to)| format!("{} to {}", moment(from), moment(to)),
        );
        [
            link(&path, population.name),
            population.rows.rows.len().to_string(),
            span,
            link(&query, "source and query"),
        ]
    };
    let rows = content.populations.all.iter().map(row).collect();
    let mut html = table("Populations", ["Population", "Size", "Dates", "How it was drawn"], rows);
    html.push_str(&format!(
        "<p>All are drawn from this site's own log ({}), not from a list that the platform gave; {} begins a sample \
         test. An empty population says that the log has no record, not that there is none.</p>\n",
        link(layout::LOG, layout::LOG),
        link(LEAD_SHEET, LEAD_SHEET),
    ));
    let reconciliation = &content.populations.reconciliation;
    html.push_str(&format!(
        "<h3>Applied against read back</h3>\n<p>{} {}</p>\n",
        escaped(&reconciliation.sentence()),
        link("population/reconciliation.csv", "Both counts and the differences"),
    ));
    html.push_str(
        "<p>Not reconciled by this version: change tickets, the platform's audit events, the identity \
                   provider's users.</p>\n",
    );
    html
}
