//! A run from outside: what part of a stack it takes, what it writes, and that it can be repeated.

use crate::fixture::{Kind, bundle, json, paser, refused, stack};
use paser_core::volume;
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempdir().unwrap());
        bundle(&place.path("bundle"), &Kind::small());
        stack(&place.path("s.tif"), [12, 40, 48], 1);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn segment(&self, flags: &[&str]) -> serde_json::Value {
        let (stack, bundle, out) = (self.text("s.tif"), self.text("bundle"), self.text("out"));
        let base = ["segment", &stack, "--bundle", &bundle, "--out", &out, "--force"];
        json(self.0.path(), &[&base, flags].concat())
    }
}

fn shape(path: &Path) -> [usize; 3] {
    let volume = volume::open(path).unwrap();
    let info = volume.info();
    [info.slices, info.height, info.width]
}

#[test]
fn a_part_of_a_stack_goes_into_every_format() {
    let place = Place::new();
    let flags =
        ["--axes", "YZX", "--crop", "1:32,:,9:", "--bin", "2", "--export", "nrrd,ome-zarr,raw,phases"];
    let report = place.segment(&flags);
    assert_eq!(report["slices"], 16);
    let labels = volume::open(&place.path("out/s_labels.tif")).unwrap();
    for name in ["s_labels.nrrd", "s_labels.ome.zarr", "s_labels.raw"] {
        let other = volume::open(&place.path("out").join(name)).unwrap();
        assert_eq!(shape(&place.path("out").join(name)), [16, 6, 20], "{name}");
        for z in 0..16 {
            assert_eq!(other.read(z).unwrap().values, labels.read(z).unwrap().values, "{name}, slice {z}");
        }
    }
    assert_eq!(shape(&place.path("out/s_phase3_class2.tif")), [16, 6, 20]);
    let page = std::fs::read_to_string(place.path("out/s_report.html")).unwrap();
    assert!(page.contains("UNCALIBRATED") && page.contains("class2") && page.contains("<svg"));
    let run: serde_json::Value =
        serde_json::from_slice(&std::fs::read(place.path("out/run.json")).unwrap()).unwrap();
    assert_eq!(run["run"]["opened"]["view"]["bin"], 2);
    assert_eq!(run["run"]["input_sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn a_run_is_repeated_and_compared() {
    let place = Place::new();
    place.segment(&["--slices", "3:9", "--crop", ":,1:32,:"]);
    let again = || json(place.0.path(), &["rerun", &place.text("out/run.json")]);
    let first = again();
    assert_eq!(first["same"], true, "{first}");
    stack(&place.path("s.tif"), [12, 40, 48], 2);
    let changed = again();
    assert_eq!(changed["same"], false);
    let what: Vec<&str> =
        changed["differences"].as_array().unwrap().iter().map(|d| d["what"].as_str().unwrap()).collect();
    assert!(what.contains(&"the grey values of the stack") && what.contains(&"the labels"), "{what:?}");
    std::fs::write(place.path("out/run.json"), b"{}").unwrap();
    refused(place.0.path(), &["rerun", &place.text("out/run.json")], "cannot be repeated");
}

#[test]
fn one_bad_stack_does_not_stop_a_batch() {
    let place = Place::new();
    std::fs::write(place.path("bad.tif"), b"no image").unwrap();
    stack(&place.path("t.tif"), [2, 40, 48], 3);
    let (bad, good, bundle) = (place.text("bad.tif"), place.text("t.tif"), place.text("bundle"));
    let output =
        paser(place.0.path(), &["segment", &bad, &good, "--bundle", &bundle, "--json", "--no-report"]);
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("bad.tif") && errors.contains("1 of 2 stacks failed"), "{errors}");
    let reports: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(reports.as_array().unwrap().len(), 1);
    assert!(place.path("t_PaSeR_paser/t_labels.tif").exists());
    assert!(!place.path("t_PaSeR_paser/t_report.html").exists());
}

#[test]
fn raw_files_and_wrong_parts() {
    let place = Place::new();
    std::fs::write(place.path("v.dat"), vec![7; 8 + 2 * 5 * 6]).unwrap();
    let info = json(place.0.path(), &["info", &place.text("v.dat"), "--raw", "2x5x6,u8,le,header=8"]);
    assert_eq!((&info["slices"], &info["dtype"]), (&2.into(), &"u8".into()));
    refused(place.0.path(), &["info", &place.text("v.dat"), "--raw", "2x5x7,u8"], "announced");
    refused(place.0.path(), &["info", &place.text("v.dat"), "--raw", "2x5x5,u8"], "bytes long");
    refused(place.0.path(), &["info", &place.text("v.dat")], "--raw");
    refused(place.0.path(), &["info", &place.text("s.tif"), "--crop", "13:,:,:"], "crop");
    refused(place.0.path(), &["info", &place.text("s.tif"), "--bin", "13"], "binning");
}
