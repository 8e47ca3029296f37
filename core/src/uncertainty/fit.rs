//! What error bars rest on: an error model fitted to some scans with truth, how wide a bar of each figure must then
//! be, and how often bars covered the truth of other scans.

use super::bars::Unit;
use super::calibrate::Plan;
use super::calibration::{COVERAGE, Calibration, Centre, FORMAT, Reach, weights};
use super::draw::ErrorModel;
use super::model;
use super::seen::{Survey, likeliest};
use super::spool::Probabilities;
use crate::error::Result;
use crate::event::Control;
use crate::measure::{Figure, Phase, Request, Scale, figures};
use crate::metrics::Confusion;
use crate::route::{Choice, Segmenter};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What bars are meant to cover.
const NOMINAL: f64 = 0.95;
/// A scan with truth, and what the nets say of it.
pub struct Subject {
    /// Its seed.
    pub seed: u64,
    /// The nets' probabilities.
    pub stack: Probabilities,
    /// Class of every voxel, ZYX.
    pub truth: Vec<u8>,
}

/// A figure's name: phase, quantity, axis.
type Name = (String, String, String);

/// Truth, segmentation and draws of one figure of one scan, on the figure's own scale.
pub(super) struct Trial {
    pub(super) truth: f64,
    pub(super) segmented: f64,
    pub(super) mean: f64,
    pub(super) deviation: f64,
}

impl Trial {
    fn centre(&self, centre: Centre) -> f64 {
        match centre {
            Centre::Drawn => self.mean,
            Centre::Segmented => self.segmented,
        }
    }
}

/// A bar of more standard deviations than this comes from scans in which nothing varies.
const LARGEST_REACH: f64 = 6.0;

/// Fits to the first scans of `plan` and tests with the others.
pub(super) fn fit(
    segmenter: &Segmenter,
    choice: &Choice,
    plan: &Plan,
    subjects: &[Subject],
    control: &Control,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Calibration> {
    let manifest = &segmenter.manifest;
    let phases: Vec<Phase> =
        manifest.classes.iter().zip(1..).map(|(c, value)| Phase { name: c.name.clone(), value }).collect();
    progress("fitting how the nets err", 0, 1);
    let model = model::fit(&subjects[..plan.fit], &phases, plan.seed)?;
    let request = Request { scale: Scale::new(None)?, transport: Some(plan.transport.clone()) };
    let mut trials: BTreeMap<Name, Vec<Option<Trial>>> = BTreeMap::new();
    let mut confusion = Confusion::new(phases.len());
    let survey = Survey { model: &model, phases: &phases, draws: plan.draws, request: &request };
    for (i, subject) in subjects.iter().enumerate() {
        progress("drawing and measuring", i, subjects.len());
        let kept = plan.folder.join(format!("{}.figures", subject.seed));
        for seen in survey.of(subject, &kept, control)? {
            let Some(trial) = seen.trial(plan.draws) else { continue };
            let name = (seen.phase, seen.quantity, seen.axis);
            trials.entry(name).or_insert_with(|| (0..i).map(|_| None).collect()).push(Some(trial));
        }
        if i >= plan.fit {
            confusion.add(&likeliest(&subject.stack, &phases)?.voxels, &subject.truth);
        }
        trials.values_mut().for_each(|list| list.resize_with(i + 1, || None));
    }
    let figures = trials.into_iter().filter_map(|(name, list)| reach(name, &list, plan.fit)).collect();
    Ok(Calibration {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        weights: weights(segmenter),
        method: choice.method,
        router: choice.router,
        scans: format!("simulated electrode scans of seeds {} and on", plan.seed),
        shape: plan.shape,
        draws: plan.draws,
        counts: [plan.fit, plan.test],
        confusion: confusion.rows().into_iter().map(<[u64]>::to_vec).collect(),
        model,
        figures,
    })
}

/// Voxels of a volume up to which several draws are made and measured at once; larger ones keep all threads busy by
/// themselves, and memory bounded.
const SMALL: usize = 1 << 22;

/// The figures of every draw, by draw and phase. `(seed, draws)` says which; `told` hears how many are done.
pub(super) fn drawn(
    model: &ErrorModel,
    stack: &Probabilities,
    phases: &[Phase],
    (seed, draws): (u64, usize),
    request: &Request,
    control: &Control,
    told: &mut (dyn FnMut(usize) + Send),
) -> Result<Vec<Vec<Vec<Figure>>>> {
    let told = Mutex::new((0, told));
    let one = |number| {
        control.check()?;
        let figures = figures(&model.draw(stack, phases, seed, number)?, request, control)?;
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.0 += 1;
        let done = told.0;
        (told.1)(done);
        Ok(figures)
    };
    match stack.shape().iter().product::<usize>() <= SMALL {
        true => (0..draws).into_par_iter().map(one).collect(),
        false => (0..draws).map(one).collect(),
    }
}

/// A figure of all draws on its own scale; shorter than the draws where some have none.
pub(super) fn values(
    drawn: &[Vec<Vec<Figure>>],
    phase: usize,
    quantity: &str,
    axis: &str,
    unit: Unit,
) -> Vec<f64> {
    let of = |figures: &Vec<Vec<Figure>>| {
        let found = figures[phase].iter().find(|f| f.quantity == quantity && f.axis == axis);
        found.map(|f| unit.to(f.value))
    };
    drawn.iter().filter_map(of).collect()
}

/// Mean and standard deviation of a sample.
pub(super) fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, square.sqrt())
}

