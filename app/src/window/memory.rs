//! How much memory the open stack may take, and what of it each of its parts.

use serde::{Deserialize, Serialize};

/// Memory for the open stack, in MB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory(pub usize);

/// Least and most, in MB.
pub const RANGE: std::ops::RangeInclusive<usize> = 64..=1 << 20;

impl Default for Memory {
    fn default() -> Self {
        Self(1536)
    }
}

impl Memory {
    /// Bytes for grey slices.
    pub fn slices(self) -> usize {
        self.part(6)
    }

    /// Bytes for slices of truth.
    pub fn truth(self) -> usize {
        self.part(12)
    }

    /// Bytes for the cuts beside the slice.
    pub fn cuts(self) -> usize {
        self.part(16)
    }

    /// Bytes for labels, entropies and routes.
    pub fn results(self) -> usize {
        2 * self.part(3)
    }

    fn part(self, of: usize) -> usize {
        (self.0 << 20) / of
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_no_more_than_the_whole() {
        for memory in [Memory(*RANGE.start()), Memory::default(), Memory(*RANGE.end())] {
            let parts = memory.slices() + memory.truth() + memory.cuts() + memory.results();
            assert!(parts <= memory.0 << 20 && parts > (memory.0 << 20) / 10 * 9, "{memory:?}");
        }
    }
}
