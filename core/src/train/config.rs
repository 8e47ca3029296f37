//! Everything a training run can be told, in one struct: file, flags and form are the same thing.

use crate::data::dataset::SplitRule;
use crate::data::normalise::Normalisation;
use crate::error::{Error, Result};
use crate::net::{NetSpec, UnetSpec};
use crate::route::tiles::Layout;
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Length {
    /// Passes over the stage's images.
    Epochs(usize),
    /// Optimiser steps.
    Steps(usize),
}

impl Length {
    /// Steps at `per_epoch` steps an epoch.
    pub fn steps(self, per_epoch: usize) -> usize {
        match self {
            Self::Epochs(n) => n * per_epoch.max(1),
            Self::Steps(n) => n,
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
    /// Whether the training images are divided in thirds for the three stages (paper, B1).
    pub thirds: bool,
    /// How grey values become input.
    pub normalisation: Normalisation,
    /// Class weights.
    pub class_weights: ClassWeights,
    /// Random crops and flips; else the tiles and patches of the regular grid.
    pub augment: bool,
    /// Whether f1 to fm are trained with their dropout on (f0 always is).
    pub dropout: bool,
    /// Pretraining of each of f1 to fm on patches.
    pub pretrain: Vec<Stage>,
    /// Distillation of f0 from fm on tiles.
    pub distil: Stage,
    /// β, the weight of the distillation loss (Eq. 1).
    pub beta: f64,
    /// Whether the total is CE + β KD as printed; else (1 - β) CE + β KD as in the authors' code.
    pub kd_printed: bool,
    /// Monte Carlo passes of f0.
    pub passes: usize,
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
}

const PAPER_LAMBDAS: [f64; 7] = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0];

impl TrainConfig {
    /// The choices of `preset` for images of `channels` and `classes`.
    pub fn preset(preset: Preset, channels: usize, classes: usize) -> Self {
        match preset {
            Preset::Quick => Self::quick(channels, classes),
            Preset::Paper => Self::paper(channels, classes),
            Preset::Authors => Self::authors(channels, classes),
        }
    }

    fn paper(channels: usize, classes: usize) -> Self {
        let stage = Stage { length: Length::Epochs(200), batch: 32, learning_rate: 1e-4, cosine: false };
        let patches = Layout::PAPER.patches();
        Self {
            preset: Preset::Paper,
            seed: 42,
            layout: Layout::PAPER,
            nets: [UnetSpec::f0, UnetSpec::f1, UnetSpec::f2]
                .map(|f| NetSpec::Unet(f(channels, classes)))
                .to_vec(),
            split: SplitRule::Parts([1270.0, 20.0, 40.0]),
            thirds: true,
            normalisation: Normalisation::Fixed { high: 255.0 },
            class_weights: ClassWeights::None,
            augment: false,
            dropout: true,
            pretrain: vec![Stage { batch: 32 * patches, ..stage }; 2],
            distil: stage,
            beta: 0.01,
            kd_printed: true,
            passes: 5,
            policy: stage,
            lambdas: PAPER_LAMBDAS.to_vec(),
            lambda: Some(0.5),
            least_share: 0.0,
            estimator: Estimator::Sampled,
            temperature: 0.0,
            alpha: [0.7, 0.95],
            cost_printed: true,
            finetune: stage,
            finetune_alpha: [0.95, 1.0],
        }
    }

    fn authors(channels: usize, classes: usize) -> Self {
        // weights for pore, carbon and nickel; other class tables get none
        let given = ClassWeights::Given(vec![0.962_751_1, 0.896_902_9, 0.140_345_98]);
        Self {
            preset: Preset::Authors,
            class_weights: if classes == 3 { given } else { ClassWeights::None },
            kd_printed: false,
            cost_printed: false,
            ..Self::paper(channels, classes)
        }
    }

    fn quick(channels: usize, classes: usize) -> Self {
        let stage = |steps, batch, learning_rate| Stage {
            length: Length::Steps(steps),
            batch,
            learning_rate,
            cosine: true,
        };
        Self {
            preset: Preset::Quick,
            split: SplitRule::Parts([0.7, 0.15, 0.15]),
            thirds: false,
            normalisation: Normalisation::Percentiles { low: 0.5, high: 99.5 },
            class_weights: ClassWeights::InverseFrequency,
            augment: true,
            dropout: false,
            pretrain: vec![stage(500, 16, 3e-3), stage(160, 16, 1e-3)],
            distil: stage(240, 2, 3e-3),
            policy: stage(60, 4, 3e-3),
            lambdas: vec![0.0, 0.02, 0.05, 0.1, 0.5],
            lambda: None,
            least_share: 0.05,
            estimator: Estimator::Expected,
            temperature: 0.005,
            finetune: stage(12, 4, 1e-4),
            ..Self::paper(channels, classes)
        }
    }

    /// # Errors
    /// A sentence on the first choice that contradicts another.
    pub fn check(&self) -> Result<()> {
        let sound = |ok: bool, why: &str| if ok { Ok(()) } else { Err(Error::invalid(why)) };
        sound(self.layout.is_valid(), "the patch grid must divide the tile")?;
        sound(self.nets.len() >= 2, "at least two nets are needed: f0 and one larger")?;
        sound(self.pretrain.len() + 1 == self.nets.len(), "each of f1 to fm needs a pretraining stage")?;
        let side = self.layout.patch().into_iter().min().unwrap_or(0);
        let fits =
            |n: &NetSpec| n.is_valid() && n.smallest_side() <= side && n.classes() == self.nets[0].classes();
        sound(
            self.nets.iter().all(fits),
            "the patches are too small for the nets, or the nets differ in their classes",
        )?;
        sound(!self.lambdas.is_empty(), "at least one λ is needed")?;
        let unit = |v: &f64| (0.0..=1.0).contains(v);
        sound(
            self.lambdas.iter().chain(&self.lambda).chain(&self.alpha).all(unit),
            "λ and α must lie between 0 and 1",
        )?;
        sound((1..=1000).contains(&self.passes), "1 to 1000 Monte Carlo passes are possible")?;
        let stages = self.pretrain.iter().chain([&self.distil, &self.policy, &self.finetune]);
        sound(
            stages.clone().all(|s| s.batch > 0 && s.learning_rate > 0.0),
            "batches and learning rates must be positive",
        )?;
        match &self.class_weights {
            ClassWeights::Given(w) => {
                sound(w.len() == self.nets[0].classes(), "one weight a class is needed")
            }
            _ => Ok(()),
        }
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
}
