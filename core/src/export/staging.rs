//! A folder's results appear together: they are put together in a hidden folder within it, under a lock, and moved
//! out when they are complete. What a program that was killed left there is completed or removed by the next one.

use std::fs;
use std::path::{Path, PathBuf};

use super::write_atomic;
use crate::error::{Error, Result};
use crate::lock::{self, Lock};

/// Name of the hidden folder.
const FOLDER: &str = ".paser-run";
/// The lock within it.
const LOCK: &str = "lock";
/// The list of what is complete and to be moved; last comes what vouches for the rest.
const COMPLETE: &str = "complete.json";

/// Results on their way into a folder. Dropped before [`publish`](Self::publish) they leave nothing.
#[derive(Debug)]
pub(super) struct Staging {
    out: PathBuf,
    folder: PathBuf,
    _lock: Lock,
}

impl Staging {
    /// Starts results for `out`, which is made where it does not exist.
    ///
    /// # Errors
    /// Where another program is writing results there, or nothing can be written.
    pub(super) fn begin(out: &Path) -> Result<Self> {
        let folder = out.join(FOLDER);
        fs::create_dir_all(&folder).map_err(|e| Error::io("cannot create", &folder, e))?;
        let lock = lock::take(&folder.join(LOCK))?.ok_or_else(|| {
            Error::invalid(format!(
                "another run is writing its results to {}; wait for it to end, or choose another folder",
                out.display()
            ))
        })?;
        let staging = Self { out: out.to_owned(), folder, _lock: lock };
        staging.settle()?;
        Ok(staging)
    }

    /// Where results are put together.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Completes what was complete when its program was killed, and removes the rest.
    fn settle(&self) -> Result<()> {
        let list = self.folder.join(COMPLETE);
        let names = fs::read(&list).ok().and_then(|text| serde_json::from_slice::<Vec<PathBuf>>(&text).ok());
        if let Some(names) = names {
            tracing::warn!("completing an interrupted run's results in {}", self.out.display());
            self.move_out(&names)?;
        }
        for entry in
            fs::read_dir(&self.folder).map_err(|e| Error::io("cannot read", &self.folder, e))?.flatten()
        {
            let path = entry.path();
            let removed = match (entry.file_name() == LOCK, path.is_dir()) {
                (true, _) => Ok(()),
                (false, true) => fs::remove_dir_all(&path),
                (false, false) => fs::remove_file(&path),
            };
            removed.map_err(|e| Error::io("cannot remove", &path, e))?;
        }
        Ok(())
    }

    /// Gives `written`, files and folders in [`folder`](Self::folder), their place and says where they are.
    ///
    /// # Errors
    /// Where something lies there already and `force` is not given, or nothing can be moved.
    pub(super) fn publish(self, written: &[PathBuf], force: bool) -> Result<Vec<PathBuf>> {
        let names: Vec<PathBuf> = written.iter().filter_map(|p| p.file_name().map(PathBuf::from)).collect();
        let places: Vec<PathBuf> = names.iter().map(|name| self.out.join(name)).collect();
        if let Some(taken) = places.iter().find(|p| !force && p.symlink_metadata().is_ok()) {
            return Err(Error::Exists(taken.clone()));
        }
        let list = serde_json::to_vec(&names).map_err(|e| Error::invalid(e.to_string()))?;
        sync(&self.folder);
        write_atomic(&self.folder.join(COMPLETE), &list, true)?;
        self.move_out(&names)?;
        sync(&self.out);
        Ok(places)
    }

    /// Moves what is still here of `names`, what replaces nothing first.
    fn move_out(&self, names: &[PathBuf]) -> Result<()> {
        for name in names.iter().filter_map(|name| name.file_name()) {
            let (from, to) = (self.folder.join(name), self.out.join(name));
            if !from.exists() {
                continue;
            }
            if to.is_dir() {
                fs::remove_dir_all(&to).map_err(|e| Error::io("cannot replace", &to, e))?;
            }
            fs::rename(&from, &to).map_err(|e| Error::io("cannot write", &to, e))?;
        }
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.folder) {
            tracing::warn!("{} stays: {e}", self.folder.display());
        }
    }
}

/// Has the names in a folder on the disk, where the system can.
fn sync(folder: &Path) {
    if let Err(e) = fs::File::open(folder).and_then(|f| f.sync_all()) {
        tracing::debug!("{} is not synchronised: {e}", folder.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut all: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        all.sort();
        all
    }

    fn put(staging: &Staging, name: &str, text: &str) -> PathBuf {
        let path = staging.folder().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn results_appear_together_or_not_at_all() {
        let out = tempfile::tempdir().unwrap();
        let staging = Staging::begin(out.path()).unwrap();
        put(&staging, "a", "new");
        drop(staging);
        assert!(names(out.path()).is_empty());
        fs::write(out.path().join("b"), "old").unwrap();
        let staging = Staging::begin(out.path()).unwrap();
        let written = [put(&staging, "a", "new"), put(&staging, "b", "new")];
        assert!(matches!(staging.publish(&written, false), Err(Error::Exists(_))));
        assert_eq!(
            (names(out.path()), fs::read(out.path().join("b")).unwrap()),
            (vec!["b".to_owned()], b"old".to_vec())
        );
        let staging = Staging::begin(out.path()).unwrap();
        let written = [put(&staging, "a", "new"), put(&staging, "b", "new")];
        assert_eq!(staging.publish(&written, true).unwrap(), ["a", "b"].map(|n| out.path().join(n)));
        assert_eq!(names(out.path()), ["a", "b"]);
    }

    #[test]
    fn two_runs_do_not_share_a_folder() {
        let out = tempfile::tempdir().unwrap();
        let _first = Staging::begin(out.path()).unwrap();
        let error = Staging::begin(out.path()).unwrap_err().to_string();
        assert!(error.contains("another run is writing"), "{error}");
    }

    #[test]
    fn what_a_killed_program_left_is_removed_or_completed() {
        let out = tempfile::tempdir().unwrap();
        let left = out.path().join(FOLDER);
        fs::create_dir_all(left.join("half.zarr/0")).unwrap();
        fs::write(left.join("half.tif"), "half").unwrap();
        drop(Staging::begin(out.path()).unwrap());
        assert!(names(out.path()).is_empty());
        fs::create_dir_all(&left).unwrap();
        fs::write(out.path().join("a"), "new, moved before the kill").unwrap();
        fs::write(out.path().join("b"), "old").unwrap();
        fs::write(left.join("b"), "new").unwrap();
        fs::write(left.join(COMPLETE), r#"["a", "b", "../../c"]"#).unwrap();
        drop(Staging::begin(out.path()).unwrap());
        assert_eq!(names(out.path()), ["a", "b"]);
        assert_eq!(fs::read(out.path().join("b")).unwrap(), b"new");
    }
}
