//! Convolution and normalisation for the CPU, with gradients of their own.
//!
//! Burn's `flex` backend differentiates a convolution by convolving with the whole output map as
//! kernel. Here both directions are matrix products over the unfolded map (im2col), and the
//! instance norm is one pass with its ReLU. The results do not depend on the number of threads.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend, Flex, TensorMetadata, backend_extension};
use burn::tensor::TensorData;
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// Partial sums of a weight gradient: a fixed number, so that the order of addition is fixed too.
const PARTS: usize = 8;
/// Unfolded values of one task: what fits a core's second-level cache beside the weights.
const TASK_VALUES: usize = 1 << 18;
/// Added to the variance, as in PyTorch's `instance_norm`.
const EPSILON: f32 = 1e-5;

/// Operations that the CPU computes its own way; see [`super::layers`] for the choice.
#[backend_extension(Flex, Autodiff)]
pub trait CpuKernels: Backend {
    /// Convolution of odd kernel size, stride 1, zero padding to the same size.
    /// `x` [N,C,H,W], `weight` [O,C,k,k], `bias` [O] -> [N,O,H,W].
    fn conv_same(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Instance norm without affine parameters, then ReLU. [N,C,H,W] -> [N,C,H,W].
    fn norm_relu(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Batch norm with the batch's own figures, `scale` [C] and `shift` [C], then ReLU where asked for.
    fn batch_norm(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self>;

    /// Mean and biased variance of each channel over the batch: [N,C,H,W] -> [2,C]. Not differentiated.
    fn channel_moments(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl CpuKernels for Flex {
    fn conv_same(x: FlexTensor, weight: FlexTensor, bias: FlexTensor) -> FlexTensor {
        let geometry = Geometry::of(&x, &weight);
        let (x, weight, bias) = (contiguous(x), contiguous(weight), contiguous(bias));
        tensor(convolve(values(&x), values(&weight), values(&bias), geometry), geometry.output())
    }

    fn norm_relu(x: FlexTensor) -> FlexTensor {
        let shape = dims(&x);
        let x = contiguous(x);
        tensor(normalise(values(&x), shape[2] * shape[3]), shape)
    }

    fn batch_norm(x: FlexTensor, scale: FlexTensor, shift: FlexTensor, relu: bool) -> FlexTensor {
        let shape = dims(&x);
        let x = contiguous(x);
        let moments = channel_moments(values(&x), shape);
        let (x, scale, shift) = (values(&x), contiguous(scale), contiguous(shift));
        tensor(batch_normalise(x, &moments, values(&scale), values(&shift), shape, relu), shape)
    }

    fn channel_moments(x: FlexTensor) -> FlexTensor {
        let shape = dims(&x);
        let moments = channel_moments(values(&contiguous(x)), shape);
        let data: Vec<f32> = moments.iter().map(|m| m.0).chain(moments.iter().map(|m| m.1)).collect();
        FlexTensor::from_data(TensorData::new(data, [2, shape[1]]))
    }
}

#[derive(Debug)]
struct ConvSame;

impl Backward<Flex, 3> for ConvSame {
    type State = (NodeId, NodeId, usize);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let [node_x, node_weight, node_bias] = ops.parents;
        let grad = contiguous(grads.consume::<Flex>(&ops.node));
        let (x, weight, outputs) = ops.state;
        let x = contiguous(checkpointer.retrieve_node_output::<FlexTensor>(x));
        let weight = contiguous(checkpointer.retrieve_node_output::<FlexTensor>(weight));
        let geometry = Geometry::of(&x, &weight);
        if let Some(node) = node_x {
            let flipped = flip(values(&weight), geometry);
            let zeros = vec![0.0; geometry.inputs];
            let dx = convolve(values(&grad), &flipped, &zeros, geometry.reversed());
            grads.register::<Flex>(node.id, tensor(dx, dims(&x)));
        }
        if let Some(node) = node_weight {
            let dw = weight_gradient(values(&x), values(&grad), geometry);
            grads.register::<Flex>(node.id, tensor(dw, dims(&weight)));
        }
        if let Some(node) = node_bias {
            let db = bias_gradient(values(&grad), geometry);
            let db = FlexTensor::from_data(TensorData::new(db, [outputs]));
            grads.register::<Flex>(node.id, db);
        }
    }
}

#[derive(Debug)]
struct NormRelu;

impl Backward<Flex, 1> for NormRelu {
    type State = NodeId;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let [node] = ops.parents;
        let grad = contiguous(grads.consume::<Flex>(&ops.node));
        let x = contiguous(checkpointer.retrieve_node_output::<FlexTensor>(ops.state));
        if let Some(node) = node {
            let shape = dims(&x);
            let dx = normalise_gradient(values(&x), values(&grad), shape[2] * shape[3]);
            grads.register::<Flex>(node.id, tensor(dx, shape));
        }
    }
}

#[derive(Debug)]
struct BatchNorm;

impl Backward<Flex, 3> for BatchNorm {
    type State = (NodeId, NodeId, NodeId, bool);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let nodes = ops.parents;
        let grad = contiguous(grads.consume::<Flex>(&ops.node));
        let (x, scale, shift, relu) = ops.state;
        let mut take = |id| contiguous(checkpointer.retrieve_node_output::<FlexTensor>(id));
        let (x, scale, shift) = (take(x), take(scale), take(shift));
        let shape = dims(&x);
        let (dx, dscale, dshift) =
            batch_normalise_gradient(values(&x), values(&grad), values(&scale), values(&shift), shape, relu);
        let vector = |v: Vec<f32>| FlexTensor::from_data(TensorData::new(v, [shape[1]]));
        let gradients = [tensor(dx, shape), vector(dscale), vector(dshift)];
        for (node, gradient) in nodes.into_iter().zip(gradients) {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, gradient);
            }
        }
    }
}

