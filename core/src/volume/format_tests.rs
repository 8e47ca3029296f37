//! Formats beside TIFF and PNG: small valid files, what they hold, and what becomes of damaged ones.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// Slices, rows and columns of every seed below, whose values count from 0.
const SHAPE: [usize; 3] = [2, 3, 4];

fn counting() -> Vec<u8> {
    (0..24_u16).flat_map(u16::to_le_bytes).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn nifti() -> Vec<u8> {
    let mut file = vec![0_u8; 352];
    file[..4].copy_from_slice(&348_u32.to_le_bytes());
    for (i, n) in [3_u16, 4, 3, 2, 1, 1, 1, 1].iter().enumerate() {
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
    file
}

fn nrrd(encoding: &str, voxels: &[u8]) -> Vec<u8> {
    let head = format!(
        "NRRD0004\n# by hand\ntype: uint16\ndimension: 3\nsizes: 4 3 2\nendian: little\nencoding: {encoding}\nspacings: \
         0.5 0.25 2\nunits: \"mm\" \"mm\" \"mm\"\nkey:=value\n\n"
    );
    [head.as_bytes(), voxels].concat()
}

fn mha(packed: bool, voxels: &[u8]) -> Vec<u8> {
    let head = format!(
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nCompressedData = {}\nDimSize = 4 3 2\nElementType = \
         MET_USHORT\nElementDataFile = LOCAL\n",
        if packed { "True" } else { "False" }
    );
    [head.as_bytes(), voxels].concat()
}

/// Zarr metadata with chunks of 1 x 3 x 4 and the name of a chunk's file.
fn zarr(version: u8, packing: &str) -> (&'static str, String, fn(usize) -> String) {
    if version == 2 {
        let meta = format!(
            r#"{{"zarr_format": 2, "shape": [2, 3, 4], "chunks": [1, 3, 4], "dtype": "<u2", "order": "C",
            "compressor": {packing}, "filters": null, "fill_value": 0}}"#
        );
        return (".zarray", meta, |z| format!("{z}.0.0"));
    }
    let meta = format!(
        r#"{{"zarr_format": 3, "node_type": "array", "shape": [2, 3, 4], "data_type": "uint16", "fill_value": 0,
        "chunk_grid": {{"name": "regular", "configuration": {{"chunk_shape": [1, 3, 4]}}}},
        "chunk_key_encoding": {{"name": "default", "configuration": {{"separator": "/"}}}},
        "codecs": [{{"name": "bytes", "configuration": {{"endian": "little"}}}}{packing}]}}"#
    );
    ("zarr.json", meta, |z| format!("c/{z}/0/0"))
}

/// A seed: the files of a volume in `folder`, the first of which is opened (or the folder itself).
fn seed(kind: usize, folder: &Path) -> (PathBuf, Vec<PathBuf>) {
    let single = |name: &str, bytes: Vec<u8>| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        (path.clone(), vec![path])
    };
    let chunks = |version, packing: &str, pack: fn(&[u8]) -> Vec<u8>| {
        let (name, meta, chunk) = zarr(version, packing);
        let dir = folder.join("v.zarr");
        fs::create_dir_all(&dir).unwrap();
        let mut files = vec![dir.join(name)];
        fs::write(&files[0], meta).unwrap();
        for z in 0..2 {
            let path = dir.join(chunk(z));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, pack(&counting()[24 * z..24 * (z + 1)])).unwrap();
            files.push(path);
        }
        (dir, files)
    };
    match kind {
        0 => single("a.nii", nifti()),
        1 => single("a.nii.gz", gzip(&nifti())),
        2 => single("a.nrrd", nrrd("raw", &counting())),
        3 => single("a.nrrd", nrrd("gzip", &gzip(&counting()))),
        4 => single("a.mha", mha(false, &counting())),
        5 => single("a.mha", mha(true, &zlib(&counting()))),
        6 => {
            let (path, mut files) = single("a.raw", counting());
            let sidecar = folder.join("a.raw.json");
            fs::write(&sidecar, r#"{"shape": [2, 3, 4], "dtype": "u16"}"#).unwrap();
            files.push(sidecar);
            (path, files)
        }
        7 => chunks(2, "null", <[u8]>::to_vec),
        8 => chunks(2, r#"{"id": "zlib"}"#, zlib),
        9 => chunks(3, r#", {"name": "gzip", "configuration": {"level": 5}}"#, gzip),
        10 => chunks(3, r#", {"name": "zstd", "configuration": {"level": 0}}"#, |bytes| {
            ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
        }),
        12 => single("a.h5", include_bytes!("hdf5_samples/plain.h5").to_vec()),
        13 => single("a.h5", include_bytes!("hdf5_samples/chunked.h5").to_vec()),
        _ => chunks(3, r#", {"name": "blosc", "configuration": {}}"#, |bytes| {
            [&[2, 1, 0x33, 2, 24, 0, 0, 0, 24, 0, 0, 0, 40, 0, 0, 0], bytes].concat()
        }),
    }
}

