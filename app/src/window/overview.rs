//! The whole stack, thinned to fit in memory, so that it can be cut along any axis at once.

use super::grey::Grey;
use paser_core::volume::{SliceReader, VolumeInfo};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Slices between two times that the window is told.
const NEWS: usize = 8;
/// Slices after which a cut has something everywhere; more come between them later.
pub const COARSE: usize = 16;

/// A cut along the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Rows are slices, columns those of a slice.
    Xz,
    /// Rows are slices, columns the rows of a slice.
    Yz,
}

/// Every so-many-th voxel of a stack in 8 bits.
#[derive(Debug)]
pub struct Overview {
    /// Every how-many-th slice, row and column.
    pub step: [usize; 3],
    /// Slices, rows and columns kept.
    pub size: [usize; 3],
    ends: [f32; 2],
    slices: Mutex<Vec<Option<Vec<u8>>>>,
    read: AtomicUsize,
}

impl Overview {
    /// Nothing of it read yet; grey values between `ends` are told apart, one byte a voxel, of `budget` at most.
    pub fn new(info: &VolumeInfo, ends: [f32; 2], budget: usize) -> Self {
        let full = [info.slices, info.height, info.width];
        let mut step = [1usize; 3];
        let size = |step: [usize; 3]| [0, 1, 2].map(|i| full[i].div_ceil(step[i]).max(1));
        // rows and columns first, as slices are what costs time to read
        while size(step).iter().product::<usize>() > budget {
            let widest = (0..3).max_by_key(|i| size(step)[*i]).unwrap_or(0);
            step[widest] += 1;
        }
        let size = size(step);
        Self { step, size, ends, slices: Mutex::new(vec![None; size[0]]), read: AtomicUsize::new(0) }
    }

    /// Slices read so far, of [`Self::size`]`[0]`.
    pub fn read(&self) -> usize {
        self.read.load(Ordering::Relaxed)
    }

    /// The cut through row or column `at` of a slice: rows, columns and values from 0 to 255. A slice that is not read
    /// yet looks like the nearest one above it that is, and is 0 where there is none.
    pub fn cut(&self, cut: Cut, at: usize) -> ([usize; 2], Vec<u8>) {
        let [depth, height, width] = self.size;
        let slices = self.slices.lock().unwrap_or_else(PoisonError::into_inner);
        let columns = if cut == Cut::Xz { width } else { height };
        let mut values = vec![0u8; depth * columns];
        let mut above = None;
        for (row, slice) in values.chunks_mut(columns).zip(slices.iter()) {
            above = slice.as_ref().or(above);
            let Some(slice) = above else { continue };
            match cut {
                Cut::Xz => {
                    let start = (at / self.step[1]).min(height - 1) * width;
                    row.copy_from_slice(&slice[start..start + width]);
                }
                Cut::Yz => {
                    let column = (at / self.step[2]).min(width - 1);
                    row.iter_mut().zip(slice.iter().skip(column).step_by(width)).for_each(|(v, s)| *v = *s);
                }
            }
        }
        ([depth, columns], values)
    }

    /// A grey value of the file for a value of a cut.
    pub fn grey(&self, value: u8) -> f32 {
        self.ends[0] + f32::from(value) / 255.0 * (self.ends[1] - self.ends[0])
    }

    fn put(&self, place: usize, slice: &Grey) {
        let [_, width] = slice.size;
        let scale = 255.0 / (self.ends[1] - self.ends[0]).max(f32::MIN_POSITIVE);
        let [_, rows, columns] = self.size;
        let mut values = Vec::with_capacity(rows * columns);
        for y in 0..rows {
            let row = &slice.values[y * self.step[1] * width..][..width];
            values.extend(row.iter().step_by(self.step[2]).map(|v| ((v - self.ends[0]) * scale) as u8));
        }
        if let Some(kept) = self.slices.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place) {
            *kept = Some(values);
        }
        self.read.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reads `volume` into `overview` until it is full or nobody wants it any more; slices that cannot be
/// read stay empty.
pub fn fill(overview: &Weak<Overview>, volume: &Arc<dyn SliceReader>, wake: &dyn Fn()) {
    let Some(depth) = overview.upgrade().map(|o| o.size[0]) else { return };
    for (i, place) in coarse_to_fine(depth).into_iter().enumerate() {
        let Some(overview) = overview.upgrade() else { return };
        match volume.read(place * overview.step[0]) {
            Ok(slice) => overview.put(place, &Grey::of(&slice)),
            Err(e) => tracing::warn!("the overview lacks a slice: {e}"),
        }
        if (i + 1).is_multiple_of(NEWS) || i + 1 == depth {
            wake();
        }
    }
}

/// Every place once: [`COARSE`] all over the stack first, then those between.
fn coarse_to_fine(depth: usize) -> Vec<usize> {
    let mut stride = (depth / COARSE).max(1).next_power_of_two();
    let mut places: Vec<usize> = (0..depth).step_by(stride).collect();
    while stride > 1 {
        stride /= 2;
        places.extend((stride..depth).step_by(2 * stride));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use paser_core::volume::{Dtype, Slice};

    struct Ramp(VolumeInfo);

    impl SliceReader for Ramp {
        fn info(&self) -> &VolumeInfo {
            &self.0
        }

        fn read(&self, z: usize) -> paser_core::Result<Slice> {
            let value = |i: usize| (100 * z + 10 * (i / 5) + i % 5) as f32;
            Ok(Slice { height: 4, width: 5, channels: 1, values: (0..20).map(value).collect() })
        }
    }

    #[test]
    fn every_slice_is_read_once_and_the_first_ones_all_over() {
        for depth in [1, 2, 15, 16, 17, 100, 500, 1031] {
            let places = coarse_to_fine(depth);
            let mut sorted = places.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..depth).collect::<Vec<_>>(), "{depth}");
            let first = &places[..places.len().min(COARSE / 2)];
            assert!(first.iter().max().is_some_and(|last| 5 * (last + 1) >= 2 * depth), "{depth}: {first:?}");
        }
    }

    #[test]
    fn cuts_hold_what_the_slices_hold() {
        let info = VolumeInfo {
            slices: 2,
            height: 4,
            width: 5,
            dtype: Dtype::U8,
            voxel_size: None,
            unit: None,
            axes: "ZYX".to_owned(),
            bytes: 40,
        };
        let overview = Arc::new(Overview::new(&info, [0.0, 255.0], 96 << 20));
        let volume: Arc<dyn SliceReader> = Arc::new(Ramp(info));
        assert_eq!(overview.cut(Cut::Xz, 2), ([2, 5], vec![0; 10]));
        fill(&Arc::downgrade(&overview), &volume, &|| ());
        assert_eq!(overview.cut(Cut::Xz, 2), ([2, 5], vec![20, 21, 22, 23, 24, 120, 121, 122, 123, 124]));
        assert_eq!(overview.cut(Cut::Yz, 3), ([2, 4], vec![3, 13, 23, 33, 103, 113, 123, 133]));
        assert_eq!(overview.read(), 2);
    }
}
