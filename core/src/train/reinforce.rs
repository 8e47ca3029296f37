//! Training the policy by policy gradient (Algorithm 1, lines 13 to 30) and the joint fine-tuning.

use super::config::Estimator;
use super::loss;
use super::run::{Run, cosine};
use super::supervised::adam;
use crate::compare::Table;
use crate::data::dataset::Crop;
use crate::error::Result;
use crate::hash::Stream;
use crate::metrics::{macro_iou, mean};
use crate::net::dropout::Off;
use crate::net::{Net, Policy};
use crate::route::method::softmax;
use crate::route::segment::floats;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Tensor, TensorData};

/// Trains `policy` at λ on the table; a fresh one, or one trained at another λ to go on from.
pub(crate) fn train_policy(
    run: &mut Run<'_>,
    table: &Table,
    mut policy: Policy,
    costs: &[f64],
    lambda: f64,
) -> Result<Policy> {
    let stage = run.config.policy;
    let mut optimiser = adam();
    let mut stream = Stream::new(run.config.seed, &format!("policy {lambda}"));
    let per_epoch = table.tiles.len().div_ceil(stage.batch);
    let steps = stage.length.steps(per_epoch);
    let mut order: Vec<usize> = (0..table.tiles.len()).collect();
    for step in 0..steps {
        run.control.check()?;
        let batch = next_batch(&mut order, &mut stream, step, stage.batch);
        let logits = policy.forward_train(inputs(run, table, &batch));
        let rewards = table.rewards(&batch, costs, lambda);
        let loss = match run.config.estimator {
            Estimator::Expected => loss::expected_policy_gradient(logits, &rewards, run.config.temperature),
            Estimator::Sampled => {
                let alpha = ramp(run.config.alpha, step / per_epoch, steps.div_ceil(per_epoch));
                let actions = explore(&logits, alpha, costs.len(), &mut stream)?;
                loss::policy_gradient(logits, &actions, &pick(&rewards, &actions, costs.len()))
            }
        };
        if step % 5 == 0 || step + 1 == steps {
            let value = f64::from(loss.clone().into_scalar::<f32>());
            run.report(&format!("policy λ {lambda}"), step + 1, steps, vec![("loss", value)]);
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &policy);
        policy = optimiser.step(cosine(&stage, step, steps), policy, gradients);
    }
    Ok(policy)
}

/// Nets and policy that are fine-tuned together.
pub(crate) struct Joint {
    pub(crate) nets: Vec<Net>,
    pub(crate) policy: Policy,
}

/// Joint fine-tuning of f1 to fm and the policy at λ; f0 stays. In each step the routed patches move
/// their nets once, then the reward under the moved nets moves the policy once.
pub(crate) fn finetune(
    run: &mut Run<'_>,
    table: &Table,
    mut joint: Joint,
    costs: &[f64],
    lambda: f64,
) -> Result<Joint> {
    let stage = run.config.finetune;
    let mut optimisers: Vec<ModuleOptimizer> = joint.nets.iter().map(|_| adam()).collect();
    let mut policy_optimiser = adam();
    let mut stream = Stream::new(run.config.seed, "finetune");
    let per_epoch = table.tiles.len().div_ceil(stage.batch);
    let steps = stage.length.steps(per_epoch);
    let mut order: Vec<usize> = (0..table.tiles.len()).collect();
    for step in 0..steps {
        run.control.check()?;
        let rate = cosine(&stage, step, steps);
        let batch = next_batch(&mut order, &mut stream, step, stage.batch);
        let logits = joint.policy.forward_train(inputs(run, table, &batch));
        let alpha = ramp(run.config.finetune_alpha, step / per_epoch, steps.div_ceil(per_epoch));
        let actions = explore(&logits, alpha, costs.len(), &mut stream)?;
        let mut rewards = vec![0f32; actions.len()];
        for net in 1..joint.nets.len() {
            let routed = Routed::of(run, table, &batch, &actions, net as u8);
            if routed.places.is_empty() {
                continue;
            }
            joint.nets[net] = routed.step(run, joint.nets[net].clone(), &mut optimisers[net], rate);
            routed.reward(run, &joint.nets[net], costs[net], lambda, &mut rewards)?;
        }
        for (reward, action) in rewards.iter_mut().zip(&actions).filter(|(_, a)| **a == 0) {
            *reward = loss::reward(0.0, costs[usize::from(*action)], lambda) as f32;
        }
        let loss = loss::policy_gradient(logits, &actions, &rewards);
        let gradients = GradientsParams::from_grads(loss.backward(), &joint.policy);
        joint.policy = policy_optimiser.step(rate, joint.policy, gradients);
        let reward = mean(&rewards.iter().map(|r| f64::from(*r)).collect::<Vec<_>>());
        run.report("finetune", step + 1, steps, vec![("reward", reward)]);
    }
    Ok(joint)
}

