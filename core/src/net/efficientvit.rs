//! EfficientViT-Seg (Cai et al. 2023) with its Cityscapes head: convolutions, and in the last stages
//! multi-scale linear attention.

use super::conv::{Conv2d, ConvNorm, Window};
use super::pass::Pass;
use super::resize::{Between, resize};
use super::start::Start;
use super::tally::Tally;
use burn::module::Module;
use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

/// Added to the attention's divisor.
const ATTENTION_EPSILON: f64 = 1e-15;
/// Kernel of the attention's second scale.
const SCALE: usize = 5;

/// Which of the published nets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// The smallest.
    B0,
    /// The paper's.
    L2,
}

/// What an EfficientViT-Seg is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EfficientvitSpec {
    /// Input channels.
    pub channels: usize,
    /// Classes told apart.
    pub classes: usize,
    /// Which net.
    pub variant: Variant,
}

/// A block without attention, a chain of convolutions.
#[derive(Clone, Copy)]
enum Kind {
    /// Dense 3x3, dense 3x3.
    Residual,
    /// Depthwise 3x3, pointwise.
    Separable,
    /// Dense 3x3 to an inner width, pointwise.
    Fused(usize),
    /// Pointwise to an inner width, depthwise 3x3, pointwise.
    Inverted(usize),
    /// The same with biases in place of the first two batch norms.
    Biased(usize),
}

/// Layout of one stage after its stem or first, shrinking block.
struct Stage {
    width: usize,
    first: Kind,
    rest: Kind,
    blocks: usize,
    attention: bool,
}

/// Layout of a variant.
struct Plan {
    stem: usize,
    stem_kind: Kind,
    stem_blocks: usize,
    stages: [Stage; 4],
    head: usize,
    head_kind: Kind,
    head_blocks: usize,
    /// Channels of the layer before the classifier, where there is one.
    widened: Option<usize>,
    /// Channels of an attention head.
    depth: usize,
    epsilon: f64,
}

impl Variant {
    fn plan(self) -> Plan {
        use Kind::{Biased, Fused, Inverted, Residual, Separable};
        let stage = |width, first, rest, blocks, attention| Stage { width, first, rest, blocks, attention };
        match self {
            Self::B0 => Plan {
                stem: 8,
                stem_kind: Separable,
                stem_blocks: 1,
                stages: [
                    stage(16, Inverted(4), Inverted(4), 1, false),
                    stage(32, Inverted(4), Inverted(4), 1, false),
                    stage(64, Biased(4), Biased(4), 2, true),
                    stage(128, Biased(4), Biased(4), 2, true),
                ],
                head: 32,
                head_kind: Inverted(4),
                head_blocks: 1,
                widened: Some(128),
                depth: 16,
                epsilon: 1e-5,
            },
            Self::L2 => Plan {
                stem: 32,
                stem_kind: Residual,
                stem_blocks: 1,
                stages: [
                    stage(64, Fused(16), Fused(4), 2, false),
                    stage(128, Fused(16), Fused(4), 2, false),
                    stage(256, Biased(16), Biased(4), 8, false),
                    stage(512, Biased(24), Biased(6), 8, true),
                ],
                head: 256,
                head_kind: Fused(1),
                head_blocks: 5,
                widened: None,
                depth: 32,
                epsilon: 1e-7,
            },
        }
    }

    fn activate(self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::B0 => activation::hard_swish(x),
            Self::L2 => activation::gelu_approximate(x),
        }
    }
}

impl EfficientvitSpec {
    /// B0: 706,691 parameters for 3 channels and 19 classes.
    pub fn b0(channels: usize, classes: usize) -> Self {
        Self { channels, classes, variant: Variant::B0 }
    }

    /// L2: 52,607,923 parameters.
    pub fn l2(channels: usize, classes: usize) -> Self {
        Self { channels, classes, variant: Variant::L2 }
    }

    /// Whether a net can be built.
    pub fn is_valid(&self) -> bool {
        [self.channels, self.classes].iter().all(|n| (1..=4096).contains(n))
    }

    /// The smallest height or width that it can read: one pixel of its coarsest map.
    pub fn smallest_side(&self) -> usize {
        32
    }
}

/// Convolutions with an activation after all but the last.
#[derive(Module, Debug)]
struct Chain {
    convs: Vec<ConvNorm>,
    residual: bool,
}

impl Chain {
    fn new(kind: Kind, [from, to]: [usize; 2], stride: usize, epsilon: f64, start: &mut Start<'_>) -> Self {
        let dense = |from, to, kernel| Window::new(from, to, kernel);
        let windows = match kind {
            Kind::Residual => vec![dense(from, to, 3).stride(stride), dense(to, to, 3)],
            Kind::Separable => vec![Window::depthwise(from, 3).stride(stride), dense(from, to, 1)],
            Kind::Fused(e) => vec![dense(from, e * from, 3).stride(stride), dense(e * from, to, 1)],
            Kind::Inverted(e) | Kind::Biased(e) => vec![
                dense(from, e * from, 1),
                Window::depthwise(e * from, 3).stride(stride),
                dense(e * from, to, 1),
            ],
        };
        let last = windows.len() - 1;
        let biased = matches!(kind, Kind::Biased(_));
        let conv = |(i, window)| {
            if biased && i < last {
                ConvNorm::plain(window, start)
            } else {
                ConvNorm::new(window, epsilon, start)
            }
        };
        Self { convs: windows.into_iter().enumerate().map(conv).collect(), residual: stride == 1 }
    }

