//! What all stages of a training run share.

use super::Own;
use super::config::{ClassWeights, Stage, TrainConfig};
use super::loss;
use super::plan::Plan;
use crate::bundle::SplitRecord;
use crate::data::dataset::{Crop, Dataset, Split};
use crate::error::{Error, Result};
use crate::event::{Control, Figure, Picture, Progress};
use crate::fault::Faults;
use crate::metrics::UNLABELLED;
use crate::net::{Net, Policy};
use burn::tensor::{Device, Tensor, TensorData};
use std::sync::Arc;
use std::time::Instant;

/// A training run in progress.
pub(crate) struct Run<'a> {
    pub(crate) config: &'a TrainConfig,
    pub(crate) data: &'a Dataset,
    pub(crate) split: Split,
    /// Who learns from which images, where these differ.
    pub(crate) own: Option<Own>,
    /// How the bundle names the split, where it does not name every image.
    pub(crate) record: Option<SplitRecord>,
    /// With gradients.
    pub(crate) device: Device,
    /// What it complained of.
    pub(crate) faults: Faults,
    pub(crate) control: &'a Control,
    pub(crate) weights: Vec<f32>,
    /// What to go on from, where a bundle was given.
    pub(crate) start: Start,
    pub(crate) events: &'a mut dyn FnMut(Progress),
    pub(crate) pace: Pace,
    /// What is still to come.
    pub(crate) plan: Plan,
    /// Channels of the images.
    pub(crate) channels: usize,
    /// Classes told apart.
    pub(crate) classes: usize,
    /// Steps of the stage that was driven last, from its beginning.
    pub(crate) steps: usize,
    /// Wall seconds of those steps.
    pub(crate) seconds: f64,
}

/// Nets and policies (with their λ) to go on from.
#[derive(Default)]
pub(crate) struct Start {
    pub(crate) nets: Vec<Option<Net>>,
    pub(crate) policies: Vec<(f64, Policy)>,
    pub(crate) conditioned: Option<Policy>,
}

/// When the stage at hand began, and where.
pub(crate) struct Pace {
    began: Instant,
    first: usize,
    per_epoch: Option<usize>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { began: Instant::now(), first: 0, per_epoch: None }
    }
}

