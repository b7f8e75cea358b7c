//! The estate's file of a generated estate: the example's, with waves, ceilings and an identity of its own.

use std::fmt::Write as _;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use super::site::Site;

/// Where the example's own words end and begin again; what is between is made anew.
const WAVES_FROM: &str = "# ---- Layer 4: waves";
const WAVES_TO: &str = "# ---- People, tags, targets";
/// Where the stages begin that a program of one site has no wave for.
const LATER_STAGES: &str = "[[stage]]\nname = \"productize\"";
/// Head of the example's file, which speaks of the example.
const FIRST_KEY: &str = "format = 1";

/// Sites of a usual wave; a scale wave may have three to five.
const WAVE_SITES: usize = 4;
/// First day of the first wave that is not the pilot or the one that repeats it.
const SCALE_FROM: Date = date(2027, 3, 15);
/// Days from one wave's start to the next one's, and days that a wave lasts: every weekly window opens three times.
const WAVE_EVERY: i64 = 14;
const WAVE_LASTS: i64 = 25;

/// What an account holds before any site, and what each site adds, for the limits that an estate of this size meets
/// first. The names are those of the kinds' tables.
const CEILINGS: [(&str, u64, u64, u64); 9] = [
    // name, published, for account and regions, per site
    ("catalogs_per_metastore", 1_000, 50, 8),
    ("credentials_per_account", 55, 10, 4),
    ("customer_managed_keys_per_account", 110, 10, 8),
    ("external_locations_per_metastore", 10_000, 50, 16),
    ("groups_per_account", 5_000, 50, 12),
    ("private_access_settings_per_account", 55, 10, 2),
    ("storage_credentials_per_metastore", 1_000, 50, 8),
    ("vpc_endpoints_per_account", 110, 10, 4),
    ("workspaces_per_account", 50, 6, 2),
];

/// How many sites each wave has: the pilot is one, the second repeats it, then three to five at a time.
pub(super) fn wave_sizes(sites: usize) -> Vec<usize> {
    let mut sizes = vec![1.min(sites)];
    let left = sites.saturating_sub(1);
    // One or two beyond the repetition are no wave of their own.
    let second = if (1..=4).contains(&left) { left } else { left.min(2) };
    if second > 0 {
        sizes.push(second);
    }
    let left = left - second;
    let (full, rest) = (left / WAVE_SITES, left % WAVE_SITES);
    sizes.extend(std::iter::repeat_n(WAVE_SITES, full));
    match (rest, full) {
        (0, _) => {}
        (1, 1..) => *sizes.last_mut().expect("there is a full wave") += 1,
        (2, 1..) => {
            *sizes.last_mut().expect("there is a full wave") = 3;
            sizes.push(3);
        }
        (rest, _) => sizes.push(rest),
    }
    sizes
}

fn waves(sites: &[Site]) -> String {
    let mut out = String::new();
    let mut left = sites;
    for (at, size) in wave_sizes(sites.len()).into_iter().enumerate() {
        let (members, others) = left.split_at(size);
        left = others;
        let codes: Vec<String> = members.iter().map(|site| format!("\"{}\"", site.code)).collect();
        let stage = ["pilot", "productize"].get(at).unwrap_or(&"scale");
        let (name, kind, start, end) = match at {
            0 => ("pilot".to_owned(), "pilot", date(2027, 1, 11), date(2027, 2, 9)),
            1 => ("wave1".to_owned(), "repeatability", date(2027, 2, 16), date(2027, 3, 7)),
            later => {
                let turn = i64::try_from(later - 2).expect("as many waves as sites at most");
                let start = SCALE_FROM.saturating_add((WAVE_EVERY * turn).days());
                (format!("wave{later}"), "scale", start, start.saturating_add(WAVE_LASTS.days()))
            }
        };
        let _ = write!(
            out,
            "[[wave]]\nname = \"{name}\"\nstage = \"{stage}\"\nkind = \"{kind}\"\nsites = [{}]\nmax_parallel = 2\nfailure_budget = 1\n\
             start = {start}\nend = {end}\n\n",
            codes.join(", ")
        );
        if at == 0 {
            out.push_str("# The first site is watched longer than the ones that follow its pattern.\n");
            out.push_str("[wave.defaults]\nhypercare_days = 30\n\n");
        }
    }
    out
}

fn quotas(sites: usize) -> String {
    let count = u64::try_from(sites).unwrap_or(u64::MAX);
    let beyond = CEILINGS.iter().filter_map(|(name, published, base, each)| {
        let needed = base + each * count;
        (needed > *published).then(|| format!("{name} = {needed}\n"))
    });
    let lines: String = beyond.collect();
    if lines.is_empty() {
        return String::new();
    }
    format!(
        "# Ceilings of this account where they are not the published ones. An estate of {sites} sites goes beyond those\n\
         # that stand here: what is written is what it would need, and has to be agreed with Databricks before a launch.\n\
         [quotas]\n{lines}\n"
    )
}

/// The estate's file, from the example's.
pub(super) fn file(example: &str, sites: &[Site]) -> String {
    let before = example.find(FIRST_KEY).map_or(example, |at| &example[at..]);
    let (before, rest) = before.split_once(WAVES_FROM).unwrap_or((before, ""));
    let before = match before.find(LATER_STAGES) {
        Some(later) if wave_sizes(sites.len()).len() == 1 => &before[..later],
        _ => before,
    };
    let after = rest.find(WAVES_TO).map_or("", |at| &rest[at..]);
    let lineage =
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, format!("estate of {}", sites.len()).as_bytes());
    let mut own = String::new();
    for line in before.lines() {
        let line = match line {
            _ if line.starts_with("lineage = ") => format!("lineage = \"{lineage}\""),
            _ if line.starts_with("name = \"Cedar Basin") => {
                "name = \"Generated Ambulatory Network\"".to_owned()
            }
            _ if line.starts_with("code = ") => "code = \"gan\"".to_owned(),
            _ => line.to_owned(),
        };
        own.push_str(&line);
        own.push('\n');
    }
    format!(
        "# A generated estate of {} sites, after the example of Landfall. Every cloud id is made up; README.md says what to\n\
         # edit before it is yours.\n\n{own}# ---- Layer 4: waves {}\n\n{}[[freeze]]\nname = \"quarter-end-claims\"\n\
         from = 2027-03-25\nto = 2027-04-02\n\n{}{after}",
        sites.len(),
        "-".repeat(96),
        waves(sites),
        quotas(sites.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wave_has_a_size_that_is_allowed_and_no_site_is_left_over() {
        for sites in 1..=500 {
            let sizes = wave_sizes(sites);
            assert_eq!(sizes.iter().sum::<usize>(), sites, "{sizes:?}");
            assert_eq!(sizes[0], 1, "{sizes:?}");
            assert!(sizes.iter().skip(2).all(|size| (3..=5).contains(size)), "{sites}: {sizes:?}");
            assert!(sizes.iter().skip(1).all(|size| (1..=4).contains(size) || *size == 5), "{sizes:?}");
        }
    }

    #[test]
    fn the_first_waves_do_not_depend_on_how_many_follow() {
        assert_eq!(wave_sizes(12), [1, 2, 4, 5]);
        assert_eq!(wave_sizes(60)[..4], [1, 2, 4, 4]);
    }

    #[test]
    fn ceilings_stand_only_where_the_published_ones_do_not_do() {
        assert_eq!(quotas(3), "");
        let many = quotas(100);
        assert!(many.contains("workspaces_per_account = 206\n") && !many.contains("external"), "{many}");
    }
}
