//! Label volumes that the nets hold possible.

use super::field::Field;
use super::spool::Probabilities;
use crate::error::Result;
use crate::hash::Stream;
use crate::measure::{Labels, Phase};
use crate::metrics::UNLABELLED;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// How the nets err: how far their probabilities can be trusted, and how far an error reaches.
///
/// A draw gives every voxel class 1 where a standard normal field lies below the quantile of its probability, else
/// class 2 where a second field lies below that of its probability among the rest, and so on (a Gaussian copula): each
/// voxel has its own probabilities, and neighbours err together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorModel {
    /// Logarithms of probabilities are divided by this.
    pub temperature: f64,
    /// Added to them, one a class.
    pub bias: Vec<f64>,
    /// Spacing of the fields' lattice along Z, Y, X in voxels.
    pub spacing: [f64; 3],
    /// Part of the fields' variance that a whole volume shares.
    pub shared: f64,
}

/// Probability of a stored 0.
const LEAST: f64 = 0.25;

impl ErrorModel {
    /// What a stored probability counts, by class and byte.
    pub(super) fn weights(&self) -> Vec<[f32; 256]> {
        let of = |bias: &f64| {
            let weight = |byte: usize| {
                let p = (byte as f64).max(LEAST) / 255.0;
                (p.ln() / self.temperature + bias).exp() as f32
            };
            std::array::from_fn(weight)
        };
        self.bias.iter().map(of).collect()
    }

    /// Draw `number` of `seed`: the same for the same stack, whatever the threads.
    ///
    /// # Errors
    /// Where the probabilities cannot be read.
    pub fn draw(&self, stack: &Probabilities, phases: &[Phase], seed: u64, number: usize) -> Result<Labels> {
        let shape = stack.shape();
        let plane = shape[1] * shape[2];
        let mut stream = Stream::new(seed, &format!("draw {number}"));
        let field = |_| Field { seed: stream.seed(), spacing: self.spacing, shared: self.shared };
        let fields: Vec<Field> = (1..self.bias.len()).map(field).collect();
        let weights = self.weights();
        let mut voxels = vec![UNLABELLED; shape.iter().product()];
        voxels.par_chunks_mut(plane).enumerate().try_for_each(|(z, slice)| {
            let bytes = stack.read(z)?;
            let normal: Vec<Vec<f32>> = fields.iter().map(|f| f.slice(z, [shape[1], shape[2]])).collect();
            for (i, voxel) in slice.iter_mut().enumerate() {
                *voxel = class(&bytes, plane, i, &weights, &normal);
            }
            Ok(())
        })?;
        Labels::new(shape, phases.to_vec(), voxels)
    }
}

/// The class of voxel `i` of a slice.
fn class(bytes: &[u8], plane: usize, i: usize, weights: &[[f32; 256]], normal: &[Vec<f32>]) -> u8 {
    let stored = |c: usize| bytes[c * plane + i];
    if (0..weights.len()).all(|c| stored(c) == 0) {
        return UNLABELLED;
    }
    let weight = |c: usize| weights[c][usize::from(stored(c))];
    let mut left: f32 = (0..weights.len()).map(weight).sum();
    for (c, field) in normal.iter().enumerate() {
        let own = weight(c);
        if below(field[i]) * left < own {
            return c as u8;
        }
        left -= own;
    }
    normal.len() as u8
}

/// Probability that a standard normal number lies below `x` (Abramowitz and Stegun 7.1.26).
pub(super) fn below(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let poly =
        t * (0.254_829_6 + t * (-0.284_496_74 + t * (1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4))));
    let tail = 0.5 * poly * (-z * z).exp();
    if x < 0.0 { tail } else { 1.0 - tail }
}
