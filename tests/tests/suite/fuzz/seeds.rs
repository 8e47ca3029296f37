//! Valid files of every kind, small.

use super::repair::Repair;
use crate::fixture::{self, Kind};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use paser_core::bundle::{MANIFEST, sha256};
use paser_core::data::classes::classes;
use paser_core::export::{
    LabelFormat, LabelMeta, LabelWriter, Page, StackMeta, StackWriter, png_grey, png_rgb,
};
use paser_core::volume::Dtype;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use tiff::encoder::{Compression as Packed, TiffEncoder, colortype};

/// Slices, rows and columns.
const SHAPE: [usize; 3] = [3, 6, 8];
const VOXELS: usize = SHAPE[0] * SHAPE[1] * SHAPE[2];

/// Files that belong together, and the one (or the folder) that is opened.
#[derive(Clone)]
pub struct Seed {
    pub entry: String,
    pub files: Vec<(String, Vec<u8>)>,
}

impl Seed {
    pub fn one(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { entry: name.to_owned(), files: vec![(name.to_owned(), bytes.into())] }
    }

    /// All files of `folder`, opened by the name `entry` (the folder itself where that is empty).
    pub fn of(folder: &Path, entry: &str) -> Self {
        let mut files = Vec::new();
        collect(folder, folder, &mut files);
        files.sort();
        Self { entry: entry.to_owned(), files }
    }

    pub fn write(&self, folder: &Path) {
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    pub fn remove(&self, folder: &Path) {
        for (name, _) in &self.files {
            std::fs::remove_file(folder.join(name)).unwrap();
        }
    }

    /// Makes checksums and hashes fit again, so that a change goes deeper than them.
    pub fn repair(&mut self) {
        for (name, bytes) in &mut self.files {
            if name.ends_with(".png") {
                Repair::png(bytes);
            }
        }
        let hashes: Vec<(String, String)> = self.files.iter().map(|(n, b)| (n.clone(), sha256(b))).collect();
        for (_, manifest) in self.files.iter_mut().filter(|(name, _)| name == MANIFEST) {
            Repair::manifest(manifest, &hashes);
        }
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => collect(root, &path, files),
            false => {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read(path).unwrap()));
            }
        }
    }
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn counting() -> Vec<u8> {
    (0..VOXELS as u16).flat_map(u16::to_le_bytes).collect()
}

/// What `write` puts into a fresh folder.
fn written(entry: &str, write: impl FnOnce(&Path)) -> Seed {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    Seed::of(folder.path(), entry)
}

pub fn tiff() -> Vec<Seed> {
    let ours = |dtype: Dtype| {
        written("a.tif", |folder| {
            let meta = StackMeta {
                voxel_size: Some([1.0, 0.5, 0.5]),
                unit: Some("um".to_owned()),
                range: Some((0.0, 9.0)),
                ..StackMeta::default()
            };
            let mut writer = StackWriter::create(&folder.join("a.tif"), SHAPE, dtype, &meta, true).unwrap();
            for z in 0..SHAPE[0] {
                match dtype {
                    Dtype::F32 => writer.push_f32(&vec![z as f32; SHAPE[1] * SHAPE[2]]).unwrap(),
                    _ => writer.push_u8(&vec![z as u8; SHAPE[1] * SHAPE[2]]).unwrap(),
                }
            }
            writer.finish().unwrap();
        })
    };
    let mut seeds = vec![ours(Dtype::U8), ours(Dtype::F32)];
    for packed in [Packed::Lzw, Packed::Deflate(Default::default()), Packed::Packbits, Packed::Uncompressed] {
        seeds.push(Seed::one("a.tif", packed_tiff(packed, false)));
        seeds.push(Seed::one("a.tif", packed_tiff(packed, true)));
    }
    seeds.push(Seed::one("a.tif", described("ImageJ=1.53\nimages=3\nslices=3\nunit=micron\nspacing=2.0\n")));
    seeds.push(Seed::one(
        "a.tif",
        described(
            "<?xml version=\"1.0\"?><OME><Image ID=\"Image:0\"><Pixels SizeC=\"1\" SizeT=\"1\" SizeZ=\"1\" PhysicalSizeX=\"0.5\" \
             PhysicalSizeY=\"0.5\" PhysicalSizeZ=\"2\"><TiffData><UUID FileName=\"b.tif\">x</UUID></TiffData></Pixels></Image></OME>",
        ),
    ));
    seeds
}

