//! IoU over cost as SVG: PaSeR's points joined along λ, every other method a named point.

use super::Comparison;
use crate::compare::Row;
use crate::export::axis::Axis;
use crate::export::report::svg::escape;
use std::fmt::Write;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 600.0;
/// Room on the left, right, top and bottom.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 92.0;
const BOTTOM: f64 = 70.0;
/// Height of a line of text, and the mean width of a letter.
const LINE: f64 = 16.0;
const LETTER: f64 = 6.9;

/// Steps of the IoU axis, about.
const TICKS: f64 = 7.0;

/// A curve over λ: the rows it joins, its name, colour and dashes.
const CURVES: [(&str, &str, &str, &str); 4] = [
    ("paser", "PaSeR, a policy for each λ", "#0072b2", "none"),
    ("paser, λ-conditioned", "PaSeR, one policy for every λ", "#009e73", "none"),
    ("random, same shares", "random, the same shares", "#cc79a7", "5 4"),
    ("oracle", "oracle (knows the truth)", "#d55e00", "2 3"),
];

pub(super) fn svg(c: &Comparison<'_>) -> String {
    let frame = Frame::around(c.rows);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\" fill=\"#222\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"26\" font-size=\"17\" font-weight=\"bold\">IoU over cost</text>\n\
         <text x=\"{LEFT}\" y=\"46\" fill=\"#555\">{}</text>\n",
        escape(&format!("{} ({}), noise {}, bundle {}", c.on, c.images, c.noise, c.bundle))
    );
    frame.axes(&mut svg);
    let mut taken = Taken::default();
    legend(&mut svg, c);
    // PaSeR's curves come last and so lie above the others
    for (method, _, colour, dash) in CURVES.iter().rev() {
        let places: Vec<(f64, f64)> = along(c, method).iter().map(|r| frame.place(r)).collect();
        curve(&mut svg, &places, colour, dash);
        places.iter().for_each(|p| taken.point(*p));
        places.windows(2).for_each(|pair| taken.line(pair[0], pair[1]));
    }
    singles(&mut svg, c, &frame, &mut taken);
    for (method, _, colour, _) in &CURVES[..2] {
        for (name, place) in lambdas(&along(c, method), &frame) {
            taken.label(&mut svg, &name, place, colour, false);
        }
    }
    svg + "</svg>\n"
}

/// The rows of a curve by rising λ.
fn along<'a>(c: &'a Comparison<'_>, method: &str) -> Vec<&'a Row> {
    let mut rows: Vec<&Row> = c.rows.iter().filter(|r| r.method == method && r.tvd.is_none()).collect();
    rows.sort_by(|a, b| a.lambda.unwrap_or(0.0).total_cmp(&b.lambda.unwrap_or(0.0)));
    rows
}

fn legend(svg: &mut String, c: &Comparison<'_>) {
    let mut left = LEFT;
    for (method, name, colour, dash) in CURVES {
        if along(c, method).is_empty() {
            continue;
        }
        let _ = writeln!(
            svg,
            "<path d=\"M{left:.1} 68h22\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dash}\"/>\
             <text x=\"{:.1}\" y=\"72.5\" font-size=\"12.5\">{}</text>",
            left + 28.0,
            escape(name)
        );
        left += 46.0 + name.chars().count() as f64 * 6.5;
    }
}

/// The methods without a curve, and policies tuned to a TVD, as named points.
fn singles(svg: &mut String, c: &Comparison<'_>, frame: &Frame, taken: &mut Taken) {
    let alone = |r: &&Row| r.lambda.is_none() || (r.tvd.is_some() && r.method == "paser");
    let rows: Vec<&Row> = c.rows.iter().filter(alone).collect();
    for row in &rows {
        let (x, y) = frame.place(row);
        taken.point((x, y));
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"#fff\" stroke=\"#222\" stroke-width=\"1.8\"/>"
        );
    }
    for row in rows {
        let tvd = row.tvd.map_or_else(String::new, |t| format!(", TVD {t}"));
        let remark = row.remark.as_ref().filter(|_| row.shares.is_empty());
        let remark = remark.map_or_else(String::new, |r| format!(" ({r})"));
        taken.label(svg, &format!("{}{remark}{tvd}", row.method), frame.place(row), "#222", true);
    }
}

