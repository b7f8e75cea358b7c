//! One rehearsal of the example estate's second wave, made once for all tests of this file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use landfall::evidence::bundle::Files;
use landfall::journal::bundle_dir;

/// The sites of the wave.
pub const SITES: [&str; 4] = ["NRT04", "WLW05", "STN06", "RVB07"];

/// The folder of the wave's bundles.
pub fn wave2() -> &'static Path {
    static MADE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = MADE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("bundles");
        let made = Command::new(env!("CARGO_BIN_EXE_landfall"))
            .args([
                "rehearse",
                "wave2",
                "--progress",
                "none",
                "--root",
                env!("CARGO_MANIFEST_DIR"),
                "--state",
            ])
            .arg(folder.path().join("state"))
            .arg("--out")
            .arg(&out)
            .output()
            .expect("it runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        (folder, out)
    });
    path
}

/// A site's bundle.
pub fn bundle(site: &str) -> Files {
    bundle_dir::read(&wave2().join(site)).expect("a bundle")
}

/// The codes of all sites of the example estate.
pub fn all_codes() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sites");
    let names =
        std::fs::read_dir(folder).expect("the sites").map(|entry| entry.expect("an entry").file_name());
    let codes = names.filter_map(|name| name.to_str()?.strip_suffix(".toml").map(str::to_owned));
    codes.filter(|code| code.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())).collect()
}
