//! Raw files: voxels without a header, described by flags or by a JSON file beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ifd::Order;
use super::planes::{Layout, Packing, Planes, calibration};
use super::sample::Sample;
use crate::error::{Error, Result};

/// What a raw file holds. As text: `100x200x300,u16` with further parts `le` or `be` and `header=512`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSpec {
    /// Slices, rows, columns.
    pub shape: [u64; 3],
    /// "u8", "u16", "i16", "u32", "i32", "f32", "f64", ...
    pub dtype: String,
    /// Whether the most significant byte comes first.
    #[serde(default)]
    pub big_endian: bool,
    /// Bytes before the first voxel.
    #[serde(default)]
    pub header: u64,
    /// Z, Y, X, in `unit`.
    #[serde(default)]
    pub voxel_size: Option<[f64; 3]>,
    /// Unit of `voxel_size`.
    #[serde(default)]
    pub unit: Option<String>,
}

impl FromStr for RawSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |part: &str| {
            Error::invalid(format!(
                "\"{part}\" does not describe a raw file; write slices x rows x columns, type, byte order and header \
                 bytes as in 100x200x300,u16,le,header=512"
            ))
        };
        let mut parts = text.split(',').map(str::trim);
        let shape = parts.next().unwrap_or_default();
        let edges: Vec<u64> = shape.split('x').filter_map(|n| n.trim().parse().ok()).collect();
        let shape = <[u64; 3]>::try_from(edges).map_err(|_| wrong(shape))?;
        let dtype =
            parts.next().filter(|t| Sample::named(t).is_some()).ok_or_else(|| wrong(text))?.to_owned();
        let mut spec = Self { shape, dtype, big_endian: false, header: 0, voxel_size: None, unit: None };
        for part in parts {
            match (part, part.strip_prefix("header=").map(str::parse)) {
                ("le", _) => spec.big_endian = false,
                ("be", _) => spec.big_endian = true,
                (_, Some(Ok(bytes))) => spec.header = bytes,
                _ => return Err(wrong(part)),
            }
        }
        Ok(spec)
    }
}

/// The JSON file that may describe the raw file `path`: its name with `.json` added, or in place of its ending.
pub(super) fn sidecar(path: &Path) -> Option<PathBuf> {
    let mut added = path.as_os_str().to_owned();
    added.push(".json");
    [PathBuf::from(added), path.with_extension("json")].into_iter().find(|p| p != path && p.is_file())
}

/// Opens `path` as its sidecar says.
pub(super) fn open_described(path: &Path, sidecar: &Path) -> Result<Planes> {
    let text = fs::read(sidecar).map_err(|e| Error::io("cannot read", sidecar, e))?;
    let spec: RawSpec = serde_json::from_slice(&text).map_err(|e| {
        Error::bad(
            sidecar,
            format!(
                "it does not describe {} ({e}); it needs at least shape [slices, rows, columns] and dtype",
                path.display()
            ),
        )
    })?;
    open(path, &spec)
}

/// Opens `path` as `spec` says.
pub(super) fn open(path: &Path, spec: &RawSpec) -> Result<Planes> {
    let sample = Sample::named(&spec.dtype).ok_or_else(|| {
        Error::invalid(format!(
            "\"{}\" is no type of voxels; use u8, u16, i16, u32, i32, f32 or f64",
            spec.dtype
        ))
    })?;
    let layout = Layout {
        shape: spec.shape,
        sample,
        channels: 1,
        order: if spec.big_endian { Order::Big } else { Order::Little },
        data: path.to_owned(),
        skip: spec.header,
        skip_unpacked: 0,
        packing: Packing::Plain,
        scale: None,
        voxel_size: spec.voxel_size.and_then(|size| calibration(size, spec.unit.as_deref())),
    };
    let planes = Planes::open(path, layout)?;
    planes.check_length()?;
    Ok(planes)
}
