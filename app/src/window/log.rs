//! What the program wrote down of itself, on show.

use super::state::State;
use crate::logs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes that are shown.
const MOST: u64 = 64 << 10;

/// A file on show.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// What it is.
    pub title: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// Its text, or the last part of it.
    pub text: String,
    /// Whether its end matters most.
    pub from_end: bool,
}

/// Shows the log, or says why not.
pub(super) fn open(state: &mut State) {
    match logs::newest().map(|path| (read(&path), path)) {
        Some((Ok(text), path)) => state.log = Some(Log { title: "The log", path, text, from_end: true }),
        Some((Err(e), path)) => state.notices.error(format!("cannot read {}: {e}", path.display())),
        None => state.notices.warn("there is no log: this program has no folder that it may write it to"),
    }
}

/// Shows the crash report at `path`.
pub(super) fn open_report(state: &mut State, path: PathBuf) {
    match read(&path) {
        Ok(text) => state.log = Some(Log { title: "The report of the crash", path, text, from_end: false }),
        Err(e) => state.notices.error(format!("cannot read {}: {e}", path.display())),
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MOST)))?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
