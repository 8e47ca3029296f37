use super::*;
use crate::export::{StackMeta, StackWriter, png_grey, png_rgb};

/// Writes a one-slice 8-bit TIFF.
fn write_slice(path: &Path, height: usize, width: usize, values: &[u8]) {
    let mut writer =
        StackWriter::create(path, [1, height, width], Dtype::U8, &StackMeta::default(), false).unwrap();
    writer.push_u8(values).unwrap();
    writer.finish().unwrap();
}

fn refusal(path: &Path) -> String {
    let error = open(path).unwrap_err();
    assert!(matches!(error, Error::BadFile { .. }), "{error}");
    error.to_string()
}

#[test]
fn names_sort_as_people_do() {
    let mut names =
        vec!["im10", "Im2", "im002", "im1.5", "im", "a99999999999999999999999999", "a100", "im1", "é", ""];
    names.sort_by(|a, b| natural_cmp(a, b));
    assert_eq!(
        names,
        ["", "a100", "a99999999999999999999999999", "im", "im1", "im1.5", "Im2", "im002", "im10", "é"]
    );
    assert_eq!(natural_cmp("im1", "im1"), Ordering::Equal);
    assert_eq!(natural_cmp("im01", "im1"), Ordering::Less);
}

#[test]
fn a_folder_is_one_volume_in_natural_order() {
    let folder = tempfile::tempdir().unwrap();
    for z in [10_u8, 2, 1] {
        write_slice(&folder.path().join(format!("im{z}.tif")), 1, 2, &[z, 0]);
    }
    fs::write(folder.path().join(".hidden.tif"), b"x").unwrap();
    fs::write(folder.path().join("notes.txt"), b"x").unwrap();
    let volume = open(folder.path()).unwrap();
    assert_eq!((volume.info().slices, volume.info().height, volume.info().width), (3, 1, 2));
    assert_eq!(volume.info().bytes, 6);
    let firsts: Vec<f32> = (0..3).map(|z| volume.read(z).unwrap().values[0]).collect();
    assert_eq!(firsts, [1.0, 2.0, 10.0]);
    assert!(matches!(volume.read(3), Err(Error::Invalid(_))));
}

#[test]
fn mixed_sizes_name_the_first_file_that_differs() {
    let folder = tempfile::tempdir().unwrap();
    write_slice(&folder.path().join("im1.tif"), 1, 2, &[0; 2]);
    write_slice(&folder.path().join("im2.tif"), 2, 2, &[0; 4]);
    write_slice(&folder.path().join("im3.tif"), 3, 2, &[0; 6]);
    let text = refusal(folder.path());
    assert!(
        text.contains("im2.tif") && text.contains("2 x 2") && text.contains("im1.tif is 2 x 1"),
        "{text}"
    );
    let images = open_image_set(folder.path()).unwrap();
    assert_eq!(images.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["im1.tif", "im2.tif", "im3.tif"]);
    assert_eq!(images[2].read().unwrap().values.len(), 6);
}

#[test]
fn stacks_inside_a_folder_are_refused_but_are_fine_as_a_set() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.tif");
    let mut writer = StackWriter::create(&path, [2, 1, 1], Dtype::U8, &StackMeta::default(), false).unwrap();
    writer.push_u8(&[5]).unwrap();
    writer.push_u8(&[6]).unwrap();
    writer.finish().unwrap();
    assert!(refusal(folder.path()).contains("holds 2 slices"));
    for source in [folder.path(), &path] {
        let images = open_image_set(source).unwrap();
        assert_eq!(
            images.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(),
            ["stack.tif#0", "stack.tif#1"]
        );
        assert_eq!(images[1].read().unwrap().values, [6.0]);
    }
}

#[test]
fn files_that_are_no_images_are_refused_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    assert!(refusal(folder.path()).contains("no TIFF or PNG image"));
    assert!(open_image_set(folder.path()).is_err());
    assert!(open(&folder.path().join("missing.tif")).unwrap_err().to_string().starts_with("cannot read"));
    let path = folder.path().join("a.tif");
    for (bytes, part) in [
        (b"".as_slice(), "empty"),
        (b"hello world", "neither a TIFF nor a PNG"),
        (b"II*\0", "damaged or cut short"),
        (b"II*\0\x08\0\0\0", "past its end"),
        (b"II*\0\0\0\0\0", "no image"),
        (b"\x89PNG\r\n\x1a\n", "damaged or cut short"),
    ] {
        fs::write(&path, bytes).unwrap();
        let text = refusal(&path);
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn png_types_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    png_grey(&path("grey.png"), 2, 1, &[3, 200], false).unwrap();
    png_rgb(&path("rgb.png"), 1, 1, &[0, 0, 255], false).unwrap();
    image::ImageBuffer::<image::Luma<u16>, _>::from_raw(2, 1, vec![7, 60_000])
        .unwrap()
        .save(path("16.png"))
        .unwrap();
    image::RgbaImage::from_raw(1, 1, vec![1, 2, 3, 128]).unwrap().save(path("rgba.png")).unwrap();
    image::ImageBuffer::<image::Rgb<u16>, _>::from_raw(1, 1, vec![7_u16; 3])
        .unwrap()
        .save(path("48.png"))
        .unwrap();
    let read = |name: &str| {
        let volume = open(&path(name)).unwrap();
        (volume.info().dtype, volume.read(0).unwrap())
    };
    let (dtype, slice) = read("grey.png");
    assert_eq!((dtype, slice.label_codes()), (Dtype::U8, vec![3, 200]));
    let (dtype, slice) = read("16.png");
    assert_eq!((dtype, slice.label_codes()), (Dtype::U16, vec![7, 60_000]));
    let (dtype, slice) = read("rgb.png");
    assert_eq!(
        (dtype, slice.label_codes(), slice.grey().to_vec()),
        (Dtype::Rgb8, vec![0x00_00_FF], vec![85.0])
    );
    let (dtype, slice) = read("rgba.png");
    assert_eq!((dtype, slice.label_codes()), (Dtype::Rgb8, vec![0x01_02_03]));
    assert!(refusal(&path("48.png")).contains("16-bit colour"));
}

#[test]
fn damaged_pngs_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    png_grey(&path, 40, 30, &(0..1200).map(|v| (v * 7 % 251) as u8).collect::<Vec<_>>(), false).unwrap();
    let bytes = fs::read(&path).unwrap();
    for len in (1..bytes.len() - 12).step_by(7) {
        fs::write(&path, &bytes[..len]).unwrap();
        assert!(open(&path).and_then(|volume| volume.read(0)).is_err(), "{len} of {}", bytes.len());
    }
}

#[test]
fn labels_are_whole_numbers() {
    let values = vec![0.0, 1.0, -0.0, 1.5, -1.0, f32::NAN, f32::INFINITY, 65_535.0, 3e9];
    let slice = Slice { height: 1, width: values.len(), channels: 1, values };
    let none = u32::MAX;
    assert_eq!(slice.label_codes(), [0, 1, 0, none, none, none, none, 65_535, none]);
    assert!(matches!(slice.grey(), Cow::Borrowed(_)));
}

#[test]
fn info_serialises_with_plain_names() {
    let text = serde_json::to_value(VolumeInfo::new([2, 3, 4], Dtype::Rgb8)).unwrap();
    assert_eq!(
        (&text["dtype"], &text["bytes"], &text["voxel_size"]),
        (&"rgb8".into(), &72.into(), &().into())
    );
}
