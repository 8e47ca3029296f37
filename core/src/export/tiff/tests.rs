use super::*;
use std::fs;

fn meta(unit: &str) -> StackMeta {
    StackMeta { voxel_size: Some([0.5, 0.128, 0.0325]), unit: Some(unit.to_owned()), ..StackMeta::default() }
}

/// Writes 4.3 GB to the folder `PASER_LARGE` names, for another reader: `cargo test ... -- --ignored past_four`.
#[test]
#[ignore = "needs 4.3 GB of disk"]
fn past_four_gigabytes_every_slice_is_there() {
    let folder = std::env::var_os("PASER_LARGE").map_or_else(std::env::temp_dir, Into::into);
    let path = folder.join("large.tif");
    let (shape, pixels) = ([1030, 2048, 2048], 2048 * 2048);
    let meta = StackMeta {
        voxel_size: Some([0.5, 0.25, 0.25]),
        unit: Some("um".to_owned()),
        ..StackMeta::default()
    };
    let mut writer = StackWriter::create(&path, shape, Dtype::U8, &meta, true).unwrap();
    for z in 0..shape[0] {
        writer.push_u8(&vec![(z % 251) as u8; pixels]).unwrap();
    }
    writer.finish().unwrap();
    assert!(fs::metadata(&path).unwrap().len() > 4 << 30);
    let volume = crate::volume::open(&path).unwrap();
    assert_eq!(volume.info().slices, shape[0]);
    for z in [0, 511, 1029] {
        let slice = volume.read(z).unwrap();
        assert!(slice.values.iter().all(|v| *v == (z % 251) as f32), "slice {z}");
    }
}

#[test]
fn calibration_is_read_back_exactly() {
    let folder = tempfile::tempdir().unwrap();
    for (number, (unit, expected)) in
        [("um", "um"), ("µm", "um"), ("nm", "nm"), ("Å", "Å")].into_iter().enumerate()
    {
        for (big, create) in [StackWriter::create, StackWriter::create_big].into_iter().enumerate() {
            let path = folder.path().join(format!("{number}{big}.tif"));
            let mut writer = create(&path, [2, 1, 3], Dtype::U8, &meta(unit), false).unwrap();
            writer.push_u8(&[1, 2, 3]).unwrap();
            writer.push_u8(&[4, 5, 6]).unwrap();
            let volume = crate::volume::open(&writer.finish().unwrap()).unwrap();
            assert_eq!(volume.info().voxel_size, Some([0.5, 0.128, 0.0325]));
            assert_eq!(volume.info().unit.as_deref(), Some(expected));
        }
    }
}

#[test]
fn an_unknown_voxel_size_stays_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let without_unit = StackMeta { unit: None, ..meta("um") };
    for (number, meta) in [StackMeta::default(), without_unit].iter().enumerate() {
        let path = folder.path().join(format!("{number}.tif"));
        let mut writer = StackWriter::create(&path, [1, 1, 1], Dtype::F32, meta, false).unwrap();
        writer.push_f32(&[f32::NAN]).unwrap();
        let path = writer.finish().unwrap();
        let volume = crate::volume::open(&path).unwrap();
        assert_eq!((volume.info().voxel_size, volume.info().unit.clone()), (None, None));
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(8).any(|word| word == b"spacing="));
    }
}

#[test]
fn an_unfinished_writer_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let mut writer = StackWriter::create(&path, [2, 2, 2], Dtype::U8, &StackMeta::default(), false).unwrap();
    writer.push_u8(&[0; 4]).unwrap();
    drop(writer);
    let writer = StackWriter::create(&path, [2, 2, 2], Dtype::U8, &StackMeta::default(), false).unwrap();
    assert!(writer.finish().unwrap_err().to_string().contains("only 0 of 2 slices"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_existing_file_stays_without_force() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    fs::write(&path, b"precious").unwrap();
    let create = |force| StackWriter::create(&path, [1, 1, 1], Dtype::U8, &StackMeta::default(), force);
    assert!(matches!(create(false), Err(Error::Exists(_))));
    drop(create(true).unwrap());
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    let mut writer = create(true).unwrap();
    writer.push_u8(&[7]).unwrap();
    writer.finish().unwrap();
    assert_eq!(crate::volume::open(&path).unwrap().read(0).unwrap().values, [7.0]);
}

#[test]
fn slices_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let mut writer = StackWriter::create(&path, [1, 2, 2], Dtype::U16, &StackMeta::default(), false).unwrap();
    assert!(writer.push_u16(&[0; 3]).is_err());
    assert!(writer.push_u8(&[0; 4]).is_err());
    writer.push_u16(&[0; 4]).unwrap();
    assert!(writer.push_u16(&[0; 4]).is_err());
    writer.finish().unwrap();
}

#[test]
fn impossible_stacks_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let refused =
        |shape, dtype, meta: &StackMeta| StackWriter::create(&path, shape, dtype, meta, false).is_err();
    let none = StackMeta::default();
    assert!(refused([0, 1, 1], Dtype::U8, &none));
    assert!(refused([1, usize::MAX, usize::MAX], Dtype::U8, &none));
    assert!(refused([1, 1, 1], Dtype::Rgb8, &none));
    for size in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-12] {
        assert!(refused(
            [1, 1, 1],
            Dtype::U8,
            &StackMeta { voxel_size: Some([1.0, 1.0, size]), ..meta("um") }
        ));
    }
    let palette = |colours| StackMeta { palette: Some(vec![[0; 3]; colours]), ..StackMeta::default() };
    assert!(refused([1, 1, 1], Dtype::U8, &palette(257)));
    assert!(refused([1, 1, 1], Dtype::U16, &palette(3)));
}

#[test]
fn bigtiff_starts_where_32_bits_end() {
    let total = |slices| {
        Plan::new([slices, 1 << 15, 1 << 15], Dtype::U8, &StackMeta::default(), false).unwrap().total()
    };
    assert!(total(3) < u64::from(u32::MAX) && total(4) > u64::from(u32::MAX));
    let folder = tempfile::tempdir().unwrap();
    let shape = [4, 1 << 15, 1 << 15];
    let path = folder.path().join("a.tif");
    let writer = StackWriter::create(&path, shape, Dtype::U8, &StackMeta::default(), false).unwrap();
    let head = fs::read(writer.file.file.path()).unwrap();
    assert_eq!(head[..4], *b"II\x2b\0");
}

#[test]
fn fractions_are_exact_where_they_can_be() {
    assert_eq!(nearest_fraction(0.128), (16, 125));
    assert_eq!(nearest_fraction(5.0), (5, 1));
    for value in [1e-9, 0.1, 1.0 / 3.0, std::f64::consts::PI, 64.97, 1e9, 123_456.789] {
        let (numerator, denominator) = nearest_fraction(value);
        let error = (f64::from(numerator) / f64::from(denominator) - value).abs() / value;
        assert!(error < 1e-9, "{value}: {numerator}/{denominator}, {error}");
    }
}

#[test]
fn labels_keep_their_values_beside_the_palette() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let palette = Some(vec![[0, 0, 0], [230, 159, 0], [86, 180, 233]]);
    let meta = StackMeta { palette, ..StackMeta::default() };
    let mut writer = StackWriter::create(&path, [1, 1, 3], Dtype::U8, &meta, false).unwrap();
    writer.push_u8(&[2, 0, 1]).unwrap();
    let slice = crate::volume::open(&writer.finish().unwrap()).unwrap().read(0).unwrap();
    assert_eq!((slice.channels, slice.label_codes()), (1, vec![2, 0, 1]));
}
