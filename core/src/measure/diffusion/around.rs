//! The neighbours of a row of voxels.

use std::ops::Range;

/// The rows of the other parity around a row.
pub(super) struct Around<'a, T> {
    z: [&'a [T]; 2],
    y: [&'a [T]; 2],
    x: &'a [T],
    /// 0 where voxel i of the row lies before voxel i of the other parity, else 1.
    shift: usize,
}

impl<'a, T> Around<'a, T> {
    /// Of the row at padded place `at` of one parity; `other` holds the values of the other.
    pub(super) fn of(other: &'a [T], padded: [usize; 3], [z, y]: [usize; 2], parity: usize) -> Self {
        let (row, plane) = (padded[2], padded[1] * padded[2]);
        let here = z * plane + y * row;
        let line = |start: usize| &other[start..start + row];
        Self {
            z: [line(here - plane), line(here + plane)],
            y: [line(here - row), line(here + row)],
            x: line(here),
            shift: (z + y + parity) & 1,
        }
    }

    /// The values before and behind along Z, Y, X of these places of the row.
    pub(super) fn six(&self, places: Range<usize>) -> [&'a [T]; 6] {
        let (first, count) = (places.start + self.shift, places.len());
        let [z0, z1, y0, y1] = [self.z[0], self.z[1], self.y[0], self.y[1]].map(|line| &line[places.clone()]);
        [z0, z1, y0, y1, &self.x[first - 1..][..count], &self.x[first..][..count]]
    }
}

impl Around<'_, f32> {
    /// What flows in at place `i` of the row.
    pub(super) fn sum(&self, i: usize, bonds: [f32; 3]) -> f32 {
        let x = self.x[i + self.shift - 1] + self.x[i + self.shift];
        bonds[0] * (self.z[0][i] + self.z[1][i]) + bonds[1] * (self.y[0][i] + self.y[1][i]) + bonds[2] * x
    }

    /// Balances a row; its outermost places belong to the padding or have no gain.
    pub(super) fn relax(&self, own: &mut [f32], gains: &[f32], rest: &[f32], bonds: [f32; 3]) {
        let inner = 1..own.len() - 1;
        let [z0, z1, y0, y1, x0, x1] = self.six(inner.clone());
        let (own, gains, rest) = (&mut own[inner.clone()], &gains[inner.clone()], &rest[inner]);
        for i in 0..own.len() {
            let sum = bonds[0] * (z0[i] + z1[i]) + bonds[1] * (y0[i] + y1[i]) + bonds[2] * (x0[i] + x1[i]);
            own[i] = if gains[i] > 0.0 { gains[i] * (rest[i] + sum) } else { own[i] };
        }
    }
}
