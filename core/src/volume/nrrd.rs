//! NRRD: a text header, attached to the voxels or beside them (.nhdr).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::ifd::Order;
use super::planes::{Layout, Packing, Planes, beside, calibration};
use super::sample::Sample;
use crate::error::{Error, Result};

/// A header longer than this is none.
const MAX_HEADER: u64 = 1 << 20;

/// Reads the header of `path`.
pub(super) fn open(path: &Path) -> Result<Planes> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(|e| Error::io("cannot read", path, e))?;
    file.take(MAX_HEADER).read_to_end(&mut head).map_err(|e| Error::io("cannot read", path, e))?;
    let (text, end) = split(&head);
    let header = Header { path, fields: fields(&text) };
    Planes::open(path, header.layout(end)?)
}

/// The header's text, and where the voxels begin if they follow it.
fn split(head: &[u8]) -> (String, Option<u64>) {
    let mut start = 0;
    while let Some(len) = head[start..].iter().position(|b| *b == b'\n') {
        let line = &head[start..start + len];
        start += len + 1;
        if line.is_empty() || line == b"\r" {
            return (String::from_utf8_lossy(&head[..start]).into_owned(), Some(start as u64));
        }
    }
    (String::from_utf8_lossy(head).into_owned(), None)
}

/// The fields ("name: value"); comments and key/value pairs are left out.
fn fields(text: &str) -> BTreeMap<String, String> {
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let known = !line.starts_with('#') && !value.starts_with('=');
        known.then(|| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    };
    text.lines().skip(1).filter_map(field).collect()
}

struct Header<'a> {
    path: &'a Path,
    fields: BTreeMap<String, String>,
}

impl Header<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    fn bad(&self, why: &str) -> Error {
        Error::bad(self.path, format!("its NRRD header {why}; export it again"))
    }

    fn layout(&self, end: Option<u64>) -> Result<Layout> {
        let sizes: Option<Vec<u64>> =
            self.get("sizes").map(|s| s.split_whitespace().map_while(|n| n.parse().ok()).collect());
        let sizes = sizes.ok_or_else(|| self.bad("states no sizes"))?;
        let sample =
            self.get("type").and_then(sample).ok_or_else(|| self.bad("states no type that is read"))?;
        let (channels, shape) = match sizes[..] {
            [x, y] => (1, [1, y, x]),
            [3, x, y, z] if sample == Sample::U8 => (3, [z, y, x]),
            [x, y, z] => (1, [z, y, x]),
            _ => return Err(self.bad("is not that of a volume of two or three axes")),
        };
        let packing = match self.get("encoding").unwrap_or("raw") {
            "raw" => Packing::Plain,
            "gzip" | "gz" => Packing::Gzip,
            other => {
                return Err(self.bad(&format!("says its voxels are encoded as {other}, not raw or gzip")));
            }
        };
        let order = match self.get("endian") {
            Some("big") => Order::Big,
            Some("little") => Order::Little,
            None if sample.bytes() == 1 => Order::Little,
            _ => return Err(self.bad("states no byte order")),
        };
        let (data, start) = self.data(end)?;
        let number = |name| self.get(name).map_or(Some(0), |n| n.parse::<u64>().ok());
        let skips = number("line skip").zip(number("byte skip").or_else(|| number("byteskip")));
        let skip_bytes = match skips {
            Some((0, skip)) => skip,
            _ => return Err(self.bad("skips lines, or counts its skipped bytes from the end")),
        };
        // The skip counts packed bytes for raw data and unpacked ones otherwise.
        let plain = packing == Packing::Plain;
        Ok(Layout {
            shape,
            sample,
            channels,
            order,
            data,
            skip: start.saturating_add(if plain { skip_bytes } else { 0 }),
            skip_unpacked: if plain { 0 } else { skip_bytes },
            packing,
            scale: None,
            voxel_size: if channels == 1 { self.voxel_size(sizes.len()) } else { None },
        })
    }

    /// The file with the voxels and where they begin.
    fn data(&self, end: Option<u64>) -> Result<(std::path::PathBuf, u64)> {
        match (self.get("data file").or_else(|| self.get("datafile")), end) {
            (Some(name), _) if name.contains(' ') || name == "LIST" => {
                Err(self.bad("spreads its voxels over several files"))
            }
            (Some(name), _) => Ok((beside(self.path, name)?, 0)),
            (None, Some(end)) => Ok((self.path.to_owned(), end)),
            (None, None) => Err(self.bad("has no end and names no data file")),
        }
    }

    /// Edges from "space directions" or "spacings", with a unit from "space units" or "units".
    fn voxel_size(&self, axes: usize) -> Option<([f64; 3], String)> {
        let vector = |text: &str| -> f64 {
            let parts = text.trim_matches(|c| "()".contains(c)).split(',');
            let square: Option<f64> = parts.map(|p| p.trim().parse::<f64>().ok().map(|v| v * v)).sum();
            square.map_or(f64::NAN, f64::sqrt)
        };
        let edges: Vec<f64> = match (self.get("space directions"), self.get("spacings")) {
            (Some(directions), _) => directions.split_whitespace().map(vector).collect(),
            (None, Some(spacings)) => {
                spacings.split_whitespace().map(|s| s.parse().unwrap_or(f64::NAN)).collect()
            }
            _ => return None,
        };
        let units = self.get("space units").or_else(|| self.get("units"))?;
        let mut units = units.split('"').skip(1).step_by(2);
        let unit = units.next()?;
        let same = axes == 3 && units.all(|u| u == unit);
        match edges[..] {
            [x, y, z] if same => calibration([z, y, x], Some(unit)),
            _ => None,
        }
    }
}

/// NRRD's names of types.
fn sample(name: &str) -> Option<Sample> {
    Some(match name {
        "signed char" | "int8" | "int8_t" => Sample::I8,
        "uchar" | "unsigned char" | "uint8" | "uint8_t" => Sample::U8,
        "short" | "short int" | "signed short" | "signed short int" | "int16" | "int16_t" => Sample::I16,
        "ushort" | "unsigned short" | "unsigned short int" | "uint16" | "uint16_t" => Sample::U16,
        "int" | "signed int" | "int32" | "int32_t" => Sample::I32,
        "uint" | "unsigned int" | "uint32" | "uint32_t" => Sample::U32,
        "longlong" | "long long" | "int64" | "int64_t" => Sample::I64,
        "ulonglong" | "unsigned long long" | "uint64" | "uint64_t" => Sample::U64,
        "float" => Sample::F32,
        "double" => Sample::F64,
        _ => return None,
    })
}
