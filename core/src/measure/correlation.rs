//! Two-point correlation along the axes, and from it how far the volume represents its material.

use serde::Serialize;

use super::bits::Bits;

/// Probability that two voxels at a distance along an axis both belong to the phase. Not periodic: only
/// pairs within the volume count. Entry `h` is for a distance of `h` voxels; entry 0 is the fraction.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Correlation {
    /// False: pairs across the volume's faces do not count.
    pub periodic: bool,
    /// Along Z, up to half the edge.
    pub z: Vec<f64>,
    /// Along Y.
    pub y: Vec<f64>,
    /// Along X.
    pub x: Vec<f64>,
}

impl Correlation {
    /// Measures the set voxels of `bits`.
    pub(super) fn of(bits: &Bits) -> Self {
        let along =
            |axis: usize| (0..=bits.shape()[axis] / 2).map(|lag| probability(bits, axis, lag)).collect();
        Self { periodic: false, z: along(0), y: along(1), x: along(2) }
    }

    /// The entries along an axis (0: Z, 1: Y, 2: X).
    pub fn axis(&self, axis: usize) -> &[f64] {
        [&self.z, &self.y, &self.x][axis]
    }

    /// First lag along `axis` at which the two voxels know nothing of each other any more, in voxels.
    pub(super) fn decay(&self, axis: usize) -> Option<usize> {
        let values = self.axis(axis);
        let square = values.first().map(|p| p * p)?;
        values.iter().position(|s| *s <= square)
    }
}

fn probability(bits: &Bits, axis: usize, lag: usize) -> f64 {
    let [z, y, x] = bits.shape();
    let pairs = (z * y * x / bits.shape()[axis]) * (bits.shape()[axis] - lag);
    bits.pairs(axis, lag) as f64 / pairs as f64
}
