//! Charts as SVG.

use std::fmt::Write;

use super::chart::{Anchor, Chart, Mark, WIDTH, marks};
pub(crate) use super::chart::{Series, Words};

/// Text as it may stand in HTML and SVG.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A chart as a part of a page.
pub(super) fn inline(chart: &Chart) -> String {
    let (height, marks) = chart.marks();
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\"><title>{}</title>{}</svg>",
        escape(&chart.title),
        drawn(&marks)
    )
}

/// A chart of all series as a file of its own; `zero` has the y axis begin at 0.
pub(crate) fn standalone(words: &Words<'_>, series: &[Series], zero: bool) -> String {
    const STYLE: &str = "text{font:11px system-ui,sans-serif}.t{font-weight:600;font-size:12px}.m{text-anchor:middle}\
                         .e{text-anchor:end}";
    let (height, marks) = marks(words, series, zero);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\
         <title>{}</title><style>{STYLE}</style><rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>{}</svg>",
        2.0 * WIDTH,
        escape(words.title),
        drawn(&marks)
    )
}

fn drawn(marks: &[Mark]) -> String {
    let mut svg = String::new();
    marks.iter().for_each(|mark| draw(&mut svg, mark));
    svg
}

fn draw(svg: &mut String, mark: &Mark) {
    let rgb = |[r, g, b]: [u8; 3]| format!("rgb({r},{g},{b})");
    // Writing to a string cannot fail.
    let _ = match mark {
        Mark::Line { points, .. } if points.is_empty() => Ok(()),
        Mark::Line { points, colour, width, dash } => {
            let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            let dash: Vec<String> = dash.iter().map(f64::to_string).collect();
            write!(
                svg,
                "<path d=\"M{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" stroke-dasharray=\"{}\"/>",
                path.join("L"),
                rgb(*colour),
                if dash.is_empty() { "none".to_owned() } else { dash.join(" ") }
            )
        }
        Mark::Dot { at: (x, y), radius, colour } => {
            write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{}\"/>", rgb(*colour))
        }
        Mark::Text { at: (x, y), text, anchor, strong, turned } => {
            let class = match anchor {
                _ if *strong => " class=\"t\"",
                Anchor::Start => "",
                Anchor::Middle => " class=\"m\"",
                Anchor::End => " class=\"e\"",
            };
            let turn =
                if *turned { format!(" transform=\"rotate(-90 {x:.1} {y:.1})\"") } else { String::new() };
            write!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\"{class}{turn}>{}</text>", escape(text))
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(f64, f64)]) -> Series {
        Series { name: "a<b".to_owned(), colour: [1, 2, 3], points: points.to_vec(), marks: false }
    }

    #[test]
    fn odd_values_still_make_a_chart() {
        let words = Words { title: "t & u", x: "x", y: "y" };
        for points in
            [&[][..], &[(1.0, 1.0)], &[(f64::NAN, 1.0), (2.0, f64::INFINITY)], &[(1.0, 5.0), (1.0, 5.0)]]
        {
            let svg = standalone(&words, &[series(points)], false);
            assert!(svg.contains("a&lt;b") && svg.contains("t &amp; u"));
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
