//! A Gaussian field whose neighbours resemble each other: normal numbers on a coarse lattice, joined by cubic
//! B-splines. Every value depends on the seed and its place alone, so that slices are made in any order.

use crate::hash::{fmix32, unit};

/// A standard normal field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) seed: u32,
    /// Spacing of the lattice along Z, Y, X in voxels.
    pub(super) spacing: [f64; 3],
    /// Part of the variance that the whole volume shares, 0 to 1.
    pub(super) shared: f64,
}

/// Weights of the four lattice points around a place, with the first's number; their squares sum to 1, so that the
/// variance is the same everywhere.
fn weights(place: usize, spacing: f64, shift: f64) -> (usize, [f32; 4]) {
    let at = place as f64 / spacing + shift;
    let t = at.fract();
    let w = [
        (1.0 - t).powi(3),
        3.0 * t.powi(3) - 6.0 * t * t + 4.0,
        -3.0 * t.powi(3) + 3.0 * t * t + 3.0 * t + 1.0,
        t.powi(3),
    ];
    let norm = w.iter().map(|w| w * w).sum::<f64>().sqrt();
    (at as usize, w.map(|w| (w / norm) as f32))
}

impl Field {
    /// Values of slice `z`, row by row.
    pub(super) fn slice(&self, z: usize, [height, width]: [usize; 2]) -> Vec<f32> {
        let shift = |axis: u32| unit(self.seed ^ 0x7F4A_7C15, axis);
        let axis = |a: usize, n: usize| -> Vec<(usize, [f32; 4])> {
            (0..n).map(|i| weights(i, self.spacing[a], shift(a as u32))).collect()
        };
        let (rows, columns) = (axis(1, height), axis(2, width));
        let (first, across) = weights(z, self.spacing[0], shift(0));
        let points = |w: &[(usize, [f32; 4])]| w.last().map_or(4, |last| last.0 + 4);
        let lattice = self.layer(first, across, [points(&rows), points(&columns)]);
        let own = (1.0 - self.shared).sqrt() as f32;
        let whole = self.shared.sqrt() as f32 * self.normal(usize::MAX, 0, 0);
        let mut values = Vec::with_capacity(height * width);
        let mut line = vec![0.0; points(&columns)];
        for (y, down) in &rows {
            for (x, v) in line.iter_mut().enumerate() {
                *v = (0..4).map(|j| down[j] * lattice[(y + j) * points(&columns) + x]).sum();
            }
            let value = |(x, w): &(usize, [f32; 4])| -> f32 { (0..4).map(|i| w[i] * line[x + i]).sum() };
            values.extend(columns.iter().map(|c| whole + own * value(c)));
        }
        values
    }

    /// The lattice's layers around a slice as one.
    fn layer(&self, first: usize, across: [f32; 4], [height, width]: [usize; 2]) -> Vec<f32> {
        let point = |(y, x)| (0..4).map(|k| across[k] * self.normal(first + k, y, x)).sum();
        (0..height).flat_map(|y| (0..width).map(move |x| (y, x))).map(point).collect()
    }

    /// A standard normal number for a lattice point (Box and Muller).
    fn normal(&self, z: usize, y: usize, x: usize) -> f32 {
        let place =
            fmix32(fmix32(fmix32(z as u32 ^ 0x68E3_1DA4).wrapping_add(y as u32)).wrapping_add(x as u32));
        let radius = (-2.0 * (1.0 - unit(self.seed, place)).ln()).sqrt();
        (radius * (std::f64::consts::TAU * unit(fmix32(self.seed ^ 0x9E37_79B9), place)).cos()) as f32
    }
}
