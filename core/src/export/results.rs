//! Everything that segmenting one stack leaves behind: the run's files while slices come, then its report. The window
//! and the command line write results through this alone.

use super::report::run::MEMORY;
use super::report::{BarsOf, PAGE, RunReport, run::Hears};
use super::run::{RunMeta, RunWriter, Totals};
use super::{Backdrop, Evidence, LabelFormat};
use crate::bundle::Bundle;
use crate::data::normalise::Range;
use crate::error::Result;
use crate::event::Control;
use crate::noise::Noise;
use crate::route::{Choice, Fall, Method, Segmenter, SliceResult};
use crate::uncertainty::{Calibration, Probabilities};
use crate::volume::{Opening, Volume};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};

/// As many as the calibration draws: the spread is then known as well as there.
pub const DRAWS: usize = 16;

/// What is written beside labels, entropy, routes and evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wanted {
    /// Further formats of the labels.
    pub formats: Vec<LabelFormat>,
    /// Whether there is a report.
    pub report: bool,
    /// Classes whose tortuosity it states.
    pub tortuosity: Vec<String>,
    /// Label volumes drawn for its error bars; 0 for none.
    pub draws: usize,
    /// Memory that measuring may take, in MB.
    pub memory: u64,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { formats: Vec::new(), report: true, tortuosity: Vec::new(), draws: DRAWS, memory: MEMORY }
    }
}

impl Wanted {
    /// Whether a run by `method` with the bundle in `folder` has to keep class probabilities for it.
    pub fn needs_probabilities(&self, folder: &Path, method: Method) -> bool {
        let bars = self.report && self.draws > 0 && Calibration::place(folder).exists();
        let bars = bars && !matches!(method, Method::Whole(_));
        bars || self.formats.iter().any(|format| format.needs_probabilities())
    }
}

/// A stack and how it is segmented.
pub struct Task<'a> {
    /// Nets and device.
    pub segmenter: &'a Segmenter,
    /// Where they come from.
    pub bundle: &'a Bundle,
    /// The stack's file or folder.
    pub stack: &'a Path,
    /// How it was opened.
    pub opened: Opening,
    /// It, as it is read.
    pub volume: Volume,
    /// First slice and the one after the last.
    pub slices: std::ops::Range<usize>,
    /// Grey values that become 0 and 1.
    pub range: Range,
    /// How patches are sent to nets.
    pub choice: Choice,
    /// What is laid over the slices.
    pub noise: Noise,
    /// Seed of everything that chance decides.
    pub seed: u64,
}

/// Results on their way to the disk. Dropped before [`finish`](Self::finish) they leave nothing but their folder.
pub struct Results<'a> {
    writer: RunWriter,
    due: Due<'a>,
}

/// The report of a run, due as soon as the run's files are complete.
struct Due<'a> {
    task: Task<'a>,
    wanted: &'a Wanted,
    force: bool,
    /// What error bars rest on, or why there are none.
    calibration: std::result::Result<Calibration, NoBars>,
    /// What they are drawn from.
    kept: Option<Probabilities>,
}

/// Why a report has no error bars.
struct NoBars {
    why: String,
    /// Whether they were to be expected.
    amiss: bool,
}

impl NoBars {
    fn chosen(why: impl Into<String>) -> Self {
        Self { why: why.into(), amiss: false }
    }
}

/// Everything that a run left behind.
pub struct Written {
    /// All files.
    pub outputs: Vec<PathBuf>,
    /// The report's page where one was wanted, or why there is none. Without it the results are still results.
    pub report: Result<Option<PathBuf>>,
}

/// Name of a stack without its ending, with which every file of its results begins.
pub fn stem(stack: &Path) -> String {
    let name = if stack.is_dir() { stack.file_name() } else { stack.file_stem() };
    name.map_or_else(|| "stack".to_owned(), |n| n.to_string_lossy().into_owned())
}

impl<'a> Results<'a> {
    /// Begins them in `folder`, which is made where it does not exist.
    ///
    /// # Errors
    /// Where a file of the run exists already and `force` is not given, or nothing can be written there.
    pub fn create(task: Task<'a>, wanted: &'a Wanted, folder: &Path, force: bool) -> Result<Self> {
        let calibration = calibration(&task, wanted);
        let (info, manifest) = (task.volume.info(), &task.bundle.manifest);
        let shape = [task.slices.len(), info.height, info.width];
        let meta = RunMeta {
            name: stem(task.stack),
            shape,
            first_slice: task.slices.start,
            voxel_size: info.voxel_size,
            unit: info.unit.clone(),
            classes: manifest.classes.clone(),
            nets: manifest.nets.len(),
            entropy: task.choice.needs_f0(),
            evidence: task.evidence().json()?,
        };
        let backdrop = Backdrop { volume: task.volume.clone(), range: task.range };
        let writer = RunWriter::create(folder, meta, force)?.also(&wanted.formats, backdrop)?;
        let kept = calibration.is_ok();
        let kept =
            kept.then(|| Probabilities::create_in(folder, shape, manifest.classes.len())).transpose()?;
        Ok(Self { writer, due: Due { task, wanted, force, calibration, kept } })
    }

