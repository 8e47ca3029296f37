//! A folder of single-slice images as one volume.

use std::path::Path;

use rayon::prelude::*;

use super::{Slice, SliceReader, Volume, VolumeInfo, file_name, list_images, no_images, open};
use crate::error::{Error, Result};

/// The slices of a folder in natural order.
pub(super) struct Folder {
    slices: Vec<Volume>,
    info: VolumeInfo,
}

impl Folder {
    /// Reads the headers of all images in `dir`.
    pub(super) fn open(dir: &Path) -> Result<Self> {
        let paths = list_images(dir)?;
        // Collected before looking for errors, so that the first bad file is named, not any.
        let opened: Vec<Result<Volume>> = paths.par_iter().map(|path| open(path)).collect();
        let slices = opened.into_iter().collect::<Result<Vec<_>>>()?;
        let (Some(first), Some(first_path)) = (slices.first(), paths.first()) else {
            return Err(no_images(dir));
        };
        for (path, slice) in paths.iter().zip(&slices) {
            check_slice_file(path, slice.info())?;
            if !slice.info().same_slices(first.info()) {
                return Err(mixed(path, slice.info(), first_path, first.info()));
            }
        }
        let calibrated = slices.iter().all(|slice| {
            (slice.info().voxel_size, &slice.info().unit) == (first.info().voxel_size, &first.info().unit)
        });
        let one = first.info();
        let mut info = VolumeInfo::new([slices.len(), one.height, one.width], one.dtype);
        if calibrated {
            (info.voxel_size, info.unit) = (one.voxel_size, one.unit.clone());
        }
        Ok(Self { slices, info })
    }
}

impl SliceReader for Folder {
    fn info(&self) -> &VolumeInfo {
        &self.info
    }

    fn read(&self, z: usize) -> Result<Slice> {
        self.info.check_slice(z)?;
        self.slices[z].read(0)
    }
}

fn check_slice_file(path: &Path, info: &VolumeInfo) -> Result<()> {
    if info.slices == 1 {
        return Ok(());
    }
    let pages = info.slices;
    Err(Error::bad(
        path,
        format!(
            "it holds {pages} slices, but each file of a folder of slices must hold one; open this file by itself"
        ),
    ))
}

fn mixed(path: &Path, info: &VolumeInfo, first_path: &Path, first: &VolumeInfo) -> Error {
    let (here, there, name) = (info.slice_text(), first.slice_text(), file_name(first_path));
    Error::bad(
        path,
        format!(
            "it is {here}, but {name} is {there}: slices of one stack must agree; move it elsewhere or resave it"
        ),
    )
}
