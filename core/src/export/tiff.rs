//! Stacks as ImageJ-style TIFF: directories first, then all planes without gaps, so that both readers
//! that follow directories and those that trust ImageJ's plane count see the same stack.

use std::path::{Path, PathBuf};

use tiff::tags::Tag;

use super::{AtomicFile, check_free};
use crate::error::{Error, Result};
use crate::volume::Dtype;

/// TIFF's codes of value types.
const SHORT: u16 = 3;
const LONG: u16 = 4;
const LONG8: u16 = 16;
/// ImageJ's private tags for the text of Image > Show Info.
const IJ_METADATA_BYTE_COUNTS: u16 = 50838;
const IJ_METADATA: u16 = 50839;
/// Longest edge of a stack; more is a mistake of the caller.
const MAX_EDGE: usize = 1 << 20;
/// Colours of a TIFF palette for 8-bit values.
const PALETTE_SIZE: usize = 256;

/// What a stack's headers say besides its size.
#[derive(Clone, Debug, Default)]
pub struct StackMeta {
    /// Edges of a voxel in the order Z, Y, X, in `unit`. Written only together with a unit.
    pub voxel_size: Option<[f64; 3]>,
    /// Unit of `voxel_size`: "um", "nm", "mm", ...
    pub unit: Option<String>,
    /// Colours of the values 0, 1, ... of a U8 stack (at most 256; further values are black).
    pub palette: Option<Vec<[u8; 3]>>,
    /// Lowest and highest value of the display range.
    pub range: Option<(f64, f64)>,
    /// Free text, shown by ImageJ under Image > Show Info.
    pub info: Option<String>,
}

/// Writes a ZYX stack slice by slice in constant memory: little-endian, uncompressed, one directory per
/// slice, BigTIFF where 4 GB would be passed. The file appears with [`finish`](Self::finish);
/// dropped earlier, it leaves nothing.
#[derive(Debug)]
pub struct StackWriter {
    file: AtomicFile,
    shape: [usize; 3],
    dtype: Dtype,
    written: usize,
    force: bool,
    /// Little-endian bytes of one slice.
    buffer: Vec<u8>,
}

impl StackWriter {
    /// Starts a stack of `shape` (slices, height, width) at `path`. `dtype` is U8, U16 or F32. Without
    /// `force` a file that is there already is [`Error::Exists`].
    pub fn create(
        path: &Path,
        shape: [usize; 3],
        dtype: Dtype,
        meta: &StackMeta,
        force: bool,
    ) -> Result<Self> {
        let plan = Plan::new(shape, dtype, meta, false)?;
        if plan.total() > u64::from(u32::MAX) {
            return Self::create_big(path, shape, dtype, meta, force);
        }
        Self::start(path, &plan, force)
    }

    /// As [`create`](Self::create), but BigTIFF whatever the size.
    #[doc(hidden)]
    pub fn create_big(
        path: &Path,
        shape: [usize; 3],
        dtype: Dtype,
        meta: &StackMeta,
        force: bool,
    ) -> Result<Self> {
        Self::start(path, &Plan::new(shape, dtype, meta, true)?, force)
    }

    fn start(path: &Path, plan: &Plan, force: bool) -> Result<Self> {
        check_free(path, force)?;
        let mut file = AtomicFile::create(path)?;
        plan.write(&mut file)?;
        let Plan { shape, dtype, .. } = *plan;
        Ok(Self { file, shape, dtype, written: 0, force, buffer: Vec::new() })
    }

    /// Appends a slice of `height * width` values to a U8 stack.
    pub fn push_u8(&mut self, values: &[u8]) -> Result<()> {
        self.check(Dtype::U8, values.len())?;
        self.append(|file, _| file.write(values))
    }

    /// Appends a slice of `height * width` values to a U16 stack.
    pub fn push_u16(&mut self, values: &[u16]) -> Result<()> {
        self.check(Dtype::U16, values.len())?;
        self.append(|file, buffer| file.write(little_endian(buffer, values, u16::to_le_bytes)))
    }

    /// Appends a slice of `height * width` values to an F32 stack.
    pub fn push_f32(&mut self, values: &[f32]) -> Result<()> {
        self.check(Dtype::F32, values.len())?;
        self.append(|file, buffer| file.write(little_endian(buffer, values, f32::to_le_bytes)))
    }

    /// Completes the file and returns its path; too few slices are [`Error::Invalid`].
    pub fn finish(self) -> Result<PathBuf> {
        let [slices, ..] = self.shape;
        if self.written != slices {
            let written = self.written;
            return Err(Error::invalid(format!(
                "only {written} of {slices} slices were written; the file was dropped"
            )));
        }
        self.file.persist(self.force)
    }

