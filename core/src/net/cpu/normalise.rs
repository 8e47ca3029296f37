//! Instance norm and batch norm, each with its ReLU, and their gradients.

use super::sums::{sum, sum_pairs};
use rayon::prelude::*;

/// Added to the variance, as in PyTorch's `instance_norm`.
const EPSILON: f32 = 1e-5;

pub(super) fn normalise(x: &[f32], plane: usize) -> Vec<f32> {
    let mut y = vec![0.0; x.len()];
    y.par_chunks_mut(plane).zip(x.par_chunks(plane)).for_each(|(y, x)| {
        let (mean, scale) = moments(x);
        for (y, x) in y.iter_mut().zip(x) {
            *y = ((x - mean) * scale).max(0.0);
        }
    });
    y
}

/// Gradient through ReLU and instance norm: with n = (x - mean) * scale and h the gradient where
/// n > 0, dx = scale * (h - mean(h) - n * mean(h * n)).
pub(super) fn normalise_gradient(x: &[f32], grad: &[f32], plane: usize) -> Vec<f32> {
    let mut dx = vec![0.0; x.len()];
    let planes = x.par_chunks(plane).zip(grad.par_chunks(plane));
    dx.par_chunks_mut(plane).zip(planes).for_each(|(dx, (x, grad))| {
        let (mean, scale) = moments(x);
        for ((d, x), h) in dx.iter_mut().zip(x).zip(grad) {
            *d = if *x > mean { *h } else { 0.0 };
        }
        let count = plane as f64;
        let mean_h = (sum(dx, |v| v) / count) as f32;
        let product = sum_pairs(dx, x, |h, x| h * (x - mean) * scale) / count;
        let product = product as f32;
        for (d, x) in dx.iter_mut().zip(x) {
            *d = scale * (*d - mean_h - (x - mean) * scale * product);
        }
    });
    dx
}

/// Mean and 1 / sqrt(biased variance + epsilon).
fn moments(x: &[f32]) -> (f32, f32) {
    let count = x.len() as f64;
    let mean = (sum(x, |v| v) / count) as f32;
    let variance = sum(x, |v| (v - mean) * (v - mean)) / count;
    (mean, (1.0 / (variance + f64::from(EPSILON)).sqrt()) as f32)
}

/// Mean and biased variance of each channel.
pub(super) fn channel_moments(x: &[f32], shape: [usize; 4]) -> Vec<(f32, f32)> {
    let of_channel = |c: usize| {
        let planes = || channel(x, shape, c);
        let count = (shape[0] * shape[2] * shape[3]) as f64;
        let mean = (planes().map(|p| sum(p, |v| v)).sum::<f64>() / count) as f32;
        let variance = planes().map(|p| sum(p, |v| (v - mean) * (v - mean))).sum::<f64>() / count;
        (mean, variance as f32)
    };
    (0..shape[1]).into_par_iter().map(of_channel).collect()
}

/// The planes of channel `c`, image by image.
fn channel(x: &[f32], [_, channels, height, width]: [usize; 4], c: usize) -> impl Iterator<Item = &[f32]> {
    x.chunks(height * width).skip(c).step_by(channels)
}

pub(super) fn batch_normalise(
    x: &[f32],
    moments: &[(f32, f32)],
    scale: &[f32],
    shift: &[f32],
    [_, channels, height, width]: [usize; 4],
    relu: bool,
) -> Vec<f32> {
    let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
    let mut y = vec![0.0; x.len()];
    let plane = height * width;
    y.par_chunks_mut(plane).zip(x.par_chunks(plane)).enumerate().for_each(|(index, (y, x))| {
        let c = index % channels;
        let slope = scale[c] / (moments[c].1 + EPSILON).sqrt();
        let offset = shift[c] - moments[c].0 * slope;
        for (y, x) in y.iter_mut().zip(x) {
            *y = (x * slope + offset).max(floor);
        }
    });
    y
}

/// Gradients through batch norm (and ReLU) with respect to input, scale and shift: with
/// n = (x - mean) / deviation and h the gradient where the output is not cut off,
/// dx = scale / deviation * (h - mean(h) - n * mean(h * n)).
pub(super) fn batch_normalise_gradient(
    x: &[f32],
    grad: &[f32],
    scale: &[f32],
    shift: &[f32],
    shape: [usize; 4],
    relu: bool,
) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let moments = channel_moments(x, shape);
    let normed = |c: usize| {
        let (mean, inverse) = (moments[c].0, 1.0 / (moments[c].1 + EPSILON).sqrt());
        move |x: f32| (x - mean) * inverse
    };
    let passed = |c: usize| {
        let (n, scale, shift) = (normed(c), scale[c], shift[c]);
        move |h: f32, x: f32| if relu && n(x) * scale + shift <= 0.0 { 0.0 } else { h }
    };
    let sums: Vec<(f64, f64)> = (0..shape[1])
        .into_par_iter()
        .map(|c| {
            let (n, h) = (normed(c), passed(c));
            let planes = || channel(grad, shape, c).zip(channel(x, shape, c));
            let shift = planes().map(|(g, x)| sum_pairs(g, x, h)).sum();
            let scale = planes().map(|(g, x)| sum_pairs(g, x, |g, x| h(g, x) * n(x))).sum();
            (scale, shift)
        })
        .collect();
    let (plane, count) = (shape[2] * shape[3], (shape[0] * shape[2] * shape[3]) as f64);
    let mut dx = vec![0.0; x.len()];
    let planes = x.par_chunks(plane).zip(grad.par_chunks(plane));
    dx.par_chunks_mut(plane).zip(planes).enumerate().for_each(|(index, (dx, (x, grad)))| {
        let c = index % shape[1];
        let (n, h) = (normed(c), passed(c));
        let slope = scale[c] / (moments[c].1 + EPSILON).sqrt();
        let (mean_hn, mean_h) = ((sums[c].0 / count) as f32, (sums[c].1 / count) as f32);
        for ((d, x), g) in dx.iter_mut().zip(x).zip(grad) {
            *d = slope * (h(*g, *x) - mean_h - n(*x) * mean_hn);
        }
    });
    let (dscale, dshift) = sums.iter().map(|(a, b)| (*a as f32, *b as f32)).unzip();
    (dx, dscale, dshift)
}
