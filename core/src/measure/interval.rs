//! How well a volume's fraction represents its material: the variance of the mean from the two-point
//! covariance, summed over all lags up to its first zero (the integral range of Lantuéjoul, J. Microsc. 1991).

use rayon::prelude::*;
use serde::Serialize;

use super::bits::Bits;
use super::correlation::Correlation;
use super::fft::{Complex, transform_volume};

/// Cells of the coarse grid at most; its transform takes 16 bytes a cell and up to eightfold padding.
const MAX_CELLS: usize = 1 << 21;
/// Coarse cells to the covariance's first zero; finer cells would not change the sum.
const CELLS_TO_ZERO: usize = 12;
/// Two-sided 95 % of a normal distribution.
const Z95: f64 = 1.96;
/// Rounds in which the variance and the lag of the first zero settle.
const ROUNDS: usize = 20;

/// A 95 % confidence interval of a volume fraction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end, at least 0.
    pub low: f64,
    /// Upper end, at most 1.
    pub high: f64,
    /// Integral range in voxels: the volume that counts as one independent observation.
    pub integral_range: f64,
    /// Whether the covariance fell to zero within half the volume; where not, the true interval is wider.
    pub resolved: bool,
}

impl Interval {
    /// The interval of the phase in `bits`; None where it fills all or nothing. `voxel` is the voxel's
    /// size, so that cells are about cubes.
    pub(super) fn of(bits: &Bits, correlation: &Correlation, voxel: [f64; 3]) -> Option<Self> {
        let total = bits.shape().iter().product::<usize>() as f64;
        let fraction = bits.count() as f64 / total;
        if fraction <= 0.0 || fraction >= 1.0 {
            return None;
        }
        let cells = Cells::of(bits, bin(bits.shape(), correlation, voxel));
        let (variance, resolved) = cells.variance_of_mean();
        let half = Z95 * variance.sqrt();
        Some(Self {
            low: (fraction - half).max(0.0),
            high: (fraction + half).min(1.0),
            integral_range: variance * total / (fraction * (1.0 - fraction)),
            resolved,
        })
    }
}

/// Voxels of a cell along each axis. Averaging over cells leaves the variance of the whole mean as it is.
fn bin(shape: [usize; 3], correlation: &Correlation, voxel: [f64; 3]) -> [usize; 3] {
    let least = voxel.into_iter().fold(f64::INFINITY, f64::min);
    let decay = |axis: usize| correlation.decay(axis).unwrap_or(shape[axis] / 2) as f64 * voxel[axis] / least;
    let longest = (0..3).map(decay).fold(0.0, f64::max);
    let mut edge = (longest / CELLS_TO_ZERO as f64).max(1.0);
    loop {
        let bin = [0, 1, 2].map(|a| ((edge * least / voxel[a]).round() as usize).clamp(1, shape[a]));
        let cells: usize = (0..3).map(|a| shape[a] / bin[a]).product();
        if cells <= MAX_CELLS {
            return bin;
        }
        edge *= 1.1;
    }
}

/// A phase's share of every cell, less the mean share.
struct Cells {
    shape: [usize; 3],
    values: Vec<f32>,
}

impl Cells {
    fn of(bits: &Bits, bin: [usize; 3]) -> Self {
        let shape = [0, 1, 2].map(|a| bits.shape()[a] / bin[a]);
        let volume = bin.iter().product::<usize>() as f32;
        let share = |i: usize| {
            let (z, y, x) = (i / (shape[1] * shape[2]), i / shape[2] % shape[1], i % shape[2]);
            let rows =
                (0..bin[0]).flat_map(|dz| (0..bin[1]).map(move |dy| (z * bin[0] + dz, y * bin[1] + dy)));
            let row = |(z, y)| (0..bin[2]).filter(|dx| bits.get(z, y, x * bin[2] + dx)).count();
            rows.map(row).sum::<usize>() as f32 / volume
        };
        let mut values: Vec<f32> = (0..shape.iter().product()).into_par_iter().map(share).collect();
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
        values.iter_mut().for_each(|v| *v -= mean as f32);
        Self { shape, values }
    }

