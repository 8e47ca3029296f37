//! Coarser grids that speed up the solution of diffusion: blocks of two voxels along each axis become one, and the bonds
//! between blocks are the sums of those that cross from one to the other.

use rayon::prelude::*;

/// Steps of smoothing before and after a correction from the next grid.
const SMOOTHINGS: usize = 2;
/// Rounds on the next grid for each round on this one.
const ROUNDS: usize = 2;
/// Steps on the coarsest grid.
const LAST: usize = 40;
/// Blocks below which a thread does not hand on work.
const WORTH: usize = 1 << 13;
/// Longest edge of the coarsest grid.
const COARSEST: usize = 4;

/// Bonds of a voxel: to the next along Z, Y and X, and to the faces.
pub(super) type Bonds = [f32; 4];

/// A grid of blocks: what is solved on it is how far the finer grid is off, block by block.
pub(super) struct Grid {
    shape: [usize; 3],
    bonds: Vec<Bonds>,
    /// One divided by the sum of all bonds of a block; 0 where it has none.
    inverse: Vec<f32>,
    /// What is left to balance.
    rest: Vec<f32>,
    /// Even and odd slices, so that a step reads one and writes the other.
    values: [Vec<f32>; 2],
    next: Option<Box<Grid>>,
}

/// Edges of a grid's next.
pub(super) fn halved(shape: [usize; 3]) -> [usize; 3] {
    shape.map(|n| n.div_ceil(2))
}

impl Grid {
    /// A grid with `bonds` and all coarser ones below it.
    pub(super) fn new(shape: [usize; 3], bonds: Vec<Bonds>) -> Self {
        let [slices, rows, columns] = shape;
        let plane = rows * columns;
        let mut sums: Vec<f32> = bonds.iter().map(|b| b.iter().sum()).collect();
        for (i, b) in bonds.iter().enumerate() {
            for (axis, step) in [plane, columns, 1].into_iter().enumerate() {
                if let Some(sum) = sums.get_mut(i + step).filter(|_| b[axis] > 0.0) {
                    *sum += b[axis];
                }
            }
        }
        let inverse = sums.iter().map(|s| if *s > 0.0 { 1.0 / s } else { 0.0 }).collect();
        let next = (shape.iter().any(|n| *n > COARSEST)).then(|| {
            let coarse = halved(shape);
            Box::new(Self::new(coarse, gathered(shape, &bonds)))
        });
        let values = [slices.div_ceil(2), slices / 2].map(|n| vec![0.0; n * plane]);
        Self { shape, rest: vec![0.0; bonds.len()], bonds, inverse, values, next }
    }

    fn plane(&self) -> usize {
        self.shape[1] * self.shape[2]
    }

    /// Slices that one thread takes at least.
    fn worth(&self) -> usize {
        WORTH.div_ceil(self.plane())
    }

    /// What is left to balance, slice by slice, to be filled in by the finer grid; all else begins anew.
    pub(super) fn begin(&mut self) -> impl IndexedParallelIterator<Item = &mut [f32]> {
        self.values.iter_mut().for_each(|v| v.fill(0.0));
        let (plane, worth) = (self.plane(), self.worth());
        self.rest.par_chunks_mut(plane).with_min_len(worth)
    }

    /// Improves the values, as often as is worth while.
    pub(super) fn solve(&mut self) {
        for _ in 0..if self.next.is_some() { ROUNDS } else { 1 } {
            self.round();
        }
    }

    fn round(&mut self) {
        let steps = if self.next.is_some() { SMOOTHINGS } else { LAST };
        (0..steps).for_each(|_| [0, 1].into_iter().for_each(|parity| self.smooth(parity)));
        let Some(mut next) = self.next.take() else { return };
        let [_, rows, columns] = self.shape;
        let coarse = halved(self.shape);
        next.begin().enumerate().for_each(|(z, rest)| {
            rest.fill(0.0);
            for z in (2 * z..2 * z + 2).filter(|z| *z < self.shape[0]) {
                for y in 0..rows {
                    let row = &mut rest[y / 2 * coarse[2]..][..coarse[2]];
                    (0..columns).for_each(|x| row[x / 2] += self.residual(z, y * columns + x));
                }
            }
        });
        next.solve();
        let (length, worth) = (next.length(), self.worth());
        for parity in [0, 1] {
            let halves = self.values[parity].par_chunks_mut(rows * columns).with_min_len(worth);
            halves.enumerate().for_each(|(half, values)| {
                let correction = next.slice(half); // slices 2 half and 2 half + 1 become slice half
                for (y, row) in values.chunks_mut(columns).enumerate() {
                    let found = &correction[y / 2 * coarse[2]..][..coarse[2]];
                    row.iter_mut().enumerate().for_each(|(x, value)| *value += length * found[x / 2]);
                }
            });
        }
        self.next = Some(next);
        (0..SMOOTHINGS).for_each(|_| [1, 0].into_iter().for_each(|parity| self.smooth(parity)));
    }

