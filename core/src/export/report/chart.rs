//! Charts as marks at places, for every writer of pages to draw.

use crate::export::axis::Axis;

/// Size of a chart in its own units.
pub(super) const WIDTH: f64 = 420.0;
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
/// Dashes tell lines apart without colour.
const DASHES: [&[f64]; 4] = [&[], &[6.0, 3.0], &[2.0, 2.0], &[8.0, 3.0, 2.0, 3.0]];
/// Colour of the grid.
const GRID: [u8; 3] = [0xdd; 3];

/// One line or one cloud of points.
#[derive(Clone, Debug)]
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

/// A chart.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) series: Vec<Series>,
    /// Whether the y axis begins at 0.
    pub(super) zero: bool,
}

/// Which part of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// What is drawn, x to the right and y downwards.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    /// Joined points.
    Line { points: Vec<(f64, f64)>, colour: [u8; 3], width: f64, dash: &'static [f64] },
    /// A filled circle.
    Dot { at: (f64, f64), radius: f64, colour: [u8; 3] },
    /// A line of text; `turned` reads upwards.
    Text { at: (f64, f64), text: String, anchor: Anchor, strong: bool, turned: bool },
}

impl Chart {
    fn words(&self) -> Words<'_> {
        Words { title: &self.title, x: &self.x, y: &self.y }
    }

    /// Its height, and what is drawn.
    pub(super) fn marks(&self) -> (f64, Vec<Mark>) {
        marks(&self.words(), &self.series, self.zero)
    }
}

/// Height of a chart of all series, and what is drawn; `zero` has the y axis begin at 0.
pub(super) fn marks(words: &Words<'_>, series: &[Series], zero: bool) -> (f64, Vec<Mark>) {
    let points = || series.iter().flat_map(|s| &s.points).filter(|p| p.0.is_finite() && p.1.is_finite());
    let frame = Frame {
        x: Axis::over(points().map(|p| p.0), false, TICKS),
        y: Axis::over(points().map(|p| p.1), zero, TICKS),
    };
    let mut all = vec![text((LEFT, 14.0), words.title, Anchor::Start).strong()];
    frame.draw(&mut all, words);
    for (i, series) in series.iter().enumerate() {
        frame.series(&mut all, series, i);
    }
    (HEIGHT + ROW * series.len().div_ceil(COLUMNS) as f64, all)
}

fn text(at: (f64, f64), text: &str, anchor: Anchor) -> Mark {
    Mark::Text { at, text: text.to_owned(), anchor, strong: false, turned: false }
}

impl Mark {
    fn strong(mut self) -> Self {
        if let Self::Text { strong, .. } = &mut self {
            *strong = true;
        }
        self
    }

    fn turned(mut self) -> Self {
        if let Self::Text { turned, .. } = &mut self {
            *turned = true;
        }
        self
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

    /// Grid, ticks and the words of both axes.
    fn draw(&self, all: &mut Vec<Mark>, words: &Words<'_>) {
        let (x0, y0) = self.at((self.x.low, self.y.low));
        let (x1, y1) = self.at((self.x.high, self.y.high));
        let grid = |points| Mark::Line { points, colour: GRID, width: 1.0, dash: &[] };
        for tick in self.x.ticks() {
            let x = self.at((tick, self.y.low)).0;
            all.push(grid(vec![(x, y0), (x, y1)]));
            all.push(text((x, y0 + 14.0), &self.x.text(tick), Anchor::Middle));
        }
        for tick in self.y.ticks() {
            let y = self.at((self.x.low, tick)).1;
            all.push(grid(vec![(x0, y), (x1, y)]));
            all.push(text((x0 - 5.0, y + 3.5), &self.y.text(tick), Anchor::End));
        }
        all.push(text(((x0 + x1) / 2.0, HEIGHT - 8.0), words.x, Anchor::Middle));
        all.push(text((12.0, (y0 + y1) / 2.0), words.y, Anchor::Middle).turned());
    }

    /// A series, and its name at place `place` of the legend.
    fn series(&self, all: &mut Vec<Mark>, series: &Series, place: usize) {
        let colour = series.colour;
        let (column, row) = (place % COLUMNS, place / COLUMNS);
        let x = LEFT + column as f64 * (WIDTH - LEFT - RIGHT) / COLUMNS as f64;
        let y = HEIGHT + 6.0 + ROW * row as f64;
        all.push(text((x + 28.0, y + 4.0), &series.name, Anchor::Start));
        let finite = series.points.iter().filter(|p| p.0.is_finite() && p.1.is_finite());
        let places: Vec<(f64, f64)> = finite.map(|p| self.at(*p)).collect();
        if series.marks {
            let dots = places.into_iter().chain([(x + 11.0, y)]);
            all.extend(dots.map(|at| Mark::Dot { at, radius: 3.5, colour }));
        } else {
            let dash = DASHES[place % DASHES.len()];
            let line = |points| Mark::Line { points, colour, width: 1.6, dash };
            all.push(line(vec![(x, y), (x + 22.0, y)]));
            all.push(line(places));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_ends() {
        let axis = Axis::over([0.13, 0.92].into_iter(), false, TICKS);
        assert!(
            (axis.low - 0.0).abs() < 1e-9 && (axis.high - 1.0).abs() < 1e-9,
            "{} {}",
            axis.low,
            axis.high
        );
        assert_eq!(axis.ticks().len(), 6);
        assert_eq!(axis.text(0.2), "0.2");
    }
}
