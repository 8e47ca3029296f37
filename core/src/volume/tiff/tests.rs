use super::*;
use crate::export::{StackMeta, StackWriter};
use crate::volume::{Dtype, open, open_image_set};
use proptest::prelude::*;
use rayon::prelude::*;
use std::fs;
use std::time::{Duration, Instant};

/// A value of a directory entry: (tag, type, count, value).
type Entry = (u16, u16, u32, u32);

fn number(tag: Tag, value: u32) -> Entry {
    (tag.to_u16(), 4, 1, value)
}

/// The entries of an 8-bit grey page whose pixels start at `offset`.
fn page(width: u32, height: u32, offset: u32) -> Vec<Entry> {
    vec![
        number(Tag::ImageWidth, width),
        number(Tag::ImageLength, height),
        number(Tag::BitsPerSample, 8),
        number(Tag::PhotometricInterpretation, 1),
        number(Tag::StripOffsets, offset),
        number(Tag::StripByteCounts, width * height),
    ]
}

/// Replaces or adds an entry.
fn with(mut entries: Vec<Entry>, entry: Entry) -> Vec<Entry> {
    entries.retain(|(tag, ..)| *tag != entry.0);
    entries.push(entry);
    entries
}

/// A big-endian directory; `next` is the place of the one behind it.
fn directory(entries: &[Entry], next: usize) -> Vec<u8> {
    let mut bytes = (entries.len() as u16).to_be_bytes().to_vec();
    for (tag, kind, count, value) in entries {
        bytes.extend([tag.to_be_bytes(), kind.to_be_bytes()].concat());
        bytes.extend([count.to_be_bytes(), value.to_be_bytes()].concat());
    }
    bytes.extend((next as u32).to_be_bytes());
    bytes
}

/// A big-endian classic TIFF of `pages` placed one after the other, with `data` from `data_at` on.
fn file(pages: &[Vec<Entry>], data_at: usize, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"MM\0*\0\0\0\x08".to_vec();
    for (number, entries) in pages.iter().enumerate() {
        let end = bytes.len() + 2 + 12 * entries.len() + 4;
        bytes.extend(directory(entries, if number + 1 == pages.len() { 0 } else { end }));
    }
    assert!(bytes.len() <= data_at);
    bytes.resize(data_at, 0);
    bytes.extend(data);
    bytes
}

struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join("a.tif");
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The error of opening and reading a file of `bytes`.
    fn refusal(&self, bytes: &[u8]) -> String {
        let error = read_all(&self.put(bytes)).unwrap_err();
        assert!(matches!(error, Error::BadFile { .. }), "{error}");
        error.to_string()
    }
}

fn read_all(path: &Path) -> Result<Vec<Slice>> {
    let volume = open(path)?;
    (0..volume.info().slices).map(|z| volume.read(z)).collect()
}

/// ImageJ's description of `images` planes, then their pixels, behind one directory.
fn imagej_file(text: &str, planes: &[u8]) -> Vec<u8> {
    let entries = with(page(2, 1, 300), (Tag::ImageDescription.to_u16(), 2, text.len() as u32, 200));
    let data = [text.as_bytes(), &vec![0; 100 - text.len()], planes].concat();
    file(&[entries], 200, &data)
}

