//! Everything that was said of a stack when it was opened, as a run's evidence keeps it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Part, RawSpec, View, Volume, open_part, open_raw};
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
    /// The channel and time of a file that holds several.
    #[serde(default)]
    pub part: Option<Part>,
    /// How it is seen.
    pub view: View,
}

impl Opening {
    /// Opens all of `path`, as stored.
    ///
    /// # Errors
    /// Where it cannot be read so.
    pub fn whole(&self, path: &Path) -> Result<Volume> {
        match &self.raw {
            Some(spec) => open_raw(path, spec),
            None => open_part(path, self.dataset.as_deref(), self.part),
        }
    }

    /// Opens `path` so. `memory` bounds what exchanging axes takes, in bytes.
    ///
    /// # Errors
    /// Where it cannot be read so, or nothing is left of it.
    pub fn open(&self, path: &Path, memory: Option<usize>) -> Result<Volume> {
        self.view.of(self.whole(path)?, memory)
    }
}
