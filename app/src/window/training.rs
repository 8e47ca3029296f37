//! Training in the window: what is asked for, how it goes, how it ended.

use super::grey::Grey;
use paser_core::data::classes::ClassMap;
use paser_core::event::{Control, Figure, Picture, Progress};
use paser_core::net::NetSpec;
use paser_core::train::{Preset, TrainConfig};
use paser_core::volume::VolumeInfo;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Points that a chart keeps of a figure; beyond, every second one goes.
const MOST: usize = 2000;

/// What to train or compare on, as typed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// Folder or stack of images.
    pub images: String,
    /// Folder or stack of labels.
    pub labels: String,
    /// Class table, as in "pore=1,carbon=2,nickel=3".
    pub classes: String,
    /// Folder of the bundle to make.
    pub out: String,
    /// All choices.
    pub config: TrainConfig,
    /// Why the choice made last was refused.
    pub refused: Option<String>,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            images: String::new(),
            labels: String::new(),
            classes: "pore=1,carbon=2,nickel=3".to_owned(),
            out: String::new(),
            config: TrainConfig::preset(Preset::Quick, 1, 3),
            refused: None,
        }
    }
}

/// The text fields of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Images.
    Images,
    /// Labels.
    Labels,
    /// Class table.
    Classes,
    /// Folder of the bundle.
    Out,
}

impl Form {
    /// A field.
    pub fn field(&self, field: Field) -> &str {
        match field {
            Field::Images => &self.images,
            Field::Labels => &self.labels,
            Field::Classes => &self.classes,
            Field::Out => &self.out,
        }
    }

    /// A field, to be changed.
    pub fn field_mut(&mut self, field: Field) -> &mut String {
        match field {
            Field::Images => &mut self.images,
            Field::Labels => &mut self.labels,
            Field::Classes => &mut self.classes,
            Field::Out => &mut self.out,
        }
    }

    /// The class table.
    ///
    /// # Errors
    /// A sentence where it is none.
    pub fn map(&self) -> Result<ClassMap, String> {
        self.classes.parse::<ClassMap>().map_err(|e| e.to_string())
    }

    /// The choices with nets for as many classes as the table names.
    ///
    /// # Errors
    /// A sentence where the table is none.
    pub fn ready(&self) -> Result<(ClassMap, TrainConfig), String> {
        let map = self.map()?;
        let classes = map.names.len();
        let mut config = self.config.clone();
        if config.nets.first().is_some_and(|n| n.classes() != classes) {
            config.nets = TrainConfig::preset(config.preset, 1, classes).nets;
        }
        config.check().map_err(|e| e.to_string())?;
        Ok((map, config))
    }
}

/// The pairs that a form names.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// Names of the images.
    pub names: Vec<String>,
    /// The first image.
    pub grey: Arc<Grey>,
    /// Its classes.
    pub truth: Vec<u8>,
    /// The number of classes.
    pub classes: usize,
    /// Share of its pixels without a class.
    pub ignored: f64,
    /// Type of its values.
    pub dtype: String,
    /// Headers of the file or stack that holds it.
    pub info: VolumeInfo,
    /// Whether images and labels are stacks, whose axes can be exchanged.
    pub turnable: bool,
    /// Tells previews apart.
    pub version: u64,
}

/// A stage and its figures.
#[derive(Clone, Debug, Default)]
pub struct StageLog {
    /// Name, as in "pretrain f2".
    pub name: String,
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
    /// Passes over the images so far.
    pub epoch: Option<f64>,
    /// Seconds that it still takes.
    pub left: Option<f64>,
    /// Seconds that the whole training still takes.
    pub left_in_all: Option<f64>,
    /// A tile through the eyes of what is being trained, the newest last.
    pub pictures: Vec<(usize, Arc<Picture>)>,
    /// Each figure by step.
    pub series: BTreeMap<Figure, Vec<[f64; 2]>>,
}

/// A training.
#[derive(Debug)]
pub struct Training {
    /// Tells trainings apart.
    pub id: u64,
    /// Pauses, ends and stops it.
    pub control: Control,
    /// Number of classes.
    pub classes: usize,
    /// Rows and columns of patches in a tile.
    pub grid: [usize; 2],
    /// Its stages so far.
    pub stages: Vec<StageLog>,
    /// The stage whose charts are shown; none: the newest.
    pub shown: Option<usize>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// When it began.
    pub since: Instant,
    /// How long it took, once it is over.
    pub took: Option<Duration>,
    /// Where the bundle is, or why there is none; none while it runs.
    pub outcome: Option<Result<Option<PathBuf>, String>>,
}

impl Training {
    /// About to begin.
    pub fn new(id: u64, control: Control, config: &TrainConfig) -> Self {
        Self {
            id,
            control,
            classes: config.nets.first().map_or(0, NetSpec::classes),
            grid: config.layout.grid,
            stages: Vec::new(),
            shown: None,
            notes: Vec::new(),
            since: Instant::now(),
            took: None,
            outcome: None,
        }
    }

    /// Whether it still runs.
    pub fn runs(&self) -> bool {
        self.outcome.is_none()
    }

