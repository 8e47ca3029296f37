//! First weights of a net, made only when a layer first needs them: a net that is only counted, or
//! that is loaded from a file, never fills them.

use crate::hash::{self, Stream};
use burn::module::{Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};

/// Where a net's first weights lie and come from.
pub struct Start<'a> {
    /// Device of the weights.
    pub device: &'a Device,
    /// A seed for each random tensor.
    pub seeds: &'a mut Stream,
}

impl Start<'_> {
    /// A trainable tensor of normal values.
    pub fn normal<const D: usize>(&mut self, shape: [usize; D], deviation: f64) -> Param<Tensor<D>> {
        let seed = self.seeds.seed();
        lazy(shape, self.device, move || hash::normal(seed, shape.iter().product(), deviation))
    }
}

/// A trainable vector of one value.
pub fn constant(value: f32, size: usize, device: &Device) -> Param<Tensor<1>> {
    lazy([size], device, move || vec![value; size])
}

fn lazy<const D: usize>(
    shape: [usize; D],
    device: &Device,
    values: impl FnOnce() -> Vec<f32> + Send + Sync + 'static,
) -> Param<Tensor<D>> {
    let fill = move |device: &Device, trained: bool| {
        Tensor::from_data(TensorData::new(values(), shape), device).set_require_grad(trained)
    };
    Param::uninitialized(ParamId::new(), fill, device.clone(), true, shape.into())
}
