//! Files made to do harm: what fuzzing found, bombs, paths that lead away.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use tempfile::TempDir;

use super::*;

fn refused(path: &Path) -> String {
    let all = |volume: Volume| (0..volume.info().slices).try_for_each(|z| volume.read(z).map(drop));
    open(path).and_then(all).expect_err("a refusal").to_string()
}

fn zeros(bytes: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    (0..bytes >> 20).for_each(|_| encoder.write_all(&vec![0; 1 << 20]).unwrap());
    encoder.finish().unwrap()
}

#[test]
fn shards_of_no_chunk_are_refused() {
    let folder = TempDir::new().unwrap();
    let meta = r#"{"zarr_format": 3, "node_type": "array", "shape": [3, 6, 8], "data_type": "uint8", "fill_value": 0,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [-1, 6, 8]}}, "chunk_key_encoding": {"name": "default"},
        "codecs": [{"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 3, 8], "codecs": [{"name": "bytes"}],
        "index_codecs": [{"name": "bytes"}]}}]}"#;
    fs::write(folder.path().join("zarr.json"), meta).unwrap();
    assert!(refused(folder.path()).contains("whole chunks"));
}

#[test]
fn axes_that_are_none_are_refused() {
    assert!(serde_json::from_str::<Axes>("[2, 0, 1]").is_ok());
    for text in ["[1, 0, 4294967296]", "[0, 0, 1]", "[0, 1]", "[0, 1, 3]"] {
        assert!(serde_json::from_str::<Axes>(text).is_err(), "{text}");
    }
}

#[test]
fn an_hdf5_file_that_announces_more_than_it_can_hold() {
    let folder = TempDir::new().unwrap();
    let mut bytes = include_bytes!("hdf5_samples/plain.h5").to_vec();
    // the first of the dataset's three lengths, 2 x 3 x 4
    let shape: Vec<u8> = [2_u64, 3, 4].iter().flat_map(|n| n.to_le_bytes()).collect();
    let places: Vec<usize> =
        (0..bytes.len() - shape.len()).filter(|i| bytes[*i..].starts_with(&shape)).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|at| bytes[*at..at + 8].copy_from_slice(&16_744_192_u64.to_le_bytes()));
    let path = folder.path().join("a.h5");
    fs::write(&path, bytes).unwrap();
    let said = refused(&path);
    assert!(said.contains("more than the file can hold"), "{said}");
}

#[test]
fn a_gzip_bomb_is_unpacked_as_far_as_it_was_announced() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.nrrd");
    let head = "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 64 64 2\nencoding: gzip\n\n";
    fs::write(&path, [head.as_bytes(), &zeros(256 << 20)].concat()).unwrap();
    let volume = open(&path).unwrap();
    assert_eq!(volume.read(1).unwrap().values, vec![0.0; 64 * 64]);
}

#[test]
fn bombs_in_chunks_are_refused() {
    let folder = TempDir::new().unwrap();
    for (id, bomb) in [("gzip", zeros(64 << 20)), ("zlib", zlib_zeros(64 << 20)), ("lz4", vec![255; 1 << 16])]
    {
        let meta = format!(
            r#"{{"zarr_format": 2, "shape": [1, 8, 8], "chunks": [1, 8, 8], "dtype": "|u1", "order": "C",
            "compressor": {{"id": "{id}"}}, "filters": null, "fill_value": 0}}"#
        );
        fs::write(folder.path().join(".zarray"), meta).unwrap();
        fs::write(folder.path().join("0.0.0"), bomb).unwrap();
        let said = refused(folder.path());
        assert!(said.contains("damaged"), "{id}: {said}");
    }
}

fn zlib_zeros(bytes: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    (0..bytes >> 20).for_each(|_| encoder.write_all(&vec![0; 1 << 20]).unwrap());
    encoder.finish().unwrap()
}

#[test]
fn paths_that_lead_away_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.mhd");
    for data in ["../secret.raw", "/etc/passwd", "a/../../secret.raw", "C:\\secret", "\\\\host\\secret"] {
        let text = format!(
            "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementDataFile = {data}\n"
        );
        fs::write(&path, text).unwrap();
        fs::write(folder.path().join("secret.raw"), [0; 8]).unwrap();
        let said = refused(&path);
        assert!(said.contains("beside") || said.contains("cannot read"), "{data}: {said}");
    }
    fs::write(folder.path().join(".zgroup"), r#"{"zarr_format": 2}"#).unwrap();
    for level in ["../other", "/etc", "", "a/../../b"] {
        let text = format!(r#"{{"multiscales": [{{"datasets": [{{"path": "{level}"}}]}}]}}"#);
        fs::write(folder.path().join(".zattrs"), text).unwrap();
        assert!(refused(folder.path()).contains("names no level"), "{level}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pipe.tif");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(refused(&path).contains("neither a file nor a folder"));
}
