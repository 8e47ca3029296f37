//! Convolution and normalisation for the CPU, with gradients of their own.
//!
//! Burn's `flex` backend differentiates a convolution by convolving with the whole output map as
//! kernel. Here both directions are matrix products over the unfolded map (im2col), and the
//! instance norm is one pass with its ReLU. The results do not depend on the number of threads.

mod convolve;
pub(super) mod depthwise;
mod normalise;
mod sums;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend, Flex, TensorMetadata, backend_extension};
use burn::tensor::TensorData;
use convolve::{Geometry, bias_gradient, convolve, flip, weight_gradient};
use normalise::{batch_normalise, batch_normalise_gradient, channel_moments, normalise, normalise_gradient};

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
