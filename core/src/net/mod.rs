//! The nets: pure forward passes. No files, no configuration, no events here.

mod cpu;
pub mod dropout;
pub mod layers;
pub mod params;
pub mod policy;
pub mod unet;

pub use policy::Policy;
pub use unet::{Unet, UnetSpec};

use crate::cost::Flops;
use crate::hash::Stream;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// What a task net (an f_i of the paper) is made of; a bundle names one for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NetSpec {
    /// A U-Net.
    Unet(UnetSpec),
}

impl NetSpec {
    /// A net with fresh weights from `seed`.
    pub fn init(&self, device: &Device, seed: u64) -> Net {
        let mut seeds = Stream::new(seed, "weights");
        match self {
            Self::Unet(spec) => Net::Unet(Unet::new(spec, device, &mut seeds)),
        }
    }

    /// Input channels.
    pub fn channels(&self) -> usize {
        match self {
            Self::Unet(spec) => spec.channels,
        }
    }

    /// Classes told apart.
    pub fn classes(&self) -> usize {
        match self {
            Self::Unet(spec) => spec.classes,
        }
    }

    /// Whether a net can be built of it.
    pub fn is_valid(&self) -> bool {
        match self {
            Self::Unet(spec) => spec.is_valid(),
        }
    }

    /// The smallest height or width that the net can read.
    pub fn smallest_side(&self) -> usize {
        match self {
            Self::Unet(spec) => spec.smallest_side(),
        }
    }

    /// Shape [C,H,W] at each dropout site for an input of `size`.
    pub fn dropout_shapes(&self, size: [usize; 2]) -> Vec<[usize; 3]> {
        match self {
            Self::Unet(spec) => spec.dropout_shapes(size),
        }
    }
}

/// A task net: logits for every pixel.
#[derive(Module, Debug)]
pub enum Net {
    /// A U-Net.
    Unet(Unet),
}

impl Net {
    /// Logits [N,classes,H,W] of `x` [N,channels,H,W].
    pub fn forward(&self, x: Tensor<4>, dropout: &mut dyn dropout::Dropout) -> Tensor<4> {
        match self {
            Self::Unet(net) => net.forward(x, dropout),
        }
    }

    /// Logits of plain `values` of shape [N,C,H,W]; empty where the device gives nothing back.
    pub fn forward_values(
        &self,
        values: &[f32],
        shape: [usize; 4],
        device: &Device,
        dropout: &mut dyn dropout::Dropout,
    ) -> Vec<f32> {
        let x = Tensor::from_data(TensorData::new(values.to_vec(), shape), device);
        self.forward(x, dropout).into_data().try_into_vec().unwrap_or_default()
    }

    /// Logits of one pass for each set of masks; what comes before the first mask is computed once.
    pub fn forward_mc(&self, x: Tensor<4>, passes: &[Vec<Tensor<4>>]) -> Vec<Tensor<4>> {
        match self {
            Self::Unet(net) => {
                let prefix = net.prefix(x);
                passes.iter().map(|masks| net.finish(prefix.clone(), &mut dropout::Masks(masks))).collect()
            }
        }
    }

    /// Cost of one pass at an input of `height` x `width`.
    pub fn flops(&self, size: [usize; 2]) -> Flops {
        match self {
            Self::Unet(net) => net.flops(size),
        }
    }

    /// The part of [`Self::flops`] that all Monte Carlo passes share.
    pub fn prefix_flops(&self, size: [usize; 2]) -> Flops {
        match self {
            Self::Unet(net) => net.prefix_flops(size),
        }
    }
}
