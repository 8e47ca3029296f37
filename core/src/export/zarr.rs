//! Labels as OME-Zarr 0.4: one level, chunks packed with zlib, colours and names as image-label metadata.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::labels::LabelMeta;
use super::{check_free, write_error};
use crate::error::{Error, Result};

/// Voxels of a chunk along Z, Y, X. As many slices are collected before they are written.
const CHUNK: [usize; 3] = [8, 512, 512];

/// A label image in a hidden temporary folder until it is complete.
pub(super) struct ZarrLabels {
    folder: TempDir,
    path: PathBuf,
    meta: LabelMeta,
    /// Slices that wait for their chunks.
    waiting: Vec<u8>,
    /// Chunk layers written.
    layers: usize,
    force: bool,
}

impl ZarrLabels {
    /// Starts the image that will be the folder `path`.
    pub(super) fn create(path: &Path, meta: LabelMeta, force: bool) -> Result<Self> {
        check_free(path, force)?;
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = tempfile::Builder::new().prefix(".paser-").suffix(".tmp").tempdir_in(parent);
        let folder = folder.map_err(|e| write_error(path, e))?;
        let zarr = Self { folder, path: path.to_owned(), meta, waiting: Vec::new(), layers: 0, force };
        zarr.write(".zgroup", &json!({ "zarr_format": 2 }))?;
        zarr.write(".zattrs", &attributes(&zarr.meta))?;
        let array = json!({
            "zarr_format": 2,
            "shape": zarr.meta.shape,
            "chunks": CHUNK,
            "dtype": "|u1",
            "order": "C",
            "compressor": { "id": "zlib", "level": 1 },
            "filters": null,
            "fill_value": 0,
            "dimension_separator": "/",
        });
        zarr.write("0/.zarray", &array)?;
        Ok(zarr)
    }

    fn write(&self, name: &str, value: &Value) -> Result<()> {
        self.write_bytes(name, value.to_string().as_bytes())
    }

    fn write_bytes(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.path().join(name);
        let parent = path.parent().unwrap_or(self.folder.path());
        let written = fs::create_dir_all(parent).and_then(|()| fs::write(&path, bytes));
        written.map_err(|e| write_error(&self.path, e))
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
                let packed = zlib(&chunk).map_err(|e| write_error(&self.path, e))?;
                self.write_bytes(&format!("0/{}/{cy}/{cx}", self.layers), &packed)?;
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
        if self.force && self.path.is_dir() {
            fs::remove_dir_all(&self.path).map_err(|e| Error::io("cannot replace", &self.path, e))?;
        }
        check_free(&self.path, false)?;
        // Temporary folders are for their author alone; results are not.
        #[cfg(unix)]
        fs::set_permissions(self.folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .map_err(|e| write_error(&self.path, e))?;
        fs::rename(self.folder.path(), &self.path).map_err(|e| write_error(&self.path, e))?;
        let _ = self.folder.keep(); // it is gone from its old place
        Ok(self.path)
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
