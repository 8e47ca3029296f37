//! What is placed on a page as a whole: drawings relative to its own left upper corner, in points, y downwards.

use super::font::{Font, Run, width};
use crate::error::Result;
use crate::export::fonts::{REGULAR, STRONG};

pub(super) type Colour = [u8; 3];
pub(super) const BLACK: Colour = [0x11; 3];
/// Distance between lines in sizes of the font.
pub(super) const LEADING: f32 = 1.42;

/// Which of the two fonts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Strong,
}

/// The fonts.
pub(super) struct Fonts(pub(super) [Font; 2]);

impl Fonts {
    pub(super) fn new() -> Result<Self> {
        Ok(Self([Font::new("Inter-Regular", REGULAR)?, Font::new("Inter-SemiBold", STRONG)?]))
    }

    pub(super) fn set(&self, text: &str, weight: Weight) -> Run {
        self.0[weight as usize].set(text)
    }
}

/// How text looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) weight: Weight,
    pub(super) size: f32,
    pub(super) colour: Colour,
}

impl Look {
    pub(super) const fn new(weight: Weight, size: f32) -> Self {
        Self { weight, size, colour: BLACK }
    }

    /// Distance from one line to the next.
    pub(super) fn line(&self) -> f32 {
        self.size * LEADING
    }
}

/// A drawing.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// A line of text; its first glyph begins on the base line at `at`. Turned by `angle`, anticlockwise.
    Text { at: (f32, f32), run: Run, look: Look, angle: f32 },
    /// A filled rectangle: left, top, width, height.
    Fill { rect: [f32; 4], colour: Colour },
    /// Joined points.
    Line { points: Vec<(f32, f32)>, colour: Colour, width: f32, dash: Vec<f32> },
    /// A filled circle.
    Dot { at: (f32, f32), radius: f32, colour: Colour },
    /// Picture number `of`: left, top, width, height.
    Picture { of: usize, rect: [f32; 4] },
}

/// Drawings that stay together.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    /// Free space above, but at the top of a page.
    pub(super) before: f32,
    pub(super) height: f32,
    pub(super) items: Vec<Item>,
    /// Name under which readers find it.
    pub(super) mark: Option<String>,
}

impl Block {
    /// A horizontal line.
    pub(super) fn rule(&mut self, y: f32, from: f32, to: f32, colour: Colour) {
        let points = vec![(from, y), (to, y)];
        self.items.push(Item::Line { points, colour, width: 0.5, dash: Vec::new() });
    }

    /// Lines of text from (`x`, `y`) down.
    pub(super) fn lines(&mut self, lines: &[Run], (x, y): (f32, f32), look: Look) {
        for (i, run) in lines.iter().enumerate() {
            // The base line stands where letters fill the line's middle.
            let base = y + i as f32 * look.line() + look.size * (LEADING / 2.0 + 0.36);
            self.items.push(Item::Text { at: (x, base), run: run.clone(), look, angle: 0.0 });
        }
    }

    /// The same with their right ends at `x`.
    pub(super) fn lines_to(&mut self, lines: &[Run], (x, y): (f32, f32), look: Look) {
        for (i, run) in lines.iter().enumerate() {
            let left = x - look.size * width(run);
            self.lines(std::slice::from_ref(run), (left, y + i as f32 * look.line()), look);
        }
    }
}
