//! A project file belongs to one window at a time: a lock file beside it says so, which goes with the window.

use paser_core::error::{Error, Result};
use paser_core::lock::{self, Lock};
use std::path::{Path, PathBuf};

/// A project file that this window works with.
#[derive(Debug)]
pub struct Held {
    path: PathBuf,
    place: PathBuf,
    _lock: Option<Lock>,
}

impl Held {
    /// Has `held` be the project file at `path`, letting go of another.
    ///
    /// # Errors
    /// Where another window works with it; `held` then stays as it is.
    pub fn change(held: &mut Option<Self>, path: &Path) -> Result<()> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        if held.as_ref().is_none_or(|h| h.path != path) {
            *held = Some(Self::take(path)?);
        }
        Ok(())
    }

    fn take(path: PathBuf) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let place = path.with_file_name(format!(".{name}.lock"));
        match lock::take(&place) {
            Ok(None) => Err(Error::invalid(format!(
                "{} is open in another window; go on there, or close it there first",
                path.display()
            ))),
            Ok(lock) => Ok(Self { path, place, _lock: lock }),
            // a project in a folder that cannot be written to is read all the same
            Err(e) => {
                tracing::warn!("{} is used without a lock: {e}", path.display());
                Ok(Self { path, place, _lock: None })
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self._lock.is_some() {
            let _ = std::fs::remove_file(&self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_belongs_to_one_window() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a.paser", "b.paser"].map(|name| folder.path().join(name));
        let (mut ours, mut theirs) = (None, None);
        Held::change(&mut ours, &a).unwrap();
        Held::change(&mut ours, &a).unwrap();
        let error = Held::change(&mut theirs, &a).unwrap_err().to_string();
        assert!(error.contains("open in another window") && theirs.is_none(), "{error}");
        Held::change(&mut ours, &b).unwrap();
        Held::change(&mut theirs, &a).unwrap();
        drop((ours, theirs));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no lock file stays");
    }
}
