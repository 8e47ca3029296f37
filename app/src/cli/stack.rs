//! How a stack is opened: as raw voxels, turned, cropped, binned.

use paser_core::Result;
use paser_core::volume::{Axes, Crop, Opening, Part, RawSpec, View, Volume, Voxel};
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
    /// Channel of a file that holds several, counted from 1
    #[arg(long, value_name = "N", conflicts_with = "raw")]
    channel: Option<u64>,
    /// Time of a file that holds several, counted from 1
    #[arg(long, value_name = "N", conflicts_with = "raw")]
    time: Option<u64>,
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
    /// What the flags say.
    pub(super) fn opening(&self) -> Opening {
        let view =
            View { axes: self.axes, crop: self.crop.clone(), bin: self.bin, voxel: self.voxel.clone() };
        let said = self.channel.or(self.time).is_some();
        let one = |n: Option<u64>| n.unwrap_or(1);
        let part = said.then(|| Part { channel: one(self.channel), time: one(self.time) });
        Opening { raw: self.raw.clone(), dataset: self.dataset.clone(), part, view }
    }

    /// Opens the stack as the flags say.
    pub(super) fn open(&self, path: &Path) -> Result<Volume> {
        self.opening().open(path, self.memory.map(|mb| mb << 20))
    }
}

impl From<Opening> for StackArgs {
    fn from(Opening { raw, dataset, part, view }: Opening) -> Self {
        let View { axes, crop, bin, voxel } = view;
        let (channel, time) = part.map(|p| (p.channel, p.time)).unzip();
        Self { raw, dataset, channel, time, axes, crop, bin, voxel, memory: None }
    }
}
