//! Small charts as inline SVG.

use std::fmt::Write;

/// Size of a chart in its own units.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 260.0;
/// Room for the labels on the left, right, top and bottom.
const LEFT: f64 = 58.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 28.0;
const BOTTOM: f64 = 44.0;
/// Names of series beside each other under the chart, and the height of a row of them.
const COLUMNS: usize = 2;
const ROW: f64 = 15.0;
/// Ticks along an axis, about.
const TICKS: f64 = 5.0;

/// One line or one cloud of points.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) colour: [u8; 3],
    pub(crate) points: Vec<(f64, f64)>,
    /// Points marked one by one instead of joined.
    pub(crate) marks: bool,
}

/// A chart's words.
pub(crate) struct Words<'a> {
    pub(crate) title: &'a str,
    pub(crate) x: &'a str,
    pub(crate) y: &'a str,
}

/// Text as it may stand in HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A chart of all series; `zero` has the y axis begin at 0.
pub(super) fn chart(words: &Words<'_>, series: &[Series], zero: bool) -> String {
    let points = || series.iter().flat_map(|s| &s.points).filter(|p| p.0.is_finite() && p.1.is_finite());
    let frame =
        Frame { x: Axis::over(points().map(|p| p.0), false), y: Axis::over(points().map(|p| p.1), zero) };
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {1}\" role=\"img\"><title>{0}</title><text x=\"{LEFT}\" y=\"14\" \
         class=\"t\">{0}</text>",
        escape(words.title),
        height(series.len())
    );
    frame.draw(&mut svg, words);
    for (i, series) in series.iter().enumerate() {
        frame.series(&mut svg, series, i);
    }
    svg + "</svg>"
}

/// Height of a chart with the names of so many series under it.
fn height(series: usize) -> f64 {
    HEIGHT + ROW * series.div_ceil(COLUMNS) as f64
}

/// The same as a file of its own.
pub(crate) fn standalone(words: &Words<'_>, series: &[Series], zero: bool) -> String {
    const STYLE: &str = "text{font:11px system-ui,sans-serif}.t{font-weight:600;font-size:12px}.m{text-anchor:middle}\
                         .e{text-anchor:end}.g{stroke:#ddd;fill:none}";
    let head = format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\"", 2.0 * WIDTH);
    let body = chart(words, series, zero).replacen("<svg", &head, 1);
    let height = height(series.len());
    let ground = format!("<style>{STYLE}</style><rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>");
    body.replacen("</title>", &format!("</title>{ground}"), 1)
}

struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// Round limits around the values.
    fn over(values: impl Iterator<Item = f64>, zero: bool) -> Self {
        let start = if zero { (0.0, 0.0) } else { (f64::INFINITY, f64::NEG_INFINITY) };
        let (low, high) = values.fold(start, |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = match (low.is_finite(), high > low) {
            (false, _) => (0.0, 1.0),
            (true, true) => (low, high),
            (true, false) => (low - 0.5, low + 0.5),
        };
        let rough = (high - low) / TICKS;
        let power = 10_f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(rough);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    /// Place of a value between 0 and 1.
    fn part(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    fn ticks(&self) -> Vec<f64> {
        let count = ((self.high - self.low) / self.step).round() as usize;
        (0..=count).map(|i| self.low + i as f64 * self.step).collect()
    }

    /// A tick's number with as many decimals as the step needs.
    fn text(&self, value: f64) -> String {
        let decimals = (-self.step.log10().floor()).max(0.0) as usize;
        if self.high.abs() >= 1e6 { format!("{value:.1e}") } else { format!("{value:.decimals$}") }
    }
}

struct Frame {
    x: Axis,
    y: Axis,
}

impl Frame {
    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let across = LEFT + self.x.part(x) * (WIDTH - LEFT - RIGHT);
        (across, HEIGHT - BOTTOM - self.y.part(y) * (HEIGHT - TOP - BOTTOM))
    }

    fn draw(&self, svg: &mut String, words: &Words<'_>) {
        let (x0, y0) = self.at((self.x.low, self.y.low));
        let (x1, y1) = self.at((self.x.high, self.y.high));
        for tick in self.x.ticks() {
            let x = self.at((tick, self.y.low)).0;
            let _ = write!(svg, "<path d=\"M{x:.1} {y0:.1}V{y1:.1}\" class=\"g\"/>");
            let _ = write!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" class=\"m\">{}</text>",
                y0 + 14.0,
                self.x.text(tick)
            );
        }
        for tick in self.y.ticks() {
            let y = self.at((self.x.low, tick)).1;
            let _ = write!(svg, "<path d=\"M{x0:.1} {y:.1}H{x1:.1}\" class=\"g\"/>");
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" class=\"e\">{}</text>",
                x0 - 5.0,
                y + 3.5,
                self.y.text(tick)
            );
        }
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" class=\"m\">{}</text>",
            (x0 + x1) / 2.0,
            HEIGHT - 8.0,
            escape(words.x)
        );
        let middle = (y0 + y1) / 2.0;
        let _ = write!(
            svg,
            "<text x=\"12\" y=\"{middle:.1}\" class=\"m\" transform=\"rotate(-90 12 {middle:.1})\">{}</text>",
            escape(words.y)
        );
    }

    /// A series, and its name at place `place` of the legend. Dashes tell lines apart without colour.
    fn series(&self, svg: &mut String, series: &Series, place: usize) {
        let [r, g, b] = series.colour;
        let colour = format!("rgb({r},{g},{b})");
        let dash = ["none", "6 3", "2 2", "8 3 2 3"][place % 4];
        let (column, row) = (place % COLUMNS, place / COLUMNS);
        let x = LEFT + column as f64 * (WIDTH - LEFT - RIGHT) / COLUMNS as f64;
        let y = HEIGHT + 6.0 + ROW * row as f64;
        let _ =
            write!(svg, "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>", x + 28.0, y + 4.0, escape(&series.name));
        let finite = series.points.iter().filter(|p| p.0.is_finite() && p.1.is_finite());
        let places: Vec<(f64, f64)> = finite.map(|p| self.at(*p)).collect();
        if series.marks {
            for (x, y) in places.into_iter().chain([(x + 11.0, y)]) {
                let _ = write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>");
            }
        } else {
            let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            let _ = write!(
                svg,
                "<path d=\"M{x:.1} {y:.1}h22{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\" stroke-dasharray=\"{dash}\"/>",
                path.first().map_or_else(String::new, |_| format!("M{}", path.join("L")))
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(f64, f64)]) -> Series {
        Series { name: "a<b".to_owned(), colour: [1, 2, 3], points: points.to_vec(), marks: false }
    }

    #[test]
    fn axes_have_round_ends() {
        let axis = Axis::over([0.13, 0.92].into_iter(), false);
        assert!(
            (axis.low - 0.0).abs() < 1e-9 && (axis.high - 1.0).abs() < 1e-9,
            "{} {}",
            axis.low,
            axis.high
        );
        assert_eq!(axis.ticks().len(), 6);
        assert_eq!(axis.text(0.2), "0.2");
    }

    #[test]
    fn odd_values_still_make_a_chart() {
        let words = Words { title: "t & u", x: "x", y: "y" };
        for points in
            [&[][..], &[(1.0, 1.0)], &[(f64::NAN, 1.0), (2.0, f64::INFINITY)], &[(1.0, 5.0), (1.0, 5.0)]]
        {
            let svg = chart(&words, &[series(points)], false);
            assert!(svg.contains("a&lt;b") && svg.contains("t &amp; u"));
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
