//! TIFF and BigTIFF stacks: pages, or ImageJ's raw planes behind a single directory.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use tiff::tags::Tag;

use super::chunk::{Encoding, UNCOMPRESSED};
use super::ifd::{Ifd, Order, Source};
use super::imagej::Description;
use super::ome;
use super::part::{self, Hyper, Part, Parts};
use super::{Dtype, Slice, SliceReader, Volume, VolumeInfo, checked_size, unsupported_values};
use crate::error::{Error, Result};

/// No supported compression shrinks more than this; a smaller chunk is damaged.
const MAX_RATIO: u64 = 4096;

/// A stack in one TIFF file. The file is opened anew for each slice, so that any number of threads
/// may read and thousands of files may be open at once.
pub(super) struct TiffStack {
    path: PathBuf,
    planes: Planes,
    info: VolumeInfo,
}

/// Where the planes are.
enum Planes {
    /// The directory of each plane.
    Pages(Vec<u64>),
    /// Planes follow each other without gaps from the pixels of this directory on; the first and from one to the next.
    Contiguous(u64, [u64; 2]),
}

/// What opening finds out about a file.
struct Scan {
    pages: Vec<(u64, PageInfo)>,
    /// ImageJ's plane count where the file has one directory for all planes.
    contiguous: Option<u64>,
    calibration: Option<([f64; 3], String)>,
    /// The channels and times that the planes belong to, where there are several.
    hyper: Option<Hyper>,
}

/// Size and type of a page.
type PageInfo = (usize, usize, Dtype);

impl TiffStack {
    /// Reads the directories of `path`, whose pages must agree in size and type.
    pub(super) fn open(path: &Path, part: Option<Part>) -> Result<Self> {
        let scan = Scan::new(path)?;
        let Some((_, first)) = scan.pages.first() else { return Err(no_pages(path)) };
        if let Some(z) = scan.pages.iter().position(|(_, page)| page != first) {
            let [here, there] =
                [&scan.pages[z].1, first].map(|p| VolumeInfo::new([1, p.0, p.1], p.2).slice_text());
            return Err(Error::bad(
                path,
                format!(
                    "its page {z} is {here}, but page 0 is {there}: slices of one stack must agree; resave it"
                ),
            ));
        }
        Self::uniform(path, scan, part)
    }

    /// How many channels and times the file at `path` holds.
    pub(super) fn parts(path: &Path) -> Result<Option<Parts>> {
        Ok(Scan::new(path)?.hyper.map(|hyper| hyper.parts))
    }

    /// The pages of `path` as independent images, which may differ.
    pub(super) fn open_pages(path: &Path) -> Result<Vec<(Volume, usize)>> {
        let scan = Scan::new(path)?;
        if scan.pages.windows(2).all(|pair| pair[0].1 == pair[1].1) {
            let stack: Volume = Arc::new(Self::uniform(path, scan, None)?);
            return Ok((0..stack.info().slices).map(|z| (stack.clone(), z)).collect());
        }
        let single = |page: (u64, PageInfo)| {
            let calibration = scan.calibration.clone();
            let one = Scan { pages: vec![page], contiguous: None, calibration, hyper: None };
            Ok((Arc::new(Self::uniform(path, one, None)?) as Volume, 0))
        };
        scan.pages.into_iter().map(single).collect()
    }

    /// The stack of a scan whose pages agree; `part` of it.
    fn uniform(path: &Path, scan: Scan, part: Option<Part>) -> Result<Self> {
        let Some((offset, (height, width, dtype))) = scan.pages.first().copied() else {
            return Err(no_pages(path));
        };
        let all = scan.contiguous.unwrap_or(scan.pages.len() as u64);
        let chosen = match &scan.hyper {
            Some(hyper) => hyper.planes(part, all, path)?,
            None => {
                Parts { channels: 1, times: 1 }.choose(part, path)?;
                part::Planes { start: 0, step: 1, count: all }
            }
        };
        let slices = usize::try_from(chosen.count).unwrap_or(usize::MAX);
        let planes = match scan.contiguous {
            Some(_) => Planes::Contiguous(offset, [chosen.start, chosen.step]),
            None => {
                let pages = scan.pages.iter().map(|(offset, _)| *offset).skip(chosen.start as usize);
                Planes::Pages(pages.step_by(chosen.step as usize).take(slices).collect())
            }
        };
        let mut info = VolumeInfo::new([slices, height, width], dtype);
        (info.voxel_size, info.unit) = scan.calibration.unzip();
        Ok(Self { path: path.to_owned(), planes, info })
    }
}

impl SliceReader for TiffStack {
    fn info(&self) -> &VolumeInfo {
        &self.info
    }

