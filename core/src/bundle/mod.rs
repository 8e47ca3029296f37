//! A model bundle on disk: a folder with `manifest.json` and the weights of the task nets and the
//! policies, each with its hash. Weights are data, never code.

mod manifest;
mod policies;
mod weights;

pub use manifest::{
    CurvePoint, F0Label, Hashed, ImageId, Manifest, MonteCarlo, NetEntry, SplitRecord, WholeEntry,
};
pub use policies::{CascadeEntry, ConditionedEntry, PolicyEntry, Sees};
pub use weights::{halves, read_weights, rounded, sha256, write_weights};

use crate::error::{Error, Result};
use crate::hash::Stream;
use crate::net::params;
use crate::net::{Net, Policy};
use burn::module::Module;
use burn::tensor::Device;
use std::path::{Path, PathBuf};
use weights::{read_hashed, read_limited};

/// Name of the manifest in a bundle's folder.
pub const MANIFEST: &str = "manifest.json";
/// A manifest larger than this is refused before it is read.
const LARGEST_MANIFEST: u64 = 16 << 20;

/// A bundle whose manifest was read and found sound; weights are read by [`Bundle::load`].
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The manifest.
    pub manifest: Manifest,
    folder: PathBuf,
}

/// The nets of a bundle on a device.
#[derive(Clone, Debug, Default)]
pub struct Models {
    /// f0, f1, ...
    pub nets: Vec<Net>,
    /// Policies by rising λ.
    pub policies: Vec<Policy>,
    /// The policy that serves every λ.
    pub conditioned: Option<Policy>,
}

impl Bundle {
    /// Reads and checks the manifest in `folder`.
    ///
    /// # Errors
    /// Where there is none, or it contradicts itself.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        if !path.exists() {
            let why =
                format!("it holds no model bundle (there is no {MANIFEST} in it); choose the folder of one");
            return Err(Error::bad(folder, why));
        }
        let bytes = read_limited(&path, LARGEST_MANIFEST)?;
        let manifest: Manifest = serde_json::from_slice(&bytes)
            .map_err(|e| Error::bad(&path, format!("it is no bundle manifest of this program ({e})")))?;
        manifest.check().map_err(|why| Error::bad(&path, why))?;
        Ok(Self { manifest, folder: folder.to_owned() })
    }

    /// Loads the task nets and policies onto `device` after checking their hashes.
    ///
    /// # Errors
    /// Where a file is missing, does not match its hash or does not fit its net.
    pub fn load(&self, device: &Device) -> Result<Models> {
        let m = &self.manifest;
        let net = |entry: &NetEntry| {
            let state = read_hashed(&self.folder, &entry.weights)?;
            params::load(entry.spec.init(device, 0), state).map_err(|e| self.unfit(&entry.weights, &e))
        };
        let policy = |weights: &Hashed, sees: Sees| {
            let fresh = sees.policy(&m.layout, m.nets.len(), device, &mut Stream::new(0, "weights"));
            params::load(fresh, read_hashed(&self.folder, weights)?).map_err(|e| self.unfit(weights, &e))
        };
        Ok(Models {
            nets: m.nets.iter().map(net).collect::<Result<_>>()?,
            policies: m.policies.iter().map(|p| policy(&p.weights, Sees::Tile)).collect::<Result<_>>()?,
            conditioned: m.conditioned.as_ref().map(|p| policy(&p.weights, p.sees)).transpose()?,
        })
    }

    /// Loads the whole-tile net `name`.
    ///
    /// # Errors
    /// Where the bundle has none of that name, or as [`Self::load`].
    pub fn load_other(&self, name: &str, device: &Device) -> Result<Net> {
        let entry = self.manifest.other(name).ok_or_else(|| {
            Error::invalid(format!(
                "the bundle holds no {name}; add it with paser train --model {name} --out {}",
                self.folder.display()
            ))
        })?;
        let state = read_hashed(&self.folder, &entry.weights)?;
        params::load(entry.spec.init(device, 0), state).map_err(|e| self.unfit(&entry.weights, &e))
    }

    /// Folder of the bundle.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One hash for the whole bundle: that of its manifest, which holds those of the weights.
    ///
    /// # Errors
    /// Where the manifest cannot be read any more.
    pub fn hash(&self) -> Result<String> {
        Ok(sha256(&read_limited(&self.folder.join(MANIFEST), LARGEST_MANIFEST)?))
    }

    fn unfit(&self, entry: &Hashed, mismatch: &params::Mismatch) -> Error {
        let path = self.folder.join(&entry.file);
        Error::bad(&path, format!("its tensors do not fit the net that the manifest names: {mismatch}"))
    }
}

impl Models {
    /// The device that holds the nets.
    pub fn device(&self) -> Device {
        self.nets.first().and_then(|n| n.devices().into_iter().next()).unwrap_or_else(Device::flex)
    }
}
