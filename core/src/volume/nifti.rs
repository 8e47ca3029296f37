//! NIfTI-1 and NIfTI-2 (.nii), plain or packed with gzip (.nii.gz).

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::ifd::Order;
use super::planes::{Layout, Packing, Planes, calibration};
use super::sample::Sample;
use crate::error::{Error, Result};

/// Bytes of the longer of the two headers.
const HEADER: usize = 540;

/// Whether a file that begins with `head` may be NIfTI.
pub(super) fn is_nifti(head: &[u8]) -> bool {
    Header::new(head).is_some()
}

/// The first bytes of a gzip file once unpacked, as many as a header has.
pub(super) fn unpacked_head(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|e| Error::io("cannot read", path, e))?;
    let mut head = Vec::new();
    // What is cut short or damaged shows as a head too short for any format.
    let _ = MultiGzDecoder::new(BufReader::new(file)).take(HEADER as u64).read_to_end(&mut head);
    Ok(head)
}

/// Reads the header of `path`.
pub(super) fn open(path: &Path, packed: bool) -> Result<Planes> {
    let head = match packed {
        true => unpacked_head(path)?,
        false => {
            let mut head = Vec::new();
            let file = File::open(path).map_err(|e| Error::io("cannot read", path, e))?;
            file.take(HEADER as u64).read_to_end(&mut head).map_err(|e| Error::io("cannot read", path, e))?;
            head
        }
    };
    let header =
        Header::new(&head).ok_or_else(|| Error::bad(path, "its NIfTI header is cut short; copy it again"))?;
    Planes::open(path, header.layout(path, packed)?)
}

/// A header of either version.
struct Header<'a> {
    bytes: &'a [u8],
    order: Order,
    second: bool,
}

impl<'a> Header<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let size = bytes.get(..4)?;
        for (order, second, expected) in [
            (Order::Little, false, 348_u32.to_le_bytes()),
            (Order::Big, false, 348_u32.to_be_bytes()),
            (Order::Little, true, 540_u32.to_le_bytes()),
            (Order::Big, true, 540_u32.to_be_bytes()),
        ] {
            let magic = if second { bytes.get(4..8) } else { bytes.get(344..348) };
            let single = matches!(magic, Some(b"n+1\0" | b"n+2\0"));
            if size == expected && single && bytes.len() >= if second { HEADER } else { 348 } {
                return Some(Self { bytes, order, second });
            }
        }
        None
    }

    /// The number of `sample` at the place it has in the first or second version.
    fn number(&self, sample: Sample, places: [usize; 2], index: usize) -> f64 {
        let at = places[usize::from(self.second)] + index * sample.bytes();
        let mut word = [0; 8];
        let part = self.bytes.get(at..at + sample.bytes()).unwrap_or_default();
        word[..part.len()].copy_from_slice(part);
        if self.order == Order::Big {
            word[..part.len()].reverse();
        }
        match sample {
            Sample::I16 => f64::from(i16::from_le_bytes([word[0], word[1]])),
            Sample::F32 => f64::from(f32::from_le_bytes([word[0], word[1], word[2], word[3]])),
            Sample::F64 => f64::from_le_bytes(word),
            Sample::I32 => f64::from(i32::from_le_bytes([word[0], word[1], word[2], word[3]])),
            Sample::U8 => f64::from(word[0]),
            _ => i64::from_le_bytes(word) as f64,
        }
    }

    fn dim(&self, i: usize) -> u64 {
        let sample = if self.second { Sample::I64 } else { Sample::I16 };
        self.number(sample, [40, 16], i) as u64
    }

    fn real(&self, places: [usize; 2], i: usize) -> f64 {
        self.number(if self.second { Sample::F64 } else { Sample::F32 }, places, i)
    }

    fn layout(&self, path: &Path, packed: bool) -> Result<Layout> {
        let axes = self.dim(0) as usize;
        let one = |i: usize| if i <= axes { self.dim(i) } else { 1 };
        if !(2..=7).contains(&axes) || (4..=7).any(|i| one(i) > 1) {
            return Err(Error::bad(
                path,
                "it is no single volume of two or three axes; export one volume of it",
            ));
        }
        let code = self.number(Sample::I16, [70, 12], 0) as i64;
        let (sample, channels) = sample(code).ok_or_else(|| {
            Error::bad(
                path,
                format!("its values (NIfTI type {code}) are not read; save it as 8-bit, 16-bit or float"),
            )
        })?;
        let start = if self.second { self.number(Sample::I64, [0, 168], 0) } else { self.real([108, 0], 0) };
        let (slope, intercept) = (self.real([112, 176], 0), self.real([116, 184], 0));
        let scaled =
            slope.is_finite() && slope != 0.0 && intercept.is_finite() && (slope, intercept) != (1.0, 0.0);
        let edges = [3, 2, 1].map(|i| self.real([76, 104], i).abs());
        let units = if self.second {
            self.number(Sample::I32, [0, 500], 0)
        } else {
            self.number(Sample::U8, [123, 0], 0)
        };
        let unit = match units as i64 & 7 {
            1 => Some("m"),
            2 => Some("mm"),
            3 => Some("um"),
            _ => None,
        };
        let start = start.max(0.0) as u64;
        Ok(Layout {
            shape: [one(3), one(2), one(1)],
            sample,
            channels,
            order: self.order,
            data: path.to_owned(),
            skip: if packed { 0 } else { start },
            skip_unpacked: if packed { start } else { 0 },
            packing: if packed { Packing::Gzip } else { Packing::Plain },
            scale: scaled.then_some((slope as f32, intercept as f32)),
            voxel_size: calibration(edges, unit),
        })
    }
}

/// NIfTI's codes of types, with numbers a pixel.
fn sample(code: i64) -> Option<(Sample, usize)> {
    Some(match code {
        2 => (Sample::U8, 1),
        4 => (Sample::I16, 1),
        8 => (Sample::I32, 1),
        16 => (Sample::F32, 1),
        64 => (Sample::F64, 1),
        128 => (Sample::U8, 3),
        256 => (Sample::I8, 1),
        512 => (Sample::U16, 1),
        768 => (Sample::U32, 1),
        1024 => (Sample::I64, 1),
        1280 => (Sample::U64, 1),
        _ => return None,
    })
}
