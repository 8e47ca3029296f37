//! Training in the window: what is asked for, how it goes, how it ended.

use super::engine::Labelled;
use super::grey::Grey;
use super::stages::{self, StageLog};
use paser_core::data::classes::ClassMap;
use paser_core::event::{Control, Progress};
use paser_core::net::NetSpec;
use paser_core::train::{Preset, TrainConfig};
use paser_core::volume::VolumeInfo;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

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

    /// The images, their labels and the class table.
    ///
    /// # Errors
    /// A sentence where one of them is not given.
    pub fn labelled(&self) -> Result<Labelled, String> {
        let [images, labels] = [&self.images, &self.labels].map(|text| PathBuf::from(text.trim()));
        if images.as_os_str().is_empty() || labels.as_os_str().is_empty() {
            return Err("choose the images and their labels first".to_owned());
        }
        Ok(Labelled { images, labels, map: self.map()?, axes: self.config.axes })
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
        stages::hear(&mut self.stages, &mut self.notes, progress);
    }

    /// The stage whose charts are shown.
    pub fn stage(&self) -> Option<&StageLog> {
        self.shown.and_then(|i| self.stages.get(i)).or(self.stages.last())
    }
}
