#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::noise::noise;
use super::*;
use crate::error::Error;
use proptest::prelude::*;

fn electrode(slices: usize, height: usize, width: usize, seed: u64) -> Microstructure {
    Microstructure::new(&PhantomConfig { slices, height, width, seed, ..Default::default() }).unwrap()
}

fn shares(classes: &[u8]) -> [f64; 3] {
    [PORE, CARBON, NICKEL]
        .map(|class| classes.iter().filter(|&&other| other == class).count() as f64 / classes.len() as f64)
}

#[test]
fn any_slice_is_the_same_in_any_order() {
    let (one, two) = (electrode(20, 33, 47, 3), electrode(20, 33, 47, 3));
    let forward: Vec<_> = (0..20).map(|z| one.labels_fine(z)).collect();
    let backward: Vec<_> = (0..20).into_par_iter().rev().map(|z| two.labels_fine(z)).collect();
    assert!(forward.iter().eq(backward.iter().rev()));
    assert_eq!(one.truth_volume()[33 * 47 * 7..33 * 47 * 8], two.truth(7));
    assert_ne!(forward[7], electrode(20, 33, 47, 4).labels_fine(7));
}

#[test]
fn the_default_electrode_keeps_its_targets_and_is_mixed() {
    let m = Microstructure::new(&PhantomConfig::default()).unwrap();
    let slices: Vec<_> = (0..96).step_by(8).map(|z| m.truth(z)).collect();
    let [pore, carbon, nickel] = shares(&slices.concat());
    assert!((nickel - 0.50).abs() < 0.08 && (carbon - 0.18).abs() < 0.05, "{pore} {carbon} {nickel}");
    let patch = |slice: &Vec<u8>, at: usize| {
        let (top, left) = (at / 4 * 56, at % 4 * 64);
        let rows = (top..top + 56).flat_map(|y| slice[y * 256 + left..][..64].to_vec());
        shares(&rows.collect::<Vec<_>>())[2]
    };
    let nickel: Vec<f64> = slices.iter().flat_map(|s| (0..16).map(|at| patch(s, at))).collect();
    assert!(nickel.iter().any(|&share| share > 0.95) && nickel.iter().any(|&share| share < 0.1));
}

#[test]
fn neighbouring_slices_resemble_each_other() {
    let m = electrode(40, 96, 96, 5);
    let differ = |a: usize, b: usize| {
        let (a, b) = (m.truth(a), m.truth(b));
        a.iter().zip(&b).filter(|(p, q)| p != q).count()
    };
    assert!(differ(10, 11) * 2 < differ(10, 35), "{} {}", differ(10, 11), differ(10, 35));
}

#[test]
fn parameters_are_frozen() {
    // Nets are trained on this very electrode: a change here makes them and their figures worthless.
    let m = Microstructure::new(&PhantomConfig { slices: 24, ..Default::default() }).unwrap();
    let now = shares(&[m.truth(2), m.truth(12), m.truth(21)].concat());
    let frozen = [0.330_6, 0.223_9, 0.445_6];
    assert!(now.iter().zip(frozen).all(|(a, b): (&f64, f64)| (a - b).abs() < 0.002), "{now:?}");
}

#[test]
fn ties_go_to_the_upper_left() {
    assert_eq!(majority(&[2, 0, 0, 2], 1), [2]);
    assert_eq!(majority(&[1, 2, 0, 2], 1), [2]);
    assert_eq!(majority(&[0, 0, 1, 1, 0, 2, 2, 1], 2), [0, 1]);
}

#[test]
fn point_noise_is_plane_noise_of_unit_deviation() {
    let grid = Grid { height: 120, width: 130, step: 0.5 };
    let plane = Plane::new(9, 2.5, 4, grid, Slope::None).full();
    let at = |x: usize, y: usize| [(x as f32 + 0.5) * 0.5, (y as f32 + 0.5) * 0.5, 4.5];
    assert!((plane[71 * 130 + 93] - noise(9, 2.5, at(93, 71))).abs() < 1e-4);
    let variance = plane.iter().map(|v| v * v).sum::<f32>() / plane.len() as f32;
    assert!((variance - 1.0).abs() < 0.25, "{variance}");
    let slope = Plane::new(9, 2.5, 4, grid, Slope::X).full()[71 * 130 + 93];
    let change = plane[71 * 130 + 94] - plane[71 * 130 + 92];
    assert!((slope - change).abs() < 0.1, "{slope} {change}");
}

#[test]
fn bad_settings_are_refused() {
    let bad = |cfg: &PhantomConfig| matches!(Microstructure::new(cfg), Err(Error::Invalid(_)));
    let base = PhantomConfig::default();
    assert!(bad(&PhantomConfig { slices: 0, ..base.clone() }));
    assert!(bad(&PhantomConfig { height: 0, ..base.clone() }));
    assert!(bad(&PhantomConfig { width: usize::MAX, ..base.clone() }));
    assert!(bad(&PhantomConfig { radius_min: 0.0, ..base.clone() }));
    assert!(bad(&PhantomConfig { web_width: f32::NAN, ..base.clone() }));
    assert!(bad(&PhantomConfig { radius_max: 4.0, ..base }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_size_gives_three_classes(slices in 1usize..4, h in 1usize..50, w in 1usize..50, seed: u64) {
        let m = electrode(slices, h, w, seed);
        for z in [0, slices - 1, slices + 3] {
            let (fine, truth) = (m.labels_fine(z), m.truth(z));
            prop_assert_eq!((fine.len(), truth.len()), (4 * h * w, h * w));
            prop_assert!(fine.iter().chain(&truth).all(|&class| class <= NICKEL));
        }
    }
}
