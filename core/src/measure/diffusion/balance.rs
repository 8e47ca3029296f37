//! What flows between the voxels, and what flows into one and not out again.
//!
//! Summed in double precision from differences, so that nothing leaks where little flows.

use rayon::prelude::*;

use super::around::Around;
use super::{Field, PAD};

/// The flow through the whole volume.
pub(in super::super) struct Flow {
    /// Conductance between the faces by the heat that the flow makes, which no error of the concentrations can lower.
    pub(in super::super) conductance: f64,
    /// Largest difference of the flux through two layers, as a part of their mean.
    pub(in super::super) spread: f64,
}

/// Heat, and flux through each layer between two voxels along the axis and at the faces.
struct Sums {
    heat: f64,
    flux: Vec<f64>,
}

impl Field {
    /// Finds what every voxel lacks, and how all of it flows.
    pub(in super::super) fn balance(&mut self) -> Flow {
        let mut sums = Sums { heat: 0.0, flux: vec![0.0; self.shape[self.axis] + 1] };
        for parity in [0, 1] {
            // Added in order, so that the last digits do not depend on the threads.
            for slice in self.lacking(parity) {
                sums.heat += slice.heat;
                sums.flux.iter_mut().zip(slice.flux).for_each(|(sum, part)| *sum += part);
            }
        }
        let mean = sums.flux.iter().sum::<f64>() / sums.flux.len() as f64;
        let ends = sums.flux.iter().fold((f64::INFINITY, 0.0_f64), |(l, h), f| (l.min(*f), h.max(*f)));
        Flow { conductance: sums.heat, spread: (ends.1 - ends.0) / mean }
    }

    /// What the voxels of one parity lack, with the sums over each slice.
    fn lacking(&mut self, parity: usize) -> Vec<Sums> {
        let (row, plane, padded, slices) = (self.padded[2], self.plane(), self.padded, self.shape[0]);
        let (axis, layers) = (self.axis, self.shape[self.axis]);
        let Self { values, gains, rest, bonds, .. } = self;
        let bonds = bonds.map(f64::from);
        let planes = rest[parity].par_chunks_mut(plane).enumerate().skip(PAD[0]).take(slices);
        let slice = |(z, rest): (usize, &mut [f32])| {
            let mut sums = Sums { heat: 0.0, flux: vec![0.0; layers + 1] };
            let mut flows = vec![[0.0; 2]; row];
            for y in PAD[1]..padded[1] - PAD[1] {
                let here = z * plane + y * row;
                let line = Line {
                    values: Around::of(&values[1 - parity], padded, [z, y], parity),
                    gains: Around::of(&gains[1 - parity], padded, [z, y], parity),
                    own: &values[parity][here..here + row],
                    open: &gains[parity][here..here + row],
                };
                sums.heat += line.balance(bonds, axis, &mut rest[y * row..][..row], &mut flows);
                let first = (z + y + parity) & 1; // place of the row's first voxel along X
                for (i, [before, behind]) in flows.iter().enumerate().take(row - 1).skip(1) {
                    let layer = [z, y, 2 * i + first][axis].wrapping_sub(PAD[axis]);
                    if layer < layers {
                        sums.flux[layer] -= before;
                        sums.flux[layers] += if layer + 1 == layers { *behind } else { 0.0 };
                    }
                }
            }
            sums
        };
        planes.map(slice).collect()
    }
}

/// A row of one parity with what lies around it.
struct Line<'a> {
    values: Around<'a, f64>,
    gains: Around<'a, f32>,
    own: &'a [f64],
    open: &'a [f32],
}

impl Line<'_> {
    /// Sets what every voxel of the row lacks and what flows into it from before and behind along `axis`; gives their
    /// part of the heat.
    fn balance(&self, bonds: [f64; 3], axis: usize, rest: &mut [f32], flows: &mut [[f64; 2]]) -> f64 {
        let inner = 1..rest.len() - 1;
        let (values, gains) = (self.values.six(inner.clone()), self.gains.six(inner.clone()));
        let (own, open) = (&self.own[inner.clone()], &self.open[inner.clone()]);
        let (rest, flows) = (&mut rest[inner.clone()], &mut flows[inner]);
        let mut heat = 0.0;
        for i in 0..own.len() {
            let inflow = |k: usize| {
                // One bond to a voxel of the path, two to a face, whose value is stored doubled for that.
                let ways = u8::from(gains[k][i] > 0.0) + 2 * u8::from(gains[k][i] < 0.0);
                let flow = bonds[k / 2] * (values[k][i] - f64::from(ways) * own[i]);
                if open[i] > 0.0 { flow } else { 0.0 }
            };
            let all: [f64; 6] = std::array::from_fn(inflow);
            rest[i] = all.iter().sum::<f64>() as f32;
            flows[i] = [all[2 * axis], all[2 * axis + 1]];
            // Half of what a bond makes is counted at each of its ends, all of it at a face.
            heat +=
                (0..3).map(|a| (all[2 * a].powi(2) + all[2 * a + 1].powi(2)) / (2.0 * bonds[a])).sum::<f64>();
        }
        heat
    }
}
