//! The report of a run: one HTML file that needs nothing else, the same as PDF, the tables behind it as CSV, and every
//! figure as JSON.

mod chart;
mod content;
mod html;
mod parts;
mod pdf;
pub mod run;
pub(crate) mod svg;
mod tables;

pub use run::{BarsOf, Course, Part, RunReport};

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::write_atomic;
use crate::bundle::{CurvePoint, Manifest};
use crate::data::classes::Class;
use crate::error::{Error, Result};
use crate::measure::Measures;
use crate::uncertainty::{Calibration, ErrorBars};

/// How the name of a report's page ends.
pub const PAGE: &str = "_report.html";

/// What a report tells.
pub struct Report<'a> {
    /// The stack's name, with which every file begins.
    pub name: &'a str,
    /// The run as `run.json` holds it.
    pub run: &'a Value,
    /// Classes in order.
    pub classes: &'a [Class],
    /// Seconds that the segmentation took.
    pub seconds: f64,
    /// The bundle's policies on its validation slices.
    pub curve: &'a [CurvePoint],
    /// What the labels measure, or why they were not measured.
    pub measures: std::result::Result<&'a Measures, &'a str>,
    /// Error bars of the measures, or why there are none.
    pub bars: std::result::Result<&'a ErrorBars, &'a str>,
    /// What the bundle's manifest says of its nets.
    pub manifest: Option<&'a Manifest>,
    /// Its test on simulated scans.
    pub calibration: Option<&'a Calibration>,
    /// The preview as PNG.
    pub preview: &'a [u8],
}

/// Every number as JSON.
#[derive(Serialize)]
struct Figures<'a> {
    #[serde(flatten)]
    measures: &'a Measures,
    error_bars: Option<&'a ErrorBars>,
    no_error_bars: Option<&'a str>,
}

impl Report<'_> {
    /// Writes the report's files into `folder` and says which.
    ///
    /// # Errors
    /// Where a file exists already and `force` is not given, or cannot be written.
    pub fn write(&self, folder: &Path, force: bool) -> Result<Vec<PathBuf>> {
        let path = |end: &str| folder.join(format!("{}{end}", self.name));
        let page = content::page(self);
        let mut files =
            vec![(path(PAGE), html::html(&page).into_bytes()), (path("_report.pdf"), pdf::pdf(&page)?)];
        if let Ok(measures) = self.measures {
            let all = Figures { measures, error_bars: self.bars.ok(), no_error_bars: self.bars.err() };
            let json = serde_json::to_vec_pretty(&all)
                .map_err(|e| Error::invalid(format!("the figures cannot be written down ({e})")))?;
            files.push((path("_measures.json"), json));
            files.extend(
                tables::all(measures, self.bars.ok())
                    .map(|(name, text)| (path(&format!("_{name}.csv")), text.into_bytes())),
            );
        }
        for (path, bytes) in &files {
            write_atomic(path, bytes, force)?;
        }
        Ok(files.into_iter().map(|(path, _)| path).collect())
    }
}

#[cfg(test)]
mod tests;
