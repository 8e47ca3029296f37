//! A reconstruction of MatPhase (Tabassum et al. 2022) from its abstract: an uncertainty-aware global
//! net that may answer "I do not know" (IDK), a local net for the patches where it says so most, and an
//! aggregator. No code of the authors was at hand; that every number of it says "reconstruction" is the
//! caller's part. The layers fit the paper's cost.

use super::dropout::{Dropout, Off, Random};
use super::layers::Conv;
use super::pass::Pass;
use super::tally::Tally;
use super::unet::{Unet, UnetSpec};
use crate::hash::Stream;
use burn::module::Module;
use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor, activation};
use serde::{Deserialize, Serialize};

/// Channels of the aggregator's hidden layers.
const AGGREGATOR: usize = 16;

/// What a MatPhase is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatphaseSpec {
    /// The local net; the global one is the same with one class more, IDK.
    pub net: UnetSpec,
    /// Patches that the input is divided into, down and across.
    pub grid: [usize; 2],
    /// Patches that the local net reads.
    pub local: usize,
}

impl MatphaseSpec {
    /// With f2 as its nets on 4 x 4 patches, of which the local net reads 7: the paper's cost speaks for
    /// 45.8 %.
    pub fn paper(channels: usize, classes: usize) -> Self {
        Self { net: UnetSpec::f2(channels, classes), grid: [4, 4], local: 7 }
    }

    /// Whether a net can be built.
    pub fn is_valid(&self) -> bool {
        self.net.is_valid()
            && self.grid.iter().all(|n| (1..=64).contains(n))
            && (1..=self.grid[0] * self.grid[1]).contains(&self.local)
    }

    /// The smallest height or width that it can read: the local net's on every patch.
    pub fn smallest_side(&self) -> usize {
        self.net.smallest_side() * self.grid[0].max(self.grid[1])
    }
}

/// Three convolutions, ReLU between them.
#[derive(Module, Debug)]
struct Aggregator {
    first: Conv,
    second: Conv,
    last: Conv,
}

/// What the parts of a MatPhase say of the same images.
pub struct Answers {
    /// The aggregator's logits [N,classes,H,W].
    pub logits: Tensor<4>,
    /// The global net's logits [N,classes + 1,H,W], the last class IDK.
    pub global: Tensor<4>,
    /// The local net's probabilities [N,classes,H,W], 0 on the patches that it did not read.
    pub local: Tensor<4>,
}

/// A MatPhase reconstruction: logits for every pixel of its input.
#[derive(Module, Debug)]
pub struct Matphase {
    global: Unet,
    local: Unet,
    aggregator: Aggregator,
    rows: usize,
    columns: usize,
    read: usize,
}

impl Matphase {
    /// A net with PyTorch's default start.
    pub fn new(spec: &MatphaseSpec, device: &Device, seeds: &mut Stream) -> Self {
        let UnetSpec { channels, classes, .. } = spec.net;
        let uncertain = UnetSpec { classes: classes + 1, ..spec.net.clone() };
        let mut conv = |from, to, kernel| Conv::new([from, to], kernel, device, seeds);
        let aggregator = Aggregator {
            first: conv(2 * classes + 1 + channels, AGGREGATOR, 3),
            second: conv(AGGREGATOR, AGGREGATOR, 3),
            last: conv(AGGREGATOR, classes, 1),
        };
        Self {
            global: Unet::new(&uncertain, device, seeds),
            local: Unet::new(&spec.net, device, seeds),
            aggregator,
            rows: spec.grid[0],
            columns: spec.grid[1],
            read: spec.local,
        }
    }

    /// Logits [N,classes,H,W] of `x` [N,channels,H,W].
    pub fn logits(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        let mut dropout: Box<dyn Dropout> = if pass.trains() { Box::new(Random) } else { Box::new(Off) };
        self.answers(x, dropout.as_mut()).logits
    }

