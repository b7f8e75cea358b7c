//! Writes a new estate with the standard packs, as they are inside the binary: the example, or one of as many sites as
//! asked for.

mod example;
mod guide;
mod people;
mod program;
mod register;
mod site;

use std::collections::BTreeMap;
use std::path::Path;

use crate::base::limits::INIT_SITES_MAX;
use crate::controls::OWN_CONTROLS_FILE;
use crate::model::estate::ESTATE_FILE;
use crate::model::people::PEOPLE_FILE;
use crate::ops::error::Failure;
use crate::ops::render;
use site::Site;

/// The files of a new estate by path below its folder: the example, or a generated one. The same number gives the same
/// files, and each site's file depends on its place alone.
pub fn files(sites: Option<u32>) -> BTreeMap<String, String> {
    let mut files = example::estate();
    let mut made =
        "The example that comes with Landfall: eleven clinics of a fictional organisation.".to_owned();
    if let Some(count) = sites {
        files = generated(&files, count);
        made = format!("A generated estate of {count} sites, after the example that comes with Landfall.");
    }
    files.extend(example::packs());
    files.insert("README.md".to_owned(), guide::page(&made));
    files.insert(".gitignore".to_owned(), "/.landfall\n".to_owned());
    files
}

/// Sites in the variety of the example, in the order in which its clinics come ashore.
fn generated(example: &BTreeMap<String, String>, count: u32) -> BTreeMap<String, String> {
    let program = example.get(ESTATE_FILE).map(String::as_str).unwrap_or_default();
    let people = example.get(PEOPLE_FILE).map(String::as_str).unwrap_or_default();
    let mut models: Vec<(&String, &String)> = example.iter().filter(|(path, _)| is_site(path)).collect();
    models.sort_by_key(|(path, _)| path.chars().filter(char::is_ascii_digit).collect::<String>());
    let sites: Vec<Site> = (1..=count).map(Site::new).collect();
    let of_sites = sites
        .iter()
        .zip(models.iter().cycle())
        .map(|(site, (_, model))| (format!("sites/{}.toml", site.code), site.file(model)));
    let mut files: BTreeMap<String, String> = of_sites.collect();
    files.insert(ESTATE_FILE.to_owned(), program::file(program, &sites));
    files.insert(PEOPLE_FILE.to_owned(), people::file(people, &sites));
    files.extend(register::files(example));
    // What the organisation says of controls holds whatever sites it has.
    files.extend(example.get_key_value(OWN_CONTROLS_FILE).map(|(path, text)| (path.clone(), text.clone())));
    files
}

/// Whether this is the file of a site.
fn is_site(path: &str) -> bool {
    path.starts_with("sites/")
        && path.matches('/').count() == 1
        && ![ESTATE_FILE, PEOPLE_FILE, OWN_CONTROLS_FILE].contains(&path)
}

/// Writes a new estate into a new or empty folder; returns the number of files.
///
/// # Errors
///
/// If the number is out of range, or the folder holds something already or cannot be written.
pub fn write(dir: &Path, sites: Option<u32>) -> Result<usize, Failure> {
    if sites.is_some_and(|count| !(1..=INIT_SITES_MAX).contains(&count)) {
        return Err(Failure::usage(
            format!("an estate is generated with 1 to {INIT_SITES_MAX} sites"),
            "landfall init --sites 60 DIR writes an estate of sixty",
        ));
    }
    let files = files(sites);
    render::write(&files, dir)?;
    Ok(files.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check;

    fn sites_of(files: &BTreeMap<String, String>) -> BTreeMap<&String, &String> {
        files.iter().filter(|(path, _)| is_site(path)).collect()
    }

    #[test]
    fn a_small_estate_is_the_beginning_of_a_large_one() {
        let (few, many) = (files(Some(12)), files(Some(60)));
        let (few, many) = (sites_of(&few), sites_of(&many));
        assert_eq!((few.len(), many.len()), (12, 60));
        assert!(few.iter().all(|(path, text)| many.get(path) == Some(text)));
        assert_eq!(files(Some(12)), files(Some(12)));
    }

    #[test]
    fn a_generated_estate_has_nothing_wrong() {
        for count in [1, 3, 12] {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("estate");
            write(&root, Some(count)).unwrap();
            let checked = check::check(&root, None).unwrap_or_else(|e| panic!("{count} sites: {e:?}"));
            assert_eq!(checked.sites, usize::try_from(count).unwrap());
            assert!(checked.warnings.iter().next().is_none(), "{count} sites: {:?}", checked.warnings);
        }
    }

    #[test]
    fn more_sites_than_there_are_codes_for_are_refused_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("estate");
        assert!(write(&root, Some(0)).is_err());
        assert!(write(&root, Some(INIT_SITES_MAX + 1)).is_err());
        assert!(!root.exists());
    }
}