    fn forward(&self, x: Tensor<4>, variant: Variant, pass: &mut Pass) -> Tensor<4> {
        let mut y = x.clone();
        for (i, conv) in self.convs.iter().enumerate() {
            y = conv.forward(y, pass);
            if i + 1 < self.convs.len() {
                y = variant.activate(y);
            }
        }
        if self.residual { x + y } else { y }
    }

    fn tally(&self, tally: &mut Tally) {
        self.convs.iter().for_each(|conv| conv.tally(tally));
    }
}

/// Linear attention at two scales.
#[derive(Module, Debug)]
struct Attention {
    qkv: Conv2d,
    depthwise: Conv2d,
    pointwise: Conv2d,
    proj: ConvNorm,
    depth: usize,
}

impl Attention {
    fn new(width: usize, depth: usize, epsilon: f64, start: &mut Start<'_>) -> Self {
        let three = 3 * width;
        let grouped = Window::new(three, three, 1).groups(three / depth);
        Self {
            qkv: Conv2d::new(Window::new(width, three, 1), false, start),
            depthwise: Conv2d::new(Window::depthwise(three, SCALE), false, start),
            pointwise: Conv2d::new(grouped, false, start),
            proj: ConvNorm::new(Window::new(2 * width, width, 1), epsilon, start),
            depth,
        }
    }

    fn forward(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        let [n, _, height, width] = x.dims();
        let fine = self.qkv.forward(x);
        let coarse = self.pointwise.forward(self.depthwise.forward(fine.clone()));
        let both = Tensor::cat(vec![fine, coarse], 1);
        let (length, depth) = (height * width, self.depth);
        let heads = both.dims()[1] / (3 * depth);
        let both = both.reshape([n, heads, 3 * depth, length]);
        let part = |i: usize| both.clone().narrow(2, i * depth, depth);
        let (query, key, value) = (activation::relu(part(0)), activation::relu(part(1)), part(2));
        let seen = if self.is_linear(length) {
            linear_attention(query, key, value)
        } else {
            quadratic_attention(query, key, value)
        };
        self.proj.forward(seen.reshape([n, heads * depth, height, width]), pass)
    }

    /// Whether the linear form is the cheaper one.
    fn is_linear(&self, length: usize) -> bool {
        length > self.depth
    }

    fn tally(&self, tally: &mut Tally) {
        self.qkv.tally(tally);
        self.depthwise.tally(tally);
        self.pointwise.tally(tally);
        let (length, depth) = (tally.pixels(), self.depth);
        let heads = 2 * self.qkv.outputs() / (3 * depth);
        tally.add(if self.is_linear(length) {
            2 * heads * (depth + 1) * depth * length
        } else {
            2 * heads * depth * length * length
        });
        self.proj.tally(tally);
    }
}

/// All [N,heads,depth,length]: values weighted by relu(q) . relu(k), through the product of values and keys.
fn linear_attention(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>) -> Tensor<4> {
    let [n, heads, depth, length] = value.dims();
    let ones = Tensor::ones([n, heads, 1, length], &value.device());
    let memory = Tensor::cat(vec![value, ones], 2).matmul(key.swap_dims(2, 3));
    let seen = memory.matmul(query);
    seen.clone().narrow(2, 0, depth) / (seen.narrow(2, depth, 1) + ATTENTION_EPSILON)
}

/// The same through the weights of all pairs of pixels.
fn quadratic_attention(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>) -> Tensor<4> {
    let weights = key.swap_dims(2, 3).matmul(query);
    let total = weights.clone().sum_dim(2) + ATTENTION_EPSILON;
    value.matmul(weights / total)
}

/// Attention, where the stage has it, and a chain.
#[derive(Module, Debug)]
struct Block {
    attention: Option<Attention>,
    chain: Chain,
}

impl Block {
    fn forward(&self, x: Tensor<4>, variant: Variant, pass: &mut Pass) -> Tensor<4> {
        let x = match &self.attention {
            Some(attention) => x.clone() + attention.forward(x, pass),
            None => x,
        };
        self.chain.forward(x, variant, pass)
    }

    fn tally(&self, tally: &mut Tally) {
        if let Some(attention) = &self.attention {
            attention.tally(tally);
        }
        self.chain.tally(tally);
    }
}

/// Sums the last three stages at an eighth of the input's size; `inputs` begin with the coarsest.
#[derive(Module, Debug)]
struct Head {
    inputs: Vec<ConvNorm>,
    middle: Vec<Chain>,
    widened: Option<ConvNorm>,
    classifier: Conv2d,
}

