//! Fine-tuning the policy at λ = 0 with rising λ until its routing has moved far enough (section R4, Appendix B3).

use super::checkpoint::Checkpoint;
use super::config::TvdStage;
use super::reinforce::{Course, inputs, learn};
use super::run::Run;
use super::stage::{Lesson, Pupils, Said, drive, watched};
use crate::compare::Table;
use crate::error::Result;
use crate::event::Figure;
use crate::metrics::total_variation;
use crate::net::Policy;
use crate::route::method::argmax;
use crate::route::segment::{floats, shares};
use burn::module::Module;
use burn::tensor::Tensor;

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

/// Tiles that the policy is asked about at once.
const AT_ONCE: usize = 64;

/// Shares of the table's patches that `policy` sends to each net.
fn routing(run: &Run<'_>, table: &Table, policy: &Policy, nets: usize) -> Result<Vec<f64>> {
    let mut actions = Vec::new();
    let tiles: Vec<usize> = (0..table.tiles.len()).collect();
    for some in tiles.chunks(AT_ONCE) {
        let logits = floats(policy.forward(inputs(run, table, some).inner()).into_data())?;
        let patches = some.iter().flat_map(|tile| &table.tiles[*tile].patches);
        let live = logits.chunks(nets).zip(patches).filter(|(_, p)| p.at.is_some());
        actions.extend(live.map(|(logits, _)| argmax(logits)));
    }
    Ok(shares(actions.into_iter(), nets))
}
