//! Counting a forward pass by walking through a net's layers with the size of the map alone.

use crate::cost::Flops;

/// Size of the map on the way and the cost so far, by the rules of [`crate::cost`].
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    /// Height and width.
    pub size: [usize; 2],
    /// Cost so far.
    pub flops: Flops,
}

impl Tally {
    /// Nothing spent yet at `size`.
    pub fn at(size: [usize; 2]) -> Self {
        Self { size, flops: 0 }
    }

    /// Pixels of the map.
    pub fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Spends `operations`.
    pub fn add(&mut self, operations: usize) {
        self.flops += operations as Flops;
    }

    /// Spends on a bilinear upsampling of `channels` to `size`.
    pub fn resize(&mut self, channels: usize, size: [usize; 2]) {
        self.size = size;
        self.add(4 * channels * self.pixels());
    }

    /// Goes on with another map; what was spent stays.
    pub fn back_to(&mut self, size: [usize; 2]) {
        self.size = size;
    }
}
