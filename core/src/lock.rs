//! Locks on files, so that two programs do not write into one place. The system frees them when a program ends,
//! however it ends.

use crate::error::{Error, Result};
use std::fs::{File, TryLockError};
use std::path::Path;

/// A lock that is held; dropping it frees it.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock at `path`, a file that is made where it is missing; none where somebody else holds it.
///
/// # Errors
/// Where the file can neither be made nor opened.
pub fn take(path: &Path) -> Result<Option<Lock>> {
    loop {
        let options = File::options().create(true).truncate(false).write(true).open(path);
        let file = options.map_err(|e| Error::io("cannot write", path, e))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            // some network drives know no locks, and work must go on there
            Err(TryLockError::Error(e)) => tracing::warn!("{} is used without a lock: {e}", path.display()),
            // who held it before may have removed the file meanwhile: then the lock is on nothing
            Ok(()) if !same(&file, path) => continue,
            Ok(()) => {}
        }
        return Ok(Some(Lock { _file: file }));
    }
}

/// Whether `file` is what lies at `path`.
#[cfg(unix)]
fn same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let ids = |m: std::io::Result<std::fs::Metadata>| m.map(|m| (m.dev(), m.ino())).ok();
    ids(file.metadata()) == ids(std::fs::metadata(path))
}

/// A file that is open keeps its name here.
#[cfg(not(unix))]
fn same(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = take(&path).unwrap();
        assert!(first.is_some() && take(&path).unwrap().is_none());
        drop(first);
        let second = take(&path).unwrap();
        assert!(second.is_some());
        std::fs::remove_file(&path).unwrap();
        assert!(take(&path).unwrap().is_some(), "a lock on a removed file bars nobody");
    }
}
