//! What f0's Monte Carlo passes say together: mean probabilities, labels, entropy.

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

/// Entropy in nats along the classes. [N,K,H,W] -> [N,1,H,W].
pub fn entropy(probabilities: Tensor<4>) -> Tensor<4> {
    let log = probabilities.clone().clamp(FLOOR, 1.0 - FLOOR).log();
    -(probabilities * log).sum_dim(1)
}