    /// Takes in what the training says.
    pub fn hear(&mut self, progress: Progress) {
        if let Some(note) = progress.note {
            self.notes.push(note);
            return;
        }
        if self.stages.last().is_none_or(|s| s.name != progress.what) {
            self.stages.push(StageLog { name: progress.what.clone(), ..StageLog::default() });
        }
        let Some(stage) = self.stages.last_mut() else { return };
        (stage.done, stage.total) = (progress.done, progress.total);
        (stage.epoch, stage.left) = (progress.epoch, progress.seconds_left);
        stage.left_in_all = progress.seconds_left_in_all;
        stage.pictures.extend(progress.picture.map(|p| (progress.done, p)));
        for (figure, value) in progress.figures.into_iter().filter(|(_, v)| v.is_finite()) {
            let line = stage.series.entry(figure).or_default();
            line.push([progress.done as f64, value]);
            if line.len() > MOST {
                let mut keep = false;
                line.retain(|_| {
                    keep = !keep;
                    keep
                });
            }
        }
    }

    /// The stage whose charts are shown.
    pub fn stage(&self) -> Option<&StageLog> {
        self.shown.and_then(|i| self.stages.get(i)).or(self.stages.last())
    }
}

/// One choice of a training as the form shows it.
pub struct Choice {
    /// Its name in the file.
    pub name: &'static str,
    /// The paper's symbol, where it has one.
    pub symbol: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
}

const fn c(name: &'static str, symbol: &'static str, about: &'static str) -> Choice {
    Choice { name, symbol, about }
}

/// Every choice of a training by groups; what is itself a group in the file is edited as it stands there.
pub const CHOICES: &[(&str, &[Choice])] = &[
    (
        "Data",
        &[
            c("seed", "", "Decides everything that chance decides; the same seed gives the same bundle"),
            c(
                "split",
                "",
                "Images for training, validation and test: {\"counts\":[10,1,3]} or {\"parts\":[0.7,0.15,0.15]}",
            ),
            c(
                "axes",
                "",
                "The axes of two stacks that become Z, Y, X before slices are taken: [1,0,2] swaps Z and Y; null: as they are",
            ),
            c("thirds", "", "Divide the training images in thirds for the three stages (Appendix B)"),
            c(
                "normalisation",
                "",
                "How grey values become 0 to 1: percentiles of the volume, or a fixed value",
            ),
            c(
                "class_weights",
                "w",
                "Weights of the classes in the cross entropy: \"none\", \"inverse-frequency\" or {\"given\":[...]}",
            ),
            c(
                "augment",
                "",
                "What is done to the pieces that the nets learn from: random places, flips, turns, grey jitter",
            ),
        ],
    ),
    (
        "Pretraining of f1 to fm",
        &[
            c("pretrain", "θ1 … θm", "Length, batch, learning rate and schedule of each, f1 first"),
            c("dropout", "", "Train f1 to fm with their dropout on (f0 always is)"),
        ],
    ),
    (
        "Distillation of f0",
        &[
            c("distil", "θ0", "Length, batch, learning rate and schedule of f0's training on whole tiles"),
            c("beta", "β", "Weight of learning from the largest net beside the truth (Eq. 1)"),
            c(
                "kd_printed",
                "",
                "Total loss as printed, CE + β KD; else (1 − β) CE + β KD as in the authors' code",
            ),
            c("taught", "", "Tiles of a batch that the largest net answers too; null: all"),
            c("passes", "K", "Monte Carlo passes of f0 that make its entropy"),
            c(
                "f0_label",
                "",
                "What f0 answers where a patch stays with it: \"mean\" of the passes, or \"first-pass\"",
            ),
        ],
    ),
    (
        "Policy",
        &[
            c("policy", "θRL", "Length, batch, learning rate and schedule of the policy's training"),
            c("lambdas", "λ", "Weights of the cost that policies are trained at (Eq. 2)"),
            c("lambda", "λ", "The λ used where none is asked for; null: chosen on the validation curve"),
            c("least_share", "", "Least share of patches for every net at a λ chosen on the curve"),
            c(
                "estimator",
                "∇J",
                "Policy gradient from one \"sampled\" action a patch (Eq. 4), or its \"expected\" value over all",
            ),
            c(
                "temperature",
                "T",
                "Weight of the policy's own entropy beside the reward; keeps it from settling early",
            ),
            c(
                "alpha",
                "α",
                "Chance of acting by the policy rather than at random, first and last epoch (Eq. 4)",
            ),
            c(
                "cost_printed",
                "C",
                "f0's cost counts as printed in Eq. 3; else it is free as in the authors' code",
            ),
            c(
                "conditioned",
                "λ",
                "One policy for every λ: its training, temperature and how often small λ come; null: none",
            ),
            c(
                "tvd",
                "TVD",
                "Policies fine-tuned from λ = 0 until their routing has moved this far; null: none",
            ),
        ],
    ),
    (
        "Joint fine-tuning",
        &[
            c(
                "finetune",
                "θ1 … θm, θRL",
                "Length, batch, learning rate and schedule of training nets and policy together",
            ),
            c("finetune_alpha", "α", "Chance of acting by the policy, first and last epoch"),
        ],
    ),
    (
        "Nets",
        &[
            c(
                "idk_cost",
                "C",
                "What the IDK cascade pays for a patch when its gates are chosen (Eq. 5): \"accepting\": the net that took it, or \"sum\": all that ran",
            ),
            c(
                "model",
                "",
                "Another net on whole tiles for the comparison: its stage, width and time; used by paser train --model",
            ),
            c("layout", "P", "Size of a tile and the grid of patches in it"),
            c("nets", "f0 … fm", "The nets from small to large: stem and levels of each"),
        ],
    ),
];
