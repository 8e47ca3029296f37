//! What a training run measured: cost curve on validation images, methods side by side on test images.

use super::config::{Length, Stage, TrainConfig};
use super::reinforce::decide;
use super::run::Run;
use super::table::Table;
use crate::bundle::{CurvePoint, Manifest};
use crate::cost::Flops;
use crate::data::dataset::Sample;
use crate::device::{Compute, Description};
use crate::error::Result;
use crate::hash::Stream;
use crate::metrics::{Paired, mean, paired, total_variation};
use crate::net::Policy;
use crate::route::segment::{Segmenter, shares};
use serde::Serialize;

/// Draws of a random router that its figures are the mean of.
const DRAWS: usize = 20;

/// A finished stage.
#[derive(Clone, Debug, Serialize)]
pub struct StageReport {
    /// Name, as in "f2" or "policy-0.1".
    pub name: String,
    /// Optimiser steps.
    pub steps: usize,
    /// Passes over the stage's training images, as far as steps and batch make them.
    pub epochs: f64,
    /// Wall seconds.
    pub seconds: f64,
}

impl StageReport {
    pub(crate) fn of(name: &str, run: &Run<'_>, index: usize, seconds: f64) -> Self {
        let config = run.config;
        let (stage, size) = match index {
            0 => (config.distil, config.layout.tile),
            i => (config.pretrain[i - 1], config.layout.patch()),
        };
        Self::new(name, &stage, pieces(&run.data.samples, &run.stage_images(0), size), seconds)
    }

    pub(crate) fn policy(name: &str, run: &Run<'_>, seconds: f64) -> Self {
        let tiles = pieces(&run.data.samples, &run.stage_images(1), run.config.layout.tile);
        Self::new(name, &run.config.policy, tiles, seconds)
    }

    pub(crate) fn finetune(run: &Run<'_>, seconds: f64) -> Self {
        let tiles = pieces(&run.data.samples, &run.stage_images(2), run.config.layout.tile);
        Self::new("finetune", &run.config.finetune, tiles, seconds)
    }

    fn new(name: &str, stage: &Stage, pieces: usize, seconds: f64) -> Self {
        let steps = stage.length.steps(pieces.div_ceil(stage.batch));
        let epochs = match stage.length {
            Length::Epochs(n) => n as f64,
            Length::Steps(n) => (n * stage.batch) as f64 / pieces.max(1) as f64,
        };
        Self { name: name.to_owned(), steps, epochs, seconds }
    }
}

fn pieces(samples: &[Sample], images: &[usize], size: [usize; 2]) -> usize {
    let in_image = |i: &usize| (0..2).map(|d| samples[*i].image.size[d].div_ceil(size[d])).product::<usize>();
    images.iter().map(in_image).sum()
}

/// A method on the test images.
#[derive(Clone, Debug, Serialize)]
pub struct TestRow {
    /// "f0", "paser", "random, same shares as paser", ...
    pub method: String,
    /// λ, where the method has one.
    pub lambda: Option<f64>,
    /// Mean macro IoU of the stitched images.
    pub iou: f64,
    /// Share of patches to each net.
    pub shares: Vec<f64>,
    /// Mean cost of an image by the paper's count.
    pub flops: f64,
    /// IoU above that of a random router with the same shares, image by image.
    pub above_random: Option<Paired>,
}

/// What a run says at its end.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Stages that this call ran (a resumed run lists what was left).
    pub stages: Vec<StageReport>,
    /// Figures on images never trained on.
    pub validation: Validation,
    /// All choices.
    pub config: TrainConfig,
    /// The device.
    pub device: Description,
}

/// Figures on held-out images.
#[derive(Clone, Debug, Serialize)]
pub struct Validation {
    /// λ chosen (or given) for the bundle.
    pub lambda: f64,
    /// Validation curve.
    pub curve: Vec<CurvePoint>,
    /// Images of each part: training, validation, test.
    pub images: [usize; 3],
    /// What the test rows were measured on: "test images", or what stood in for them.
    pub measured_on: String,
    /// Methods side by side.
    pub test: Vec<TestRow>,
    /// Pixels without a class in all images.
    pub ignored: usize,
}

impl Summary {
    pub(crate) fn new(
        stages: Vec<StageReport>,
        run: &Run<'_>,
        manifest: &Manifest,
        test: Vec<TestRow>,
        compute: &Compute,
    ) -> Self {
        let split = &run.split;
        let measured_on = match (split.test.is_empty(), split.validation.is_empty()) {
            (false, _) => "test images",
            (true, false) => "validation images (no test images were set aside)",
            (true, true) => {
                "training images (nothing was set aside): these figures say nothing about new images"
            }
        };
        let validation = Validation {
            lambda: manifest.lambda,
            curve: manifest.curve.clone(),
            images: [split.train.len(), split.validation.len(), split.test.len()],
            measured_on: measured_on.to_owned(),
            test,
            ignored: run.data.ignored,
        };
        Self { stages, validation, config: run.config.clone(), device: compute.description.clone() }
    }
}

