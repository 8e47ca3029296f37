//! What is kept while the program runs, so that it can be restored where it ended without saying so.
//!
//! Each running program holds the lock of a place of its own; a place that nobody holds and that still has
//! its file belonged to a program that was killed.

use super::project::Project;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Programs at once that keep something.
const PLACES: usize = 16;

/// The place of this program.
#[derive(Debug)]
pub struct Recovery {
    file: PathBuf,
    kept: String,
    _lock: File,
}

impl Recovery {
    /// Takes a place in `folder`; with what a program that was killed left there. None where nothing can be
    /// kept.
    pub fn begin(folder: &Path) -> Option<(Self, Option<Project>)> {
        let failed = |e: std::io::Error| tracing::warn!("nothing is kept for a restart: {e}");
        std::fs::create_dir_all(folder).map_err(failed).ok()?;
        for place in 0..PLACES {
            let lock = folder.join(format!("running-{place}.lock"));
            let lock =
                File::options().create(true).truncate(false).write(true).open(lock).map_err(failed).ok()?;
            match lock.try_lock() {
                Ok(()) => {
                    let file = folder.join(format!("running-{place}.json"));
                    let left = std::fs::read(&file).ok().and_then(|text| Project::read(&text).ok());
                    let left = left.filter(|p| p.stack.is_some());
                    return Some((Self { file, kept: String::new(), _lock: lock }, left));
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(e)) => {
                    failed(e);
                    return None;
                }
            }
        }
        None
    }

    /// The text to write now, and where, if `project` is not what was kept last.
    pub fn changed(&mut self, project: &Project) -> Option<(PathBuf, String)> {
        let text = project.text().ok().filter(|text| *text != self.kept)?;
        self.kept.clone_from(&text);
        Some((self.file.clone(), text))
    }

    /// The program ends as it should.
    pub fn end(&self) {
        if let Err(e) = std::fs::remove_file(&self.file)
            && e.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!("{} stays: {e}", self.file.display());
        }
    }
}
