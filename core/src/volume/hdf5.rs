//! HDF5: one numeric dataset of a file as a volume, read slice by slice. Which dataset: the one that is named, else the
//! signal that NeXus files call their default, else the only one that can be a volume. Axes: those of ilastik's
//! `axistags` or else Z, Y, X; axes of length 1 are dropped. Voxel size: `element_size_um` (Z, Y, X).

use std::path::{Path, PathBuf};

use hdf5_reader::Datatype;
use hdf5_reader::error::Error as Damage;
use hdf5_reader::group::Group;
use hdf5_reader::{Dataset, H5Type, Hdf5File, OpenOptions, SliceInfo, SliceInfoElem};
use serde::Deserialize;

use super::sample::Sample;
use super::{Slice, SliceReader, VolumeInfo, checked_size};
use crate::error::{Error, Result};

/// Groups within groups that are looked into.
const DEPTH: usize = 12;
/// Datasets that are looked at.
const MOST: usize = 10_000;
/// Bytes of a chunk, and of a slice as it is read, at most.
const LARGEST: usize = 4 << 30;
/// Bytes of unpacked chunks that are kept.
const CACHE: usize = 64 << 20;
/// No filter shrinks further than deflate: a volume larger than this many times the file is a lying header.
const RATIO: u64 = 1032;

/// A dataset of an HDF5 file.
pub(super) struct Hdf5Volume {
    path: PathBuf,
    info: VolumeInfo,
    sample: Sample,
    dataset: Dataset,
    /// Place of Z, Y and X among the dataset's axes; None where it has no such axis.
    axes: [Option<usize>; 3],
}

/// A dataset that can be a volume.
struct Candidate {
    name: String,
    dataset: Dataset,
    axes: [Option<usize>; 3],
    sample: Sample,
}

/// ilastik's description of axes.
#[derive(Deserialize)]
struct AxisTags {
    axes: Vec<AxisTag>,
}

#[derive(Deserialize)]
struct AxisTag {
    key: String,
}

impl Hdf5Volume {
    /// Opens dataset `wanted` of the file at `path`, or the one that a reader would expect.
    ///
    /// # Errors
    /// Where there is no such dataset, several could be meant, or the file is damaged.
    pub(super) fn open(path: &Path, wanted: Option<&str>) -> Result<Self> {
        let bad = |e: Damage| Error::bad(path, format!("it is a damaged HDF5 file ({e})"));
        let options = OpenOptions::default()
            .with_max_chunk_bytes(LARGEST)
            .with_max_read_bytes(LARGEST)
            .with_chunk_cache_bytes(CACHE);
        let file = Hdf5File::open_with_options(path, options).map_err(bad)?;
        let root = file.root_group().map_err(bad)?;
        let found = match wanted {
            Some(name) => {
                let dataset = file.dataset(name.trim_matches('/')).map_err(|_| missing(path, name, &root))?;
                candidate(name.trim_matches('/').to_owned(), dataset)
                    .ok_or_else(|| missing(path, name, &root))?
            }
            None => chosen(path, &root, signal(&root))?,
        };
        Self::of(path, found)
    }

