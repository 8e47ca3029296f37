//! Which voxels belong to a phase, one bit each.

use rayon::prelude::*;

use super::Labels;

/// A binary volume; every row begins with a new word, spare bits are 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits {
    shape: [usize; 3],
    /// Words of a row.
    width: usize,
    words: Vec<u64>,
}

impl Bits {
    /// The voxels of phase `phase`.
    pub(super) fn of(labels: &Labels, phase: u8) -> Self {
        let width = labels.shape[2].div_ceil(64);
        let mut bits =
            Self { shape: labels.shape, width, words: vec![0; labels.shape[0] * labels.shape[1] * width] };
        let rows = bits.words.par_chunks_mut(width).zip(labels.voxels.par_chunks(labels.shape[2]));
        rows.for_each(|(words, row)| {
            for (word, voxels) in words.iter_mut().zip(row.chunks(64)) {
                *word = voxels.iter().rev().fold(0, |word, v| (word << 1) | u64::from(*v == phase));
            }
        });
        bits
    }

    /// An empty volume of the same size.
    pub(super) fn cleared(&self) -> Self {
        Self { words: vec![0; self.words.len()], ..*self }
    }

    /// Slices, rows, columns.
    pub(super) fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Number of set voxels.
    pub(super) fn count(&self) -> u64 {
        self.words.par_iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// Whether a voxel is set.
    pub(super) fn get(&self, z: usize, y: usize, x: usize) -> bool {
        (self.words[(z * self.shape[1] + y) * self.width + x / 64] >> (x % 64)) & 1 == 1
    }

    /// Sets the voxels `from..to` of a row.
    pub(super) fn set_run(&mut self, z: usize, y: usize, from: usize, to: usize) {
        let row = (z * self.shape[1] + y) * self.width;
        (from..to).for_each(|x| self.words[row + x / 64] |= 1 << (x % 64));
    }

    /// The words of a row.
    pub(super) fn row(&self, z: usize, y: usize) -> &[u64] {
        let start = (z * self.shape[1] + y) * self.width;
        &self.words[start..start + self.width]
    }

    /// Pairs of set voxels `lag` apart along `axis` (0: Z, 1: Y, 2: X).
    pub(super) fn pairs(&self, axis: usize, lag: usize) -> u64 {
        let plane = self.shape[1] * self.width;
        let shift = match axis {
            0 => lag * plane,
            1 => lag * self.width,
            _ => return self.words.par_chunks(self.width).map(|row| row_pairs(row, lag)).sum(),
        };
        // Along Y only pairs within a slice count, along Z all rows of the volume are one run.
        let run = if axis == 0 { self.words.len() } else { plane };
        let runs = self.words.par_chunks(run);
        runs.map(|words| both(&words[..words.len() - shift], &words[shift..])).sum()
    }
}

fn both(a: &[u64], b: &[u64]) -> u64 {
    let count =
        |(a, b): (&[u64], &[u64])| a.iter().zip(b).map(|(a, b)| u64::from((a & b).count_ones())).sum::<u64>();
    a.par_chunks(1 << 15).zip(b.par_chunks(1 << 15)).map(count).sum()
}

/// Pairs of set bits `lag` apart in a row.
fn row_pairs(row: &[u64], lag: usize) -> u64 {
    let (words, bits) = (lag / 64, lag % 64);
    let word = |i: usize| row.get(i).copied().unwrap_or(0);
    let shifted = |i: usize| match bits {
        0 => word(i + words),
        _ => (word(i + words) >> bits) | (word(i + words + 1) << (64 - bits)),
    };
    row.iter().enumerate().map(|(i, w)| u64::from((w & shifted(i)).count_ones())).sum()
}
