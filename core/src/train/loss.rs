//! Losses of Algorithm 1: cross entropy, distillation (Eq. 1), policy gradient (Eq. 2 and 3).

use crate::metrics::UNLABELLED;
use crate::net::matphase::Answers;
use burn::tensor::{Device, Int, Tensor, TensorData, activation};

/// Truth as one-hot maps times the class weights [N,K,H,W]; unlabelled pixels are zero throughout.
pub fn targets(truth: &[u8], [n, h, w]: [usize; 3], weights: &[f32], device: &Device) -> Tensor<4> {
    let (k, plane) = (weights.len(), h * w);
    let mut values = vec![0f32; n * k * plane];
    for (i, class) in truth.iter().enumerate() {
        let class = usize::from(*class);
        if class < k {
            values[(i / plane * k + class) * plane + i % plane] = weights[class];
        }
    }
    Tensor::from_data(TensorData::new(values, [n, k, h, w]), device)
}

/// Number of labelled pixels, at least one: what a cross entropy is divided by.
pub fn labelled(truth: &[u8]) -> f64 {
    truth.iter().filter(|c| **c != UNLABELLED).count().max(1) as f64
}

/// Cross entropy of `logits` [N,K,H,W] with weighted one-hot `targets`, divided by `pixels` (and not
/// by the sum of the weights: the authors' soft-target form).
pub fn cross_entropy(logits: Tensor<4>, targets: Tensor<4>, pixels: f64) -> Tensor<1> {
    -(activation::log_softmax(logits, 1) * targets).sum() / pixels
}

/// Mean squared difference of student and teacher logits over all values (Eq. 1).
pub fn distillation(student: Tensor<4>, teacher: Tensor<4>) -> Tensor<1> {
    (student - teacher.detach()).square().mean()
}

/// Payoff of "I do not know" in the IDK loss: abstaining counts as much as a probability of 1/2.
const PAYOFF: f64 = 2.0;
/// Least probability whose logarithm is taken.
const LEAST: f64 = 1e-6;

/// Loss of a MatPhase reconstruction, the sum of three with weighted one-hot `targets`: the aggregator's cross
/// entropy; the global net's IDK loss -log(p + p_idk / payoff) (Liu et al. 2019, for a classifier that may
/// abstain); the local net's cross entropy on the patches that it read.
pub fn matphase(said: Answers, targets: &Tensor<4>, pixels: f64) -> Tensor<1> {
    let known = targets.dims()[1];
    let global = activation::softmax(said.global, 1);
    let idk = global.clone().narrow(1, known, 1) / PAYOFF;
    let hedged = (global.narrow(1, 0, known) + idk).clamp_min(LEAST).log();
    let read = said.local.clone().detach().sum_dim(1).greater_elem(0.5).float();
    let local = said.local.clamp_min(LEAST).log() * read;
    let parts = -((hedged + local) * targets.clone()).sum() / pixels;
    cross_entropy(said.logits, targets.clone(), pixels) + parts
}

/// Cost of each net in the reward (Eq. 3). `printed`: parameters over the sum of those of f1..fm, f0's
/// own share included; else the authors' form: over the sum of all nets, and nothing for f0.
pub fn costs(parameters: &[usize], printed: bool) -> Vec<f64> {
    let from = usize::from(printed);
    let sum: usize = parameters[from.min(parameters.len() - 1)..].iter().sum();
    let share = |(i, p): (usize, &usize)| if i == 0 && !printed { 0.0 } else { *p as f64 / sum as f64 };
    parameters.iter().enumerate().map(share).collect()
}

/// Reward of a patch (one term of Eq. 2): what net `i` gains over f0, less its cost.
pub fn reward(gain: f64, cost: f64, lambda: f64) -> f64 {
    (1.0 - lambda) * gain - lambda * cost
}

/// Mean over patches of -log pi(a) R: the sampled policy gradient's loss. `logits` [B,P,M],
/// `actions` and `rewards` [B*P].
pub fn policy_gradient(logits: Tensor<3>, actions: &[u8], rewards: &[f32]) -> Tensor<1> {
    let [b, p, m] = logits.dims();
    let device = logits.device();
    let actions: Vec<i32> = actions.iter().map(|a| i32::from(*a)).collect();
    let actions = Tensor::<2, Int>::from_data(TensorData::new(actions, [b * p, 1]), &device);
    let rewards = Tensor::<2>::from_data(TensorData::new(rewards.to_vec(), [b * p, 1]), &device);
    let log_pi = activation::log_softmax(logits, 2).reshape([b * p, m]);
    -(log_pi.gather(1, actions) * rewards).mean()
}

/// The same in expectation over all actions: minus the mean of sum_a pi(a) R(a), less `temperature` times
/// the policy's entropy. `rewards` [B*P*M].
pub fn expected_policy_gradient(logits: Tensor<3>, rewards: &[f32], temperature: f64) -> Tensor<1> {
    let [b, p, m] = logits.dims();
    let rewards = Tensor::<3>::from_data(TensorData::new(rewards.to_vec(), [b, p, m]), &logits.device());
    let log_pi = activation::log_softmax(logits, 2);
    (log_pi.clone().exp() * (log_pi * temperature - rewards)).sum_dim(2).mean()
}
