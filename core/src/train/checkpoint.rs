//! Finished stages on disk, so that an interrupted run goes on where it was.

use super::stage::{Place, Pupils};
use crate::bundle::{read_weights, write_weights};
use crate::error::{Error, Result};
use crate::lock::{self, Lock};
use crate::net::params::{self, State};
use burn::module::Module;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// The folder beside the bundle-to-be that holds what is finished.
pub(crate) struct Checkpoint {
    folder: PathBuf,
    _lock: Lock,
}

impl Checkpoint {
    /// Opens the folder beside `out` for a training with `settings`; without `resume` an earlier one is
    /// emptied. `what` tells trainings for the same bundle apart.
    ///
    /// # Errors
    /// Where the folder cannot be made, was made with other choices, or another training uses it.
    pub(crate) fn open(out: &Path, what: &str, settings: &impl Serialize, resume: bool) -> Result<Self> {
        let mut name = out.file_name().unwrap_or_default().to_owned();
        name.push(format!("{what}.partial"));
        let folder = out.with_file_name(name);
        let ours = serde_json::to_vec_pretty(settings).map_err(|e| Error::invalid(e.to_string()))?;
        let lock = locked(&folder, out)?;
        restore_bundle(&folder, out)?;
        let settings = folder.join("config.json");
        if resume && settings.exists() {
            let theirs = std::fs::read(&settings).map_err(|e| Error::io("cannot read", &settings, e))?;
            if theirs != ours {
                return Err(Error::bad(
                    &folder,
                    "it was begun with other choices; resume with the same, or start anew without --resume",
                ));
            }
            return Ok(Self { folder, _lock: lock });
        }
        empty(&folder)?;
        crate::export::write_atomic(&settings, &ours, true)?;
        Ok(Self { folder, _lock: lock })
    }

    /// Where the bundle is put together before it gets its name.
    pub(crate) fn draft(&self) -> PathBuf {
        self.folder.join("bundle")
    }

    /// The same place, made anew: what a training that was killed left there is no part of the bundle.
    ///
    /// # Errors
    /// Where it cannot be emptied or made.
    pub(crate) fn fresh_draft(&self) -> Result<PathBuf> {
        let draft = self.draft();
        if draft.exists() {
            std::fs::remove_dir_all(&draft).map_err(|e| Error::io("cannot replace", &draft, e))?;
        }
        std::fs::create_dir_all(&draft).map_err(|e| Error::io("cannot create", &draft, e))?;
        Ok(draft)
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

    /// Keeps an unfinished stage, all of it or nothing: it is put together in a folder that gets its name when
    /// it is whole, and only then the one before goes.
    ///
    /// # Errors
    /// Where it cannot be written; the one before is then still there.
    pub(crate) fn keep(&self, name: &str, place: &Place, pupils: &Pupils) -> Result<()> {
        let whole = self.at(name, place.step);
        let draft = whole.with_extension("draft");
        let written = write_place(&draft, place, pupils).and_then(|()| {
            if whole.exists() {
                std::fs::remove_dir_all(&whole).map_err(|e| Error::io("cannot replace", &whole, e))?;
            }
            std::fs::rename(&draft, &whole).map_err(|e| Error::io("cannot write", &whole, e))
        });
        if let Err(e) = written {
            let _ = std::fs::remove_dir_all(&draft); // what is left of it is of no use
            return Err(e);
        }
        self.forget(name, Some(place.step))
    }

    /// Where an unfinished stage was last kept; its state goes into `pupils`.
    ///
    /// # Errors
    /// Where what was kept is damaged.
    pub(crate) fn restore(&self, name: &str, pupils: &mut Pupils) -> Result<Option<Place>> {
        let Some(step) = self.places(name)?.into_iter().max() else { return Ok(None) };
        let folder = self.at(name, step);
        let damaged =
            |why: String| Error::bad(&folder, format!("it is damaged ({why}); start anew without --resume"));
        let read = |file: &str| {
            let path = folder.join(file);
            std::fs::read(&path).map_err(|e| Error::io("cannot read", &path, e))
        };
        let place: Place = serde_json::from_slice(&read(PLACE)?).map_err(|e| damaged(e.to_string()))?;
        for (i, net) in pupils.nets.iter_mut().enumerate() {
            let state = read_weights(&folder.join(format!("net{i}.safetensors")))?;
            net.restore(state, read(&format!("net{i}.moments"))?).map_err(damaged)?;
        }
        if let Some(policy) = &mut pupils.policy {
            let state = read_weights(&folder.join("policy.safetensors"))?;
            policy.restore(state, read("policy.moments")?).map_err(damaged)?;
        }
        Ok(Some(place))
    }

    /// Removes what was kept of the unfinished stage `name`, all but step `except`.
    fn forget(&self, name: &str, except: Option<usize>) -> Result<()> {
        for step in self.places(name)?.into_iter().filter(|s| Some(*s) != except) {
            let old = self.at(name, step);
            std::fs::remove_dir_all(&old).map_err(|e| Error::io("cannot remove", &old, e))?;
        }
        Ok(())
    }

    fn at(&self, name: &str, step: usize) -> PathBuf {
        self.folder.join(format!("{name} at {step}"))
    }

    /// Steps at which `name` was kept.
    fn places(&self, name: &str) -> Result<Vec<usize>> {
        let entries =
            std::fs::read_dir(&self.folder).map_err(|e| Error::io("cannot read", &self.folder, e))?;
        let prefix = format!("{name} at ");
        let step = |e: std::fs::DirEntry| e.file_name().to_str()?.strip_prefix(&prefix)?.parse().ok();
        Ok(entries.flatten().filter_map(step).collect())
    }

    /// Keeps a finished stage.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn save<M: Module>(&self, name: &str, net: &M) -> Result<()> {
        write_weights(&self.folder, &format!("{name}.safetensors"), &params::state(net), false).map(drop)
    }