/// The patches of a batch that go to one net.
struct Routed {
    crops: Vec<Crop>,
    /// Place among the batch's actions, and f0's IoU there.
    places: Vec<(usize, f64)>,
}

impl Routed {
    fn of(run: &Run<'_>, table: &Table, batch: &[usize], actions: &[u8], net: u8) -> Self {
        let layout = run.config.layout;
        let patches = layout.patches();
        let mut routed = Self { crops: Vec::new(), places: Vec::new() };
        for (place, _) in actions.iter().enumerate().filter(|(_, a)| **a == net) {
            let tile = &table.tiles[batch[place / patches]];
            let index = place % patches;
            let Some(iou) = &tile.patches[index].iou else { continue };
            let [height, width] = layout.patch();
            let corner = tile.examined.corner;
            let corner =
                [corner[0] + index / layout.grid[1] * height, corner[1] + index % layout.grid[1] * width];
            let sample = &run.data.samples[table.samples[tile.examined.slice]];
            routed.crops.push(sample.crop(corner, layout.patch()));
            routed.places.push((place, iou[0]));
        }
        routed
    }

    fn step(&self, run: &Run<'_>, net: Net, optimiser: &mut ModuleOptimizer, rate: f64) -> Net {
        let (x, targets, pixels) = run.tensors(&self.crops, run.config.layout.patch());
        let loss = loss::cross_entropy(net.forward(x, &mut Off), targets, pixels);
        let gradients = GradientsParams::from_grads(loss.backward(), &net);
        optimiser.step(rate, net, gradients)
    }

    fn reward(&self, run: &Run<'_>, net: &Net, cost: f64, lambda: f64, rewards: &mut [f32]) -> Result<()> {
        let size = run.config.layout.patch();
        let (x, ..) = run.tensors(&self.crops, size);
        let labels = floats(net.forward(x, &mut Off).inner().argmax(1).float().into_data())?;
        for ((labels, crop), (place, f0)) in
            labels.chunks(size[0] * size[1]).zip(&self.crops).zip(&self.places)
        {
            let labels: Vec<u8> = labels.iter().map(|l| *l as u8).collect();
            let iou = macro_iou(&labels, &crop.truth, run.classes()).unwrap_or(*f0);
            rewards[*place] = loss::reward(iou - f0, cost, lambda) as f32;
        }
        Ok(())
    }
}

fn inputs(run: &Run<'_>, table: &Table, batch: &[usize]) -> Tensor<4> {
    let [h, w] = run.config.layout.tile;
    let values: Vec<f32> =
        batch.iter().flat_map(|t| table.tiles[*t].examined.policy_input.iter().copied()).collect();
    Tensor::from_data(TensorData::new(values, [batch.len(), 2, h, w]), &run.device)
}

fn next_batch(order: &mut [usize], stream: &mut Stream, step: usize, size: usize) -> Vec<usize> {
    let count = order.len();
    (step * size..(step + 1) * size)
        .map(|i| {
            if i % count == 0 {
                stream.shuffle(order);
            }
            order[i % count]
        })
        .collect()
}

/// Actions of a batch (Eq. 4): one coin for the whole batch; with probability α the policy's own
/// distribution, else uniform.
fn explore(logits: &Tensor<3>, alpha: f64, nets: usize, stream: &mut Stream) -> Result<Vec<u8>> {
    let logits = floats(logits.clone().inner().into_data())?;
    let exploit = stream.unit() < alpha;
    let draw = |logits: &[f32]| {
        if !exploit {
            return stream.below(nets) as u8;
        }
        let mut left = stream.unit() as f32;
        let probabilities = softmax(logits);
        let chosen = probabilities.iter().position(|p| {
            left -= p;
            left < 0.0
        });
        chosen.unwrap_or(nets - 1) as u8
    };
    Ok(logits.chunks(nets).map(draw).collect())
}

fn pick(rewards: &[f32], actions: &[u8], nets: usize) -> Vec<f32> {
    rewards.chunks(nets).zip(actions).map(|(r, a)| r[usize::from(*a)]).collect()
}

/// α at `epoch` of `epochs`: linear from the first to the last.
fn ramp([from, to]: [f64; 2], epoch: usize, epochs: usize) -> f64 {
    if epochs < 2 { from } else { from + (to - from) * epoch as f64 / (epochs - 1) as f64 }
}
