//! MetaImage: a text header of "Key = value" lines, beside its voxels (.mhd) or before them (.mha).

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::ifd::Order;
use super::planes::{Layout, Packing, Planes, beside};
use super::sample::Sample;
use crate::error::{Error, Result};

/// A header longer than this is none.
const MAX_HEADER: u64 = 1 << 16;

/// Whether a file that begins with `head` may be MetaImage.
pub(super) fn is_metaimage(head: &[u8]) -> bool {
    ["ObjectType", "NDims", "Comment"].iter().any(|key| head.starts_with(key.as_bytes()))
        && head.windows(5).any(|w| w == b"NDims")
}

/// Reads the header of `path`.
pub(super) fn open(path: &Path) -> Result<Planes> {
    let (header, end) = Header::read(path)?;
    Planes::open(path, header.layout(end)?)
}

struct Header<'a> {
    path: &'a Path,
    fields: Vec<(String, String)>,
}

impl<'a> Header<'a> {
    /// The lines up to the one that names the data, and where that line ends.
    fn read(path: &'a Path) -> Result<(Self, u64)> {
        let io = |e| Error::io("cannot read", path, e);
        let mut reader = BufReader::new(File::open(path).map_err(io)?.take(MAX_HEADER));
        let (mut fields, mut line, mut end) = (Vec::new(), Vec::new(), 0);
        loop {
            line.clear();
            let len = reader.read_until(b'\n', &mut line).map_err(io)?;
            end += len as u64;
            if len == 0 {
                return Err(Error::bad(path, "its MetaImage header names no data; export it again"));
            }
            let text = String::from_utf8_lossy(&line);
            let Some((key, value)) = text.split_once('=') else { continue };
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim().to_owned());
            let last = key == "elementdatafile";
            fields.push((key, value));
            if last {
                return Ok((Self { path, fields }, end));
            }
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn bad(&self, why: &str) -> Error {
        Error::bad(self.path, format!("its MetaImage header {why}; export it again"))
    }

    fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }

    fn layout(&self, end: u64) -> Result<Layout> {
        let sizes: Vec<u64> = self
            .get("dimsize")
            .unwrap_or_default()
            .split_whitespace()
            .map_while(|n| n.parse().ok())
            .collect();
        let shape = match sizes[..] {
            [x, y] => [1, y, x],
            [x, y, z] => [z, y, x],
            _ => return Err(self.bad("is not that of a volume of two or three axes")),
        };
        let sample = self.get("elementtype").and_then(sample);
        let sample = sample.ok_or_else(|| self.bad("states no type that is read"))?;
        let channels = self.get("elementnumberofchannels").map_or(Some(1), |n| n.parse().ok());
        let big = self.is_true("binarydatabyteordermsb") || self.is_true("elementbyteordermsb");
        let name = self.get("elementdatafile").unwrap_or_default();
        let (data, start) = match name {
            "LOCAL" => (self.path.to_owned(), end),
            "LIST" => return Err(self.bad("spreads its voxels over several files")),
            _ if name.contains('%') => return Err(self.bad("spreads its voxels over several files")),
            _ => (beside(self.path, name)?, 0),
        };
        let skip = self.get("headersize").map_or(Some(0), |n| n.parse::<u64>().ok());
        let skip = skip.ok_or_else(|| self.bad("states a header size that is no number"))?;
        let packed = self.is_true("compresseddata");
        Ok(Layout {
            shape,
            sample,
            channels: channels.ok_or_else(|| self.bad("states no number of channels"))?,
            order: if big { Order::Big } else { Order::Little },
            data,
            skip: start.saturating_add(skip),
            skip_unpacked: 0,
            packing: if packed { Packing::Zlib } else { Packing::Plain },
            scale: None,
            // The format has edges but no unit, so that no length is known.
            voxel_size: None,
        })
    }
}

fn sample(name: &str) -> Option<Sample> {
    Some(match name {
        "MET_CHAR" => Sample::I8,
        "MET_UCHAR" => Sample::U8,
        "MET_SHORT" => Sample::I16,
        "MET_USHORT" => Sample::U16,
        "MET_INT" => Sample::I32,
        "MET_UINT" => Sample::U32,
        "MET_LONG_LONG" => Sample::I64,
        "MET_ULONG_LONG" => Sample::U64,
        "MET_FLOAT" => Sample::F32,
        "MET_DOUBLE" => Sample::F64,
        _ => return None,
    })
}