    /// Keeps what is to be said of a finished stage.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn save_note(&self, name: &str, note: &impl Serialize) -> Result<()> {
        let bytes = serde_json::to_vec(note).map_err(|e| Error::invalid(e.to_string()))?;
        crate::export::write_atomic(&self.folder.join(format!("{name}.json")), &bytes, true)
    }

    /// What [`Self::save_note`] kept.
    ///
    /// # Errors
    /// Where it is missing or damaged.
    pub(crate) fn note<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let path = self.folder.join(format!("{name}.json"));
        let bytes = std::fs::read(&path).map_err(|e| Error::io("cannot read", &path, e))?;
        let damaged = |e| Error::bad(&path, format!("it is damaged ({e}); start anew without --resume"));
        serde_json::from_slice(&bytes).map_err(damaged)
    }

    /// Removes what was kept of a stage on its way, now that it is finished.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub(crate) fn finished(&self, name: &str) -> Result<()> {
        self.forget(name, None)
    }

    /// Removes everything: what was to be made is made.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub(crate) fn clear(&self) -> Result<()> {
        std::fs::remove_dir_all(&self.folder).map_err(|e| Error::io("cannot remove", &self.folder, e))
    }

    /// Gives the finished bundle its name and removes the rest. The bundle that it replaces is whole until then.
    ///
    /// # Errors
    /// Where the bundle cannot be moved.
    pub(crate) fn publish(&self, out: &Path, force: bool) -> Result<()> {
        if out.exists() {
            if !force {
                return Err(Error::Exists(out.to_owned()));
            }
            std::fs::rename(out, self.folder.join(REPLACED))
                .map_err(|e| Error::io("cannot replace", out, e))?;
        }
        std::fs::rename(self.draft(), out).map_err(|e| Error::io("cannot write", out, e))?;
        self.clear()
    }
}

/// The bundle that another one replaces, for the moment between two names.
const REPLACED: &str = "replaced";
/// The lock of the training.
const LOCK: &str = "lock";

/// The lock of `folder`, which is made where it is missing.
fn locked(folder: &Path, out: &Path) -> Result<Lock> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io("cannot create", folder, e))?;
    lock::take(&folder.join(LOCK))?.ok_or_else(|| {
        Error::invalid(format!(
            "another training for {} is running; wait for it to end, or choose another place for the bundle",
            out.display()
        ))
    })
}

/// Puts the bundle at `out` back where a training was killed while it replaced it.
fn restore_bundle(folder: &Path, out: &Path) -> Result<()> {
    let replaced = folder.join(REPLACED);
    if replaced.exists() && !out.exists() {
        std::fs::rename(&replaced, out).map_err(|e| Error::io("cannot restore", out, e))?;
    }
    Ok(())
}

/// Removes all of an earlier training but its lock.
fn empty(folder: &Path) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|e| Error::io("cannot read", folder, e))?;
    for path in entries.flatten().map(|e| e.path()).filter(|p| !p.ends_with(LOCK)) {
        let removed =
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.map_err(|e| Error::io("cannot remove", &path, e))?;
    }
    Ok(())
}

const PLACE: &str = "place.json";

fn write_place(draft: &Path, place: &Place, pupils: &Pupils) -> Result<()> {
    if draft.exists() {
        std::fs::remove_dir_all(draft).map_err(|e| Error::io("cannot replace", draft, e))?;
    }
    std::fs::create_dir_all(draft).map_err(|e| Error::io("cannot create", draft, e))?;
    let nets = pupils.nets.iter().enumerate().map(|(i, net)| (format!("net{i}"), net.kept()));
    let policy = pupils.policy.iter().map(|policy| ("policy".to_owned(), policy.kept()));
    for (name, kept) in nets.chain(policy) {
        let (state, moments) = kept?;
        write_weights(draft, &format!("{name}.safetensors"), &state, false)?;
        crate::export::write_atomic(&draft.join(format!("{name}.moments")), &moments, true)?;
    }
    let bytes = serde_json::to_vec(place).map_err(|e| Error::invalid(e.to_string()))?;
    crate::export::write_atomic(&draft.join(PLACE), &bytes, true)
}
