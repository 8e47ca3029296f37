//! The nets: pure forward passes. No files, no configuration, no events here.

pub mod conv;
mod cpu;

pub mod deeplabv3plus;
pub mod dropout;
pub mod efficientvit;
pub mod import;
pub mod layers;
pub mod matphase;
mod named;
pub mod norm;
pub mod params;
pub mod pass;
pub mod policy;
pub mod resize;
pub mod segformer;
pub mod start;
pub mod tally;
pub mod unet;

pub use deeplabv3plus::{Deeplab, DeeplabSpec};
pub use efficientvit::{Efficientvit, EfficientvitSpec};
pub use matphase::{Matphase, MatphaseSpec};
pub use named::{NAMES, named, narrowed};
pub use policy::Policy;
pub use segformer::{Segformer, SegformerSpec};
pub use unet::{Unet, UnetSpec};

use crate::cost::Flops;
use crate::hash::Stream;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use pass::Pass;
use resize::{Between, resize};
use serde::{Deserialize, Serialize};
use start::Start;
use tally::Tally;

/// Why a net cannot be f0.
pub(crate) const F0_MUST_DOUBT: &str =
    "f0 must be a U-Net: only a U-Net has the dropout that its uncertainty comes from";

/// What a task net (an f_i of the paper) is made of; a bundle names one for each. Only a U-Net has
/// dropout sites for Monte Carlo passes, and so only a U-Net can be f0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NetSpec {
    /// A U-Net.
    Unet(UnetSpec),
    /// A SegFormer.
    Segformer(SegformerSpec),
    /// A DeepLabV3+.
    Deeplabv3plus(DeeplabSpec),
    /// An EfficientViT-Seg.
    Efficientvit(EfficientvitSpec),
    /// A reconstruction of MatPhase.
    Matphase(MatphaseSpec),
}

impl NetSpec {
    /// A net with fresh weights from `seed`.
    pub fn init(&self, device: &Device, seed: u64) -> Net {
        let seeds = &mut Stream::new(seed, "weights");
        match self {
            Self::Unet(spec) => Net::Unet(Unet::new(spec, device, seeds)),
            Self::Segformer(spec) => Net::Segformer(Segformer::new(spec, &mut Start { device, seeds })),
            Self::Deeplabv3plus(spec) => Net::Deeplabv3plus(Deeplab::new(spec, &mut Start { device, seeds })),
            Self::Efficientvit(spec) => {
                Net::Efficientvit(Efficientvit::new(spec, &mut Start { device, seeds }))
            }
            Self::Matphase(spec) => Net::Matphase(Matphase::new(spec, device, seeds)),
        }
    }

    /// Input channels. A net that reads several also takes grey, which it repeats.
    pub fn channels(&self) -> usize {
        match self {
            Self::Unet(spec) => spec.channels,
            Self::Segformer(spec) => spec.channels,
            Self::Deeplabv3plus(spec) => spec.channels,
            Self::Efficientvit(spec) => spec.channels,
            Self::Matphase(spec) => spec.net.channels,
        }
    }

    /// Classes told apart.
    pub fn classes(&self) -> usize {
        match self {
            Self::Unet(spec) => spec.classes,
            Self::Segformer(spec) => spec.classes,
            Self::Deeplabv3plus(spec) => spec.classes,
            Self::Efficientvit(spec) => spec.classes,
            Self::Matphase(spec) => spec.net.classes,
        }
    }

    /// Whether the net takes images of `channels` channels.
    pub fn takes(&self, channels: usize) -> bool {
        channels == self.channels() || (channels == 1 && !matches!(self, Self::Unet(_)))
    }

    /// Whether the net has dropout for Monte Carlo passes, and so can be f0.
    pub fn can_doubt(&self) -> bool {
        matches!(self, Self::Unet(_))
    }

    /// Whether a net can be built of it.
    pub fn is_valid(&self) -> bool {
        match self {
            Self::Unet(spec) => spec.is_valid(),
            Self::Segformer(spec) => spec.is_valid(),
            Self::Deeplabv3plus(spec) => spec.is_valid(),
            Self::Efficientvit(spec) => spec.is_valid(),
            Self::Matphase(spec) => spec.is_valid(),
        }
    }

    /// The smallest height or width that the net can read.
    pub fn smallest_side(&self) -> usize {
        match self {
            Self::Unet(spec) => spec.smallest_side(),
            Self::Segformer(spec) => spec.smallest_side(),
            Self::Deeplabv3plus(spec) => spec.smallest_side(),
            Self::Efficientvit(spec) => spec.smallest_side(),
            Self::Matphase(spec) => spec.smallest_side(),
        }
    }

