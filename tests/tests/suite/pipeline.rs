//! Segmenting across the public interface: shapes from the bundle, the same answer however it is
//! asked for, exports as they should be.

use crate::fixture::{Kind, bundle, json, stack};
use paser_core::bundle::{Bundle, CascadeEntry, F0Label, MonteCarlo};
use paser_core::compare::Cascade;
use paser_core::data::normalise::{Prepared, Range};
use paser_core::device::Compute;
use paser_core::event::Control;
use paser_core::metrics::UNLABELLED;
use paser_core::net::UnetSpec;
use paser_core::noise::Noise;
use paser_core::route::stack::{Job, segment};
use paser_core::route::tiles::Layout;
use paser_core::route::{Choice, Method, Router, Segmenter, SliceResult};
use paser_core::trust;
use paser_core::volume;
use tempfile::tempdir;

const PASER: Choice = Choice { method: Method::Paser, router: Router::Fixed(0), seed: 1 };

fn segmenter(bundle: &Bundle) -> Segmenter {
    let compute = Compute::cpu();
    let models = bundle.load(&compute.device).unwrap();
    Segmenter::of(bundle.manifest.clone(), models, compute)
}

fn prepared(size: [usize; 2], channels: usize, seed: u32) -> Prepared {
    let plane = |c: u32| paser_core::hash::uniform(seed + c, size[0] * size[1], 0.0, 1.0);
    Prepared { size, planes: (0..channels as u32).map(plane).collect(), masked: Vec::new() }
}

fn check(result: &SliceResult, size: [usize; 2], classes: u8) {
    assert_eq!(result.size, size);
    assert_eq!(result.labels.len(), size[0] * size[1]);
    assert!(result.labels.iter().all(|l| *l < classes), "every pixel has a class");
    assert_eq!(
        result.routes.iter().map(|r| r.at.area()).sum::<usize>(),
        size[0] * size[1],
        "patches cover the slice"
    );
    let most = f32::from(classes).ln() + 1e-5;
    assert!(result.entropy.iter().all(|e| (0.0..=most).contains(e)));
}

#[test]
fn shapes_come_from_the_bundle() {
    let folder = tempdir().unwrap();
    let net = |stem, levels: &[usize]| UnetSpec { channels: 3, classes: 5, stem, levels: levels.to_vec() };
    let colour = Kind {
        layout: Layout { tile: [24, 40], grid: [3, 2] },
        nets: vec![net(2, &[4, 4]), net(3, &[6, 6, 6])],
    };
    let colour = segmenter(&bundle(&folder.path().join("colour"), &colour));
    for size in [[24, 40], [50, 41], [7, 9]] {
        let results = colour.segment(&[prepared(size, 3, 5)], &["a".to_owned()], &PASER).unwrap();
        check(&results[0], size, 5);
    }
    let net = |stem, levels: &[usize]| UnetSpec { channels: 1, classes: 2, stem, levels: levels.to_vec() };
    let single = Kind {
        layout: Layout { tile: [32, 32], grid: [1, 1] },
        nets: vec![net(2, &[4, 4]), net(2, &[4, 4, 4])],
    };
    let single = segmenter(&bundle(&folder.path().join("single"), &single));
    let results = single.segment(&[prepared([32, 32], 1, 5)], &["a".to_owned()], &PASER).unwrap();
    check(&results[0], [32, 32], 2);
    assert_eq!(results[0].routes.len(), 1);
}

#[test]
fn a_slice_gets_the_same_answer_alone_and_in_its_stack() {
    let folder = tempdir().unwrap();
    let segmenter = segmenter(&bundle(&folder.path().join("b"), &Kind::small()));
    let slices: Vec<Prepared> = (0..7).map(|i| prepared([70, 45], 1, 10 * i)).collect();
    let names: Vec<String> = (0..7).map(|i: i32| i.to_string()).collect();
    for method in [Method::Paser, Method::Random, Method::Net(0), Method::Net(1)] {
        let choice = Choice { method, ..PASER };
        let together = segmenter.segment(&slices, &names, &choice).unwrap();
        for (i, slice) in slices.iter().enumerate() {
            let alone = segmenter.segment(std::slice::from_ref(slice), &names[i..=i], &choice).unwrap();
            assert_eq!(alone[0].labels, together[i].labels, "{method}, slice {i}");
            assert_eq!(alone[0].routes, together[i].routes, "{method}, slice {i}");
            assert_eq!(alone[0].flops_total, together[i].flops_total);
        }
    }
}