fn packed_tiff(packed: Packed, big: bool) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let grey: Vec<u16> = (0..VOXELS as u16).collect();
    let colour: Vec<u8> = (0..3 * 48).collect();
    if big {
        let mut encoder = TiffEncoder::new_big(&mut out).unwrap().with_compression(packed);
        encoder.write_image::<colortype::Gray16>(8, 6, &grey[..48]).unwrap();
        encoder.write_image::<colortype::Gray16>(8, 6, &grey[48..96]).unwrap();
    } else {
        let mut encoder = TiffEncoder::new(&mut out).unwrap().with_compression(packed);
        encoder.write_image::<colortype::RGB8>(8, 6, &colour).unwrap();
    }
    out.into_inner()
}

/// One page with a description; ImageJ's further planes follow it without a directory of their own.
fn described(text: &str) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut out).unwrap();
    let mut image = encoder.new_image::<colortype::Gray8>(8, 6).unwrap();
    image.encoder().write_tag(tiff::tags::Tag::ImageDescription, text).unwrap();
    image.write_data(&(0..48).collect::<Vec<u8>>()).unwrap();
    let mut bytes = out.into_inner();
    bytes.extend([7; 2 * 48 + 400]);
    bytes
}

pub fn png() -> Vec<Seed> {
    let colour = |folder: &Path| png_rgb(&folder.join("a.png"), 8, 6, &[9; 144], true).unwrap();
    let folder_of = |folder: &Path| {
        for name in ["a1.png", "a2.png"] {
            png_grey(&folder.join(name), 8, 6, &(0..48).collect::<Vec<u8>>(), true).unwrap();
        }
    };
    vec![written("a.png", colour), written("", folder_of)]
}

fn nrrd_text(encoding: &str, more: &str) -> String {
    format!(
        "NRRD0004\n# by hand\ntype: uint16\ndimension: 3\nsizes: 8 6 3\nendian: little\nencoding: {encoding}\nspacings: 0.5 0.25 2\n\
         units: \"mm\" \"mm\" \"mm\"\nkey:=value\n{more}\n"
    )
}

pub fn nrrd() -> Vec<Seed> {
    let with = |encoding: &str, voxels: Vec<u8>| {
        Seed::one("a.nrrd", [nrrd_text(encoding, "").into_bytes(), voxels].concat())
    };
    let apart = Seed {
        entry: "a.nhdr".to_owned(),
        files: vec![
            ("a.nhdr".to_owned(), nrrd_text("raw", "data file: a.raw\n").into_bytes()),
            ("a.raw".to_owned(), counting()),
        ],
    };
    vec![with("raw", counting()), with("gzip", Repair::gzip(&counting())), apart]
}

pub fn metaimage() -> Vec<Seed> {
    let head = |packed: bool, data: &str| {
        format!(
            "ObjectType = Image\nNDims = 3\nBinaryData = True\nCompressedData = {}\nDimSize = 8 6 3\nElementType = \
             MET_USHORT\nElementDataFile = {data}\n",
            if packed { "True" } else { "False" }
        )
        .into_bytes()
    };
    let apart = Seed {
        entry: "a.mhd".to_owned(),
        files: vec![("a.mhd".to_owned(), head(false, "a.raw")), ("a.raw".to_owned(), counting())],
    };
    vec![
        Seed::one("a.mha", [head(false, "LOCAL"), counting()].concat()),
        Seed::one("a.mha", [head(true, "LOCAL"), zlib(&counting())].concat()),
        apart,
    ]
}

pub fn nifti() -> Vec<Seed> {
    let mut file = vec![0_u8; 352];
    file[..4].copy_from_slice(&348_u32.to_le_bytes());
    for (i, n) in [3_u16, 8, 6, 3, 1, 1, 1, 1].iter().enumerate() {
        file[40 + 2 * i..42 + 2 * i].copy_from_slice(&n.to_le_bytes());
    }
    file[70..72].copy_from_slice(&512_u16.to_le_bytes());
    for (i, edge) in [1.0_f32, 0.5, 0.25, 2.0].iter().enumerate() {
        file[76 + 4 * i..80 + 4 * i].copy_from_slice(&edge.to_le_bytes());
    }
    file[108..112].copy_from_slice(&352_f32.to_le_bytes());
    file[123] = 2;
    file[344..348].copy_from_slice(b"n+1\0");
    file.extend(counting());
    vec![Seed::one("a.nii.gz", Repair::gzip(&file)), Seed::one("a.nii", file)]
}

pub fn hdf5() -> Vec<Seed> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../core/src/volume/hdf5_samples"));
    let read = |name: &str| Seed::one("a.h5", std::fs::read(folder.join(name)).unwrap());
    ["plain.h5", "chunked.h5", "nexus.nxs"].map(read).to_vec()
}

pub fn raw() -> Vec<Seed> {
    let meta =
        r#"{"shape": [3, 6, 8], "dtype": "u16", "header": 0, "voxel_size": [1.0, 0.5, 0.5], "unit": "um"}"#;
    vec![Seed {
        entry: "a.raw".to_owned(),
        files: vec![("a.raw.json".to_owned(), meta.into()), ("a.raw".to_owned(), counting())],
    }]
}

