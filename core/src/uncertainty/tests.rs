use super::draw::below;
use super::field::Field;
use super::fit::{Trial, moments, reach};
use super::*;
use crate::measure::Phase;
use crate::metrics::UNLABELLED;
use crate::route::SliceResult;

fn phases(n: u32) -> Vec<Phase> {
    (1..=n).map(|value| Phase { name: format!("p{value}"), value }).collect()
}

/// A stack whose voxels all have `probabilities`; the first voxel of every slice has no class.
fn stack(shape: [usize; 3], probabilities: &[f32]) -> Probabilities {
    let stack = Probabilities::create_in(&std::env::temp_dir(), shape, probabilities.len()).unwrap();
    let pixels = shape[1] * shape[2];
    let mut labels = vec![0; pixels];
    labels[0] = UNLABELLED;
    for _ in 0..shape[0] {
        let slice = SliceResult {
            size: [shape[1], shape[2]],
            labels: labels.clone(),
            entropy: Vec::new(),
            routes: Vec::new(),
            flops_total: 0,
            flops_run: 0,
            masked: 1,
            probabilities: probabilities.iter().flat_map(|p| vec![*p; pixels]).collect(),
        };
        stack.push(&slice).unwrap();
    }
    stack
}

fn model(classes: usize, spacing: f64) -> ErrorModel {
    ErrorModel { temperature: 1.0, bias: vec![0.0; classes], spacing: [spacing; 3], shared: 0.0 }
}

#[test]
fn a_field_is_standard_normal_and_smooth() {
    let field = Field { seed: 7, spacing: [2.0, 4.0, 4.0], shared: 0.0 };
    let slices: Vec<Vec<f32>> = (0..40).map(|z| field.slice(z, [60, 70])).collect();
    let all: Vec<f64> = slices.iter().flatten().map(|v| f64::from(*v)).collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let variance = all.iter().map(|v| v * v).sum::<f64>() / all.len() as f64;
    assert!(mean.abs() < 0.05 && (variance - 1.0).abs() < 0.1, "{mean} {variance}");
    let product = |lag: usize| {
        let pairs = slices.iter().flat_map(|s| s.chunks(70)).flat_map(|r| r.iter().zip(&r[lag..]));
        let (sum, n) = pairs.fold((0.0, 0), |(s, n), (a, b)| (s + f64::from(a * b), n + 1));
        sum / f64::from(n)
    };
    assert!(product(1) > 0.9 && product(4) < product(2) && product(20).abs() < 0.1);
    assert_eq!(slices[33], field.slice(33, [60, 70]));
    assert_ne!(slices[33], Field { seed: 8, ..field }.slice(33, [60, 70]));
}

#[test]
fn the_normal_distribution_is_that_of_tables() {
    for (x, p) in [(-3.0, 0.001_35), (-1.0, 0.158_655), (0.0, 0.5), (1.96, 0.975_002), (4.0, 0.999_968)] {
        assert!((below(x) - p).abs() < 1e-5, "{x}");
    }
}

#[test]
fn draws_have_the_probabilities_they_were_drawn_from() {
    let shape = [20, 64, 64];
    let stack = stack(shape, &[0.2, 0.5, 0.3]);
    let drawn = model(3, 2.0).draw(&stack, &phases(3), 42, 0).unwrap();
    let all = (shape.iter().product::<usize>() - shape[0]) as f64;
    assert_eq!(drawn.voxels.iter().filter(|v| **v == UNLABELLED).count(), shape[0]);
    for (count, p) in drawn.counts().iter().zip([0.2, 0.5, 0.3]) {
        assert!((*count as f64 / all - p).abs() < 0.02, "{count} of {all}, not {p}");
    }
    assert_eq!(drawn, model(3, 2.0).draw(&stack, &phases(3), 42, 0).unwrap());
    assert_ne!(drawn, model(3, 2.0).draw(&stack, &phases(3), 42, 1).unwrap());
    // Biases move them as they move the odds.
    let moved = ErrorModel { bias: vec![0.0, 0.0, 2.0_f64.ln()], ..model(3, 2.0) };
    let part = moved.draw(&stack, &phases(3), 42, 0).unwrap().counts()[2] as f64 / all;
    assert!((part - 0.6 / 1.3).abs() < 0.02, "{part}");
}

#[test]
fn coarser_fields_spread_fractions_more() {
    let stack = stack([8, 64, 64], &[0.4, 0.6]);
    let spread = |spacing: f64| {
        let model = model(2, spacing);
        let counts = (0..12).map(|n| model.draw(&stack, &phases(2), 1, n).unwrap().counts()[0] as f64);
        moments(&counts.collect::<Vec<_>>()).1
    };
    assert!(spread(12.0) > 2.0 * spread(2.0));
}

#[test]
fn slices_without_probabilities_are_refused() {
    let stack = Probabilities::create_in(&std::env::temp_dir(), [1, 2, 2], 2).unwrap();
    let slice = SliceResult {
        size: [2, 2],
        labels: vec![0; 4],
        entropy: Vec::new(),
        routes: Vec::new(),
        flops_total: 0,
        flops_run: 0,
        masked: 0,
        probabilities: Vec::new(),
    };
    assert!(stack.push(&slice).is_err());
    assert!(stack.read(0).is_err());
}

/// Trials whose truth lies `error(i)` deviations from the draws' mean, which is 0.3 too low.
fn trials(n: usize, error: impl Fn(usize) -> f64) -> Vec<Option<Trial>> {
    let one = |i: usize| {
        let mean = i as f64;
        Some(Trial { truth: mean + 0.3 + 0.1 * error(i), segmented: mean * 1.1, mean, deviation: 0.1 })
    };
    (0..n).map(one).collect()
}

fn normal(i: usize) -> f64 {
    f64::from(crate::hash::normal(3, 400, 1.0)[i])
}

#[test]
fn bars_cover_what_they_say_and_no_more() {
    let name = || ("p".to_owned(), "fraction".to_owned(), String::new());
    let fitted = reach(name(), &trials(400, normal), 200).unwrap();
    assert!((fitted.shift - 0.3).abs() < 0.03 && (1.6..2.4).contains(&fitted.reach), "{fitted:?}");
    assert!(fitted.shown && fitted.centre == Centre::Drawn && fitted.tested == 200, "{fitted:?}");
    // Errors that grow after the fit are not covered, and the figure loses its bar.
    let worse =
        reach(name(), &trials(400, |i| if i < 200 { normal(i) } else { 4.0 * normal(i) }), 200).unwrap();
    assert!(!worse.shown && worse.covered < 170, "{worse:?}");
    // What some scans do not have at all is not vouched for.
    let mut some = trials(400, normal);
    some[300] = None;
    assert!(!reach(name(), &some, 200).unwrap().shown);
    assert!(reach(name(), &[None, None], 1).is_none());
}
