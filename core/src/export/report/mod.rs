//! The report of a run: one HTML file that needs nothing else, the tables behind it as CSV, and every
//! figure as JSON.

mod figures;
mod page;
pub mod run;
pub(crate) mod svg;
mod tables;

pub use run::RunReport;

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::write_atomic;
use crate::bundle::CurvePoint;
use crate::data::classes::Class;
use crate::error::{Error, Result};
use crate::measure::Measures;

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
    /// The preview as PNG.
    pub preview: &'a [u8],
}

impl Report<'_> {
    /// Writes the report's files into `folder` and says which.
    ///
    /// # Errors
    /// Where a file exists already and `force` is not given, or cannot be written.
    pub fn write(&self, folder: &Path, force: bool) -> Result<Vec<PathBuf>> {
        let path = |end: &str| folder.join(format!("{}_{end}", self.name));
        let mut files = vec![(path("report.html"), page::html(self).into_bytes())];
        if let Ok(measures) = self.measures {
            let json = serde_json::to_vec_pretty(measures)
                .map_err(|e| Error::invalid(format!("the figures cannot be written down ({e})")))?;
            files.push((path("measures.json"), json));
            files.extend(
                tables::all(measures).map(|(name, text)| (path(&format!("{name}.csv")), text.into_bytes())),
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
