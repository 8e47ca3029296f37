//! What f0's Monte Carlo passes say together: mean probabilities, labels, entropy.

use super::tiles::Rect;
use burn::tensor::{Tensor, activation};

/// Probabilities are kept within [FLOOR, 1 - FLOOR] inside the logarithm (f32's machine epsilon).
const FLOOR: f32 = f32::EPSILON;

/// Summary of the passes over a batch of tiles.
#[derive(Clone, Debug)]
pub struct Uncertainty {
    /// Mean class probabilities [N,K,H,W].
    pub probabilities: Tensor<4>,
    /// Argmax of the mean as a number [N,1,H,W].
    pub labels: Tensor<4>,
    /// Entropy of the mean in nats [N,1,H,W], at most ln K.
    pub entropy: Tensor<4>,
}

impl Uncertainty {
    /// From the logits [N,K,H,W] of every pass; at least one.
    pub fn of(passes: Vec<Tensor<4>>) -> Self {
        let count = passes.len() as f64;
        let probabilities = passes
            .into_iter()
            .map(|logits| activation::softmax(logits, 1))
            .reduce(|a, b| a + b)
            .map_or_else(|| unreachable!("a summary needs a pass"), |sum| sum / count);
        let labels = probabilities.clone().argmax(1).float();
        let entropy = entropy(probabilities.clone());
        Self { probabilities, labels, entropy }
    }

    /// What the policy reads [N,2,H,W]: class index as it is, entropy in nats.
    pub fn policy_input(&self) -> Tensor<4> {
        Tensor::cat(vec![self.labels.clone(), self.entropy.clone()], 1)
    }
}

/// Mean entropy in nats of the pixels `at` of a patch with `width` columns, from its class probabilities
/// [classes * pixels].
pub fn mean_entropy(probabilities: &[f32], classes: usize, width: usize, at: Rect) -> f32 {
    let pixels = probabilities.len() / classes.max(1);
    let of_pixel = |i: usize| -> f64 {
        let p = (0..classes).map(|k| probabilities[k * pixels + i]);
        p.map(|p| -f64::from(p) * f64::from(p.clamp(FLOOR, 1.0 - FLOOR)).ln()).sum()
    };
    let rows = (0..at.height).flat_map(|y| (0..at.width).map(move |x| y * width + x));
    (rows.map(of_pixel).sum::<f64>() / at.area().max(1) as f64) as f32
}

/// Mean cross entropy in nats of the labelled pixels `at` of a patch; 0 where none is labelled.
/// `truth` [at.height * at.width].
pub fn mean_cross_entropy(
    probabilities: &[f32],
    classes: usize,
    width: usize,
    at: Rect,
    truth: &[u8],
) -> f32 {
    let pixels = probabilities.len() / classes.max(1);
    let (mut sum, mut count) = (0.0, 0usize);
    for (i, class) in truth.iter().enumerate().filter(|(_, c)| usize::from(**c) < classes) {
        let place = i / at.width.max(1) * width + i % at.width.max(1);
        sum -= f64::from(probabilities[usize::from(*class) * pixels + place].max(FLOOR)).ln();
        count += 1;
    }
    (sum / count.max(1) as f64) as f32
}

/// Entropy in nats along the classes. [N,K,H,W] -> [N,1,H,W].
pub fn entropy(probabilities: Tensor<4>) -> Tensor<4> {
    let log = probabilities.clone().clamp(FLOOR, 1.0 - FLOOR).log();
    -(probabilities * log).sum_dim(1)
}
