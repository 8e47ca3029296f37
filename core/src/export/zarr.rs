//! Labels as OME-Zarr 0.4: one level, chunks packed with zlib, colours and names as image-label metadata.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Value, json};

use super::folder::AtomicFolder;
use super::labels::LabelMeta;
use crate::error::{Error, Result};

/// Voxels of a chunk along Z, Y, X. As many slices are collected before they are written.
const CHUNK: [usize; 3] = [8, 512, 512];

/// A label image in a hidden temporary folder until it is complete.
pub(super) struct ZarrLabels {
    folder: AtomicFolder,
    meta: LabelMeta,
    /// Slices that wait for their chunks.
    waiting: Vec<u8>,
    /// Chunk layers written.
    layers: usize,
}

impl ZarrLabels {
    /// Starts the image that will be the folder `path`.
    pub(super) fn create(path: &Path, meta: LabelMeta, force: bool) -> Result<Self> {
        let folder = AtomicFolder::create(path, force)?;
        let write = |name: &str, value: &Value| folder.write(name, value.to_string().as_bytes());
        write(".zgroup", &json!({ "zarr_format": 2 }))?;
        write(".zattrs", &attributes(&meta))?;
        let array = json!({
            "zarr_format": 2,
            "shape": meta.shape,
            "chunks": CHUNK,
            "dtype": "|u1",
            "order": "C",
            "compressor": { "id": "zlib", "level": 1 },
            "filters": null,
            "fill_value": 0,
            "dimension_separator": "/",
        });
        write("0/.zarray", &array)?;
        Ok(Self { folder, meta, waiting: Vec::new(), layers: 0 })
    }

    /// Appends a slice.
    pub(super) fn push(&mut self, labels: &[u8]) -> Result<()> {
        self.waiting.extend(labels);
        if self.waiting.len() == CHUNK[0] * labels.len() { self.write_layer() } else { Ok(()) }
    }

    /// Writes the chunks of the slices that wait; chunks always have their full size.
    fn write_layer(&mut self) -> Result<()> {
        let [_, height, width] = self.meta.shape;
        for (cy, y0) in (0..height).step_by(CHUNK[1]).enumerate() {
            for (cx, x0) in (0..width).step_by(CHUNK[2]).enumerate() {
                let mut chunk = vec![0; CHUNK.iter().product()];
                let columns = CHUNK[2].min(width - x0);
                for (i, row) in self.waiting.chunks_exact(width).enumerate() {
                    let (z, y) = (i / height, i % height);
                    if (y0..y0 + CHUNK[1]).contains(&y) {
                        let to = (z * CHUNK[1] + y - y0) * CHUNK[2];
                        chunk[to..to + columns].copy_from_slice(&row[x0..x0 + columns]);
                    }
                }
                let packed = zlib(&chunk)
                    .map_err(|e| Error::invalid(format!("a chunk of labels cannot be packed ({e})")))?;
                self.folder.write(&format!("0/{}/{cy}/{cx}", self.layers), &packed)?;
            }
        }
        self.waiting.clear();
        self.layers += 1;
        Ok(())
    }

    /// Writes what waits and gives the folder its name.
    pub(super) fn finish(mut self) -> Result<PathBuf> {
        if !self.waiting.is_empty() {
            self.write_layer()?;
        }
        self.folder.persist()
    }
}

fn zlib(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Axes, scale, colours and names.
fn attributes(meta: &LabelMeta) -> Value {
    let unit = meta.voxel_size.as_ref().map(|(_, unit)| match unit.as_str() {
        "um" => "micrometer",
        "nm" => "nanometer",
        "mm" => "millimeter",
        other => other,
    });
    let axis = |name: &str| match unit {
        Some(unit) => json!({ "name": name, "type": "space", "unit": unit }),
        None => json!({ "name": name, "type": "space" }),
    };
    let scale = meta.voxel_size.as_ref().map_or([1.0; 3], |(size, _)| *size);
    let classes = || meta.classes.iter().zip(1..);
    let colour = |(c, value): (&crate::data::classes::Class, usize)| {
        let [r, g, b] = c.colour;
        json!({ "label-value": value, "rgba": [r, g, b, 255] })
    };
    let name =
        |(c, value): (&crate::data::classes::Class, usize)| json!({ "label-value": value, "name": c.name });
    let axes = ["z", "y", "x"].map(axis);
    json!({
        "multiscales": [{
            "version": "0.4",
            "name": "labels",
            "axes": axes,
            "datasets": [{ "path": "0", "coordinateTransformations": [{ "type": "scale", "scale": scale }] }],
        }],
        "image-label": {
            "version": "0.4",
            "colors": classes().map(colour).collect::<Vec<_>>(),
            "properties": classes().map(name).collect::<Vec<_>>(),
        },
    })
}
