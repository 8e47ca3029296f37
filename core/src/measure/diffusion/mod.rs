//! Steady diffusion on a grid of voxels, by red-black relaxation and corrections from coarser grids.

mod around;
mod balance;
mod coarse;

use rayon::prelude::*;

use self::around::Around;
use self::coarse::{Bonds, Grid, halved};
use super::bits::Bits;

/// Voxels around the volume: two along X, so that colours stay in step.
const PAD: [usize; 3] = [1, 1, 2];
/// Gain beyond the faces, half a voxel away, on which the concentration is given.
const FACE: f32 = -1.0;
/// Sweeps before and after a correction from the coarser grids.
const SWEEPS: usize = 2;

/// Concentrations, padded and split by the parity of z + y + x, so that a sweep
/// reads one half and writes the other. Voxel x of a row lies at x / 2 of its half's row.
pub(super) struct Field {
    axis: usize,
    /// Slices and rows, padded; places of a row in each half.
    padded: [usize; 3],
    shape: [usize; 3],
    /// Conductance between the centres of two voxels along each axis.
    bonds: [f32; 3],
    /// Length along the axis, in units in which the largest bond is 1.
    pub(super) length: f64,
    /// The cross-section.
    pub(super) area: f64,
    /// In double precision, as little may flow where much is stored.
    values: [Vec<f64>; 2],
    /// One divided by the sum of a voxel's bonds; 0 outside the path, [`FACE`] beyond the faces.
    gains: [Vec<f32>; 2],
    /// What flows into a voxel and not out again.
    rest: [Vec<f32>; 2],
    /// What the grids add to the values.
    steps: [Vec<f32>; 2],
    coarse: Grid,
}

impl Field {
    /// The path between its faces along `axis`, with a linear course to begin with.
    pub(super) fn new(path: &Bits, axis: usize, voxel: [f64; 3]) -> Self {
        let shape = path.shape();
        let padded = [shape[0] + 2, shape[1] + 2, (shape[2] + 2 * PAD[2]).div_ceil(2)];
        let face = |a: usize| voxel[(a + 1) % 3] * voxel[(a + 2) % 3];
        let bond = |a: usize| face(a) / voxel[a];
        let largest = (0..3).map(bond).fold(0.0, f64::max);
        let size = padded.iter().product();
        let mut field = Self {
            axis,
            padded,
            shape,
            bonds: [0, 1, 2].map(|a| (bond(a) / largest) as f32),
            length: shape[axis] as f64 * voxel[axis] * largest,
            area: shape[(axis + 1) % 3] as f64 * shape[(axis + 2) % 3] as f64 * face(axis),
            values: [vec![0.0; size], vec![0.0; size]],
            gains: [vec![0.0; size], vec![0.0; size]],
            rest: [vec![0.0; size], vec![0.0; size]],
            steps: [vec![0.0; size], vec![0.0; size]],
            coarse: Grid::new([1; 3], vec![[0.0; 4]]),
        };
        field.fill(path);
        field.coarse = Grid::new(halved(shape), field.blocks(path));
        field
    }

    /// Values of one slice of a half.
    fn plane(&self) -> usize {
        self.padded[1] * self.padded[2]
    }

    /// Sets the two faces, a linear course between them, and the gains.
    fn fill(&mut self, path: &Bits) {
        let (row, plane) = (self.padded[2], self.plane());
        let [mut v0, mut v1] = std::mem::take(&mut self.values);
        let [mut g0, mut g1] = std::mem::take(&mut self.gains);
        for (parity, (values, gains)) in [(&mut v0, &mut g0), (&mut v1, &mut g1)].into_iter().enumerate() {
            let planes = values.par_chunks_mut(plane).zip(gains.par_chunks_mut(plane)).enumerate();
            planes.for_each(|(z, (values, gains))| {
                let rows = values.chunks_mut(row).zip(gains.chunks_mut(row)).enumerate();
                for (y, (values, gains)) in rows {
                    for (i, (value, gain)) in values.iter_mut().zip(gains).enumerate() {
                        (*value, *gain) = self.start(path, [z, y, 2 * i + ((z + y + parity) & 1)]);
                    }
                }
            });
        }
        (self.values, self.gains) = ([v0, v1], [g0, g1]);
    }

    /// First value and gain of the voxel at padded place `at`.
    fn start(&self, path: &Bits, at: [usize; 3]) -> (f64, f32) {
        let n = self.shape[self.axis];
        let inside = |at: [usize; 3]| (0..3).all(|a| (PAD[a]..PAD[a] + self.shape[a]).contains(&at[a]));
        let across = (0..3).all(|a| a == self.axis || (PAD[a]..PAD[a] + self.shape[a]).contains(&at[a]));
        if !inside(at) {
            let beyond = [PAD[self.axis] - 1, PAD[self.axis] + n].contains(&at[self.axis]);
            return (0.0, if across && beyond { FACE } else { 0.0 });
        }
        let set = |at: [usize; 3]| path.get(at[0] - PAD[0], at[1] - PAD[1], at[2] - PAD[2]);
        if !set(at) {
            return (0.0, 0.0);
        }
        let mut sum = 0.0;
        for (a, forward) in (0..3).flat_map(|a| [(a, false), (a, true)]) {
            let mut next = at;
            next[a] = if forward { at[a] + 1 } else { at[a] - 1 };
            sum += match inside(next) {
                true if set(next) => self.bonds[a],
                false if a == self.axis => 2.0 * self.bonds[a],
                _ => 0.0,
            };
        }
        let course = (at[self.axis] - PAD[self.axis]) as f64 + 0.5;
        (course / n as f64 - 0.5, 1.0 / sum)
    }

