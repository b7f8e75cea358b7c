//! Reads the site files: a few keys of their own, everything else is a parameter.

use crate::base::diagnostic::Diagnostics;
use crate::model::estate::Site;
use crate::model::reader::{Reader, boolean};
use crate::model::tree::{self, Table};

use super::{ESTATE_CODES, Text, Texts, estate, undoing};

/// The keys of a site's file that are not parameters.
const OWN_KEYS: [&str; 7] = ["code", "name", "region", "ehr", "window", "on_failure", "part11"];

pub(super) fn read(texts: &Texts, found: &mut Diagnostics) -> Vec<Site> {
    texts.sites().filter_map(|(path, text)| site(path, text, found)).collect()
}

fn site(path: &str, text: &Text, found: &mut Diagnostics) -> Option<Site> {
    let (table, problems) = tree::parse(text.source, &text.text);
    found.extend(problems);
    let is_own = |key: &str| OWN_KEYS.contains(&key);
    let (own, parameters): (Vec<_>, Vec<_>) = table.entries.into_iter().partition(|(key, _)| is_own(key));
    let own = Table { entries: own.into_iter().collect() };
    let mut reader = Reader::new(&own, text.first_line(), "the site", ESTATE_CODES, found);
    let code = reader.text("code");
    let (name, region, ehr) = (reader.text("name"), reader.text("region"), reader.text("ehr"));
    let windows = estate::windows(&mut reader);
    let on_failure = undoing::on_failure(&mut reader);
    let part11 = reader.optional("part11", "true or false", boolean).is_some_and(|is| is.value);
    reader.finish();
    Some(Site {
        written_code: code?,
        name: name?,
        region: region?,
        ehr: ehr?,
        windows,
        on_failure,
        part11,
        parameters: Table { entries: parameters.into_iter().collect() },
        path: path.to_owned(),
        span: text.first_line(),
    })
}
