//! What a bundle's error bars rest on, as it lies beside the bundle.

use super::draw::ErrorModel;
use crate::error::{Error, Result};
use crate::export::write_atomic;
use crate::route::{Choice, Method, Router, Segmenter};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Share of tested scans that a figure's bars must cover.
pub const COVERAGE: std::ops::RangeInclusive<f64> = 0.88..=0.99;
/// Form of the file.
pub(super) const FORMAT: u32 = 2;

/// What comes nearer to the truth, over the scans that were fitted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Centre {
    /// The mean of the draws.
    Drawn,
    /// The figure of the segmentation itself.
    Segmented,
}

/// How wide the bars of one figure are, and whether they hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reach {
    /// The phase.
    pub phase: String,
    /// The figure, as in the tables.
    pub quantity: String,
    /// Its axis, or empty.
    pub axis: String,
    /// What the bar stands around.
    pub centre: Centre,
    /// Mean of truth less that, on the figure's own scale.
    pub shift: f64,
    /// Standard deviation of the truth about that which the draws do not explain.
    pub unexplained: f64,
    /// Half a bar in standard deviations of both together.
    pub reach: f64,
    /// Part of the truth's variance about the mean that the draws explain by their own spread, at most 1.
    pub explained: f64,
    /// Scans that it was fitted to.
    pub fitted: usize,
    /// Scans that tested it.
    pub tested: usize,
    /// Those whose bar covered the truth.
    pub covered: usize,
    /// Whether reports show the bar: it covered 88 to 99 % of all tested scans, and the figure varies enough to tell.
    pub shown: bool,
}

/// Everything that a bundle's error bars rest on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Version of this form.
    pub format: u32,
    /// Version of the program.
    pub program: String,
    /// Hashes of the nets and the λ-conditioned policy that it holds for.
    pub weights: Vec<String>,
    /// The method.
    pub method: Method,
    /// The policy.
    pub router: Router,
    /// What the scans are.
    pub scans: String,
    /// Slices, rows, columns of a scan.
    pub shape: [usize; 3],
    /// Draws of each.
    pub draws: usize,
    /// Scans fitted to and tested with.
    pub counts: [usize; 2],
    /// Voxels of the tested scans by true class (rows) and segmented class.
    pub confusion: Vec<Vec<u64>>,
    /// How the nets err.
    pub model: ErrorModel,
    /// The figures.
    pub figures: Vec<Reach>,
}

/// Hashes of everything that decides what is segmented.
pub(super) fn weights(segmenter: &Segmenter) -> Vec<String> {
    let m = &segmenter.manifest;
    let nets = m.nets.iter().map(|n| n.weights.sha256.clone());
    nets.chain(m.conditioned.iter().map(|p| p.weights.sha256.clone())).collect()
}

impl Reach {
    /// A typical half bar on the figure's own scale, as words: a part of a length or surface is meant.
    fn half(&self) -> String {
        let total = self.unexplained.powi(2) / (1.0 - self.explained).max(1e-9);
        if self.shown { format!("{:.3}", self.reach * total.sqrt()) } else { "-".to_owned() }
    }
}

impl Calibration {
    /// Where a bundle in `folder` keeps it.
    pub fn place(folder: &Path) -> PathBuf {
        folder.join("uncertainty.json")
    }

    /// The bundle's, where it has one.
    ///
    /// # Errors
    /// Where the file cannot be read or is none of this version's.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = Self::place(folder);
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read(&path).map_err(|e| Error::io("cannot read", &path, e))?;
        let why = "it is no calibration of error bars of this version; make it anew with paser calibrate";
        let read: Self =
            serde_json::from_slice(&text).map_err(|e| Error::bad(&path, format!("{why} ({e})")))?;
        let sound = read.format == FORMAT
            && read.model.temperature > 0.0
            && (0.0..=1.0).contains(&read.model.shared)
            && read.confusion.len() == read.model.bias.len()
            && read.confusion.iter().all(|row| row.len() == read.confusion.len())
            && read.model.spacing.iter().all(|s| (1.0..1e6).contains(s));
        if sound { Ok(Some(read)) } else { Err(Error::bad(&path, why)) }
    }

    /// Writes it to `path`.
    ///
    /// # Errors
    /// Where it exists already and `force` is not given, or cannot be written.
    pub fn write(&self, path: &Path, force: bool) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|e| Error::invalid(format!("the calibration cannot be written down ({e})")))?;
        write_atomic(path, &text, force)
    }

    /// Why it says nothing of a run of `segmenter` by `choice`; None where it does.
    pub fn misfit(&self, segmenter: &Segmenter, choice: &Choice) -> Option<String> {
        if self.weights != weights(segmenter) || self.model.bias.len() != segmenter.manifest.classes.len() {
            return Some(
                "they were calibrated for other nets; run paser calibrate for this bundle".to_owned(),
            );
        }
        if (self.method, self.router) != (choice.method, choice.router) {
            return Some(format!(
                "they were calibrated for method {} at λ = {} alone",
                self.method,
                segmenter.manifest.lambda_of(self.router)
            ));
        }
        None
    }

    /// The figures as a Markdown table.
    pub fn table(&self) -> String {
        let mut text = format!(
            "Fitted to {} scans, tested with {} others ({} x {} x {} voxels, {} draws each); {}.\n\n| phase | figure | axis | \
             covered | of | around | half a bar is about | part explained by the draws | bar |\n|---|---|---|---|---|---|---|---|---|\n",
            self.counts[0],
            self.counts[1],
            self.shape[0],
            self.shape[1],
            self.shape[2],
            self.draws,
            self.scans
        );
        for f in &self.figures {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {:.2} | {} |",
                f.phase,
                f.quantity,
                f.axis,
                f.covered,
                f.tested,
                match f.centre {
                    Centre::Drawn => "draws",
                    Centre::Segmented => "segmentation",
                },
                f.half(),
                f.explained,
                if f.shown { "shown" } else { "not shown" }
            );
        }
        text
    }
}
