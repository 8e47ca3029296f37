use proptest::prelude::*;

use super::*;
use crate::data::classes::ClassMap;
use crate::export::{StackMeta, StackWriter};
use crate::hash;
use crate::metrics::UNLABELLED;
use crate::volume::{self, Dtype};

fn labels(shape: [usize; 3], phase: impl Fn([usize; 3]) -> u8) -> Labels {
    let [nz, ny, nx] = shape;
    let at = |i: usize| [i / (ny * nx), i / nx % ny, i % nx];
    let voxels: Vec<u8> = (0..nz * ny * nx).map(|i| phase(at(i))).collect();
    let count = voxels.iter().filter(|v| **v != UNLABELLED).max().map_or(0, |v| v + 1);
    let phases = (0..count).map(|v| Phase { name: format!("p{v}"), value: v.into() }).collect();
    Labels::new(shape, phases, voxels).unwrap()
}

fn measured(labels: &Labels, voxel: [f64; 3]) -> Measures {
    let scale = Scale::new(Some((voxel, "um".to_owned()))).unwrap();
    let request = Request { scale, transport: None };
    measure(labels, &request, &Control::default(), &mut |_, _, _| ()).unwrap()
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * a.abs().max(b.abs())
}

#[test]
fn a_slab_conducts_along_itself_and_not_across() {
    let slab = labels([12, 6, 8], |[z, _, _]| u8::from((3..9).contains(&z)));
    for voxel in [[1.0; 3], [2.0, 0.5, 1.0]] {
        let measures = measured(&slab, voxel);
        let slab = &measures.phases[1];
        assert_eq!(slab.fraction, 0.5);
        assert_eq!(slab.profiles.z[2..5], [0.0, 1.0, 1.0]);
        assert!(slab.profiles.x.iter().all(|f| *f == 0.5));
        assert_eq!(slab.connectivity.percolating, [0.0, 1.0, 1.0]);
        assert!(slab.tortuosity[0].is_none(), "nothing leads through along Z");
        for through in &slab.tortuosity[1..] {
            let through = through.unwrap();
            assert!(close(through.factor, 1.0, 1e-4) && through.converged, "{through:?}");
        }
        let surface = 2.0 / (12.0 * voxel[0]);
        assert!(close(slab.specific_surface.face_counting, surface, 1e-12));
        // 5 x 7 of 6 x 8 cells: the marching-cubes surface ends at the centres of the outer voxels
        assert!(close(slab.specific_surface.marching_cubes, surface * 35.0 / 48.0, 1e-12));
    }
}

#[test]
fn a_winding_path_has_the_resistance_of_its_length() {
    // Rows of one slice, joined at alternating ends: 4 rows of 5 voxels and 3 links.
    let path = labels([7, 1, 5], |[z, _, x]| u8::from(z % 2 == 0 || x == if z % 4 == 1 { 4 } else { 0 }));
    let measures = measured(&path, [1.0; 3]);
    // Through voxels in a chain of n the resistance is n; only the ends' rows branch from one voxel.
    let inner = 2.0 * 5.0 + 3.0;
    let ends = 2.0 * row_resistance(5);
    let expected = (23.0 / 35.0) * 5.0 / 7.0 * (inner + ends);
    let found = measures.phases[1].tortuosity[0].unwrap();
    assert!(close(found.factor, expected, 1e-3), "{} and not {expected}", found.factor);
}

/// Three halls behind one another, joined by single voxels. What flows is little beside what is stored: in single
/// precision it leaked away, and rounds without end left the flux through the layers apart.
#[test]
fn narrow_throats_are_solved_to_the_end() {
    let walls = [23, 47, 71];
    let open = |[z, y, x]: [usize; 3]| match walls.iter().position(|wall| *wall == x) {
        Some(k) => [z, y] == [2 * k + 1, 7 * k + 3],
        None => true,
    };
    let found =
        measured(&labels([8, 24, 96], |at| u8::from(open(at))), [1.0; 3]).phases[1].tortuosity[2].unwrap();
    assert!(found.converged && found.iterations < 30, "{found:?}");
    // By a direct solution of the same equations (SciPy, spsolve).
    assert!(close(found.factor, 16.421_661_947_7, 1e-4), "{found:?}");
}

