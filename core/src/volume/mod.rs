//! Stacks of grey or colour slices, read lazily: headers at opening, pixels one slice at a time.

mod chunk;
mod folder;
mod hashing;
mod hdf5;
mod ifd;
mod imagej;
mod mhd;
mod nifti;
mod nrrd;
mod ome;
mod opening;
mod planes;
mod png;
mod raw;
mod sample;
mod sniff;
mod stamp;
mod tiff;
mod view;
mod zarr;

pub use self::hashing::Hashing;
pub use self::opening::Opening;
pub use self::raw::RawSpec;
pub use self::stamp::Stamp;
pub use self::view::{Axes, Crop, View, Voxel};

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::sniff::{Format, sniff};
use crate::error::{Error, Result};

/// Longest edge of a slice in pixels; more is a damaged header.
const MAX_EDGE: u64 = 1 << 20;
/// Most pixels of a slice; more would not fit in memory as f32.
const MAX_PIXELS: u64 = 1 << 30;

/// Type of one stored value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// 8-bit unsigned.
    U8,
    /// 16-bit unsigned.
    U16,
    /// 32-bit float.
    F32,
    /// Three 8-bit unsigned channels: red, green, blue.
    Rgb8,
}

impl Dtype {
    /// Values per pixel: 1 or 3.
    pub fn channels(self) -> usize {
        if self == Self::Rgb8 { 3 } else { 1 }
    }

    /// Bytes of one channel's value: 1, 2 or 4.
    pub fn bytes_per_sample(self) -> usize {
        match self {
            Self::U8 | Self::Rgb8 => 1,
            Self::U16 => 2,
            Self::F32 => 4,
        }
    }

    /// Bytes of one voxel.
    pub fn bytes_per_voxel(self) -> usize {
        self.channels() * self.bytes_per_sample()
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::U8 => "8-bit",
            Self::U16 => "16-bit",
            Self::F32 => "32-bit float",
            Self::Rgb8 => "8-bit RGB",
        })
    }
}

/// What the headers say about a volume.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VolumeInfo {
    /// Number of slices (Z).
    pub slices: usize,
    /// Rows of a slice (Y).
    pub height: usize,
    /// Columns of a slice (X).
    pub width: usize,
    /// Type of the stored values.
    pub dtype: Dtype,
    /// Edges of a voxel in the order Z, Y, X, in `unit`. None unless the file states all three and
    /// the unit: an ImageJ file without resolution, unit or `spacing` is uncalibrated, never 1.0.
    pub voxel_size: Option<[f64; 3]>,
    /// Unit of `voxel_size` ("um", "nm", "mm", ...); None exactly where `voxel_size` is None.
    pub unit: Option<String>,
    /// Order of the axes, always "ZYX".
    pub axes: String,
    /// Size of all voxels as stored, uncompressed, in bytes.
    pub bytes: u64,
}

impl VolumeInfo {
    /// An uncalibrated volume of `shape` (slices, height, width).
    fn new([slices, height, width]: [usize; 3], dtype: Dtype) -> Self {
        let bytes = [slices, height, width, dtype.bytes_per_voxel()];
        Self {
            slices,
            height,
            width,
            dtype,
            voxel_size: None,
            unit: None,
            axes: "ZYX".to_owned(),
            bytes: bytes.iter().fold(1, |product, n| product.saturating_mul(*n as u64)),
        }
    }

    /// [`Error::Invalid`] unless slice `z` exists.
    fn check_slice(&self, z: usize) -> Result<()> {
        if z < self.slices {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "slice {z} was asked for, but the stack has {} slices (0 is the first)",
            self.slices
        )))
    }

    /// Size and type of a slice, for messages.
    fn slice_text(&self) -> String {
        format!("{} x {} pixels, {}", self.width, self.height, self.dtype)
    }

    /// Whether slices of both can form one stack.
    fn same_slices(&self, other: &Self) -> bool {
        (self.height, self.width, self.dtype) == (other.height, other.width, other.dtype)
    }
}

/// One slice in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Values per pixel: 1, or 3 (red, green, blue).
    pub channels: usize,
    /// `height * width * channels` values, row by row, channels interleaved; raw file values, not
    /// scaled.
    pub values: Vec<f32>,
}

