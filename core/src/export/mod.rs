//! Writing results: every file appears complete under its name, or not at all.

pub mod comparison;
pub mod evidence;
mod folder;
mod format;
pub mod labels;
pub mod overlay;
pub mod png;
pub mod report;
pub mod results;
pub mod run;
pub mod tiff;
mod zarr;

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, Result};

pub use self::evidence::Evidence;
pub use self::format::LabelFormat;
pub use self::labels::{LabelMeta, LabelWriter, Page};
pub use self::overlay::Backdrop;
pub use self::png::{png_grey, png_rgb};
pub use self::tiff::{StackMeta, StackWriter};

/// A file under a temporary, hidden name in the destination's folder until it is complete. Dropped
/// without [`persist`](Self::persist) it vanishes.
#[derive(Debug)]
pub struct AtomicFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl AtomicFile {
    /// Starts the file that will be `path`, whose folder must exist.
    pub fn create(path: &Path) -> Result<Self> {
        if path.is_dir() || path.file_name().is_none() {
            return Err(Error::bad(path, "it is a folder; name a file"));
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = Builder::new();
        builder.prefix(".paser-").suffix(".tmp");
        // tempfile's default would leave results that only their author can read.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder).map_err(|e| write_error(path, e))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Appends `bytes`.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| write_error(&self.path, e))
    }

    /// Gives the file its name once its content is safely on the disk. Without `force` a file that is
    /// there already stays, and [`Error::Exists`] says so.
    pub fn persist(self, force: bool) -> Result<PathBuf> {
        let Self { file, path } = self;
        file.as_file().sync_all().map_err(|e| write_error(&path, e))?;
        let renamed = if force { file.persist(&path) } else { file.persist_noclobber(&path) };
        renamed.map_err(|e| write_error(&path, e.error))?;
        Ok(path)
    }
}

/// Writes `bytes` as the file `path`, whole or not at all; see [`AtomicFile::persist`] for `force`.
pub fn write_atomic(path: &Path, bytes: &[u8], force: bool) -> Result<()> {
    check_free(path, force)?;
    let mut file = AtomicFile::create(path)?;
    file.write(bytes)?;
    file.persist(force).map(drop)
}

/// Refuses early what [`AtomicFile::persist`] would refuse after all the work.
fn check_free(path: &Path, force: bool) -> Result<()> {
    if !force && path.symlink_metadata().is_ok() {
        return Err(Error::Exists(path.to_owned()));
    }
    Ok(())
}

/// The error for a failed write to `path`, in words where the cause is common.
fn write_error(path: &Path, error: io::Error) -> Error {
    let place = path.display();
    match error.kind() {
        ErrorKind::AlreadyExists => Error::Exists(path.to_owned()),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::invalid(format!(
            "the disk is full, so {place} was not written ({error}); free some space or choose another place"
        )),
        ErrorKind::FileTooLarge => Error::invalid(format!(
            "{place} was not written: its disk cannot hold a file of that size ({error}); choose another disk"
        )),
        _ => Error::io("cannot write", path, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_dropped_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = AtomicFile::create(&folder.path().join("a.csv")).unwrap();
        file.write(b"half").unwrap();
        drop(file);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn an_existing_file_stays_without_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        write_atomic(&path, b"first", false).unwrap();
        assert!(matches!(write_atomic(&path, b"second", false), Err(Error::Exists(_))));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write_atomic(&path, b"third", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
        assert_eq!(names(folder.path()), ["a.csv"]);
    }

    #[test]
    fn a_file_that_appears_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let file = AtomicFile::create(&path).unwrap();
        fs::write(&path, b"other").unwrap();
        assert!(matches!(file.persist(false), Err(Error::Exists(_))));
        assert_eq!(fs::read(&path).unwrap(), b"other");
        assert_eq!(names(folder.path()), ["a.csv"]);
    }

    #[test]
    fn folders_and_missing_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(AtomicFile::create(folder.path()).is_err());
        let error = AtomicFile::create(&folder.path().join("none/a.csv")).unwrap_err();
        assert!(error.to_string().starts_with("cannot write"), "{error}");
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn results_are_readable_by_others() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write_atomic(&ours, b"", false).unwrap();
        fs::write(&plain, b"").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_named() {
        let error = fs::write("/dev/full", b"x").unwrap_err();
        let text = write_error(Path::new("/data/a.tif"), error).to_string();
        assert!(text.starts_with("the disk is full, so /data/a.tif was not written"), "{text}");
    }
}
