//! Slices as they are shown: grey values, their histogram, black and white point.

use paser_core::volume::{Dtype, Slice};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bars of a histogram.
pub const BINS: usize = 128;

/// A slice in memory for display.
#[derive(Clone, Debug)]
pub struct Grey {
    /// Rows and columns.
    pub size: [usize; 2],
    /// One value a pixel as stored in the file; colour is averaged.
    pub values: Vec<f32>,
}

/// Grey values shown black and white; nothing else depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Shown black.
    pub low: f32,
    /// Shown white.
    pub high: f32,
}

/// How often grey values occur between two ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Value at the left end.
    pub low: f32,
    /// Value at the right end.
    pub high: f32,
    /// Count of each bar.
    pub bars: Vec<u32>,
}

impl Grey {
    /// Of a slice as read.
    pub fn of(slice: &Slice) -> Self {
        Self { size: [slice.height, slice.width], values: slice.grey().into_owned() }
    }

    /// Value of a pixel.
    pub fn at(&self, [x, y]: [usize; 2]) -> Option<f32> {
        (x < self.size[1]).then(|| self.values.get(y * self.size[1] + x).copied()).flatten()
    }

    /// Lowest and highest finite value that the display offers: all of 8 bits, else what occurs.
    pub fn ends(&self, dtype: Dtype) -> [f32; 2] {
        if matches!(dtype, Dtype::U8 | Dtype::Rgb8) {
            return [0.0, 255.0];
        }
        let finite = self.values.iter().copied().filter(|v| v.is_finite());
        let [low, high] = finite.fold([f32::INFINITY, f32::NEG_INFINITY], |[l, h], v| [l.min(v), h.max(v)]);
        if low < high { [low, high] } else { [low.min(0.0), low.max(0.0) + 1.0] }
    }

    /// Counts between `ends`; values beyond fall into the outermost bars.
    pub fn histogram(&self, [low, high]: [f32; 2]) -> Histogram {
        let mut bars = vec![0u32; BINS];
        // Whole numbers fill the last bar too, so that bars of 8 bits hold two values each.
        let last = if low.fract() == 0.0 && high.fract() == 0.0 { 1.0 } else { 0.0 };
        let scale = BINS as f32 / (high - low + last).max(f32::MIN_POSITIVE);
        let step = (self.values.len() >> 20).max(1);
        for value in self.values.iter().step_by(step).filter(|v| v.is_finite()) {
            let bar = ((value - low) * scale).clamp(0.0, BINS as f32 - 1.0) as usize;
            if let Some(count) = bars.get_mut(bar) {
                *count += 1;
            }
        }
        Histogram { low, high, bars }
    }

    fn bytes(&self) -> usize {
        4 * self.values.len()
    }
}

impl Histogram {
    /// A window that leaves half a percent of the values black and white.
    pub fn window(&self) -> Window {
        let total: u64 = self.bars.iter().map(|b| u64::from(*b)).sum();
        let cut = total / 200;
        let width = (self.high - self.low) / self.bars.len().max(1) as f32;
        let clear = |bars: &mut dyn Iterator<Item = &u32>| {
            let mut seen = 0;
            bars.take_while(|b| {
                seen += u64::from(**b);
                seen <= cut
            })
            .count()
        };
        let (left, right) = (clear(&mut self.bars.iter()), clear(&mut self.bars.iter().rev()));
        let (low, high) = (self.low + left as f32 * width, self.high - right as f32 * width);
        if low < high { Window { low, high } } else { Window { low: self.low, high: self.high } }
    }
}

impl Window {
    /// What `value` is shown as.
    pub fn shade(&self, value: f32) -> u8 {
        (255.0 * (value - self.low) / (self.high - self.low).max(f32::MIN_POSITIVE)).clamp(0.0, 255.0) as u8
    }
}

/// Slices in memory by their number, those far from the one on show dropped first.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    slices: BTreeMap<usize, Arc<Grey>>,
    bytes: usize,
    budget: usize,
}

impl Cache {
    /// None yet, with `budget` bytes for them.
    pub fn within(budget: usize) -> Self {
        Self { budget, ..Self::default() }
    }

    /// Changes the bytes for them; `shown` is the one that must stay.
    pub fn allow(&mut self, budget: usize, shown: usize) {
        self.budget = budget;
        self.make_room(shown);
    }

    /// A slice, if it is in memory.
    pub fn get(&self, z: usize) -> Option<&Arc<Grey>> {
        self.slices.get(&z)
    }

    /// Keeps a slice; `shown` is the one that must stay.
    pub fn put(&mut self, z: usize, grey: Arc<Grey>, shown: usize) {
        self.bytes += grey.bytes();
        if let Some(old) = self.slices.insert(z, grey) {
            self.bytes -= old.bytes();
        }
        self.make_room(shown);
    }

    fn make_room(&mut self, shown: usize) {
        while self.bytes > self.budget && self.slices.len() > 1 {
            let farthest = self.slices.keys().copied().max_by_key(|k| k.abs_diff(shown));
            let Some(old) = farthest.and_then(|k| self.slices.remove(&k)) else { return };
            self.bytes -= old.bytes();
        }
    }
}
