//! Batch norm and layer norm.

use super::cpu::CpuKernels;
use super::layers::{EPSILON, on_cpu};
use super::pass::{Moments, Pass};
use super::start::constant;
use super::tally::Tally;
use crate::cost::Flops;
use burn::backend::Dispatch;
use burn::module::{Module, Param};
use burn::tensor::module::layer_norm;
use burn::tensor::{Device, Tensor, activation};

/// Batch norm over [N,H,W] with running figures.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// Scale [C].
    pub g: Param<Tensor<1>>,
    /// Shift [C].
    pub b: Param<Tensor<1>>,
    /// Running mean [C], not trained.
    pub mean: Param<Tensor<1>>,
    /// Running unbiased variance [C], not trained.
    pub var: Param<Tensor<1>>,
    epsilon: f64,
}

impl BatchNorm {
    /// Scale 1, shift 0, running mean 0, running variance 1; PyTorch's default epsilon.
    pub fn new(channels: usize, device: &Device) -> Self {
        Self::with_epsilon(channels, EPSILON, device)
    }

    /// The same with `epsilon` added to a variance before its square root.
    pub fn with_epsilon(channels: usize, epsilon: f64, device: &Device) -> Self {
        Self {
            g: constant(1.0, channels, device),
            b: constant(0.0, channels, device),
            mean: constant(0.0, channels, device).set_require_grad(false),
            var: constant(1.0, channels, device).set_require_grad(false),
            epsilon,
        }
    }

    /// With the running figures. [N,C,H,W] -> [N,C,H,W].
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let scale = self.g.val() / (self.var.val() + self.epsilon).sqrt();
        let shift = self.b.val() - self.mean.val() * scale.clone();
        x * channelwise(scale) + channelwise(shift)
    }

    /// With the batch's own figures, which also move the running ones; then ReLU where asked for.
    pub fn forward_train(&mut self, x: Tensor<4>, relu: bool) -> Tensor<4> {
        let seen = self.moments(&x);
        self.mean = seen.follow(&self.mean, 0);
        self.var = seen.follow(&self.var, 1);
        self.with_own_figures(x, relu)
    }

    /// With the running figures in evaluation; in training with the batch's own, which `pass` keeps.
    pub fn through(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        let Pass::Train(seen) = pass else { return self.forward(x) };
        seen.push(self.moments(&x));
        self.with_own_figures(x, false)
    }

    fn with_own_figures(&self, x: Tensor<4>, relu: bool) -> Tensor<4> {
        if on_cpu(&x.device()) && self.epsilon == EPSILON {
            return Tensor::from_dispatch(<Dispatch as CpuKernels>::batch_norm(
                x.into_dispatch(),
                self.g.val().into_dispatch(),
                self.b.val().into_dispatch(),
                relu,
            ));
        }
        let centred = x.clone() - over_batch(x);
        let variance = over_batch(centred.clone().square());
        let scaled = centred / (variance + self.epsilon).sqrt() * channelwise(self.g.val());
        let y = scaled + channelwise(self.b.val());
        if relu { activation::relu(y) } else { y }
    }

    /// Mean and unbiased variance of each channel of `x`.
    fn moments(&self, x: &Tensor<4>) -> Moments {
        let [n, channels, h, w] = x.dims();
        let count = (n * h * w) as f64;
        let moments = moments(x.clone().detach());
        let row = |i| moments.clone().narrow(0, i, 1).reshape([channels]);
        let unbiased = row(1) * (count / (count - 1.0).max(1.0));
        Moments { ids: [self.mean.id, self.var.id], values: [row(0), unbiased] }
    }

    /// Cost in evaluation over `numel` values.
    pub fn flops(numel: usize) -> Flops {
        2 * numel as Flops
    }

    /// Counts itself at the tally's size.
    pub fn tally(&self, tally: &mut Tally) {
        tally.add(2 * self.g.lazy_shape()[0] * tally.pixels());
    }
}

/// Mean and biased variance of each channel [2,C].
fn moments(x: Tensor<4>) -> Tensor<2> {
    if on_cpu(&x.device()) {
        return Tensor::from_dispatch(<Dispatch as CpuKernels>::channel_moments(x.into_dispatch()));
    }
    let [_, channels, _, _] = x.dims();
    let mean = over_batch(x.clone());
    let variance = over_batch((x - mean.clone()).square());
    Tensor::cat(vec![mean.reshape([1, channels]), variance.reshape([1, channels])], 0)
}

/// Mean over batch and pixels [1,C,1,1].
fn over_batch(x: Tensor<4>) -> Tensor<4> {
    x.mean_dim(3).mean_dim(2).mean_dim(0)
}

fn channelwise(t: Tensor<1>) -> Tensor<4> {
    let [channels] = t.dims();
    t.reshape([1, channels, 1, 1])
}

/// Layer norm over the channels of tokens.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// Scale [C].
    pub g: Param<Tensor<1>>,
    /// Shift [C].
    pub b: Param<Tensor<1>>,
}

impl LayerNorm {
    /// Scale 1, shift 0.
    pub fn new(channels: usize, device: &Device) -> Self {
        Self { g: constant(1.0, channels, device), b: constant(0.0, channels, device) }
    }

    /// [N,L,C] -> [N,L,C].
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        layer_norm(x, self.g.val(), Some(self.b.val()), EPSILON)
    }

    /// Counts itself over the pixels of the tally's size.
    pub fn tally(&self, tally: &mut Tally) {
        tally.add(5 * self.g.lazy_shape()[0] * tally.pixels());
    }
}
