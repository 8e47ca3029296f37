//! A hash of what is read, taken on the way, so that a run can state exactly what it saw.

use std::fmt;
use std::sync::Mutex;

use sha2::{Digest, Sha256};

use super::{Slice, SliceReader, VolumeInfo};
use crate::error::Result;

/// Reads another volume and hashes its slices (f32, little-endian) as long as they come in order.
pub struct Hashing<'a> {
    inner: &'a dyn SliceReader,
    state: Mutex<State>,
}

struct State {
    next: usize,
    hash: Sha256,
    in_order: bool,
}

impl<'a> Hashing<'a> {
    /// Hashes `inner` from slice `first` on.
    pub fn new(inner: &'a dyn SliceReader, first: usize) -> Self {
        Self { inner, state: Mutex::new(State { next: first, hash: Sha256::new(), in_order: true }) }
    }

    /// SHA-256 of the slices read, in hexadecimal; None where they were read in another order.
    pub fn digest(&self) -> Option<String> {
        let state = self.state.lock().ok()?;
        let digest = state.hash.clone().finalize();
        state.in_order.then(|| digest.iter().map(|b| format!("{b:02x}")).collect())
    }
}

impl fmt::Debug for Hashing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.info().fmt(f)
    }
}

impl SliceReader for Hashing<'_> {
    fn info(&self) -> &VolumeInfo {
        self.inner.info()
    }

    fn read(&self, z: usize) -> Result<Slice> {
        let slice = self.inner.read(z)?;
        if let Ok(mut state) = self.state.lock() {
            state.in_order &= z == state.next;
            state.next = z + 1;
            for some in slice.values.chunks(1 << 14) {
                let bytes: Vec<u8> = some.iter().flat_map(|v| v.to_le_bytes()).collect();
                state.hash.update(&bytes);
            }
        }
        Ok(slice)
    }
}
