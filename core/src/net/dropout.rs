//! Dropout that is on when asked for, not when training: Monte Carlo dropout needs it at inference.

use crate::hash;
use burn::tensor::{Device, Distribution, Tensor, TensorData};

/// Share of values kept; the kept ones are divided by it.
const KEEP: f64 = 0.5;

/// What happens at a net's dropout sites, numbered from 0 in the order in which a pass meets them.
pub trait Dropout {
    /// `x` [N,C,H,W] after dropout at `site`.
    fn apply(&mut self, site: usize, x: Tensor<4>) -> Tensor<4>;
}

/// No dropout.
pub struct Off;

impl Dropout for Off {
    fn apply(&mut self, _site: usize, x: Tensor<4>) -> Tensor<4> {
        x
    }
}

/// Fresh random masks for every value, from the device's own generator (`Device::seed`).
pub struct Random;

impl Dropout for Random {
    fn apply(&mut self, _site: usize, x: Tensor<4>) -> Tensor<4> {
        let mask = Tensor::random(x.dims(), Distribution::Bernoulli(KEEP), &x.device());
        x * mask.detach() / KEEP
    }
}

/// Given masks [1,C,H,W] or [N,C,H,W], one a site, with values 0 and 1 / keep.
pub struct Masks<'a>(pub &'a [Tensor<4>]);

impl Dropout for Masks<'_> {
    fn apply(&mut self, site: usize, x: Tensor<4>) -> Tensor<4> {
        x * self.0[site].clone()
    }
}

/// Masks of Monte Carlo pass `pass`: they depend on `seed`, the pass and the site alone, so that a
/// slice gets the same answer wherever it lies in a stack and on whatever device.
pub fn mc_masks(shapes: &[[usize; 3]], seed: u64, pass: usize, device: &Device) -> Vec<Tensor<4>> {
    let mut seeds = hash::Stream::new(seed, &format!("mc-dropout pass {pass}"));
    shapes.iter().map(|shape| mask(*shape, seeds.seed(), device)).collect()
}

/// Masks that keep everything: a pass without dropout.
pub fn no_masks(shapes: &[[usize; 3]], device: &Device) -> Vec<Tensor<4>> {
    shapes.iter().map(|[c, h, w]| Tensor::ones([1, *c, *h, *w], device)).collect()
}

fn mask([channels, height, width]: [usize; 3], seed: u32, device: &Device) -> Tensor<4> {
    let count = channels * height * width;
    let on = (1.0 / KEEP) as f32;
    let values: Vec<f32> =
        (0..count as u32).map(|i| if hash::unit(seed, i) < KEEP { on } else { 0.0 }).collect();
    Tensor::from_data(TensorData::new(values, [1, channels, height, width]), device)
}
