//! Smooth 3D noise as a function of position and seed, and the hashes beneath it.

/// A regular grid of samples over a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Distance of two samples (pixels).
    pub step: f32,
}

impl Grid {
    /// Place of the middle of sample `index` (pixels).
    pub(super) fn position(self, index: usize) -> f32 {
        (index as f32 + 0.5) * self.step
    }

    /// Samples whose middle lies within `half` of `centre`, cut to `0..count`.
    pub(super) fn span(self, centre: f32, half: f32, count: usize) -> std::ops::Range<usize> {
        let edge = |p: f32| ((p / self.step - 0.5).ceil().max(0.0) as usize).min(count);
        edge(centre - half)..edge(centre + half)
    }
}

/// Which derivative of the noise a plane holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slope {
    /// The value itself.
    None,
    /// Its change per pixel along x.
    X,
    /// Its change per pixel along y.
    Y,
    /// Its change per pixel along z.
    Z,
}

/// One slice of smooth 3D noise: hashed lattice values joined by cubic B-splines, blended along z once.
pub(crate) struct Plane {
    nodes: Vec<f32>,
    stride: usize,
    columns: Vec<(usize, [f32; 4])>,
    grid: Grid,
    spacing: f32,
    slope: Slope,
}

/// Makes B-splined lattice values, uniform in -1..1, have unit variance: sqrt(3 / (151/315)^3).
const UNIT_VARIANCE: f32 = 5.218_7;

impl Plane {
    /// The noise `random` with lattice nodes `spacing` pixels apart, in slice `z`.
    pub(crate) fn new(random: u64, spacing: f32, z: usize, grid: Grid, slope: Slope) -> Self {
        let stride = (grid.width as f32 * grid.step / spacing) as usize + 4;
        let rows = (grid.height as f32 * grid.step / spacing) as usize + 4;
        let (base, weights) = spline(z as f32 + 0.5, spacing, slope == Slope::Z);
        let mut nodes = Vec::with_capacity(stride * rows);
        for y in 0..rows as i32 {
            nodes.extend((0..stride as i32).map(|x| {
                let blend = |(k, w): (i32, f32)| w * node(random, [x - 1, y - 1, base - 1 + k]);
                UNIT_VARIANCE * (0..).zip(weights).map(blend).sum::<f32>()
            }));
        }
        let column = |x| {
            let (base, weights) = spline(grid.position(x), spacing, slope == Slope::X);
            (base as usize, weights)
        };
        Self { nodes, stride, columns: (0..grid.width).map(column).collect(), grid, spacing, slope }
    }

    /// Writes row `y`.
    pub(crate) fn row(&self, y: usize, out: &mut [f32]) {
        let (base, weights) = spline(self.grid.position(y), self.spacing, self.slope == Slope::Y);
        let line = |k: usize| &self.nodes[(base as usize + k) * self.stride..][..self.stride];
        let lines = [line(0), line(1), line(2), line(3)];
        let blend = |x| (0..4).map(|k| weights[k] * lines[k][x]).sum();
        let nodes: Vec<f32> = (0..self.stride).map(blend).collect();
        for (value, (base, w)) in out.iter_mut().zip(&self.columns) {
            let n = &nodes[*base..*base + 4];
            *value = w[0] * n[0] + w[1] * n[1] + w[2] * n[2] + w[3] * n[3];
        }
    }

    /// All rows.
    pub(crate) fn full(&self) -> Vec<f32> {
        let mut all = vec![0.0; self.grid.height * self.grid.width];
        all.chunks_exact_mut(self.grid.width).enumerate().for_each(|(y, out)| self.row(y, out));
        all
    }
}

/// The same noise as [`Plane`] at any one point (x, y, z in pixels).
pub(super) fn noise(random: u64, spacing: f32, point: [f32; 3]) -> f32 {
    let [(x, wx), (y, wy), (z, wz)] = point.map(|p| spline(p, spacing, false));
    let mut sum = 0.0;
    for (k, wz) in (0..).zip(wz) {
        for (j, wy) in (0..).zip(wy) {
            for (i, wx) in (0..).zip(wx) {
                sum += wx * wy * wz * node(random, [x - 1 + i, y - 1 + j, z - 1 + k]);
            }
        }
    }
    UNIT_VARIANCE * sum
}

/// Lattice cell of a place and the weights of the four nodes around it (or of their slope per pixel).
fn spline(place: f32, spacing: f32, slope: bool) -> (i32, [f32; 4]) {
    let cell = (place / spacing).floor();
    let t = place / spacing - cell;
    let s = 1.0 - t;
    let weights = if slope {
        [-0.5 * s * s, (1.5 * t - 2.0) * t, (-1.5 * t + 1.0) * t + 0.5, 0.5 * t * t].map(|w| w / spacing)
    } else {
        let middle = |t: f32| ((0.5 * t - 1.0) * t * t) + 2.0 / 3.0;
        [s * s * s / 6.0, middle(t), middle(s), t * t * t / 6.0]
    };
    (cell.clamp(-1e9, 1e9) as i32, weights)
}

/// Lattice value, uniform in -1..1.
pub(crate) fn node(random: u64, at: [i32; 3]) -> f32 {
    let [x, y, z] = at.map(|v| u64::from(v as u32));
    let place = x.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ y.wrapping_mul(0xC2B2_AE3D_27D4_EB4F).rotate_left(21);
    let hash = mix(mix(random ^ place).wrapping_add(z.wrapping_mul(0x1656_67B1_9E37_79F9)));
    (hash >> 40) as f32 * (2.0 / 16_777_216.0) - 1.0
}

/// A stream of randomness of its own for each use of the seed.
pub(crate) fn key(seed: u64, salt: u64) -> u64 {
    mix(mix(seed).wrapping_add(salt.wrapping_mul(0xD6E8_FEB8_6659_FD93)))
}

/// The splitmix64 finaliser.
pub(crate) fn mix(value: u64) -> u64 {
    let mut v = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    v = (v ^ (v >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    v = (v ^ (v >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    v ^ (v >> 31)
}

/// A hash as a number in 0..1.
pub(super) fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

/// A hash as a nearly normal number (sum of four uniform ones), free of platform-dependent functions.
pub(crate) fn normal(hash: u64) -> f64 {
    let sum: u64 = (0..4).map(|part| (hash >> (16 * part)) & 0xFFFF).sum();
    (sum as f64 / 65_535.0 - 2.0) * 3f64.sqrt()
}
