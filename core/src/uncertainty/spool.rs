//! Class probabilities of a stack on the disk, one byte a class and voxel, so that memory stays as it is.

use crate::error::{Error, Result};
use crate::metrics::UNLABELLED;
use crate::route::SliceResult;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Probabilities of every class at every voxel, in steps of 1/255; all 0 where a voxel has no class.
#[derive(Debug)]
pub struct Probabilities {
    file: Mutex<File>,
    /// For messages.
    place: PathBuf,
    shape: [usize; 3],
    classes: usize,
}

impl Probabilities {
    /// An empty store in a nameless file in `folder`, for a stack of `shape` (slices, rows, columns).
    ///
    /// # Errors
    /// Where nothing can be written there.
    pub fn create_in(folder: &Path, shape: [usize; 3], classes: usize) -> Result<Self> {
        let file = tempfile::tempfile_in(folder).map_err(|e| Error::io("cannot write to", folder, e))?;
        Ok(Self { file: Mutex::new(file), place: folder.to_owned(), shape, classes })
    }

    /// An empty store that stays, at `path`.
    ///
    /// # Errors
    /// Where nothing can be written there.
    pub(super) fn create(path: &Path, shape: [usize; 3], classes: usize) -> Result<Self> {
        let options = File::options().read(true).write(true).create(true).truncate(true).open(path);
        let file = options.map_err(|e| Error::io("cannot write", path, e))?;
        Ok(Self { file: Mutex::new(file), place: path.to_owned(), shape, classes })
    }

    /// The store at `path`; None unless it is there and complete.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(super) fn open(path: &Path, shape: [usize; 3], classes: usize) -> Result<Option<Self>> {
        let complete = (classes * shape.iter().product::<usize>()) as u64;
        if std::fs::metadata(path).map_or(0, |m| m.len()) != complete {
            return Ok(None);
        }
        let file = File::open(path).map_err(|e| Error::io("cannot read", path, e))?;
        Ok(Some(Self { file: Mutex::new(file), place: path.to_owned(), shape, classes }))
    }

    /// Slices, rows, columns.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Appends a slice whose probabilities were kept.
    ///
    /// # Errors
    /// Where they were not, or the disk is full.
    pub fn push(&self, slice: &SliceResult) -> Result<()> {
        let pixels = self.shape[1] * self.shape[2];
        if slice.probabilities.len() != self.classes * pixels || slice.labels.len() != pixels {
            return Err(Error::invalid(
                "the slice came without its class probabilities; it cannot get error bars",
            ));
        }
        let of = |(i, p): (usize, &f32)| match slice.labels[i % pixels] {
            UNLABELLED => 0,
            _ => (p * 255.0).round() as u8,
        };
        let bytes: Vec<u8> = slice.probabilities.iter().enumerate().map(of).collect();
        self.locked(|file| file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(&bytes)))
    }

    /// Slice `z` as [classes, rows, columns].
    ///
    /// # Errors
    /// Where it was never written or cannot be read.
    pub fn read(&self, z: usize) -> Result<Vec<u8>> {
        let one = self.classes * self.shape[1] * self.shape[2];
        let mut bytes = vec![0; one];
        self.locked(|file| {
            file.seek(SeekFrom::Start((z * one) as u64))?;
            file.read_exact(&mut bytes)
        })?;
        Ok(bytes)
    }

    fn locked<T>(&self, work: impl FnOnce(&mut File) -> std::io::Result<T>) -> Result<T> {
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        work(&mut file).map_err(|e| Error::io("cannot keep probabilities in", &self.place, e))
    }
}