    fn check(&self, dtype: Dtype, len: usize) -> Result<()> {
        let [slices, height, width] = self.shape;
        if dtype != self.dtype {
            return Err(Error::invalid(format!("a {dtype} slice does not fit a {} stack", self.dtype)));
        }
        if len != height * width {
            return Err(Error::invalid(format!(
                "a slice of {len} values does not fit {width} x {height} pixels"
            )));
        }
        if self.written == slices {
            return Err(Error::invalid(format!("the stack has all of its {slices} slices already")));
        }
        Ok(())
    }

    fn append(&mut self, write: impl FnOnce(&mut AtomicFile, &mut Vec<u8>) -> Result<()>) -> Result<()> {
        write(&mut self.file, &mut self.buffer)?;
        self.written += 1;
        Ok(())
    }
}

/// The values' little-endian bytes, in `buffer`.
fn little_endian<'b, T: Copy, const N: usize>(
    buffer: &'b mut Vec<u8>,
    values: &[T],
    bytes: impl Fn(T) -> [u8; N],
) -> &'b [u8] {
    buffer.resize(values.len() * N, 0);
    for (target, value) in buffer.as_chunks_mut().0.iter_mut().zip(values) {
        *target = bytes(*value);
    }
    buffer
}

/// A directory entry whose value fits the entry, or lies at the offset `value`.
#[derive(Clone, Copy)]
struct Field {
    tag: u16,
    kind: u16,
    count: u64,
    value: u64,
}

impl Field {
    fn new(tag: Tag, kind: u16, value: u64) -> Self {
        Self { tag: tag.to_u16(), kind, count: 1, value }
    }
}

/// Everything that precedes the pixels. The layout is: header, shared values, directories, pixels.
struct Plan {
    shape: [usize; 3],
    dtype: Dtype,
    big: bool,
    /// Fields that are the same for every slice.
    common: Vec<Field>,
    /// Fields of the first slice only.
    first: Vec<Field>,
    /// Values that do not fit into fields; they follow the header.
    values: Vec<u8>,
}

impl Plan {
    fn new(shape: [usize; 3], dtype: Dtype, meta: &StackMeta, big: bool) -> Result<Self> {
        check_shape(shape, dtype)?;
        let mut plan = Self { shape, dtype, big, common: Vec::new(), first: Vec::new(), values: Vec::new() };
        let [_, height, width] = shape;
        let calibration = calibration(meta)?;
        let photometric = plan.add_palette(meta)?;
        let long = |tag, value| Field::new(tag, LONG, value);
        let short = |tag, value| Field::new(tag, SHORT, value);
        plan.common.extend([
            long(Tag::NewSubfileType, 0),
            long(Tag::ImageWidth, width as u64),
            long(Tag::ImageLength, height as u64),
            short(Tag::BitsPerSample, 8 * dtype.bytes_per_sample() as u64),
            short(Tag::Compression, 1),
            short(Tag::PhotometricInterpretation, photometric),
            short(Tag::SamplesPerPixel, 1),
            long(Tag::RowsPerStrip, height as u64),
            short(Tag::SampleFormat, if dtype == Dtype::F32 { 3 } else { 1 }),
        ]);
        if let Some(([_, y, x], _)) = &calibration {
            for (tag, size) in [(Tag::XResolution, x), (Tag::YResolution, y)] {
                let value = plan.add_value(&pixels_per_unit(*size)?);
                plan.common.push(Field { tag: tag.to_u16(), kind: 5, count: 1, value });
            }
            plan.common.push(short(Tag::ResolutionUnit, 1));
        }
        plan.add_texts(&description(shape, calibration.as_ref(), meta.range), meta.info.as_deref());
        plan.values.resize(plan.values.len().next_multiple_of(8), 0);
        Ok(plan)
    }

    /// Adds the colour table and returns the photometric type.
    fn add_palette(&mut self, meta: &StackMeta) -> Result<u64> {
        let Some(palette) = &meta.palette else { return Ok(1) };
        if self.dtype != Dtype::U8 || palette.len() > PALETTE_SIZE {
            let (count, dtype) = (palette.len(), self.dtype);
            return Err(Error::invalid(format!(
                "a palette of {count} colours does not fit a {dtype} stack; 8-bit stacks take up to {PALETTE_SIZE}"
            )));
        }
        let colour = |value: usize| palette.get(value).copied().unwrap_or_default();
        let table = (0..3).flat_map(|channel| (0..PALETTE_SIZE).map(move |value| colour(value)[channel]));
        let table: Vec<u8> = table.flat_map(|level| (u16::from(level) * 257).to_le_bytes()).collect();
        let value = self.add_value(&table);
        self.common.push(Field {
            tag: Tag::ColorMap.to_u16(),
            kind: SHORT,
            count: 3 * PALETTE_SIZE as u64,
            value,
        });
        Ok(3)
    }

