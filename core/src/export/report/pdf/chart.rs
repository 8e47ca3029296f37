//! Charts as blocks, two beside each other.

use super::block::{Block, Fonts, Item, Look, Weight};
use super::flow::WIDTH;
use super::font::width;
use crate::export::report::chart::{self, Anchor, Chart, Mark};

/// Between two charts.
const GAP: f32 = 14.0;
const SIZE: f32 = 11.0;
const TITLE: f32 = 12.0;

/// A row of one or two charts.
pub(super) fn row(fonts: &Fonts, charts: &[Chart]) -> Block {
    let scale = (WIDTH - GAP) / 2.0 / chart::WIDTH as f32;
    let mut block = Block { before: 8.0, ..Block::default() };
    for (i, chart) in charts.iter().enumerate() {
        let (height, marks) = chart.marks();
        let left = i as f32 * (WIDTH + GAP) / 2.0;
        block.height = block.height.max(height as f32 * scale);
        block.items.extend(marks.iter().map(|mark| item(fonts, mark, scale, left)));
    }
    block
}

fn item(fonts: &Fonts, mark: &Mark, scale: f32, left: f32) -> Item {
    let place = |(x, y): (f64, f64)| (left + x as f32 * scale, y as f32 * scale);
    match mark {
        Mark::Line { points, colour, width, dash } => Item::Line {
            points: points.iter().copied().map(place).collect(),
            colour: *colour,
            width: *width as f32 * scale,
            dash: dash.iter().map(|d| *d as f32 * scale).collect(),
        },
        Mark::Dot { at, radius, colour } => {
            Item::Dot { at: place(*at), radius: *radius as f32 * scale, colour: *colour }
        }
        Mark::Text { at, text, anchor, strong, turned } => {
            let weight = if *strong { Weight::Strong } else { Weight::Regular };
            let look = Look::new(weight, if *strong { TITLE } else { SIZE } * scale);
            let run = fonts.set(text, weight);
            let back = match anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => look.size * width(&run) / 2.0,
                Anchor::End => look.size * width(&run),
            };
            let (x, y) = place(*at);
            let (at, angle) =
                if *turned { ((x, y + back), std::f32::consts::FRAC_PI_2) } else { ((x - back, y), 0.0) };
            Item::Text { at, run, look, angle }
        }
    }
}
