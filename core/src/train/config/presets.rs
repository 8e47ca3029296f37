//! The choices of each preset.

use super::{ClassWeights, Conditioning, Estimator, Length, Preset, Stage, TrainConfig, WholeStage};
use crate::bundle::{F0Label, Sees};
use crate::compare::IdkCost;
use crate::data::augment::Augment;
use crate::data::dataset::SplitRule;
use crate::data::normalise::Normalisation;
use crate::net::{NetSpec, UnetSpec};
use crate::route::tiles::Layout;

const PAPER_LAMBDAS: [f64; 7] = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0];

impl TrainConfig {
    pub(super) fn paper(channels: usize, classes: usize) -> Self {
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
            axes: None,
            thirds: true,
            normalisation: Normalisation::Fixed { high: 255.0 },
            class_weights: ClassWeights::None,
            augment: Augment::default(),
            dropout: true,
            pretrain: vec![Stage { batch: 32 * patches, ..stage }; 2],
            distil: stage,
            beta: 0.01,
            taught: None,
            kd_printed: true,
            passes: 5,
            f0_label: F0Label::Mean,
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
            conditioned: Some(Conditioning { stage, temperature: 0.005, sees: Sees::Patches, power: 3.0 }),
            tvd: None,
            idk_cost: IdkCost::default(),
            model: WholeStage { stage, width: 1.0 },
        }
    }

    pub(super) fn authors(channels: usize, classes: usize) -> Self {
        // weights for pore, carbon and nickel; other class tables get none
        let given = ClassWeights::Given(vec![0.962_751_1, 0.896_902_9, 0.140_345_98]);
        Self {
            preset: Preset::Authors,
            class_weights: if classes == 3 { given } else { ClassWeights::None },
            kd_printed: false,
            cost_printed: false,
            f0_label: F0Label::FirstPass,
            ..Self::paper(channels, classes)
        }
    }

    pub(super) fn quick(channels: usize, classes: usize) -> Self {
        let stage = |steps, batch, learning_rate| Stage {
            length: Length::Steps(steps),
            batch,
            learning_rate,
            cosine: true,
        };
        Self {
            preset: Preset::Quick,
            split: SplitRule::Parts([0.7, 0.15, 0.15]),
            axes: None,
            thirds: false,
            normalisation: Normalisation::Percentiles { low: 0.5, high: 99.5 },
            class_weights: ClassWeights::InverseFrequency,
            augment: Augment { crop: true, flips: true, turns: true, jitter: 0.05 },
            dropout: false,
            pretrain: vec![stage(500, 16, 3e-3), stage(160, 16, 1e-3)],
            distil: stage(300, 6, 3e-3),
            taught: Some(1),
            policy: stage(60, 4, 3e-3),
            lambdas: vec![0.0, 0.02, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0],
            lambda: None,
            least_share: 0.05,
            estimator: Estimator::Expected,
            temperature: 0.005,
            finetune: stage(12, 4, 1e-4),
            conditioned: Some(Conditioning {
                stage: stage(150, 4, 1e-2),
                temperature: 0.005,
                sees: Sees::Patches,
                power: 3.0,
            }),
            model: WholeStage::default(),
            ..Self::paper(channels, classes)
        }
    }
}