impl Slice {
    /// One value per pixel (`height * width`): the value itself, or the mean of red, green and blue.
    pub fn grey(&self) -> Cow<'_, [f32]> {
        if self.channels == 1 {
            return Cow::Borrowed(&self.values);
        }
        let mean = |pixel: &[f32]| pixel.iter().sum::<f32>() / pixel.len() as f32;
        Cow::Owned(self.values.chunks_exact(self.channels).map(mean).collect())
    }

    /// One label code per pixel (`height * width`): the whole number stored there, or 0xRRGGBB for
    /// colour. What is no whole number from 0 to 2^24 (NaN, negative, fractional) becomes
    /// [`u32::MAX`].
    pub fn label_codes(&self) -> Vec<u32> {
        if self.channels == 1 {
            return self.values.iter().map(|v| label_code(*v)).collect();
        }
        let code = |pixel: &[f32]| pixel.iter().fold(0, |code, v| (code << 8) | u32::from(*v as u8));
        self.values.chunks_exact(self.channels).map(code).collect()
    }
}

/// The whole number `value`; beyond 2^24 f32 no longer tells neighbours apart.
fn label_code(value: f32) -> u32 {
    let whole = (0.0..=16_777_216.0).contains(&value) && value.fract() == 0.0;
    if whole { value as u32 } else { u32::MAX }
}

/// A volume that is read slice by slice, from any thread.
pub trait SliceReader: Send + Sync {
    /// What the headers say.
    fn info(&self) -> &VolumeInfo;

    /// Slice `z`, counted from 0. A slice past the end is [`Error::Invalid`], damaged pixels are
    /// [`Error::BadFile`].
    fn read(&self, z: usize) -> Result<Slice>;
}

impl fmt::Debug for dyn SliceReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.info().fmt(f)
    }
}

/// A shared volume.
pub type Volume = Arc<dyn SliceReader>;

/// One image of a set whose images may differ in size and type.
#[derive(Clone, Debug)]
pub struct ImageRef {
    /// File name, with `#z` (counted from 0) for a page of a file with several.
    pub name: String,
    /// The volume that holds the image.
    pub reader: Volume,
    /// Index of the image within `reader`.
    pub z: usize,
}

impl ImageRef {
    /// The image's pixels.
    pub fn read(&self) -> Result<Slice> {
        self.reader.read(self.z)
    }
}

/// Opens a stack, reading headers only: a TIFF, PNG, NRRD, MetaImage, NIfTI, HDF5 or raw file (the last with a
/// JSON file beside it), an OME-Zarr image or Zarr array, or a folder of TIFF or PNG files as one stack.
///
/// Slices must agree in size and type; files in a folder are taken in natural order and hold one
/// slice each. Values are taken as stored: palette indices stay indices, "white is zero" is not
/// inverted, PNG palettes become their colours, transparency is dropped.
pub fn open(path: &Path) -> Result<Volume> {
    if path.is_dir() {
        return match zarr::is_zarr(path) {
            true => Ok(Arc::new(zarr::ZarrVolume::open(path)?)),
            false => Ok(Arc::new(folder::Folder::open(path)?)),
        };
    }
    Ok(match sniff(path)? {
        Format::Tiff => Arc::new(tiff::TiffStack::open(path)?),
        Format::Png => Arc::new(png::PngImage::open(path)?),
        Format::Nrrd => Arc::new(nrrd::open(path)?),
        Format::Hdf5 => Arc::new(hdf5::Hdf5Volume::open(path, None)?),
        Format::MetaImage => Arc::new(mhd::open(path)?),
        Format::Nifti { packed } => Arc::new(nifti::open(path, packed)?),
        Format::Raw { sidecar } => Arc::new(raw::open_described(path, &sidecar)?),
    })
}

/// Opens the dataset `name` of an HDF5 file.
///
/// # Errors
/// Where the file is no HDF5, holds no such dataset, or it can be no volume.
pub fn open_dataset(path: &Path, name: &str) -> Result<Volume> {
    match path.is_dir() || !matches!(sniff(path)?, Format::Hdf5) {
        true => Err(Error::bad(
            path,
            "it is no HDF5 file, so it has no datasets to choose from; leave --dataset out",
        )),
        false => Ok(Arc::new(hdf5::Hdf5Volume::open(path, Some(name))?)),
    }
}

/// Opens a file without a header as `spec` says.
///
/// # Errors
/// Where the file's length is not what `spec` makes it, or it cannot be read.
pub fn open_raw(path: &Path, spec: &RawSpec) -> Result<Volume> {
    Ok(Arc::new(raw::open(path, spec)?))
}

/// Opens independent images, possibly of different sizes: one entry per page of the file at `path`,
/// or of every image file in the folder at `path`, in natural order.
pub fn open_image_set(path: &Path) -> Result<Vec<ImageRef>> {
    let files = if path.is_dir() { list_images(path)? } else { vec![path.to_owned()] };
    if files.is_empty() {
        return Err(no_images(path));
    }
    let sets: Result<Vec<_>> = files.iter().map(|file| file_images(file)).collect();
    Ok(sets?.into_iter().flatten().collect())
}

