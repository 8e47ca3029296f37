//! Joint fine-tuning of f1 to fm and the policy (Algorithm 1, lines 22 to 30).

use super::checkpoint::Checkpoint;
use super::loss;
use super::reinforce::{Course, explore, inputs, learn, share_figures};
use super::run::Run;
use super::stage::{Lesson, Pupils, Said, Trained, drive};
use crate::compare::Table;
use crate::data::dataset::Crop;
use crate::error::Result;
use crate::event::Figure;
use crate::metrics::{macro_iou, mean};
use crate::net::dropout::{Dropout, Off, Random};
use crate::net::{Net, Policy};
use crate::route::segment::floats;

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