/// Fits a figure's bars to the first `fit` scans and tests them with the others; None where no scan has it.
pub(super) fn reach((phase, quantity, axis): Name, trials: &[Option<Trial>], fit: usize) -> Option<Reach> {
    let (first, others) = trials.split_at(fit.min(trials.len()));
    let known: Vec<&Trial> = first.iter().flatten().collect();
    let n = known.len();
    if n < 2 {
        return None;
    }
    let around = |centre: Centre| {
        let (shift, deviation) =
            moments(&known.iter().map(|t| t.truth - t.centre(centre)).collect::<Vec<_>>());
        (centre, shift, deviation.powi(2))
    };
    let (drawn, segmented) = (around(Centre::Drawn), around(Centre::Segmented));
    let (centre, shift, total) = if segmented.2 < drawn.2 { segmented } else { drawn };
    let residual = |t: &Trial| t.truth - t.centre(centre) - shift;
    let spread = known.iter().map(|t| t.deviation.powi(2)).sum::<f64>() / n as f64;
    let unexplained = (total - spread).max(0.0).sqrt();
    let score = |t: &Trial| {
        let both = t.deviation.hypot(unexplained);
        if residual(t).abs() <= 1e-12 { 0.0 } else { residual(t).abs() / both.max(1e-12) }
    };
    let mut scores: Vec<f64> = known.iter().map(|t| score(t)).collect();
    scores.sort_unstable_by(f64::total_cmp);
    // The quantile that covers a further scan with the nominal probability (split conformal prediction).
    let place = (((n + 1) as f64 * NOMINAL).ceil() as usize).clamp(1, n) - 1;
    let reach = scores[place];
    let tested = others.iter().flatten().count();
    let covered = others.iter().flatten().filter(|t| score(t) <= reach).count();
    let all = others.len();
    let share = covered as f64 / tested.max(1) as f64;
    Some(Reach {
        phase,
        quantity,
        axis,
        centre,
        shift,
        unexplained,
        reach,
        explained: if total > 0.0 { (spread / total).min(1.0) } else { 1.0 },
        fitted: n,
        tested,
        covered,
        shown: tested == all && all > 0 && COVERAGE.contains(&share) && (0.1..LARGEST_REACH).contains(&reach),
    })
}
