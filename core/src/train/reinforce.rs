//! Training the policy by policy gradient (Algorithm 1, lines 13 to 30): at one λ, at every λ, up to a
//! total variation distance (`to_tvd`); and the joint fine-tuning (`finetune`).

use super::batches::Shuffled;
use super::checkpoint::Checkpoint;
use super::config::{Conditioning, Estimator, Stage};
use super::loss;
use super::run::Run;
use super::stage::{Lesson, Pupils, Said, Trained, drive, watched};
use super::watch;
use crate::bundle::{ConditionedEntry, Hashed};
use crate::compare::Table;
use crate::error::Result;
use crate::event::{Figure, Picture};
use crate::hash::Stream;
use crate::metrics::mean;
use crate::net::Policy;
use crate::route::method::{argmax, softmax};
use crate::route::segment::{floats, shares};
use burn::module::Module;
use burn::tensor::{Tensor, TensorData};

/// What all policy stages share: the table, the costs, and the order of the tiles.
pub(super) struct Course<'a> {
    pub(super) table: &'a Table,
    pub(super) costs: &'a [f64],
    pub(super) shuffled: Shuffled,
    pub(super) stage: Stage,
    pub(super) name: String,
    pub(super) per_epoch: usize,
}

impl<'a> Course<'a> {
    pub(super) fn new(run: &Run<'_>, table: &'a Table, costs: &'a [f64], stage: Stage, name: &str) -> Self {
        let count = table.tiles.len();
        let shuffled = Shuffled::new(count, run.config.seed, name);
        Self { table, costs, shuffled, stage, name: name.to_owned(), per_epoch: count.div_ceil(stage.batch) }
    }

    pub(super) fn batch(&mut self, step: usize) -> Vec<usize> {
        self.shuffled.at(step, self.stage.batch)
    }

    pub(super) fn chance(&self, run: &Run<'_>, step: usize) -> Stream {
        Stream::new(run.config.seed, &format!("{} draws {step}", self.name))
    }

    /// The table's first tile as the policy routes it; `decide` makes logits of what it says.
    pub(super) fn picture(
        &self,
        run: &Run<'_>,
        pupils: &Pupils,
        decide: &dyn Fn(Vec<f32>) -> Vec<f32>,
    ) -> Result<Option<Picture>> {
        let (Some(tile), Some(policy)) = (self.table.tiles.first(), &pupils.policy) else { return Ok(None) };
        if !run.control.watched() {
            return Ok(None);
        }
        let x = inputs(run, self.table, &[0]).inner();
        let logits = decide(floats(policy.module.valid().forward(x).into_data())?);
        let actions: Vec<u8> = logits.chunks(self.costs.len()).map(argmax).collect();
        Ok(watch::routed(run, self.table.samples[tile.examined.slice], tile, &actions))
    }

    /// α at `step`: linear over the epochs (Eq. 4).
    pub(super) fn alpha(&self, [from, to]: [f64; 2], step: usize) -> f64 {
        let epochs = self.stage.length.steps(self.per_epoch).div_ceil(self.per_epoch.max(1));
        ramp([from, to], step / self.per_epoch.max(1), epochs)
    }

    /// Loss and mean reward of a batch at λ with the estimator of the configuration.
    pub(super) fn loss(
        &self,
        run: &Run<'_>,
        logits: Tensor<3>,
        batch: &[usize],
        lambda: f64,
        step: usize,
    ) -> Result<Said> {
        let rewards = self.table.rewards(batch, self.costs, lambda);
        let sampled = run.config.estimator == Estimator::Sampled;
        let values = (sampled || watched(step)).then(|| floats(logits.clone().inner().into_data()));
        let values = values.transpose()?.unwrap_or_default();
        let mut figures = Vec::new();
        if watched(step) {
            figures = expected(&values, &rewards, self.costs.len());
            figures.push((Figure::Lambda, lambda));
        }
        let loss = match run.config.estimator {
            Estimator::Expected => loss::expected_policy_gradient(logits, &rewards, run.config.temperature),
            Estimator::Sampled => {
                let alpha = self.alpha(run.config.alpha, step);
                figures.extend(watched(step).then_some((Figure::Alpha, alpha)));
                let actions = explore(&values, alpha, self.costs.len(), &mut self.chance(run, step));
                loss::policy_gradient(logits, &actions, &pick(&rewards, &actions, self.costs.len()))
            }
        };
        Ok(Said { loss, figures, done: false })
    }
}

