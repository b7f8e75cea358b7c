//! What was measured, as CSV, as a table for people and as a drawing.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// What a scenario came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Met,
    Missed,
    NotRun,
}

impl Verdict {
    pub fn of(met: bool) -> Self {
        if met { Self::Met } else { Self::Missed }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "**missed**",
            Self::NotRun => "not run",
        }
    }
}

/// One scenario.
#[derive(Debug, Clone)]
pub struct Row {
    pub number: u32,
    pub name: &'static str,
    pub target: &'static str,
    pub measured: String,
    pub floor: String,
    pub ratio: String,
    pub verdict: Verdict,
    pub note: String,
}

/// Cost of one command over sizes.
#[derive(Debug, Clone, Default)]
pub struct Curve {
    pub name: String,
    /// Sites and processor seconds.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    /// By how much the cost grows with the number of sites: the slope in a drawing with logarithms on both sides.
    pub fn exponent(&self) -> f64 {
        let logs: Vec<(f64, f64)> = self.points.iter().map(|(n, cpu)| (n.ln(), cpu.ln())).collect();
        let count = logs.len() as f64;
        let (sum_x, sum_y) = logs.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
        let (mean_x, mean_y) = (sum_x / count, sum_y / count);
        let (over, under) = logs.iter().fold((0.0, 0.0), |(over, under), (x, y)| {
            (over + (x - mean_x) * (y - mean_y), under + (x - mean_x).powi(2))
        });
        over / under
    }
}

pub fn markdown(rows: &[Row]) -> String {
    let mut out =
        "| # | scenario | target | measured | floor or bound | ratio | verdict | note |\n".to_owned();
    out.push_str("|---:|---|---|---|---|---:|---|---|\n");
    for row in rows {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            row.number,
            row.name,
            row.target,
            row.measured,
            row.floor,
            row.ratio,
            row.verdict.word(),
            row.note
        );
    }
    out
}

fn csv(rows: &[Row]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut out = "number,name,target,measured,floor,ratio,verdict,note\n".to_owned();
    for row in rows {
        let cells =
            [row.name, row.target, &row.measured, &row.floor, &row.ratio, row.verdict.word(), &row.note];
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        let _ = writeln!(out, "{},{}", row.number, cells.join(","));
    }
    out
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 420.0;
const MARGIN: f64 = 60.0;
const INKS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#555555"];

/// Curves over sites, logarithms on both sides.
pub fn svg(title: &str, curves: &[Curve]) -> String {
    let all: Vec<(f64, f64)> = curves.iter().flat_map(|curve| curve.points.iter().copied()).collect();
    let range = |of: fn(&(f64, f64)) -> f64| {
        let logs: Vec<f64> = all.iter().map(|point| of(point).log10()).collect();
        let low = logs.iter().copied().fold(f64::INFINITY, f64::min).floor();
        (low, logs.iter().copied().fold(low + 1.0, f64::max).ceil())
    };
    let ((left, right), (low, high)) = (range(|p| p.0), range(|p| p.1));
    let at_x = |x: f64| MARGIN + (x.log10() - left) / (right - left) * (WIDTH - 2.0 * MARGIN);
    let at_y = |y: f64| HEIGHT - MARGIN - (y.log10() - low) / (high - low) * (HEIGHT - 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\" role=\"img\">\n<title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"15\">{title}</text>\n"
    );
    let ticks = |from: f64, to: f64| (from as i32..=to as i32).map(|power| 10_f64.powi(power));
    for x in ticks(left, right) {
        let at = at_x(x);
        let (top, bottom) = (MARGIN, HEIGHT - MARGIN);
        let _ = writeln!(
            out,
            "<path d=\"M{at} {top}V{bottom}\" stroke=\"#ddd\"/><text x=\"{at}\" y=\"{}\" text-anchor=\"middle\">{x}</text>",
            bottom + 18.0
        );
    }
    for y in ticks(low, high) {
        let at = at_y(y);
        let _ = writeln!(
            out,
            "<path d=\"M{MARGIN} {at}H{}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{y}</text>",
            WIDTH - MARGIN,
            MARGIN - 6.0,
            at + 4.0
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">sites</text>",
        WIDTH / 2.0,
        HEIGHT - 12.0
    );
    let _ = writeln!(out, "<text x=\"{MARGIN}\" y=\"46\">processor seconds</text>");
    for (curve, ink) in curves.iter().zip(INKS.iter().cycle()) {
        let points: Vec<String> =
            curve.points.iter().map(|(x, y)| format!("{:.1},{:.1}", at_x(*x), at_y(*y))).collect();
        let _ = writeln!(
            out,
            "<polyline fill=\"none\" stroke=\"{ink}\" stroke-width=\"2\" points=\"{}\"/>",
            points.join(" ")
        );
        for (x, y) in &curve.points {
            let _ = writeln!(
                out,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{ink}\"/>",
                at_x(*x),
                at_y(*y)
            );
        }
    }
    for (row, (curve, ink)) in curves.iter().zip(INKS.iter().cycle()).enumerate() {
        let y = MARGIN + 16.0 + 18.0 * row as f64;
        let _ = writeln!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"12\" height=\"12\" fill=\"{ink}\"/><text x=\"{}\" y=\"{}\">{}</text>",
            MARGIN + 10.0,
            y - 10.0,
            MARGIN + 28.0,
            y,
            curve.name
        );
    }
    out.push_str("</svg>\n");
    out
}

/// Writes everything into a folder.
pub fn write(folder: &Path, rows: &[Row], curves: &[Curve], head: &str) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("suite.csv"), csv(rows))?;
    fs::write(folder.join("suite.md"), format!("{head}\n{}", markdown(rows)))?;
    let mut points = "curve,sites,cpu_seconds\n".to_owned();
    for curve in curves {
        for (sites, cpu) in &curve.points {
            let _ = writeln!(points, "\"{}\",{sites},{cpu}", curve.name);
        }
    }
    fs::write(folder.join("scaling.csv"), points)?;
    fs::write(folder.join("scaling.svg"), svg("What sites cost", curves))
}
