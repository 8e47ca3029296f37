//! What the JSON files of a Zarr hierarchy say.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::codec::Codec;
use crate::error::{Error, Result};
use crate::volume::ifd::Order;
use crate::volume::planes::calibration;
use crate::volume::sample::Sample;

/// A metadata file longer than this is none.
const MAX_BYTES: u64 = 1 << 24;
/// Bytes of a chunk at most, unpacked.
const MAX_CHUNK: u64 = 1 << 31;
/// Axes at most: time, channel, Z, Y, X and a few more.
const MAX_AXES: usize = 8;

/// An array's layout.
pub(super) struct Array {
    pub(super) dir: PathBuf,
    pub(super) shape: Vec<u64>,
    /// Edges of what is unpacked at once: a chunk, or a part of a shard.
    pub(super) chunk: Vec<u64>,
    /// Chunks along each edge of a shard, with what packs its index and whether that comes first.
    pub(super) shard: Option<Shard>,
    pub(super) sample: Sample,
    pub(super) order: Order,
    /// Whether the first axis varies fastest within a chunk.
    pub(super) fortran: bool,
    /// From the file to the voxels.
    pub(super) codecs: Vec<Codec>,
    /// What missing chunks hold.
    pub(super) fill: f32,
    /// Beginning of a chunk's name, and what stands between its numbers.
    pub(super) prefix: &'static str,
    pub(super) separator: char,
}

/// A file of several chunks.
pub(super) struct Shard {
    pub(super) chunks: Vec<u64>,
    /// Bytes after the index's numbers (a checksum).
    pub(super) trailer: u64,
    pub(super) index_first: bool,
}

impl Array {
    /// Bytes of a chunk, unpacked.
    pub(super) fn chunk_bytes(&self) -> usize {
        self.chunk.iter().product::<u64>() as usize * self.sample.bytes()
    }

    /// Voxels between neighbours along `axis` in a chunk.
    pub(super) fn stride(&self, axis: usize) -> usize {
        let faster = if self.fortran { &self.chunk[..axis] } else { &self.chunk[axis + 1..] };
        faster.iter().product::<u64>() as usize
    }
}

/// An array as a volume.
pub(super) struct Image {
    pub(super) array: Array,
    /// Its axes Z, Y, X.
    pub(super) axes: [Option<usize>; 3],
    pub(super) voxel_size: Option<([f64; 3], String)>,
}

/// The array in `dir`, or the finest level of the OME-Zarr image there.
pub(super) fn open(dir: &Path) -> Result<Image> {
    if let Some(image) = plain(dir)? {
        return Ok(image);
    }
    let attributes = attributes(dir)?;
    let ome = if attributes["ome"].is_object() { &attributes["ome"] } else { &attributes };
    let Some(scales) = ome["multiscales"].get(0) else {
        // What bioformats2raw writes: images under numbers.
        if ome.get("bioformats2raw.layout").is_some() && super::is_zarr(&dir.join("0")) {
            return open(&dir.join("0"));
        }
        return Err(Error::bad(
            dir,
            "it is a Zarr group without an OME image; choose an array or image within it",
        ));
    };
    multiscale(dir, scales)
}

fn plain(dir: &Path) -> Result<Option<Image>> {
    let Some(array) = array(dir)? else { return Ok(None) };
    let n = array.shape.len();
    if n < 2 {
        return Err(Error::bad(dir, "it is an array of one axis; choose one of two or three"));
    }
    Ok(Some(Image { array, axes: [n.checked_sub(3), Some(n - 2), Some(n - 1)], voxel_size: None }))
}

