//! Rates and durations beside the rest of the program: the kinds that the tables name, and the estate's own rates.

use std::collections::BTreeMap;
use std::path::Path;

use landfall::forecast::Durations;
use landfall::kind::Registry;
use landfall::model::kind::Level;
use landfall::pacing::{Counted, Rates};
use landfall::source;

#[test]
fn every_kind_of_the_tables_is_known_and_counted_where_it_lives() {
    let registry = Registry::standard();
    let mut claims = 0;
    for (kind, verb, family) in Rates::standard().claims() {
        let table = registry.get(kind).unwrap_or_else(|| panic!("{family}: no kind {kind}"));
        let expected = match table.level {
            Level::Account => Counted::AccountHost,
            Level::Workspace => Counted::WorkspaceHost,
        };
        assert_eq!(Rates::standard().of(family).scope, expected, "{kind} {verb:?}");
        claims += 1;
    }
    assert!(claims >= 8, "the table claims calls ({claims} found)");
    let durations = Durations::published().table();
    let named: Vec<_> = durations.iter().filter_map(|row| row.kind.as_ref()).collect();
    assert!(named.len() >= 8);
    for kind in named {
        assert!(registry.get(kind).is_some(), "durations.toml: no kind {kind}");
    }
}

#[test]
fn an_estate_sets_the_rates_of_its_targets() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/estate");
    let mut files = source::read(&fixture).files;
    let rates = b"\n[targets.sandbox.rates]\ngeneral = 2.5\naccount-scim-patch = 1\n";
    files.get_mut("sites/estate.toml").expect("the estate's file").extend_from_slice(rates);
    let (loaded, found) = source::load_files(files);
    assert!(!found.has_errors(), "{:?}", found.iter().map(|problem| &problem.message).collect::<Vec<_>>());
    let target = &loaded.estate.targets["sandbox"];
    let told: BTreeMap<&str, (f64, String)> = target
        .rates
        .iter()
        .map(|(family, rate)| (family.as_str(), (rate.value, loaded.sources.place(&rate.span))))
        .collect();
    assert_eq!(told["general"], (2.5, "sites/estate.toml:61".to_owned()));
    assert_eq!(told["account-scim-patch"], (1.0, "sites/estate.toml:62".to_owned()));
    let own = Rates::standard().with(target.rates.iter().map(|(family, rate)| (family.as_str(), rate.value)));
    assert_eq!(own.of(own.default_family()).rate.to_string(), "2.5/s");
}
