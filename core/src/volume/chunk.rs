//! Decoding one strip or tile. The `tiff` crate decompresses; it sees only a header made here from
//! checked numbers, so that no odd combination of tags in a file can reach it.

use std::io::Cursor;

use tiff::TiffResult;
use tiff::decoder::{Decoder, Limits};
use tiff::tags::Tag;

use super::ifd::Order;

/// TIFF's code for uncompressed pixels.
pub(super) const UNCOMPRESSED: u64 = 1;
/// Bytes of the made-up header: 8, then a directory of [`TAGS`] entries.
const HEADER_BYTES: u32 = 8 + 2 + 12 * TAGS as u32 + 4;
const TAGS: usize = 12;

/// How a strip or tile is stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoding {
    pub(super) order: Order,
    pub(super) compression: u64,
    pub(super) predictor: u64,
    /// Samples per pixel within the chunk.
    pub(super) samples: usize,
    pub(super) bytes_per_sample: usize,
    pub(super) float: bool,
}

impl Encoding {
    /// Decompresses `rows` x `width` pixels from `data` into this machine's byte order.
    pub(super) fn decode(&self, data: &[u8], rows: usize, width: usize) -> TiffResult<Vec<u8>> {
        let mut pixels = vec![0; rows * width * self.samples * self.bytes_per_sample];
        let file = self.as_tiff(data, u32::try_from(rows)?, u32::try_from(width)?)?;
        let decoder = Decoder::new(Cursor::new(file))?;
        decoder.with_limits(Limits::unlimited()).read_image_bytes(&mut pixels)?;
        Ok(pixels)
    }

    /// A complete single-strip TIFF file around `data`. Values stay as stored: black is zero, always.
    fn as_tiff(&self, data: &[u8], rows: u32, width: u32) -> TiffResult<Vec<u8>> {
        let narrow = |value: u64| u32::try_from(value);
        let tags: [(Tag, u32); TAGS] = [
            (Tag::ImageWidth, width),
            (Tag::ImageLength, rows),
            (Tag::BitsPerSample, 8 * self.bytes_per_sample as u32),
            (Tag::Compression, narrow(self.compression)?),
            (Tag::PhotometricInterpretation, 1),
            (Tag::StripOffsets, HEADER_BYTES),
            (Tag::SamplesPerPixel, self.samples as u32),
            (Tag::RowsPerStrip, rows),
            (Tag::StripByteCounts, u32::try_from(data.len())?),
            (Tag::PlanarConfiguration, 1),
            (Tag::Predictor, narrow(self.predictor)?),
            (Tag::SampleFormat, if self.float { 3 } else { 1 }),
        ];
        let mut file = Vec::with_capacity(HEADER_BYTES as usize + data.len());
        file.extend(if self.order == Order::Little { b"II" } else { b"MM" });
        self.put16(&mut file, 42);
        self.put32(&mut file, 8);
        self.put16(&mut file, TAGS as u16);
        for (tag, value) in tags {
            self.put16(&mut file, tag.to_u16());
            self.put16(&mut file, 4);
            self.put32(&mut file, 1);
            self.put32(&mut file, value);
        }
        self.put32(&mut file, 0);
        file.extend(data);
        Ok(file)
    }

    fn put16(&self, file: &mut Vec<u8>, value: u16) {
        file.extend(if self.order == Order::Little { value.to_le_bytes() } else { value.to_be_bytes() });
    }

    fn put32(&self, file: &mut Vec<u8>, value: u32) {
        file.extend(if self.order == Order::Little { value.to_le_bytes() } else { value.to_be_bytes() });
    }
}
