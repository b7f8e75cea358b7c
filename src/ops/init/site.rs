//! The file of one generated site: one of the example's clinics under a code, a name and addresses of its own.
//!
//! Everything follows from the site's number, so the first sites of a large estate are those of a small one.

use crate::base::digest::Digest;

/// First three letters give the code, so no two start alike. With two digits there are codes for 5,940 sites.
const PLACES: [&str; 60] = [
    "Alder", "Bayview", "Birch", "Briar", "Brook", "Canyon", "Clover", "Copper", "Cypress", "Dogwood",
    "Eagle", "Elmwood", "Ember", "Fairview", "Fern", "Fox", "Garnet", "Glen", "Grove", "Hawthorn", "Hazel",
    "Heron", "Hickory", "Hollow", "Iron", "Juniper", "Kestrel", "Lark", "Laurel", "Linden", "Lupine",
    "Magnolia", "Meadow", "Mill", "Moss", "Oakridge", "Orchard", "Osprey", "Otter", "Palisade", "Pebble",
    "Prairie", "Quarry", "Raven", "Redwood", "Rowan", "Sable", "Sage", "Silver", "Spruce", "Summit",
    "Tamarack", "Teal", "Thistle", "Timber", "Valley", "Vista", "Walnut", "Wren", "Yarrow",
];

/// Second words of the places that the example's clinics are named after; what follows is what they do.
const SECOND_WORDS: [&str; 5] = ["Creek", "Falls", "Hollow", "Ridge", "Street"];

/// Where the ranges of sites begin: one after the other, in blocks of one size, so that none can meet. Production has
/// 1,024 addresses a site, the rest 512, and what the clinic's own network looks like from here 256.
const PROD: Range = Range { base: 10 << 24 | 64 << 16, bits: 10 };
const NONPROD: Range = Range { base: 10 << 24 | 160 << 16, bits: 9 };
const ON_PREM: Range = Range { base: 10 << 24 | 208 << 16, bits: 8 };

/// Blocks of `2^bits` addresses from an address on.
struct Range {
    base: u32,
    bits: u32,
}

impl Range {
    /// The block of a site, as an address.
    fn of(&self, number: u32) -> u32 {
        self.base + ((number - 1) << self.bits)
    }
}

fn cidr(address: u32, bits: u32) -> String {
    format!("{}/{}", std::net::Ipv4Addr::from(address), 32 - bits)
}

/// A generated site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Site {
    /// Its place in the estate, from 1.
    pub number: u32,
    /// Its code.
    pub code: String,
}

impl Site {
    /// The site of this number.
    pub(super) fn new(number: u32) -> Self {
        let (place, round) = place(number);
        let letters: String = place.chars().take(3).collect();
        Self { number, code: format!("{}{:02}", letters.to_uppercase(), round + 1) }
    }

    fn lower(&self) -> String {
        self.code.to_lowercase()
    }

    /// An id that looks like one of a cloud's and belongs to nobody.
    fn id(&self, part: &str) -> String {
        Digest::of(format!("{}\n{part}", self.code).as_bytes()).to_string()
    }

    fn short_id(&self, prefix: &str, zone: &str, part: &str) -> String {
        let hex: String = self.id(&format!("{zone}/{part}")).chars().rev().take(16).collect();
        format!("{prefix}-0{hex}")
    }

    fn key_arn(&self, region: &str, account: &str, zone: &str, part: &str) -> String {
        let hex: Vec<char> = self.id(&format!("{zone}/{part}")).chars().rev().take(32).collect();
        let piece = |from: usize, to: usize| hex[from..to].iter().collect::<String>();
        let uuid = [piece(0, 8), piece(8, 12), piece(12, 16), piece(16, 20), piece(20, 32)].join("-");
        format!("arn:aws:kms:{region}:{account}:key/{uuid}")
    }

    /// The file of this site, made from an example's file.
    pub(super) fn file(&self, example: &str) -> String {
        let model = Model::of(example);
        let mut out = format!("# Site {} of a generated estate, made after {}.\n", self.number, model.code);
        let mut skipping = false;
        for line in example.lines().filter(|line| !line.starts_with('#')) {
            if let Some(header) = line.strip_prefix('[') {
                skipping = header.starts_with("network.");
                if skipping {
                    let zone = header.trim_start_matches("network.").trim_end_matches(']');
                    out.push_str(&self.network(zone, model.region));
                }
            }
            if !skipping {
                out.push_str(&self.line(line, &model));
                out.push('\n');
            }
        }
        // Comments that fell out leave empty lines.
        let mut squeezed = out;
        while squeezed.contains("\n\n\n") {
            squeezed = squeezed.replace("\n\n\n", "\n\n");
        }
        squeezed
    }

