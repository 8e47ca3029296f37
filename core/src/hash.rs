//! Counter-based random numbers: the value depends on the seed and the index alone, so that every
//! device, thread and order of work gives the same.

/// MurmurHash3's 32-bit finaliser.
pub fn fmix32(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x85EB_CA6B);
    h ^= h >> 13;
    h = h.wrapping_mul(0xC2B2_AE35);
    h ^ (h >> 16)
}

/// Uniform in [0, 1) for `index` under `seed`.
pub fn unit(seed: u32, index: u32) -> f64 {
    f64::from(fmix32(index ^ fmix32(seed))) / 4_294_967_296.0
}

/// `count` values uniform in [`low`, `high`).
pub fn uniform(seed: u32, count: usize, low: f64, high: f64) -> Vec<f32> {
    (0..count as u32).map(|i| (low + (high - low) * unit(seed, i)) as f32).collect()
}

/// `count` normal values of mean 0 and the given standard deviation (Box and Muller).
pub fn normal(seed: u32, count: usize, deviation: f64) -> Vec<f32> {
    let second = fmix32(seed ^ 0x9E37_79B9);
    (0..count as u32)
        .map(|i| {
            let radius = (-2.0 * (1.0 - unit(seed, i)).ln()).sqrt();
            (deviation * radius * (std::f64::consts::TAU * unit(second, i)).cos()) as f32
        })
        .collect()
}

/// A stream of numbers from a seed, for choices made one after the other.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stream {
    seed: u32,
    next: u32,
}

impl Stream {
    /// A stream that differs for every pair of `seed` and `purpose`.
    pub fn new(seed: u64, purpose: &str) -> Self {
        let bytes = seed.to_le_bytes().into_iter().chain(purpose.bytes());
        let seed = bytes.fold(0x811C_9DC5, |h: u32, b| fmix32(h ^ u32::from(b)).wrapping_add(0x9E37_79B9));
        Self { seed, next: 0 }
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        let value = unit(self.seed, self.next);
        self.next = self.next.wrapping_add(1);
        value
    }

    /// Uniform among 0..`n`; 0 where `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// A seed for [`uniform`] and its like.
    pub fn seed(&mut self) -> u32 {
        let index = self.next;
        self.next = self.next.wrapping_add(1);
        fmix32(self.seed ^ fmix32(index ^ 0x5BD1_E995))
    }

    /// Puts `items` in random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}