    fn read(&self, z: usize) -> Result<Slice> {
        self.info.check_slice(z)?;
        let source = Source::open(&self.path)?;
        let (offset, plane) = match &self.planes {
            Planes::Pages(offsets) => (offsets[z], None),
            Planes::Contiguous(offset, [start, step]) => (*offset, Some(start + step * z as u64)),
        };
        let ifd = source.ifd(offset)?;
        let layout = Layout::new(&self.path, &source, &ifd)?;
        let VolumeInfo { height, width, dtype, .. } = self.info;
        if layout.page_info() != (height, width, dtype) {
            return Err(source.bad("it changed since it was opened; open it again"));
        }
        let values = match plane {
            Some(plane) => layout.read_plane(&source, &ifd, plane)?,
            None => layout.read_page(&source, &ifd)?,
        };
        Ok(Slice { height, width, channels: dtype.channels(), values })
    }
}

impl Scan {
    fn new(path: &Path) -> Result<Self> {
        let source = Source::open(path)?;
        let (mut pages, mut seen) = (Vec::new(), HashSet::new());
        let (mut contiguous, mut calibration, mut hyper) = (None, None, None);
        let mut next = source.first;
        while next != 0 {
            if !seen.insert(next) {
                return Err(source.bad("its page directories form a loop: it is damaged; export it again"));
            }
            let (offset, ifd) = (next, source.ifd(next)?);
            next = ifd.next;
            // Bits 0 and 2: previews and masks of another page are no slices.
            if !pages.is_empty() && source.uint(&ifd, Tag::NewSubfileType, 0)? & 0b101 != 0 {
                continue;
            }
            let layout = Layout::new(path, &source, &ifd)?;
            if pages.is_empty() {
                let description = source.text(&ifd, Tag::ImageDescription)?.unwrap_or_default();
                if let Some(imagej) = Description::parse(&description) {
                    hyper = imagej.hyper();
                    calibration = imagej.voxel_size(&source, &ifd)?;
                    if next == 0 && imagej.images > 1 {
                        layout.check_planes(&source, &ifd, imagej.images)?;
                        contiguous = Some(imagej.images);
                    }
                } else if let Some(pixels) = ome::Pixels::parse(&description) {
                    hyper = pixels.hyper();
                    calibration = pixels.voxel_size();
                }
            }
            pages.push((offset, layout.page_info()));
        }
        Ok(Self { pages, contiguous, calibration, hyper })
    }
}

/// Where the pixels of one page are and how they are stored.
struct Layout {
    height: usize,
    width: usize,
    dtype: Dtype,
    /// Samples per pixel as stored; those beyond the type's channels (transparency) are dropped.
    samples: usize,
    planar: bool,
    order: Order,
    compression: u64,
    predictor: u64,
    tiled: bool,
    /// Rows and columns of a strip or tile.
    chunk: (usize, usize),
}

/// A chunk's place in the page.
struct Place {
    y: usize,
    x: usize,
    /// Stored rows, of which those past the page's edge are padding.
    rows: usize,
    /// First channel that the chunk holds.
    channel: usize,
}

impl Layout {
    fn new(path: &Path, source: &Source, ifd: &Ifd) -> Result<Self> {
        let number = |tag, default| source.uint(ifd, tag, default);
        let (width, height) = checked_size(path, number(Tag::ImageWidth, 0)?, number(Tag::ImageLength, 0)?)?;
        let samples = number(Tag::SamplesPerPixel, 1)?;
        let tiled = ifd.has(Tag::TileOffsets);
        let chunk = if tiled {
            let (width, height) =
                checked_size(path, number(Tag::TileWidth, 0)?, number(Tag::TileLength, 0)?)?;
            (height, width)
        } else {
            let rows = number(Tag::RowsPerStrip, u64::MAX)?.clamp(1, height as u64);
            (rows as usize, width)
        };
        Ok(Self {
            height,
            width,
            dtype: dtype(path, source, ifd, samples)?,
            samples: samples as usize,
            planar: samples > 1 && number(Tag::PlanarConfiguration, 1)? == 2,
            order: source.order,
            compression: compression(source, number(Tag::Compression, UNCOMPRESSED)?)?,
            predictor: number(Tag::Predictor, 1)?,
            tiled,
            chunk,
        })
    }

    fn page_info(&self) -> PageInfo {
        (self.height, self.width, self.dtype)
    }

    /// Samples per pixel within a chunk.
    fn chunk_samples(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }

    fn raw(&self) -> bool {
        self.compression == UNCOMPRESSED && self.predictor == 1
    }

    fn page_bytes(&self) -> u64 {
        (self.height * self.width * self.samples * self.dtype.bytes_per_sample()) as u64
    }

    fn grid(&self) -> (usize, usize) {
        (self.height.div_ceil(self.chunk.0), self.width.div_ceil(self.chunk.1))
    }