    fn line(&self, line: &str, model: &Model<'_>) -> String {
        let key = line.split(" = ").next().unwrap_or_default();
        match key {
            "code" => format!("code = \"{}\"", self.code),
            "name" if line.contains(model.name) => format!("name = \"{}\"", self.name(model)),
            "costCenter" => format!("costCenter = \"CC-{}\"", 10_000 + self.number),
            // An example with addresses that others use too is translated; so is what is made after it.
            "cidr" if model.translated => line.to_owned(),
            "cidr" => format!("cidr = \"{}\"", cidr(ON_PREM.of(self.number), ON_PREM.bits)),
            "nat_cidr" => format!("nat_cidr = \"{}\"", cidr(ON_PREM.of(self.number), ON_PREM.bits)),
            _ => line.replace(&model.code.to_lowercase(), &self.lower()),
        }
    }

    fn name(&self, model: &Model<'_>) -> String {
        let (place, round) = place(self.number);
        let work = model.name.split_once(' ').map_or(model.name, |(_, work)| work);
        let work = SECOND_WORDS.iter().find_map(|word| work.strip_prefix(word)).unwrap_or(work).trim_start();
        if round == 0 { format!("{place} {work}") } else { format!("{place} {work} {}", round + 1) }
    }

    /// The tables of one landing zone.
    fn network(&self, zone: &str, region: &str) -> String {
        let (range, tail) = if zone == "prod" { (PROD, 1) } else { (NONPROD, 2) };
        let start = range.of(self.number);
        // Two subnets: quarters of the production block, and in the smaller block likewise.
        let bits = range.bits - 2;
        let account = format!("21{:07}{tail:03}", self.number);
        let subnet = |at: u32, letter: char| {
            let id = self.short_id("subnet", zone, &format!("subnet-{letter}"));
            let net = cidr(start + (at << bits), bits);
            format!("  {{ id = \"{id}\", cidr = \"{net}\", zone = \"{region}{letter}\" }},\n")
        };
        let mut out = format!("[network.{zone}]\n");
        let mut put = |key: &str, value: String| out.push_str(&format!("{key} = \"{value}\"\n"));
        put("cidr", cidr(start, range.bits));
        put("aws_account_id", account.clone());
        put("vpc_id", self.short_id("vpc", zone, "vpc"));
        out.push_str(&format!("private_subnets = [\n{}{}]\n", subnet(0, 'a'), subnet(1, 'b')));
        let mut put = |key: &str, value: String| out.push_str(&format!("{key} = \"{value}\"\n"));
        put("security_group_id", self.short_id("sg", zone, "sg"));
        put("rest_endpoint_id", self.short_id("vpce", zone, "rest"));
        put("relay_endpoint_id", self.short_id("vpce", zone, "relay"));
        put("storage_key_arn", self.key_arn(region, &account, zone, "storage"));
        put("managed_services_key_arn", self.key_arn(region, &account, zone, "managed"));
        out.push('\n');
        out
    }
}

/// The place a site is named after, and how often the list was gone through before.
fn place(number: u32) -> (&'static str, u32) {
    let count = u32::try_from(PLACES.len()).expect("a list of this length");
    let at = usize::try_from((number - 1) % count).expect("an index below the length");
    (PLACES[at], (number - 1) / count)
}

/// What is said of a site in the example's file.
struct Model<'e> {
    code: &'e str,
    name: &'e str,
    region: &'e str,
    translated: bool,
}

impl<'e> Model<'e> {
    fn of(example: &'e str) -> Self {
        let value = |key: &str| {
            let line = example.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
            line.and_then(|rest| rest.strip_suffix('"')).unwrap_or_default()
        };
        Self {
            code: value("code"),
            name: value("name"),
            region: value("region"),
            translated: example.contains("\nnat_cidr = "),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::limits::INIT_SITES_MAX;

    #[test]
    fn no_two_sites_have_a_code_or_an_address_in_common() {
        let sites: Vec<Site> = (1..=INIT_SITES_MAX).map(Site::new).collect();
        let codes: BTreeSet<&String> = sites.iter().map(|site| &site.code).collect();
        assert_eq!(codes.len(), sites.len());
        let shaped = |code: &str| crate::base::id::SiteCode::new(code).is_ok();
        assert!(codes.iter().all(|code| shaped(code)));
        for (range, next) in [(PROD, NONPROD.base), (NONPROD, ON_PREM.base), (ON_PREM, 11 << 24)] {
            assert!(range.of(INIT_SITES_MAX + 1) <= next, "a block reaches into the next kind of block");
        }
    }

    #[test]
    fn a_file_keeps_what_the_example_is_about_and_nothing_of_its_identity() {
        let example = include_str!("../../../sites/PNE09.toml");
        let file = Site::new(64).file(example);
        assert!(file.contains("code = \"BRI02\"\nname = \"Briar Community Clinic 2\"\n"), "{file}");
        assert!(file.contains("feeds = [\"sftp-csv\", \"hl7v2-adt\"]"), "{file}");
        assert!(file.contains("nat_cidr = \"10.208.63.0/24\""), "{file}");
        assert!(file.contains("[fhir]\nversion = \"none\"\n"), "{file}");
        let body = file.split_once('\n').unwrap().1;
        assert!(!body.to_lowercase().contains("pne09") && !body.contains("10.61."), "{file}");
    }
}