    /// The bonds between blocks of two voxels along each axis, and from them to the faces.
    fn blocks(&self, path: &Bits) -> Vec<Bonds> {
        let (shape, coarse) = (self.shape, halved(self.shape));
        let mut sums = vec![[0.0; 4]; coarse.iter().product()];
        sums.par_chunks_mut(coarse[1] * coarse[2]).enumerate().for_each(|(to, sums)| {
            for z in (2 * to..2 * to + 2).filter(|z| *z < shape[0]) {
                for (y, x) in (0..shape[1]).flat_map(|y| (0..shape[2]).map(move |x| (y, x))) {
                    let at = [z, y, x];
                    if !path.get(z, y, x) {
                        continue;
                    }
                    let sum = &mut sums[y / 2 * coarse[2] + x / 2];
                    for axis in (0..3).filter(|a| at[*a] % 2 == 1 && at[*a] + 1 < shape[*a]) {
                        let mut next = at;
                        next[axis] += 1;
                        sum[axis] += if path.get(next[0], next[1], next[2]) { self.bonds[axis] } else { 0.0 };
                    }
                    let ends =
                        usize::from(at[self.axis] == 0) + usize::from(at[self.axis] + 1 == shape[self.axis]);
                    sum[3] += 2.0 * ends as f32 * self.bonds[self.axis];
                }
            }
        });
        sums
    }

    /// One round over all grids towards the balance of what [`Self::balance`] found: sweeps, a correction from the coarser
    /// grids, sweeps. The grids work on the step alone, which is small, in single precision.
    pub(super) fn round(&mut self) {
        self.steps.iter_mut().for_each(|half| half.fill(0.0));
        (0..SWEEPS).for_each(|_| [0, 1].into_iter().for_each(|parity| self.sweep(parity)));
        self.restrict();
        self.coarse.solve();
        self.correct();
        (0..SWEEPS).for_each(|_| [0, 1].into_iter().for_each(|parity| self.sweep(parity)));
        for (values, steps) in self.values.iter_mut().zip(&self.steps) {
            values.par_iter_mut().zip(steps).for_each(|(value, step)| *value += f64::from(*step));
        }
    }

    /// Hands on what the voxels of the first parity lack; those of the other have just been balanced.
    fn restrict(&mut self) {
        let Self { coarse, steps, gains, rest: lacking, bonds, padded, shape, .. } = self;
        let columns = halved(*shape)[2];
        coarse.begin().enumerate().for_each(|(to, rest)| {
            rest.fill(0.0);
            for z in (2 * to..2 * to + 2).filter(|z| *z < shape[0]) {
                for y in 0..shape[1] {
                    let around = Around::of(&steps[1], *padded, [z + PAD[0], y + PAD[1]], 0);
                    let here = ((z + PAD[0]) * padded[1] + y + PAD[1]) * padded[2];
                    let (own, gains) = (&steps[0][here..][..padded[2]], &gains[0][here..][..padded[2]]);
                    let left = &lacking[0][here..][..padded[2]];
                    let row = &mut rest[y / 2 * columns..][..columns];
                    for (i, rest) in (1..).zip(row) {
                        if gains[i] > 0.0 {
                            *rest += left[i] + around.sum(i, *bonds) - own[i] / gains[i];
                        }
                    }
                }
            }
        });
    }

    /// Adds what the coarser grids found.
    fn correct(&mut self) {
        let Self { coarse, steps, gains, padded, shape, .. } = self;
        let (columns, length) = (halved(*shape)[2], coarse.length());
        for (steps, gains) in steps.iter_mut().zip(gains) {
            let planes =
                steps.par_chunks_mut(padded[1] * padded[2]).zip(gains.par_chunks(padded[1] * padded[2]));
            planes.enumerate().skip(PAD[0]).take(shape[0]).for_each(|(z, (steps, gains))| {
                let found = coarse.slice((z - PAD[0]) / 2);
                for y in 0..shape[1] {
                    let here = (y + PAD[1]) * padded[2] + 1;
                    let found = &found[y / 2 * columns..][..columns];
                    let places = steps[here..].iter_mut().zip(&gains[here..]).zip(found);
                    places.for_each(|((step, gain), found)| {
                        *step += if *gain > 0.0 { length * found } else { 0.0 };
                    });
                }
            });
        }
    }

    /// Balances the voxels of one parity.
    fn sweep(&mut self, parity: usize) {
        let (row, plane, padded) = (self.padded[2], self.plane(), self.padded);
        let [even, odd] = &mut self.steps;
        let (own, other) = if parity == 0 { (even, &*odd) } else { (odd, &*even) };
        let (gains, rest, bonds) = (&self.gains[parity], &self.rest[parity], self.bonds);
        let inner = 1..self.padded[1] - 1;
        own.par_chunks_mut(plane).enumerate().skip(1).take(self.shape[0]).for_each(|(z, own)| {
            for y in inner.clone() {
                let here = z * plane + y * row;
                let around = Around::of(other, padded, [z, y], parity);
                let [gains, rest] = [gains, rest].map(|half| &half[here..here + row]);
                around.relax(&mut own[y * row..(y + 1) * row], gains, rest, bonds);
            }
        });
    }
}
