//! A slice of any size as tiles of one size, and tiles as patches.
//!
//! The rule where tiles meet: they abut, from the top left corner on, without overlap, so that
//! every pixel belongs to one tile, one patch and one net. What a tile holds beyond the slice's
//! right and bottom border is filled by reflection and thrown away afterwards.

use serde::{Deserialize, Serialize};

/// Tile size and the grid of patches in it, as a bundle states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Height and width of a tile (what f0 and the policy read).
    pub tile: [usize; 2],
    /// Rows and columns of patches in a tile.
    pub grid: [usize; 2],
}

/// A rectangle of pixels of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rect {
    /// Top row.
    pub y: usize,
    /// Left column.
    pub x: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Rect {
    /// Pixels.
    pub fn area(&self) -> usize {
        self.height * self.width
    }
}

impl Layout {
    /// The paper's: 224x256 in 4x4 patches of 56x64.
    pub const PAPER: Self = Self { tile: [224, 256], grid: [4, 4] };

    /// Whether the grid divides the tile and nothing is zero.
    pub fn is_valid(&self) -> bool {
        (0..2).all(|i| {
            self.grid[i] > 0
                && self.tile[i] > 0
                && self.tile[i] <= 1 << 14
                && self.tile[i].is_multiple_of(self.grid[i])
        })
    }

    /// Height and width of a patch.
    pub fn patch(&self) -> [usize; 2] {
        [self.tile[0] / self.grid[0], self.tile[1] / self.grid[1]]
    }

    /// Patches in a tile.
    pub fn patches(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// Top left corners of the tiles that cover a slice, row by row.
    pub fn tiles(&self, [height, width]: [usize; 2]) -> Vec<[usize; 2]> {
        let columns = || (0..width).step_by(self.tile[1]);
        (0..height).step_by(self.tile[0]).flat_map(|y| columns().map(move |x| [y, x])).collect()
    }

    /// The part of patch `index` of the tile at `corner` that lies in the slice; none where it lies
    /// wholly outside.
    pub fn patch_in_slice(&self, corner: [usize; 2], index: usize, size: [usize; 2]) -> Option<Rect> {
        let [height, width] = self.patch();
        let y = corner[0] + index / self.grid[1] * height;
        let x = corner[1] + index % self.grid[1] * width;
        (y < size[0] && x < size[1]).then(|| Rect {
            y,
            x,
            height: height.min(size[0] - y),
            width: width.min(size[1] - x),
        })
    }
}

/// `size` values of `slice` from `corner` on, reflected at the borders (the border pixel itself is
/// not repeated; reflected again and again where the slice is smaller).
pub fn cut<T: Copy>(slice: &[T], from: [usize; 2], corner: [usize; 2], size: [usize; 2]) -> Vec<T> {
    let mut out = Vec::with_capacity(size[0] * size[1]);
    for y in corner[0]..corner[0] + size[0] {
        let row = &slice[reflect(y, from[0]) * from[1]..][..from[1]];
        let inside = from[1].saturating_sub(corner[1]).min(size[1]);
        out.extend_from_slice(&row[corner[1].min(from[1])..][..inside]);
        out.extend((corner[1] + inside..corner[1] + size[1]).map(|x| row[reflect(x, from[1])]));
    }
    out
}

/// Index `i` folded into 0..n by reflection about the border pixels.
fn reflect(i: usize, n: usize) -> usize {
    if n < 2 {
        return 0;
    }
    let period = 2 * (n - 1);
    let i = i % period;
    if i < n { i } else { period - i }
}

/// Puts the part of `patch` (rows of `patch_width`) that lies in the slice in its place.
pub fn paste<T: Copy>(slice: &mut [T], width: usize, at: Rect, patch: &[T], patch_width: usize) {
    for row in 0..at.height {
        let to = (at.y + row) * width + at.x;
        slice[to..to + at.width].copy_from_slice(&patch[row * patch_width..][..at.width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reflection_does_not_repeat_the_border() {
        let line: Vec<usize> = (0..8).map(|i| reflect(i, 4)).collect();
        assert_eq!(line, [0, 1, 2, 3, 2, 1, 0, 1]);
        assert_eq!(reflect(17, 1), 0);
    }

    proptest! {
        #[test]
        fn cutting_and_pasting_gives_the_slice_back(
            height in 1usize..60, width in 1usize..60, rows in 1usize..4, columns in 1usize..4,
            patch_height in 1usize..12, patch_width in 1usize..12,
        ) {
            let layout = Layout { tile: [rows * patch_height, columns * patch_width], grid: [rows, columns] };
            let slice: Vec<u32> = (0..(height * width) as u32).collect();
            let mut back = vec![u32::MAX; slice.len()];
            for corner in layout.tiles([height, width]) {
                let tile = cut(&slice, [height, width], corner, layout.tile);
                prop_assert_eq!(tile.len(), layout.tile[0] * layout.tile[1]);
                for index in 0..layout.patches() {
                    let Some(at) = layout.patch_in_slice(corner, index, [height, width]) else { continue };
                    let within = [index / columns * patch_height, index % columns * patch_width];
                    let patch = cut(&tile, layout.tile, within, layout.patch());
                    paste(&mut back, width, at, &patch, patch_width);
                }
            }
            prop_assert_eq!(back, slice);
        }
    }
}
