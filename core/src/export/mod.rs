//! Writing results: every file appears complete under its name, or not at all.

mod axis;
pub mod comparison;
pub mod evidence;
mod folder;
pub mod fonts;
mod format;
pub mod labels;
pub mod overlay;
pub mod png;
pub mod report;
pub mod results;
pub mod run;
mod staging;
pub mod tiff;
mod zarr;

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, Result};

pub use self::evidence::Evidence;
pub use self::format::LabelFormat;
pub use self::labels::{LabelMeta, LabelWriter, Page};
pub use self::overlay::Backdrop;
pub use self::png::{png_grey, png_rgb};
pub use self::tiff::{StackMeta, StackWriter};

/// Temporary files' names begin and end so.
const PREFIX: &str = ".paser-";
const SUFFIX: &str = ".tmp";
/// A temporary file of this age that nobody holds belonged to a program that was killed.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// Removes temporary files in `folder` that programs left which were killed.
fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !(name.starts_with(PREFIX) && name.ends_with(SUFFIX)) {
            continue;
        }
        let age = entry.metadata().and_then(|m| m.modified()).map(|m| m.elapsed().unwrap_or_default());
        let free = |path: &Path| std::fs::File::open(path).is_ok_and(|file| file.try_lock().is_ok());
        if age.is_ok_and(|age| age > FORGOTTEN) && free(&entry.path()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

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
        sweep(folder);
        let mut builder = Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        // tempfile's default would leave results that only their author can read.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder).map_err(|e| write_error(path, e))?;
        let _ = file.as_file().try_lock(); // it is at work, and no sweep takes it
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
    fn what_a_killed_program_left_is_swept_and_what_is_at_work_stays() {
        let folder = tempfile::tempdir().unwrap();
        let old = std::time::SystemTime::now() - 2 * FORGOTTEN;
        let age =
            |path: &Path| fs::File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
        let left = folder.path().join(".paser-left.tmp");
        fs::write(&left, "half").unwrap();
        age(&left);
        fs::write(folder.path().join(".paser-young.tmp"), "half").unwrap();
        let at_work = AtomicFile::create(&folder.path().join("a.csv")).unwrap();
        assert!(!left.exists());
        age(at_work.file.path());
        write_atomic(&folder.path().join("b.csv"), b"", false).unwrap();
        at_work.persist(false).unwrap();
        let mut names = names(folder.path());
        names.sort();
        assert_eq!(names, [".paser-young.tmp", "a.csv", "b.csv"]);
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