/// IoU, shares and cost of every policy on `table`'s images.
pub(crate) fn curve(
    run: &Run<'_>,
    table: &Table,
    segmenter: &Segmenter,
    policies: &[Policy],
) -> Result<Vec<CurvePoint>> {
    let mut points: Vec<CurvePoint> = Vec::new();
    for (policy, lambda) in segmenter.models.policies.iter().zip(&run.config.lambdas).take(policies.len()) {
        let (iou, shares, flops) =
            figures(run, table, segmenter, &decide(run, table, policy, segmenter.models.nets.len())?);
        let tvd = points.first().map_or(0.0, |zero| total_variation(&shares, &zero.shares));
        points.push(CurvePoint { lambda: *lambda, shares, iou: mean(&iou), flops, tvd });
    }
    Ok(points)
}

fn figures(
    run: &Run<'_>,
    table: &Table,
    segmenter: &Segmenter,
    actions: &[Vec<u8>],
) -> (Vec<f64>, Vec<f64>, f64) {
    let nets = segmenter.models.nets.len();
    let iou = table.iou(&run.data.samples, actions);
    let taken = shares(table.live().map(|(t, p)| actions[t][p]), nets);
    (iou, taken, table.flops(actions, fixed_cost(run, segmenter), &segmenter.costs().patch))
}

/// f0's passes and the policy on a tile.
fn fixed_cost(run: &Run<'_>, segmenter: &Segmenter) -> Flops {
    run.config.passes as Flops * segmenter.costs().f0 + segmenter.costs().policy
}

/// The given λ; else, among the policies that send every net its least share, the one with the best
/// IoU; else the one whose smallest share is largest.
pub(crate) fn choose_lambda(config: &TrainConfig, curve: &[CurvePoint]) -> f64 {
    if let Some(lambda) = config.lambda {
        return lambda;
    }
    let least = |p: &CurvePoint| p.shares.iter().copied().fold(f64::INFINITY, f64::min);
    let fair = curve.iter().filter(|p| least(p) >= config.least_share).max_by(|a, b| a.iou.total_cmp(&b.iou));
    let fairest = || curve.iter().max_by(|a, b| least(a).total_cmp(&least(b)));
    fair.or_else(fairest).map_or(config.lambdas[0], |p| p.lambda)
}

/// Fixed nets, PaSeR at every λ, a random router with the same shares, and the oracle.
pub(crate) fn test(
    run: &Run<'_>,
    table: &Table,
    segmenter: &Segmenter,
    policies: &[Policy],
    costs: &[f64],
) -> Result<Vec<TestRow>> {
    let nets = segmenter.models.nets.len();
    let patches = run.config.layout.patches();
    let mut rows = Vec::new();
    for net in 0..nets {
        let actions = vec![vec![net as u8; patches]; table.tiles.len()];
        let (iou, shares, _) = figures(run, table, segmenter, &actions);
        let fixed = if net == 0 { run.config.passes as Flops * segmenter.costs().f0 } else { 0 };
        let flops = table.flops(&actions, fixed, &segmenter.costs().patch);
        rows.push(TestRow {
            method: format!("f{net}"),
            lambda: None,
            iou: mean(&iou),
            shares,
            flops,
            above_random: None,
        });
    }
    for (policy, lambda) in segmenter.models.policies.iter().zip(&run.config.lambdas).take(policies.len()) {
        let actions = decide(run, table, policy, nets)?;
        let (iou, shares, flops) = figures(run, table, segmenter, &actions);
        let random = random_router(run, table, &shares);
        let above_random = paired(&iou, &random);
        rows.push(TestRow {
            method: "paser".to_owned(),
            lambda: Some(*lambda),
            iou: mean(&iou),
            shares: shares.clone(),
            flops,
            above_random,
        });
        let name = "random, same shares".to_owned();
        rows.push(TestRow {
            method: name,
            lambda: Some(*lambda),
            iou: mean(&random),
            shares,
            flops,
            above_random: None,
        });
        let (iou, shares, flops) = figures(run, table, segmenter, &oracle(table, costs, *lambda));
        rows.push(TestRow {
            method: "oracle".to_owned(),
            lambda: Some(*lambda),
            iou: mean(&iou),
            shares,
            flops,
            above_random: None,
        });
    }
    Ok(rows)
}

/// IoU of each image under a random router with the given shares, mean of [`DRAWS`] draws.
fn random_router(run: &Run<'_>, table: &Table, shares: &[f64]) -> Vec<f64> {
    let mut stream = Stream::new(run.config.seed, "random router");
    let mut sums: Vec<f64> = Vec::new();
    for _ in 0..DRAWS {
        let mut draw = || {
            let mut left = stream.unit();
            let chosen = shares.iter().position(|s| {
                left -= s;
                left < 0.0
            });
            chosen.unwrap_or(shares.len() - 1) as u8
        };
        let actions: Vec<Vec<u8>> =
            table.tiles.iter().map(|t| t.patches.iter().map(|_| draw()).collect()).collect();
        let iou = table.iou(&run.data.samples, &actions);
        sums.resize(iou.len(), 0.0);
        sums.iter_mut().zip(iou).for_each(|(sum, i)| *sum += i / DRAWS as f64);
    }
    sums
}

/// For every patch the net with the best reward, the cheapest of equals.
fn oracle(table: &Table, costs: &[f64], lambda: f64) -> Vec<Vec<u8>> {
    let best = |tile: usize| {
        let rewards = table.rewards(&[tile], costs, lambda);
        rewards.chunks(costs.len()).map(crate::route::method::argmax).collect()
    };
    (0..table.tiles.len()).map(best).collect()
}
