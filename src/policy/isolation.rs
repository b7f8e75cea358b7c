//! STRICT-ISOLATION and SHARED-ISOLATION: who may use workspaces and catalogs of the region, and what that takes.

use serde_json::Value;

use crate::base::diagnostic::{Diagnostic, Diagnostics};

use super::{SiteView, View};

pub(super) const STRICT: &str = "policy.strict-isolation";
pub(super) const SHARED: &str = "policy.shared-isolation";

const CATALOG: &str = "site.isolation.catalog";
const WORKSPACE: &str = "site.isolation.workspace";
const DATA_CLASS: &str = "site.tags.dataClass";

/// What prod holds where the law limits for what and by whom it may be used, such as records under 42 CFR Part 2.
const RESTRICTED: &str = "phi-restricted";

fn shares(site: &SiteView<'_>, path: &str) -> bool {
    site.scope.value(path).and_then(Value::as_str) == Some("shared")
}

/// A site with restricted records has workspaces and catalogs of its own.
pub(super) fn strict(view: View<'_>, found: &mut Diagnostics) {
    for site in view.sites() {
        if site.scope.value(DATA_CLASS).and_then(Value::as_str) != Some(RESTRICTED) {
            continue;
        }
        for path in [CATALOG, WORKSPACE].into_iter().filter(|path| shares(&site, path)) {
            let name = path.trim_start_matches("site.");
            let message = format!("site {} has restricted records and shares: `{name}`", site.code);
            found.push(
                Diagnostic::error(STRICT, message)
                    .at(site.place(path), "shared with other sites")
                    .at(site.place(DATA_CLASS), "restricted")
                    .help(format!("write `{name} = \"own\"` in {}", site.site.path)),
            );
        }
    }
}

/// A catalog of the region is bound to the region's workspaces, and a region lends only what it has.
pub(super) fn shared(view: View<'_>, found: &mut Diagnostics) {
    for site in view.sites() {
        if shares(&site, CATALOG) && !shares(&site, WORKSPACE) {
            let message = format!(
                "site {} has workspaces of its own, which catalogs of the region are not bound to",
                site.code
            );
            found.push(
                Diagnostic::error(SHARED, message)
                    .at(site.place(CATALOG), "shared with other sites")
                    .help("share the workspaces too, or give the site catalogs of its own"),
            );
        }
        if let Some(path) = [WORKSPACE, CATALOG].into_iter().find(|path| shares(&site, path))
            && !site.scope.value("region.shared").is_some_and(Value::is_object)
        {
            let region = &site.site.region.value;
            let message = format!("site {} shares, and region {region} lends nothing", site.code);
            found.push(
                Diagnostic::error(SHARED, message)
                    .at(site.place(path), "shared with other sites")
                    .help(format!("add [region.{region}.shared] to estate.toml, or write \"own\" here")),
            );
        }
    }
}
