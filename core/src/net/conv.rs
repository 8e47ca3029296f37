//! The general convolution, and the linear layer, of the nets that are no U-Nets.

use super::cpu::depthwise::{DepthwiseKernel, Taps};
use super::layers::{conv_same, on_cpu};
use super::norm::BatchNorm;
use super::pass::Pass;
use super::start::{Start, constant};
use super::tally::Tally;
use burn::backend::Dispatch;
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

/// Shape of a convolution; the padding keeps the size up to the stride, and is none where windows
/// do not overlap.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    inputs: usize,
    outputs: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    groups: usize,
}

impl Window {
    /// A dense window of stride 1.
    pub fn new(inputs: usize, outputs: usize, kernel: usize) -> Self {
        Self { inputs, outputs, kernel, stride: 1, dilation: 1, groups: 1 }
    }

    /// One input a channel.
    pub fn depthwise(channels: usize, kernel: usize) -> Self {
        Self { groups: channels, ..Self::new(channels, channels, kernel) }
    }

    /// With a stride.
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// With a dilation.
    pub fn dilation(self, dilation: usize) -> Self {
        Self { dilation, ..self }
    }

    /// With groups of channels that do not mix.
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }
}

/// A convolution with stride, dilation and groups.
#[derive(Module, Debug)]
pub struct Conv2d {
    /// Weights [outputs, inputs / groups, k, k].
    pub w: Param<Tensor<4>>,
    /// Bias [outputs].
    pub b: Option<Param<Tensor<1>>>,
    stride: usize,
    dilation: usize,
    groups: usize,
}

impl Conv2d {
    /// Weights Kaiming-normal by fan out, bias 0.
    pub fn new(window: Window, bias: bool, start: &mut Start<'_>) -> Self {
        let Window { inputs, outputs, kernel, stride, dilation, groups } = window;
        let fan_out = outputs * kernel * kernel / groups;
        let shape = [outputs, inputs / groups, kernel, kernel];
        Self {
            w: start.normal(shape, (2.0 / fan_out as f64).sqrt()),
            b: bias.then(|| constant(0.0, outputs, start.device)),
            stride,
            dilation,
            groups,
        }
    }

    /// [N,C,H,W] -> [N,O,H',W'].
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [outputs, inputs, kernel, _] = self.w.dims();
        let bias = self.b.as_ref().map(Param::val);
        if self.stride == 1 && self.dilation == 1 && self.groups == 1 {
            return conv_same(x, self.w.val(), bias);
        }
        if inputs == 1 && self.groups == outputs && on_cpu(&x.device()) {
            let y = self.depthwise(x, kernel);
            return match bias {
                Some(b) => y + b.reshape([1, outputs, 1, 1]),
                None => y,
            };
        }
        let padding = self.padding(kernel);
        let options = ConvOptions::new([self.stride; 2], [padding; 2], [self.dilation; 2], self.groups);
        conv2d(x, self.w.val(), bias, options)
    }

    fn depthwise(&self, x: Tensor<4>, kernel: usize) -> Tensor<4> {
        let (stride, dilation) = (self.stride, self.dilation);
        let taps = Taps { kernel, stride, dilation, padding: self.padding(kernel) };
        Tensor::from_dispatch(<Dispatch as DepthwiseKernel>::depthwise(
            x.into_dispatch(),
            self.w.val().into_dispatch(),
            taps,
        ))
    }

    fn padding(&self, kernel: usize) -> usize {
        if kernel == self.stride { 0 } else { self.dilation * (kernel / 2) }
    }

    /// Input channels.
    pub fn inputs(&self) -> usize {
        self.w.lazy_shape()[1] * self.groups
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.w.lazy_shape()[0]
    }

    /// Counts itself (one a multiply-add, the bias free) and moves the tally to its output.
    pub fn tally(&self, tally: &mut Tally) {
        let shape = self.w.lazy_shape();
        let reach = self.dilation * (shape[2] - 1) + 1;
        let padding = self.padding(shape[2]);
        tally.size = tally.size.map(|n| (n + 2 * padding).saturating_sub(reach) / self.stride + 1);
        tally.add(shape.iter().product::<usize>() * tally.pixels());
    }
}

/// A convolution and the batch norm that may follow it.
#[derive(Module, Debug)]
pub struct ConvNorm {
    conv: Conv2d,
    norm: Option<BatchNorm>,
}

impl ConvNorm {
    /// Without bias, with batch norm.
    pub fn new(window: Window, epsilon: f64, start: &mut Start<'_>) -> Self {
        let conv = Conv2d::new(window, false, start);
        Self { conv, norm: Some(BatchNorm::with_epsilon(window.outputs, epsilon, start.device)) }
    }

    /// With bias, without batch norm.
    pub fn plain(window: Window, start: &mut Start<'_>) -> Self {
        Self { conv: Conv2d::new(window, true, start), norm: None }
    }

    /// [N,C,H,W] -> [N,O,H',W'].
    pub fn forward(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        let y = self.conv.forward(x);
        match &self.norm {
            Some(norm) => norm.through(y, pass),
            None => y,
        }
    }

    /// Input channels.
    pub fn inputs(&self) -> usize {
        self.conv.inputs()
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.conv.outputs()
    }

    /// Counts itself and moves the tally to its output.
    pub fn tally(&self, tally: &mut Tally) {
        self.conv.tally(tally);
        if let Some(norm) = &self.norm {
            norm.tally(tally);
        }
    }
}

/// A linear layer over the channels of tokens.
#[derive(Module, Debug)]
pub struct Linear {
    /// Weights [outputs, inputs], as in PyTorch.
    pub w: Param<Tensor<2>>,
    /// Bias [outputs].
    pub b: Param<Tensor<1>>,
}

impl Linear {
    /// Normal weights of deviation 0.02, as transformers start; bias 0.
    pub fn new(inputs: usize, outputs: usize, start: &mut Start<'_>) -> Self {
        Self { w: start.normal([outputs, inputs], 0.02), b: constant(0.0, outputs, start.device) }
    }

    /// [N,L,C] -> [N,L,O].
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [n, length, channels] = x.dims();
        let y = x.reshape([n * length, channels]).matmul(self.w.val().transpose());
        (y + self.b.val().unsqueeze()).reshape([n, length, self.b.dims()[0]])
    }

    /// Counts itself over the pixels of the tally's size.
    pub fn tally(&self, tally: &mut Tally) {
        tally.add(self.w.lazy_shape().iter().product::<usize>() * tally.pixels());
    }
}
