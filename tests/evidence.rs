//! Bundles of a real rehearsal, looked at as a stranger would: with the program, with stock tools, and byte by byte.

#[path = "evidence/again.rs"]
mod again;
#[path = "evidence/history.rs"]
mod history;
#[path = "evidence/rehearsal.rs"]
mod rehearsal;
#[path = "evidence/tampering.rs"]
mod tampering;

use rehearsal::{SITES, bundle, wave2};

#[test]
fn a_sites_bundle_names_no_other_site_in_any_file() {
    let codes: Vec<String> = rehearsal::all_codes();
    assert!(codes.len() >= 11, "{codes:?}");
    let mut looked_at = 0;
    for site in SITES {
        let files = bundle(site);
        for (path, bytes) in &files {
            let lower = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_lowercase();
            let (path_text, text) = (lower(path.as_bytes()), lower(bytes));
            for code in codes.iter().filter(|code| *code != site) {
                let code = code.to_lowercase();
                assert!(!text.contains(&code) && !path_text.contains(&code), "{path} of {site} names {code}");
            }
            looked_at += 1;
        }
        let own = String::from_utf8_lossy(&files["plan.json"]).contains(&format!("site/{site}"));
        assert!(own, "the search would find nothing at all in {site}");
    }
    println!("{looked_at} files of {} bundles looked at for {} codes", SITES.len(), codes.len());
    assert!(wave2().join("NRT04").is_dir());
}
