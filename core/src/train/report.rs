//! What a training run says at its end.

use super::card::Card;
use super::config::{Length, Stage, TrainConfig};
use super::run::Run;
use crate::bundle::{CurvePoint, Manifest};
use crate::compare::{KindsCompared, Row};
use crate::data::dataset::Sample;
use crate::device::{Compute, Description};
use serde::{Deserialize, Serialize};

/// A finished stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// Of a net on whole tiles.
    pub(crate) fn whole(name: &str, run: &Run<'_>) -> Self {
        let tiles = pieces(&run.data.samples, &run.split.train, run.config.layout.tile);
        Self::new(name, &run.config.model.stage, run, tiles, run.seconds)
    }

    pub(crate) fn of(name: &str, run: &Run<'_>, index: usize, seconds: f64) -> Self {
        let config = run.config;
        let (stage, size) = match index {
            0 => (config.distil, config.layout.tile),
            i => (config.pretrain[i - 1], config.layout.patch()),
        };
        Self::new(name, &stage, run, pieces(&run.data.samples, &run.net_images(index), size), seconds)
    }

    pub(crate) fn policy(name: &str, run: &Run<'_>, seconds: f64) -> Self {
        let tiles = pieces(&run.data.samples, &run.stage_images(1), run.config.layout.tile);
        Self::new(name, &run.config.policy, run, tiles, seconds)
    }

    pub(crate) fn finetune(run: &Run<'_>, seconds: f64) -> Self {
        let tiles = pieces(&run.data.samples, &run.stage_images(2), run.config.layout.tile);
        Self::new("finetune", &run.config.finetune, run, tiles, seconds)
    }

    fn new(name: &str, stage: &Stage, run: &Run<'_>, pieces: usize, seconds: f64) -> Self {
        let steps = match stage.length {
            Length::Minutes(_) => run.steps,
            length => length.steps(pieces.div_ceil(stage.batch)),
        };
        let epochs = match stage.length {
            Length::Epochs(n) => n as f64,
            _ => (steps * stage.batch) as f64 / pieces.max(1) as f64,
        };
        Self { name: name.to_owned(), steps, epochs, seconds }
    }
}

fn pieces(samples: &[Sample], images: &[usize], size: [usize; 2]) -> usize {
    let in_image = |i: &usize| (0..2).map(|d| samples[*i].image.size[d].div_ceil(size[d])).product::<usize>();
    images.iter().map(in_image).sum()
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
    /// Whether the larger nets gain over f0.
    pub card: Card,
    /// Name and training record of the bundle that the nets went on from, where there was one.
    pub started_from: Option<serde_json::Value>,
}

/// Figures on held-out images.
#[derive(Clone, Debug, Serialize)]
pub struct Validation {
    /// λ chosen (or given) for the bundle.
    pub lambda: f64,
    /// Validation curve.
    pub curve: Vec<CurvePoint>,
    /// Validation curve of the λ-conditioned policy; empty where there is none.
    pub conditioned: Vec<CurvePoint>,
    /// The λ-conditioned policy against those trained at one λ, on the same images.
    pub kinds: Vec<KindsCompared>,
    /// Images of each part: training, validation, test.
    pub images: [usize; 3],
    /// What the test rows were measured on: "test images", or what stood in for them.
    pub measured_on: String,
    /// Methods side by side.
    pub test: Vec<Row>,
    /// Pixels without a class in all images.
    pub ignored: usize,
}

impl Summary {
    pub(crate) fn new(
        stages: Vec<StageReport>,
        run: &Run<'_>,
        manifest: &Manifest,
        test: Vec<Row>,
        compute: &Compute,
        card: Card,
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
            conditioned: manifest.conditioned.as_ref().map(|c| c.curve.clone()).unwrap_or_default(),
            kinds: Vec::new(),
            images: [split.train.len(), split.validation.len(), split.test.len()],
            measured_on: measured_on.to_owned(),
            test,
            ignored: run.data.ignored,
        };
        Self {
            stages,
            validation,
            config: run.config.clone(),
            device: compute.description.clone(),
            card,
            started_from: None,
        }
    }
}

/// Whether the λ-conditioned policy is at no λ worse than the one trained there beyond noise (95 %); one image
/// cannot tell.
pub(crate) fn nowhere_worse(kinds: &[KindsCompared]) -> bool {
    !kinds.is_empty() && kinds.iter().all(|k| k.reward.as_ref().is_some_and(|p| p.high >= 0.0))
}

/// The given λ; else the largest, and so the cheapest, whose routing sends every net its least share; where
/// none does, the one whose smallest share is largest, and of equals the one with the best IoU. The routings
/// are those of the λ-conditioned policy where it is preferred, else of those trained at one λ.
pub(crate) fn choose_lambda(config: &TrainConfig, manifest: &Manifest) -> f64 {
    if let Some(lambda) = config.lambda {
        return lambda;
    }
    let conditioned = manifest.conditioned.as_ref().filter(|c| c.preferred);
    let trained = manifest.policies.iter().zip(&manifest.curve).filter(|(entry, _)| entry.tvd.is_none());
    let curve = conditioned
        .map_or_else(|| trained.map(|(_, point)| point).collect(), |c| c.curve.iter().collect::<Vec<_>>());
    let least = |p: &CurvePoint| p.shares.iter().copied().fold(f64::INFINITY, f64::min);
    let fair =
        curve.iter().filter(|p| least(p) >= config.least_share).max_by(|a, b| a.lambda.total_cmp(&b.lambda));
    let fairest = || curve.iter().max_by(|a, b| least(a).total_cmp(&least(b)).then(a.iou.total_cmp(&b.iou)));
    fair.or_else(fairest).map_or(config.lambdas[0], |p| p.lambda)
}
