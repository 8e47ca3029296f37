//! What ships: the bundle's recorded evidence, and the demo on the bundled sample.

use crate::fixture::json;
use paser_core::bundle::Bundle;
use paser_core::volume;
use std::path::{Path, PathBuf};
use tempfile::tempdir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn bundle() -> Bundle {
    Bundle::open(&root().join("models/electrode")).expect("the shipped bundle")
}

fn row<'a>(rows: &'a [serde_json::Value], method: &str, lambda: Option<f64>) -> &'a serde_json::Value {
    let found = rows.iter().find(|r| r["method"] == method && r["lambda"].as_f64() == lambda);
    found.unwrap_or_else(|| panic!("no row for {method} at {lambda:?}"))
}

#[test]
fn the_bundle_is_small_and_whole() {
    let bundle = bundle();
    let files = std::fs::read_dir(bundle.folder()).unwrap().map(|e| e.unwrap().metadata().unwrap().len());
    assert!(files.sum::<u64>() <= 40 << 20, "at most 40 MB");
    bundle.load(&burn::tensor::Device::flex()).expect("weights that match their hashes");
    assert!(!bundle.manifest.answers.is_empty() && bundle.manifest.about.contains("simulated"));
}

#[test]
fn its_record_holds_every_policy_lambda_a_half_and_the_fixed_nets() {
    let manifest = bundle().manifest;
    let rows = manifest.training["validation"]["test"].as_array().expect("test rows").clone();
    for net in ["f0", "f1", "f2"] {
        assert!(row(&rows, net, None)["iou"].as_f64().unwrap() > 0.3);
    }
    for lambda in [manifest.lambda, 0.5] {
        let paser = row(&rows, "paser", Some(lambda));
        assert!(paser["above_random"]["pairs"].as_u64().unwrap() >= 10, "{paser}");
    }
    assert_eq!(manifest.curve.len(), manifest.policies.len());
}

#[test]
fn the_demo_segments_the_sample_and_tells_its_figures() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("demo");
    let figures = json(folder.path(), &["demo", "--out", &out.display().to_string()]);
    let sample = volume::open(&root().join("assets/sample/images.tif")).unwrap();
    let labels = volume::open(&out.join("images_labels.tif")).unwrap();
    assert_eq!(labels.info().slices, sample.info().slices);
    assert_eq!(figures["images"], sample.info().slices);
    assert!(figures["iou"].as_f64().unwrap() > 0.5, "{}", figures["iou"]);
    assert_eq!(figures["shares"].as_array().unwrap().len(), 3);
    for file in
        ["images_entropy.tif", "images_routes.csv", "images_classes.json", "images_preview.png", "run.json"]
    {
        assert!(out.join(file).exists(), "{file}");
    }
}