    /// Adds an entry to the run's evidence.
    pub fn note(&mut self, key: &str, value: serde_json::Value) {
        self.writer.note(key, value);
    }

    /// Adds slice `z` of the stack.
    ///
    /// # Errors
    /// Where it cannot be written or lacks what was asked for.
    pub fn push(&mut self, z: usize, result: &SliceResult) -> Result<()> {
        self.due.kept.iter().try_for_each(|kept| kept.push(result))?;
        self.writer.push(z, result)
    }

    /// Sums so far.
    pub fn totals(&self) -> &Totals {
        self.writer.totals()
    }

    /// What the report will lack although the bundle has it, in one sentence.
    pub fn warning(&self) -> Option<String> {
        let amiss = self.due.calibration.as_ref().err().filter(|none| none.amiss)?;
        Some(format!("the report goes without error bars: {}", amiss.why))
    }

    /// Completes everything and gives it its place. `read` are the hash of the grey values read and what became of the
    /// device; the segmentation took `seconds`. `progress` hears how far the report is.
    ///
    /// # Errors
    /// Where slices are missing or a file cannot get its place.
    pub fn finish(
        mut self,
        (digest, falls): (Option<&str>, &[Fall]),
        seconds: f64,
        control: &Control,
        progress: &mut Hears<'_>,
    ) -> Result<Written> {
        self.writer.note("input_sha256", json!(digest));
        self.writer.note("device_faults", json!(falls));
        let mut finished = self.writer.finish()?;
        let report = self.due.write(finished.folder(), seconds, control, progress);
        let report = report.map(|files| finished.also(files));
        let outputs = finished.publish()?;
        let page = || outputs.iter().find(|path| path.to_string_lossy().ends_with(PAGE)).cloned();
        Ok(Written { report: report.map(|()| page()), outputs })
    }
}

impl Task<'_> {
    fn evidence(&self) -> Evidence<'_> {
        Evidence {
            segmenter: self.segmenter,
            bundle: self.bundle,
            stack: self.stack,
            opened: self.opened.clone(),
            volume: self.volume.as_ref(),
            range: &self.range,
            choice: &self.choice,
            noise: self.noise,
            seed: self.seed,
        }
    }
}

impl Due<'_> {
    /// Measures the labels and writes the report's files into `folder`, where one is wanted; says which.
    fn write(
        &self,
        folder: &Path,
        seconds: f64,
        control: &Control,
        progress: &mut Hears<'_>,
    ) -> Result<Vec<PathBuf>> {
        let (task, wanted) = (&self.task, self.wanted);
        if !wanted.report {
            return Ok(Vec::new());
        }
        let report = RunReport {
            folder,
            name: &stem(task.stack),
            seconds,
            bundle: task.bundle,
            tortuosity: wanted.tortuosity.clone(),
            memory: wanted.memory,
            bars: match (&self.calibration, &self.kept) {
                (Ok(calibration), Some(stack)) => {
                    Ok(BarsOf { calibration, stack, draws: wanted.draws, seed: task.seed })
                }
                (Err(none), _) => Err(none.why.clone()),
                _ => Err("no probabilities were kept".to_owned()),
            },
        };
        report.write(control, self.force, progress)
    }
}

/// What the error bars of a run rest on, or why it has none.
fn calibration(task: &Task<'_>, wanted: &Wanted) -> std::result::Result<Calibration, NoBars> {
    if !wanted.report || wanted.draws == 0 {
        return Err(NoBars::chosen("none were asked for"));
    }
    let calibration = Calibration::read(task.bundle.folder())
        .map_err(|e| NoBars { why: e.to_string(), amiss: true })?
        .ok_or_else(|| NoBars::chosen("the bundle was not calibrated; paser calibrate does that"))?;
    if task.noise != Noise::None {
        return Err(NoBars::chosen("they were calibrated for scans as they are, without added noise"));
    }
    calibration.misfit(task.segmenter, &task.choice).map_or(Ok(calibration), |why| Err(NoBars::chosen(why)))
}
