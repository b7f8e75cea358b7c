//! `index.html`: one page for a person who reads evidence, without scripts or outside links; it prints well.

mod controls;
mod escape;
mod records;
mod summary;
mod tables;

use super::{Content, layout, readme};
use escape::{escaped, link, moment};

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #999}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #ddd}
thead{display:table-header-group}tr{break-inside:avoid}code,pre{font:13px/1.4 ui-monospace,monospace;overflow-wrap:anywhere;white-space:pre-wrap}
.rehearsal{border:3px solid #1a1a1a;padding:.6rem 1rem;font-weight:bold}.short th{width:12rem}td{overflow-wrap:anywhere}td:first-child{overflow-wrap:break-word}h3{font-size:1rem}
@media print{body{margin:0;max-width:none;font-size:10pt}a{color:inherit}}@page{margin:18mm}";

/// The page.
pub(super) fn html(content: &Content<'_>) -> String {
    let site = escaped(content.parts.site.as_str());
    let sections = [
        head(content),
        summary::html(content),
        tables::needs_your_eye(content),
        controls::section(&content.parts.controls),
        records::populations(content),
        records::people(content),
        tables::changes(content),
        tables::steps(content),
        provenance(content),
        shared(content),
        check(content),
    ];
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Evidence of site {site}</title>\n\
         <style>\n{STYLE}\n</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n",
        sections.concat()
    )
}

fn head(content: &Content<'_>) -> String {
    let parts = content.parts;
    let mut html = format!("<h1>Evidence of site {}</h1>\n", escaped(parts.site.as_str()));
    if parts.rehearsal {
        html.push_str("<p class=\"rehearsal\">Rehearsal: nothing on this page really happened. ");
        html.push_str("It ran against a throwaway sandbox, and is signed by a rehearsal's key.</p>\n");
    }
    let wave = parts.wave.as_ref().map_or("outside a wave".to_owned(), |wave| format!("wave {wave}"));
    html.push_str(&format!(
        "<p>{}, {}. As of {}, exported by {}. Record: {} entries, sealed.</p>\n",
        escaped(&parts.estate),
        escaped(&wave),
        moment(parts.exported_at),
        escaped(&parts.exported_by),
        content.checkpoint.size,
    ));
    if content.plan.head.partial {
        html.push_str("<p><strong>Partial plan:</strong> other sites of a wave were left out of it.</p>\n");
    }
    html
}

/// Where all of it comes from: the names and numbers that a reader compares, not those that they read first.
fn provenance(content: &Content<'_>) -> String {
    let parts = content.parts;
    let runs: Vec<&str> = parts.runs.iter().map(|run| run.as_str()).collect();
    let record = format!(
        "{} entries, sealed in the log {} and counted in the organisation's log at its entry {}",
        content.checkpoint.size, content.checkpoint.origin, parts.heads_proof.index
    );
    let rows = [
        ("Estate", parts.estate.clone()),
        ("Wave", parts.wave.as_ref().map_or("none".to_owned(), ToString::to_string)),
        ("Run", if runs.is_empty() { "none".to_owned() } else { runs.join(", ") }),
        ("Target", format!("{} ({})", content.plan.head.target.name, content.plan.head.target.host)),
        ("Plan", plan_name(content)),
        ("Exported", format!("{} by {} with {}", parts.exported_at, parts.exported_by, parts.tool)),
        ("Record", record),
    ];
    let mut html = String::from("<h2>Where this comes from</h2>\n<table>\n<tbody>\n");
    for (name, value) in rows {
        html.push_str(&format!("<tr><th scope=\"row\">{name}</th><td>{}</td></tr>\n", escaped(&value)));
    }
    html.push_str("</tbody>\n</table>\n");
    html
}

fn plan_name(content: &Content<'_>) -> String {
    let partial = if content.plan.head.partial { " (partial)" } else { "" };
    format!("{}{partial}", content.plan.digest)
}

fn shared(content: &Content<'_>) -> String {
    if content.parts.shared.is_empty() {
        return String::new();
    }
    let mut html = String::from("<h2>What the site rests on</h2>\n<p>Shared logs, by reference:</p>\n<ul>\n");
    for (log, head) in &content.parts.shared {
        html.push_str(&format!(
            "<li>{}: size {}, root <code>{}</code></li>\n",
            escaped(&log.to_string()),
            head.size,
            head.root
        ));
    }
    html.push_str("</ul>\n");
    html
}

fn check(content: &Content<'_>) -> String {
    let commands = readme::commands(content).join("\n");
    format!(
        "<h2>How to check this yourself</h2>\n<p>In this folder; {} says what each of them proves.</p>\n\
         <pre>{}</pre>\n<p>Compare these keys with what you were given on another way:</p>\n\
         <pre>{}\n{}</pre>\n<h2 id=\"limits\">What the seal does not prove</h2>\n\
         <p>That something which was never written down did not happen; that documents which are only named by digest \
         are true; that whoever holds the signing key did not replace the whole history before the first copy left \
         their hands.</p>\n",
        link(layout::README, layout::README),
        escaped(&commands),
        escaped(&content.parts.log_key.to_string()),
        escaped(&content.parts.bundle_key.to_string()),
    )
}
