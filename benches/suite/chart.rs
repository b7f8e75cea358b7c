//! Drawings: curves over sites, with logarithms where they help, readable on light and on dark pages.

use std::fmt::Write as _;

/// What a curve belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawing {
    /// Processor seconds by sites.
    Cost,
    /// Time over bound by sites.
    Bound,
    /// Durable steps per second by sites.
    Steps,
}

impl Drawing {
    pub const ALL: [Self; 3] = [Self::Cost, Self::Bound, Self::Steps];

    pub fn file(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Bound => "bound",
            Self::Steps => "steps",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Cost => "What sites cost",
            Self::Bound => "How near to the least possible time",
            Self::Steps => "Journalled steps",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Cost => "processor seconds",
            Self::Bound => "simulated time over bound (1 cannot be beaten)",
            Self::Steps => "durable steps per second",
        }
    }

    /// Whether the upright axis goes by powers of ten.
    fn by_powers(self) -> bool {
        self == Self::Cost
    }
}

/// One curve.
#[derive(Debug, Clone)]
pub struct Curve {
    pub drawing: Drawing,
    pub name: String,
    /// Sites and what they cost.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    pub fn new(drawing: Drawing, name: &str) -> Self {
        Self { drawing, name: name.to_owned(), points: Vec::new() }
    }

    /// By how much the cost grows with the number of sites: the slope in a drawing with logarithms on both sides.
    pub fn exponent(&self) -> f64 {
        let logs: Vec<(f64, f64)> = self.points.iter().map(|(n, cost)| (n.ln(), cost.ln())).collect();
        let count = logs.len() as f64;
        let (sum_x, sum_y) = logs.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
        let (mean_x, mean_y) = (sum_x / count, sum_y / count);
        let (over, under) = logs.iter().fold((0.0, 0.0), |(over, under), (x, y)| {
            (over + (x - mean_x) * (y - mean_y), under + (x - mean_x).powi(2))
        });
        over / under
    }
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 420.0;
const MARGIN: f64 = 64.0;
/// Colours that people who see few colours can tell apart, for light pages and for dark ones.
const INKS: [(&str, &str); 6] = [
    ("#0067a5", "#56b4e9"),
    ("#c04d00", "#ff9e4a"),
    ("#00795a", "#3ddcaa"),
    ("#a3456f", "#f08cc0"),
    ("#8a6a00", "#f0c94a"),
    ("#555555", "#bbbbbb"),
];

fn style() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    for (at, (on_light, on_dark)) in INKS.iter().enumerate() {
        let _ = write!(light, ".c{at}{{stroke:{on_light}}}.f{at}{{fill:{on_light}}}");
        let _ = write!(dark, ".c{at}{{stroke:{on_dark}}}.f{at}{{fill:{on_dark}}}");
    }
    format!(
        "<style>text{{fill:#1f2328}}.page{{fill:#ffffff}}.grid{{stroke:#d0d7de}}{light}@media (prefers-color-scheme: dark)\
         {{text{{fill:#e6edf3}}.page{{fill:#0d1117}}.grid{{stroke:#30363d}}{dark}}}</style>\n"
    )
}

struct Axes {
    left: f64,
    right: f64,
    low: f64,
    high: f64,
    by_powers: bool,
}

impl Axes {
    fn of(drawing: Drawing, curves: &[&Curve]) -> Self {
        let all = || curves.iter().flat_map(|curve| curve.points.iter());
        let least = |of: fn(&(f64, f64)) -> f64| all().map(of).fold(f64::INFINITY, f64::min);
        let most = |of: fn(&(f64, f64)) -> f64| all().map(of).fold(f64::NEG_INFINITY, f64::max);
        let (left, right) = (least(|p| p.0).log10().floor(), most(|p| p.0).log10().ceil());
        let (low, high) = if drawing.by_powers() {
            (least(|p| p.1).log10().floor(), most(|p| p.1).log10().ceil())
        } else if drawing == Drawing::Bound {
            (1.0, (most(|p| p.1) * 20.0).ceil() / 20.0 + 0.05)
        } else {
            (0.0, nice(most(|p| p.1)))
        };
        let right = right.max(left + 1.0);
        Self { left, right, low, high: high.max(low + 1e-6), by_powers: drawing.by_powers() }
    }