/// Names of a curve's points; neighbours in one place share theirs, as in "λ 0.3 to 1".
fn lambdas(rows: &[&Row], frame: &Frame) -> Vec<(String, (f64, f64))> {
    let near = |a: &&Row, b: &&Row| {
        let ((ax, ay), (bx, by)) = (frame.place(a), frame.place(b));
        (ax - bx).hypot(ay - by) < 3.0
    };
    let name = |group: &[&Row]| {
        let (first, last) = (group.first()?, group.last()?);
        let text = match (first.lambda?, last.lambda?) {
            (a, b) if a == b => format!("λ {a}"),
            (a, b) => format!("λ {a} to {b}"),
        };
        Some((text, frame.place(first)))
    };
    rows.chunk_by(near).filter_map(name).collect()
}

fn curve(svg: &mut String, places: &[(f64, f64)], colour: &str, dash: &str) {
    if places.is_empty() {
        return;
    }
    let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    let _ = writeln!(
        svg,
        "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dash}\"/>",
        path.join("L")
    );
    for (x, y) in places {
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.6\" fill=\"{colour}\"/>");
    }
}

/// The axes: GFLOPs an image by their logarithm, IoU.
struct Frame {
    /// Decimal logarithms of the ends.
    x: [f64; 2],
    y: Axis,
}

impl Frame {
    fn around(rows: &[Row]) -> Self {
        let logs = rows.iter().map(|r| gflops(r).log10()).filter(|v| v.is_finite());
        let [low, high] = logs.fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], v| [l.min(v), h.max(v)]);
        let x = if low <= high { [low - 0.12, high + 0.2] } else { [0.0, 1.0] };
        Self { x, y: Axis::over(rows.iter().map(|r| r.iou), false, TICKS) }
    }

    fn at(&self, log: f64, iou: f64) -> (f64, f64) {
        let across = (log - self.x[0]) / (self.x[1] - self.x[0]);
        (LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - self.y.part(iou) * (HEIGHT - TOP - BOTTOM))
    }

    fn place(&self, row: &Row) -> (f64, f64) {
        self.at(gflops(row).log10(), row.iou)
    }

    fn axes(&self, svg: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (value, major) in ticks(self.x) {
            let x = self.at(value.log10(), self.y.low).0;
            let colour = if major { "#d4d4d4" } else { "#eeeeee" };
            let _ = writeln!(svg, "<path d=\"M{x:.1} {TOP}V{bottom}\" stroke=\"{colour}\"/>");
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{value}</text>",
                bottom + 20.0
            );
        }
        for tick in self.y.ticks() {
            let y = self.at(self.x[0], tick).1;
            let _ = writeln!(svg, "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#e4e4e4\"/>");
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                y + 4.5,
                self.y.text(tick)
            );
        }
        let _ = writeln!(svg, "<path d=\"M{LEFT} {TOP}V{bottom}H{right}\" fill=\"none\" stroke=\"#555\"/>");
        let (middle, centre) = ((LEFT + right) / 2.0, (TOP + bottom) / 2.0);
        let _ = writeln!(
            svg,
            "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"14\">cost of an image in GFLOPs (the paper's count, by its logarithm)</text>\n\
             <text x=\"24\" y=\"{centre:.1}\" text-anchor=\"middle\" font-size=\"14\" transform=\"rotate(-90 24 {centre:.1})\">macro IoU</text>",
            HEIGHT - 20.0
        );
    }
}

fn gflops(row: &Row) -> f64 {
    row.flops / 1e9
}

