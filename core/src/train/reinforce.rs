//! Training the policy by policy gradient (Algorithm 1, lines 13 to 30): at one λ, at every λ, up to a
//! total variation distance; and the joint fine-tuning.

use super::batches::Shuffled;
use super::checkpoint::Checkpoint;
use super::config::{Conditioning, Estimator, Stage, TvdStage};
use super::loss;
use super::run::Run;
use super::stage::{Lesson, Pupils, Said, Trained, drive, watched};
use super::watch;
use crate::bundle::{ConditionedEntry, Hashed};
use crate::compare::Table;
use crate::data::dataset::Crop;
use crate::error::Result;
use crate::event::{Figure, Picture};
use crate::hash::Stream;
use crate::metrics::{macro_iou, mean, total_variation};
use crate::net::dropout::{Dropout, Off, Random};
use crate::net::{Net, Policy};
use crate::route::method::{argmax, softmax};
use crate::route::segment::{floats, shares};
use burn::module::Module;
use burn::tensor::{Tensor, TensorData};

/// What all policy stages share: the table, the costs, and the order of the tiles.
struct Course<'a> {
    table: &'a Table,
    costs: &'a [f64],
    shuffled: Shuffled,
    stage: Stage,
    name: String,
    per_epoch: usize,
}

impl<'a> Course<'a> {
    fn new(run: &Run<'_>, table: &'a Table, costs: &'a [f64], stage: Stage, name: &str) -> Self {
        let count = table.tiles.len();
        let shuffled = Shuffled::new(count, run.config.seed, name);
        Self { table, costs, shuffled, stage, name: name.to_owned(), per_epoch: count.div_ceil(stage.batch) }
    }

    fn batch(&mut self, step: usize) -> Vec<usize> {
        self.shuffled.at(step, self.stage.batch)
    }

    fn chance(&self, run: &Run<'_>, step: usize) -> Stream {
        Stream::new(run.config.seed, &format!("{} draws {step}", self.name))
    }

