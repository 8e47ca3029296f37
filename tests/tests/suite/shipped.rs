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
fn its_record_shows_what_it_is_for() {
    let manifest = bundle().manifest;
    let rows = manifest.training["validation"]["test"].as_array().expect("test rows").clone();
    let iou = |method| row(&rows, method, None)["iou"].as_f64().unwrap();
    assert!(iou("f2") - iou("f0") >= 0.05, "f2 gains: {} over {}", iou("f2"), iou("f0"));
    let conditioned = manifest.conditioned.as_ref().expect("a policy for every λ");
    assert!(conditioned.preferred);
    let chosen = row(&rows, "paser, λ-conditioned", Some(manifest.lambda));
    assert!(chosen["above_random"]["low"].as_f64().unwrap() > 0.0, "{chosen}");
    let point = conditioned.curve.iter().find(|p| p.lambda == manifest.lambda).unwrap();
    assert!(point.shares.iter().all(|s| *s >= 0.05), "every net gets its share: {:?}", point.shares);
    assert!(conditioned.curve.is_sorted_by(|a, b| a.flops >= b.flops), "cost falls as λ rises");
    row(&rows, "paser, λ-conditioned", Some(0.5));
    row(&rows, "paser", Some(0.5));
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
