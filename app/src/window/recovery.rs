//! What is kept while the program runs, so that it can be restored where it ended without saying so.
//!
//! Each running program holds the lock of a place of its own; a place that nobody holds and that still has
//! its file belonged to a program that was killed.

use super::project::Project;
use crate::logs;
use std::fs::{File, TryLockError};
use std::io::Write;
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

/// What a program that did not end as it should left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Left {
    /// What was open, where a stack was.
    pub project: Option<Project>,
    /// The report of its crash, where it wrote one.
    pub report: Option<PathBuf>,
}

/// What lies in a place whose `lock` was last written when its program began.
fn left(file: &Path, lock: &File) -> Option<Left> {
    let project = Project::read(&std::fs::read(file).ok()?).ok();
    let report = lock.metadata().and_then(|m| m.modified()).ok().and_then(logs::crash_since);
    let left = Left { project: project.filter(|p| p.stack.is_some()), report };
    (left != Left::default()).then_some(left)
}

impl Recovery {
    /// Takes a place in `folder`; with what a program that was killed left there. None where nothing can be
    /// kept.
    pub fn begin(folder: &Path) -> Option<(Self, Option<Left>)> {
        let failed = |e: std::io::Error| tracing::warn!("nothing is kept for a restart: {e}");
        std::fs::create_dir_all(folder).map_err(failed).ok()?;
        for place in 0..PLACES {
            let lock = folder.join(format!("running-{place}.lock"));
            let mut lock =
                File::options().create(true).truncate(false).write(true).open(lock).map_err(failed).ok()?;
            match lock.try_lock() {
                Ok(()) => {
                    let file = folder.join(format!("running-{place}.json"));
                    let left = left(&file, &lock);
                    // when this was written is when the program that holds the place began
                    lock.write_all(b".").map_err(failed).ok()?;
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

    /// Where the text to write goes.
    pub fn file(&self) -> &Path {
        &self.file
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
