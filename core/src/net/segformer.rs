//! SegFormer (Xie et al. 2021): a hierarchical transformer and a decoder of 1x1 convolutions.

use super::conv::{Conv2d, Linear, Window};
use super::norm::{BatchNorm, LayerNorm};
use super::pass::Pass;
use super::resize::{Between, resize};
use super::start::Start;
use super::tally::Tally;
use burn::module::Module;
use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

/// Kernel and stride of the patch embedding of each stage.
const EMBEDDINGS: [[usize; 2]; 4] = [[7, 4], [3, 2], [3, 2], [3, 2]];
/// Factor by which each stage's attention shrinks keys and values.
const REDUCTIONS: [usize; 4] = [8, 4, 2, 1];
/// Attention heads of each stage.
const HEADS: [usize; 4] = [1, 2, 5, 8];
/// Width of the feed-forward layers in widths of the stage.
const EXPANSION: usize = 4;
/// Dropout before the classifier, in training.
const DROPOUT: f64 = 0.1;

/// Form of the decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decoder {
    /// The public checkpoints' (Hugging Face): linear layers with bias, stages joined coarsest first.
    Public,
    /// OpenMMLab's: 1x1 convolutions with batch norm and ReLU, stages joined finest first. At a
    /// width of 256 it is the net that the paper's authors are likely to have run.
    OpenMmlab,
}

/// What a SegFormer is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegformerSpec {
    /// Input channels.
    pub channels: usize,
    /// Classes told apart.
    pub classes: usize,
    /// Channels of the four stages; each a multiple of its heads (1, 2, 5, 8).
    pub widths: [usize; 4],
    /// Blocks of the four stages.
    pub depths: [usize; 4],
    /// Channels of the decoder.
    pub decoder_width: usize,
    /// Form of the decoder.
    pub decoder: Decoder,
}

impl SegformerSpec {
    /// B0 as published: 3,719,027 parameters for 3 channels and 19 classes.
    pub fn b0(channels: usize, classes: usize) -> Self {
        Self {
            channels,
            classes,
            widths: [32, 64, 160, 256],
            depths: [2, 2, 2, 2],
            decoder_width: 256,
            decoder: Decoder::Public,
        }
    }

    /// B5 as published, with a decoder of 768 channels: 84,607,955 parameters.
    pub fn b5(channels: usize, classes: usize) -> Self {
        Self {
            widths: [64, 128, 320, 512],
            depths: [3, 6, 40, 3],
            decoder_width: 768,
            ..Self::b0(channels, classes)
        }
    }

    /// B5 with the decoder of 256 channels that the paper's cost speaks for: 81,973,715 parameters. (So
    /// it does in OpenMMLab's form, which costs 2,437,120 more at 224 x 256.)
    pub fn b5_256(channels: usize, classes: usize) -> Self {
        Self { decoder_width: 256, ..Self::b5(channels, classes) }
    }

    /// Whether a net can be built.
    pub fn is_valid(&self) -> bool {
        let sizes = self.widths.iter().chain(&self.depths);
        sizes.chain([&self.channels, &self.classes, &self.decoder_width]).all(|n| (1..=4096).contains(n))
            && self.widths.iter().zip(HEADS).all(|(width, heads)| width % heads == 0)
    }

    /// The smallest height or width that it can read: one window of the first stage's keys.
    pub fn smallest_side(&self) -> usize {
        EMBEDDINGS[0][1] * REDUCTIONS[0]
    }
}

/// Tokens [N,H*W,C] of a map [N,C,H,W].
fn tokens(x: Tensor<4>) -> Tensor<3> {
    x.flatten::<3>(2, 3).swap_dims(1, 2)
}

/// The map [N,C,H,W] of tokens [N,H*W,C].
fn map(x: Tensor<3>, [height, width]: [usize; 2]) -> Tensor<4> {
    let [n, _, channels] = x.dims();
    x.swap_dims(1, 2).reshape([n, channels, height, width])
}

#[derive(Module, Debug)]
struct PatchEmbedding {
    proj: Conv2d,
    layer_norm: LayerNorm,
}

#[derive(Module, Debug)]
struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    sr: Option<Conv2d>,
    layer_norm: Option<LayerNorm>,
    output: Linear,
    heads: usize,
}

impl Attention {
    fn new(width: usize, stage: usize, start: &mut Start<'_>) -> Self {
        let reduction = REDUCTIONS[stage];
        let window = Window::new(width, width, reduction).stride(reduction);
        let mut linear = || Linear::new(width, width, start);
        let [query, key, value, output] = [linear(), linear(), linear(), linear()];
        let sr = (reduction > 1).then(|| Conv2d::new(window, true, start));
        let layer_norm = sr.as_ref().map(|_| LayerNorm::new(width, start.device));
        Self { query, key, value, sr, layer_norm, output, heads: HEADS[stage] }
    }

