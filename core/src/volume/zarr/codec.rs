//! How chunks are packed.

use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::StreamingDecoder;

use super::blosc;

/// One step of unpacking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Gzip,
    Zlib,
    Zstd,
    Lz4,
    Blosc,
    /// A checksum of four bytes at the end.
    Crc32c,
}

impl Codec {
    /// The codec of that name in either version of the format.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        Ok(match name {
            "gzip" => Self::Gzip,
            "zlib" | "numcodecs.zlib" => Self::Zlib,
            "zstd" | "numcodecs.zstd" => Self::Zstd,
            "lz4" | "numcodecs.lz4" => Self::Lz4,
            "blosc" | "numcodecs.blosc" => Self::Blosc,
            "crc32c" => Self::Crc32c,
            other => {
                return Err(format!(
                    "it is packed by \"{other}\", which is not read; save it with zstd, blosc or gzip"
                ));
            }
        })
    }

    /// Unpacks `data` into `limit` bytes at most.
    pub(super) fn unpack(self, data: &[u8], limit: usize) -> Result<Vec<u8>, String> {
        match self {
            Self::Gzip => all(MultiGzDecoder::new(data), limit),
            Self::Zlib => all(ZlibDecoder::new(data), limit),
            Self::Zstd => zstd(data, limit),
            Self::Lz4 => {
                let (size, block) = data.split_first_chunk().ok_or("it is cut short")?;
                lz4(block, (u32::from_le_bytes(*size) as usize).min(limit))
            }
            Self::Blosc => blosc::unpack(data, limit),
            Self::Crc32c => Ok(data.get(..data.len().saturating_sub(4)).unwrap_or_default().to_vec()),
        }
    }
}

/// All that `stream` holds, `limit` bytes at most.
fn all(stream: impl Read, limit: usize) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    stream.take(limit as u64 + 1).read_to_end(&mut out).map_err(|e| e.to_string())?;
    if out.len() > limit {
        return Err(format!("it unpacks to more than {limit} bytes"));
    }
    Ok(out)
}

/// A zstd frame.
pub(super) fn zstd(data: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    all(StreamingDecoder::new(data).map_err(|e| e.to_string())?, limit)
}

/// An lz4 block of `size` bytes once unpacked.
pub(super) fn lz4(data: &[u8], size: usize) -> Result<Vec<u8>, String> {
    // lz4 shrinks 255 times at most: a larger claim would only cost memory.
    if size / 255 > data.len() {
        return Err(format!("it cannot unpack to {size} bytes"));
    }
    lz4_flex::block::decompress(data, size).map_err(|e| e.to_string())
}

/// A zlib stream.
pub(super) fn zlib(data: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    all(ZlibDecoder::new(data), limit)
}
