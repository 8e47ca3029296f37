//! DeepLabV3+ (Chen et al. 2018) on a ResNet-50 of output stride 8, in OpenMMLab's form.

use super::conv::{Conv2d, ConvNorm, Window};
use super::layers::{EPSILON, max_pool_3};
use super::pass::Pass;
use super::resize::{Between, resize};
use super::start::Start;
use super::tally::Tally;
use burn::module::Module;
use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

/// Blocks of each stage.
const DEPTHS: [usize; 4] = [3, 4, 6, 3];
/// Stride of each stage.
const STRIDES: [usize; 4] = [1, 2, 1, 1];
/// Dilation of each stage; its first block has half of it.
const DILATIONS: [usize; 4] = [1, 1, 2, 4];
/// Output channels of a block in its inner width.
const EXPANSION: usize = 4;
/// Dilations of the pyramid's separable branches.
const PYRAMID: [usize; 3] = [12, 24, 36];
/// Width of the published net.
const PUBLISHED: usize = 64;
/// Dropout before the classifier, in training.
const DROPOUT: f64 = 0.1;

/// What a DeepLabV3+ is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeeplabSpec {
    /// Input channels.
    pub channels: usize,
    /// Classes told apart.
    pub classes: usize,
    /// Inner width of the first stage, from which all other widths follow; 64 is ResNet-50's, less is a
    /// reduced net. A multiple of 4.
    pub width: usize,
}

impl DeeplabSpec {
    /// R50-D8 as published: 41,225,187 parameters for 3 channels and 19 classes.
    pub fn r50_d8(channels: usize, classes: usize) -> Self {
        Self { channels, classes, width: PUBLISHED }
    }

    /// Whether a net can be built.
    pub fn is_valid(&self) -> bool {
        [self.channels, self.classes].iter().all(|n| (1..=4096).contains(n))
            && (4..=512).contains(&self.width)
            && self.width.is_multiple_of(4)
    }

    /// The smallest height or width that it can read: one pixel at its output stride.
    pub fn smallest_side(&self) -> usize {
        8
    }
}

fn relu(conv: &ConvNorm, x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
    activation::relu(conv.forward(x, pass))
}

/// A residual block of three convolutions, and that of its shortcut where the shape changes.
#[derive(Module, Debug)]
struct Bottleneck {
    a: ConvNorm,
    b: ConvNorm,
    c: ConvNorm,
    d: Option<ConvNorm>,
}

impl Bottleneck {
    fn new(inputs: usize, width: usize, stride: usize, dilation: usize, start: &mut Start<'_>) -> Self {
        let outputs = EXPANSION * width;
        let mut norm = |window| ConvNorm::new(window, EPSILON, start);
        Self {
            a: norm(Window::new(inputs, width, 1)),
            b: norm(Window::new(width, width, 3).stride(stride).dilation(dilation)),
            c: norm(Window::new(width, outputs, 1)),
            d: (inputs != outputs || stride != 1)
                .then(|| norm(Window::new(inputs, outputs, 1).stride(stride))),
        }
    }

    fn forward(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        let y = relu(&self.b, relu(&self.a, x.clone(), pass), pass);
        let y = self.c.forward(y, pass);
        let short = match &self.d {
            Some(d) => d.forward(x, pass),
            None => x,
        };
        activation::relu(y + short)
    }

    fn tally(&self, tally: &mut Tally) {
        let size = tally.size;
        if let Some(d) = &self.d {
            d.tally(tally);
        }
        tally.back_to(size);
        [&self.a, &self.b, &self.c].iter().for_each(|conv| conv.tally(tally));
    }
}

/// A depthwise 3x3 and a pointwise convolution, each with batch norm and ReLU.
#[derive(Module, Debug)]
struct Separable {
    depthwise: ConvNorm,
    pointwise: ConvNorm,
}

impl Separable {
    fn new(inputs: usize, outputs: usize, dilation: usize, start: &mut Start<'_>) -> Self {
        let depthwise = Window::depthwise(inputs, 3).dilation(dilation);
        Self {
            depthwise: ConvNorm::new(depthwise, EPSILON, start),
            pointwise: ConvNorm::new(Window::new(inputs, outputs, 1), EPSILON, start),
        }
    }

    fn forward(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        relu(&self.pointwise, relu(&self.depthwise, x, pass), pass)
    }

    fn tally(&self, tally: &mut Tally) {
        self.depthwise.tally(tally);
        self.pointwise.tally(tally);
    }
}

#[derive(Module, Debug)]
struct Head {
    image_pool: ConvNorm,
    direct: ConvNorm,
    pyramid: Vec<Separable>,
    bottleneck: ConvNorm,
    low: ConvNorm,
    separable: Vec<Separable>,
    classifier: Conv2d,
}

