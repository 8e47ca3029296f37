//! Everything that was said of a stack when it was opened, as a run's evidence keeps it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{RawSpec, View, Volume, open, open_dataset, open_raw};
use crate::error::Result;

/// How a stack is opened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    /// What a file without header holds.
    #[serde(default)]
    pub raw: Option<RawSpec>,
    /// The data set of a file that holds several.
    #[serde(default)]
    pub dataset: Option<String>,
    /// How it is seen.
    pub view: View,
}

impl Opening {
    /// Opens `path` so. `memory` bounds what exchanging axes takes, in bytes.
    ///
    /// # Errors
    /// Where it cannot be read so, or nothing is left of it.
    pub fn open(&self, path: &Path, memory: Option<usize>) -> Result<Volume> {
        let whole = match (&self.raw, &self.dataset) {
            (Some(spec), _) => open_raw(path, spec)?,
            (None, Some(name)) => open_dataset(path, name)?,
            (None, None) => open(path)?,
        };
        self.view.of(whole, memory)
    }
}