impl<C: CheckpointStrategy> CpuKernels for Autodiff<Flex, C> {
    fn conv_same(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let outputs = weight.primitive().shape()[0];
        let nodes = [x.node(), weight.node(), bias.node()];
        match ConvSame.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&x), prep.checkpoint(&weight), outputs);
                prep.finish(
                    state,
                    Flex::conv_same(x.into_primitive(), weight.into_primitive(), bias.into_primitive()),
                )
            }
            OpsKind::UnTracked(prep) => prep.finish(Flex::conv_same(
                x.into_primitive(),
                weight.into_primitive(),
                bias.into_primitive(),
            )),
        }
    }

    fn norm_relu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        match NormRelu.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = prep.checkpoint(&x);
                prep.finish(state, Flex::norm_relu(x.into_primitive()))
            }
            OpsKind::UnTracked(prep) => prep.finish(Flex::norm_relu(x.into_primitive())),
        }
    }

    fn batch_norm(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), scale.node(), shift.node()];
        let run = |x: FloatTensor<Self>, scale: FloatTensor<Self>, shift: FloatTensor<Self>| {
            Flex::batch_norm(x.into_primitive(), scale.into_primitive(), shift.into_primitive(), relu)
        };
        match BatchNorm.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&x), prep.checkpoint(&scale), prep.checkpoint(&shift), relu);
                prep.finish(state, run(x, scale, shift))
            }
            OpsKind::UnTracked(prep) => prep.finish(run(x, scale, shift)),
        }
    }

    fn channel_moments(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::from_inner(Flex::channel_moments(x.into_primitive()))
    }
}

/// Sizes of one convolution: `images` maps of `height` x `width`, `kernel` x `kernel` weights.
#[derive(Clone, Copy, Debug)]
struct Geometry {
    images: usize,
    inputs: usize,
    outputs: usize,
    height: usize,
    width: usize,
    kernel: usize,
}

impl Geometry {
    fn of(x: &FlexTensor, weight: &FlexTensor) -> Self {
        let [images, inputs, height, width] = dims(x);
        let [outputs, _, kernel, _] = dims(weight);
        Self { images, inputs, outputs, height, width, kernel }
    }

    /// The same with inputs and outputs exchanged: the convolution that carries gradients back.
    fn reversed(self) -> Self {
        Self { inputs: self.outputs, outputs: self.inputs, ..self }
    }

    fn output(self) -> [usize; 4] {
        [self.images, self.outputs, self.height, self.width]
    }

    /// Values that one output value depends on.
    fn depth(self) -> usize {
        self.inputs * self.kernel * self.kernel
    }

    fn plane(self) -> usize {
        self.height * self.width
    }

    /// Groups of whole rows (counted over all images) that make one task each.
    fn tasks(self) -> Vec<Range<usize>> {
        let rows = self.images * self.height;
        let columns = (TASK_VALUES / self.depth()).clamp(128, 4096);
        let step = (columns / self.width).max(1);
        (0..rows).step_by(step).map(|from| from..(from + step).min(rows)).collect()
    }
}

