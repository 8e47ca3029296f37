//! How far the concentrations are from balance, and what flows.
//!
//! Flows come from differences of doubles, so that nothing leaks where little flows.

use rayon::prelude::*;

use super::around::Around;
use super::{Field, PAD};

/// The flow through the whole volume.
pub(in super::super) struct Flow {
    /// Conductance between the faces by the heat that the flow makes, which no error of the concentrations can lower.
    pub(in super::super) conductance: f64,
    /// Largest difference of the flux through two layers, as a part of the conductance.
    pub(in super::super) spread: f64,
}

/// Heat of some voxels, and what each layer of them along the axis lacks.
struct Sums {
    heat: f64,
    layers: Vec<f64>,
}

impl Field {
    /// Finds what every voxel lacks, and how all of it flows.
    pub(in super::super) fn balance(&mut self) -> Flow {
        self.mirror();
        let mut sums = Sums { heat: 0.0, layers: vec![0.0; self.shape[self.axis]] };
        for parity in [0, 1] {
            // Added in order, so that the last digits do not depend on the threads.
            for slice in self.lacking(parity) {
                sums.heat += slice.heat;
                sums.layers.iter_mut().zip(slice.layers).for_each(|(sum, part)| *sum += part);
            }
        }
        // The flux through two layers differs by what those between them lack.
        let fluxes = sums.layers.iter().scan(0.0, |flux, lacking| {
            *flux += lacking;
            Some(*flux)
        });
        let (low, high) = fluxes.fold((0.0_f64, 0.0_f64), |(low, high), f| (low.min(f), high.max(f)));
        Flow { conductance: sums.heat, spread: (high - low) / sums.heat }
    }

    /// Half and place in it of the voxel at padded place `at`.
    fn place(&self, at: [usize; 3]) -> (usize, usize) {
        ((at[0] + at[1] + at[2]) & 1, (at[0] * self.padded[1] + at[1]) * self.padded[2] + at[2] / 2)
    }

    /// Sets what lies beyond the faces so that the concentration is -1/2 and 1/2 on them.
    fn mirror(&mut self) {
        let (axis, n) = (self.axis, self.shape[self.axis]);
        let [b, c] = [(axis + 1) % 3, (axis + 2) % 3];
        for (value, outer, inner) in
            [(-1.0, PAD[axis] - 1, PAD[axis]), (1.0, PAD[axis] + n, PAD[axis] + n - 1)]
        {
            for (i, j) in (0..self.shape[b]).flat_map(|i| (0..self.shape[c]).map(move |j| (i, j))) {
                let mut at = [0; 3];
                (at[axis], at[b], at[c]) = (outer, PAD[b] + i, PAD[c] + j);
                let (half, beyond) = self.place(at);
                at[axis] = inner;
                let (other, own) = self.place(at);
                self.values[half][beyond] = value - self.values[other][own];
            }
        }
    }

    /// What the voxels of one parity lack, with the sums over each slice.
    fn lacking(&mut self, parity: usize) -> Vec<Sums> {
        let (row, plane, padded, slices) = (self.padded[2], self.plane(), self.padded, self.shape[0]);
        let (axis, layers) = (self.axis, self.shape[self.axis]);
        let Self { values, gains, rest, bonds, .. } = self;
        let planes = rest[parity].par_chunks_mut(plane).enumerate().skip(PAD[0]).take(slices);
        let slice = |(z, rest): (usize, &mut [f32])| {
            let mut sums = Sums { heat: 0.0, layers: vec![0.0; layers] };
            let mut heat = vec![0.0; row];
            for y in PAD[1]..padded[1] - PAD[1] {
                let here = z * plane + y * row;
                let line = Line {
                    values: Around::of(&values[1 - parity], padded, [z, y], parity),
                    gains: Around::of(&gains[1 - parity], padded, [z, y], parity),
                    own: &values[parity][here..here + row],
                    open: &gains[parity][here..here + row],
                };
                let rest = &mut rest[y * row..][..row];
                line.balance(*bonds, rest, &mut heat);
                sums.heat += total(&heat);
                match axis {
                    0 => sums.layers[z - PAD[0]] += total(rest),
                    1 => sums.layers[y - PAD[1]] += total(rest),
                    _ => {
                        let first = (z + y + parity) & 1; // of the padded row; none of the padding lacks anything
                        let places = sums.layers.iter_mut().skip(first).step_by(2);
                        places.zip(&rest[PAD[2] / 2..]).for_each(|(sum, part)| *sum += f64::from(*part));
                    }
                }
            }
            sums
        };
        planes.map(slice).collect()
    }
}

/// Sum of some numbers, in eight lanes.
fn total(numbers: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 8];
    for chunk in numbers.chunks(lanes.len()) {
        lanes.iter_mut().zip(chunk).for_each(|(sum, number)| *sum += f64::from(*number));
    }
    lanes.iter().sum()
}

/// A row of one parity with what lies around it.
struct Line<'a> {
    values: Around<'a, f64>,
    gains: Around<'a, f32>,
    own: &'a [f64],
    open: &'a [f32],
}

impl Line<'_> {
    /// Sets what every voxel of the row lacks, and the heat of the flow into it.
    fn balance(&self, bonds: [f32; 3], rest: &mut [f32], heat: &mut [f32]) {
        let inner = 1..rest.len() - 1;
        let ([z0, z1, y0, y1, x0, x1], gains) =
            (self.values.six(inner.clone()), self.gains.six(inner.clone()));
        let [gz0, gz1, gy0, gy1, gx0, gx1] = gains;
        let (own, open) = (&self.own[inner.clone()], &self.open[inner.clone()]);
        let (rest, heat) = (&mut rest[inner.clone()], &mut heat[inner]);
        // Half of the heat of a bond belongs to each of its ends; at a face the mirrored difference is the double.
        let halves = bonds.map(|b| b / 2.0);
        for i in 0..own.len() {
            let drop = |value: f64, gain: f32| if gain == 0.0 { 0.0 } else { (value - own[i]) as f32 };
            let (z, y, x) = (
                [drop(z0[i], gz0[i]), drop(z1[i], gz1[i])],
                [drop(y0[i], gy0[i]), drop(y1[i], gy1[i])],
                [drop(x0[i], gx0[i]), drop(x1[i], gx1[i])],
            );
            let sum = bonds[0] * (z[0] + z[1]) + bonds[1] * (y[0] + y[1]) + bonds[2] * (x[0] + x[1]);
            let squares = |d: [f32; 2]| d[0] * d[0] + d[1] * d[1];
            let made = halves[0] * squares(z) + halves[1] * squares(y) + halves[2] * squares(x);
            (rest[i], heat[i]) = if open[i] > 0.0 { (sum, made) } else { (0.0, 0.0) };
        }
    }
}
