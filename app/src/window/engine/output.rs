//! Files of a segmented stack, written while it is segmented, in a folder of their own.

use paser_core::error::{Error, Result};
use paser_core::export::{StackMeta, StackWriter};
use paser_core::metrics::UNLABELLED;
use paser_core::route::{Segmenter, SliceResult};
use paser_core::volume::{Dtype, VolumeInfo};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The files of a run, unfinished.
pub(super) struct Output {
    folder: PathBuf,
    labels: StackWriter,
}

impl Output {
    /// Starts files for `slices` of the stack at `stack` in a new folder beside it, or in the home
    /// folder where that place cannot be written to.
    pub(super) fn create(
        stack: &Path,
        info: &VolumeInfo,
        slices: usize,
        segmenter: &Segmenter,
    ) -> Result<Self> {
        let name = stack.file_stem().unwrap_or(stack.as_os_str()).to_string_lossy().into_owned();
        let folder = new_folder(stack, &name)?;
        let colours = segmenter.manifest.classes.iter().map(|c| c.colour);
        let meta = StackMeta {
            voxel_size: info.voxel_size,
            unit: info.unit.clone(),
            palette: Some(std::iter::once([0, 0, 0]).chain(colours).collect()),
            range: Some((0.0, segmenter.manifest.classes.len() as f64)),
            info: None,
        };
        let path = folder.join(format!("{name}_labels.tif"));
        let shape = [slices, info.height, info.width];
        let labels = StackWriter::create(&path, shape, Dtype::U8, &meta, false);
        match labels {
            Ok(labels) => Ok(Self { folder, labels }),
            Err(e) => {
                drop_empty(&folder);
                Err(e)
            }
        }
    }

    /// Adds a slice.
    pub(super) fn push(&mut self, result: &SliceResult) -> Result<()> {
        let value = |label: &u8| if *label == UNLABELLED { 0 } else { label + 1 };
        self.labels.push_u8(&result.labels.iter().map(value).collect::<Vec<u8>>())
    }

    /// Completes the files; says where they are.
    pub(super) fn finish(self) -> Result<PathBuf> {
        self.labels.finish()?;
        Ok(self.folder)
    }

    /// Gives up: nothing stays.
    pub(super) fn drop_all(self) {
        drop(self.labels);
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
                failure = failure.or(Some(Error::io("cannot create a folder for the results in", &place, e)))
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
