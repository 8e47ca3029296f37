//! Where a stack's results go: a folder of their own beside it.

use super::{Saved, Segment};
use paser_core::bundle::Bundle;
use paser_core::data::normalise::Range;
use paser_core::error::{Error, Result};
use paser_core::event::Control;
use paser_core::export::report::run::Hears;
use paser_core::export::results::{Results, Task, stem};
use paser_core::noise::Noise;
use paser_core::route::{Choice, Fall, Segmenter, SliceResult};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The results of a run, unfinished.
pub(super) struct Output<'a> {
    folder: PathBuf,
    results: Results<'a>,
}

impl<'a> Output<'a> {
    /// Starts the results of `job` in a new folder beside the stack at `stack`, or in the home folder
    /// where that place cannot be written to.
    pub(super) fn create(
        stack: &'a Path,
        job: &'a Segment,
        (segmenter, bundle): (&'a Segmenter, &'a Bundle),
        range: Range,
        choice: Choice,
    ) -> Result<Self> {
        let folder = new_folder(stack, &stem(stack))?;
        let task = Task {
            segmenter,
            bundle,
            stack,
            opened: job.opened.clone(),
            volume: job.volume.clone(),
            slices: job.slices.clone(),
            range,
            choice,
            noise: Noise::None,
            seed: choice.seed,
        };
        match Results::create(task, &job.wanted, &folder, false) {
            Ok(results) => Ok(Self { folder, results }),
            Err(e) => {
                drop_empty(&folder);
                Err(e)
            }
        }
    }

    /// Adds a slice.
    pub(super) fn push(&mut self, z: usize, result: &SliceResult) -> Result<()> {
        self.results.push(z, result)
    }

    /// Completes the files and writes the report; says where they are, and what is missing.
    pub(super) fn finish(
        self,
        read: (Option<&str>, &[Fall]),
        seconds: f64,
        control: &Control,
        progress: &mut Hears<'_>,
    ) -> Result<Saved> {
        let warning = self.results.warning();
        let (report, note) = match self.results.finish(read, seconds, control, progress)?.report {
            Ok(report) => (report, warning),
            Err(Error::Cancelled) => (None, Some("the report was left out, as asked".to_owned())),
            Err(e) => (None, Some(format!("the report is missing: {e}"))),
        };
        Ok(Saved { folder: self.folder, report, note })
    }

    /// Gives up: nothing stays.
    pub(super) fn drop_all(self) {
        drop(self.results);
        drop_empty(&self.folder);
    }
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