    /// What each part says of `x` [N,channels,H,W]; training takes a loss of every part.
    pub fn answers(&self, x: Tensor<4>, dropout: &mut dyn Dropout) -> Answers {
        let doubtful = self.global.forward(x.clone(), dropout);
        let global = activation::softmax(doubtful.clone(), 1);
        let local = self.look(&x, &global, dropout);
        let a = &self.aggregator;
        let y = activation::relu(a.first.forward(Tensor::cat(vec![global, local.clone(), x], 1)));
        let logits = a.last.forward(activation::relu(a.second.forward(y)));
        Answers { logits, global: doubtful, local }
    }

    /// The global net's logits [N,classes + 1,H,W], the last class IDK: what its own loss is taken of.
    pub fn global_logits(&self, x: Tensor<4>, dropout: &mut dyn Dropout) -> Tensor<4> {
        self.global.forward(x, dropout)
    }

    /// The local net's probabilities [N,classes,H,W] on the patches of the most expected IDK pixels,
    /// 0 on the others.
    fn look(&self, x: &Tensor<4>, global: &Tensor<4>, dropout: &mut dyn Dropout) -> Tensor<4> {
        let [n, _, height, width] = x.dims();
        let (patches, known) = (self.rows * self.columns, global.dims()[1] - 1);
        let unknown = self.divide(global.clone().detach().narrow(1, known, 1));
        let [_, _, h, w] = unknown.dims();
        let said = unknown.reshape([n, patches, h * w]).mean_dim(2).reshape([n, patches]);
        let (_, chosen) = said.topk_with_indices(self.read, 1);
        let first = Tensor::<1, Int>::arange(0..n as i64, &x.device()).reshape([n, 1]) * patches as i64;
        let chosen = (chosen + first).reshape([n * self.read]);
        let seen = self.local.forward(self.divide(x.clone()).select(0, chosen.clone()), dropout);
        let seen = activation::softmax(seen, 1);
        let empty = Tensor::zeros([n * patches, known, h, w], &x.device());
        let all = empty.select_assign(0, chosen, seen, IndexingUpdateOp::Add);
        self.join(all, [n, known, height, width])
    }

    /// Patches [N * rows * columns,C,h,w] of a map, padded at the bottom and right where they do not
    /// divide it.
    fn divide(&self, x: Tensor<4>) -> Tensor<4> {
        let [n, channels, height, width] = x.dims();
        let (h, w) = (height.div_ceil(self.rows), width.div_ceil(self.columns));
        let x = x.pad((0, w * self.columns - width, 0, h * self.rows - height), 0.0);
        let x = x.reshape([n, channels, self.rows, h, self.columns, w]).permute([0, 2, 4, 1, 3, 5]);
        x.reshape([n * self.rows * self.columns, channels, h, w])
    }

    /// The map of `shape` from its patches.
    fn join(&self, x: Tensor<4>, [n, channels, height, width]: [usize; 4]) -> Tensor<4> {
        let [_, _, h, w] = x.dims();
        let x = x.reshape([n, self.rows, self.columns, channels, h, w]).permute([0, 3, 1, 4, 2, 5]);
        let x = x.reshape([n, channels, self.rows * h, self.columns * w]);
        x.narrow(2, 0, height).narrow(3, 0, width)
    }

    /// Counts itself at the tally's size.
    pub fn tally(&self, tally: &mut Tally) {
        let size = tally.size;
        let patch = [size[0].div_ceil(self.rows), size[1].div_ceil(self.columns)];
        let Aggregator { first, second, last } = &self.aggregator;
        tally.flops += self.global.flops(size) + self.read as u64 * self.local.flops(patch);
        tally.flops += [first, second, last].map(|conv| conv.flops(size)).iter().sum::<u64>();
    }

    /// Channels that it reads.
    pub fn channels(&self) -> usize {
        self.aggregator.first.w.dims()[1] - 2 * self.aggregator.last.outputs() - 1
    }
}
