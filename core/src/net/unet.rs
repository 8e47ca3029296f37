//! The U-Nets of PaSeR: f0, f1 and f2 (paper Appendix B; exact layers in the project's reference).

use super::dropout::Dropout;
use super::layers::{Conv, instance_norm_flops, max_pool_2, norm_relu, upsample_flops, upsample_to};
use crate::cost::Flops;
use crate::hash::Stream;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

/// What a U-Net is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnetSpec {
    /// Input channels.
    pub channels: usize,
    /// Classes told apart.
    pub classes: usize,
    /// Channels after the 1x1 stem.
    pub stem: usize,
    /// Channels of the encoder's levels, finest first; at least two.
    pub levels: Vec<usize>,
}

impl UnetSpec {
    /// f0, the small net that reads the whole slice: 16,571 parameters for one channel, 3 classes.
    pub fn f0(channels: usize, classes: usize) -> Self {
        Self { channels, classes, stem: 4, levels: vec![8, 16, 16] }
    }

    /// f1, the middle net: 1,080,595 parameters.
    pub fn f1(channels: usize, classes: usize) -> Self {
        Self { channels, classes, stem: 8, levels: vec![16, 32, 64, 128, 128] }
    }

    /// f2, the large net: 17,275,459 parameters.
    pub fn f2(channels: usize, classes: usize) -> Self {
        Self { channels, classes, stem: 32, levels: vec![64, 128, 256, 512, 512] }
    }

    /// Whether a net can be built: two to sixteen levels and nothing of size zero.
    pub fn is_valid(&self) -> bool {
        (2..=16).contains(&self.levels.len())
            && self
                .levels
                .iter()
                .chain([&self.channels, &self.classes, &self.stem])
                .all(|n| (1..=4096).contains(n))
    }

    /// The smallest height or width that the net can read: each level halves it, rounding down.
    pub fn smallest_side(&self) -> usize {
        1 << (self.levels.len() - 1)
    }

    /// Shape [C,H,W] of what each dropout site sees for an input of `height` x `width`; sites are
    /// numbered as in [`Dropout`].
    pub fn dropout_shapes(&self, [height, width]: [usize; 2]) -> Vec<[usize; 3]> {
        let at = |level: usize| [height >> level, width >> level];
        let deepest = self.levels.len() - 1;
        let site = |channels: usize, level: usize| [channels, at(level)[0], at(level)[1]];
        let mut shapes: Vec<_> = (1..=deepest).map(|l| site(self.levels[l], l)).collect();
        shapes.push(site(self.decoder()[0][2], deepest - 1));
        shapes
    }

    /// Channels in, between and out of each encoder block.
    fn encoder(&self) -> Vec<[usize; 3]> {
        let from = std::iter::once(&self.stem).chain(&self.levels);
        from.zip(&self.levels).map(|(a, o)| [*a, *o, *o]).collect()
    }

    /// Channels in, between and out of each decoder block, deepest first.
    fn decoder(&self) -> Vec<[usize; 3]> {
        let mut up = self.levels[self.levels.len() - 1];
        let blocks = (0..self.levels.len() - 1).rev().map(|level| {
            let concatenated = self.levels[level] + up;
            up = if level > 0 { self.levels[level] / 2 } else { self.levels[0] };
            [concatenated, concatenated / 2, up]
        });
        blocks.collect()
    }
}

/// Twice: convolution 3x3, instance norm, ReLU.
#[derive(Module, Debug)]
pub struct DoubleConv {
    c0: Conv,
    c1: Conv,
}