const SEEDS: usize = 15;

#[test]
fn every_seed_is_the_volume_it_should_be() {
    for kind in 0..SEEDS {
        let folder = TempDir::new().unwrap();
        let (path, _) = seed(kind, folder.path());
        let volume = open(&path).unwrap();
        let info = volume.info();
        assert_eq!([info.slices, info.height, info.width], SHAPE, "seed {kind}");
        assert_eq!((info.dtype, info.bytes), (Dtype::U16, 48), "seed {kind}");
        // Backwards, so that streams are asked for what they have passed.
        for z in [1, 0, 1] {
            let expected: Vec<f32> = (0..12).map(|i| (12 * z + i) as f32).collect();
            assert_eq!(volume.read(z).unwrap().values, expected, "seed {kind}, slice {z}");
        }
        assert!(matches!(volume.read(2), Err(Error::Invalid(_))));
        let calibrated = kind < 4 || kind == 12;
        assert_eq!(info.voxel_size, calibrated.then_some([2.0, 0.25, 0.5]), "seed {kind}");
        assert_eq!(info.unit.as_deref(), calibrated.then_some(if kind == 12 { "um" } else { "mm" }));
    }
}

/// Files that h5py 3.16 wrote (2 x 3 x 4 voxels that count from 0).
fn sample(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_nexus_file_opens_its_default_signal() {
    let folder = TempDir::new().unwrap();
    let path = sample(&folder, "a.nxs", include_bytes!("hdf5_samples/nexus.nxs"));
    let volume = open(&path).unwrap();
    assert_eq!((volume.info().dtype, volume.info().slices), (Dtype::F32, 2));
    assert_eq!(volume.read(1).unwrap().values[11], 23.0);
    let flat = open_part(&path, Some("/entry/data/flat"), None).unwrap();
    assert_eq!((flat.info().slices, flat.info().height), (1, 3));
}

#[test]
fn several_datasets_are_listed_and_one_can_be_chosen() {
    let folder = TempDir::new().unwrap();
    let path = sample(&folder, "a.h5", include_bytes!("hdf5_samples/several.h5"));
    let error = open(&path).unwrap_err().to_string();
    assert!(error.contains("a/raw (2 x 3 x 4)") && error.contains("--dataset"), "{error}");
    assert!(open_part(&path, Some("nope"), None).unwrap_err().to_string().contains("b/labels"));
    for (name, dtype) in [("b/labels", Dtype::U8), ("/a/raw", Dtype::U16), ("big", Dtype::F32)] {
        let volume = open_part(&path, Some(name), None).unwrap();
        assert_eq!((volume.info().dtype, volume.read(1).unwrap().values[0]), (dtype, 12.0), "{name}");
    }
    assert!(open_part(&sample(&folder, "a.nii", &nifti()), Some("a"), None).is_err());
}

/// Value of channel `c` at time `t` in the samples of two times and three channels.
fn expected(t: usize, c: usize, z: usize) -> Vec<f32> {
    let first = ((t * 3 + c) * 2 + z) * 12;
    (first..first + 12).map(|v| v as f32).collect()
}

#[test]
fn a_channel_and_time_are_chosen_in_hdf5_and_zarr() {
    let folder = TempDir::new().unwrap();
    let hdf5 = sample(&folder, "a.h5", include_bytes!("hdf5_samples/channels.h5"));
    let zarr = folder.path().join("a.ome.zarr");
    let write = |name: &str, bytes: &[u8]| {
        let path = zarr.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write(".zgroup", br#"{"zarr_format": 2}"#);
    let axes = ["t", "c", "z", "y", "x"].map(|n| format!(r#"{{"name": "{n}"}}"#)).join(",");
    let scales = format!(r#"{{"multiscales": [{{"axes": [{axes}], "datasets": [{{"path": "0"}}]}}]}}"#);
    write(".zattrs", scales.as_bytes());
    let array = r#"{"zarr_format": 2, "shape": [2, 3, 2, 3, 4], "chunks": [1, 2, 2, 3, 4], "dtype": "|u1", "order": "C",
        "compressor": null, "filters": null, "fill_value": 0}"#;
    write("0/.zarray", array.as_bytes());
    for (t, group) in (0..2).flat_map(|t| [(t, 0), (t, 1)]) {
        let channels = [2 * group, 2 * group + 1];
        let chunk = channels.iter().flat_map(|c| [0, 1].map(|z| expected(t, (*c).min(2), z))).flatten();
        write(&format!("0/{t}.{group}.0.0.0"), &chunk.map(|v| v as u8).collect::<Vec<_>>());
    }
    for path in [&hdf5, &zarr] {
        let refusal = open(path).unwrap_err().to_string();
        assert!(refusal.contains("3 channels and 2 times"), "{refusal}");
        let Some(Offer::Volumes(all)) = offer(path) else { panic!("{} offers nothing", path.display()) };
        assert_eq!(all[0].1, Parts { channels: 3, times: 2 });
        for (t, c) in (0..2).flat_map(|t| (0..3).map(move |c| (t, c))) {
            let part = Part { channel: c as u64 + 1, time: t as u64 + 1 };
            let volume = open_part(path, None, Some(part)).unwrap();
            assert_eq!(volume.info().slices, 2);
            assert_eq!(volume.read(1).unwrap().values, expected(t, c, 1), "{} {part:?}", path.display());
        }
        assert!(open_part(path, None, Some(Part { channel: 4, time: 1 })).is_err());
    }
}

#[test]
fn chunks_that_h5py_packed_with_lzf_are_unpacked() {
    let folder = TempDir::new().unwrap();
    let path = sample(&folder, "a.h5", include_bytes!("hdf5_samples/lzf.h5"));
    let volume = open(&path).unwrap();
    assert_eq!((volume.info().slices, volume.info().width), (2, 32));
    let expected: Vec<f32> = (12..24).flat_map(|i| [(i / 5) as f32; 8]).collect();
    assert_eq!(volume.read(1).unwrap().values, expected);
}

#[test]
fn a_missing_chunk_holds_the_fill_value() {
    let folder = TempDir::new().unwrap();
    let (path, files) = seed(9, folder.path());
    fs::remove_file(&files[1]).unwrap();
    let volume = open(&path).unwrap();
    assert_eq!(volume.read(0).unwrap().values, [0.0; 12]);
    assert_eq!(volume.read(1).unwrap().values[0], 12.0);
}

fn refusal(path: &Path) -> String {
    let all = |volume: Volume| (0..volume.info().slices).try_for_each(|z| volume.read(z).map(drop));
    match open(path).and_then(all) {
        Err(error @ Error::BadFile { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn headers_that_lie_are_refused_in_one_sentence() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let text = |bytes: Vec<u8>, from: &str, to: &str| {
        let place = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        [&bytes[..place], to.as_bytes(), &bytes[place + from.len()..]].concat()
    };
    let huge = text(nrrd("raw", &counting()), "4 3 2", "4 3 200000");
    assert!(refusal(&at("a.nrrd", &huge)).contains("announced"));
    let bomb = text(nrrd("gzip", &gzip(&counting())), "4 3 2", "1000000 1000 1000");
    assert!(refusal(&at("b.nrrd", &bomb)).contains("announced"));
    let wide = text(nrrd("raw", &counting()), "4 3 2", "99999999 99999999 2");
    assert!(refusal(&at("c.nrrd", &wide)).contains("claims"));
    let away = text(nrrd("raw", &counting()), "key:=value", "data file: ../../etc/passwd");
    assert!(refusal(&at("d.nrrd", &away)).contains("beside"));
    let cut = gzip(&nifti());
    assert!(refusal(&at("e.nii.gz", &cut[..cut.len() - 20])).contains("cut short"));
    let long = [counting(), vec![0]].concat();
    let spec: RawSpec = "2x3x4,u16".parse().unwrap();
    let error = open_raw(&at("f.raw", &long), &spec).unwrap_err().to_string();
    assert!(error.contains("49 bytes long"), "{error}");
    let (path, files) = seed(7, folder.path());
    fs::write(&files[1], [0; 7]).unwrap();
    assert!(refusal(&path).contains("7 bytes instead of 24"));
    let meta = fs::read_to_string(&files[0]).unwrap();
    fs::write(
        &files[0],
        meta.replace("[2, 3, 4]", "[2, 30000, 30000]").replace("[1, 3, 4]", "[1, 9999, 9999]"),
    )
    .unwrap();
    fs::remove_file(&files[1]).unwrap();
    assert!(refusal(&path).contains("no chunk"));
}

#[test]
fn metadata_that_is_no_object_is_refused() {
    let folder = TempDir::new().unwrap();
    for text in ["0", "[]", "null", "\"zarr\"", "{}", "{\"attributes\": 1}", "{\"node_type\": \"array\"}"] {
        for name in ["zarr.json", ".zarray", ".zgroup", ".zattrs"] {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            assert!(open(folder.path()).is_err(), "{name}: {text}");
            fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn raw_files_are_described_by_text() {
    let spec: RawSpec = "2x3x4, u16, be, header=8".parse().unwrap();
    assert_eq!((spec.shape, spec.big_endian, spec.header), ([2, 3, 4], true, 8));
    for text in ["", "2x3,u16", "2x3x4", "2x3x4,u17", "2x3x4,u16,xe", "2x3x4,u16,header=-1", "axbxc,u8"] {
        assert!(text.parse::<RawSpec>().is_err(), "{text}");
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.dat");
    let bytes: Vec<u8> = [0; 8].into_iter().chain((0..24_u16).flat_map(u16::to_be_bytes)).collect();
    fs::write(&path, bytes).unwrap();
    assert_eq!(open_raw(&path, &spec).unwrap().read(1).unwrap().values[11], 23.0);
}

/// A change of a file's bytes.
#[derive(Clone, Debug)]
enum Damage {
    Set(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Cut(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let digit = prop_oneof![any::<u8>(), b'0'..=b'9', Just(b' '), Just(255)];
    prop_oneof![
        4 => (any::<usize>(), digit.clone()).prop_map(|(at, v)| Damage::Set(at, v)),
        2 => (any::<usize>(), prop::collection::vec(digit, 1..6)).prop_map(|(at, v)| Damage::Insert(at, v)),
        1 => (any::<usize>(), 1..9_usize).prop_map(|(at, n)| Damage::Remove(at, n)),
        1 => any::<usize>().prop_map(Damage::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    let place = |at: &usize| at % (bytes.len() + 1);
    match damage {
        Damage::Set(at, value) => {
            let at = place(at);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = *value;
            }
        }
        Damage::Insert(at, more) => {
            let at = place(at);
            bytes.splice(at..at, more.iter().copied());
        }
        Damage::Remove(at, n) => {
            let at = place(at);
            let end = (at + n).min(bytes.len());
            bytes.drain(at..end);
        }
        Damage::Cut(at) => {
            let at = place(at);
            bytes.truncate(at);
        }
    }
}

proptest! {
    /// `PROPTEST_CASES` sets how many.
    #[test]
    fn damaged_files_are_errors_or_volumes(
        kind in 0..SEEDS,
        changes in prop::collection::vec((any::<usize>(), damage()), 1..5),
    ) {
        let folder = TempDir::new().unwrap();
        let (path, files) = seed(kind, folder.path());
        for (file, damage) in &changes {
            let file = &files[file % files.len()];
            let mut bytes = fs::read(file).unwrap();
            apply(&mut bytes, damage);
            fs::write(file, bytes).unwrap();
        }
        if let Ok(volume) = open(&path) {
            let info = volume.info();
            prop_assert!(info.slices > 0 && info.height > 0 && info.width > 0);
            for z in [info.slices - 1, 0] {
                if let Ok(slice) = volume.read(z) {
                    prop_assert_eq!(slice.values.len(), info.height * info.width * info.dtype.channels());
                }
            }
        }
    }
}
