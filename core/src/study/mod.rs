//! The paper's experiments, each one call: it trains what is missing, measures, and gives a page with the
//! paper's figures beside its own.

mod digits;
mod noisy_mnist;
mod page;

pub use page::{Figure, Page, Table};

use crate::device::Compute;
use crate::error::{Error, Result};
use crate::event::{Control, Progress};
use std::path::Path;

/// How large a study is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
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
            Self::Workstation => "workstation (reduced)",
            Self::Paper => "paper",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Workstation => "workstation",
            Self::Paper => "paper",
        }
    }
}

/// The studies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Study {
    /// Tables 1 and 2 (right half), Figs. 3, 4, 8, 12 and section R4.
    NoisyMnist,
}

impl Study {
    /// All, with their names.
    pub const ALL: [(Self, &str); 1] = [(Self::NoisyMnist, "noisy-mnist")];
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
    /// Folder of its data.
    pub data: &'a Path,
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

/// Runs a study; what an interrupted one had trained is taken up.
///
/// # Errors
/// Where its data cannot be read, the device fails or it was stopped.
pub fn run(study: Study, context: &mut Context<'_>) -> Result<Page> {
    match study {
        Study::NoisyMnist => noisy_mnist::run(context),
    }
}
