//! How a stack is opened: as raw voxels, turned, cropped, binned.

use paser_core::Result;
use paser_core::volume::{self, Axes, Crop, RawSpec, View, Volume, Voxel};
use serde_json::{Value, json};
use std::path::Path;

/// What a stack is and which part of it is used, as flags.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct StackArgs {
    /// A file without header: slices x rows x columns, type, byte order (le, be), header bytes
    #[arg(long, value_name = "100x200x300,u16,le,header=0")]
    raw: Option<RawSpec>,
    /// Dataset of an HDF5 file, where it holds several
    #[arg(long, value_name = "PATH", conflicts_with = "raw")]
    dataset: Option<String>,
    /// The file's axes that become Z, Y, X
    #[arg(long, value_name = "YZX")]
    axes: Option<Axes>,
    /// Part that is used, along Z,Y,X (after --axes), counted from 1
    #[arg(long, value_name = "A:B,C:D,E:F")]
    crop: Option<Crop>,
    /// Average blocks of N x N x N voxels (after --crop)
    #[arg(long, value_name = "N")]
    bin: Option<usize>,
    /// The voxel size that a run which is repeated was told.
    #[arg(skip)]
    voxel: Option<Voxel>,
    /// Memory that may be used, where there is a choice
    #[arg(long, value_name = "MB")]
    pub(super) memory: Option<usize>,
}

impl StackArgs {
    fn view(&self) -> View {
        View { axes: self.axes, crop: self.crop.clone(), bin: self.bin, voxel: self.voxel.clone() }
    }

    /// Opens the stack as the flags say.
    pub(super) fn open(&self, path: &Path) -> Result<Volume> {
        let whole = match (&self.raw, &self.dataset) {
            (Some(spec), _) => volume::open_raw(path, spec)?,
            (None, Some(name)) => volume::open_dataset(path, name)?,
            (None, None) => volume::open(path)?,
        };
        self.view().of(whole, self.memory.map(|mb| mb << 20))
    }

    /// The flags, for a run's evidence.
    pub(super) fn evidence(&self) -> Value {
        json!({ "raw": self.raw, "dataset": self.dataset, "view": self.view() })
    }

    /// The flags that a run's evidence states.
    pub(super) fn from_evidence(opened: &Value) -> serde_json::Result<Self> {
        let raw = serde_json::from_value(opened["raw"].clone())?;
        let dataset = serde_json::from_value(opened["dataset"].clone())?;
        let view: View = serde_json::from_value(opened["view"].clone())?;
        Ok(Self {
            raw,
            dataset,
            axes: view.axes,
            crop: view.crop,
            bin: view.bin,
            voxel: view.voxel,
            memory: None,
        })
    }
}
