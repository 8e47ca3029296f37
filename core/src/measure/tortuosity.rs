//! Tortuosity factor: steady diffusion through a phase between two faces of the volume.
//!
//! TauFactor's definition (Cooper et al., SoftwareX 2016): tau = fraction * D0 / Deff. Fixed
//! concentrations on two opposite faces, no flux through the other four and into other phases; a voxel is
//! a node in its centre, half a voxel away from the faces. Solved by red-black successive over-relaxation.

use std::ops::Range;

use rayon::prelude::*;
use serde::Serialize;

use super::bits::Bits;
use crate::error::Result;
use crate::event::Control;

/// Sweeps between two looks at the flux.
const SWEEPS: usize = 50;
/// Largest difference of the flux through two layers, as a part of their mean.
const FLUX_SPREAD: f64 = 5e-3;
/// Largest change of the conductance between two looks.
const CHANGE: f64 = 1e-4;
/// Sweeps for every layer before it is given up.
const MOST_SWEEPS: usize = 60;
/// Voxels around the volume at which no value changes: two along X, so that colours stay in step.
const PAD: [usize; 3] = [1, 1, 2];

/// Bytes a voxel that a solution takes.
pub(super) const BYTES_PER_VOXEL: u64 = 8;

/// Diffusion through a phase along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tortuosity {
    /// Tortuosity factor.
    pub factor: f64,
    /// Effective diffusivity as a part of the phase's own.
    pub effective_diffusivity: f64,
    /// Largest difference of the flux through two layers, as a part of their mean.
    pub flux_spread: f64,
    /// Sweeps over the volume.
    pub iterations: usize,
    /// False where the sweeps ran out; the factor is then an approximation.
    pub converged: bool,
}

/// Solves diffusion through `path`, the voxels of the phase that lead through along `axis` (0: Z,
/// 1: Y, 2: X). `fraction` is the whole phase's. None where nothing leads through.
///
/// # Errors
/// [`crate::Error::Cancelled`] on request.
pub(super) fn solve(
    path: &Bits,
    axis: usize,
    fraction: f64,
    voxel: [f64; 3],
    control: &Control,
) -> Result<Option<Tortuosity>> {
    if path.count() == 0 {
        return Ok(None);
    }
    let mut field = Field::new(path, axis, voxel);
    let layers = path.shape()[axis];
    let (mut last, mut iterations) = (f64::INFINITY, 0);
    loop {
        control.check()?;
        for _ in 0..SWEEPS {
            field.sweep(0);
            field.sweep(1);
        }
        iterations += SWEEPS;
        let (conductance, flux_spread) = field.conductance();
        let settled = (conductance / last - 1.0).abs() <= CHANGE && flux_spread <= FLUX_SPREAD;
        last = conductance;
        if settled || iterations >= MOST_SWEEPS * layers.max(SWEEPS) {
            let effective_diffusivity = conductance * field.length / field.area;
            return Ok(Some(Tortuosity {
                factor: fraction / effective_diffusivity,
                effective_diffusivity,
                flux_spread,
                iterations,
                converged: settled,
            }));
        }
    }
}

/// Concentrations, padded by constant voxels and split by the parity of z + y + x, so that a sweep
/// reads one half and writes the other. Voxel x of a row lies at x / 2 of its half's row.
struct Field {
    axis: usize,
    /// Slices and rows, padded; values of a row in each half.
    padded: [usize; 3],
    shape: [usize; 3],
    /// Conductance between the centres of two voxels along each axis.
    bonds: [f32; 3],
    /// Length along the axis.
    length: f64,
    /// The cross-section.
    area: f64,
    relaxation: f32,
    values: [Vec<f32>; 2],
    /// Relaxation divided by the sum of a voxel's bonds; 0 outside the path.
    gains: [Vec<f32>; 2],
}

