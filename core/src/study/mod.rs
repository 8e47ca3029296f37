//! The paper's experiments, each one call: it trains what is missing, measures, and gives a page with the
//! paper's figures beside its own.

mod again;
mod battery_table;
mod beta;
mod catalogue;
mod cityscapes;
mod diary;
mod ground;
mod lambda_curve;
mod mc_samples;
mod noise_robustness;
mod noisy_mnist;
mod page;
mod placement;
mod statistics;
mod where_it_looks;

pub use catalogue::Needs;
pub use ground::Labelled;
pub use noisy_mnist::Digits;
pub use page::{Figure, Page, Table};

use crate::bundle::Bundle;
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::event::{Control, Progress};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How large a study is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// A few steps: shows that a study runs, and nothing else.
    Trial,
    /// What a workstation without a graphics card does in about an hour; every page says "reduced".
    #[default]
    Workstation,
    /// The paper's numbers of steps and images.
    Paper,
}

impl Scale {
    /// Name for people and folders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trial => "trial (a few steps, its figures mean nothing)",
            Self::Workstation => "workstation (reduced)",
            Self::Paper => "paper",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Workstation => "workstation",
            Self::Paper => "paper",
        }
    }
}

impl std::str::FromStr for Scale {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Trial, Self::Workstation, Self::Paper]
            .into_iter()
            .find(|s| s.folder() == text)
            .ok_or_else(|| Error::invalid(format!("\"{text}\" is no scale; use trial, workstation or paper")))
    }
}

/// The studies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Study {
    /// Tables 1 and 2 (right half), Figs. 3, 4, 8, 12 and section R4.
    NoisyMnist,
    /// Tables 1 and 2 (left half), R1, R2, Fig. 1.
    BatteryTable,
    /// Fig. 5b.
    LambdaCurve,
    /// Fig. 5a.
    McSamples,
    /// Costs of a placement in place of Eq. 3.
    Placement,
    /// Figs. 6, 7 and 9.
    WhereItLooks,
    /// Table 3, Figs. 10, 11 and R3.
    NoiseRobustness,
    /// β of Eq. 1.
    Beta,
    /// Section R2.
    Cityscapes,
}

impl Study {
    /// All, with their names.
    pub const ALL: [(Self, &str); 9] = [
        (Self::BatteryTable, "battery-table"),
        (Self::NoiseRobustness, "noise-robustness"),
        (Self::NoisyMnist, "noisy-mnist"),
        (Self::LambdaCurve, "lambda-curve"),
        (Self::McSamples, "mc-samples"),
        (Self::Cityscapes, "cityscapes"),
        (Self::Beta, "beta"),
        (Self::Placement, "placement"),
        (Self::WhereItLooks, "where-it-looks"),
    ];
}

impl std::str::FromStr for Study {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let names: Vec<&str> = Self::ALL.iter().map(|s| s.1).collect();
        Self::ALL.iter().find(|s| s.1 == text).map(|s| s.0).ok_or_else(|| {
            Error::invalid(format!("\"{text}\" is no study of this program; use {}", names.join(", ")))
        })
    }
}

/// What a study works with.
pub struct Context<'a> {
    /// Folder of a data set that the study reads itself.
    pub data: Option<&'a Path>,
    /// Images with labels, and a bundle, for studies of a bundle.
    pub labelled: Option<Labelled>,
    /// Where trained nets stay, for this study and others.
    pub cache: &'a Path,
    /// How large.
    pub scale: Scale,
    /// Decides everything that chance decides.
    pub seed: u64,
    /// Where to compute.
    pub compute: &'a Compute,
    /// Pauses and stops; what was trained stays in the cache.
    pub control: &'a Control,
    /// Hears how it goes.
    pub events: &'a mut dyn FnMut(Progress),
}

impl Context<'_> {
    /// The folder of the data set that the study reads itself.
    fn folder(&self) -> Result<&Path> {
        self.data.ok_or_else(|| {
            Error::invalid("this study reads a data set of its own; name its folder with --data")
        })
    }

    /// Where what `study` trains from `bundle` is kept: apart for every scale, seed and bundle.
    fn folder_of(&self, study: &str, bundle: &Bundle) -> Result<PathBuf> {
        let hash = bundle.hash()?;
        Ok(self.cache.join(format!("{study}-{}-{}-{}", self.scale.folder(), self.seed, &hash[..12])))
    }
}

/// Tells `events` how many of `total` images are done, and how long the others take at that speed.
fn counting<'a>(events: &'a mut dyn FnMut(Progress), what: &'a str, total: usize) -> impl FnMut(usize) + 'a {
    let since = Instant::now();
    move |done| {
        let left = since.elapsed().as_secs_f64() / done.max(1) as f64 * (total - done) as f64;
        events(Progress {
            what: what.to_owned(),
            done,
            total,
            epoch: None,
            seconds_left: Some(left),
            seconds_left_in_all: None,
            figures: Vec::new(),
            picture: None,
            note: None,
        });
    }
}

/// Runs a study; what an interrupted one had trained is taken up.
///
/// # Errors
/// Where its data cannot be read, the device fails or it was stopped.
pub fn run(study: Study, context: &mut Context<'_>) -> Result<Page> {
    match study {
        Study::NoisyMnist => noisy_mnist::run(context),
        Study::BatteryTable => battery_table::run(context),
        Study::LambdaCurve => lambda_curve::run(context),
        Study::McSamples => mc_samples::run(context),
        Study::Placement => placement::run(context),
        Study::WhereItLooks => where_it_looks::run(context),
        Study::NoiseRobustness => noise_robustness::run(context),
        Study::Beta => beta::run(context),
        Study::Cityscapes => cityscapes::run(context),
    }
}
