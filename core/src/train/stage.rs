//! What all stages of a training share: the loop over steps with checkpoints, pausing, an early end,
//! and a loss gone bad.

use super::checkpoint::Checkpoint;
use super::config::Stage;
use super::run::{Run, cosine};
use crate::error::{Error, Result};
use crate::event::{Figure, Picture};
use crate::hash::Stream;
use crate::net::params::{self, State};
use crate::net::{Net, Policy};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Bytes, Tensor};
use std::time::Instant;

/// Steps between two readings of the loss from the device.
const CADENCE: usize = 10;
/// Steps at the start after each of which the loss is read: a rate that is far too high shows there.
const WATCHED: usize = 5;
/// A loss this many times the first one has exploded.
const EXPLODED: f64 = 20.0;
/// Times that the learning rate is halved before a stage gives up.
const HALVINGS: u32 = 3;
/// Looks at held-out pieces in a stage.
const LOOKS: f64 = 8.0;

/// Adam as PyTorch sets it (paper, B2).
pub(crate) fn adam() -> ModuleOptimizer {
    AdamConfig::new().with_epsilon(1e-8).init()
}

/// A module in training with its optimiser.
#[derive(Clone)]
pub(crate) struct Trained<M> {
    pub(crate) module: M,
    optimiser: ModuleOptimizer,
}

impl<M: Module> Trained<M> {
    pub(crate) fn new(module: M) -> Self {
        Self { module: params::numbered(module), optimiser: adam() }
    }

    /// One step of Adam down `loss`.
    pub(crate) fn step(&mut self, rate: f64, loss: &Tensor<1>) {
        let gradients = GradientsParams::from_grads(loss.backward(), &self.module);
        self.module = self.optimiser.step(rate, self.module.clone(), gradients);
    }

    /// Weights, and the optimiser's moments as burn packs them.
    pub(crate) fn kept(&self) -> Result<(State, Vec<u8>)> {
        let moments = self.optimiser.into_bytes().map_err(|e| {
            Error::invalid(format!("the optimiser's state cannot be kept ({e}); free some memory and resume"))
        })?;
        Ok((params::state(&self.module), moments.to_vec()))
    }

    /// Takes up what [`Self::kept`] gave.
    pub(crate) fn restore(&mut self, state: State, moments: Vec<u8>) -> Result<(), String> {
        let loaded = params::load(self.module.clone(), state).map_err(|e| e.to_string())?;
        let optimiser = adam().from_bytes(Bytes::from_bytes_vec(moments)).map_err(|e| e.to_string())?;
        *self = Self { module: loaded, optimiser };
        Ok(())
    }
}

/// What a stage trains.
#[derive(Clone, Default)]
pub(crate) struct Pupils {
    pub(crate) nets: Vec<Trained<Net>>,
    pub(crate) policy: Option<Trained<Policy>>,
}

impl Pupils {
    pub(crate) fn net(net: Net) -> Self {
        Self { nets: vec![Trained::new(net)], policy: None }
    }

    pub(crate) fn policy(policy: Policy) -> Self {
        Self { nets: Vec::new(), policy: Some(Trained::new(policy)) }
    }

    /// # Errors
    /// Where the stage trains no policy.
    pub(crate) fn router(&mut self) -> Result<&mut Trained<Policy>> {
        self.policy.as_mut().ok_or_else(|| Error::invalid("this stage has no policy to train"))
    }

    pub(crate) fn into_net(mut self) -> Result<Net> {
        let last = self.nets.pop();
        last.map(|n| n.module).ok_or_else(|| Error::invalid("this stage has no net to train"))
    }

    pub(crate) fn into_policy(self) -> Result<Policy> {
        self.policy.map(|p| p.module).ok_or_else(|| Error::invalid("this stage has no policy to train"))
    }
}

/// What a step says.
pub(crate) struct Said {
    /// On the device; read now and then only.
    pub(crate) loss: Tensor<1>,
    pub(crate) figures: Vec<(Figure, f64)>,
    /// Ends the stage after this step.
    pub(crate) done: bool,
}

/// How far a stage has come; what a checkpoint holds beside weights and moments.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Place {
    pub(crate) step: usize,
    pub(crate) halvings: u32,
    /// A loss above this has exploded.
    pub(crate) ceiling: Option<f64>,
    /// Wall seconds of the steps so far.
    #[serde(default)]
    pub(crate) seconds: f64,
}