/// Resistance from one end of a row of `n` voxels, each of which lies half a voxel from a face, to that
/// face, without the half voxel by which the current enters the row (counted with the links).
fn row_resistance(n: usize) -> f64 {
    let far = (1..n).fold(0.5, |rest: f64, _| 1.0 / (1.0 / 0.5 + 1.0 / (1.0 + rest)));
    far + 0.5
}

#[test]
fn a_checkerboard_is_all_surface_and_leads_nowhere() {
    let board = labels([4, 6, 8], |[z, y, x]| ((z + y + x) % 2) as u8);
    let measures = measured(&board, [1.0; 3]);
    let phase = &measures.phases[0];
    assert_eq!(phase.connectivity.components, 96);
    assert_eq!(phase.connectivity.percolating, [0.0; 3]);
    let faces = (3 * 6 * 8 + 4 * 5 * 8 + 4 * 6 * 7) as f64;
    assert!(close(phase.specific_surface.face_counting, faces / 192.0, 1e-12));
    assert_eq!(phase.correlation.x, [0.5, 0.0, 0.5, 0.0, 0.5]);
    assert_eq!(phase.particles.inside, 2 * 4 * 6 / 2);
    assert_eq!(phase.tortuosity, [None; 3]);
}

#[test]
fn one_voxel_is_an_octahedron() {
    let one = labels([3, 3, 3], |at| u8::from(at == [1, 1, 1]));
    let phase = &measured(&one, [2.0; 3]).phases[1];
    assert!(close(phase.specific_surface.face_counting, 6.0 * 4.0 / 216.0, 1e-12));
    assert!(close(phase.specific_surface.marching_cubes, 3_f64.sqrt() * 4.0 / 216.0, 1e-12));
    assert!(close(phase.particles.mean.unwrap(), 2.0 * (6.0 / std::f64::consts::PI).cbrt(), 1e-12));
}

#[test]
fn a_sphere_has_its_diameter_and_surface() {
    let radius = 15.0;
    let inside =
        |at: [usize; 3]| at.iter().map(|c| (*c as f64 - 20.0).powi(2)).sum::<f64>() <= radius * radius;
    let sphere = labels([41, 41, 41], |at| u8::from(inside(at)));
    let phase = &measured(&sphere, [0.5; 3]).phases[1];
    assert!(close(phase.particles.by_number.unwrap()[1], 15.0, 0.01));
    assert_eq!((phase.particles.inside, phase.particles.touching_boundary), (1, 0));
    let area = |specific: f64| specific * (41.0 * 0.5_f64).powi(3) / (std::f64::consts::PI * 15.0 * 15.0);
    // Steps make 3/2 of a sphere's area; marching cubes on unsmoothed voxels about 9 % too much.
    assert!(close(area(phase.specific_surface.face_counting), 1.5, 0.02));
    assert!(close(area(phase.specific_surface.marching_cubes), 1.09, 0.02));
}

#[test]
fn a_full_volume_has_no_surface_and_no_interval() {
    let phase = &measured(&labels([3, 4, 70], |_| 0), [1.0; 3]).phases[0];
    assert_eq!((phase.fraction, phase.interval), (1.0, None));
    assert_eq!((phase.specific_surface.face_counting, phase.specific_surface.marching_cubes), (0.0, 0.0));
    assert!(phase.tortuosity.iter().all(|t| close(t.unwrap().factor, 1.0, 1e-4)));
}

/// A phase of fraction 1/2 with a known correlation length: the sign of smoothed noise, periodic in a
/// larger volume of which one corner is seen.
fn blobs(seed: u32, edge: usize) -> Labels {
    let mut field: Vec<f32> = hash::normal(seed, edge.pow(3), 1.0);
    for axis in 0..3 {
        let step = edge.pow(2 - axis);
        for _ in 0..2 {
            let before = field.clone();
            let at = |i: usize, shift: usize| {
                before[i - (i / step % edge) * step + (i / step + shift) % edge * step]
            };
            field.iter_mut().enumerate().for_each(|(i, v)| *v = (0..5).map(|s| at(i, s)).sum());
        }
    }
    labels([edge - 8; 3], |[z, y, x]| u8::from(field[(z * edge + y) * edge + x] > 0.0))
}