pub(super) fn dims(t: &FlexTensor) -> [usize; 4] {
    let shape = t.shape();
    [shape[0], shape[1], shape[2], shape[3]]
}

pub(super) fn contiguous(t: FlexTensor) -> FlexTensor {
    if t.as_slice::<f32>().is_some() { t } else { t.to_contiguous() }
}

pub(super) fn values(t: &FlexTensor) -> &[f32] {
    t.as_slice::<f32>().unwrap_or_default()
}

pub(super) fn tensor(data: Vec<f32>, shape: [usize; 4]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(data, shape))
}

/// Appends `rows` of `x`, unfolded, to `columns`.
fn unfold(x: &[f32], g: Geometry, rows: &Range<usize>, columns: &mut Vec<f32>) {
    let (width, pad) = (g.width, g.kernel / 2);
    for channel in 0..g.inputs {
        for ky in 0..g.kernel {
            for kx in 0..g.kernel {
                for row in rows.clone() {
                    let (image, y) = (row / g.height, row % g.height + ky);
                    if y < pad || y - pad >= g.height {
                        columns.resize(columns.len() + width, 0.0);
                        continue;
                    }
                    let from = ((image * g.inputs + channel) * g.height + y - pad) * width;
                    push_shifted(columns, &x[from..from + width], kx, pad);
                }
            }
        }
    }
}

/// Appends `line` as seen by kernel column `kx`: shifted by `kx - pad`, zeros from outside.
fn push_shifted(columns: &mut Vec<f32>, line: &[f32], kx: usize, pad: usize) {
    let width = line.len();
    let before = pad.saturating_sub(kx).min(width);
    let skip = kx.saturating_sub(pad).min(width);
    columns.resize(columns.len() + before, 0.0);
    columns.extend_from_slice(&line[skip..width - before]);
    columns.resize(columns.len() + skip, 0.0);
}

/// Unfolds `rows` of `x` and hands the columns [inputs * k * k, rows * width] to `work`. Every thread keeps its columns:
/// taken anew for each task, they would leave holes in the heaps of all threads, and long runs would creep.
fn unfolded(x: &[f32], g: Geometry, rows: &Range<usize>, work: impl FnOnce(&[f32])) {
    thread_local!(static COLUMNS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) });
    COLUMNS.with_borrow_mut(|columns| {
        columns.clear();
        columns.reserve_exact(g.depth() * rows.len() * g.width);
        unfold(x, g, rows, columns);
        work(columns);
    });
}

fn convolve(x: &[f32], weight: &[f32], bias: &[f32], g: Geometry) -> Vec<f32> {
    let tasks = g.tasks();
    let depth = g.depth();
    let mut blocks = vec![0.0; g.images * g.outputs * g.plane()];
    blocks.par_chunks_mut(g.outputs * tasks[0].len() * g.width).zip(&tasks).for_each(|(block, rows)| {
        unfolded(x, g, rows, |columns| {
            let n = rows.len() * g.width;
            multiply([g.outputs, n, depth], block, false, (weight, [depth, 1]), (columns, [n, 1]));
        });
    });
    fold_blocks(&blocks, &tasks, bias, g)
}

/// Puts the blocks [outputs, rows * width] of all tasks, one after the other, in place and adds the bias.
fn fold_blocks(blocks: &[f32], tasks: &[Range<usize>], bias: &[f32], g: Geometry) -> Vec<f32> {
    let step = tasks[0].len();
    let mut out = vec![0.0; blocks.len()];
    out.par_chunks_mut(g.plane()).enumerate().for_each(|(index, plane)| {
        let (image, output) = (index / g.outputs, index % g.outputs);
        let mut y = 0;
        while y < g.height {
            let row = image * g.height + y;
            let task = &tasks[row / step];
            let rows = (task.end - row).min(g.height - y);
            let block = &blocks[task.start * g.outputs * g.width..];
            let from = (output * task.len() + row - task.start) * g.width;
            let source = &block[from..from + rows * g.width];
            for (d, s) in plane[y * g.width..].iter_mut().zip(source) {
                *d = s + bias[output];
            }
            y += rows;
        }
    });
    out
}

