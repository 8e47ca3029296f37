//! What tells whether a stack was changed while it was read.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, Result};

/// Length and time of change of a stack's file, or of those of its folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamp {
    path: PathBuf,
    files: Vec<(PathBuf, u64, Option<SystemTime>)>,
}

impl Stamp {
    /// Of the stack at `path` as it is now.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn of(path: &Path) -> Result<Self> {
        let io = |e| Error::io("cannot read", path, e);
        let about = std::fs::metadata(path).map_err(io)?;
        let mut files =
            vec![(path.to_owned(), about.len(), about.modified().ok().filter(|_| about.is_file()))];
        if about.is_dir() {
            files.clear(); // results may be written into a folder meanwhile: its slices count
            for file in super::list_images(path)? {
                let about = std::fs::metadata(&file).map_err(|e| Error::io("cannot read", &file, e))?;
                files.push((file, about.len(), about.modified().ok()));
            }
        }
        Ok(Self { path: path.to_owned(), files })
    }

    /// # Errors
    /// Where the stack is not what it was any more.
    pub fn check(&self) -> Result<()> {
        match Self::of(&self.path)? == *self {
            true => Ok(()),
            false => Err(Error::bad(
                &self.path,
                "it was changed while it was read, so its results were dropped; wait until it is complete and run again",
            )),
        }
    }
}
