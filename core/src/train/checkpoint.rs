//! Finished stages on disk, so that an interrupted run goes on where it was.

use super::config::TrainConfig;
use crate::bundle::{read_weights, write_weights};
use crate::error::{Error, Result};
use crate::net::params::{self, State};
use burn::module::Module;
use std::path::{Path, PathBuf};

/// The folder beside the bundle-to-be that holds what is finished.
pub(crate) struct Checkpoint {
    folder: PathBuf,
}

impl Checkpoint {
    /// Opens the folder for `out`; without `resume` an earlier one is emptied.
    ///
    /// # Errors
    /// Where the folder cannot be made or was made with other choices.
    pub(crate) fn open(out: &Path, config: &TrainConfig, resume: bool) -> Result<Self> {
        let mut name = out.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let folder = out.with_file_name(name);
        let settings = folder.join("config.json");
        let ours = serde_json::to_vec_pretty(config).map_err(|e| Error::invalid(e.to_string()))?;
        if resume && settings.exists() {
            let theirs = std::fs::read(&settings).map_err(|e| Error::io("cannot read", &settings, e))?;
            if theirs != ours {
                return Err(Error::bad(
                    &folder,
                    "it was begun with other choices; resume with the same, or start anew without --resume",
                ));
            }
            return Ok(Self { folder });
        }
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|e| Error::io("cannot remove", &folder, e))?;
        }
        std::fs::create_dir_all(&folder).map_err(|e| Error::io("cannot create", &folder, e))?;
        crate::export::write_atomic(&settings, &ours, true)?;
        Ok(Self { folder })
    }

    /// Where the bundle is put together before it gets its name.
    pub(crate) fn draft(&self) -> PathBuf {
        self.folder.join("bundle")
    }

    /// `fresh` with the weights of the finished stage `name`; none where it is not finished.
    ///
    /// # Errors
    /// Where the file is damaged.
    pub(crate) fn load<M: Module>(&self, name: &str, fresh: impl FnOnce() -> M) -> Result<Option<M>> {
        let path = self.folder.join(format!("{name}.safetensors"));
        if !path.exists() {
            return Ok(None);
        }
        let state: State = read_weights(&path)?;
        let loaded = params::load(fresh(), state);
        loaded
            .map(Some)
            .map_err(|e| Error::bad(&path, format!("it does not fit: {e}; start anew without --resume")))
    }

    /// Keeps a finished stage.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn save<M: Module>(&self, name: &str, net: &M) -> Result<()> {
        write_weights(&self.folder, &format!("{name}.safetensors"), &params::state(net), false).map(drop)
    }

    /// Gives the finished bundle its name and removes the rest.
    ///
    /// # Errors
    /// Where the bundle cannot be moved.
    pub(crate) fn publish(&self, out: &Path, force: bool) -> Result<()> {
        if out.exists() {
            if !force {
                return Err(Error::Exists(out.to_owned()));
            }
            std::fs::remove_dir_all(out).map_err(|e| Error::io("cannot replace", out, e))?;
        }
        std::fs::rename(self.draft(), out).map_err(|e| Error::io("cannot write", out, e))?;
        std::fs::remove_dir_all(&self.folder).map_err(|e| Error::io("cannot remove", &self.folder, e))
    }
}