    fn x(&self, x: f64) -> f64 {
        MARGIN + (x.log10() - self.left) / (self.right - self.left) * (WIDTH - 2.0 * MARGIN)
    }

    fn y(&self, y: f64) -> f64 {
        let y = if self.by_powers { y.log10() } else { y };
        HEIGHT - MARGIN - (y - self.low) / (self.high - self.low) * (HEIGHT - 2.0 * MARGIN)
    }

    fn ticks(&self) -> Vec<f64> {
        if self.by_powers {
            return (self.low as i32..=self.high as i32).map(|power| 10_f64.powi(power)).collect();
        }
        (0..=4).map(|part| self.low + (self.high - self.low) * f64::from(part) / 4.0).collect()
    }
}

/// The next number above that people find round.
fn nice(most: f64) -> f64 {
    let power = 10_f64.powf(most.max(1e-9).log10().floor());
    [1.0, 2.0, 4.0, 5.0, 10.0].iter().map(|part| part * power).find(|round| *round >= most).unwrap_or(most)
}

pub fn svg(drawing: Drawing, curves: &[&Curve]) -> String {
    let axes = Axes::of(drawing, curves);
    let title = drawing.title();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\" role=\"img\">\n<title>{title}: {}, by sites</title>\n{}\
         <rect class=\"page\" width=\"100%\" height=\"100%\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"15\">{title}</text>\n<text x=\"{MARGIN}\" y=\"46\">{}</text>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">sites</text>\n",
        drawing.unit(),
        style(),
        drawing.unit(),
        WIDTH / 2.0,
        HEIGHT - 12.0
    );
    grid(&mut out, &axes);
    for (at, curve) in curves.iter().enumerate() {
        line(&mut out, &axes, curve, at % INKS.len());
    }
    for (row, curve) in curves.iter().enumerate() {
        let (y, ink) = (MARGIN + 16.0 + 18.0 * row as f64, row % INKS.len());
        let _ = writeln!(
            out,
            "<rect class=\"f{ink}\" x=\"{}\" y=\"{}\" width=\"12\" height=\"12\"/><text x=\"{}\" y=\"{y}\">{}</text>",
            MARGIN + 10.0,
            y - 10.0,
            MARGIN + 28.0,
            curve.name
        );
    }
    out.push_str("</svg>\n");
    out
}

fn grid(out: &mut String, axes: &Axes) {
    for power in axes.left as i32..=axes.right as i32 {
        let x = 10_f64.powi(power);
        let (at, top, bottom) = (axes.x(x), MARGIN, HEIGHT - MARGIN);
        let _ = writeln!(
            out,
            "<path class=\"grid\" d=\"M{at:.1} {top}V{bottom}\"/><text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{x}</text>",
            bottom + 18.0
        );
    }
    for y in axes.ticks() {
        let at = axes.y(y);
        let label = if axes.by_powers || y >= 100.0 { format!("{y}") } else { format!("{y:.2}") };
        let _ = writeln!(
            out,
            "<path class=\"grid\" d=\"M{MARGIN} {at:.1}H{}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            WIDTH - MARGIN,
            MARGIN - 6.0,
            at + 4.0
        );
    }
}

fn line(out: &mut String, axes: &Axes, curve: &Curve, ink: usize) {
    let points: Vec<String> =
        curve.points.iter().map(|(x, y)| format!("{:.1},{:.1}", axes.x(*x), axes.y(*y))).collect();
    let _ = writeln!(
        out,
        "<polyline class=\"c{ink}\" fill=\"none\" stroke-width=\"2\" points=\"{}\"/>",
        points.join(" ")
    );
    for (x, y) in &curve.points {
        let (x, y) = (axes.x(*x), axes.y(*y));
        let _ = writeln!(out, "<circle class=\"f{ink}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>");
    }
}
