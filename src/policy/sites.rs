//! SITECODE: a site's code names it everywhere, so it is unique, well formed, and the name of its file.

use std::collections::BTreeMap;

use crate::base::diagnostic::{Diagnostic, Diagnostics};
use crate::base::redact::shown;
use crate::model::estate::Site;

use super::View;

pub(super) const CODE: &str = "policy.sitecode";

pub(super) fn check(view: View<'_>, found: &mut Diagnostics) {
    let mut first: BTreeMap<&str, &Site> = BTreeMap::new();
    for site in &view.loaded.sites {
        let code = &site.written_code;
        if site.code().is_none() {
            found.push(
                Diagnostic::error(CODE, format!("`{}` is not a site code", shown(&code.value)))
                    .at(code.span.clone(), "expected three capital letters and two digits")
                    .help("write a code such as HRB01"),
            );
            continue;
        }
        if site.path != format!("sites/{}.toml", code.value) {
            found.push(
                Diagnostic::error(CODE, format!("site {} is in a file named {}", code.value, site.path))
                    .at(code.span.clone(), "this code")
                    .help(format!("name the file sites/{}.toml, or correct the code", code.value)),
            );
        }
        if let Some(other) = first.get(code.value.as_str()) {
            found.push(
                Diagnostic::error(CODE, format!("two sites have the code {}", code.value))
                    .at(code.span.clone(), "the second one")
                    .at(other.written_code.span.clone(), "the first one")
                    .help("give each site a code of its own; codes are never used again"),
            );
        }
        first.entry(code.value.as_str()).or_insert(site);
    }
}