#[test]
fn the_cost_of_a_slice_is_the_papers_count() {
    let folder = tempdir().unwrap();
    let segmenter = segmenter(&bundle(&folder.path().join("b"), &Kind::small()));
    let costs = segmenter.costs().clone();
    let slice = prepared([32, 32], 1, 3);
    let cost = |method| {
        let choice = Choice { method, ..PASER };
        segmenter.segment(std::slice::from_ref(&slice), &["a".to_owned()], &choice).unwrap().swap_remove(0)
    };
    assert_eq!(cost(Method::Net(0)).flops_total, 3 * costs.f0);
    assert_eq!(cost(Method::Net(1)).flops_total, 4 * costs.patch[1]);
    let routed = cost(Method::Paser);
    let upstream = routed.routes.iter().filter(|r| r.net == 1).count() as u64;
    assert_eq!(routed.flops_total, 3 * costs.f0 + costs.policy + upstream * costs.patch[1]);
    assert!(cost(Method::Net(0)).flops_run < 3 * costs.f0, "the passes share their beginning");
}

#[test]
fn bad_voxels_are_unlabelled_and_counted() {
    let folder = tempdir().unwrap();
    let segmenter = segmenter(&bundle(&folder.path().join("b"), &Kind::small()));
    let mut values = paser_core::hash::uniform(1, 40 * 40, 0.0, 1.0);
    values[17] = f32::NAN;
    values[900] = f32::INFINITY;
    let slice = Range { low: 0.0, high: 1.0 }.apply(&values, [40, 40], 1, 1).unwrap();
    let result = segmenter.segment(&[slice], &["a".to_owned()], &PASER).unwrap().swap_remove(0);
    let unlabelled: Vec<usize> = (0..1600).filter(|i| result.labels[*i] == UNLABELLED).collect();
    assert_eq!((unlabelled, result.masked), (vec![17, 900], 2));
}

#[test]
fn a_stack_is_delivered_in_order_and_stops_when_asked() {
    let folder = tempdir().unwrap();
    let segmenter = segmenter(&bundle(&folder.path().join("b"), &Kind::small()));
    let volume = volume::open(&stack(&folder.path().join("s.tif"), [30, 33, 31], 3)).unwrap();
    let range = segmenter.manifest.normalisation.range(volume.as_ref()).unwrap();
    let job = Job { volume: volume.as_ref(), slices: 2..27, range, choice: PASER, noise: (Noise::None, 0) };
    let mut seen = Vec::new();
    segment(&segmenter, &job, &Control::default(), &mut |z, _| {
        seen.push(z);
        Ok(())
    })
    .unwrap();
    assert_eq!(seen, (2..27).collect::<Vec<_>>());
    let control = Control::default();
    let mut count = 0;
    let stopped = segment(&segmenter, &job, &control, &mut |_, _| {
        count += 1;
        control.stop();
        Ok(())
    });
    assert!(matches!(stopped, Err(paser_core::Error::Cancelled)));
    assert!((1..25).contains(&count), "{count} slices came before the stop");
}