    /// Adds the description and ImageJ's info text to the first slice.
    fn add_texts(&mut self, description: &str, info: Option<&str>) {
        let text = [description.as_bytes(), &[0]].concat();
        let field = |tag, kind, count: usize, value| Field { tag, kind, count: count as u64, value };
        let value = self.add_value(&text);
        self.first.push(field(Tag::ImageDescription.to_u16(), 2, text.len(), value));
        let Some(info) = info.filter(|info| !info.is_empty()) else { return };
        let utf16: Vec<u8> = info.encode_utf16().flat_map(u16::to_le_bytes).collect();
        // Its format: "IJIJ", then type "info" and the number of such texts, then the texts.
        let header =
            [u32::from_be_bytes(*b"IJIJ"), u32::from_be_bytes(*b"info"), 1].map(u32::to_le_bytes).concat();
        let counts = [header.len() as u32, utf16.len() as u32].map(u32::to_le_bytes).concat();
        let value = self.add_value(&counts);
        self.first.push(field(IJ_METADATA_BYTE_COUNTS, LONG, 2, value));
        let metadata = [header, utf16].concat();
        let value = self.add_value(&metadata);
        self.first.push(field(IJ_METADATA, 1, metadata.len(), value));
    }

    /// The value of a field that holds `bytes`: themselves where they fit, else the offset of them.
    fn add_value(&mut self, bytes: &[u8]) -> u64 {
        if bytes.len() as u64 <= self.word_bytes() {
            return bytes.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte));
        }
        self.values.resize(self.values.len().next_multiple_of(8), 0);
        let offset = self.header_bytes() + self.values.len() as u64;
        self.values.extend(bytes);
        offset
    }

    /// Bytes of an offset or a field's value.
    fn word_bytes(&self) -> u64 {
        if self.big { 8 } else { 4 }
    }

    fn header_bytes(&self) -> u64 {
        if self.big { 16 } else { 8 }
    }

    fn plane_bytes(&self) -> u64 {
        let [_, height, width] = self.shape;
        (height * width * self.dtype.bytes_per_sample()) as u64
    }

    /// Where the first directory is.
    fn directories_start(&self) -> u64 {
        self.header_bytes() + self.values.len() as u64
    }

    /// Bytes of a directory of `fields` entries.
    fn directory_bytes(&self, fields: usize) -> u64 {
        let (count, entry) = if self.big { (8, 20) } else { (2, 12) };
        count + entry * fields as u64 + self.word_bytes()
    }

    /// Entries of the directories after the first: the common ones, the offset and the byte count.
    fn later_fields(&self) -> usize {
        self.common.len() + 2
    }

    fn pixels_start(&self) -> u64 {
        let [slices, ..] = self.shape;
        let first = self.directory_bytes(self.later_fields() + self.first.len());
        let later = self.directory_bytes(self.later_fields()) * (slices as u64 - 1);
        (self.directories_start() + first + later).next_multiple_of(16)
    }

    /// Size of the finished file in bytes.
    fn total(&self) -> u64 {
        self.pixels_start() + self.plane_bytes() * self.shape[0] as u64
    }

    /// Writes everything up to the first pixel.
    fn write(&self, file: &mut AtomicFile) -> Result<()> {
        let mut bytes = Vec::new();
        bytes.extend(b"II");
        if self.big {
            bytes.extend([43_u16, 8, 0].map(u16::to_le_bytes).concat());
        } else {
            bytes.extend(42_u16.to_le_bytes());
        }
        self.put_word(&mut bytes, self.directories_start());
        bytes.extend(&self.values);
        for z in 0..self.shape[0] {
            self.put_directory(&mut bytes, z);
        }
        bytes.resize(self.pixels_start() as usize, 0);
        file.write(&bytes)
    }

    /// The directory of slice `z`, which `bytes` has reached.
    fn put_directory(&self, bytes: &mut Vec<u8>, z: usize) {
        let pixels = self.pixels_start() + z as u64 * self.plane_bytes();
        let kind = if self.big { LONG8 } else { LONG };
        let mut fields = self.common.clone();
        fields.push(Field::new(Tag::StripOffsets, kind, pixels));
        fields.push(Field::new(Tag::StripByteCounts, kind, self.plane_bytes()));
        if z == 0 {
            fields.extend(&self.first);
        }
        fields.sort_by_key(|field| field.tag);
        let end = bytes.len() as u64 + self.directory_bytes(fields.len());
        match self.big {
            true => bytes.extend((fields.len() as u64).to_le_bytes()),
            false => bytes.extend((fields.len() as u16).to_le_bytes()),
        }
        for field in fields {
            bytes.extend([field.tag, field.kind].map(u16::to_le_bytes).concat());
            self.put_word(bytes, field.count);
            self.put_word(bytes, field.value);
        }
        self.put_word(bytes, if z + 1 == self.shape[0] { 0 } else { end });
    }

    /// An offset, count or value: 4 bytes, 8 in BigTIFF.
    fn put_word(&self, bytes: &mut Vec<u8>, value: u64) {
        bytes.extend(&value.to_le_bytes()[..self.word_bytes() as usize]);
    }
}