#[test]
fn intervals_hold_the_truth_about_as_often_as_they_say() {
    let trials = 60;
    let holds = |seed: u32| {
        let labels = blobs(seed, 40);
        let bits = Bits::of(&labels, 1);
        let interval = Interval::of(&bits, &Correlation::of(&bits), [1.0; 3]).unwrap();
        usize::from(interval.low <= 0.5 && 0.5 <= interval.high)
    };
    let held: usize = (0..trials).map(|seed| holds(1000 + seed)).sum();
    assert!((53..=60).contains(&held), "{held} of {trials} intervals hold 0.5");
}

#[test]
fn values_become_phases() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l.tif");
    let mut writer = StackWriter::create(&path, [2, 1, 3], Dtype::U8, &StackMeta::default(), false).unwrap();
    writer.push_u8(&[7, 0, 7]).unwrap();
    writer.push_u8(&[2, 2, 0]).unwrap();
    writer.finish().unwrap();
    let volume = volume::open(&path).unwrap();
    let read = |classes: Option<&str>| {
        let map: Option<ClassMap> = classes.map(|c| c.parse().unwrap());
        Labels::read(volume.as_ref(), map.as_ref(), &Control::default())
    };
    let all = read(None).unwrap();
    assert_eq!(all.phases.iter().map(|p| p.value).collect::<Vec<_>>(), [0, 2, 7]);
    assert_eq!(all.voxels, [2, 0, 2, 1, 1, 0]);
    let named = read(Some("a=7,b=2")).unwrap();
    assert_eq!(named.voxels, [0, UNLABELLED, 0, 1, 1, UNLABELLED]);
    assert_eq!(measured(&named, [1.0; 3]).unlabelled, 2);
    assert!(read(Some("a=8,b=9")).is_err());
}

#[test]
fn transport_is_solved_where_it_is_asked_for() {
    let slab = labels([4, 4, 4], |[z, _, _]| (z / 2) as u8);
    let ask = |name: &str| {
        let request = Request { scale: Scale::new(None).unwrap(), transport: Some(vec![name.to_owned()]) };
        measure(&slab, &request, &Control::default(), &mut |_, _, _| ())
    };
    let asked = ask("p1").unwrap();
    assert_eq!(asked.phases[0].tortuosity, [None; 3]);
    assert!(asked.phases[1].tortuosity[2].is_some());
    assert!(ask("p2").unwrap_err().to_string().contains("p0, p1"));
}

#[test]
fn a_voxel_needs_positive_edges() {
    for edge in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Scale::new(Some(([1.0, edge, 1.0], "um".to_owned()))).is_err(), "{edge}");
    }
}

/// Components by flood filling, as a check.
fn flood(labels: &Labels) -> Vec<u64> {
    let [nz, ny, nx] = labels.shape;
    let mut seen = vec![false; labels.voxels.len()];
    let mut sizes = Vec::new();
    for start in 0..seen.len() {
        let mut queue = vec![start];
        let mut size = 0;
        while let Some(i) = queue.pop() {
            let phase = labels.voxels[i];
            if std::mem::replace(&mut seen[i], true) || phase == UNLABELLED {
                continue;
            }
            size += 1;
            let [z, y, x] = [i / (ny * nx), i / nx % ny, i % nx];
            let next =
                [(z > 0, i.wrapping_sub(ny * nx)), (z + 1 < nz, i + ny * nx), (y > 0, i.wrapping_sub(nx))]
                    .into_iter()
                    .chain([(y + 1 < ny, i + nx), (x > 0, i.wrapping_sub(1)), (x + 1 < nx, i + 1)]);
            queue.extend(next.filter(|(inside, n)| *inside && labels.voxels[*n] == phase).map(|(_, n)| n));
        }
        if size > 0 {
            sizes.push(size);
        }
    }
    sizes.sort_unstable();
    sizes
}

