//! Surface of a phase against all others, per volume, by two named methods.

use rayon::prelude::*;
use serde::Serialize;

use super::bits::Bits;
use super::cubes;

/// Surface area divided by the volume's, by two methods. The volume's own faces are no surface.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Surface {
    /// Voxel faces between the phase and others. Of a smooth isotropic surface it sees 1.5 times the
    /// area, however fine the voxels.
    pub face_counting: f64,
    /// Area of the marching-cubes surface (Lorensen and Cline), without smoothing.
    pub marching_cubes: f64,
}

impl Surface {
    /// The surface of the phase in `bits`, for voxels of size `voxel`; in 1 / its unit.
    pub(super) fn of(bits: &Bits, voxel: [f64; 3]) -> Self {
        let total: f64 = bits.shape().iter().zip(voxel).map(|(n, d)| *n as f64 * d).product();
        let set = bits.count();
        let faces = |axis: usize| {
            // Each of the N - 1 layers of pairs along an axis holds as many faces as pairs that differ.
            let [first, last] = outer_layers(bits, axis);
            (2 * set - first - last - 2 * bits.pairs(axis, 1)) as f64
        };
        let across = |axis: usize| voxel[(axis + 1) % 3] * voxel[(axis + 2) % 3];
        let areas = cubes::areas(voxel);
        let cells = cases(bits);
        Self {
            face_counting: (0..3).map(|a| faces(a) * across(a)).sum::<f64>() / total,
            marching_cubes: areas.iter().zip(cells).map(|(a, n)| a * n as f64).sum::<f64>() / total,
        }
    }
}

/// Set voxels in the first and last layer along an axis.
fn outer_layers(bits: &Bits, axis: usize) -> [u64; 2] {
    let shape = bits.shape();
    let (u, v) = ((axis + 1) % 3, (axis + 2) % 3);
    [0, shape[axis] - 1].map(|layer| {
        let set = |i: usize| {
            let mut at = [0; 3];
            (at[axis], at[u], at[v]) = (layer, i / shape[v], i % shape[v]);
            bits.get(at[0], at[1], at[2])
        };
        (0..shape[u] * shape[v]).filter(|i| set(*i)).count() as u64
    })
}

/// How often each of the 256 cases of [`cubes`] occurs.
fn cases(bits: &Bits) -> Vec<u64> {
    let [slices, rows, columns] = bits.shape();
    let layer = |z: usize| {
        let mut counts = vec![0_u64; 256];
        for y in 1..rows {
            let around = [bits.row(z, y - 1), bits.row(z, y), bits.row(z + 1, y - 1), bits.row(z + 1, y)];
            count_row(around, columns, &mut counts);
        }
        counts
    };
    let add = |mut a: Vec<u64>, b: Vec<u64>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    };
    (0..slices - 1).into_par_iter().map(layer).reduce(|| vec![0; 256], add)
}

/// Counts the cells between four rows.
fn count_row(rows: [&[u64]; 4], columns: usize, counts: &mut [u64]) {
    let bits = |x: usize| {
        let bit = |row: &[u64]| (row[x / 64] >> (x % 64)) as usize & 1;
        bit(rows[0]) | bit(rows[1]) << 2 | bit(rows[2]) << 4 | bit(rows[3]) << 6
    };
    let mut before = bits(0);
    for x in 1..columns {
        let here = bits(x);
        counts[before | here << 1] += 1;
        before = here;
    }
}
