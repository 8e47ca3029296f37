//! Files of a segmented stack, written while it is segmented, in a folder of their own.

use super::Segment;
use paser_core::bundle::Bundle;
use paser_core::data::normalise::Range;
use paser_core::error::{Error, Result};
use paser_core::event::Control;
use paser_core::export::Evidence;
use paser_core::export::report::RunReport;
use paser_core::export::report::run::MEMORY;
use paser_core::export::run::{RunMeta, RunWriter};
use paser_core::noise::Noise;
use paser_core::route::{Choice, Fall, Segmenter, SliceResult};
use paser_core::volume::Opening;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The files of a run, unfinished.
pub(super) struct Output {
    folder: PathBuf,
    name: String,
    writer: RunWriter,
}

impl Output {
    /// Starts the files of `job` in a new folder beside the stack at `stack`, or in the home folder
    /// where that place cannot be written to.
    pub(super) fn create(
        stack: &Path,
        job: &Segment,
        segmenter: &Segmenter,
        evidence: serde_json::Value,
        entropy: bool,
    ) -> Result<Self> {
        let name = if stack.is_dir() { stack.file_name() } else { stack.file_stem() };
        let name = name.map_or_else(|| "stack".to_owned(), |n| n.to_string_lossy().into_owned());
        let folder = new_folder(stack, &name)?;
        let info = job.volume.info();
        let meta = RunMeta {
            name: name.clone(),
            shape: [job.slices.len(), info.height, info.width],
            first_slice: job.slices.start,
            voxel_size: info.voxel_size,
            unit: info.unit.clone(),
            classes: segmenter.manifest.classes.clone(),
            nets: segmenter.manifest.nets.len(),
            entropy,
            evidence,
        };
        match RunWriter::create(&folder, meta, false) {
            Ok(writer) => Ok(Self { folder, name, writer }),
            Err(e) => {
                drop_empty(&folder);
                Err(e)
            }
        }
    }

    /// Adds a slice.
    pub(super) fn push(&mut self, z: usize, result: &SliceResult) -> Result<()> {
        self.writer.push(z, result)
    }

    /// Completes the files and writes the report; says where they are, and why there is no report where there
    /// is none.
    pub(super) fn finish(
        mut self,
        digest: Option<&str>,
        falls: &[Fall],
        seconds: f64,
        bundle: &Bundle,
        control: &Control,
    ) -> Result<(PathBuf, Option<String>)> {
        self.writer.note("input_sha256", serde_json::json!(digest));
        self.writer.note("device_faults", serde_json::json!(falls));
        let mut finished = self.writer.finish()?;
        let report = RunReport {
            folder: finished.folder(),
            name: &self.name,
            seconds,
            bundle,
            tortuosity: Vec::new(),
            memory: MEMORY,
            bars: Err("the window draws none; segment with paser segment".to_owned()),
        };
        let note = match report.write(control, false) {
            Ok(files) => {
                finished.also(files);
                None
            }
            Err(Error::Cancelled) => Some("the report was left out, as asked".to_owned()),
            Err(e) => Some(format!("the report is missing: {e}")),
        };
        finished.publish()?;
        Ok((self.folder, note))
    }

    /// Gives up: nothing stays.
    pub(super) fn drop_all(self) {
        drop(self.writer);
        drop_empty(&self.folder);
    }
}

/// Everything that made a run, as the command line states it too.
pub(super) fn evidence(
    segmenter: &Segmenter,
    bundle: &Bundle,
    stack: &Path,
    job: &Segment,
    range: &Range,
    choice: &Choice,
) -> Result<serde_json::Value> {
    let volume = job.volume.as_ref();
    let (noise, seed) = (Noise::None, choice.seed);
    let opened = Opening { view: job.view.clone(), ..Opening::default() };
    Evidence { segmenter, bundle, stack, opened, volume, range, choice, noise, seed }.json()
}

fn drop_empty(folder: &Path) {
    if let Err(e) = std::fs::remove_dir(folder) {
        tracing::warn!("the folder {} stays: {e}", folder.display());
    }
}

/// `<name>_PaSeR_<n>` with the first free number.
fn new_folder(stack: &Path, name: &str) -> Result<PathBuf> {
    let beside = stack.parent().map(Path::to_owned);
    let home = std::env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).map(PathBuf::from);
    let mut failure = None;
    for place in [beside, home].into_iter().flatten() {
        match free_folder(&place, name) {
            Ok(folder) => return Ok(folder),
            Err(e) => {
                failure = failure.or(Some(Error::io("cannot create a folder for the results in", &place, e)));
            }
        }
    }
    Err(failure
        .unwrap_or_else(|| Error::invalid("there is no place for the results; move the stack into a folder")))
}

fn free_folder(place: &Path, name: &str) -> std::io::Result<PathBuf> {
    let mut number = 1usize;
    loop {
        let folder = place.join(format!("{name}_PaSeR_{number}"));
        match std::fs::create_dir(&folder) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => number += 1,
            made => return made.map(|()| folder),
        }
    }
}
