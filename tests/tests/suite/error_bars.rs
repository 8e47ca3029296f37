//! Error bars of the shipped bundle: what its calibration says, and whether that still holds on scans made here.

use crate::fixture::{copy, json, refused};
use paser_core::bundle::Bundle;
use paser_core::data::phantom::{Microstructure, PhantomConfig};
use paser_core::data::scan::{ScanConfig, phantom_slice};
use paser_core::device::{Wish, choose};
use paser_core::event::Control;
use paser_core::measure::{Labels, Phase, Request, Scale, figures, measure};
use paser_core::route::{Choice, Method, Segmenter};
use paser_core::uncertainty::{COVERAGE, Calibration, Probabilities};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn shipped() -> (Bundle, Calibration) {
    let bundle = Bundle::open(&root().join("models/electrode")).expect("the shipped bundle");
    let calibration = Calibration::read(bundle.folder()).expect("readable").expect("a calibrated bundle");
    (bundle, calibration)
}

#[test]
fn every_bar_shown_covered_the_truth_of_held_out_scans() {
    let (_, calibration) = shipped();
    assert!(calibration.counts[1] >= 50);
    let shown: Vec<_> = calibration.figures.iter().filter(|f| f.shown).collect();
    assert!(shown.len() >= 6, "{}", calibration.table());
    for f in shown {
        let part = f.covered as f64 / f.tested as f64;
        assert!(f.tested == calibration.counts[1] && COVERAGE.contains(&part), "{f:?}");
    }
    for class in ["pore", "carbon", "nickel"] {
        assert!(calibration.figures.iter().any(|f| f.phase == class && f.quantity == "fraction"));
    }
}

/// Slices, rows, columns of the scans made here.
const SHAPE: [usize; 3] = [6, 224, 256];

#[test]
fn bars_of_fresh_scans_cover_their_truth() {
    let (bundle, calibration) = shipped();
    let (compute, _) = choose(Wish::Cpu).expect("a CPU");
    let segmenter = Segmenter::new(&bundle, compute).expect("a sound bundle").keep_probabilities(true);
    let router = bundle.manifest.router(bundle.manifest.lambda);
    let choice = Choice { method: Method::Paser, router, seed: 42 };
    assert_eq!(calibration.misfit(&segmenter, &choice), None);
    let other = Choice { method: Method::Net(1), ..choice };
    assert!(calibration.misfit(&segmenter, &other).is_some());
    let (mut covered, mut all) = (0, 0);
    for seed in [77_001, 77_002] {
        let (hit, tried) = scan(&segmenter, &choice, &calibration, seed);
        covered += hit;
        all += tried;
    }
    assert!(all >= 6 && covered * 4 >= all * 3, "{covered} of {all} bars cover the truth");
}

/// Bars of one scan that cover the truth, and how many there are.
fn scan(segmenter: &Segmenter, choice: &Choice, calibration: &Calibration, seed: u64) -> (usize, usize) {
    let [slices, height, width] = SHAPE;
    let config = PhantomConfig { slices, height, width, seed, ..PhantomConfig::default() };
    let electrode = Microstructure::new(&config).expect("an electrode");
    let scan = ScanConfig { seed, ..ScanConfig::default() };
    let (mut images, mut truth) = (Vec::new(), Vec::new());
    for z in 0..slices {
        let slice = phantom_slice(&electrode, &scan, z);
        images.push(slice.grey.iter().map(|v| f32::from(*v)).collect::<Vec<_>>());
        truth.extend(slice.truth);
    }
    let range =
        segmenter.manifest.normalisation.range_of(images.iter().map(|i| Ok(i.clone()))).expect("a range");
    let prepared: Vec<_> =
        images.iter().map(|i| range.apply(i, [height, width], 1, 1).expect("a slice")).collect();
    let names: Vec<String> = (0..slices).map(|z| z.to_string()).collect();
    let results = segmenter.segment(&prepared, &names, choice).expect("a segmentation");
    let folder = tempfile::tempdir().expect("a folder");
    let stack = Probabilities::create_in(folder.path(), SHAPE, 3).expect("a store");
    results.iter().for_each(|r| stack.push(r).expect("room"));
    let phases: Vec<Phase> = segmenter
        .manifest
        .classes
        .iter()
        .zip(1..)
        .map(|(c, value)| Phase { name: c.name.clone(), value })
        .collect();
    let request = Request { scale: Scale::new(None).expect("voxels"), transport: Some(Vec::new()) };
    let control = Control::default();
    let said: Vec<u8> = results.iter().flat_map(|r| r.labels.clone()).collect();
    let said = Labels::new(SHAPE, phases.clone(), said).expect("labels");
    let measured = measure(&said, &request, &control, &mut |_, _, _| ()).expect("figures");
    let known = Labels::new(SHAPE, phases.clone(), truth).expect("truth");
    let known = figures(&known, &request, &control).expect("figures");
    let mut told = Vec::new();
    let bars = calibration
        .bars(&stack, &measured, &request, (seed, 8), &control, &mut |done| told.push(done))
        .expect("bars");
    assert_eq!(told, (1..=8).collect::<Vec<_>>(), "every draw is told");
    assert_eq!(
        bars,
        calibration
            .bars(&stack, &measured, &request, (seed, 8), &control, &mut |_| ())
            .expect("the same again")
    );
    let hits = bars.bars.iter().filter(|b| {
        let phase = phases.iter().position(|p| p.name == b.phase).expect("a phase");
        let truth = known[phase].iter().find(|f| f.quantity == b.quantity && f.axis == b.axis);
        assert!(b.low <= b.mean && b.mean <= b.high, "{b:?}");
        truth.is_some_and(|t| b.low <= t.value && t.value <= b.high)
    });
    (hits.count(), bars.bars.len())
}

#[test]
fn a_calibration_goes_on_where_it_was_stopped_and_takes_no_other_scans() {
    let folder = tempfile::tempdir().expect("a folder");
    let (place, cache) = (|name: &str| folder.path().join(name), folder.path().join("cache"));
    copy(&root().join("models/electrode"), &place("bundle"));
    std::fs::remove_file(place("bundle/uncertainty.json")).expect("the shipped calibration");
    let [bundle, kept] = ["bundle", "kept"].map(|name| place(name).display().to_string());
    let run = |more: &[&'static str]| {
        let scans = ["--fit", "2", "--test", "1", "--draws", "2", "--height", "112", "--width", "128"];
        [&["calibrate", "--bundle", &bundle, "--keep", &kept, "--tortuosity", "pore"], &scans[..], more]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let said = |more: &[&'static str]| {
        let arguments = run(more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        json(&cache, &arguments)
    };
    let whole = said(&["--slices", "2"]);
    assert!(whole["figures"].as_array().is_some_and(|figures| figures.len() > 20), "{whole}");
    for lost in ["1042001.figures", "1042002.figures", "1042002.probabilities"] {
        std::fs::remove_file(place("kept").join(lost)).expect(lost);
    }
    assert_eq!(
        said(&["--slices", "2", "--force"]),
        whole,
        "what is kept is taken up, what is not is made again"
    );
    let refusal = |more: &[&'static str], needle: &str| {
        let arguments = run(more);
        refused(&cache, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), needle);
    };
    refusal(&["--slices", "3", "--force"], "another calibration");
    refusal(&["--slices", "2"], "exists");
}