/// Trains `policy` at λ on the table; a fresh one, or one trained at another λ to go on from.
///
/// # Errors
/// As [`drive`].
pub(crate) fn train_policy(
    run: &mut Run<'_>,
    kept: &Checkpoint,
    name: &str,
    table: &Table,
    policy: Policy,
    costs: &[f64],
    lambda: f64,
) -> Result<Policy> {
    let stage = run.config.policy;
    let course = Course::new(run, table, costs, stage, name);
    let per_epoch = course.per_epoch;
    let mut lesson = AtLambda { course, lambda };
    drive(run, kept, name, &stage, per_epoch, Pupils::policy(policy), &mut lesson)?.into_policy()
}

struct AtLambda<'a> {
    course: Course<'a>,
    lambda: f64,
}

impl Lesson for AtLambda<'_> {
    fn step(&mut self, run: &mut Run<'_>, pupils: &mut Pupils, step: usize, rate: f64) -> Result<Said> {
        let batch = self.course.batch(step);
        let policy = pupils.router()?;
        let logits = policy.module.forward_train(inputs(run, self.course.table, &batch));
        learn(policy, rate, self.course.loss(run, logits, &batch, self.lambda, step)?)
    }

    fn picture(&mut self, run: &Run<'_>, pupils: &Pupils) -> Result<Option<Picture>> {
        self.course.picture(run, pupils, &|logits| logits)
    }
}

/// Trains the policy that serves every λ: each tile of a batch gets a λ of its own, and the expected
/// reward with the policy's entropy at the stage's temperature moves it.
///
/// # Errors
/// As [`drive`].
pub(crate) fn train_conditioned(
    run: &mut Run<'_>,
    kept: &Checkpoint,
    table: &Table,
    policy: Policy,
    costs: &[f64],
    conditioning: Conditioning,
) -> Result<Policy> {
    let course = Course::new(run, table, costs, conditioning.stage, CONDITIONED);
    let per_epoch = course.per_epoch;
    let entry = conditioned_entry(costs, &conditioning);
    let mut lesson = AnyLambda { course, conditioning, entry };
    let pupils = Pupils::policy(policy);
    drive(run, kept, CONDITIONED, &conditioning.stage, per_epoch, pupils, &mut lesson)?.into_policy()
}

/// Name of that stage.
pub(crate) const CONDITIONED: &str = "policy for every λ";

/// The manifest's entry of the λ-conditioned policy before its weights are written.
pub(crate) fn conditioned_entry(costs: &[f64], conditioning: &Conditioning) -> ConditionedEntry {
    ConditionedEntry {
        costs: costs.to_vec(),
        temperature: conditioning.temperature,
        sees: conditioning.sees,
        preferred: false,
        curve: Vec::new(),
        weights: Hashed { file: String::new(), sha256: String::new() },
    }
}

struct AnyLambda<'a> {
    course: Course<'a>,
    conditioning: Conditioning,
    entry: ConditionedEntry,
}

impl Lesson for AnyLambda<'_> {
    fn step(&mut self, run: &mut Run<'_>, pupils: &mut Pupils, step: usize, rate: f64) -> Result<Said> {
        let batch = self.course.batch(step);
        let mut chance = self.course.chance(run, step);
        let lambdas: Vec<f64> = batch.iter().map(|_| chance.unit().powf(self.conditioning.power)).collect();
        let each = batch.iter().zip(&lambdas);
        let rewards: Vec<f32> =
            each.flat_map(|(tile, l)| self.course.table.rewards(&[*tile], self.course.costs, *l)).collect();
        let policy = pupils.router()?;
        let z = policy.module.forward_train(inputs(run, self.course.table, &batch));
        let logits = self.logits(z, &lambdas);
        let mut figures = Vec::new();
        if watched(step) {
            let values = floats(logits.clone().inner().into_data())?;
            figures = expected(&values, &rewards, self.course.costs.len());
        }
        let loss = loss::expected_policy_gradient(logits, &rewards, self.conditioning.temperature);
        learn(policy, rate, Said { loss, figures, done: false })
    }

    fn picture(&mut self, run: &Run<'_>, pupils: &Pupils) -> Result<Option<Picture>> {
        let lambda = run.config.lambda.unwrap_or(SHOWN);
        self.course.picture(run, pupils, &|z| self.entry.logits(&z, lambda))
    }
}