/// The first level of an OME image.
fn multiscale(dir: &Path, scales: &Value) -> Result<Image> {
    let first = &scales["datasets"][0];
    let path = Path::new(first["path"].as_str().unwrap_or_default());
    if path.as_os_str().is_empty() || !path.components().all(|c| matches!(c, Component::Normal(_))) {
        return Err(Error::bad(dir, "its OME metadata names no level; export it again"));
    }
    let level = dir.join(path);
    let Some(array) = array(&level)? else {
        return Err(Error::bad(
            &level,
            "it is no Zarr array, though the image names it; copy the whole folder again",
        ));
    };
    let axes = &scales["axes"];
    let name = |i: usize| axes[i]["name"].as_str().or_else(|| axes[i].as_str()).unwrap_or_default();
    let n = array.shape.len();
    let place = |wanted: &str| (0..n).find(|i| name(*i).eq_ignore_ascii_case(wanted));
    let (z, y, x) = match axes.as_array() {
        Some(_) => (place("z"), place("y"), place("x")),
        None => (n.checked_sub(3), n.checked_sub(2), n.checked_sub(1)),
    };
    let (Some(y), Some(x)) = (y, x) else {
        return Err(Error::bad(dir, "its OME metadata names no axes y and x; export it again"));
    };
    let voxel_size = z.and_then(|z| {
        let scale = scale(&first["coordinateTransformations"])?;
        let unit = |i: usize| axes[i]["unit"].as_str();
        let edge = |i: usize| scale[i].as_f64();
        let same = unit(z) == unit(y) && unit(y) == unit(x);
        calibration([edge(z)?, edge(y)?, edge(x)?], unit(x).filter(|_| same))
    });
    Ok(Image { array, axes: [z, Some(y), Some(x)], voxel_size })
}

fn scale(transformations: &Value) -> Option<&Value> {
    let all = transformations.as_array()?;
    all.iter().find(|t| t["type"] == "scale").map(|t| &t["scale"])
}

/// A JSON file; None where there is none.
fn json(path: &Path) -> Result<Option<Value>> {
    if !path.is_file() {
        return Ok(None);
    }
    let mut text = Vec::new();
    let file = File::open(path).map_err(|e| Error::io("cannot read", path, e))?;
    file.take(MAX_BYTES).read_to_end(&mut text).map_err(|e| Error::io("cannot read", path, e))?;
    let value = serde_json::from_slice(&text);
    value.map(Some).map_err(|e| Error::bad(path, format!("it is damaged ({e}); copy the whole folder again")))
}

/// What users and OME wrote about a group.
fn attributes(dir: &Path) -> Result<Value> {
    if let Some(group) = json(&dir.join("zarr.json"))? {
        return Ok(group.get("attributes").cloned().unwrap_or_default());
    }
    Ok(json(&dir.join(".zattrs"))?.unwrap_or_default())
}

/// The array in `dir`; None where it is a group.
fn array(dir: &Path) -> Result<Option<Array>> {
    let (array, path) = match (json(&dir.join("zarr.json"))?, json(&dir.join(".zarray"))?) {
        (Some(meta), _) if meta["node_type"] == "array" => (third(dir, &meta), dir.join("zarr.json")),
        (None, Some(meta)) => (second(dir, &meta), dir.join(".zarray")),
        _ => return Ok(None),
    };
    let array = array.map_err(|why| Error::bad(&path, format!("{why}; export the volume again")))?;
    check(&array)
        .map_err(|why| Error::bad(&path, format!("{why}; it is damaged, export the volume again")))?;
    Ok(Some(array))
}

fn check(array: &Array) -> std::result::Result<(), String> {
    let n = array.shape.len();
    if n > MAX_AXES || array.chunk.len() != n || array.shape.contains(&0) || array.chunk.contains(&0) {
        return Err(format!("it states {:?} voxels in chunks of {:?}", array.shape, array.chunk));
    }
    let product = |edges: &[u64]| edges.iter().try_fold(1_u64, |p, n| p.checked_mul(*n));
    let bytes = product(&array.chunk).and_then(|n| n.checked_mul(array.sample.bytes() as u64));
    let shard = array.shard.as_ref().map_or(Some(1), |s| product(&s.chunks).filter(|n| *n <= MAX_CHUNK / 16));
    match (bytes, shard, product(&array.shape)) {
        (Some(bytes), Some(_), Some(_)) if bytes <= MAX_CHUNK => Ok(()),
        _ => {
            Err(format!("it states chunks of {:?} voxels, where {MAX_CHUNK} bytes are the most", array.chunk))
        }
    }
}

fn edges(value: &Value) -> Vec<u64> {
    value.as_array().into_iter().flatten().map(|n| n.as_u64().unwrap_or(0)).collect()
}

fn fill(value: &Value) -> f32 {
    value.as_f64().unwrap_or(if value == "NaN" { f64::NAN } else { 0.0 }) as f32
}

