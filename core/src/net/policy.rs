//! f_RL, the policy: reads f0's labels and entropy, says for every patch which net it should go to.

use super::conv::Linear;
use super::layers::{Conv, max_pool_3, param};
use super::norm::BatchNorm;
use crate::cost::Flops;
use crate::hash::{self, Stream};
use burn::module::Module;
use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor, activation};

const STEM: usize = 64;
const WIDTH: usize = 16;

/// Residual block with a projected shortcut.
#[derive(Module, Debug)]
struct Residual {
    conv1: Conv,
    bn1: BatchNorm,
    conv2: Conv,
    bn2: BatchNorm,
    proj: Conv,
    projbn: BatchNorm,
}

/// The policy net: logits [N, patches, nets] from class index and entropy [N,2,H,W].
#[derive(Module, Debug)]
pub struct Policy {
    conv1: Conv,
    bn1: BatchNorm,
    res: Residual,
    fc: Linear,
    patches: usize,
    /// Rows and columns of patches that the head pools over; 0 for the paper's head.
    rows: usize,
    columns: usize,
}

impl Policy {
    /// A policy over `patches` patches and `nets` nets: convolutions Kaiming-normal by fan out,
    /// the linear layer PyTorch's default.
    pub fn new(patches: usize, nets: usize, device: &Device, seeds: &mut Stream) -> Self {
        let bound = 1.0 / (WIDTH as f64).sqrt();
        let outputs = patches * nets;
        let res = Residual {
            conv1: Conv::kaiming([STEM, WIDTH], 3, device, seeds),
            bn1: BatchNorm::new(WIDTH, device),
            conv2: Conv::kaiming([WIDTH, WIDTH], 3, device, seeds),
            bn2: BatchNorm::new(WIDTH, device),
            proj: Conv::kaiming([STEM, WIDTH], 1, device, seeds),
            projbn: BatchNorm::new(WIDTH, device),
        };
        Self {
            conv1: Conv::kaiming([2, STEM], 3, device, seeds),
            bn1: BatchNorm::new(STEM, device),
            res,
            fc: Linear {
                w: param(
                    hash::uniform(seeds.seed(), outputs * WIDTH, -bound, bound),
                    [outputs, WIDTH],
                    device,
                ),
                b: param(hash::uniform(seeds.seed(), outputs, -bound, bound), [outputs], device),
            },
            patches,
            rows: 0,
            columns: 0,
        }
    }

    /// A policy with the same layers whose head sees where things are: for each patch of `grid` it reads the
    /// mean over the patch beside the mean over the tile, with the same weights for every patch. The
    /// paper's head reads the mean over the tile alone, and so can tell tiles apart but hardly patches.
    pub fn seeing_patches(grid: [usize; 2], nets: usize, device: &Device, seeds: &mut Stream) -> Self {
        let [rows, columns] = grid;
        let bound = 1.0 / ((2 * WIDTH) as f64).sqrt();
        let fc = Linear {
            w: param(hash::uniform(seeds.seed(), nets * 2 * WIDTH, -bound, bound), [nets, 2 * WIDTH], device),
            b: param(hash::uniform(seeds.seed(), nets, -bound, bound), [nets], device),
        };
        Self { fc, rows, columns, ..Self::new(rows * columns, nets, device, seeds) }
    }

    /// Logits [N, patches, nets] with the running batch-norm figures.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<3> {
        let x = activation::relu(self.bn1.forward(self.conv1.forward(x)));
        let x = max_pool_3(x);
        let res = &self.res;
        let y = activation::relu(res.bn1.forward(res.conv1.forward(x.clone())));
        let y = res.bn2.forward(res.conv2.forward(y));
        self.decide(activation::relu(y + res.projbn.forward(res.proj.forward(x))))
    }

    /// The same with the batch's own figures, which move the running ones.
    pub fn forward_train(&mut self, x: Tensor<4>) -> Tensor<3> {
        let x = self.bn1.forward_train(self.conv1.forward(x), true);
        let x = max_pool_3(x);
        let res = &mut self.res;
        let y = res.bn1.forward_train(res.conv1.forward(x.clone()), true);
        let y = res.bn2.forward_train(res.conv2.forward(y), false);
        let short = res.projbn.forward_train(res.proj.forward(x), false);
        self.decide(activation::relu(y + short))
    }

    fn decide(&self, x: Tensor<4>) -> Tensor<3> {
        let [n, channels, height, width] = x.dims();
        if self.rows > 0 {
            return self.decide_by_patch(x);
        }
        let mean = x.reshape([n, channels, height * width]).mean_dim(2).reshape([n, channels]);
        let logits = mean.matmul(self.fc.w.val().transpose()) + self.fc.b.val().unsqueeze();
        let nets = self.fc.b.dims()[0] / self.patches;
        logits.reshape([n, self.patches, nets])
    }

    fn decide_by_patch(&self, x: Tensor<4>) -> Tensor<3> {
        let [n, channels, ..] = x.dims();
        let by_patch = |t: Tensor<4>| t.reshape([n, channels, self.patches]).swap_dims(1, 2);
        let tile = adaptive_avg_pool2d(x.clone(), [1, 1]).expand([n, channels, self.rows, self.columns]);
        let patch = adaptive_avg_pool2d(x, [self.rows, self.columns]);
        let seen = Tensor::cat(vec![by_patch(patch), by_patch(tile)], 2);
        seen.matmul(self.fc.w.val().transpose().unsqueeze()) + self.fc.b.val().unsqueeze()
    }

    /// Cost of one evaluation at `height` x `width`.
    pub fn flops(&self, [height, width]: [usize; 2]) -> Flops {
        let half = [height.div_ceil(2), width.div_ceil(2)];
        let with_norm = |conv: &Conv, size: [usize; 2]| {
            conv.flops(size) + BatchNorm::flops(conv.outputs() * size[0] * size[1])
        };
        let (pools, heads) = if self.rows > 0 { (2, self.patches) } else { (1, 1) };
        let pooled = (pools * WIDTH * half[0] * half[1]) as Flops;
        with_norm(&self.conv1, [height, width])
            + with_norm(&self.res.conv1, half)
            + with_norm(&self.res.conv2, half)
            + with_norm(&self.res.proj, half)
            + pooled
            + (heads * self.fc.w.dims().iter().product::<usize>()) as Flops
    }
}
