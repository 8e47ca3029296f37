//! Depthwise convolution for the CPU, with gradients of its own: Burn's `flex` backend takes the weights'
//! gradient channel by channel, each a convolution with the whole output map as kernel.

use super::{contiguous, dims, tensor, values};
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, backend_extension};
use rayon::prelude::*;
use std::ops::Range;

/// Where a window's taps lie.
#[derive(Clone, Copy, Debug)]
pub struct Taps {
    /// Taps along a side.
    pub kernel: usize,
    /// Pixels from one window to the next.
    pub stride: usize,
    /// Pixels from one tap to the next.
    pub dilation: usize,
    /// Zeros around the map.
    pub padding: usize,
}

impl Taps {
    /// Size of the output for an input of `side`.
    fn output(&self, side: usize) -> usize {
        (side + 2 * self.padding).saturating_sub(self.dilation * (self.kernel - 1) + 1) / self.stride + 1
    }

    /// Outputs along a side whose tap `tap` lies inside, and the first one's input.
    fn inside(&self, tap: usize, side: usize) -> (Range<usize>, usize) {
        let at = tap * self.dilation;
        let first = self.padding.saturating_sub(at).div_ceil(self.stride);
        let last = (side + self.padding).saturating_sub(at).div_ceil(self.stride);
        let end = last.min(self.output(side)).max(first);
        (first..end, (first * self.stride + at).saturating_sub(self.padding))
    }

    /// Calls `f` for every tap and row of a plane: tap, outputs, first input.
    fn rows(&self, [height, width]: [usize; 2], mut f: impl FnMut(usize, Range<usize>, usize)) {
        let across = self.output(width);
        for ky in 0..self.kernel {
            let (rows, top) = self.inside(ky, height);
            for kx in 0..self.kernel {
                let (columns, left) = self.inside(kx, width);
                if columns.is_empty() {
                    continue;
                }
                for (i, row) in rows.clone().enumerate() {
                    let outputs = row * across + columns.start..row * across + columns.end;
                    f(ky * self.kernel + kx, outputs, (top + i * self.stride) * width + left);
                }
            }
        }
    }
}

/// The depthwise convolution as the CPU computes it.
#[backend_extension(Flex, Autodiff)]
pub trait DepthwiseKernel: Backend {
    /// `x` [N,C,H,W], `weight` [C,1,k,k] -> [N,C,H',W'].
    fn depthwise(x: FloatTensor<Self>, weight: FloatTensor<Self>, taps: Taps) -> FloatTensor<Self>;
}

impl DepthwiseKernel for Flex {
    fn depthwise(x: FlexTensor, weight: FlexTensor, taps: Taps) -> FlexTensor {
        let [images, channels, height, width] = dims(&x);
        let (x, weight) = (contiguous(x), contiguous(weight));
        let out = [images, channels, taps.output(height), taps.output(width)];
        tensor(convolve(values(&x), values(&weight), [channels, height, width], taps), out)
    }
}

#[derive(Debug)]
struct Depthwise;

impl Backward<Flex, 2> for Depthwise {
    type State = (NodeId, NodeId, Taps);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let [node_x, node_weight] = ops.parents;
        let grad = contiguous(grads.consume::<Flex>(&ops.node));
        let (x, weight, taps) = ops.state;
        let x = contiguous(checkpointer.retrieve_node_output::<FlexTensor>(x));
        let weight = contiguous(checkpointer.retrieve_node_output::<FlexTensor>(weight));
        let [_, channels, height, width] = dims(&x);
        let shape = [channels, height, width];
        if let Some(node) = node_x {
            let dx = input_gradient(values(&grad), values(&weight), shape, taps);
            grads.register::<Flex>(node.id, tensor(dx, dims(&x)));
        }
        if let Some(node) = node_weight {
            let dw = weight_gradient(values(&x), values(&grad), shape, taps);
            grads.register::<Flex>(node.id, tensor(dw, dims(&weight)));
        }
    }
}

impl<C: CheckpointStrategy> DepthwiseKernel for Autodiff<Flex, C> {
    fn depthwise(x: FloatTensor<Self>, weight: FloatTensor<Self>, taps: Taps) -> FloatTensor<Self> {
        match Depthwise.prepare::<C>([x.node(), weight.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&x), prep.checkpoint(&weight), taps);
                prep.finish(state, Flex::depthwise(x.into_primitive(), weight.into_primitive(), taps))
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(Flex::depthwise(x.into_primitive(), weight.into_primitive(), taps))
            }
        }
    }
}

/// Planes of a map and of its output.
fn planes([_, height, width]: [usize; 3], taps: Taps) -> [usize; 2] {
    [height * width, taps.output(height) * taps.output(width)]
}

fn convolve(x: &[f32], weight: &[f32], shape: [usize; 3], taps: Taps) -> Vec<f32> {
    let ([channels, height, width], [from, to], count) = (shape, planes(shape, taps), taps.kernel.pow(2));
    let mut out = vec![0.0; x.len() / from * to];
    out.par_chunks_mut(to).zip(x.par_chunks(from)).enumerate().for_each(|(i, (out, x))| {
        let weight = &weight[i % channels * count..];
        taps.rows([height, width], |tap, outputs, first| {
            let (w, out, x) = (weight[tap], &mut out[outputs], &x[first..]);
            if taps.stride == 1 {
                out.iter_mut().zip(x).for_each(|(o, x)| *o += w * x);
            } else {
                out.iter_mut().zip(x.iter().step_by(taps.stride)).for_each(|(o, x)| *o += w * x);
            }
        });
    });
    out
}

fn input_gradient(grad: &[f32], weight: &[f32], shape: [usize; 3], taps: Taps) -> Vec<f32> {
    let ([channels, height, width], [from, to], count) = (shape, planes(shape, taps), taps.kernel.pow(2));
    let mut dx = vec![0.0; grad.len() / to * from];
    dx.par_chunks_mut(from).zip(grad.par_chunks(to)).enumerate().for_each(|(i, (dx, grad))| {
        let weight = &weight[i % channels * count..];
        taps.rows([height, width], |tap, outputs, first| {
            let (w, grad, dx) = (weight[tap], &grad[outputs], &mut dx[first..]);
            if taps.stride == 1 {
                dx.iter_mut().zip(grad).for_each(|(d, g)| *d += w * g);
            } else {
                dx.iter_mut().step_by(taps.stride).zip(grad).for_each(|(d, g)| *d += w * g);
            }
        });
    });
    dx
}

fn weight_gradient(x: &[f32], grad: &[f32], shape: [usize; 3], taps: Taps) -> Vec<f32> {
    let ([channels, height, width], [from, to], count) = (shape, planes(shape, taps), taps.kernel.pow(2));
    let mut dw = vec![0.0; channels * count];
    dw.par_chunks_mut(count).enumerate().for_each(|(channel, dw)| {
        let mut sums = vec![0.0_f64; count];
        let images = x.chunks(from).zip(grad.chunks(to)).skip(channel).step_by(channels);
        for (x, grad) in images {
            taps.rows([height, width], |tap, outputs, first| {
                let pairs = grad[outputs].iter().zip(x[first..].iter().step_by(taps.stride));
                sums[tap] += f64::from(pairs.map(|(g, x)| g * x).sum::<f32>());
            });
        }
        dw.iter_mut().zip(sums).for_each(|(d, s)| *d = s as f32);
    });
    dw
}