/// λ at which the policy for every λ is shown where the configuration names none.
const SHOWN: f64 = 0.1;

impl AnyLambda<'_> {
    /// Logits [B,P,M] at a λ for each tile: [`ConditionedEntry::logits`] on tensors.
    fn logits(&self, z: Tensor<3>, lambdas: &[f64]) -> Tensor<3> {
        let (device, b, m) = (z.device(), lambdas.len(), self.entry.costs.len());
        let keep: Vec<f32> = lambdas.iter().map(|l| (1.0 - l) as f32).collect();
        let price: Vec<f32> = lambdas
            .iter()
            .flat_map(|l| self.entry.costs.iter().map(move |c| (l * c / self.entry.temperature) as f32))
            .collect();
        let keep = Tensor::<3>::from_data(TensorData::new(keep, [b, 1, 1]), &device);
        let price = Tensor::<3>::from_data(TensorData::new(price, [b, 1, m]), &device);
        z * keep - price
    }
}

/// Moves `policy` down the loss and lets go of its graph.
pub(super) fn learn(policy: &mut Trained<Policy>, rate: f64, said: Said) -> Result<Said> {
    policy.step(rate, &said.loss);
    Ok(Said { loss: said.loss.detach(), ..said })
}

/// Expected reward of a patch and the shares of the most likely actions.
fn expected(logits: &[f32], rewards: &[f32], nets: usize) -> Vec<(Figure, f64)> {
    let of_patch = |(logits, rewards): (&[f32], &[f32])| {
        softmax(logits).iter().zip(rewards).map(|(p, r)| f64::from(p * r)).sum::<f64>()
    };
    let each: Vec<f64> = logits.chunks(nets).zip(rewards.chunks(nets)).map(of_patch).collect();
    let mut figures = vec![(Figure::Reward, mean(&each))];
    figures.extend(share_figures(logits.chunks(nets).map(argmax), nets));
    figures
}

pub(super) fn share_figures(
    actions: impl Iterator<Item = u8>,
    nets: usize,
) -> impl Iterator<Item = (Figure, f64)> {
    shares(actions, nets).into_iter().enumerate().map(|(i, share)| (Figure::Share(i as u8), share))
}

pub(super) fn inputs(run: &Run<'_>, table: &Table, batch: &[usize]) -> Tensor<4> {
    let [h, w] = run.config.layout.tile;
    let values: Vec<f32> =
        batch.iter().flat_map(|t| table.tiles[*t].examined.policy_input.iter().copied()).collect();
    Tensor::from_data(TensorData::new(values, [batch.len(), 2, h, w]), &run.device)
}

/// Actions of a batch (Eq. 4): one coin for the whole batch; with probability α the policy's own
/// distribution, else uniform.
pub(super) fn explore(logits: &[f32], alpha: f64, nets: usize, stream: &mut Stream) -> Vec<u8> {
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
    logits.chunks(nets).map(draw).collect()
}

pub(super) fn pick(rewards: &[f32], actions: &[u8], nets: usize) -> Vec<f32> {
    rewards.chunks(nets).zip(actions).map(|(r, a)| r[usize::from(*a)]).collect()
}

/// α at `epoch` of `epochs`: linear from the first to the last.
fn ramp([from, to]: [f64; 2], epoch: usize, epochs: usize) -> f64 {
    if epochs < 2 { from } else { from + (to - from) * epoch as f64 / (epochs - 1) as f64 }
}