    /// [N,H*W,C] -> [N,H*W,C].
    fn forward(&self, x: Tensor<3>, size: [usize; 2]) -> Tensor<3> {
        let [n, length, width] = x.dims();
        let depth = width / self.heads;
        let source = match (&self.sr, &self.layer_norm) {
            (Some(sr), Some(norm)) => norm.forward(tokens(sr.forward(map(x.clone(), size)))),
            _ => x.clone(),
        };
        let split = |t: Tensor<3>| {
            let [n, length, _] = t.dims();
            t.reshape([n, length, self.heads, depth]).swap_dims(1, 2)
        };
        let query = split(self.query.forward(x)) * (depth as f64).powf(-0.5);
        let key = split(self.key.forward(source.clone()));
        let weights = activation::softmax(query.matmul(key.swap_dims(2, 3)), 3);
        let seen = weights.matmul(split(self.value.forward(source)));
        self.output.forward(seen.swap_dims(1, 2).reshape([n, length, width]))
    }

    fn tally(&self, tally: &mut Tally) {
        let (size, length) = (tally.size, tally.pixels());
        self.query.tally(tally);
        if let Some(sr) = &self.sr {
            sr.tally(tally);
        }
        if let Some(norm) = &self.layer_norm {
            norm.tally(tally);
        }
        self.key.tally(tally);
        self.value.tally(tally);
        tally.add(2 * length * tally.pixels() * self.query.w.lazy_shape()[0]);
        tally.back_to(size);
        self.output.tally(tally);
    }
}

#[derive(Module, Debug)]
struct Mlp {
    dense1: Linear,
    dwconv: Conv2d,
    dense2: Linear,
}

impl Mlp {
    fn forward(&self, x: Tensor<3>, size: [usize; 2]) -> Tensor<3> {
        let x = self.dwconv.forward(map(self.dense1.forward(x), size));
        self.dense2.forward(activation::gelu(tokens(x)))
    }
}

#[derive(Module, Debug)]
struct Block {
    layer_norm_1: LayerNorm,
    attention: Attention,
    layer_norm_2: LayerNorm,
    mlp: Mlp,
}

impl Block {
    fn new(width: usize, stage: usize, start: &mut Start<'_>) -> Self {
        let inner = EXPANSION * width;
        Self {
            layer_norm_1: LayerNorm::new(width, start.device),
            attention: Attention::new(width, stage, start),
            layer_norm_2: LayerNorm::new(width, start.device),
            mlp: Mlp {
                dense1: Linear::new(width, inner, start),
                dwconv: Conv2d::new(Window::depthwise(inner, 3), true, start),
                dense2: Linear::new(inner, width, start),
            },
        }
    }

    fn forward(&self, x: Tensor<3>, size: [usize; 2]) -> Tensor<3> {
        let x = x.clone() + self.attention.forward(self.layer_norm_1.forward(x), size);
        x.clone() + self.mlp.forward(self.layer_norm_2.forward(x), size)
    }

    fn tally(&self, tally: &mut Tally) {
        self.layer_norm_1.tally(tally);
        self.attention.tally(tally);
        self.layer_norm_2.tally(tally);
        self.mlp.dense1.tally(tally);
        self.mlp.dwconv.tally(tally);
        self.mlp.dense2.tally(tally);
    }
}

#[derive(Module, Debug)]
struct Encoder {
    patch_embeddings: Vec<PatchEmbedding>,
    block: Vec<Vec<Block>>,
    layer_norm: Vec<LayerNorm>,
}