/// An array of version 2.
fn second(dir: &Path, meta: &Value) -> std::result::Result<Array, String> {
    let dtype = meta["dtype"].as_str().unwrap_or_default();
    let mut letters = dtype.chars();
    let (order, kind) = (letters.next(), letters.next().unwrap_or('?'));
    let sample = letters.as_str().parse().ok().and_then(|bytes| Sample::of(kind, bytes));
    let sample = sample.ok_or_else(|| format!("it holds values of type {dtype}, which are not read"))?;
    if meta["filters"].as_array().is_some_and(|f| !f.is_empty()) {
        return Err("it uses filters, which are not read".to_owned());
    }
    let codecs = match &meta["compressor"] {
        Value::Null => Vec::new(),
        compressor => vec![Codec::named(compressor["id"].as_str().unwrap_or_default())?],
    };
    Ok(Array {
        dir: dir.to_owned(),
        shape: edges(&meta["shape"]),
        chunk: edges(&meta["chunks"]),
        shard: None,
        sample,
        order: if order == Some('>') { Order::Big } else { Order::Little },
        fortran: meta["order"] == "F",
        codecs,
        fill: fill(&meta["fill_value"]),
        prefix: "",
        separator: if meta["dimension_separator"] == "/" { '/' } else { '.' },
    })
}

/// An array of version 3.
fn third(dir: &Path, meta: &Value) -> std::result::Result<Array, String> {
    let dtype = meta["data_type"].as_str().unwrap_or_default();
    let sample =
        Sample::named(dtype).ok_or_else(|| format!("it holds values of type {dtype}, which are not read"))?;
    let grid = &meta["chunk_grid"];
    if grid["name"] != "regular" {
        return Err("its chunks form no regular grid".to_owned());
    }
    let outer = edges(&grid["configuration"]["chunk_shape"]);
    let mut listed = &meta["codecs"];
    let (mut chunk, mut shard) = (outer.clone(), None);
    if listed[0]["name"] == "sharding_indexed" {
        let configuration = &listed[0]["configuration"];
        chunk = edges(&configuration["chunk_shape"]);
        shard = Some(sharding(&outer, &chunk, configuration)?);
        listed = &configuration["codecs"];
    }
    let (order, codecs) = pipeline(listed)?;
    let key = &meta["chunk_key_encoding"];
    let default = key["name"] != "v2";
    let separator = key["configuration"]["separator"].as_str().and_then(|s| s.chars().next());
    Ok(Array {
        dir: dir.to_owned(),
        shape: edges(&meta["shape"]),
        chunk,
        shard,
        sample,
        order,
        fortran: false,
        codecs,
        fill: fill(&meta["fill_value"]),
        prefix: if default { "c" } else { "" },
        separator: separator.unwrap_or(if default { '/' } else { '.' }),
    })
}

fn sharding(outer: &[u64], chunk: &[u64], configuration: &Value) -> std::result::Result<Shard, String> {
    let whole = outer.iter().zip(chunk).all(|(o, c)| *o > 0 && *c > 0 && o % c == 0);
    if outer.len() != chunk.len() || !whole {
        return Err(format!("its shards of {outer:?} hold no whole chunks of {chunk:?}"));
    }
    let index = configuration["index_codecs"].as_array();
    let names: Vec<&str> = index.into_iter().flatten().filter_map(|c| c["name"].as_str()).collect();
    let trailer = match names[..] {
        ["bytes"] => 0,
        ["bytes", "crc32c"] => 4,
        _ => return Err(format!("the index of its shards is packed by {names:?}, which is not read")),
    };
    Ok(Shard {
        chunks: outer.iter().zip(chunk).map(|(o, c)| o / c).collect(),
        trailer,
        index_first: configuration["index_location"] == "start",
    })
}

/// Byte order and codecs, in the order of unpacking.
fn pipeline(listed: &Value) -> std::result::Result<(Order, Vec<Codec>), String> {
    let (mut order, mut codecs) = (Order::Little, Vec::new());
    for codec in listed.as_array().into_iter().flatten() {
        match codec["name"].as_str().unwrap_or_default() {
            "bytes" if codec["configuration"]["endian"] == "big" => order = Order::Big,
            "bytes" => {}
            name => codecs.insert(0, Codec::named(name)?),
        }
    }
    Ok((order, codecs))
}