pub fn zarr() -> Vec<Seed> {
    let second = |packing: &str, pack: fn(&[u8]) -> Vec<u8>| {
        let meta = format!(
            r#"{{"zarr_format": 2, "shape": [3, 6, 8], "chunks": [1, 6, 8], "dtype": "<u2", "order": "C", "compressor": {packing},
            "filters": null, "fill_value": 0}}"#
        );
        chunks(".zarray", &meta, pack, |z| format!("{z}.0.0"))
    };
    let third = |packing: &str, pack: fn(&[u8]) -> Vec<u8>| {
        let meta = format!(
            r#"{{"zarr_format": 3, "node_type": "array", "shape": [3, 6, 8], "data_type": "uint16", "fill_value": 0,
            "chunk_grid": {{"name": "regular", "configuration": {{"chunk_shape": [1, 6, 8]}}}},
            "chunk_key_encoding": {{"name": "default", "configuration": {{"separator": "/"}}}},
            "codecs": [{{"name": "bytes", "configuration": {{"endian": "little"}}}}{packing}]}}"#
        );
        chunks("zarr.json", &meta, pack, |z| format!("c/{z}/0/0"))
    };
    let ours = written("a_labels.ome.zarr", |folder| {
        let names = ["pore", "carbon"];
        let meta = LabelMeta {
            shape: SHAPE,
            voxel_size: Some(([1.0, 0.5, 0.5], "um".to_owned())),
            classes: classes(&names),
        };
        let mut writer = LabelWriter::create(LabelFormat::OmeZarr, &folder.join("a"), &meta, true).unwrap();
        for z in 0..SHAPE[0] {
            let labels = [z as u8; 48];
            let page = Page { z, labels: &labels, probabilities: &[], routes: &[], grey: None };
            writer.push(&page).unwrap();
        }
        writer.finish().unwrap();
    });
    let sharding = r#"{"zarr_format": 3, "node_type": "array", "shape": [3, 6, 8], "data_type": "uint8", "fill_value": 0,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 6, 8]}}, "chunk_key_encoding": {"name": "default"},
        "codecs": [{"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 3, 8], "codecs": [{"name": "bytes"}],
        "index_codecs": [{"name": "bytes"}, {"name": "crc32c"}]}}]}"#;
    vec![
        second("null", <[u8]>::to_vec),
        second(r#"{"id": "zlib"}"#, zlib),
        second(r#"{"id": "lz4"}"#, lz4_literals),
        third(r#", {"name": "gzip", "configuration": {"level": 5}}"#, Repair::gzip),
        third(r#", {"name": "zstd", "configuration": {"level": 0}}"#, zstd_raw),
        third(r#", {"name": "blosc", "configuration": {}}"#, blosc_stored),
        chunks("zarr.json", sharding, shard, |z| format!("c/{z}/0/0")),
        ours,
    ]
}

fn chunks(name: &str, meta: &str, pack: fn(&[u8]) -> Vec<u8>, chunk: fn(usize) -> String) -> Seed {
    let mut files = vec![(name.to_owned(), meta.into())];
    files.extend((0..SHAPE[0]).map(|z| (chunk(z), pack(&counting()[96 * z..96 * (z + 1)]))));
    Seed { entry: String::new(), files }
}

/// A zstd frame of one stored block.
fn zstd_raw(bytes: &[u8]) -> Vec<u8> {
    let block = 1 | (bytes.len() as u32) << 3;
    [&[0x28, 0xb5, 0x2f, 0xfd, 0x20, bytes.len() as u8], &block.to_le_bytes()[..3], bytes].concat()
}

/// An lz4 block of literals alone, after its length.
fn lz4_literals(bytes: &[u8]) -> Vec<u8> {
    let more = (bytes.len() - 15) as u8;
    [&(bytes.len() as u32).to_le_bytes()[..], &[0xf0, more], bytes].concat()
}

fn blosc_stored(bytes: &[u8]) -> Vec<u8> {
    let n = bytes.len() as u8;
    [&[2, 1, 0x33, 2, n, 0, 0, 0, n, 0, 0, 0, n + 16, 0, 0, 0], bytes].concat()
}

/// Two stored chunks of 24 voxels and their index.
fn shard(bytes: &[u8]) -> Vec<u8> {
    let index: Vec<u8> = [0_u64, 24, 24, 24].iter().flat_map(|n| n.to_le_bytes()).collect();
    [&bytes[..48], &index, &[0; 4]].concat()
}

pub fn bundle() -> Vec<Seed> {
    vec![written("", |folder| drop(fixture::bundle(folder, &Kind::small())))]
}