    /// Shape [C,H,W] at each Monte Carlo dropout site for an input of `size`; none but in a U-Net.
    pub fn dropout_shapes(&self, size: [usize; 2]) -> Vec<[usize; 3]> {
        match self {
            Self::Unet(spec) => spec.dropout_shapes(size),
            _ => Vec::new(),
        }
    }
}

/// A task net: logits for every pixel.
// few nets live at a time, and Burn has no boxed modules
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum Net {
    /// A U-Net.
    Unet(Unet),
    /// A SegFormer.
    Segformer(Segformer),
    /// A DeepLabV3+.
    Deeplabv3plus(Deeplab),
    /// An EfficientViT-Seg.
    Efficientvit(Efficientvit),
    /// A reconstruction of MatPhase.
    Matphase(Matphase),
}

impl Net {
    /// Logits [N,classes,H,W] of `x` [N,channels,H,W]; batch norm with its running figures.
    pub fn forward(&self, x: Tensor<4>, dropout: &mut dyn dropout::Dropout) -> Tensor<4> {
        self.through(x, dropout, &mut Pass::Evaluate)
    }

    /// The same in training: batch norm with the batch's own figures, which move the running ones, and
    /// the dropout of a net that is no U-Net on.
    pub fn forward_train(&mut self, x: Tensor<4>, dropout: &mut dyn dropout::Dropout) -> Tensor<4> {
        if let Self::Unet(net) = self {
            return net.forward(x, dropout);
        }
        let mut pass = Pass::train();
        let logits = self.through(x, dropout, &mut pass);
        *self = pass.absorbed_by(self.clone());
        logits
    }

    fn through(&self, x: Tensor<4>, dropout: &mut dyn dropout::Dropout, pass: &mut Pass) -> Tensor<4> {
        match self {
            Self::Unet(net) => net.forward(x, dropout),
            _ => {
                let [_, _, height, width] = x.dims();
                resize(self.coarse(x, pass), [height, width], Between::Linear)
            }
        }
    }

    /// Logits at the net's own stride: a quarter of the input's size for SegFormer and DeepLabV3+, an
    /// eighth for EfficientViT, the whole for the others. Grey is repeated for a net that reads colour.
    pub fn coarse(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        match self {
            Self::Unet(net) => net.forward(x, &mut dropout::Off),
            Self::Segformer(net) => net.logits(coloured(x, net.channels()), pass),
            Self::Deeplabv3plus(net) => net.logits(coloured(x, net.channels()), pass),
            Self::Efficientvit(net) => net.logits(coloured(x, net.channels()), pass),
            Self::Matphase(net) => net.logits(coloured(x, net.channels()), pass),
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

    /// Logits of one pass for each set of masks; what comes before the first mask is computed once. A
    /// net without dropout sites answers every pass alike, from one.
    pub fn forward_mc(&self, x: Tensor<4>, passes: &[Vec<Tensor<4>>]) -> Vec<Tensor<4>> {
        match self {
            Self::Unet(net) => {
                let prefix = net.prefix(x);
                passes.iter().map(|masks| net.finish(prefix.clone(), &mut dropout::Masks(masks))).collect()
            }
            _ => vec![self.forward(x, &mut dropout::Off); passes.len()],
        }
    }

    /// Cost of one pass at an input of `height` x `width`, up to the logits at the net's own stride: the
    /// paper's count leaves the last resizing out.
    pub fn flops(&self, size: [usize; 2]) -> Flops {
        let mut tally = Tally::at(size);
        match self {
            Self::Unet(net) => return net.flops(size),
            Self::Segformer(net) => net.tally(&mut tally),
            Self::Deeplabv3plus(net) => net.tally(&mut tally),
            Self::Efficientvit(net) => net.tally(&mut tally),
            Self::Matphase(net) => net.tally(&mut tally),
        }
        tally.flops
    }

    /// The part of [`Self::flops`] that all Monte Carlo passes share.
    pub fn prefix_flops(&self, size: [usize; 2]) -> Flops {
        match self {
            Self::Unet(net) => net.prefix_flops(size),
            _ => self.flops(size),
        }
    }
}

/// `x` with its one channel repeated where a net reads several.
fn coloured(x: Tensor<4>, channels: usize) -> Tensor<4> {
    if x.dims()[1] == 1 && channels > 1 { x.repeat_dim(1, channels) } else { x }
}
