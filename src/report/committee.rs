//! What a clinical committee gets to read about one model at one site: six parts, each from a file of the estate that is
//! named with its digest. Written as a document and as Markdown, from the same parts.

use crate::base::digest::Digest;
use crate::base::time::Timestamp;
use crate::document::{Block, Document, Table, Text, Zone};

/// A part that every packet has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What it is for, for whom, and for what it is not.
    IntendedUse,
    /// How it was validated, and with what outcome.
    ValidationSummary,
    /// How it does in each group of patients.
    SubgroupTable,
    /// Who decides, and how the model is overruled.
    HumanInTheLoop,
    /// What was looked for in unequal errors, and what was found.
    BiasChecks,
    /// How the site gets back to before.
    RollbackPlan,
}

impl Part {
    /// All parts in the order of the packet.
    pub const ALL: [Part; 6] = [
        Part::IntendedUse,
        Part::ValidationSummary,
        Part::SubgroupTable,
        Part::HumanInTheLoop,
        Part::BiasChecks,
        Part::RollbackPlan,
    ];

    /// The key in the packet's file.
    pub fn key(self) -> &'static str {
        match self {
            Part::IntendedUse => "intended_use",
            Part::ValidationSummary => "validation_summary",
            Part::SubgroupTable => "subgroup_table",
            Part::HumanInTheLoop => "human_in_the_loop",
            Part::BiasChecks => "bias_checks",
            Part::RollbackPlan => "rollback_plan",
        }
    }

    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Part::IntendedUse => "Intended use",
            Part::ValidationSummary => "Validation summary",
            Part::SubgroupTable => "Subgroups",
            Part::HumanInTheLoop => "Human in the loop",
            Part::BiasChecks => "Bias checks",
            Part::RollbackPlan => "Rollback plan",
        }
    }
}

/// What a part holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Markdown.
    Words(String),
    /// Rows, the head first; all as long as the head.
    Rows(Vec<Vec<String>>),
}

/// A part with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketPart {
    /// Which.
    pub part: Part,
    /// The file, from the estate's folder.
    pub path: String,
    /// Its digest.
    pub sha256: Digest,
    /// The entry of the site's log that holds the very same file, if one does.
    pub recorded: Option<String>,
    /// What it says.
    pub content: Content,
}

/// A packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// The model.
    pub model: String,
    /// Its name, for people.
    pub name: String,
    /// The version that the packet is about.
    pub version: String,
    /// Who answers for it.
    pub owner: String,
    /// The site.
    pub site: String,
    /// The site's name.
    pub site_name: String,
    /// When it was put together.
    pub made_at: Timestamp,
    /// The parts in their order.
    pub parts: Vec<PacketPart>,
}

/// Why rows are no table of subgroups.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTable {
    /// No head, or nothing below it.
    #[error("it has no row below its head")]
    Empty,
    /// The head is another one.
    #[error("its first column is `subgroup`, and at least one column with a figure follows")]
    Head,
    /// A row has more or fewer cells than the head.
    #[error("line {0} has other cells than its head")]
    Width(usize),
    /// A row names no subgroup, or leaves a cell empty.
    #[error("line {0} has an empty cell")]
    Blank(usize),
}

/// Reads the table of subgroups: lines of cells with commas between them, the head first. Quotes have no meaning.
///
/// # Errors
///
/// If it is none.
pub fn subgroups(text: &str) -> Result<Vec<Vec<String>>, NoTable> {
    let cells = |line: &str| line.split(',').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let rows: Vec<(usize, Vec<String>)> = lines.map(|(at, line)| (at + 1, cells(line))).collect();
    let (_, head) = rows.first().ok_or(NoTable::Empty)?;
    if head[0] != "subgroup" || head.len() < 2 {
        return Err(NoTable::Head);
    }
    for (at, row) in &rows {
        if row.len() != head.len() {
            return Err(NoTable::Width(*at));
        }
        if row.iter().any(String::is_empty) {
            return Err(NoTable::Blank(*at));
        }
    }
    if rows.len() < 2 { Err(NoTable::Empty) } else { Ok(rows.into_iter().map(|(_, row)| row).collect()) }
}