    fn chunk_count(&self) -> usize {
        let (down, across) = self.grid();
        down * across * if self.planar { self.samples } else { 1 }
    }

    fn chunk_table(&self, source: &Source, ifd: &Ifd, strips: Tag, tiles: Tag) -> Result<Vec<u64>> {
        let tag = if self.tiled { tiles } else { strips };
        let table = source.uints(ifd, tag, self.chunk_count() as u64)?;
        table.ok_or_else(|| source.bad(format!("it lacks the tag {tag:?}: it is damaged; export it again")))
    }

    fn offsets(&self, source: &Source, ifd: &Ifd) -> Result<Vec<u64>> {
        self.chunk_table(source, ifd, Tag::StripOffsets, Tag::TileOffsets)
    }

    /// Refuses a count of contiguous planes that the file cannot hold.
    fn check_planes(&self, source: &Source, ifd: &Ifd, count: u64) -> Result<()> {
        let start = self.offsets(source, ifd)?.first().copied().unwrap_or(0);
        if !self.raw() || self.planar || self.tiled {
            return Err(source.bad(format!(
                "it announces {count} slices but has one compressed page: it is incomplete; export it again"
            )));
        }
        let needed = count.checked_mul(self.page_bytes()).and_then(|bytes| bytes.checked_add(start));
        match needed {
            Some(needed) if needed <= source.len => Ok(()),
            _ => Err(source.bad(format!(
                "it announces {count} slices of {} bytes, but is only {} bytes long: it is incomplete; copy or \
                 export it again",
                self.page_bytes(),
                source.len
            ))),
        }
    }

    /// Plane `z` of planes that follow each other without gaps.
    fn read_plane(&self, source: &Source, ifd: &Ifd, z: u64) -> Result<Vec<f32>> {
        let start = self.offsets(source, ifd)?.first().copied().unwrap_or(0);
        let offset = z.checked_mul(self.page_bytes()).and_then(|skip| skip.checked_add(start));
        self.read_run(source, offset.unwrap_or(u64::MAX))
    }

    fn read_page(&self, source: &Source, ifd: &Ifd) -> Result<Vec<f32>> {
        let offsets = self.offsets(source, ifd)?;
        if let Some(start) = self.run_start(&offsets) {
            return self.read_run(source, start);
        }
        let stored = self.stored_chunks(source, ifd, &offsets)?;
        let chunks: Vec<Vec<f32>> = stored
            .into_par_iter()
            .enumerate()
            .map(|(index, data)| self.decode(source, index, &data))
            .collect::<Result<_>>()?;
        let mut page = vec![0.0; self.height * self.width * self.dtype.channels()];
        for (index, chunk) in chunks.iter().enumerate() {
            self.scatter(&self.place(index), chunk, &mut page);
        }
        Ok(page)
    }

    /// Where the page's pixels start, if they are uncompressed strips without gaps.
    fn run_start(&self, offsets: &[u64]) -> Option<u64> {
        let strip = (self.chunk.0 * self.width * self.samples * self.dtype.bytes_per_sample()) as u64;
        let gapless = offsets.windows(2).all(|pair| pair[0].checked_add(strip) == Some(pair[1]));
        (self.raw() && !self.tiled && !self.planar && gapless).then(|| offsets.first().copied()).flatten()
    }

    /// The page whose uncompressed pixels start at `offset`.
    fn read_run(&self, source: &Source, offset: u64) -> Result<Vec<f32>> {
        let bytes = source.read_at(offset, self.page_bytes())?;
        let values = self.to_values(&bytes, self.order);
        let channels = self.dtype.channels();
        if self.samples == channels {
            return Ok(values);
        }
        Ok(values.chunks_exact(self.samples).flat_map(|pixel| &pixel[..channels]).copied().collect())
    }

    /// The bytes of every chunk as stored. Lengths of uncompressed chunks follow from the layout.
    fn stored_chunks(&self, source: &Source, ifd: &Ifd, offsets: &[u64]) -> Result<Vec<Vec<u8>>> {
        let lengths = if self.raw() {
            (0..offsets.len()).map(|index| self.chunk_bytes(index)).collect()
        } else {
            self.chunk_table(source, ifd, Tag::StripByteCounts, Tag::TileByteCounts)?
        };
        offsets.iter().zip(lengths).map(|(offset, len)| source.read_at(*offset, len)).collect()
    }

    /// Bytes of a chunk once decompressed.
    fn chunk_bytes(&self, index: usize) -> u64 {
        let samples = self.place(index).rows * self.chunk.1 * self.chunk_samples();
        (samples * self.dtype.bytes_per_sample()) as u64
    }