impl Run<'_> {
    /// Net `index` as training begins: that of the bundle given, else a fresh one.
    pub(crate) fn first(&self, index: usize) -> Net {
        let seed = self.config.seed.wrapping_add(index as u64);
        self.start
            .nets
            .get(index)
            .cloned()
            .flatten()
            .unwrap_or_else(|| self.config.nets[index].init(&self.device, seed))
    }

    /// The policy at `lambda` of the bundle given.
    pub(crate) fn start_policy(&self, lambda: f64) -> Option<Policy> {
        self.start.policies.iter().find(|(l, _)| *l == lambda).map(|(_, policy)| policy.clone())
    }

    /// A stage begins at step `first`, with `per_epoch` steps to a pass over its images.
    pub(crate) fn begin_stage(&mut self, first: usize, per_epoch: usize) {
        self.pace = Pace { first, per_epoch: Some(per_epoch.max(1)), ..Pace::default() };
    }

    /// Work without epochs begins.
    pub(crate) fn begin_work(&mut self) {
        self.pace = Pace::default();
    }

    pub(crate) fn report(&mut self, what: &str, done: usize, total: usize, figures: Vec<(Figure, f64)>) {
        self.show(what, done, total, figures, None);
    }

    /// The same with a picture.
    pub(crate) fn show(
        &mut self,
        what: &str,
        done: usize,
        total: usize,
        figures: Vec<(Figure, f64)>,
        picture: Option<Picture>,
    ) {
        let here = done.saturating_sub(self.pace.first);
        let pace = (here > 0).then(|| self.pace.began.elapsed().as_secs_f64() / here as f64);
        let seconds_left = pace.map(|pace| pace * total.saturating_sub(done) as f64);
        let later = self.plan.after(what);
        (self.events)(Progress {
            what: what.to_owned(),
            done,
            total,
            epoch: self.pace.per_epoch.map(|n| done as f64 / n as f64),
            seconds_left,
            seconds_left_in_all: seconds_left.zip(later).map(|(left, later)| left + later),
            figures,
            picture: picture.map(Arc::new),
            note: None,
        });
    }

    /// Says something that the user should know.
    pub(crate) fn note(&mut self, sentence: String) {
        (self.events)(Progress {
            what: "note".to_owned(),
            done: 0,
            total: 0,
            epoch: None,
            seconds_left: None,
            seconds_left_in_all: None,
            figures: Vec::new(),
            picture: None,
            note: Some(sentence),
        });
    }

    /// Training images of stage 0 (pretraining), 1 (policy) or 2 (fine-tuning): a third each where
    /// the configuration asks for it and there are enough, else all.
    pub(crate) fn stage_images(&self, stage: usize) -> Vec<usize> {
        if let Some(own) = &self.own {
            return own.policy.clone();
        }
        let train = &self.split.train;
        if !self.config.thirds || train.len() < 3 {
            return train.clone();
        }
        let third = |i: usize| train.len() * i / 3;
        train[third(stage)..third(stage + 1)].to_vec()
    }

    /// Images that net `index` learns from.
    pub(crate) fn net_images(&self, index: usize) -> Vec<usize> {
        self.own.as_ref().map_or_else(|| self.stage_images(0), |own| own.nets[index][0].clone())
    }

    /// Images that net `index` is looked at with while it learns.
    pub(crate) fn held_out(&self, index: usize) -> &[usize] {
        self.own.as_ref().map_or(&self.split.validation, |own| &own.nets[index][1])
    }

    /// Input [N,C,H,W], weighted one-hot targets [N,K,H,W] and number of labelled pixels.
    pub(crate) fn tensors(&self, crops: &[Crop], [h, w]: [usize; 2]) -> (Tensor<4>, Tensor<4>, f64) {
        let values: Vec<f32> = crops.iter().flat_map(|c| c.values.iter().copied()).collect();
        let truth: Vec<u8> = crops.iter().flat_map(|c| c.truth.iter().copied()).collect();
        let n = crops.len();
        let x = Tensor::from_data(TensorData::new(values, [n, self.channels, h, w]), &self.device);
        (x, loss::targets(&truth, [n, h, w], &self.weights, &self.device), loss::labelled(&truth))
    }
}

/// Learning rate of `stage` when a part of it is over.
pub(crate) fn cosine(stage: &Stage, part: f64) -> f64 {
    if !stage.cosine {
        return stage.learning_rate;
    }
    stage.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * part).cos())
}

/// Class weights for the training images.
///
/// # Errors
/// Where a class does not occur in them at all.
pub(crate) fn class_weights(
    config: &TrainConfig,
    data: &Dataset,
    train: &[usize],
    names: &[String],
) -> Result<Vec<f32>> {
    let classes = names.len();
    let mut counts = vec![0u64; classes];
    for class in train.iter().flat_map(|i| &data.samples[*i].truth).filter(|c| **c != UNLABELLED) {
        counts[usize::from(*class)] += 1;
    }
    if let Some(absent) = counts.iter().position(|c| *c == 0) {
        let name = names.get(absent).map_or("?", String::as_str);
        return Err(Error::invalid(format!(
            "class {name} does not occur in the training images; check its value in --classes, or choose another split"
        )));
    }
    Ok(match &config.class_weights {
        ClassWeights::None => vec![1.0; classes],
        ClassWeights::Given(weights) => weights.clone(),
        ClassWeights::InverseFrequency => {
            let inverse: Vec<f64> = counts.iter().map(|c| 1.0 / *c as f64).collect();
            let total: f64 = inverse.iter().sum();
            inverse.iter().map(|i| (i * classes as f64 / total) as f32).collect()
        }
    })
}
