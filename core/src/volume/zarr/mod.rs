//! Zarr arrays, version 2 and 3, and OME-Zarr images (the finest level) read chunk by chunk.

mod blosc;
mod codec;
mod meta;
mod store;

use std::path::Path;

use rayon::prelude::*;

use self::meta::{Array, Image};
use self::store::Store;
use super::{MAX_EDGE, Part, Parts, Slice, SliceReader, VolumeInfo, checked_size};
use crate::error::{Error, Result};

/// Chunks of a slice at most; more would each be a file of a few voxels.
const MAX_CHUNKS: u64 = 1 << 18;
/// Pixels of a slice that may hold nothing but the fill value; a larger one is a lying header.
const MAX_EMPTY: usize = 1 << 26;

/// Whether a folder is a Zarr array or group.
pub(super) fn is_zarr(dir: &Path) -> bool {
    ["zarr.json", ".zarray", ".zgroup"].iter().any(|name| dir.join(name).is_file())
}

/// A volume within a Zarr hierarchy.
pub(super) struct ZarrVolume {
    store: Store,
    /// Axes of the array that are Z, Y, X; None for a missing Z.
    axes: [Option<usize>; 3],
    /// Entry of every other axis.
    entry: Vec<u64>,
    info: VolumeInfo,
}

impl ZarrVolume {
    /// Reads the metadata of the array or image in `dir`.
    pub(super) fn open(dir: &Path, part: Option<Part>) -> Result<Self> {
        let Image { array, axes, others, voxel_size } = meta::open(dir)?;
        let edge = |axis: Option<usize>| axis.map_or(1, |a| array.shape[a]);
        let (width, height) = checked_size(dir, edge(axes[2]), edge(axes[1]))?;
        let slices = edge(axes[0]);
        if !(1..=MAX_EDGE).contains(&slices) {
            return Err(Error::bad(dir, format!("it claims {slices} slices; export it again")));
        }
        let known = |a: &usize| axes.contains(&Some(*a)) || others.contains(&Some(*a));
        if let Some(other) = (0..array.shape.len()).find(|a| !known(a) && array.shape[*a] != 1) {
            let n = array.shape[other];
            return Err(Error::bad(
                dir,
                format!(
                    "its axis {other} has {n} entries beside Z, Y and X (channels or times); export one of them"
                ),
            ));
        }
        let mut entry = vec![0; array.shape.len()];
        for (axis, place) in others.into_iter().zip(parts(&array, others).choose(part, dir)?) {
            axis.into_iter().for_each(|a| entry[a] = place);
        }
        let across = |axis: Option<usize>| axis.map_or(1, |a| array.shape[a].div_ceil(array.chunk[a]));
        if across(axes[1]).saturating_mul(across(axes[2])) > MAX_CHUNKS {
            let chunk = &array.chunk;
            return Err(Error::bad(
                dir,
                format!("its chunks of {chunk:?} voxels are too small; save it in larger ones"),
            ));
        }
        let mut info = VolumeInfo::new([slices as usize, height, width], array.sample.dtype());
        info.bytes = slices * (width * height * array.sample.bytes()) as u64;
        (info.voxel_size, info.unit) = voxel_size.unzip();
        Ok(Self { store: Store::new(array), axes, entry, info })
    }

    /// How many channels and times the image in `dir` holds.
    pub(super) fn parts(dir: &Path) -> Result<Parts> {
        let image = meta::open(dir)?;
        Ok(parts(&image.array, image.others))
    }

    /// The chunks that slice `z` touches: their places in the grid.
    fn touched(&self, z: usize) -> Vec<Vec<u64>> {
        let array = self.store.array();
        let mut places = vec![vec![]];
        for axis in 0..array.shape.len() {
            let at = if self.axes[0] == Some(axis) { z as u64 } else { self.entry[axis] };
            let first = at / array.chunk[axis];
            let flat = self.axes[0] == Some(axis) || !self.axes.contains(&Some(axis));
            let last = if flat { first } else { (array.shape[axis] - 1) / array.chunk[axis] };
            let extend = |place: &Vec<u64>| {
                (first..=last).map(|c| [place.as_slice(), &[c]].concat()).collect::<Vec<_>>()
            };
            places = places.iter().flat_map(extend).collect();
        }
        places
    }

    /// Copies the part of slice `z` that the chunk at `place` holds.
    fn copy(&self, array: &Array, z: usize, place: &[u64], chunk: &[u8], out: &mut [f32]) {
        let part = |axis: Option<usize>| {
            axis.map_or((0, 1, 1), |a| {
                let start = place[a] * array.chunk[a];
                (start as usize, (array.shape[a] - start).min(array.chunk[a]) as usize, array.stride(a))
            })
        };
        let [(z0, _, sz), (y0, ny, sy), (x0, nx, sx)] = self.axes.map(part);
        let size = array.sample.bytes();
        let other = |a: usize| (self.entry[a] % array.chunk[a]) as usize * array.stride(a);
        let others: usize =
            (0..array.shape.len()).filter(|a| !self.axes.contains(&Some(*a))).map(other).sum();
        for y in 0..ny {
            let first = others + (z - z0) * sz + y * sy;
            let to = &mut out[(y0 + y) * self.info.width + x0..][..nx];
            if sx == 1 {
                let bytes = &chunk[first * size..(first + nx) * size];
                to.copy_from_slice(&array.sample.values(bytes, array.order));
            } else {
                for (x, to) in to.iter_mut().enumerate() {
                    let at = (first + x * sx) * size;
                    *to = array.sample.values(&chunk[at..at + size], array.order)[0];
                }
            }
        }
    }
}

/// How many channels and times an array holds.
fn parts(array: &Array, [channels, times]: [Option<usize>; 2]) -> Parts {
    let count = |axis: Option<usize>| axis.map_or(1, |a| array.shape[a]);
    Parts { channels: count(channels), times: count(times) }
}

impl SliceReader for ZarrVolume {
    fn info(&self) -> &VolumeInfo {
        &self.info
    }

    fn read(&self, z: usize) -> Result<Slice> {
        self.info.check_slice(z)?;
        let array = self.store.array();
        let VolumeInfo { height, width, .. } = self.info;
        let places = self.touched(z);
        if height * width > MAX_EMPTY && !places.iter().any(|place| self.store.exists(place)) {
            return Err(Error::bad(
                &array.dir,
                format!(
                    "slice {z} of {width} x {height} voxels has no chunk on the disk; copy the whole folder again"
                ),
            ));
        }
        let mut values = vec![array.fill; height * width];
        // As many chunks at a time as there are threads, so that memory stays small.
        for some in places.chunks(rayon::current_num_threads().max(1)) {
            let chunks: Vec<_> =
                some.par_iter().map(|place| self.store.chunk(place)).collect::<Result<_>>()?;
            for (place, chunk) in some.iter().zip(chunks) {
                if let Some(chunk) = chunk {
                    self.copy(array, z, place, &chunk, &mut values);
                }
            }
        }
        Ok(Slice { height, width, channels: 1, values })
    }
}