fn check_shape(shape: [usize; 3], dtype: Dtype) -> Result<()> {
    if dtype == Dtype::Rgb8 {
        return Err(Error::invalid("colour stacks are not written; write 8-bit labels with a palette"));
    }
    if shape.iter().any(|edge| !(1..=MAX_EDGE).contains(edge)) {
        let [slices, height, width] = shape;
        return Err(Error::invalid(format!(
            "a stack of {slices} slices of {width} x {height} pixels cannot be written; each must be 1 to {MAX_EDGE}"
        )));
    }
    Ok(())
}

/// Voxel size and unit if both are known.
fn calibration(meta: &StackMeta) -> Result<Option<([f64; 3], String)>> {
    let (Some(size), Some(unit)) = (meta.voxel_size, &meta.unit) else { return Ok(None) };
    if size.iter().any(|edge| !(1e-9..=1e9).contains(edge)) {
        return Err(Error::invalid(format!(
            "a voxel size of {size:?} {unit} is impossible; correct it or leave it blank"
        )));
    }
    Ok(Some((size, escape(unit))))
}

/// The unit in ASCII, as ImageJ escapes it, on one line.
fn escape(unit: &str) -> String {
    let plain = |c: char| c.is_ascii() && !c.is_ascii_control();
    let escaped = unit.encode_utf16().map(|code| match char::from_u32(code.into()).filter(|c| plain(*c)) {
        Some(c) => c.to_string(),
        None => format!("\\u{code:04X}"),
    });
    escaped.collect()
}

/// The rational 1 / `size`, in TIFF's form.
fn pixels_per_unit(size: f64) -> Result<[u8; 8]> {
    let (numerator, denominator) = nearest_fraction(size);
    if numerator == 0 {
        return Err(Error::invalid(format!(
            "a voxel edge of {size} cannot be stored; choose a smaller unit"
        )));
    }
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&denominator.to_le_bytes());
    bytes[4..].copy_from_slice(&numerator.to_le_bytes());
    Ok(bytes)
}

/// The fraction of 32-bit numbers nearest to `value` > 0, by its continued fraction: 0.128 gives
/// exactly 16/125, so that a voxel size is read back as it was entered.
fn nearest_fraction(value: f64) -> (u32, u32) {
    let (mut last, mut best) = ((1_u32, 0_u32), (value as u32, 1_u32));
    let mut rest = value.fract();
    while rest > 0.0 && (f64::from(best.0) / f64::from(best.1) - value).abs() > value * f64::EPSILON {
        let inverse = 1.0 / rest;
        let next = |last: u32, best: u32| {
            best.checked_mul(inverse as u32).and_then(|product| product.checked_add(last))
        };
        let (Some(numerator), Some(denominator)) = (next(last.0, best.0), next(last.1, best.1)) else {
            break;
        };
        (last, best) = (best, (numerator, denominator));
        rest = inverse.fract();
    }
    best
}

/// The text by which ImageJ knows the stack's size, calibration and display range.
fn description(
    [slices, ..]: [usize; 3],
    calibration: Option<&([f64; 3], String)>,
    range: Option<(f64, f64)>,
) -> String {
    let mut text = format!("ImageJ=1.54f\nimages={slices}\nslices={slices}\n");
    if let Some(([z, ..], unit)) = calibration {
        text += &format!("unit={unit}\nspacing={z}\n");
    }
    text += "loop=false\n";
    if let Some((min, max)) = range.filter(|(min, max)| min.is_finite() && max.is_finite()) {
        text += &format!("min={min}\nmax={max}\n");
    }
    text
}

#[cfg(test)]
mod tests;