#[test]
fn a_device_with_a_wrong_answer_is_refused() {
    let folder = tempdir().unwrap();
    let bundle = bundle(&folder.path().join("b"), &Kind::small());
    let compute = Compute::cpu();
    let models = bundle.load(&compute.device).unwrap();
    trust::check(&compute, &models, &bundle.manifest.answers, &mut |_, _| {}).expect("right answers");
    for answer in 0..bundle.manifest.answers.len() {
        let mut answers = bundle.manifest.answers.clone();
        answers[answer].values[5] += 0.5;
        let refusal = trust::check(&compute, &models, &answers, &mut |_, _| {})
            .expect_err("a wrong answer")
            .to_string();
        assert!(refusal.contains("computes wrongly") && refusal.contains(&answers[answer].net), "{refusal}");
    }
    trust::check_gradients(&compute).expect("right gradients");
}

#[test]
fn the_program_segments_and_exports_what_the_library_says() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let bundle = bundle(&folder.path().join("b"), &Kind::small());
    stack(&folder.path().join("s.tif"), [5, 40, 50], 9);
    let report = json(
        folder.path(),
        &["segment", &at("s.tif"), "--bundle", &at("b"), "--out", &at("out"), "--slices", "2:4"],
    );
    assert_eq!(report["slices"], 3);
    let labels = volume::open(&folder.path().join("out/s_labels.tif")).unwrap();
    assert_eq!((labels.info().slices, labels.info().height, labels.info().width), (3, 40, 50));
    let segmenter = segmenter(&bundle);
    let volume = volume::open(&folder.path().join("s.tif")).unwrap();
    let range = bundle.manifest.normalisation.range(volume.as_ref()).unwrap();
    let slice = volume.read(1).unwrap();
    let prepared = range.apply(&slice.values, [40, 50], 1, 1).unwrap();
    let choice = Choice { router: bundle.manifest.fixed(0.5), ..PASER };
    let expected = segmenter.segment(&[prepared], &["1".to_owned()], &choice).unwrap().swap_remove(0);
    let written = labels.read(0).unwrap().label_codes();
    assert_eq!(written, expected.labels.iter().map(|l| u32::from(*l) + 1).collect::<Vec<_>>());
    let routes = std::fs::read_to_string(folder.path().join("out/s_routes.csv")).unwrap();
    assert_eq!(routes.lines().count(), 1 + 3 * expected.routes.len());
    let run: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("out/run.json")).unwrap()).unwrap();
    assert_eq!(run["run"]["lambda"], 0.5);
    assert_eq!(run["first_slice"], 2);
}

#[test]
fn the_nets_are_counted_to_the_last_digit() {
    let folder = tempdir().unwrap();
    let models = json(folder.path(), &["models"]);
    let expected = serde_json::json!([
        {"name": "f0", "parameters": 16_571, "input": [1, 224, 256], "flops": 312_639_488_u64},
        {"name": "f1", "parameters": 1_080_595, "input": [1, 56, 64], "flops": 142_047_232_u64},
        {"name": "f2", "parameters": 17_275_459, "input": [1, 56, 64], "flops": 2_245_648_384_u64},
        {"name": "policy", "parameters": 14_736, "input": [2, 224, 256], "flops": 254_837_504_u64},
        {"name": "deeplabv3plus", "parameters": 41_225_187, "input": [3, 224, 256], "flops": 38_636_856_320_u64},
        {"name": "segformer", "parameters": 81_973_715, "input": [3, 224, 256], "flops": 14_590_016_000_u64},
        {"name": "segformer-b0", "parameters": 3_719_027, "input": [3, 224, 256], "flops": 1_560_201_216_u64},
        {"name": "efficientvit", "parameters": 52_607_923, "input": [3, 224, 256], "flops": 10_854_502_400_u64},
        {"name": "efficientvit-b0", "parameters": 706_691, "input": [3, 224, 256], "flops": 125_242_880_u64},
        {
            "name": "matphase (reconstruction)",
            "parameters": 34_554_522,
            "input": [1, 224, 256],
            "flops": 52_005_904_384_u64,
        },
    ]);
    assert_eq!(models, expected);
}