    fn decode(&self, source: &Source, index: usize, data: &[u8]) -> Result<Vec<f32>> {
        if self.raw() {
            return Ok(self.to_values(data, self.order));
        }
        if self.chunk_bytes(index) > (data.len() as u64).saturating_mul(MAX_RATIO) {
            return Err(source.bad("its compressed pixels are far too short: it is damaged; export it again"));
        }
        let encoding = Encoding {
            order: self.order,
            compression: self.compression,
            predictor: self.predictor,
            samples: self.chunk_samples(),
            bytes_per_sample: self.dtype.bytes_per_sample(),
            float: self.dtype == Dtype::F32,
        };
        let decoded = encoding.decode(data, self.place(index).rows, self.chunk.1);
        let bytes = decoded.map_err(|e| {
            source
                .bad(format!("its compressed pixels are damaged or cut short ({e}); copy or export it again"))
        })?;
        Ok(self.to_values(&bytes, Order::NATIVE))
    }

    fn to_values(&self, bytes: &[u8], order: Order) -> Vec<f32> {
        match (self.dtype, order) {
            (Dtype::U8 | Dtype::Rgb8, _) => bytes.iter().map(|v| f32::from(*v)).collect(),
            (Dtype::U16, Order::Little) => words(bytes, |v| f32::from(u16::from_le_bytes(v))),
            (Dtype::U16, Order::Big) => words(bytes, |v| f32::from(u16::from_be_bytes(v))),
            (Dtype::F32, Order::Little) => words(bytes, f32::from_le_bytes),
            (Dtype::F32, Order::Big) => words(bytes, f32::from_be_bytes),
        }
    }

    fn place(&self, index: usize) -> Place {
        let (down, across) = self.grid();
        let (channel, cell) = (index / (down * across), index % (down * across));
        let (y, x) = (cell / across * self.chunk.0, cell % across * self.chunk.1);
        // The last strip ends with the page; tiles are padded to their full size.
        let rows = if self.tiled { self.chunk.0 } else { self.chunk.0.min(self.height - y) };
        Place { y, x, rows, channel }
    }

    /// Copies a chunk's visible part into the page.
    fn scatter(&self, place: &Place, chunk: &[f32], page: &mut [f32]) {
        let channels = self.dtype.channels();
        if place.channel >= channels {
            return;
        }
        let (stored, kept) = (self.chunk_samples(), if self.planar { 1 } else { channels });
        let columns = self.chunk.1.min(self.width - place.x);
        let rows = chunk.chunks_exact(self.chunk.1 * stored).take(self.height - place.y);
        for (row, line) in rows.enumerate() {
            let start = ((place.y + row) * self.width + place.x) * channels;
            let target = page[start..start + columns * channels].chunks_exact_mut(channels);
            for (pixel, value) in target.zip(line.chunks_exact(stored)) {
                pixel[place.channel..place.channel + kept].copy_from_slice(&value[..kept]);
            }
        }
    }
}

/// Converts fixed-size groups of bytes.
fn words<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|word| convert(*word)).collect()
}

/// The value type of a page, or why it is not read.
fn dtype(path: &Path, source: &Source, ifd: &Ifd, samples: u64) -> Result<Dtype> {
    let photometric = source.uint(ifd, Tag::PhotometricInterpretation, 1)?;
    let channels = match photometric {
        0 | 1 | 3 => 1,
        2 => 3,
        _ => return Err(unsupported_values(path, &format!("colour (photometric type {photometric})"))),
    };
    if samples != channels && samples != channels + 1 {
        return Err(source.bad(format!(
            "it has {samples} values per pixel, but only grey and RGB images are supported; split the channels and \
             save one of them"
        )));
    }
    let bits = source.uint(ifd, Tag::BitsPerSample, 1)?;
    let format = source.uint(ifd, Tag::SampleFormat, 1)?;
    match (channels, bits, format) {
        (1, 8, 1 | 4) => Ok(Dtype::U8),
        (1, 16, 1 | 4) => Ok(Dtype::U16),
        (1, 32, 3) => Ok(Dtype::F32),
        (3, 8, 1 | 4) => Ok(Dtype::Rgb8),
        _ => {
            let kind = ["integer", "signed integer", "float"].get((format as usize).wrapping_sub(1));
            let colour = if channels == 3 { " colour" } else { "" };
            Err(unsupported_values(path, &format!("{bits}-bit {}{colour}", kind.unwrap_or(&"unknown"))))
        }
    }
}

/// The compression code if it is read: none, LZW, Deflate (both codes) or PackBits.
fn compression(source: &Source, code: u64) -> Result<u64> {
    match code {
        UNCOMPRESSED | 5 | 8 | 32773 | 32946 => Ok(code),
        _ => Err(source.bad(format!(
            "its compression (TIFF code {code}) is not supported; save it uncompressed or with LZW, Deflate or PackBits"
        ))),
    }
}

fn no_pages(path: &Path) -> Error {
    Error::bad(path, "it holds no image; export it again")
}

#[cfg(test)]
mod tests;