/// 1, 2 and 5 of every decade between the ends, and whether each is a power of ten.
fn ticks([low, high]: [f64; 2]) -> Vec<(f64, bool)> {
    let decades = low.floor() as i32..=high.ceil() as i32;
    let of = |decade: i32| {
        // through text, so that 0.2 is written as such
        [1, 2, 5].map(|m| (format!("{m}e{decade}").parse::<f64>().unwrap_or(1.0), m == 1))
    };
    decades.flat_map(of).filter(|(v, _)| (low..=high).contains(&v.log10())).collect()
}

/// What no label may cover.
#[derive(Default)]
struct Taken(Vec<[f64; 4]>);

impl Taken {
    fn point(&mut self, (x, y): (f64, f64)) {
        self.0.push([x - 5.0, y - 5.0, x + 5.0, y + 5.0]);
    }

    /// A line, as a chain of small points.
    fn line(&mut self, from: (f64, f64), to: (f64, f64)) {
        let links = ((to.0 - from.0).hypot(to.1 - from.1) / 8.0).ceil().max(1.0);
        for i in 0..links as usize {
            let part = i as f64 / links;
            let (x, y) = (from.0 + part * (to.0 - from.0), from.1 + part * (to.1 - from.1));
            self.0.push([x - 1.5, y - 1.5, x + 1.5, y + 1.5]);
        }
    }

    fn free(&self, [l, t, r, b]: [f64; 4]) -> bool {
        let inside = l > LEFT && r < WIDTH - 4.0 && t > TOP - 14.0 && b < HEIGHT - BOTTOM;
        inside && self.0.iter().all(|o| r < o[0] || l > o[2] || b < o[1] || t > o[3])
    }

    /// Writes `text` beside `place` where nothing else is, with a line to it where that is farther away; one
    /// that is not `needed` is left out where there is no room near by.
    fn label(&mut self, svg: &mut String, text: &str, (x, y): (f64, f64), colour: &str, needed: bool) {
        let width = text.chars().count() as f64 * LETTER;
        let reach = if needed { 12 } else { 2 };
        let around = (1..=reach).flat_map(|ring| {
            let far = 9.0 + 13.0 * f64::from(ring - 1);
            let steps = [(1, 0), (1, -1), (1, 1), (-1, 0), (-1, -1), (-1, 1), (0, -1), (0, 1)];
            steps.map(|(dx, dy)| {
                let left = match dx {
                    1 => x + far,
                    -1 => x - far - width,
                    _ => x - width / 2.0,
                };
                let middle = y + f64::from(dy) * (far + 4.0);
                [left, middle - LINE / 2.0, left + width, middle + LINE / 2.0]
            })
        });
        let mut around = around;
        let Some(found) = around.find(|rect| self.free(*rect)) else { return };
        self.0.push(found);
        let [left, top, right, bottom] = found;
        let near = (x.clamp(left, right), y.clamp(top, bottom));
        if (near.0 - x).hypot(near.1 - y) > 20.0 {
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {y:.1}L{:.1} {:.1}\" stroke=\"#999\" stroke-width=\"0.8\"/>",
                near.0, near.1
            );
        }
        let size = if needed { 13 } else { 11 };
        let _ = writeln!(
            svg,
            "<text x=\"{left:.1}\" y=\"{:.1}\" fill=\"{colour}\" font-size=\"{size}\">{}</text>",
            bottom - 4.0,
            escape(text)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_one_two_five_of_each_decade() {
        let values: Vec<f64> = ticks([-1.0, 1.0]).iter().map(|t| t.0).collect();
        assert_eq!(values, [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]);
    }

    #[test]
    fn labels_of_points_in_one_place_do_not_collide() {
        let (mut taken, mut svg) = (Taken::default(), String::new());
        for _ in 0..20 {
            taken.label(&mut svg, "deeplabv3plus (reduced)", (400.0, 300.0), "#000", true);
        }
        let placed = &taken.0;
        assert_eq!(placed.len(), 20, "each finds its place");
        for (i, a) in placed.iter().enumerate() {
            for b in &placed[i + 1..] {
                assert!(a[2] < b[0] || b[2] < a[0] || a[3] < b[1] || b[3] < a[1], "{a:?} covers {b:?}");
            }
        }
    }
}
