//! `paser measure` from outside: what it prints, what it refuses.

use crate::fixture::{json, refused};
use paser_core::export::{StackMeta, StackWriter};
use paser_core::volume::Dtype;
use std::path::{Path, PathBuf};
use tempfile::tempdir;

/// Layers of 4 slices along Z: 1, 2, 1, 2; calibrated in micrometres.
fn layers(path: &Path) -> PathBuf {
    let meta = StackMeta {
        voxel_size: Some([0.5, 0.25, 0.25]),
        unit: Some("um".to_owned()),
        ..StackMeta::default()
    };
    let mut writer = StackWriter::create(path, [16, 6, 10], Dtype::U8, &meta, false).unwrap();
    for z in 0..16 {
        writer.push_u8(&[1 + z / 4 % 2; 60]).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn layers_measure_what_they_are() {
    let folder = tempdir().unwrap();
    let path = layers(&folder.path().join("l.tif")).display().to_string();
    let of_file = json(folder.path(), &["measure", &path]);
    assert_eq!((&of_file["unit"], &of_file["calibrated"]), (&"um".into(), &true.into()));
    let phase = &of_file["phases"][0];
    assert_eq!((&phase["name"], &phase["value"], &phase["fraction"]), (&"1".into(), &1.into(), &0.5.into()));
    // Three interfaces in 8 um.
    assert_eq!(phase["specific_surface"]["face_counting"], 3.0 / 8.0);
    assert!(phase["tortuosity"][0].is_null());
    let factor = phase["tortuosity"][2]["factor"].as_f64().unwrap();
    assert!((factor - 1.0).abs() < 1e-3, "{factor}");
    let flags = ["--classes", "a=2,b=1", "--voxel-size", "1,1,1", "--unit", "nm", "--tortuosity", "none"];
    let named = json(folder.path(), &[&["measure", &path], &flags[..]].concat());
    assert_eq!((&named["unit"], &named["phases"][1]["name"]), (&"nm".into(), &"b".into()));
    assert_eq!(named["phases"][0]["specific_surface"]["face_counting"], 3.0 / 16.0);
    assert!(named["phases"][0]["tortuosity"][2].is_null());
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let folder = tempdir().unwrap();
    let path = layers(&folder.path().join("l.tif")).display().to_string();
    let cases = [
        (&["--classes", "a=7,b=8"][..], "--classes"),
        (&["--voxel-size", "0,1,1", "--unit", "um"], "impossible"),
        (&["--tortuosity", "3"], "no phase"),
        (&["--memory", "1"], "--memory"),
    ];
    for (flags, needle) in cases {
        refused(folder.path(), &[&["measure", &path], flags].concat(), needle);
    }
}