impl Packet {
    /// As a document for people.
    pub fn document(&self, zone: &Zone, producer: &str) -> Document {
        let mut blocks = vec![self.head(zone), Block::section("Sources"), self.sources()];
        for part in &self.parts {
            blocks.push(Block::named(part.part.key(), part.part.title()));
            match &part.content {
                Content::Words(words) => blocks.extend(markdown(words)),
                Content::Rows(rows) => blocks.push(table(rows)),
            }
        }
        let title = format!("{} at {}: for the clinical committee", self.name, self.site_name);
        let identity = self.parts.iter().map(|part| part.sha256.to_string()).collect::<Vec<_>>().join(" ");
        Document {
            foot: format!("{} {} at {}", self.model, self.version, self.site),
            author: self.owner.clone(),
            producer: producer.to_owned(),
            identity: Digest::of(identity.as_bytes()).to_string(),
            made_at: self.made_at,
            title,
            blocks,
        }
    }

    fn head(&self, zone: &Zone) -> Block {
        Block::Pairs(
            self.facts(zone).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
        )
    }

    fn facts(&self, zone: &Zone) -> [(&'static str, String); 5] {
        [
            ("Model", format!("{} ({})", self.name, self.model)),
            ("Version", self.version.clone()),
            ("Site", format!("{} ({})", self.site_name, self.site)),
            ("Answers for it", self.owner.clone()),
            ("Put together", zone.moment(self.made_at)),
        ]
    }

    fn sources(&self) -> Block {
        let mut table = Table::new(&[("Part", 20), ("File", 30), ("SHA-256", 34), ("On record", 16)]);
        for part in &self.parts {
            let recorded = part.recorded.clone().unwrap_or_else(|| "no".to_owned());
            let place = Text::none().place(part.part.key(), part.part.title());
            let digest = Text::none().code(part.sha256.to_string());
            table.push([place, Text::none().code(part.path.clone()), digest, recorded.into()]);
        }
        Block::Table(table)
    }

    /// As Markdown.
    pub fn markdown(&self, zone: &Zone) -> String {
        let mut out = format!("# {} at {}: for the clinical committee\n\n", self.name, self.site_name);
        for (name, value) in self.facts(zone) {
            out.push_str(&format!("- {name}: {value}\n"));
        }
        for part in &self.parts {
            out.push_str(&format!("\n## {}\n\n", part.part.title()));
            match &part.content {
                Content::Words(words) => {
                    out.push_str(&demoted(words));
                    out.push('\n');
                }
                Content::Rows(rows) => out.push_str(&pipes(rows)),
            }
            let recorded =
                part.recorded.as_ref().map_or("not on record".to_owned(), |at| format!("on record as {at}"));
            out.push_str(&format!("\nSource: `{}`, sha256 `{}`, {recorded}\n", part.path, part.sha256));
        }
        out
    }
}

fn table(rows: &[Vec<String>]) -> Block {
    let head = rows.first().into_iter().flatten();
    let columns: Vec<(&str, u16)> = head.map(|word| (word.as_str(), 10)).collect();
    let mut table = Table::new(&columns);
    let below = rows.iter().skip(1).map(|row| row.iter().map(|cell| Text::new(cell.clone())).collect());
    table.rows = below.collect();
    Block::Table(table)
}

fn pipes(rows: &[Vec<String>]) -> String {
    let line = |cells: &Vec<String>| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut out = String::new();
    for (at, row) in rows.iter().enumerate() {
        out.push_str(&line(row));
        if at == 0 {
            out.push_str(&format!("|{}\n", "---|".repeat(row.len())));
        }
    }
    out
}

/// Headings of a part stand below the packet's own.
fn demoted(words: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) => format!("### {}", rest.trim_start_matches('#').trim()),
        None => line.trim_end().to_owned(),
    };
    words.trim().lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The plain part of Markdown: headings, points and paragraphs. Everything else is shown as it was written.