prop_compose! {
    fn any_labels(longest: usize)(shape in [1..6_usize, 1..6_usize, 1..longest])
        (voxels in prop::collection::vec(prop_oneof![0..3_u8, Just(UNLABELLED)], shape.iter().product::<usize>()),
         shape in Just(shape)) -> Labels {
        let [_, ny, nx] = shape;
        labels(shape, |[z, y, x]| voxels[(z * ny + y) * nx + x])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn components_are_those_of_flood_filling(labels in any_labels(140)) {
        let components = Components::of(&labels).unwrap();
        let mut sizes: Vec<u64> = components.list().iter().map(|c| c.voxels).collect();
        sizes.sort_unstable();
        prop_assert_eq!(sizes, flood(&labels));
    }

    #[test]
    fn correlation_counts_every_pair(labels in any_labels(140)) {
        let [_, ny, nx] = labels.shape;
        let bits = Bits::of(&labels, 0);
        let at = |i: usize| [i / (ny * nx), i / nx % ny, i % nx];
        for axis in 0..3 {
            for lag in 0..=labels.shape[axis] / 2 {
                let step = [ny * nx, nx, 1][axis] * lag;
                let pair = |i: &usize| at(*i)[axis] + lag < labels.shape[axis]
                    && labels.voxels[*i] == 0 && labels.voxels[i + step] == 0;
                let expected = (0..labels.voxels.len()).filter(pair).count() as u64;
                prop_assert_eq!(bits.pairs(axis, lag), expected);
            }
        }
    }

}

proptest! {
    // Each case solves diffusion along every axis of two volumes.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn turning_the_volume_turns_the_figures(labels in any_labels(9), by in 1..3_usize) {
        let turned = |a: usize| (a + by) % 3;
        let shape = [0, 1, 2].map(|a| labels.shape[turned(a)]);
        let [_, ny, nx] = labels.shape;
        let other = self::labels(shape, |at| {
            let mut from = [0; 3];
            (0..3).for_each(|a| from[turned(a)] = at[a]);
            labels.voxels[(from[0] * ny + from[1]) * nx + from[2]]
        });
        let voxel = [1.0, 2.0, 3.0];
        let (here, there) = (measured(&labels, voxel), measured(&other, [0, 1, 2].map(|a| voxel[turned(a)])));
        for (a, b) in here.phases.iter().zip(&there.phases) {
            prop_assert_eq!(a.fraction, b.fraction);
            prop_assert!(close(a.specific_surface.face_counting, b.specific_surface.face_counting, 1e-9));
            prop_assert!(close(a.specific_surface.marching_cubes, b.specific_surface.marching_cubes, 1e-9));
            prop_assert_eq!(&a.particles, &b.particles);
            for axis in 0..3 {
                prop_assert_eq!(a.correlation.axis(turned(axis)), b.correlation.axis(axis));
                prop_assert_eq!(a.connectivity.percolating[turned(axis)], b.connectivity.percolating[axis]);
                match (a.tortuosity[turned(axis)], b.tortuosity[axis]) {
                    (Some(a), Some(b)) => prop_assert!(close(a.factor, b.factor, 2e-3), "{:?} {:?}", a, b),
                    (a, b) => prop_assert_eq!(a.is_none(), b.is_none()),
                }
            }
        }
        let sum: f64 = here.phases.iter().map(|p| p.fraction).sum();
        prop_assert!(here.phases.is_empty() || close(sum, 1.0, 1e-12));
    }

    #[test]
    fn lengths_scale_with_the_voxel(labels in any_labels(9), scale in 0.01..100.0_f64) {
        let (one, other) = (measured(&labels, [1.0; 3]), measured(&labels, [scale; 3]));
        for (a, b) in one.phases.iter().zip(&other.phases) {
            prop_assert!(close(a.specific_surface.marching_cubes, scale * b.specific_surface.marching_cubes, 1e-9));
            prop_assert!(a.particles.mean.zip(b.particles.mean).is_none_or(|(a, b)| close(a * scale, b, 1e-9)));
            prop_assert!(a.tortuosity.iter().flatten().zip(b.tortuosity.iter().flatten())
                .all(|(a, b)| close(a.factor, b.factor, 1e-6)));
        }
    }
}
