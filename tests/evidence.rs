//! Bundles of a real rehearsal, looked at as a stranger would: with the program, with stock tools, and byte by byte.

#[path = "evidence/again.rs"]
mod again;
#[path = "evidence/history.rs"]
mod history;
#[path = "evidence/rehearsal.rs"]
mod rehearsal;
#[path = "evidence/tampering.rs"]
mod tampering;

use std::io::Read as _;

use rehearsal::{SITES, bundle, wave2};

/// Everything in a zip file, one member after the other.
fn unzipped(bytes: &[u8]) -> Vec<u8> {
    const MEMBER: &[u8] = b"PK\x03\x04";
    let places = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(MEMBER));
    let number = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let mut content = Vec::new();
    for at in places.filter(|at| at + 30 < bytes.len()) {
        let begins = at + 30 + number(at + 26) + number(at + 28);
        let mut inflated = flate2::read::DeflateDecoder::new(&bytes[begins.min(bytes.len())..]);
        // What only looks like the head of a member gives nothing.
        let _ = inflated.read_to_end(&mut content);
    }
    content
}

#[test]
fn a_sites_bundle_names_no_other_site_in_any_file() {
    let codes: Vec<String> = rehearsal::all_codes();
    assert!(codes.len() >= 11, "{codes:?}");
    let (mut looked_at, mut inflated) = (0, 0);
    for site in SITES {
        let files = bundle(site);
        for (path, bytes) in &files {
            let lower = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_lowercase();
            let mut content = bytes.clone();
            if path.ends_with(".xlsx") {
                let inner = unzipped(bytes);
                assert!(
                    lower(&inner).contains(&site.to_lowercase()) || lower(&inner).contains("hipaa"),
                    "{path} is empty"
                );
                inflated += 1;
                content.extend(inner);
            }
            let (path_text, text) = (lower(path.as_bytes()), lower(&content));
            for code in codes.iter().filter(|code| *code != site) {
                let code = code.to_lowercase();
                assert!(!text.contains(&code) && !path_text.contains(&code), "{path} of {site} names {code}");
            }
            looked_at += 1;
        }
        let own = String::from_utf8_lossy(&files["plan.json"]).contains(&format!("site/{site}"));
        assert!(own, "the search would find nothing at all in {site}");
    }
    assert_eq!(inflated, 2 * SITES.len(), "a matrix and a lead sheet each");
    println!(
        "{looked_at} files of {} bundles looked at for {} codes, {inflated} workbooks unzipped",
        SITES.len(),
        codes.len()
    );
    assert!(wave2().join("NRT04").is_dir());
}
