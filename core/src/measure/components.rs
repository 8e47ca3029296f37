//! Connected parts of every phase (voxels that share a face), as runs along X joined by union and find.

use rayon::prelude::*;
use serde::Serialize;

use super::Labels;
use super::bits::Bits;
use crate::error::{Error, Result};
use crate::metrics::UNLABELLED;

/// Voxels of one phase next to each other in a row.
#[derive(Clone, Copy, Debug)]
struct Run {
    from: u32,
    to: u32,
    phase: u8,
}

/// The runs of a volume.
struct Runs {
    runs: Vec<Run>,
    /// First run of every row (slice by slice), and the number of all runs.
    rows: Vec<usize>,
}

/// One connected part of a phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Component {
    /// Its phase.
    pub phase: u8,
    /// Its voxels.
    pub voxels: u64,
    /// Whether it touches the first and the last layer along Z, Y, X.
    pub touches: [[bool; 2]; 3],
}

impl Component {
    /// Whether it touches the volume's outside anywhere, so that its size is not known.
    pub fn touches_boundary(&self) -> bool {
        self.touches.iter().flatten().any(|t| *t)
    }

    /// Whether it leads through the volume along an axis (0: Z, 1: Y, 2: X).
    pub fn percolates(&self, axis: usize) -> bool {
        self.touches[axis] == [true, true]
    }
}

/// All connected parts.
pub struct Components {
    runs: Runs,
    /// Component of every run.
    of_run: Vec<u32>,
    list: Vec<Component>,
    rows: usize,
}

/// Figures of a phase's connected parts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Connectivity {
    /// Number of connected parts (voxels connected across faces).
    pub components: u64,
    /// Part of the phase that its largest component holds.
    pub largest: f64,
    /// Part of the phase in components that lead through the volume along Z, Y, X.
    pub percolating: [f64; 3],
}

impl Components {
    /// Finds the components of every phase.
    ///
    /// # Errors
    /// Where there are more runs than can be numbered.
    pub fn of(labels: &Labels) -> Result<Self> {
        let runs = Runs::of(labels);
        if u32::try_from(runs.runs.len()).is_err() {
            return Err(Error::invalid(
                "the volume is too ragged to find its connected parts; crop it, or bin it first",
            ));
        }
        let mut parents: Vec<u32> = (0..runs.runs.len() as u32).collect();
        let rows = labels.shape[1];
        for row in 1..labels.shape[0] * rows {
            if row % rows != 0 {
                runs.join(row - 1, row, &mut parents);
            }
            if row >= rows {
                runs.join(row - rows, row, &mut parents);
            }
        }
        let (of_run, count) = number(&mut parents);
        let list = list(&runs, &of_run, count, labels.shape);
        Ok(Self { runs, of_run, list, rows })
    }

    /// The components of all phases.
    pub fn list(&self) -> &[Component] {
        &self.list
    }

    /// Figures of a phase of `voxels` voxels.
    pub fn connectivity(&self, phase: u8) -> Connectivity {
        let mine = || self.list.iter().filter(|c| c.phase == phase);
        let total = mine().map(|c| c.voxels).sum::<u64>().max(1) as f64;
        let through = |axis: usize| mine().filter(|c| c.percolates(axis)).map(|c| c.voxels).sum::<u64>();
        Connectivity {
            components: mine().count() as u64,
            largest: mine().map(|c| c.voxels).max().unwrap_or(0) as f64 / total,
            percolating: [0, 1, 2].map(|axis| through(axis) as f64 / total),
        }
    }

    /// The voxels of `phase` that lead through the volume along `axis`; `like` gives the size.
    pub(super) fn percolating(&self, phase: u8, axis: usize, like: &Bits) -> Bits {
        let mut bits = like.cleared();
        for (row, bounds) in self.runs.rows.windows(2).enumerate() {
            for i in bounds[0]..bounds[1] {
                let (run, component) = (self.runs.runs[i], &self.list[self.of_run[i] as usize]);
                if run.phase == phase && component.percolates(axis) {
                    bits.set_run(row / self.rows, row % self.rows, run.from as usize, run.to as usize);
                }
            }
        }
        bits
    }
}

impl Runs {
    fn of(labels: &Labels) -> Self {
        let rows: Vec<Vec<Run>> = labels.voxels.par_chunks(labels.shape[2]).map(row_runs).collect();
        let mut starts = vec![0];
        starts.extend(rows.iter().scan(0, |sum, row| {
            *sum += row.len();
            Some(*sum)
        }));
        Self { runs: rows.into_iter().flatten().collect(), rows: starts }
    }

    /// Joins what touches in two neighbouring rows.
    fn join(&self, a: usize, b: usize, parents: &mut [u32]) {
        let (mut i, mut j) = (self.rows[a], self.rows[b]);
        while i < self.rows[a + 1] && j < self.rows[b + 1] {
            let (one, other) = (self.runs[i], self.runs[j]);
            if one.phase == other.phase && one.from < other.to && other.from < one.to {
                unite(parents, i as u32, j as u32);
            }
            if one.to < other.to { i += 1 } else { j += 1 }
        }
    }
}

fn row_runs(row: &[u8]) -> Vec<Run> {
    let (mut runs, mut from) = (Vec::new(), 0);
    for voxels in row.chunk_by(|a, b| a == b) {
        let to = from + voxels.len() as u32;
        if voxels[0] != UNLABELLED {
            runs.push(Run { from, to, phase: voxels[0] });
        }
        from = to;
    }
    runs
}

fn find(parents: &mut [u32], mut i: u32) -> u32 {
    while parents[i as usize] != i {
        let above = parents[parents[i as usize] as usize];
        parents[i as usize] = above;
        i = above;
    }
    i
}

/// Joins two sets under the smaller root, so that every root precedes its runs.
fn unite(parents: &mut [u32], a: u32, b: u32) {
    let (a, b) = (find(parents, a), find(parents, b));
    parents[a.max(b) as usize] = a.min(b);
}

/// Numbers the sets in the order of their first runs.
fn number(parents: &mut [u32]) -> (Vec<u32>, usize) {
    let (mut numbers, mut count) = (vec![0; parents.len()], 0);
    for i in 0..parents.len() as u32 {
        let root = find(parents, i);
        if root == i {
            numbers[i as usize] = count;
            count += 1;
        } else {
            numbers[i as usize] = numbers[root as usize];
        }
    }
    (numbers, count as usize)
}

fn list(runs: &Runs, of_run: &[u32], count: usize, shape: [usize; 3]) -> Vec<Component> {
    let mut list = vec![Component::default(); count];
    for (row, bounds) in runs.rows.windows(2).enumerate() {
        let (z, y) = (row / shape[1], row % shape[1]);
        for i in bounds[0]..bounds[1] {
            let (run, component) = (runs.runs[i], &mut list[of_run[i] as usize]);
            component.phase = run.phase;
            component.voxels += u64::from(run.to - run.from);
            let ends = [(z, z), (y, y), (run.from as usize, run.to as usize - 1)];
            for ((touches, (low, high)), n) in component.touches.iter_mut().zip(ends).zip(shape) {
                touches[0] |= low == 0;
                touches[1] |= high == n - 1;
            }
        }
    }
    list
}