    /// Variance of the volume's mean, and whether the covariance reached zero within half the volume.
    fn variance_of_mean(&self) -> (f64, bool) {
        let shells = self.shells();
        let cells = self.values.len() as f64;
        let (mut variance, mut resolved) = (0.0, false);
        for _ in 0..ROUNDS {
            // Centring on the sample's own mean lowers every covariance by the variance that is sought.
            let zero = shells.iter().position(|s| s.covariance() + variance <= 0.0);
            resolved = zero.is_some();
            let inside = &shells[..zero.unwrap_or(shells.len())];
            let weight = inside.iter().map(|s| s.weight).sum::<f64>() / cells;
            let sum = inside.iter().map(|s| s.sum).sum::<f64>() / cells;
            let next = (sum / (1.0 - weight).max(0.1)).max(0.0);
            let settled = (next - variance).abs() <= 1e-6 * next;
            variance = next;
            if settled {
                break;
            }
        }
        (variance, resolved)
    }

    /// Covariance by length of the lag, in steps of one cell, up to half the shortest edge.
    fn shells(&self) -> Vec<Shell> {
        let reach = self.shape.map(|n| n / 2);
        let longest = reach.into_iter().filter(|r| *r > 0).min().unwrap_or(0);
        let padded = [0, 1, 2].map(|a| (self.shape[a] + reach[a]).next_power_of_two());
        let sums = autocorrelation(self, padded);
        let mut shells = vec![Shell::default(); longest + 1];
        let lags = reach.map(|r| -(r as i64)..=(r as i64));
        for z in lags[0].clone() {
            for y in lags[1].clone() {
                for x in lags[2].clone() {
                    let length = ((z * z + y * y + x * x) as f64).sqrt().round() as usize;
                    let Some(shell) = shells.get_mut(length) else { continue };
                    shell.add(self.overlap([z, y, x]), f64::from(sums[place([z, y, x], padded)].re));
                }
            }
        }
        let cells = self.values.len() as f64;
        shells.iter_mut().for_each(|s| s.sum /= cells);
        shells
    }

    /// Part of the volume that lies within itself moved by `lag`.
    fn overlap(&self, lag: [i64; 3]) -> f64 {
        (0..3).map(|a| 1.0 - lag[a].unsigned_abs() as f64 / self.shape[a] as f64).product()
    }
}

/// All lags of about one length.
#[derive(Clone, Default)]
struct Shell {
    /// Sum of the overlaps.
    weight: f64,
    /// Sum of the covariances times their overlaps.
    sum: f64,
}

impl Shell {
    fn add(&mut self, overlap: f64, sum: f64) {
        self.weight += overlap;
        self.sum += sum;
    }

    fn covariance(&self) -> f64 {
        self.sum / self.weight.max(f64::MIN_POSITIVE)
    }
}

/// Index of a lag in the circular order of a transform.
fn place(lag: [i64; 3], padded: [usize; 3]) -> usize {
    let [z, y, x] = [0, 1, 2].map(|a| lag[a].rem_euclid(padded[a] as i64) as usize);
    (z * padded[1] + y) * padded[2] + x
}

/// Sums of products of values a lag apart, for lags up to the padding.
fn autocorrelation(cells: &Cells, padded: [usize; 3]) -> Vec<Complex> {
    let mut data = vec![Complex::default(); padded.iter().product()];
    for (i, row) in cells.values.chunks(cells.shape[2]).enumerate() {
        let (z, y) = (i / cells.shape[1], i % cells.shape[1]);
        let start = (z * padded[1] + y) * padded[2];
        data[start..start + row.len()].iter_mut().zip(row).for_each(|(to, from)| to.re = *from);
    }
    transform_volume(&mut data, padded);
    let scale = 1.0 / data.len() as f32;
    data.par_iter_mut().for_each(|v| *v = Complex { re: v.square() * scale, im: 0.0 });
    // A power spectrum is even, so that the same transform leads back.
    transform_volume(&mut data, padded);
    data
}