/// One stage's work.
pub(crate) trait Lesson {
    /// One optimiser step. Every choice of chance depends on the seed, the stage and `step` alone, so that
    /// a resumed stage goes on exactly where it was.
    fn step(&mut self, run: &mut Run<'_>, pupils: &mut Pupils, step: usize, rate: f64) -> Result<Said>;

    /// What is being trained at work on a tile, where somebody watches.
    fn picture(&mut self, _run: &Run<'_>, _pupils: &Pupils) -> Result<Option<Picture>> {
        Ok(None)
    }

    /// Macro IoU on held-out pieces, where the stage trains a net.
    fn look(&mut self, _run: &Run<'_>, _pupils: &Pupils) -> Result<Option<f64>> {
        Ok(None)
    }
}

/// Whether the figures of `step` are wanted: reading them from a GPU holds it up.
pub(crate) fn watched(step: usize) -> bool {
    step < WATCHED || (step + 1).is_multiple_of(CADENCE)
}

/// Runs a stage from where its checkpoint left it to its end, or to where the user ends it.
///
/// # Errors
/// Where the run was stopped (the place is kept on disk), the device fails, or the loss stays bad after
/// the learning rate was halved [`HALVINGS`] times (the last good state is kept on disk).
pub(crate) fn drive(
    run: &mut Run<'_>,
    kept: &Checkpoint,
    name: &str,
    stage: &Stage,
    per_epoch: usize,
    mut pupils: Pupils,
    lesson: &mut dyn Lesson,
) -> Result<Pupils> {
    let steps = stage.length.steps(per_epoch);
    let over = |place: &Place| stage.length.part(place.step, place.seconds, per_epoch);
    let fresh = Place { step: 0, halvings: 0, ceiling: None, seconds: 0.0 };
    let mut place = kept.restore(name, &mut pupils)?.unwrap_or(fresh);
    let mut good = (place.clone(), pupils.clone());
    let mut best: Option<(f64, Pupils)> = None;
    let every = per_epoch.clamp(10, 200);
    run.begin_stage(place.step, per_epoch);
    while place.step < steps && over(&place) < 1.0 {
        if let Err(stopped) = run.control.check() {
            kept.keep(name, &place, &pupils)?;
            return Err(stopped);
        }
        if run.control.finishing() {
            (run.steps, run.seconds) = (place.step, place.seconds);
            return Ok(best.map_or(pupils, |(_, best)| best));
        }
        let (began, before) = (Instant::now(), over(&place));
        run.device.seed(u64::from(Stream::new(run.config.seed, &format!("{name} {}", place.step)).seed()));
        let rate = cosine(stage, before) * 0.5f64.powi(place.halvings as i32);
        let Said { loss, mut figures, done } = lesson.step(run, &mut pupils, place.step, rate)?;
        place.step += 1;
        let now = over(&Place { seconds: place.seconds + began.elapsed().as_secs_f64(), ..place });
        let last = done || now >= 1.0;
        if watched(place.step - 1) || last {
            let loss = f64::from(loss.into_scalar::<f32>());
            // what a device computed that failed meanwhile is not kept
            run.faults.check()?;
            if !sound(loss, &mut place) {
                let seconds = place.seconds + began.elapsed().as_secs_f64();
                (place, pupils) = recover(run, kept, name, loss, &place, good.clone())?;
                place.seconds = seconds;
                good.0.halvings = place.halvings;
                continue;
            }
            figures.insert(0, (Figure::Loss, loss));
            good = (place.clone(), pupils.clone());
        }
        let looks = due(before, now);
        if looks && let Some(iou) = lesson.look(run, &pupils)? {
            figures.push((Figure::Iou, iou));
            if best.as_ref().is_none_or(|(old, _)| iou > *old) {
                best = Some((iou, pupils.clone()));
            }
        }
        if looks || last || place.step == 1 {
            let picture = lesson.picture(run, &pupils)?;
            run.show(name, place.step, expected(&place, steps, now), figures, picture);
        } else if !figures.is_empty() {
            run.report(name, place.step, expected(&place, steps, now), figures);
        }
        place.seconds += began.elapsed().as_secs_f64();
        if place.step.is_multiple_of(every) && !last {
            kept.keep(name, &place, &pupils)?;
        }
        if last {
            break;
        }
    }
    (run.steps, run.seconds) = (place.step, place.seconds);
    Ok(pupils)
}

/// Whether another of the stage's looks is due between two parts of it.
fn due(before: f64, now: f64) -> bool {
    (before * LOOKS).floor() < (now * LOOKS).floor()
}

/// Steps in all; where the clock ends the stage, as many as it will be at the speed so far.
fn expected(place: &Place, steps: usize, part: f64) -> usize {
    if steps < usize::MAX { steps } else { (place.step as f64 / part.min(1.0)).round() as usize }
}

/// Whether `loss` is a number and not far above the first one, which no step had touched (nor above what a
/// reward can be, where that was small).
fn sound(loss: f64, place: &mut Place) -> bool {
    let ceiling = *place.ceiling.get_or_insert(EXPLODED * loss.abs().max(1.0));
    loss.is_finite() && loss.abs() <= ceiling
}

/// Back to the last good state with half the learning rate.
fn recover(
    run: &mut Run<'_>,
    kept: &Checkpoint,
    name: &str,
    loss: f64,
    place: &Place,
    (mut good, pupils): (Place, Pupils),
) -> Result<(Place, Pupils)> {
    good.halvings = place.halvings + 1;
    if good.halvings > HALVINGS {
        kept.keep(name, &good, &pupils)?;
        return Err(Error::invalid(format!(
            "the loss of {name} is {loss} at step {} even at an eighth of the learning rate; the state of step {} is kept; lower the learning rate of this stage, or check the images for extreme values",
            place.step, good.step
        )));
    }
    run.note(format!(
        "the loss of {name} went bad ({loss}) at step {}; training goes on from step {} with half the learning rate",
        place.step, good.step
    ));
    Ok((good, pupils))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_gone_bad_is_seen() {
        let mut place = Place { step: 1, halvings: 0, ceiling: None, seconds: 0.0 };
        assert!(sound(1.2, &mut place));
        assert!(sound(2.0, &mut place), "a loss may rise");
        assert!(!sound(f64::NAN, &mut place) && !sound(f64::INFINITY, &mut place));
        assert!(!sound(25.0, &mut place), "twenty times the first one is an explosion");
    }
}
