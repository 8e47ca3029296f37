//! A folder that appears complete under its name, or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{check_free, write_error};
use crate::error::{Error, Result};

/// A folder under a temporary, hidden name beside its place until it is complete. Dropped without
/// [`persist`](Self::persist) it vanishes.
pub(super) struct AtomicFolder {
    folder: TempDir,
    path: PathBuf,
    force: bool,
}

impl AtomicFolder {
    /// Starts the folder that will be `path`.
    pub(super) fn create(path: &Path, force: bool) -> Result<Self> {
        check_free(path, force)?;
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = tempfile::Builder::new().prefix(".paser-").suffix(".tmp").tempdir_in(parent);
        let folder = folder.map_err(|e| write_error(path, e))?;
        Ok(Self { folder, path: path.to_owned(), force })
    }

    /// Writes the file `name`, which may name folders within.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.path().join(name);
        let parent = path.parent().unwrap_or(self.folder.path());
        let written = fs::create_dir_all(parent).and_then(|()| fs::write(&path, bytes));
        written.map_err(|e| write_error(&self.path, e))
    }

    /// Gives the folder its name.
    pub(super) fn persist(self) -> Result<PathBuf> {
        if self.force && self.path.is_dir() {
            fs::remove_dir_all(&self.path).map_err(|e| Error::io("cannot replace", &self.path, e))?;
        }
        check_free(&self.path, false)?;
        // Temporary folders are for their author alone; results are not.
        #[cfg(unix)]
        fs::set_permissions(self.folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .map_err(|e| write_error(&self.path, e))?;
        fs::rename(self.folder.path(), &self.path).map_err(|e| write_error(&self.path, e))?;
        let _ = self.folder.keep(); // it is gone from its old place
        Ok(self.path)
    }
}