impl DoubleConv {
    fn new([input, middle, output]: [usize; 3], device: &Device, seeds: &mut Stream) -> Self {
        Self {
            c0: Conv::new([input, middle], 3, device, seeds),
            c1: Conv::new([middle, output], 3, device, seeds),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        norm_relu(self.c1.forward(norm_relu(self.c0.forward(x))))
    }

    fn flops(&self, size: [usize; 2]) -> Flops {
        let cost = |c: &Conv| c.flops(size) + instance_norm_flops(c.outputs() * size[0] * size[1]);
        cost(&self.c0) + cost(&self.c1)
    }
}

/// A U-Net: logits for every pixel of its input.
#[derive(Module, Debug)]
pub struct Unet {
    stem: Conv,
    enc: Vec<DoubleConv>,
    dec: Vec<DoubleConv>,
    head: Conv,
}

/// The part of a forward pass before the first dropout, the same for all Monte Carlo passes.
#[derive(Clone, Debug)]
pub struct Prefix {
    skips: Vec<Tensor<4>>,
}

impl Unet {
    /// A net with PyTorch's default start.
    pub fn new(spec: &UnetSpec, device: &Device, seeds: &mut Stream) -> Self {
        let mut block = |channels: &[usize; 3]| DoubleConv::new(*channels, device, seeds);
        let enc = spec.encoder().iter().map(&mut block).collect();
        let dec = spec.decoder().iter().map(&mut block).collect();
        let last = spec.decoder().last().map_or(spec.stem, |d| d[2]);
        Self {
            stem: Conv::new([spec.channels, spec.stem], 1, device, seeds),
            enc,
            dec,
            head: Conv::new([last, spec.classes], 1, device, seeds),
        }
    }

    /// Logits [N,classes,H,W] of `x` [N,channels,H,W]. Dropout acts after every encoder level but
    /// the first and after the deepest decoder block; skips are taken before it.
    pub fn forward(&self, x: Tensor<4>, dropout: &mut dyn Dropout) -> Tensor<4> {
        self.finish(self.prefix(x), dropout)
    }

    /// Everything before the first dropout site: stem and the first two encoder levels.
    pub fn prefix(&self, x: Tensor<4>) -> Prefix {
        let first = self.enc[0].forward(self.stem.forward(x));
        let second = self.enc[1].forward(max_pool_2(first.clone()));
        Prefix { skips: vec![first, second] }
    }

    /// The rest of a forward pass.
    pub fn finish(&self, prefix: Prefix, dropout: &mut dyn Dropout) -> Tensor<4> {
        let Prefix { mut skips } = prefix;
        let mut x = dropout.apply(0, skips[1].clone());
        for (site, block) in self.enc[2..].iter().enumerate() {
            let level = block.forward(max_pool_2(x));
            x = dropout.apply(site + 1, level.clone());
            skips.push(level);
        }
        skips.pop();
        for (depth, block) in self.dec.iter().enumerate() {
            let Some(skip) = skips.pop() else { break };
            let [_, _, height, width] = skip.dims();
            x = block.forward(Tensor::cat(vec![skip, upsample_to(x, [height, width])], 1));
            if depth == 0 {
                x = dropout.apply(self.enc.len() - 1, x);
            }
        }
        self.head.forward(x)
    }

    /// The part of [`Self::flops`] that [`Self::prefix`] takes.
    pub fn prefix_flops(&self, [height, width]: [usize; 2]) -> Flops {
        let half = [height / 2, width / 2];
        self.stem.flops([height, width]) + self.enc[0].flops([height, width]) + self.enc[1].flops(half)
    }

    /// Cost of one forward pass at an input of `height` x `width`, by the project's counting rules
    /// (one a multiply-add; instance norm 4 and bilinear upsampling 4 a value; the rest free).
    pub fn flops(&self, [height, width]: [usize; 2]) -> Flops {
        let at = |level: usize| [height >> level, width >> level];
        let mut total = self.stem.flops(at(0)) + self.head.flops(at(0));
        for (level, block) in self.enc.iter().enumerate() {
            total += block.flops(at(level));
        }
        let mut channels = self.enc.last().map_or(0, |b| b.c1.outputs());
        for (depth, block) in self.dec.iter().enumerate() {
            let level = self.dec.len() - 1 - depth;
            let [h, w] = at(level + 1);
            total += upsample_flops(channels * 4 * h * w) + block.flops(at(level));
            channels = block.c1.outputs();
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_net_deeper_than_any_tile_is_none() {
        let deep = |n| UnetSpec { channels: 1, classes: 3, stem: 2, levels: vec![4; n] };
        assert!(deep(2).is_valid() && deep(16).is_valid());
        assert!(!deep(1).is_valid() && !deep(17).is_valid() && !deep(65).is_valid());
    }
}
