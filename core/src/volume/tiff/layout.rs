//! Where the pixels of a TIFF page are, how they are stored, and reading them.

use super::super::chunk::{Encoding, UNCOMPRESSED};
use super::super::ifd::{Ifd, Order, Source};
use super::super::{Dtype, checked_size, unsupported_values};
use crate::error::Result;
use rayon::prelude::*;
use std::path::Path;
use tiff::tags::Tag;

/// No supported compression shrinks more than this; a smaller chunk is damaged.
const MAX_RATIO: u64 = 4096;

/// Size and type of a page.
pub(super) type PageInfo = (usize, usize, Dtype);

/// Where the pixels of one page are and how they are stored.
pub(super) struct Layout {
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
    pub(super) fn new(path: &Path, source: &Source, ifd: &Ifd) -> Result<Self> {
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

    pub(super) fn page_info(&self) -> PageInfo {
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
    pub(super) fn check_planes(&self, source: &Source, ifd: &Ifd, count: u64) -> Result<()> {
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
    pub(super) fn read_plane(&self, source: &Source, ifd: &Ifd, z: u64) -> Result<Vec<f32>> {
        let start = self.offsets(source, ifd)?.first().copied().unwrap_or(0);
        let offset = z.checked_mul(self.page_bytes()).and_then(|skip| skip.checked_add(start));
        self.read_run(source, offset.unwrap_or(u64::MAX))
    }

    pub(super) fn read_page(&self, source: &Source, ifd: &Ifd) -> Result<Vec<f32>> {
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