    fn of(path: &Path, found: Candidate) -> Result<Self> {
        let shape = found.dataset.shape();
        let edge = |axis: Option<usize>| axis.map_or(1, |a| shape[a]);
        let [slices, height, width] = found.axes.map(edge);
        let (width, height) = checked_size(path, width, height)?;
        let slices = usize::try_from(slices).ok().filter(|n| (1..1 << 31).contains(n));
        let slices =
            slices.ok_or_else(|| Error::bad(path, "its dataset has no slices, or senselessly many"))?;
        let len = std::fs::metadata(path).map_err(|e| Error::io("cannot read", path, e))?.len();
        let announced = ((height * width * found.sample.bytes()) as u64).saturating_mul(slices as u64);
        if announced > len.saturating_mul(RATIO) {
            return Err(Error::bad(
                path,
                format!(
                    "{slices} slices of {width} x {height} voxels are announced, more than the file can hold; copy it again"
                ),
            ));
        }
        let mut info = VolumeInfo::new([slices, height, width], found.sample.dtype());
        let size = found
            .dataset
            .attribute("element_size_um")
            .ok()
            .and_then(|a| a.read_1d::<f64>().ok().or_else(|| singles(&a)));
        if let Some([z, y, x]) = size.as_deref().filter(|s| s.iter().all(|d| d.is_finite() && *d > 0.0)) {
            (info.voxel_size, info.unit) = (Some([*z, *y, *x]), Some("um".to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            info,
            sample: found.sample,
            dataset: found.dataset,
            axes: found.axes,
        })
    }

    /// The values of slice `z` in the dataset's order of rows and columns.
    fn stored<T: H5Type>(&self, z: usize, number: impl Fn(&T) -> f32) -> Result<Vec<f32>> {
        let all = |axis: usize| SliceInfoElem::Slice { start: 0, end: self.dataset.shape()[axis], step: 1 };
        let choose = |axis: usize| match self.axes {
            [Some(a), _, _] if a == axis => SliceInfoElem::Index(z as u64),
            [_, y, x] if y == Some(axis) || x == Some(axis) => all(axis),
            _ => SliceInfoElem::Index(0),
        };
        let selection = SliceInfo { selections: (0..self.dataset.ndim()).map(choose).collect() };
        let read = self.dataset.read_slice::<T>(&selection).map_err(|e| {
            Error::bad(
                &self.path,
                format!("slice {} cannot be read ({e}); copy or export the file again", z + 1),
            )
        })?;
        Ok(read.iter().map(number).collect())
    }
}

/// A list of 32-bit floats as 64-bit ones.
fn singles(attribute: &hdf5_reader::Attribute) -> Option<Vec<f64>> {
    Some(attribute.read_1d::<f32>().ok()?.into_iter().map(f64::from).collect())
}

impl SliceReader for Hdf5Volume {
    fn info(&self) -> &VolumeInfo {
        &self.info
    }