    /// The table's first tile as the policy routes it; `decide` makes logits of what it says.
    fn picture(
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
    fn alpha(&self, [from, to]: [f64; 2], step: usize) -> f64 {
        let epochs = self.stage.length.steps(self.per_epoch).div_ceil(self.per_epoch.max(1));
        ramp([from, to], step / self.per_epoch.max(1), epochs)
    }

    /// Loss and mean reward of a batch at λ with the estimator of the configuration.
    fn loss(
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

/// A policy that was fine-tuned until its routing had moved far enough.
pub(crate) struct Reached {
    pub(crate) tvd: f64,
    pub(crate) lambda: f64,
    pub(crate) policy: Policy,
}

/// Fine-tunes the policy at λ = 0 with λ rising linearly until its routing is `tvd` away from where it
/// began (section R4, Appendix B3), for each threshold in turn; those that are not reached are missing.
///
/// # Errors
/// As [`drive`].
pub(crate) fn finetune_to_tvd(
    run: &mut Run<'_>,
    kept: &Checkpoint,
    table: &Table,
    zero: &Policy,
    costs: &[f64],
    tvd: &TvdStage,
) -> Result<Vec<Reached>> {
    let origin = routing(run, table, &zero.valid(), costs.len())?;
    let mut reached: Vec<Reached> = Vec::new();
    for threshold in &tvd.thresholds {
        let (start, from) = reached.last().map_or((zero, 0.0), |r| (&r.policy, r.lambda));
        let name = format!("policy to TVD {threshold}");
        let course = Course::new(run, table, costs, tvd.stage, &name);
        let per_epoch = course.per_epoch;
        let goal = (*threshold, &origin[..]);
        let mut lesson = ToTvd { course, goal, from, rise: tvd.rise, now: 0.0, at: None };
        let pupils = Pupils::policy(start.clone());
        let policy = drive(run, kept, &name, &tvd.stage, per_epoch, pupils, &mut lesson)?.into_policy()?;
        match lesson.at {
            Some(lambda) => reached.push(Reached { tvd: *threshold, lambda, policy }),
            None => run.note(format!(
                "the routing did not come {threshold} away from that at λ = 0 within this stage; make it longer or let λ rise faster"
            )),
        }
    }
    Ok(reached)
}

/// Steps between two looks at the routing, each of which asks the policy about every tile.
const TVD_CADENCE: usize = 5;

struct ToTvd<'a> {
    course: Course<'a>,
    /// The threshold, and the shares that the distance is taken from.
    goal: (f64, &'a [f64]),
    /// λ at the first step.
    from: f64,
    rise: f64,
    /// The distance when last looked at.
    now: f64,
    /// λ at which the threshold was reached.
    at: Option<f64>,
}

impl Lesson for ToTvd<'_> {
    fn step(&mut self, run: &mut Run<'_>, pupils: &mut Pupils, step: usize, rate: f64) -> Result<Said> {
        let lambda = (self.from + self.rise * step as f64).min(1.0);
        let policy = pupils.router()?;
        if step.is_multiple_of(TVD_CADENCE) {
            let shares = routing(run, self.course.table, &policy.module.valid(), self.course.costs.len())?;
            self.now = total_variation(&shares, self.goal.1);
        }
        if self.now >= self.goal.0 {
            self.at = Some(lambda);
            let loss = Tensor::zeros([1], &run.device);
            return Ok(Said {
                loss,
                figures: vec![(Figure::Lambda, lambda), (Figure::Tvd, self.now)],
                done: true,
            });
        }
        let batch = self.course.batch(step);
        let logits = policy.module.forward_train(inputs(run, self.course.table, &batch));
        let mut said = self.course.loss(run, logits, &batch, lambda, step)?;
        said.figures.extend(watched(step).then_some((Figure::Tvd, self.now)));
        learn(policy, rate, said)
    }
}

/// Shares of the table's patches that `policy` sends to each net.
fn routing(run: &Run<'_>, table: &Table, policy: &Policy, nets: usize) -> Result<Vec<f64>> {
    let mut actions = Vec::new();
    for tile in 0..table.tiles.len() {
        let logits = floats(policy.forward(inputs(run, table, &[tile]).inner()).into_data())?;
        let live = logits.chunks(nets).zip(&table.tiles[tile].patches).filter(|(_, p)| p.at.is_some());
        actions.extend(live.map(|(logits, _)| argmax(logits)));
    }
    Ok(shares(actions.into_iter(), nets))
}

/// Nets and policy that are fine-tuned together.
pub(crate) struct Joint {
    /// f0 to fm.
    pub(crate) nets: Vec<Net>,
    pub(crate) policy: Policy,
}

/// Joint fine-tuning of f1 to fm and the policy at λ; f0 stays. In each step the routed patches move
/// their nets once, then the reward under the moved nets moves the policy once.
///
/// # Errors
/// As [`drive`].
pub(crate) fn finetune(
    run: &mut Run<'_>,
    kept: &Checkpoint,
    table: &Table,
    joint: Joint,
    costs: &[f64],
    lambda: f64,
) -> Result<Joint> {
    let stage = run.config.finetune;
    let course = Course::new(run, table, costs, stage, FINETUNE);
    let per_epoch = course.per_epoch;
    let mut nets = joint.nets.into_iter();
    let f0 = nets.next();
    let pupils = Pupils { nets: nets.map(Trained::new).collect(), policy: Some(Trained::new(joint.policy)) };
    let mut lesson = Together { course, lambda };
    let pupils = drive(run, kept, FINETUNE, &stage, per_epoch, pupils, &mut lesson)?;
    let moved = pupils.nets.iter().map(|n| n.module.clone());
    Ok(Joint { nets: f0.into_iter().chain(moved).collect(), policy: pupils.into_policy()? })
}

/// Name of that stage.
pub(crate) const FINETUNE: &str = "finetune";

struct Together<'a> {
    course: Course<'a>,
    lambda: f64,
}

impl Lesson for Together<'_> {
    fn step(&mut self, run: &mut Run<'_>, pupils: &mut Pupils, step: usize, rate: f64) -> Result<Said> {
        let (table, costs) = (self.course.table, self.course.costs);
        let batch = self.course.batch(step);
        let logits = pupils.router()?.module.forward_train(inputs(run, table, &batch));
        let alpha = self.course.alpha(run.config.finetune_alpha, step);
        let values = floats(logits.clone().inner().into_data())?;
        let actions = explore(&values, alpha, costs.len(), &mut self.course.chance(run, step));
        let mut rewards: Vec<f32> =
            actions.iter().map(|_| loss::reward(0.0, costs[0], self.lambda) as f32).collect();
        for (i, net) in pupils.nets.iter_mut().enumerate() {
            let routed = Routed::of(run, table, &batch, &actions, i as u8 + 1);
            if routed.places.is_empty() {
                continue;
            }
            routed.step(run, net, rate);
            routed.reward(run, &net.module, costs[i + 1], self.lambda, &mut rewards)?;
        }
        let loss = loss::policy_gradient(logits, &actions, &rewards);
        let reward = mean(&rewards.iter().map(|r| f64::from(*r)).collect::<Vec<_>>());
        let mut figures =
            vec![(Figure::Reward, reward), (Figure::Lambda, self.lambda), (Figure::Alpha, alpha)];
        figures.extend(share_figures(actions.iter().copied(), costs.len()));
        learn(pupils.router()?, rate, Said { loss, figures, done: false })
    }
}

/// Moves `policy` down the loss and lets go of its graph.
fn learn(policy: &mut Trained<Policy>, rate: f64, said: Said) -> Result<Said> {
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

fn share_figures(actions: impl Iterator<Item = u8>, nets: usize) -> impl Iterator<Item = (Figure, f64)> {
    shares(actions, nets).into_iter().enumerate().map(|(i, share)| (Figure::Share(i as u8), share))
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

    fn step(&self, run: &Run<'_>, net: &mut Trained<Net>, rate: f64) {
        let (x, targets, pixels) = run.tensors(&self.crops, run.config.layout.patch());
        let mut dropout: Box<dyn Dropout> = if run.config.dropout { Box::new(Random) } else { Box::new(Off) };
        let loss = loss::cross_entropy(net.module.forward_train(x, dropout.as_mut()), targets, pixels);
        net.step(rate, &loss);
    }

    fn reward(&self, run: &Run<'_>, net: &Net, cost: f64, lambda: f64, rewards: &mut [f32]) -> Result<()> {
        let size = run.config.layout.patch();
        let (x, ..) = run.tensors(&self.crops, size);
        let labels = floats(net.forward(x, &mut Off).inner().argmax(1).float().into_data())?;
        for ((labels, crop), (place, f0)) in
            labels.chunks(size[0] * size[1]).zip(&self.crops).zip(&self.places)
        {
            let labels: Vec<u8> = labels.iter().map(|l| *l as u8).collect();
            let iou = macro_iou(&labels, &crop.truth, run.classes).unwrap_or(*f0);
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