impl Encoder {
    fn new(spec: &SegformerSpec, start: &mut Start<'_>) -> Self {
        let inputs = [spec.channels, spec.widths[0], spec.widths[1], spec.widths[2]];
        let embedding = |stage: usize, start: &mut Start<'_>| {
            let [kernel, stride] = EMBEDDINGS[stage];
            let window = Window::new(inputs[stage], spec.widths[stage], kernel).stride(stride);
            let layer_norm = LayerNorm::new(spec.widths[stage], start.device);
            PatchEmbedding { proj: Conv2d::new(window, true, start), layer_norm }
        };
        let blocks = |stage: usize, start: &mut Start<'_>| {
            (0..spec.depths[stage]).map(|_| Block::new(spec.widths[stage], stage, start)).collect()
        };
        Self {
            patch_embeddings: (0..4).map(|stage| embedding(stage, start)).collect(),
            block: (0..4).map(|stage| blocks(stage, start)).collect(),
            layer_norm: spec.widths.iter().map(|width| LayerNorm::new(*width, start.device)).collect(),
        }
    }

    fn stages(&self) -> impl Iterator<Item = (&PatchEmbedding, &Vec<Block>, &LayerNorm)> {
        let embedded = self.patch_embeddings.iter().zip(&self.block);
        embedded.zip(&self.layer_norm).map(|((embedding, blocks), norm)| (embedding, blocks, norm))
    }

    /// Maps of the four stages, finest first.
    fn forward(&self, mut x: Tensor<4>) -> Vec<Tensor<4>> {
        let mut maps = Vec::new();
        for (embedding, blocks, norm) in self.stages() {
            let embedded = embedding.proj.forward(x);
            let [_, _, height, width] = embedded.dims();
            let first = embedding.layer_norm.forward(tokens(embedded));
            let last = blocks.iter().fold(first, |t, block| block.forward(t, [height, width]));
            x = map(norm.forward(last), [height, width]);
            maps.push(x.clone());
        }
        maps
    }

    /// Counts itself; sizes of the four stages.
    fn tally(&self, tally: &mut Tally) -> Vec<[usize; 2]> {
        let mut sizes = Vec::new();
        for (embedding, blocks, norm) in self.stages() {
            embedding.proj.tally(tally);
            embedding.layer_norm.tally(tally);
            blocks.iter().for_each(|block| block.tally(tally));
            norm.tally(tally);
            sizes.push(tally.size);
        }
        sizes
    }
}

/// Brings a stage to the decoder's width.
#[derive(Module, Debug)]
struct Projection {
    proj: Conv2d,
    norm: Option<BatchNorm>,
}

#[derive(Module, Debug)]
struct Head {
    linear_c: Vec<Projection>,
    linear_fuse: Conv2d,
    batch_norm: BatchNorm,
    classifier: Conv2d,
}

impl Head {
    fn new(spec: &SegformerSpec, start: &mut Start<'_>) -> Self {
        let width = spec.decoder_width;
        let public = spec.decoder == Decoder::Public;
        let projection = |from: &usize| Projection {
            proj: Conv2d::new(Window::new(*from, width, 1), public, start),
            norm: (!public).then(|| BatchNorm::new(width, start.device)),
        };
        Self {
            linear_c: spec.widths.iter().map(projection).collect(),
            linear_fuse: Conv2d::new(Window::new(4 * width, width, 1), false, start),
            batch_norm: BatchNorm::new(width, start.device),
            classifier: Conv2d::new(Window::new(width, spec.classes, 1), true, start),
        }
    }

    fn forward(&self, maps: Vec<Tensor<4>>, pass: &mut Pass) -> Tensor<4> {
        let [_, _, height, width] = maps[0].dims();
        let mut joined: Vec<Tensor<4>> = Vec::new();
        for (map, projection) in maps.into_iter().zip(&self.linear_c) {
            let x = projection.proj.forward(map);
            let x = match &projection.norm {
                Some(norm) => activation::relu(norm.through(x, pass)),
                None => x,
            };
            joined.push(resize(x, [height, width], Between::Linear));
        }
        if self.linear_c.iter().all(|p| p.norm.is_none()) {
            joined.reverse();
        }
        let x = self.batch_norm.through(self.linear_fuse.forward(Tensor::cat(joined, 1)), pass);
        self.classifier.forward(pass.dropout(activation::relu(x), DROPOUT))
    }

    fn tally(&self, sizes: &[[usize; 2]], tally: &mut Tally) {
        for (projection, size) in self.linear_c.iter().zip(sizes) {
            tally.back_to(*size);
            projection.proj.tally(tally);
            if let Some(norm) = &projection.norm {
                norm.tally(tally);
            }
            tally.resize(projection.proj.outputs(), sizes[0]);
        }
        self.linear_fuse.tally(tally);
        self.batch_norm.tally(tally);
        self.classifier.tally(tally);
    }
}

/// A SegFormer: logits at a quarter of its input's size.
#[derive(Module, Debug)]
pub struct Segformer {
    encoder: Encoder,
    decode_head: Head,
}

impl Segformer {
    /// A net with fresh weights.
    pub fn new(spec: &SegformerSpec, start: &mut Start<'_>) -> Self {
        Self { encoder: Encoder::new(spec, start), decode_head: Head::new(spec, start) }
    }

    /// Logits [N,classes,H/4,W/4] of `x` [N,channels,H,W].
    pub fn logits(&self, x: Tensor<4>, pass: &mut Pass) -> Tensor<4> {
        self.decode_head.forward(self.encoder.forward(x), pass)
    }

    /// Counts itself at the tally's size.
    pub fn tally(&self, tally: &mut Tally) {
        let sizes = self.encoder.tally(tally);
        self.decode_head.tally(&sizes, tally);
    }

    /// Channels that it reads.
    pub fn channels(&self) -> usize {
        self.encoder.patch_embeddings[0].proj.inputs()
    }
}