    fn read(&self, z: usize) -> Result<Slice> {
        self.info.check_slice(z)?;
        let (height, width) = (self.info.height, self.info.width);
        let values = match self.sample {
            Sample::I8 => self.stored::<i8>(z, |v| f32::from(*v)),
            Sample::U8 => self.stored::<u8>(z, |v| f32::from(*v)),
            Sample::I16 => self.stored::<i16>(z, |v| f32::from(*v)),
            Sample::U16 => self.stored::<u16>(z, |v| f32::from(*v)),
            Sample::I32 => self.stored::<i32>(z, |v| *v as f32),
            Sample::U32 => self.stored::<u32>(z, |v| *v as f32),
            Sample::I64 => self.stored::<i64>(z, |v| *v as f32),
            Sample::U64 => self.stored::<u64>(z, |v| *v as f32),
            Sample::F32 => self.stored::<f32>(z, |v| *v),
            Sample::F64 => self.stored::<f64>(z, |v| *v as f32),
        }?;
        if values.len() != height * width {
            let n = values.len();
            return Err(Error::bad(
                &self.path,
                format!("slice {} holds {n} values, not {height} x {width}", z + 1),
            ));
        }
        let turned = self.axes[1] > self.axes[2];
        let values = match turned {
            true => (0..height * width).map(|i| values[i % width * height + i / width]).collect(),
            false => values,
        };
        Ok(Slice { height, width, channels: 1, values })
    }
}

/// The dataset that a NeXus file calls its default signal.
fn signal(root: &Group) -> Option<String> {
    let text = |group: &Group, name: &str| group.attribute(name).ok()?.read_string().ok();
    let entry = text(root, "default")?;
    let group = root.group(&entry).ok()?;
    let data = text(&group, "default")?;
    let signal = text(&group.group(&data).ok()?, "signal")?;
    Some(format!("{entry}/{data}/{signal}"))
}

/// The candidate that is meant where nobody says.
fn chosen(path: &Path, root: &Group, signal: Option<String>) -> Result<Candidate> {
    let mut all = Vec::new();
    collect(root, "", DEPTH, &mut all);
    let named = signal.and_then(|name| all.iter().position(|c| c.name == name));
    let place = named.or_else(|| (all.len() == 1).then_some(0));
    match place {
        Some(place) => Ok(all.swap_remove(place)),
        None if all.is_empty() => Err(Error::bad(
            path,
            "it holds no dataset of numbers with two or three axes; choose another file, or export the volume alone",
        )),
        None => Err(Error::bad(
            path,
            format!("it holds several volumes: {}; choose one with --dataset", listed(&all)),
        )),
    }
}

fn listed(all: &[Candidate]) -> String {
    let name = |c: &Candidate| {
        let shape: Vec<String> = c.dataset.shape().iter().map(u64::to_string).collect();
        format!("{} ({})", c.name, shape.join(" x "))
    };
    let some: Vec<String> = all.iter().take(20).map(name).collect();
    some.join(", ") + if all.len() > 20 { ", ..." } else { "" }
}

fn missing(path: &Path, name: &str, root: &Group) -> Error {
    let mut all = Vec::new();
    collect(root, "", DEPTH, &mut all);
    Error::bad(
        path,
        match all.len() {
            0 => format!("it holds no volume \"{name}\", nor any other"),
            _ => format!("it holds no volume \"{name}\"; it holds {}", listed(&all)),
        },
    )
}

/// All datasets below `group` that can be a volume; damaged groups are passed over.
fn collect(group: &Group, at: &str, depth: usize, found: &mut Vec<Candidate>) {
    let Ok((groups, datasets)) = group.members() else { return };
    let name = |own: &str| {
        let own = own.trim_matches('/').rsplit('/').next().unwrap_or_default();
        if at.is_empty() { own.to_owned() } else { format!("{at}/{own}") }
    };
    for dataset in datasets {
        let name = name(dataset.name());
        found.extend(candidate(name, dataset));
    }
    for inner in groups.iter().filter(|_| depth > 0) {
        if found.len() < MOST {
            collect(inner, &name(inner.name()), depth - 1, found);
        }
    }
}

/// A dataset as a volume, where its numbers and axes allow that.
fn candidate(name: String, dataset: Dataset) -> Option<Candidate> {
    let sample = match dataset.dtype() {
        Datatype::FixedPoint { size, signed, .. } => {
            Sample::of(if *signed { 'i' } else { 'u' }, usize::from(*size))?
        }
        Datatype::FloatingPoint { size, .. } => Sample::of('f', usize::from(*size))?,
        _ => return None,
    };
    let shape = dataset.shape();
    let long: Vec<usize> = (0..shape.len()).filter(|a| shape[*a] != 1).collect();
    let keys = tagged(&dataset).filter(|keys| keys.len() == shape.len());
    let axes = match keys {
        Some(keys) => {
            let place = |key: &str| keys.iter().position(|k| k == key);
            let axes = [place("z"), place("y"), place("x")];
            // Time and channels of more than one entry leave open what the volume is.
            long.iter().all(|a| axes.contains(&Some(*a))).then_some(axes)?
        }
        None if shape.len() == 2 || (shape.len() > 2 && long.len() == 2 && shape.len() != 3) => {
            let [y, x] = if shape.len() == 2 { [0, 1] } else { [long[0], long[1]] };
            [None, Some(y), Some(x)]
        }
        None if shape.len() == 3 => [Some(0), Some(1), Some(2)],
        None if long.len() == 3 => [Some(long[0]), Some(long[1]), Some(long[2])],
        None => return None,
    };
    (axes[1].is_some() && axes[2].is_some()).then_some(Candidate { name, dataset, axes, sample })
}

/// The keys of ilastik's `axistags`.
fn tagged(dataset: &Dataset) -> Option<Vec<String>> {
    let text = dataset.attribute("axistags").ok()?.read_string().ok()?;
    let tags: AxisTags = serde_json::from_str(&text).ok()?;
    Some(tags.axes.into_iter().map(|t| t.key).collect())
}
