//! The report of a run whose files were just written.

use super::Report;
use crate::bundle::Bundle;
use crate::data::classes::ClassMap;
use crate::error::{Error, Result};
use crate::event::Control;
use crate::measure::{Labels, Measures, Request, Scale, measure, memory};
use crate::uncertainty::{Calibration, ErrorBars, Probabilities};
use crate::volume;
use std::path::{Path, PathBuf};

/// What was measured, with error bars or why there are none.
type Measured = (Measures, std::result::Result<ErrorBars, String>);

/// Memory that measuring may take where nothing is said, in MB.
pub const MEMORY: u64 = 4096;

/// What a report takes time for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Measuring the labels.
    Measures,
    /// Drawing label volumes for the error bars.
    Bars,
}

/// How far a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// What is being done.
    pub part: Part,
    /// Steps or draws done.
    pub done: usize,
    /// Of so many.
    pub all: usize,
}

/// Hears how far a report is, from any thread.
pub type Hears<'a> = dyn FnMut(Course) + Send + 'a;

/// What a run's report needs beside the run's files.
pub struct RunReport<'a> {
    /// The run's folder.
    pub folder: &'a Path,
    /// The stack's name, with which every file begins.
    pub name: &'a str,
    /// Seconds that the segmentation took.
    pub seconds: f64,
    /// The bundle that made it.
    pub bundle: &'a Bundle,
    /// Classes whose tortuosity is stated.
    pub tortuosity: Vec<String>,
    /// Memory that measuring may take, in MB.
    pub memory: u64,
    /// What error bars are drawn from, or why there are none.
    pub bars: std::result::Result<BarsOf<'a>, String>,
}

/// What the error bars of a run are drawn from.
pub struct BarsOf<'a> {
    /// What the bundle knows of its errors.
    pub calibration: &'a Calibration,
    /// What the nets said.
    pub stack: &'a Probabilities,
    /// Label volumes to draw.
    pub draws: usize,
    /// Their seed.
    pub seed: u64,
}

impl RunReport<'_> {
    /// Measures the labels and writes the report's files; says which. `progress` hears how far that is.
    ///
    /// # Errors
    /// Where a file of the run is missing, or one of the report exists already and `force` is not given.
    pub fn write(&self, control: &Control, force: bool, progress: &mut Hears<'_>) -> Result<Vec<PathBuf>> {
        let file = |end: &str| self.folder.join(format!("{}_{end}", self.name));
        let read = |path: PathBuf| std::fs::read(&path).map_err(|e| Error::io("cannot read", &path, e));
        let evidence = self.folder.join("run.json");
        let run = serde_json::from_slice(&read(evidence.clone())?)
            .map_err(|e| Error::bad(&evidence, format!("it is no evidence file of a run ({e})")))?;
        let measured = self.measures(&file("labels.tif"), control, progress)?;
        let bars = match &measured {
            Ok((_, bars)) => bars.as_ref().map_err(String::as_str),
            Err(_) => Err("the labels were not measured"),
        };
        let manifest = &self.bundle.manifest;
        let calibration = Calibration::read(self.bundle.folder()).ok().flatten();
        let report = Report {
            name: self.name,
            run: &run,
            classes: &manifest.classes,
            seconds: self.seconds,
            curve: &manifest.curve,
            measures: measured.as_ref().map(|(measures, _)| measures).map_err(String::as_str),
            bars,
            manifest: Some(manifest),
            calibration: calibration.as_ref(),
            preview: &read(file("preview.png"))?,
        };
        report.write(self.folder, force)
    }

    /// What the labels measure, or why they are too large.
    fn measures(
        &self,
        labels: &Path,
        control: &Control,
        progress: &mut Hears<'_>,
    ) -> Result<std::result::Result<Measured, String>> {
        let volume = volume::open(labels)?;
        let info = volume.info();
        let needed = memory([info.slices, info.height, info.width]).div_ceil(1 << 20);
        if needed > self.memory {
            return Ok(Err(format!(
                "that needs about {needed} MB, and {} may be used; allow more with --memory, or use \"paser measure\" \
                 on a crop",
                self.memory
            )));
        }
        let names: Vec<String> = self.bundle.manifest.classes.iter().map(|c| c.name.clone()).collect();
        let map = ClassMap::in_order(names);
        let scale = Scale::new(info.voxel_size.zip(info.unit.clone()))?;
        let transport = Some(self.tortuosity.clone());
        let request = Request { scale, transport };
        let labels = Labels::read(volume.as_ref(), Some(&map), control)?;
        let mut step = |_: &str, done, all| progress(Course { part: Part::Measures, done, all });
        let measures = measure(&labels, &request, control, &mut step)?;
        drop(labels);
        let bars = match &self.bars {
            Ok(of) => {
                let mut draw = |done| progress(Course { part: Part::Bars, done, all: of.draws });
                let draws = (of.seed, of.draws);
                Ok(of.calibration.bars(of.stack, &measures, &request, draws, control, &mut draw)?)
            }
            Err(why) => Err(why.clone()),
        };
        Ok(Ok((measures, bars)))
    }
}