fn markdown(words: &str) -> Vec<Block> {
    let (mut blocks, mut paragraph, mut points) = (Vec::new(), Vec::<&str>::new(), Vec::<String>::new());
    let flush = |blocks: &mut Vec<Block>, paragraph: &mut Vec<&str>, points: &mut Vec<String>| {
        if !paragraph.is_empty() {
            blocks.push(Block::Paragraph(paragraph.join(" ").into()));
            paragraph.clear();
        }
        if !points.is_empty() {
            blocks.push(Block::List(points.drain(..).map(Text::from).collect()));
        }
    };
    for line in words.lines().map(str::trim_end) {
        let point = line.strip_prefix("- ").or_else(|| line.strip_prefix("* "));
        match (line.strip_prefix('#'), point) {
            (Some(heading), _) => {
                flush(&mut blocks, &mut paragraph, &mut points);
                blocks.push(Block::part(heading.trim_start_matches('#').trim()));
            }
            (None, Some(point)) => {
                if !paragraph.is_empty() {
                    flush(&mut blocks, &mut paragraph, &mut points);
                }
                points.push(point.trim().to_owned());
            }
            (None, None) if line.trim().is_empty() => flush(&mut blocks, &mut paragraph, &mut points),
            (None, None) => match points.last_mut() {
                Some(point) => point.push_str(&format!(" {}", line.trim())),
                None => paragraph.push(line.trim()),
            },
        }
    }
    flush(&mut blocks, &mut paragraph, &mut points);
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet() -> Packet {
        let part = |part: Part| PacketPart {
            part,
            path: format!("models/readmit-30d/{}.md", part.key()),
            sha256: Digest::of(part.key().as_bytes()),
            recorded: (part == Part::BiasChecks).then(|| "site/HRB01#12".to_owned()),
            content: match part {
                Part::SubgroupTable => Content::Rows(
                    subgroups("subgroup, n, auroc\nwomen, 812, 0.79\nover 75, 301, 0.71|\n")
                        .expect("a table"),
                ),
                _ => Content::Words(format!(
                    "# {}\n\nOne line,\nand another.\n\n- a <point>\n  that goes on\n- b\n",
                    part.key()
                )),
            },
        };
        Packet {
            model: "readmit-30d".to_owned(),
            name: "Readmission".to_owned(),
            version: "4".to_owned(),
            owner: "mlops-lead".to_owned(),
            site: "HRB01".to_owned(),
            site_name: "Harborview".to_owned(),
            made_at: Timestamp::from_millis(1_799_658_000_000),
            parts: Part::ALL.map(part).into(),
        }
    }

    #[test]
    fn every_part_stands_in_both_forms_with_its_source() {
        let (packet, zone) = (packet(), Zone::of("America/New_York"));
        let text = packet.markdown(&zone);
        let page = crate::document::html::page(&packet.document(&zone, "landfall"));
        for part in Part::ALL {
            assert!(text.contains(&format!("\n## {}\n", part.title())), "{text}");
            assert!(page.contains(&format!("<h2 id=\"{}\">", part.key())), "{}", part.key());
            assert!(text.contains(&Digest::of(part.key().as_bytes()).to_string()));
        }
        assert!(
            text.contains("| over 75 | 301 | 0.71\\| |") && text.contains("on record as site/HRB01#12"),
            "{text}"
        );
        assert!(text.contains("\n### intended_use\n"), "headings of a part stand below the packet's own");
        assert!(
            page.contains("<li>a &lt;point&gt; that goes on</li>") && !page.contains("<point>"),
            "{page}"
        );
        assert!(page.contains("<p>One line, and another.</p>") && page.contains("<td>0.71|</td>"), "{page}");
        assert_eq!(page, crate::document::html::page(&packet.document(&zone, "landfall")), "the same bytes");
    }

    #[test]
    fn what_is_no_table_of_subgroups_says_where() {
        for (text, told) in [
            ("", NoTable::Empty),
            ("\n \n", NoTable::Empty),
            ("subgroup,n\n", NoTable::Empty),
            ("group,n\na,1\n", NoTable::Head),
            ("subgroup\na\n", NoTable::Head),
            ("subgroup,n\na,1,2\n", NoTable::Width(2)),
            ("subgroup,n\n\na,1\nb,\n", NoTable::Blank(4)),
        ] {
            assert_eq!(subgroups(text), Err(told), "{text:?}");
        }
    }
}
