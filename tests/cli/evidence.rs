//! One site's bundle, and what happens to those who mend it.

use std::path::PathBuf;

use landfall::signer::Signer as _;
use landfall::signer::file_key::FileKey;

use crate::world::{Estate, Ran, copy, tree};

const LOG: &str = "journal/site.jsonl";

struct Bundle {
    estate: Estate,
    key: String,
}

impl Bundle {
    fn exported() -> Self {
        let mut estate = Estate::example();
        let served = estate.serve(&[]);
        estate.reach(&served, 5000);
        estate.plan(&["--wave", "pilot"], "p.plan").ends(0);
        estate.run(&["apply", "p.plan"]).ends(0);
        let ran = estate.run(&["evidence", "export", "--site", "HRB01", "--out", "bundle"]).ends(0);
        let key =
            ran.err.lines().find_map(|line| line.strip_prefix("Log key, to be kept outside the bundle: "));
        let key = key.unwrap().to_owned();
        Self { estate, key }
    }

    fn verify(&self, bundle: &str, key: &str) -> Ran {
        self.estate.run(&["evidence", "verify", bundle, "--key", key])
    }

    /// Verifies a copy whose log was mended by this.
    fn mended(&self, name: &str, mend: impl FnOnce(&mut Vec<String>)) -> Ran {
        let folder: PathBuf = self.estate.path(name);
        copy(&self.estate.path("bundle"), &folder);
        let text = std::fs::read_to_string(folder.join(LOG)).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        mend(&mut lines);
        std::fs::write(folder.join(LOG), lines.iter().map(|line| format!("{line}\n")).collect::<String>())
            .unwrap();
        self.verify(name, &self.key)
    }
}

/// Several bundles in one go: those that do not hold are named and keep none of the others from their verdicts.
fn of_many(bundle: &Bundle) {
    let estate = &bundle.estate;
    copy(&estate.path("bundle"), &estate.path("all/HRB01"));
    copy(&estate.path("bundle"), &estate.path("all/MPL02"));
    let ran = bundle.verify("all", &bundle.key).ends(0);
    ran.prints("ok   all/HRB01: integrity ok, complete ok\nok   all/MPL02: integrity ok, complete ok\n2 bundles: 2 good, 0 not\n");
    std::fs::write(estate.path("all/HRB01").join("README.txt"), "another").unwrap();
    copy(&estate.path("all/MPL02/journal"), &estate.path("all/NEW03"));
    let ran = bundle.verify("all", &bundle.key).ends(7);
    ran.prints("FAIL all/HRB01: integrity BROKEN: README.txt was changed")
        .prints("ok   all/MPL02: integrity ok")
        .prints("FAIL all/NEW03: integrity BROKEN")
        .prints("3 bundles: 1 good, 2 not\n");
    let ran = estate.run(&["evidence", "verify", "all/MPL02", "nowhere", "-o", "json"]).ends(7);
    let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&told["good"], &told["bad"]), (&1.into(), &1.into()));
    assert_eq!(told["bundles"][0]["verdict"]["integrity"], "ok");
    assert!(told["bundles"][1]["error"].as_str().unwrap().contains("nowhere"));
    estate.run(&["evidence", "verify", "all", "--previous", "bundle"]).ends(64);
}

#[test]
fn a_bundle_verifies_with_its_key_and_any_mending_is_named() {
    let bundle = Bundle::exported();
    bundle.verify("bundle", &bundle.key).ends(0).prints("integrity ok, complete ok\n");
    let ran = bundle.estate.run(&["evidence", "verify", "bundle"]).ends(0);
    ran.says("The keys were taken from the bundle itself");
    bundle.verify("bundle", "not a key").ends(64);
    let name = bundle.key.split('+').next().unwrap();
    let other = FileKey::open(&bundle.estate.path("other.pem"), name).unwrap();
    bundle.verify("bundle", &other.vkey().to_string()).ends(7).prints("integrity BROKEN");

    let ran = bundle.mended("same", |_| ()).ends(0);
    ran.prints("integrity ok, complete ok");
    let flipped = bundle.mended("flipped", |lines| {
        assert!(lines[40].contains("\"person\""));
        lines[40] = lines[40].replacen("\"person\"", "\"persom\"", 1);
    });
    flipped.ends(7).prints("integrity BROKEN: ").prints("entry 40");
    let removed = bundle.mended("removed", |lines| drop(lines.remove(40)));
    removed.ends(7).prints("integrity BROKEN: ").prints("entry 40");
    let swapped = bundle.mended("swapped", |lines| lines.swap(40, 41));
    swapped.ends(7).prints("integrity BROKEN: entries 40 and 41 are swapped");
    let cut = bundle.mended("cut", |lines| lines.truncate(lines.len() - 3));
    cut.ends(7).prints("INCOMPLETE: ").prints("entries");
    bundle.mended("empty", Vec::clear).ends(7).prints("INCOMPLETE: ");
    every_file_counts(&bundle);
}

fn every_file_counts(bundle: &Bundle) {
    let files = tree(&bundle.estate.path("bundle"));
    // One file of each folder, and every file at the top.
    let mut seen = std::collections::BTreeSet::new();
    let chosen: Vec<&String> = files
        .keys()
        .filter(|path| match path.split_once('/') {
            Some((folder, _)) if folder != "journal" && folder != "keys" => seen.insert(folder.to_owned()),
            _ => true,
        })
        .collect();
    assert!(chosen.len() > 10, "{chosen:?}");
    for (index, path) in chosen.into_iter().enumerate() {
        let name = format!("gone-{index}");
        copy(&bundle.estate.path("bundle"), &bundle.estate.path(&name));
        std::fs::remove_file(bundle.estate.path(&name).join(path)).unwrap();
        let ran = bundle.verify(&name, &bundle.key);
        assert_eq!(ran.code, 7, "without {path}: {}", ran.out);
    }
    bundle.verify("no-such-folder", &bundle.key).ends(7);
    of_many(bundle);
    bundle.estate.run(&["evidence", "export", "--site", "HRB01", "--out", "bundle"]).ends(1);
    assert_eq!(tree(&bundle.estate.path("bundle")), files, "a bundle is never written over");
    bundle
        .estate
        .run(&["evidence", "export", "--site", "MPL02"])
        .ends(1)
        .says("nothing was ever done at MPL02");
}