/// The slices of the stack at `path` seen along other axes, as independent images.
///
/// # Errors
/// As [`open`]; where `path` is a folder, whose images have no third axis.
pub fn open_turned(path: &Path, axes: Axes) -> Result<Vec<ImageRef>> {
    if path.is_dir() {
        return Err(Error::bad(
            path,
            "it is a folder of images, whose axes cannot be exchanged; choose a stack file, or leave the axes",
        ));
    }
    let volume = View { axes: Some(axes), ..View::default() }.of(open(path)?, None)?;
    let file = file_name(path);
    let slices = 0..volume.info().slices;
    Ok(slices.map(|z| ImageRef { name: format!("{file}#{z}"), reader: volume.clone(), z }).collect())
}

/// The images of one file.
fn file_images(path: &Path) -> Result<Vec<ImageRef>> {
    let pages: Vec<(Volume, usize)> = match sniff(path)? {
        Format::Tiff => tiff::TiffStack::open_pages(path)?,
        _ => {
            let volume = open(path)?;
            (0..volume.info().slices).map(|z| (volume.clone(), z)).collect()
        }
    };
    let file = file_name(path);
    let several = pages.len() > 1;
    let named = pages.into_iter().enumerate().map(|(page, (reader, z))| {
        let name = if several { format!("{file}#{page}") } else { file.clone() };
        ImageRef { name, reader, z }
    });
    Ok(named.collect())
}

/// The TIFF and PNG files (by extension) in `dir` in natural order, hidden files left out.
pub fn list_images(dir: &Path) -> Result<Vec<PathBuf>> {
    let io = |e| Error::io("cannot read", dir, e);
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let known = path
            .extension()
            .is_some_and(|ext| ["tif", "tiff", "png"].iter().any(|known| ext.eq_ignore_ascii_case(known)));
        if known && !file_name(&path).starts_with('.') && path.is_file() {
            found.push(path);
        }
    }
    found.sort_by(|a, b| natural_cmp(&file_name(a), &file_name(b)));
    Ok(found)
}

/// Compares names as people do: runs of digits by their number (im2 before im10), letters without
/// regard to case; equal names so far are told apart byte by byte.
pub fn natural_cmp(a: &str, b: &str) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    loop {
        let ((part_a, next_a), (part_b, next_b)) = (first_run(rest_a), first_run(rest_b));
        if part_a.is_empty() || part_b.is_empty() {
            return part_a.len().cmp(&part_b.len()).then_with(|| a.cmp(b));
        }
        match compare_runs(part_a, part_b) {
            Ordering::Equal => (rest_a, rest_b) = (next_a, next_b),
            decided => return decided,
        }
    }
}

/// Splits off the leading run of digits or of other characters.
fn first_run(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    text.split_at(text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len()))
}

/// Compares two runs: as numbers of any length where both are digits.
fn compare_runs(a: &str, b: &str) -> Ordering {
    if a.starts_with(|c: char| c.is_ascii_digit()) && b.starts_with(|c: char| c.is_ascii_digit()) {
        let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
        return a.len().cmp(&b.len()).then_with(|| a.cmp(b));
    }
    a.to_lowercase().cmp(&b.to_lowercase())
}

/// Width and height as sizes, if they are plausible.
fn checked_size(path: &Path, width: u64, height: u64) -> Result<(usize, usize)> {
    let absurd =
        width == 0 || height == 0 || width > MAX_EDGE || height > MAX_EDGE || width * height > MAX_PIXELS;
    if absurd {
        return Err(Error::bad(
            path,
            format!(
                "its header claims {width} x {height} pixels, where 1 to {MAX_EDGE} per edge and {MAX_PIXELS} in all \
                 are possible: it is damaged, or must be cropped or binned first"
            ),
        ));
    }
    Ok((width as usize, height as usize))
}

/// The refusal of value types that are not read.
fn unsupported_values(path: &Path, found: &str) -> Error {
    Error::bad(
        path,
        format!(
            "it holds {found} values, but only 8-bit, 16-bit (unsigned), 32-bit float and 8-bit RGB are supported; \
             save it as 8-bit, 16-bit or 32-bit float"
        ),
    )
}

fn no_images(dir: &Path) -> Error {
    Error::bad(dir, "the folder holds no TIFF or PNG image; choose the folder with the slices themselves")
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod format_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;
