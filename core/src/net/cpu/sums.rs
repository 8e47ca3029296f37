//! Sums in a fixed order, fast and exact enough.

const LANES: usize = 16;

/// Sum of `f` over `x`: short sums in 16 lanes of f32, these in f64.
pub(super) fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    x.chunks(LANES * 64)
        .map(|block| {
            let mut lanes = [0.0f32; LANES];
            let chunks = block.chunks_exact(LANES);
            let rest: f32 = chunks.remainder().iter().map(|v| f(*v)).sum();
            for chunk in chunks {
                for (lane, v) in lanes.iter_mut().zip(chunk) {
                    *lane += f(*v);
                }
            }
            f64::from(lanes.iter().sum::<f32>() + rest)
        })
        .sum()
}

pub(super) fn sum_pairs(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f64 {
    a.chunks(LANES * 64)
        .zip(b.chunks(LANES * 64))
        .map(|(a, b)| {
            let mut lanes = [0.0f32; LANES];
            for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
                for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
                    *lane += f(*a, *b);
                }
            }
            f64::from(lanes.iter().sum::<f32>())
        })
        .sum()
}