impl Head {
    fn new(spec: &DeeplabSpec, start: &mut Start<'_>) -> Self {
        let deep = 8 * EXPANSION * spec.width;
        let (width, low) = (8 * spec.width, 3 * spec.width / 4);
        let mut norm = |from, to, kernel| ConvNorm::new(Window::new(from, to, kernel), EPSILON, start);
        let [image_pool, direct] = [norm(deep, width, 1), norm(deep, width, 1)];
        let bottleneck = norm((2 + PYRAMID.len()) * width, width, 3);
        let low_level = norm(EXPANSION * spec.width, low, 1);
        Self {
            image_pool,
            direct,
            pyramid: PYRAMID.iter().map(|d| Separable::new(deep, width, *d, start)).collect(),
            bottleneck,
            low: low_level,
            separable: [width + low, width].map(|from| Separable::new(from, width, 1, start)).into(),
            classifier: Conv2d::new(Window::new(width, spec.classes, 1), true, start),
        }
    }

    fn forward(&self, low: Tensor<4>, deep: &Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        let [n, _, height, width] = deep.dims();
        let pooled = relu(&self.image_pool, deep.clone().mean_dim(3).mean_dim(2), pass);
        let mut joined = vec![pooled.expand([n, self.image_pool.outputs(), height, width])];
        joined.push(relu(&self.direct, deep.clone(), pass));
        for branch in &self.pyramid {
            joined.push(branch.forward(deep.clone(), pass));
        }
        let context = relu(&self.bottleneck, Tensor::cat(joined, 1), pass);
        let low = relu(&self.low, low, pass);
        let [_, _, height, width] = low.dims();
        let context = resize(context, [height, width], Between::Linear);
        let mut x = Tensor::cat(vec![context, low], 1);
        for layer in &self.separable {
            x = layer.forward(x, pass);
        }
        self.classifier.forward(pass.dropout(x, DROPOUT))
    }

    fn tally(&self, low: [usize; 2], tally: &mut Tally) {
        let deep = tally.size;
        self.direct.tally(tally);
        self.pyramid.iter().for_each(|branch| branch.tally(tally));
        self.bottleneck.tally(tally);
        tally.add(self.image_pool.inputs() * tally.pixels());
        tally.back_to([1, 1]);
        self.image_pool.tally(tally);
        tally.resize(self.image_pool.outputs(), deep);
        tally.resize(self.bottleneck.outputs(), low);
        self.low.tally(tally);
        self.separable.iter().for_each(|layer| layer.tally(tally));
        self.classifier.tally(tally);
    }
}

/// A DeepLabV3+: logits at a quarter of its input's size.
#[derive(Module, Debug)]
pub struct Deeplab {
    stem: Vec<ConvNorm>,
    stages: Vec<Vec<Bottleneck>>,
    head: Head,
}

impl Deeplab {
    /// A net with fresh weights.
    pub fn new(spec: &DeeplabSpec, start: &mut Start<'_>) -> Self {
        let half = spec.width / 2;
        let windows = [
            Window::new(spec.channels, half, 3).stride(2),
            Window::new(half, half, 3),
            Window::new(half, spec.width, 3),
        ];
        let mut inputs = spec.width;
        let mut stage = |stage: usize, start: &mut Start<'_>| {
            let width = spec.width << stage;
            let block = |i: usize| {
                let first = i == 0;
                let stride = if first { STRIDES[stage] } else { 1 };
                let dilation = if first { DILATIONS[stage].div_ceil(2) } else { DILATIONS[stage] };
                let from = std::mem::replace(&mut inputs, EXPANSION * width);
                Bottleneck::new(from, width, stride, dilation, start)
            };
            (0..DEPTHS[stage]).map(block).collect()
        };
        Self {
            stem: windows.map(|window| ConvNorm::new(window, EPSILON, start)).into(),
            stages: (0..4).map(|i| stage(i, start)).collect(),
            head: Head::new(spec, start),
        }
    }

    /// Logits [N,classes,H/4,W/4] of `x` [N,channels,H,W].
    pub fn logits(&self, mut x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        for conv in &self.stem {
            x = relu(conv, x, pass);
        }
        let mut run = |stages: &[Vec<Bottleneck>], x: Tensor<4>| {
            stages.iter().flatten().fold(x, |x, block| block.forward(x, pass))
        };
        let low = run(&self.stages[..1], max_pool_3(x));
        let deep = run(&self.stages[1..], low.clone());
        self.head.forward(low, &deep, pass)
    }

    /// Counts itself at the tally's size.
    pub fn tally(&self, tally: &mut Tally) {
        self.stem.iter().for_each(|conv| conv.tally(tally));
        tally.back_to(tally.size.map(|n| n.div_ceil(2)));
        let low = tally.size;
        self.stages.iter().flatten().for_each(|block| block.tally(tally));
        self.head.tally(low, tally);
    }

    /// Channels that it reads.
    pub fn channels(&self) -> usize {
        self.stem[0].inputs()
    }
}