impl Head {
    fn new(plan: &Plan, classes: usize, start: &mut Start<'_>) -> Self {
        let width = plan.head;
        let input = |stage: &Stage, start: &mut Start<'_>| {
            ConvNorm::new(Window::new(stage.width, width, 1), plan.epsilon, start)
        };
        let last = plan.widened.unwrap_or(width);
        Self {
            inputs: plan.stages[1..].iter().rev().map(|stage| input(stage, start)).collect(),
            middle: (0..plan.head_blocks)
                .map(|_| Chain::new(plan.head_kind, [width, width], 1, plan.epsilon, start))
                .collect(),
            widened: plan.widened.map(|to| ConvNorm::new(Window::new(width, to, 1), plan.epsilon, start)),
            classifier: Conv2d::new(Window::new(last, classes, 1), true, start),
        }
    }

    /// Logits from the maps of the last three stages, finest first.
    fn forward(
        &self,
        [fine, middle, coarse]: [Tensor<4>; 3],
        variant: Variant,
        pass: &mut Pass,
    ) -> Tensor<4> {
        let fine = self.inputs[2].forward(fine, pass);
        let size = [fine.dims()[2], fine.dims()[3]];
        let middle = resize(self.inputs[1].forward(middle, pass), size, Between::Cubic);
        let coarse = resize(self.inputs[0].forward(coarse, pass), size, Between::Cubic);
        let mut x = fine + middle + coarse;
        for chain in &self.middle {
            x = chain.forward(x, variant, pass);
        }
        if let Some(widened) = &self.widened {
            x = variant.activate(widened.forward(x, pass));
        }
        self.classifier.forward(x)
    }

    /// Counts itself at the sizes of the last three stages, finest first.
    fn tally(&self, sizes: [[usize; 2]; 3], tally: &mut Tally) {
        for (conv, size) in self.inputs.iter().rev().zip(sizes) {
            tally.back_to(size);
            conv.tally(tally);
        }
        tally.back_to(sizes[0]);
        self.middle.iter().for_each(|chain| chain.tally(tally));
        if let Some(widened) = &self.widened {
            widened.tally(tally);
        }
        self.classifier.tally(tally);
    }
}

/// An EfficientViT-Seg: logits at an eighth of its input's size.
#[derive(Module, Debug)]
pub struct Efficientvit {
    stem: ConvNorm,
    stages: Vec<Vec<Block>>,
    head: Head,
    is_b0: bool,
}

impl Efficientvit {
    /// A net with fresh weights.
    pub fn new(spec: &EfficientvitSpec, start: &mut Start<'_>) -> Self {
        let plan = spec.variant.plan();
        let stem = Window::new(spec.channels, plan.stem, 3).stride(2);
        let stem = ConvNorm::new(stem, plan.epsilon, start);
        let first = |_| Block {
            attention: None,
            chain: Chain::new(plan.stem_kind, [plan.stem; 2], 1, plan.epsilon, start),
        };
        let mut stages: Vec<Vec<Block>> = vec![(0..plan.stem_blocks).map(first).collect()];
        let mut from = plan.stem;
        for stage in &plan.stages {
            stages.push(blocks(stage, from, &plan, start));
            from = stage.width;
        }
        let head = Head::new(&plan, spec.classes, start);
        Self { stem, stages, head, is_b0: spec.variant == Variant::B0 }
    }

    /// Logits [N,classes,H/8,W/8] of `x` [N,channels,H,W].
    pub fn logits(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        let variant = if self.is_b0 { Variant::B0 } else { Variant::L2 };
        let x = variant.activate(self.stem.forward(x, pass));
        let mut run = |stages: &[Vec<Block>], x: Tensor<4>| {
            stages.iter().flatten().fold(x, |x, block| block.forward(x, variant, pass))
        };
        let fine = run(&self.stages[..3], x);
        let middle = run(&self.stages[3..4], fine.clone());
        let coarse = run(&self.stages[4..], middle.clone());
        self.head.forward([fine, middle, coarse], variant, pass)
    }

    /// Counts itself at the tally's size.
    pub fn tally(&self, tally: &mut Tally) {
        self.stem.tally(tally);
        let mut run = |stages: &[Vec<Block>]| {
            stages.iter().flatten().for_each(|block| block.tally(tally));
            tally.size
        };
        let sizes = [run(&self.stages[..3]), run(&self.stages[3..4]), run(&self.stages[4..])];
        self.head.tally(sizes, tally);
    }

    /// Channels that it reads.
    pub fn channels(&self) -> usize {
        self.stem.inputs()
    }
}

/// The shrinking block of a stage and those that follow it.
fn blocks(stage: &Stage, from: usize, plan: &Plan, start: &mut Start<'_>) -> Vec<Block> {
    let width = stage.width;
    let shrinking = Chain::new(stage.first, [from, width], 2, plan.epsilon, start);
    let mut blocks = vec![Block { attention: None, chain: shrinking }];
    for _ in 0..stage.blocks {
        let attention = stage.attention.then(|| Attention::new(width, plan.depth, plan.epsilon, start));
        blocks
            .push(Block { attention, chain: Chain::new(stage.rest, [width, width], 1, plan.epsilon, start) });
    }
    blocks
}
