//! Sets of evidence kinds that people ask for by one name.

use super::catalogue::Catalogue;

/// Names that people use for several kinds at once.
const SETS: [(&str, &[&str]); 4] = [
    (
        "tests-access-reviews-approvals",
        &["test.pre_apply", "access.recertification", "approval.separation_of_duties"],
    ),
    ("lineage-snapshot", &["lineage.snapshot"]),
    ("log-delivery", &["audit.log_delivery"]),
    ("log-delivery-configuration-sampl", &["audit.log_delivery"]),
];

impl Catalogue {
    /// The kinds behind a name: a kind, a theme such as `access`, or a set. None if there is no such name.
    pub fn kinds_named(&self, name: &str) -> Vec<&str> {
        let set = SETS.iter().find(|(set, _)| *set == name).map_or(&[][..], |(_, kinds)| kinds);
        let is_meant =
            |kind: &&str| *kind == name || set.contains(kind) || kind.split('.').next() == Some(name);
        self.kinds().keys().map(String::as_str).filter(is_meant).collect()
    }

    /// The names of all sets and themes.
    pub fn names_of_kinds(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.kinds().keys().filter_map(|kind| kind.split('.').next()).collect();
        names.extend(SETS.iter().map(|(set, _)| *set));
        names.sort_unstable();
        names.dedup();
        names
    }
}