impl Field {
    fn new(path: &Bits, axis: usize, voxel: [f64; 3]) -> Self {
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
            // In units in which the largest bond is 1.
            length: shape[axis] as f64 * voxel[axis] * largest,
            area: shape[(axis + 1) % 3] as f64 * shape[(axis + 2) % 3] as f64 * face(axis),
            relaxation: (2.0 - std::f64::consts::PI / (1.5 * shape[axis] as f64)).clamp(1.0, 1.999) as f32,
            values: [vec![0.0; size], vec![0.0; size]],
            gains: [vec![0.0; size], vec![0.0; size]],
        };
        field.fill(path);
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
    fn start(&self, path: &Bits, at: [usize; 3]) -> (f32, f32) {
        let n = self.shape[self.axis];
        let inside = |at: [usize; 3]| (0..3).all(|a| (PAD[a]..PAD[a] + self.shape[a]).contains(&at[a]));
        let across = (0..3).all(|a| a == self.axis || (PAD[a]..PAD[a] + self.shape[a]).contains(&at[a]));
        if !inside(at) {
            // The faces lie half a voxel away at -1/2 and 1/2: like a whole voxel at twice the value.
            return match at[self.axis] {
                p if across && p + 1 == PAD[self.axis] => (-1.0, 0.0),
                p if across && p == PAD[self.axis] + n => (1.0, 0.0),
                _ => (0.0, 0.0),
            };
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
        let course = (at[self.axis] - PAD[self.axis]) as f32 + 0.5;
        (course / n as f32 - 0.5, self.relaxation / sum)
    }

    /// One step of over-relaxation of the voxels of one parity.
    fn sweep(&mut self, parity: usize) {
        let (row, plane) = (self.padded[2], self.plane());
        let [even, odd] = &mut self.values;
        let (own, other) = if parity == 0 { (even, &*odd) } else { (odd, &*even) };
        let (gains, bonds, relaxation) = (&self.gains[parity], self.bonds, self.relaxation);
        let inner = 1..self.padded[1] - 1;
        own.par_chunks_mut(plane).enumerate().skip(1).take(self.shape[0]).for_each(|(z, own)| {
            for y in inner.clone() {
                let here = z * plane + y * row;
                let line = |start: usize| &other[start..start + row];
                let around = Around {
                    z: [line(here - plane), line(here + plane)],
                    y: [line(here - row), line(here + row)],
                    x: line(here),
                    shift: (z + y + parity) & 1,
                };
                relax(&mut own[y * row..(y + 1) * row], &around, &gains[here..here + row], bonds, relaxation);
            }
        });
    }

    /// Conductance between the faces by the heat that the flow makes, which no error of the
    /// concentrations can lower, and the spread of the flux over the layers.
    fn conductance(&self) -> (f64, f64) {
        let zero = || (0.0, vec![0.0; self.shape[self.axis] + 1]);
        let add = |mut a: (f64, Vec<f64>), b: (f64, Vec<f64>)| {
            a.0 += b.0;
            a.1.iter_mut().zip(b.1).for_each(|(a, b)| *a += b);
            a
        };
        let planes = (0..=self.shape[0]).into_par_iter();
        let (heat, flux) = planes.map(|z| self.slice_flux(z + PAD[0] - 1)).reduce(zero, add);
        let mean = flux.iter().sum::<f64>() / flux.len() as f64;
        let (low, high) = flux.iter().fold((f64::INFINITY, 0.0_f64), |(l, h), f| (l.min(*f), h.max(*f)));
        (heat, (high - low) / mean)
    }

    /// Heat and flux by layer of the bonds from each voxel of slice `z` to its next along each axis.
    fn slice_flux(&self, z: usize) -> (f64, Vec<f64>) {
        let (mut heat, mut flux) = (0.0, vec![0.0; self.shape[self.axis] + 1]);
        let columns: Range<usize> = PAD[2] - 1..PAD[2] + self.shape[2];
        for y in PAD[1] - 1..PAD[1] + self.shape[1] {
            for x in columns.clone() {
                let at = [z, y, x];
                for axis in 0..3 {
                    let mut next = at;
                    next[axis] += 1;
                    let Some((bond, drop)) = self.bond(at, next, axis) else { continue };
                    heat += bond * drop * drop;
                    if axis == self.axis {
                        flux[at[axis] + 1 - PAD[axis]] += bond * drop;
                    }
                }
            }
        }
        (heat, flux)
    }

    /// Conductance and difference between two neighbours; None where nothing flows.
    fn bond(&self, a: [usize; 3], b: [usize; 3], axis: usize) -> Option<(f64, f64)> {
        let [(va, ga), (vb, gb)] = [a, b].map(|at| {
            let place = (at[0] * self.padded[1] + at[1]) * self.padded[2] + at[2] / 2;
            let parity = (at[0] + at[1] + at[2]) & 1;
            (f64::from(self.values[parity][place]), self.gains[parity][place])
        });
        let bond = f64::from(self.bonds[axis]);
        match (ga > 0.0, gb > 0.0) {
            (true, true) => Some((bond, vb - va)),
            (true, false) if axis == self.axis && vb.abs() == 1.0 => Some((2.0 * bond, vb / 2.0 - va)),
            (false, true) if axis == self.axis && va.abs() == 1.0 => Some((2.0 * bond, vb - va / 2.0)),
            _ => None,
        }
    }
}

/// The rows of the other parity around a row.
struct Around<'a> {
    z: [&'a [f32]; 2],
    y: [&'a [f32]; 2],
    x: &'a [f32],
    /// 0 where voxel i of the row lies before voxel i of the other parity, else 1.
    shift: usize,
}

/// Relaxes a row; its outermost values belong to the padding or have no gain.
fn relax(own: &mut [f32], around: &Around<'_>, gains: &[f32], bonds: [f32; 3], relaxation: f32) {
    let inner = 1..own.len() - 1;
    let (z0, z1) = (&around.z[0][inner.clone()], &around.z[1][inner.clone()]);
    let (y0, y1) = (&around.y[0][inner.clone()], &around.y[1][inner.clone()]);
    let x0 = &around.x[around.shift..][..inner.len()];
    let x1 = &around.x[around.shift + 1..][..inner.len()];
    let (own, gains) = (&mut own[inner.clone()], &gains[inner]);
    for i in 0..own.len() {
        let sum = bonds[0] * (z0[i] + z1[i]) + bonds[1] * (y0[i] + y1[i]) + bonds[2] * (x0[i] + x1[i]);
        let keep = if gains[i] > 0.0 { relaxation } else { 0.0 };
        own[i] += gains[i] * sum - keep * own[i];
    }
}