    /// How much of the values to take so that the finer grid gains most. That keeps it from ever getting worse.
    pub(super) fn length(&self) -> f32 {
        let plane = self.plane();
        let slices = (0..self.shape[0]).into_par_iter().with_min_len(self.worth()).map(|z| {
            let values = self.slice(z);
            let of = |i: usize| {
                let rest = f64::from(self.rest[z * plane + i]);
                let value = f64::from(values[i]);
                (value * rest, value * (rest - f64::from(self.residual(z, i))))
            };
            (0..plane).map(of).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1))
        });
        // Summed in order, so that the last digits do not depend on the threads.
        let sums: Vec<(f64, f64)> = slices.collect();
        let (gain, cost) = sums.into_iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
        if cost > 0.0 { (gain / cost) as f32 } else { 0.0 }
    }

    /// The values of slice `z`.
    pub(super) fn slice(&self, z: usize) -> &[f32] {
        &self.values[z % 2][z / 2 * self.plane()..][..self.plane()]
    }

    /// What flows in from the neighbours of block `i` of slice `z`.
    fn inflow(&self, z: usize, i: usize, own: &[f32]) -> f32 {
        let (plane, columns) = (self.plane(), self.shape[2]);
        let at = z * plane + i;
        let [down, along, right, _] = self.bonds[at];
        let mut sum = 0.0;
        if z + 1 < self.shape[0] {
            sum += down * self.slice(z + 1)[i];
        }
        if z > 0 {
            sum += self.bonds[at - plane][0] * self.slice(z - 1)[i];
        }
        if i + columns < plane {
            sum += along * own[i + columns];
        }
        if i >= columns {
            sum += self.bonds[at - columns][1] * own[i - columns];
        }
        if i + 1 < plane {
            sum += right * own[i + 1];
        }
        if i > 0 {
            sum += self.bonds[at - 1][2] * own[i - 1];
        }
        sum
    }

    /// What block `i` of slice `z` still lacks.
    fn residual(&self, z: usize, i: usize) -> f32 {
        let at = z * self.plane() + i;
        if self.inverse[at] == 0.0 {
            return 0.0;
        }
        let own = self.slice(z);
        self.rest[at] + self.inflow(z, i, own) - own[i] / self.inverse[at]
    }

    /// Balances every block of the slices of one parity, one after the other.
    fn smooth(&mut self, parity: usize) {
        let plane = self.plane();
        let mut values = std::mem::take(&mut self.values[parity]);
        values.par_chunks_mut(plane).with_min_len(self.worth()).enumerate().for_each(|(half, own)| {
            let z = 2 * half + parity;
            for i in 0..plane {
                let at = z * plane + i;
                own[i] = (self.rest[at] + self.inflow(z, i, own)) * self.inverse[at];
            }
        });
        self.values[parity] = values;
    }
}

/// The bonds of the next grid: those that cross from one block to another, and those to the faces.
fn gathered(shape: [usize; 3], bonds: &[Bonds]) -> Vec<Bonds> {
    let [slices, rows, columns] = shape;
    let coarse = halved(shape);
    let mut sums = vec![[0.0; 4]; coarse.iter().product()];
    sums.par_chunks_mut(coarse[1] * coarse[2]).enumerate().for_each(|(to, sums)| {
        for z in (2 * to..2 * to + 2).filter(|z| *z < slices) {
            for i in 0..rows * columns {
                let at = [z, i / columns, i % columns];
                let b = &bonds[z * rows * columns + i];
                let sum = &mut sums[at[1] / 2 * coarse[2] + at[2] / 2];
                (0..3).filter(|axis| at[*axis] % 2 == 1).for_each(|axis| sum[axis] += b[axis]);
                sum[3] += b[3];
            }
        }
    });
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A box of equal bonds between two faces, and a source in one corner.
    #[test]
    fn a_round_brings_the_rest_down_and_the_best_length_is_one_where_it_is_solved() {
        let shape = [24, 17, 20];
        let bond = |i: usize| {
            let [z, y, x] = [i / (17 * 20), i / 20 % 17, i % 20];
            let to = |more: bool| if more { 1.0 } else { 0.0 };
            [to(z < 23), to(y < 16), to(x < 19), 2.0 * to(z == 0 || z == 23)]
        };
        let count = shape.iter().product();
        let mut grid = Grid::new(shape, (0..count).map(bond).collect());
        grid.begin().for_each(|plane| plane.fill(0.0));
        grid.rest[5] = 1.0;
        let left = |grid: &Grid| -> f32 {
            let plane = 17 * 20;
            (0..count).map(|i| grid.residual(i / plane, i % plane).powi(2)).sum::<f32>().sqrt()
        };
        let mut before = left(&grid);
        for _ in 0..4 {
            grid.round();
            let after = left(&grid);
            assert!(after < 0.5 * before, "{after} after {before}");
            before = after;
        }
        assert!((grid.length() - 1.0).abs() < 1e-2, "{}", grid.length());
    }
}