fn weight_gradient(x: &[f32], grad: &[f32], g: Geometry) -> Vec<f32> {
    let tasks = g.tasks();
    let depth = g.depth();
    let size = g.outputs * depth;
    let parts: Vec<Vec<f32>> = tasks
        .par_chunks(tasks.len().div_ceil(PARTS))
        .map(|tasks| {
            let (mut block, mut sum) = (Vec::new(), vec![0.0; size]);
            for rows in tasks {
                gather_rows(grad, g, rows, &mut block);
                let n = rows.len() * g.width;
                unfolded(x, g, rows, |columns| {
                    multiply([g.outputs, depth, n], &mut sum, true, (&block, [n, 1]), (columns, [1, n]));
                });
            }
            sum
        })
        .collect();
    let mut total = vec![0.0; size];
    total.par_chunks_mut(4096).enumerate().for_each(|(i, chunk)| {
        for part in &parts {
            let part = &part[i * 4096..];
            chunk.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        }
    });
    total
}

/// Copies `rows` of all output channels of `grad` into `block` [outputs, rows * width].
fn gather_rows(grad: &[f32], g: Geometry, rows: &Range<usize>, block: &mut Vec<f32>) {
    block.clear();
    for output in 0..g.outputs {
        for row in rows.clone() {
            let (image, y) = (row / g.height, row % g.height);
            let from = ((image * g.outputs + output) * g.height + y) * g.width;
            block.extend_from_slice(&grad[from..from + g.width]);
        }
    }
}

fn bias_gradient(grad: &[f32], g: Geometry) -> Vec<f32> {
    let sums: Vec<f64> = grad.par_chunks(g.plane()).map(|p| sum(p, |v| v)).collect();
    (0..g.outputs).map(|o| sums.iter().skip(o).step_by(g.outputs).sum::<f64>() as f32).collect()
}

/// Weights of the convolution that carries gradients back: channels exchanged, kernel turned round.
fn flip(weight: &[f32], g: Geometry) -> Vec<f32> {
    let taps = g.kernel * g.kernel;
    let mut flipped = vec![0.0; weight.len()];
    for output in 0..g.outputs {
        for input in 0..g.inputs {
            for tap in 0..taps {
                flipped[(input * g.outputs + output) * taps + taps - 1 - tap] =
                    weight[(output * g.inputs + input) * taps + tap];
            }
        }
    }
    flipped
}

fn normalise(x: &[f32], plane: usize) -> Vec<f32> {
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
fn normalise_gradient(x: &[f32], grad: &[f32], plane: usize) -> Vec<f32> {
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
fn channel_moments(x: &[f32], shape: [usize; 4]) -> Vec<(f32, f32)> {
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

fn batch_normalise(
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
fn batch_normalise_gradient(
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

const LANES: usize = 16;

/// Sum of `f` over `x`: short sums in 16 lanes of f32, these in f64.
fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    x.chunks(LANES * 64)
        .map(|block| {
            let mut lanes = [0.0f32; LANES];
            let chunks = block.chunks_exact(LANES);
            let rest: f32 = chunks.remainder().iter().map(|v| f(*v)).sum();
            for chunk in chunks {
                for (lane, v) in lanes.iter_mut().zip(chunk) {
                    *lane += f(*v);
                }
            }
            f64::from(lanes.iter().sum::<f32>() + rest)
        })
        .sum()
}

fn sum_pairs(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f64 {
    a.chunks(LANES * 64)
        .zip(b.chunks(LANES * 64))
        .map(|(a, b)| {
            let mut lanes = [0.0f32; LANES];
            for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
                for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
                    *lane += f(*a, *b);
                }
            }
            f64::from(lanes.iter().sum::<f32>())
        })
        .sum()
}

/// A matrix and its [row, column] strides.
type Matrix<'a> = (&'a [f32], [usize; 2]);

/// `out` [m,n] = (`add` ? out : 0) + `a` [m,k] * `b` [k,n], on this thread.
#[allow(unsafe_code)]
fn multiply([m, n, k]: [usize; 3], out: &mut [f32], add: bool, a: Matrix<'_>, b: Matrix<'_>) {
    let reach = |rows: usize, columns: usize, [r, c]: [usize; 2]| (rows - 1) * r + (columns - 1) * c;
    assert!(m > 0 && n > 0 && k > 0 && out.len() >= m * n);
    assert!(a.0.len() > reach(m, k, a.1) && b.0.len() > reach(k, n, b.1));
    let strides = |[r, c]: [usize; 2]| (c as isize, r as isize);
    let ((a_column, a_row), (b_column, b_row)) = (strides(a.1), strides(b.1));
    // SAFETY: the asserts above keep every access m x n, m x k and k x n within its slice, and
    // `out` is borrowed exclusively.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.0.as_ptr(),
            a_column,
            a_row,
            b.0.as_ptr(),
            b_column,
            b_row,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
