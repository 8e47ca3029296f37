//! Everything a training run can be told, in one struct: file, flags and form are the same thing.

mod check;
mod presets;

use crate::bundle::{F0Label, Sees};
use crate::compare::IdkCost;
use crate::data::augment::Augment;
use crate::data::dataset::SplitRule;
use crate::data::normalise::Normalisation;
use crate::error::{Error, Result};
use crate::net::NetSpec;
use crate::route::tiles::Layout;
use crate::volume::Axes;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A named set of choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// For a workstation without a GPU: fewer steps, augmentation, expected policy gradient.
    #[default]
    Quick,
    /// The paper's text: Eq. 1 to 4 and Appendix B.
    Paper,
    /// The authors' public code where it differs from the text.
    Authors,
}

impl std::str::FromStr for Preset {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "quick" => Ok(Self::Quick),
            "paper" => Ok(Self::Paper),
            "authors" => Ok(Self::Authors),
            _ => Err(Error::invalid(format!("\"{text}\" is no preset; use quick, paper or authors"))),
        }
    }
}

/// How long a stage lasts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Length {
    /// Passes over the stage's images.
    Epochs(usize),
    /// Optimiser steps.
    Steps(usize),
    /// Wall minutes of the steps, pauses left out. The learning rate follows the clock, so that another run of
    /// the same choices ends with other weights.
    Minutes(f64),
}

impl Length {
    /// Steps at `per_epoch` steps an epoch; without end where the clock decides.
    pub fn steps(self, per_epoch: usize) -> usize {
        match self {
            Self::Epochs(n) => n * per_epoch.max(1),
            Self::Steps(n) => n,
            Self::Minutes(_) => usize::MAX,
        }
    }

    /// The part that is over after `step` steps that took `seconds`.
    pub fn part(self, step: usize, seconds: f64, per_epoch: usize) -> f64 {
        match self {
            Self::Minutes(minutes) => seconds / (60.0 * minutes),
            _ => step as f64 / self.steps(per_epoch).max(1) as f64,
        }
    }
}

/// A stage of supervised training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// How long.
    pub length: Length,
    /// Patches (f1, f2) or tiles (f0, policy) in a step.
    pub batch: usize,
    /// Learning rate at the start.
    pub learning_rate: f64,
    /// Whether it falls to zero along a cosine; else it stays.
    pub cosine: bool,
}

/// Weights of the classes in the cross entropy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// All one.
    None,
    /// By inverse frequency in the training images, with mean one.
    InverseFrequency,
    /// These, in the classes' order.
    Given(Vec<f32>),
}

/// How the policy's gradient is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimator {
    /// From one sampled action a patch (Algorithm 1, Eq. 4).
    Sampled,
    /// The exact expectation over all actions, which the reward table affords.
    Expected,
}

/// Training of the λ-conditioned policy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conditioning {
    /// How long; every tile of a step gets a λ of its own.
    #[serde(flatten)]
    pub stage: Stage,
    /// T, the weight of the policy's entropy (nats) beside the expected reward.
    pub temperature: f64,
    /// What the policy's head reads.
    pub sees: Sees,
    /// λ is u to this power, u uniform in [0,1]: above 1, small λ come more often, where the larger nets pay.
    pub power: f64,
}

/// Fine-tuning of the policy at λ = 0 with rising λ until its routing has moved far enough (section R4, B3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TvdStage {
    /// Total variation distances at which a policy is kept, rising.
    pub thresholds: Vec<f64>,
    /// What λ rises by in a step.
    pub rise: f64,
    /// At most this long.
    pub stage: Stage,
}

/// Training of one of the comparison's nets on whole tiles (`--model`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WholeStage {
    /// How.
    #[serde(flatten)]
    pub stage: Stage,
    /// Channels of each layer against the published net; below 1 a reduced net (deeplabv3plus, matphase).
    pub width: f64,
}

impl Default for WholeStage {
    fn default() -> Self {
        let stage = Stage { length: Length::Steps(300), batch: 4, learning_rate: 1e-3, cosine: true };
        Self { stage, width: 1.0 }
    }
}

