//! Layers of the U-Nets and the policy: convolution, instance norm, pooling, upsampling, with the
//! count of what each costs.

use super::cpu::CpuKernels;
use super::resize::{Between, resize};
use crate::cost::Flops;
use crate::hash;
use burn::backend::{Dispatch, DispatchDevice};
use burn::module::{Module, Param};
use burn::tensor::module::{conv2d, interpolate, max_pool2d};
use burn::tensor::ops::{ConvOptions, InterpolateMode, InterpolateOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData, activation};

/// Added to a variance before its square root (PyTorch's default).
pub(crate) const EPSILON: f64 = 1e-5;

/// True where the project's own CPU kernels apply.
pub(crate) fn on_cpu(device: &Device) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        DispatchDevice::Autodiff(inner) => matches!(**inner, DispatchDevice::Flex(_)),
        _ => false,
    }
}

/// A trainable tensor with the given values.
pub(crate) fn param<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
}

/// Convolution of odd kernel size, stride 1, zero padding to the same size.
#[derive(Module, Debug)]
pub struct Conv {
    /// Weights [outputs, inputs, k, k].
    pub w: Param<Tensor<4>>,
    /// Bias [outputs].
    pub b: Option<Param<Tensor<1>>>,
}

impl Conv {
    /// PyTorch's default start: weights and bias uniform within 1 / sqrt(fan in).
    pub fn new(
        [inputs, outputs]: [usize; 2],
        kernel: usize,
        device: &Device,
        seeds: &mut hash::Stream,
    ) -> Self {
        let fan_in = inputs * kernel * kernel;
        let bound = 1.0 / (fan_in as f64).sqrt();
        let w = hash::uniform(seeds.seed(), outputs * fan_in, -bound, bound);
        let b = hash::uniform(seeds.seed(), outputs, -bound, bound);
        Self { w: param(w, [outputs, inputs, kernel, kernel], device), b: Some(param(b, [outputs], device)) }
    }

    /// No bias; weights Kaiming-normal by fan out, as in residual nets.
    pub fn kaiming(
        [inputs, outputs]: [usize; 2],
        kernel: usize,
        device: &Device,
        seeds: &mut hash::Stream,
    ) -> Self {
        let deviation = (2.0 / (outputs * kernel * kernel) as f64).sqrt();
        let w = hash::normal(seeds.seed(), outputs * inputs * kernel * kernel, deviation);
        Self { w: param(w, [outputs, inputs, kernel, kernel], device), b: None }
    }

    /// [N,C,H,W] -> [N,O,H,W].
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        conv_same(x, self.w.val(), self.b.as_ref().map(Param::val))
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.w.dims()[0]
    }

    /// Cost at a map of `height` x `width`: one a multiply-add, the bias free.
    pub fn flops(&self, [height, width]: [usize; 2]) -> Flops {
        (self.w.dims().iter().product::<usize>() * height * width) as Flops
    }
}

/// Convolution of odd kernel size, stride 1, zero padding to the same size: `x` [N,C,H,W], `w` [O,C,k,k],
/// `b` [O] -> [N,O,H,W].
pub(crate) fn conv_same(x: Tensor<4>, w: Tensor<4>, b: Option<Tensor<1>>) -> Tensor<4> {
    let [outputs, _, kernel, _] = w.dims();
    let device = x.device();
    if !on_cpu(&device) {
        return conv2d(x, w, b, ConvOptions::new([1, 1], [kernel / 2; 2], [1, 1], 1));
    }
    let bias = b.unwrap_or_else(|| Tensor::zeros([outputs], &device));
    Tensor::from_dispatch(<Dispatch as CpuKernels>::conv_same(
        x.into_dispatch(),
        w.into_dispatch(),
        bias.into_dispatch(),
    ))
}

/// Instance norm (no affine parameters, each sample's own biased variance), then ReLU.
pub fn norm_relu(x: Tensor<4>) -> Tensor<4> {
    if on_cpu(&x.device()) {
        return Tensor::from_dispatch(<Dispatch as CpuKernels>::norm_relu(x.into_dispatch()));
    }
    activation::relu(instance_norm(x))
}

/// Instance norm without affine parameters. [N,C,H,W] -> [N,C,H,W].
pub fn instance_norm(x: Tensor<4>) -> Tensor<4> {
    let centred = x.clone() - x.mean_dim(3).mean_dim(2);
    let variance = centred.clone().square().mean_dim(3).mean_dim(2);
    centred / (variance + EPSILON).sqrt()
}

/// Cost of an instance norm without affine parameters over `numel` values.
pub fn instance_norm_flops(numel: usize) -> Flops {
    4 * numel as Flops
}

/// Max-pool 2x2, stride 2, rounding down.
pub fn max_pool_2(x: Tensor<4>) -> Tensor<4> {
    max_pool2d(x, MaxPoolOptions::new([2, 2]).with_stride([2, 2]))
}

/// Max-pool 3x3, stride 2, padding 1.
pub fn max_pool_3(x: Tensor<4>) -> Tensor<4> {
    max_pool2d(x, MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]))
}

/// Bilinear upsampling by 2 with aligned corners, then zero padding to `size` (more of it at the
/// bottom and right). [N,C,h,w] -> [N,C,size].
pub fn upsample_to(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    let twice = [2 * height, 2 * width];
    if !on_cpu(&x.device()) {
        return pad_to(resize(x, twice, Between::LinearAligned), size);
    }
    let options =
        InterpolateOptions::new(InterpolateMode::Bilinear).with_output_size(twice).with_align_corners(true);
    pad_to(interpolate(x, options), size)
}

/// Zero padding to `size`, centred, the odd row or column at the bottom or right.
pub fn pad_to(x: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    let (dy, dx) = (height.saturating_sub(h), width.saturating_sub(w));
    if dy == 0 && dx == 0 {
        return x;
    }
    x.pad((dx / 2, dx - dx / 2, dy / 2, dy - dy / 2), 0.0)
}

/// Cost of a bilinear upsampling to `numel` values.
pub fn upsample_flops(numel: usize) -> Flops {
    4 * numel as Flops
}