#[test]
fn counts_at_other_sizes_follow_the_reference() {
    use paser_core::hash::Stream;
    use paser_core::net::{Policy, Unet, params};
    let cpu = burn::tensor::Device::flex();
    let net = |spec: UnetSpec| Unet::new(&spec, &cpu, &mut Stream::new(0, "count"));
    let [f0, f1, f2] = [UnetSpec::f0, UnetSpec::f1, UnetSpec::f2].map(|f| net(f(1, 3)));
    assert_eq!([f1.flops([224, 256]), f2.flops([224, 256])], [2_282_291_200, 36_081_762_304]);
    let small = [f0.flops([32, 32]), f1.flops([32, 32]), f2.flops([32, 32])];
    assert_eq!(small, [5_582_848, 40_755_200, 644_317_184]);
    assert_eq!(f0.flops([56, 64]) * 16, f0.flops([224, 256]));
    let [f0, f1, f2] = [UnetSpec::f0, UnetSpec::f1, UnetSpec::f2].map(|f| net(f(1, 2)));
    assert_eq!(
        [f0.flops([32, 32]), f1.flops([32, 32]), f2.flops([32, 32])],
        [5_574_656, 40_738_816, 644_251_648]
    );
    assert_eq!([params::count(&f0), params::count(&f1), params::count(&f2)], [16_562, 1_080_578, 17_275_394]);
    let policy = |patches| Policy::new(patches, 3, &cpu, &mut Stream::new(0, "count"));
    assert_eq!((policy(16).flops([32, 32]), policy(1).flops([32, 32])), (4_551_424, 4_550_704));
    assert_eq!(params::count(&policy(1)), 13_971);
}

#[test]
fn a_cascade_that_never_or_always_doubts_is_its_last_or_its_first_net() {
    let folder = tempdir().unwrap();
    let mut segmenter = segmenter(&bundle(folder.path(), &Kind::small()));
    let slice = [prepared([40, 50], 1, 3)];
    let names = [String::new()];
    let mut run = |method, gate: f64| {
        let cascade = Cascade::with_gates(vec![gate]);
        segmenter.manifest.cascade = Some(CascadeEntry { chosen: cascade.clone(), matched: cascade });
        segmenter.segment(&slice, &names, &Choice { method, ..PASER }).unwrap().swap_remove(0)
    };
    let (first, last) = (run(Method::Net(0), 0.0), run(Method::Net(1), 0.0));
    let (sure, doubting) = (run(Method::Idk, f64::INFINITY), run(Method::IdkMatch, f64::NEG_INFINITY));
    assert_eq!((&sure.labels, sure.flops_total), (&first.labels, first.flops_total));
    assert_eq!(doubting.labels, last.labels);
    assert!(doubting.routes.iter().all(|r| r.net == 1));
    let (through, alone) = (doubting.flops_total as f64, (first.flops_total + last.flops_total) as f64);
    assert!((through / alone - 1.0).abs() < 1e-6, "it pays for every net on the way: {through}, {alone}");
    let halfway = run(Method::Idk, f64::from(first.routes[0].entropy));
    let expected: Vec<u8> =
        first.routes.iter().map(|r| u8::from(r.entropy > first.routes[0].entropy)).collect();
    assert_eq!(halfway.routes.iter().map(|r| r.net).collect::<Vec<_>>(), expected);
}

#[test]
fn f0_answers_by_its_first_pass_where_the_bundle_says_so() {
    let folder = tempdir().unwrap();
    let whole = segmenter(&bundle(folder.path(), &Kind::small()));
    let slice = [prepared([40, 50], 1, 3)];
    let labels = |passes, label| {
        let mut manifest = whole.manifest.clone();
        manifest.monte_carlo = MonteCarlo { passes, label, ..manifest.monte_carlo };
        let one = Segmenter::of(manifest, whole.models.clone(), whole.compute.clone());
        let choice = Choice { method: Method::Net(0), ..PASER };
        one.segment(&slice, &[String::new()], &choice).unwrap().swap_remove(0).labels
    };
    assert_eq!(labels(3, F0Label::FirstPass), labels(1, F0Label::Mean));
    assert_ne!(labels(3, F0Label::FirstPass), labels(3, F0Label::Mean));
}
