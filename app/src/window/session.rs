//! What is remembered from one start to the next.

use super::memory::Memory;
use super::state::{Overlay, State, Workspace};
use super::theme::Mode;
use super::training::Form;
use paser_core::export::results::Wanted;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Version of this form; another one is not read.
const VERSION: u32 = 1;
/// Stacks that the start page offers again.
const RECENT: usize = 5;

/// The window as it was left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    version: u32,
    mode: Mode,
    workspace: Workspace,
    overlay: Overlay,
    form: Form,
    recent: Vec<PathBuf>,
    #[serde(default)]
    wanted: Wanted,
    #[serde(default)]
    memory: Memory,
    #[serde(default)]
    studies: BTreeMap<String, String>,
}

impl Session {
    /// Of a window.
    pub fn of(state: &State) -> Self {
        Self {
            version: VERSION,
            mode: state.mode,
            workspace: state.workspace,
            overlay: state.overlay,
            form: Form { refused: None, ..state.form.clone() },
            recent: state.recent.clone(),
            wanted: state.wanted.clone(),
            memory: state.memory,
            studies: state.studies.folders.clone(),
        }
    }

    /// From its text; none where that is of another version or damaged.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str::<Self>(text).ok().filter(|s| s.version == VERSION)
    }

    /// Its text.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Puts a window back as it was.
    pub fn restore(self, state: &mut State) {
        state.mode = self.mode;
        state.workspace = self.workspace;
        state.overlay = self.overlay;
        state.form = self.form;
        state.recent = self.recent;
        state.wanted = self.wanted;
        state.memory = self.memory;
        state.studies.folders = self.studies;
    }
}

/// Remembers a stack that was opened, the newest first.
pub fn remember(recent: &mut Vec<PathBuf>, path: &std::path::Path) {
    recent.retain(|p| p != path);
    recent.insert(0, path.to_owned());
    recent.truncate(RECENT);
}
