//! Pieces of images at random places, turned, mirrored and with other grey values.

use super::dataset::{Crop, Sample};
use crate::hash::Stream;
use serde::{Deserialize, Serialize};

/// What is done to the pieces that a net learns from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// Pieces at random places; else those of the regular grid.
    pub crop: bool,
    /// Mirrored at random, top to bottom and left to right.
    pub flips: bool,
    /// Turned by a random number of quarter turns.
    pub turns: bool,
    /// Grey values times a factor and plus an offset, each drawn within this of 1 and 0.
    pub jitter: f64,
}

impl Augment {
    /// Whether nothing is done, so that a piece of the grid is always the same.
    pub fn is_off(&self) -> bool {
        *self == Self::default()
    }

    /// A piece of `sample` at a random place.
    pub fn random_crop(&self, sample: &Sample, size: [usize; 2], stream: &mut Stream) -> Crop {
        let quarter = self.quarter_turns(stream);
        let [h, w] = if quarter % 2 == 1 { [size[1], size[0]] } else { size };
        let corner = [(0, h), (1, w)]
            .map(|(i, edge)| stream.below((sample.image.size[i] + 1).saturating_sub(edge).max(1)));
        let crop = turned(sample.crop(corner, [h, w]), [h, w], quarter);
        self.finish(crop, size, stream)
    }

    /// `crop` of `size`, mirrored and with other grey values; only half turns keep its shape.
    pub fn apply(&self, crop: Crop, size: [usize; 2], stream: &mut Stream) -> Crop {
        let quarter = self.quarter_turns(stream) / 2 * 2;
        self.finish(turned(crop, size, quarter), size, stream)
    }

    fn quarter_turns(&self, stream: &mut Stream) -> usize {
        if self.turns { stream.below(4) } else { 0 }
    }

    fn finish(&self, mut crop: Crop, [h, w]: [usize; 2], stream: &mut Stream) -> Crop {
        if self.flips {
            let flips = [stream.below(2) == 1, stream.below(2) == 1];
            crop.values.chunks_mut(h * w).for_each(|plane| mirror(plane, w, flips));
            mirror(&mut crop.truth, w, flips);
        }
        if self.jitter > 0.0 {
            let mut within = || (self.jitter * (2.0 * stream.unit() - 1.0)) as f32;
            let (factor, offset) = (1.0 + within(), within());
            crop.values.iter_mut().for_each(|v| *v = *v * factor + offset);
        }
        crop
    }
}

/// Mirrors a plane top to bottom and left to right.
fn mirror<T>(plane: &mut [T], width: usize, [vertical, horizontal]: [bool; 2]) {
    if vertical {
        plane.reverse();
    }
    if vertical != horizontal {
        plane.chunks_mut(width).for_each(<[T]>::reverse);
    }
}

/// `crop` of height and width `size` after a number of quarter turns.
fn turned(crop: Crop, [h, w]: [usize; 2], quarters: usize) -> Crop {
    let Crop { values, truth } = crop;
    let values = values.chunks(h * w).flat_map(|plane| turn(plane, [h, w], quarters)).collect();
    Crop { values, truth: turn(&truth, [h, w], quarters) }
}

fn turn<T: Copy>(plane: &[T], [h, w]: [usize; 2], quarters: usize) -> Vec<T> {
    match quarters % 4 {
        0 => plane.to_vec(),
        2 => plane.iter().rev().copied().collect(),
        // a quarter: the new row is an old column
        1 => (0..w).flat_map(|x| (0..h).rev().map(move |y| plane[y * w + x])).collect(),
        _ => (0..w).rev().flat_map(|x| (0..h).map(move |y| plane[y * w + x])).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirroring_both_ways_turns_the_plane_round() {
        let mut plane = [1, 2, 3, 4, 5, 6];
        mirror(&mut plane, 3, [true, true]);
        assert_eq!(plane, [6, 5, 4, 3, 2, 1]);
        mirror(&mut plane, 3, [true, false]);
        assert_eq!(plane, [3, 2, 1, 6, 5, 4]);
        mirror(&mut plane, 3, [false, true]);
        assert_eq!(plane, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn four_quarter_turns_are_none_and_two_are_a_half() {
        let plane = [1, 2, 3, 4, 5, 6];
        assert_eq!(turn(&plane, [2, 3], 1), [4, 1, 5, 2, 6, 3]);
        assert_eq!(turn(&turn(&plane, [2, 3], 1), [3, 2], 1), turn(&plane, [2, 3], 2));
        assert_eq!(turn(&turn(&plane, [2, 3], 1), [3, 2], 3), plane);
    }
}
