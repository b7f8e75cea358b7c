//! A document as one HTML page, without scripts or anything from elsewhere; it prints well on A4 and Letter.

use super::letters::visible;
use super::{Block, Document, Heading, Span, Table, Text};

/// One style for all pages. Widths of columns are the tables' own; the print rules keep rows, and headings with what
/// follows, together.
const STYLE: &str = "\
:root{--ink:#1a1a1a;--soft:#555;--line:#bbb}
body{font:15px/1.45 system-ui,'DejaVu Sans',sans-serif;max-width:64rem;margin:1.5rem auto;padding:0 1rem;color:var(--ink);background:#fff}
h1{font-size:1.6rem;margin:0 0 .4rem}h2{font-size:1.2rem;margin:1.8rem 0 .5rem;border-bottom:1px solid var(--ink)}
h3{font-size:1rem;margin:1.2rem 0 .3rem}p{margin:.4rem 0}ul{margin:.4rem 0;padding-left:1.2rem}
table{border-collapse:collapse;width:100%;table-layout:fixed;margin:.4rem 0}
th,td{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
thead{display:table-header-group}thead th{border-bottom:1px solid var(--ink);font-size:.9em}tr{break-inside:avoid}
code,pre{font:13px/1.4 ui-monospace,'DejaVu Sans Mono',monospace;overflow-wrap:anywhere;white-space:pre-wrap}
pre{margin:.4rem 0;padding:.4rem .6rem;background:#f4f4f4}
.notice{border:3px solid var(--ink);padding:.4rem .8rem;font-weight:bold}
td:first-child{overflow-wrap:break-word}svg{display:block;width:100%;height:1.1rem;margin:.4rem 0 .2rem}
@media print{body{margin:0;padding:0;max-width:none;font-size:9pt;line-height:1.3}a{color:inherit}
h1{font-size:15pt}h2{font-size:11.5pt;margin:1em 0 .3em}h3{font-size:10pt}h2,h3{break-after:avoid}
code,pre{font-size:7.5pt}pre{break-inside:avoid}p,ul,table{margin:.25em 0}th,td{padding:.12rem .5rem .12rem 0}}
@page{margin:15mm}";

/// Greys of shares, from dark to light; each share is also written.
const GREYS: [&str; 6] = ["#222", "#777", "#bbb", "#444", "#999", "#ddd"];

/// The page.
pub fn page(document: &Document) -> String {
    let title = escaped(&document.title);
    let blocks: String = document.blocks.iter().map(block).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"author\" content=\"{}\">\n\
         <title>{title}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{blocks}</main>\n\
         </body>\n</html>\n",
        escaped(&document.author),
    )
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(Heading { level, words, anchor }) => {
            format!("<h{level} id=\"{}\">{}</h{level}>\n", escaped(anchor), escaped(words))
        }
        Block::Paragraph(words) => format!("<p>{}</p>\n", text(words)),
        Block::Notice(words) => format!("<p class=\"notice\">{}</p>\n", text(words)),
        Block::List(points) => {
            let points: String = points.iter().map(|point| format!("<li>{}</li>\n", text(point))).collect();
            format!("<ul>\n{points}</ul>\n")
        }
        Block::Pairs(pairs) => {
            let rows: String = pairs
                .iter()
                .map(|(name, value)| {
                    format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escaped(name), text(value))
                })
                .collect();
            let columns = "<colgroup><col style=\"width:18%\"><col></colgroup>";
            format!("<table>\n{columns}\n<tbody>\n{rows}</tbody>\n</table>\n")
        }
        Block::Table(one) => table(one),
        Block::Code(lines) => {
            format!("<pre>{}</pre>\n", lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("\n"))
        }
        Block::Shares(shares) => drawn(shares),
    }
}

fn table(table: &Table) -> String {
    let widths: String =
        table.shares().iter().map(|share| format!("<col style=\"width:{:.1}%\">", share * 100.0)).collect();
    let heads: String = table
        .columns
        .iter()
        .map(|column| format!("<th scope=\"col\">{}</th>", escaped(&column.words)))
        .collect();
    let row = |cells: &Vec<Text>| {
        let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", text(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = table.rows.iter().map(row).collect();
    format!(
        "<table>\n<colgroup>{widths}</colgroup>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}

/// A bar of shares. What it says stands below it in words, so the drawing is for eyes only.
fn drawn(shares: &[(String, u64)]) -> String {
    let whole: u64 = shares.iter().map(|(_, count)| count).sum();
    let mut bar = String::new();
    let mut before = 0;
    for (place, (_, count)) in shares.iter().enumerate() {
        // Hundredths of a percent are more than an eye can see, and whole numbers are the same everywhere.
        let at = |count: u64| (count * 10_000).checked_div(whole).unwrap_or(0);
        bar.push_str(&format!(
            "<rect x=\"{}\" y=\"0\" width=\"{}\" height=\"10\" fill=\"{}\" stroke=\"#fff\"/>",
            at(before),
            at(before + count) - at(before),
            GREYS[place % GREYS.len()]
        ));
        before += count;
    }
    let svg = format!(
        "<svg viewBox=\"0 0 10000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">{bar}</svg>"
    );
    let words: Vec<String> =
        shares.iter().map(|(what, count)| format!("{count} {}", escaped(what))).collect();
    format!("{svg}\n<p>{}</p>\n", words.join(" · "))
}

fn text(text: &Text) -> String {
    let span = |span: &Span| match span {
        Span::Plain(words) => escaped(words),
        Span::Strong(words) => format!("<strong>{}</strong>", escaped(words)),
        Span::Code(words) => format!("<code>{}</code>", escaped(words)),
        Span::File { path, words } => link(path, words),
        Span::Place { anchor, words } => format!("<a href=\"#{}\">{}</a>", escaped(anchor), escaped(words)),
        Span::Break => "<br>".to_owned(),
    };
    text.spans.iter().map(span).collect()
}

/// Text without any markup in it, and without letters that hide.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in visible(text).chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(letter),
        }
    }
    html
}

/// A link to a file beside the page.
fn link(path: &str, text: &str) -> String {
    let mut address = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-/".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    // A leading `./` keeps a path with a colon from being read as a scheme.
    format!("<a href=\"./{address}\">{}</a>", escaped(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_through() {
        assert_eq!(
            escaped("<script>alert('a' & \"b\")\u{202e}"),
            "&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)[U+202E]"
        );
        assert_eq!(link("javascript:x\"", "<b>"), "<a href=\"./javascript%3Ax%22\">&lt;b&gt;</a>");
        let evil = "\"><script>";
        let all = [
            Block::section(evil),
            Block::Notice(Text::new(evil).strong(evil).code(evil).place(evil, evil).file(evil, evil)),
            Block::List(vec![evil.into()]),
            Block::Pairs(vec![(evil.to_owned(), evil.into())]),
            Block::Code(vec![evil.to_owned()]),
            Block::Shares(vec![(evil.to_owned(), 1)]),
        ];
        for one in &all {
            assert!(!block(one).contains("<script"), "{}", block(one));
        }
    }

    #[test]
    fn shares_add_up_to_the_whole_bar() {
        let shares = [("a".to_owned(), 1), ("b".to_owned(), 2), ("c".to_owned(), 0)];
        let html = drawn(&shares);
        assert!(
            html.contains("x=\"0\" y=\"0\" width=\"3333\"")
                && html.contains("x=\"3333\" y=\"0\" width=\"6667\"")
        );
        assert!(html.contains("1 a · 2 b · 0 c"));
        assert!(drawn(&[]).contains("<svg"), "nothing is drawn of nothing");
    }
}
