//! Volume fractions by slice, row and column.

use rayon::prelude::*;
use serde::Serialize;

use super::Labels;

/// Fraction of a phase in every plane perpendicular to an axis, among that plane's labelled voxels.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Profiles {
    /// Over the slices.
    pub z: Vec<f64>,
    /// Over the rows.
    pub y: Vec<f64>,
    /// Over the columns.
    pub x: Vec<f64>,
}

/// Counts of every phase in the planes of each axis: `counts[axis][plane][phase]`.
type Counts = [Vec<Vec<u64>>; 3];

/// The profiles of every phase.
pub fn profiles(labels: &Labels) -> Vec<Profiles> {
    let counts = counts(labels);
    let fractions = |axis: usize, phase: usize| {
        let fraction = |plane: &Vec<u64>| plane[phase] as f64 / plane.iter().sum::<u64>().max(1) as f64;
        counts[axis].iter().map(fraction).collect()
    };
    let one = |p| Profiles { z: fractions(0, p), y: fractions(1, p), x: fractions(2, p) };
    (0..labels.phases.len()).map(one).collect()
}

fn counts(labels: &Labels) -> Counts {
    let zero = || labels.shape.map(|n| vec![vec![0; labels.phases.len()]; n]);
    let add = |mut a: Counts, b: Counts| {
        let both = a.iter_mut().flatten().flatten().zip(b.into_iter().flatten().flatten());
        both.for_each(|(a, b)| *a += b);
        a
    };
    let slices = labels.voxels.par_chunks(labels.plane()).enumerate();
    slices.fold(zero, |counts, slice| count_slice(labels, counts, slice)).reduce(zero, add)
}

fn count_slice(labels: &Labels, mut counts: Counts, (z, slice): (usize, &[u8])) -> Counts {
    let [slices, rows, columns] = &mut counts;
    for (y, row) in slice.chunks(labels.shape[2]).enumerate() {
        for (voxel, column) in row.iter().zip(columns.iter_mut()) {
            if let Some(count) = column.get_mut(usize::from(*voxel)) {
                *count += 1;
                slices[z][usize::from(*voxel)] += 1;
                rows[y][usize::from(*voxel)] += 1;
            }
        }
    }
    counts
}