#[test]
fn imagej_planes_behind_one_directory_are_all_seen() {
    let scratch = Scratch::new();
    let path = scratch.put(&imagej_file("ImageJ=1.54f\nimages=3\nslices=3\n\0", &[1, 2, 3, 4, 5, 6]));
    let slices = read_all(&path).unwrap();
    assert_eq!(
        slices.iter().map(|s| s.values.clone()).collect::<Vec<_>>(),
        [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    );
    assert_eq!(open(&path).unwrap().info().voxel_size, None);
    assert_eq!(open_image_set(&path).unwrap().len(), 3);
}

#[test]
fn imagej_counts_that_the_file_cannot_hold_are_refused() {
    let scratch = Scratch::new();
    for count in ["4", "18446744073709551615"] {
        let text =
            scratch.refusal(&imagej_file(&format!("ImageJ=1\nimages={count}\n\0"), &[1, 2, 3, 4, 5, 6]));
        assert!(text.contains("is incomplete"), "{text}");
    }
}

#[test]
fn hyperstacks_of_several_axes_are_read_by_channel_and_time() {
    let scratch = Scratch::new();
    for text in
        ["ImageJ=1\nimages=4\nchannels=2\nslices=2\n\0", "ImageJ=1\nimages=4\nchannels=2\nframes=2\n\0"]
    {
        let refusal = scratch.refusal(&imagej_file(text, &[0; 8]));
        assert!(refusal.contains("choose one with --channel and --time"), "{refusal}");
    }
    let text = "ImageJ=1\nimages=4\nchannels=2\nslices=2\n\0";
    let path = scratch.put(&imagej_file(text, &[1, 2, 3, 4, 5, 6, 7, 8]));
    let second = crate::volume::open_part(&path, None, Some(Part { channel: 2, time: 1 })).unwrap();
    assert_eq!(second.info().slices, 2);
    assert_eq!(second.read(1).unwrap().values[0], 7.0);
}

#[test]
fn planes_along_a_single_axis_are_slices_whatever_its_name() {
    let scratch = Scratch::new();
    for axis in ["channels", "frames", "slices"] {
        let path = scratch.put(&imagej_file(&format!("ImageJ=1\nimages=2\n{axis}=2\n\0"), &[1, 2, 3, 4]));
        assert_eq!(open(&path).unwrap().info().slices, 2, "{axis}");
    }
}

#[test]
fn calibration_needs_unit_resolution_and_spacing() {
    let scratch = Scratch::new();
    let size = |text: &str, resolution: bool| {
        let mut entries = with(page(1, 1, 300), (Tag::ImageDescription.to_u16(), 2, text.len() as u32, 200));
        if resolution {
            entries.extend([Tag::XResolution, Tag::YResolution].map(|tag| (tag.to_u16(), 5, 1, 292)));
        }
        let mut data = [text.as_bytes(), &vec![0; 101 - text.len()]].concat();
        data[92..100].copy_from_slice(&[0, 0, 0, 4, 0, 0, 0, 1]);
        let volume = open(&scratch.put(&file(&[entries], 200, &data))).unwrap();
        (volume.info().voxel_size, volume.info().unit.clone())
    };
    let full = "ImageJ=1\nunit=\\u00B5m\nspacing=2\n\0";
    assert_eq!(size(full, true), (Some([2.0, 0.25, 0.25]), Some("um".to_owned())));
    assert_eq!(size(full, false), (None, None));
    assert_eq!(size("ImageJ=1\nspacing=2\n\0", true), (None, None));
    assert_eq!(size("ImageJ=1\nunit=um\n\0", true), (None, None));
    assert_eq!(size("unit=um\nspacing=2\n\0", true), (None, None));
}

#[test]
fn white_is_zero_palette_and_transparency_keep_stored_values() {
    let scratch = Scratch::new();
    for photometric in [0, 1, 3] {
        let entries = with(page(2, 1, 300), number(Tag::PhotometricInterpretation, photometric));
        assert_eq!(
            read_all(&scratch.put(&file(std::slice::from_ref(&entries), 300, &[0, 200]))).unwrap()[0].values,
            [0.0, 200.0]
        );
        // PackBits: two literal bytes.
        let packed = with(with(entries, number(Tag::Compression, 32773)), number(Tag::StripByteCounts, 3));
        assert_eq!(
            read_all(&scratch.put(&file(&[packed], 300, &[1, 0, 200]))).unwrap()[0].values,
            [0.0, 200.0]
        );
    }
    let alpha = with(page(2, 1, 300), number(Tag::SamplesPerPixel, 2));
    assert_eq!(
        read_all(&scratch.put(&file(&[alpha], 300, &[1, 255, 2, 255]))).unwrap()[0].values,
        [1.0, 2.0]
    );
}

#[test]
fn planar_and_interleaved_colour_agree() {
    let scratch = Scratch::new();
    let rgb = with(
        with(page(2, 1, 300), number(Tag::PhotometricInterpretation, 2)),
        number(Tag::SamplesPerPixel, 3),
    );
    let interleaved =
        read_all(&scratch.put(&file(std::slice::from_ref(&rgb), 300, &[1, 2, 3, 4, 5, 6]))).unwrap();
    assert_eq!((interleaved[0].channels, interleaved[0].label_codes()), (3, vec![0x01_02_03, 0x04_05_06]));
    let planar =
        with(with(rgb, number(Tag::PlanarConfiguration, 2)), (Tag::StripOffsets.to_u16(), 4, 3, 300));
    let offsets = [312_u32, 314, 316].map(u32::to_be_bytes).concat();
    let planar =
        read_all(&scratch.put(&file(&[planar], 300, &[&offsets[..], &[1, 4, 2, 5, 3, 6]].concat()))).unwrap();
    assert_eq!(planar, interleaved);
}

#[test]
fn scattered_strips_and_padded_tiles_are_put_together() {
    let scratch = Scratch::new();
    let strips = with(
        with(page(2, 3, 300), number(Tag::RowsPerStrip, 2)),
        (Tag::StripOffsets.to_u16(), 3, 2, 310 << 16 | 306),
    );
    let read = read_all(&scratch.put(&file(&[strips], 306, &[5, 6, 0, 0, 1, 2, 3, 4]))).unwrap();
    assert_eq!(read[0].values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let mut tiles = page(3, 1, 0);
    tiles.retain(|(tag, ..)| *tag != Tag::StripOffsets.to_u16());
    tiles.extend([
        number(Tag::TileWidth, 2),
        number(Tag::TileLength, 2),
        (Tag::TileOffsets.to_u16(), 3, 2, 300 << 16 | 304),
    ]);
    let read = read_all(&scratch.put(&file(&[tiles], 300, &[1, 2, 9, 9, 3, 9, 9, 9]))).unwrap();
    assert_eq!(read[0].values, [1.0, 2.0, 3.0]);
}

#[test]
fn lying_headers_are_refused() {
    let scratch = Scratch::new();
    let plain = page(2, 2, 300);
    let mut cases = vec![
        (with(plain.clone(), number(Tag::ImageWidth, 0)), "0 x 2 pixels"),
        (with(plain.clone(), number(Tag::ImageWidth, u32::MAX)), "pixels"),
        (
            with(with(plain.clone(), number(Tag::ImageWidth, 1 << 20)), number(Tag::ImageLength, 1 << 20)),
            "pixels",
        ),
        (with(plain.clone(), number(Tag::ImageLength, 9)), "is incomplete"),
        (with(plain.clone(), number(Tag::StripOffsets, u32::MAX)), "is incomplete"),
        (with(plain.clone(), number(Tag::RowsPerStrip, 1)), "holds 1 values where 2"),
        (with(plain.clone(), (Tag::ImageWidth.to_u16(), 4, u32::MAX, 8)), "is incomplete"),
        (with(plain.clone(), number(Tag::Compression, 7)), "compression (TIFF code 7)"),
        (
            with(with(plain.clone(), number(Tag::Compression, 5)), number(Tag::StripByteCounts, 0)),
            "far too short",
        ),
        (with(with(plain.clone(), number(Tag::Compression, 8)), number(Tag::StripByteCounts, 4)), "damaged"),
        (with(plain.clone(), number(Tag::SamplesPerPixel, 9)), "9 values per pixel"),
        (with(plain.clone(), number(Tag::PhotometricInterpretation, 6)), "photometric type 6"),
    ];
    for (bits, format, text) in [
        (16, 2, "16-bit signed integer"),
        (64, 3, "64-bit float"),
        (1, 1, "1-bit integer"),
        (32, 1, "32-bit integer"),
    ] {
        let entries = with(plain.clone(), number(Tag::BitsPerSample, bits));
        cases.push((with(entries, number(Tag::SampleFormat, format)), text));
    }
    for (entries, part) in cases {
        let text = scratch.refusal(&file(&[entries], 300, &[0; 4]));
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn directory_loops_are_refused() {
    let scratch = Scratch::new();
    let mut bytes = file(&[page(1, 1, 300), page(1, 1, 300)], 300, &[0]);
    let last_link = 8 + 2 * (2 + 12 * 6 + 4) - 4;
    bytes[last_link..last_link + 4].copy_from_slice(&8_u32.to_be_bytes());
    assert!(scratch.refusal(&bytes).contains("loop"));
}

/// A file of pages of one pixel, whose directories lie `gaps` apart, each of value z.
fn spread(gaps: &[usize]) -> Vec<u8> {
    let one = 2 + 12 * 6 + 4;
    let mut bytes = b"MM\0*\0\0\0\x08".to_vec();
    for (z, gap) in gaps.iter().enumerate() {
        let pixel = bytes.len() + one;
        let next = if z + 1 == gaps.len() { 0 } else { pixel + 1 + gap };
        bytes.extend(directory(&page(1, 1, pixel as u32), next));
        bytes.push(z as u8);
        bytes.resize(pixel + 1 + gap, 0xAA);
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn pages_are_found_whatever_lies_between_them(
        runs in proptest::collection::vec((1_usize..120, 0_usize..9), 1..6)
    ) {
        let gaps: Vec<usize> = runs.iter().flat_map(|(count, gap)| vec![*gap; *count]).collect();
        let path = Scratch::new();
        let slices = read_all(&path.put(&spread(&gaps))).unwrap();
        let values: Vec<f32> = slices.iter().map(|slice| slice.values[0]).collect();
        prop_assert_eq!(values, (0..gaps.len()).map(|z| f32::from(z as u8)).collect::<Vec<_>>());
    }
}

#[test]
fn previews_are_no_slices() {
    let scratch = Scratch::new();
    let preview = with(page(1, 1, 300), number(Tag::NewSubfileType, 1));
    let path = scratch.put(&file(&[page(2, 2, 300), preview], 300, &[0; 4]));
    assert_eq!(open(&path).unwrap().info().slices, 1);
}

#[test]
fn pages_that_differ_form_a_set_but_no_stack() {
    let scratch = Scratch::new();
    let bytes = file(&[page(2, 2, 300), page(1, 2, 300)], 300, &[1, 2, 3, 4]);
    let text = scratch.refusal(&bytes);
    assert!(text.contains("page 1 is 1 x 2 pixels, 8-bit, but page 0 is 2 x 2"), "{text}");
    let images = open_image_set(&scratch.put(&bytes)).unwrap();
    assert_eq!(images.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["a.tif#0", "a.tif#1"]);
    assert_eq!(images[1].read().unwrap().values, [1.0, 2.0]);
}

#[test]
fn a_file_replaced_after_opening_is_noticed() {
    let scratch = Scratch::new();
    let path = scratch.put(&file(&[page(2, 2, 300)], 300, &[0; 4]));
    let volume = open(&path).unwrap();
    scratch.put(&file(&[page(4, 1, 300)], 300, &[0; 4]));
    assert!(volume.read(0).unwrap_err().to_string().contains("changed"));
}

#[test]
fn thousands_of_pages_open_fast_and_read_from_many_threads() {
    let scratch = Scratch::new();
    let path = scratch.0.path().join("many.tif");
    let mut writer =
        StackWriter::create(&path, [2500, 8, 8], Dtype::U16, &StackMeta::default(), false).unwrap();
    for z in 0..2500 {
        writer.push_u16(&[z; 64]).unwrap();
    }
    writer.finish().unwrap();
    let start = Instant::now();
    let volume = open(&path).unwrap();
    assert!(start.elapsed() < Duration::from_secs(1), "opening took {:?}", start.elapsed());
    assert_eq!(volume.info().slices, 2500);
    let right = (0..2500).into_par_iter().all(|z| volume.read(z).unwrap().values == [z as f32; 64]);
    assert!(right);
}

/// Writes random values as a stack and returns them as they should be read.
fn write_random(path: &Path, shape: [usize; 3], dtype: Dtype, big: bool, seed: u32) -> Vec<Vec<f32>> {
    let create = if big { StackWriter::create_big } else { StackWriter::create };
    let mut writer = create(path, shape, dtype, &StackMeta::default(), true).unwrap();
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state
    };
    let [slices, height, width] = shape;
    let mut expected = Vec::new();
    for _ in 0..slices {
        let raw: Vec<u32> = (0..height * width).map(|_| random() >> 8).collect();
        expected.push(match dtype {
            Dtype::U16 => {
                let values: Vec<u16> = raw.iter().map(|v| *v as u16).collect();
                writer.push_u16(&values).unwrap();
                values.into_iter().map(f32::from).collect()
            }
            Dtype::F32 => {
                let values: Vec<f32> = raw.iter().map(|v| *v as f32 / 977.0 - 3000.0).collect();
                writer.push_f32(&values).unwrap();
                values
            }
            _ => {
                let values: Vec<u8> = raw.iter().map(|v| *v as u8).collect();
                writer.push_u8(&values).unwrap();
                values.into_iter().map(f32::from).collect()
            }
        });
    }
    writer.finish().unwrap();
    expected
}

fn any_dtype() -> impl Strategy<Value = Dtype> {
    prop_oneof![Just(Dtype::U8), Just(Dtype::U16), Just(Dtype::F32)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn what_is_written_is_read(
        shape in [1_usize..6, 1_usize..40, 1_usize..40], dtype in any_dtype(), big: bool, seed: u32,
    ) {
        let scratch = Scratch::new();
        let path = scratch.0.path().join("a.tif");
        let expected = write_random(&path, shape, dtype, big, seed);
        let volume = open(&path).unwrap();
        prop_assert_eq!([volume.info().slices, volume.info().height, volume.info().width], shape);
        prop_assert_eq!(volume.info().dtype, dtype);
        let read: Vec<_> = read_all(&path).unwrap().into_iter().map(|slice| slice.values).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn truncated_files_are_errors(keep in 0.0..1.0_f64, dtype in any_dtype(), big: bool) {
        let scratch = Scratch::new();
        let path = scratch.0.path().join("a.tif");
        write_random(&path, [3, 5, 7], dtype, big, 1);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..(bytes.len() as f64 * keep) as usize]).unwrap();
        prop_assert!(read_all(&path).is_err());
    }

    #[test]
    fn random_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..600), head in 0..5_usize) {
        let scratch = Scratch::new();
        let magic = [b"II*\0\x08\0\0\0".as_slice(), b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0", b"\x89PNG\r\n\x1a\n", b""];
        bytes.splice(0..0, magic[head].iter().copied());
        prop_assert!(read_all(&scratch.put(&bytes)).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// `PROPTEST_CASES` sets how many.
    #[test]
    fn damaged_files_never_panic(
        edits in prop::collection::vec((0.0..1.0_f64, any::<u8>()), 1..6), kind in 0..3_usize, compression in 0..4_usize,
    ) {
        let scratch = Scratch::new();
        let mut bytes = match kind {
            0 => compressed_page([1, 5, 8, 32773][compression]),
            1 => imagej_file("ImageJ=1.54f\nimages=3\nslices=3\nunit=um\nspacing=2\n\0", &[1, 2, 3, 4, 5, 6]),
            _ => {
                let path = scratch.0.path().join("b.tif");
                write_random(&path, [3, 5, 7], Dtype::U16, compression > 1, 1);
                fs::read(&path).unwrap()
            }
        };
        for (place, value) in edits {
            let place = (place * bytes.len() as f64) as usize;
            bytes[place] = value;
        }
        let path = scratch.put(&bytes);
        let _ = read_all(&path);
        if let Ok(images) = open_image_set(&path) {
            images.iter().take(4).for_each(|image| drop(image.read()));
        }
    }
}

/// A 16 x 8 page of 16-bit values in two compressed strips with a predictor, by the `tiff` crate.
fn compressed_page(code: u16) -> Vec<u8> {
    use tiff::encoder::{Compression, DeflateLevel, Predictor, TiffEncoder, colortype::Gray16};
    let compression = match code {
        5 => Compression::Lzw,
        8 => Compression::Deflate(DeflateLevel::Fast),
        32773 => Compression::Packbits,
        _ => Compression::Uncompressed,
    };
    let predictor = if matches!(code, 5 | 8) { Predictor::Horizontal } else { Predictor::None };
    let mut file = std::io::Cursor::new(Vec::new());
    let mut encoder =
        TiffEncoder::new(&mut file).unwrap().with_compression(compression).with_predictor(predictor);
    let mut image = encoder.new_image::<Gray16>(16, 8).unwrap();
    image.rows_per_strip(4).unwrap();
    image.write_data(&compressed_values()).unwrap();
    file.into_inner()
}

fn compressed_values() -> Vec<u16> {
    (0..128_u16).map(|v| v * v * 3 % 1000).collect()
}

#[test]
fn every_compression_is_read() {
    let scratch = Scratch::new();
    let expected: Vec<f32> = compressed_values().into_iter().map(f32::from).collect();
    for code in [1, 5, 8, 32773] {
        assert_eq!(
            read_all(&scratch.put(&compressed_page(code))).unwrap()[0].values,
            expected,
            "code {code}"
        );
    }
}