/// All choices of a training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Where it came from.
    pub preset: Preset,
    /// Seed of everything that chance decides.
    pub seed: u64,
    /// Tile and patch grid.
    pub layout: Layout,
    /// f0 to fm.
    pub nets: Vec<NetSpec>,
    /// Images for training, validation and test.
    pub split: SplitRule,
    /// The axes of two stacks (images, labels) that become Z, Y, X before slices are taken; none: as they are.
    #[serde(default)]
    pub axes: Option<Axes>,
    /// Whether the training images are divided in thirds for the three stages (paper, B1).
    pub thirds: bool,
    /// How grey values become input.
    pub normalisation: Normalisation,
    /// Class weights.
    pub class_weights: ClassWeights,
    /// What is done to the pieces that the nets learn from.
    pub augment: Augment,
    /// Whether f1 to fm are trained with their dropout on (f0 always is).
    pub dropout: bool,
    /// Pretraining of each of f1 to fm on patches.
    pub pretrain: Vec<Stage>,
    /// Distillation of f0 from fm on tiles.
    pub distil: Stage,
    /// β, the weight of the distillation loss (Eq. 1).
    pub beta: f64,
    /// Tiles of a batch that the teacher answers too; none: all. Its answers cost more than f0's own step.
    pub taught: Option<usize>,
    /// Whether the total is CE + β KD as printed; else (1 - β) CE + β KD as in the authors' code.
    pub kd_printed: bool,
    /// Monte Carlo passes of f0.
    pub passes: usize,
    /// What f0 answers for the patches that stay with it.
    pub f0_label: F0Label,
    /// Training of the policy, once for each λ.
    pub policy: Stage,
    /// λ of the policies in the bundle.
    pub lambdas: Vec<f64>,
    /// λ used where none is asked for; none: chosen on the validation curve.
    pub lambda: Option<f64>,
    /// Least share of patches for every net at a λ chosen on the validation curve.
    pub least_share: f64,
    /// How the policy's gradient is estimated.
    pub estimator: Estimator,
    /// Weight of the policy's own entropy (nats) beside the expected reward: keeps it from settling
    /// before it has seen the rare patches; none in the paper. Used with the expected gradient.
    pub temperature: f64,
    /// α at the first and last epoch of the policy's training (Eq. 4).
    pub alpha: [f64; 2],
    /// Whether f0's cost counts as printed in Eq. 3.
    pub cost_printed: bool,
    /// Joint fine-tuning of f1 to fm and the policy.
    pub finetune: Stage,
    /// α at the first and last epoch of fine-tuning.
    pub finetune_alpha: [f64; 2],
    /// The policy that serves every λ, where one is wanted.
    pub conditioned: Option<Conditioning>,
    /// Policies fine-tuned to TVD thresholds, where they are wanted.
    pub tvd: Option<TvdStage>,
    /// What Eq. 5 charges the IDK cascade for a patch when its gates are chosen.
    #[serde(default)]
    pub idk_cost: IdkCost,
    /// One other net on whole tiles, where `--model` names one.
    #[serde(default)]
    pub model: WholeStage,
}

impl TrainConfig {
    /// The choices of `preset` for images of `channels` and `classes`.
    pub fn preset(preset: Preset, channels: usize, classes: usize) -> Self {
        match preset {
            Preset::Quick => Self::quick(channels, classes),
            Preset::Paper => Self::paper(channels, classes),
            Preset::Authors => Self::authors(channels, classes),
        }
    }

    /// The choices in a JSON file, as a bundle's manifest shows them under `training.config`.
    ///
    /// # Errors
    /// Where it cannot be read or is no configuration.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).map_err(|e| Error::io("cannot read", path, e))?;
        serde_json::from_slice(&text)
            .map_err(|e| Error::bad(path, format!("it is no training configuration ({e})")))
    }

    /// Writes them to a JSON file.
    ///
    /// # Errors
    /// Where it exists and `force` is not set, or cannot be written.
    pub fn write(&self, path: &Path, force: bool) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(|e| Error::invalid(e.to_string()))?;
        crate::export::write_atomic(path, &text, force)
    }

    /// The same with one choice changed: `choice` names it as the file does, as in "policy.batch=8".
    ///
    /// # Errors
    /// Where there is no such choice or the value does not fit it.
    pub fn with(&self, choice: &str) -> Result<Self> {
        let wrong = |why: &str| Error::invalid(format!("--set {choice}: {why}"));
        let (name, value) =
            choice.split_once('=').ok_or_else(|| wrong("write name=value, as in policy.batch=8"))?;
        let mut all = serde_json::to_value(self).map_err(|e| wrong(&e.to_string()))?;
        let pointer = format!("/{}", name.trim().replace('.', "/"));
        let place = all
            .pointer_mut(&pointer)
            .ok_or_else(|| wrong("there is no such choice; --write-config FILE shows the names of all"))?;
        *place = serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::from(value.trim()));
        serde_json::from_value(all).map_err(|e| wrong(&e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_sound_and_survives_its_file() {
        for preset in [Preset::Quick, Preset::Paper, Preset::Authors] {
            let config = TrainConfig::preset(preset, 1, 3);
            config.check().expect("a sound preset");
            let text = serde_json::to_string(&config).expect("to a file");
            assert_eq!(serde_json::from_str::<TrainConfig>(&text).expect("from a file"), config);
        }
    }

    #[test]
    fn one_choice_can_be_set_by_its_name() {
        let config = TrainConfig::preset(Preset::Quick, 1, 3);
        let set = config.with("policy.batch=8").expect("a number").with("lambdas=[0,0.2]").expect("a list");
        assert_eq!((set.policy.batch, set.lambdas.as_slice()), (8, &[0.0, 0.2][..]));
        assert_eq!(config.with("class_weights=none").expect("a word").class_weights, ClassWeights::None);
        assert_eq!(
            config.with("pretrain.1.length.steps=7").expect("nested").pretrain[1].length,
            Length::Steps(7)
        );
        assert!(config.with("polcy.batch=8").is_err() && config.with("policy.batch=x").is_err());
    }
}
