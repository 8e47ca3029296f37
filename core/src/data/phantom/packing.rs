//! The packing of nickel particles: large ones first, each at the first free random place.

use super::PhantomConfig;
use super::noise::{key, mix, noise, normal, unit};
use super::salt;

/// One nickel particle: a slightly elongated ball before its surface is roughened.
#[derive(Clone, Debug)]
pub(super) struct Particle {
    /// Centre x, y, z (pixels).
    pub(super) centre: [f32; 3],
    pub(super) radius: f32,
    /// Symmetric form xx, yy, zz, xy, xz, yz whose value is 1 at one radius from the centre.
    pub(super) form: [f32; 6],
    /// Level of the crack noise at which this particle is cracked.
    pub(super) crack: Option<f32>,
    pub(super) voids: bool,
}

/// Trials for each particle before it is given up.
const TRIALS: u64 = 300;
/// Classes of particle size.
const SIZES: usize = 96;

/// Radii offered to the packing, largest first: each class of size gets its share of the log-normal volume.
///
/// Shares rather than free draws, because a few large particles hold most of the volume and chance would let
/// the nickel fraction swing from seed to seed.
pub(super) fn radii(cfg: &PhantomConfig) -> Vec<f32> {
    let (low, high) = Packing::bounds(cfg);
    let volume: f64 = (0..3).map(|axis| f64::from(high[axis] - low[axis])).product();
    let sizes = size_classes(cfg);
    let weights: f64 = sizes.iter().map(|(_, weight)| weight).sum();
    let random = key(cfg.seed, salt::RADIUS);
    let mut list = Vec::new();
    for (class, (radius, weight)) in sizes.into_iter().enumerate() {
        let expected = volume * f64::from(cfg.packing) * weight / weights / ball(radius);
        let count = (expected + unit(mix(random.wrapping_add(class as u64)))) as usize;
        list.extend(std::iter::repeat_n(radius, count));
    }
    list
}

/// Radii of the classes of size, falling from the largest to the smallest, with their unnormalised volume.
fn size_classes(cfg: &PhantomConfig) -> Vec<(f32, f64)> {
    let (low, high) = (f64::from(cfg.radius_min).ln(), f64::from(cfg.radius_max).ln());
    let (median, spread) = (f64::from(cfg.radius_median).ln(), f64::from(cfg.radius_spread).max(1e-3));
    let class = |k: usize| {
        let log = high - (high - low) * (k as f64 + 0.5) / SIZES as f64;
        let weight = (-0.5 * ((log - median) / spread).powi(2)).exp().max(1e-12);
        // Rounded, so that the last bit of a platform's exp cannot move a particle.
        ((log.exp() * 64.0).round() as f32 / 64.0, weight)
    };
    (0..SIZES).map(class).collect()
}

/// Volume of a ball (cubic pixels).
fn ball(radius: f32) -> f64 {
    4.0 / 3.0 * std::f64::consts::PI * f64::from(radius).powi(3)
}

/// Random sequential addition with a grid of cells to find neighbours.
///
/// Opposite sides of the packed space count as neighbours: free sides would draw the large particles
/// outwards, and the nickel fraction would depend on the number of slices.
pub(super) struct Packing<'a> {
    cfg: &'a PhantomConfig,
    low: [f32; 3],
    high: [f32; 3],
    cells: [usize; 3],
    members: Vec<Vec<u32>>,
    placed: Vec<Particle>,
}

/// Least side of a cell of the packing (pixels).
const CELL: f32 = 16.0;

impl<'a> Packing<'a> {
    /// Corners of the packed space: the electrode and a margin of one largest particle around it.
    fn bounds(cfg: &PhantomConfig) -> ([f32; 3], [f32; 3]) {
        let margin = cfg.radius_max;
        let top = |side: usize| side as f32 + margin;
        ([-margin; 3], [top(cfg.width), top(cfg.height), top(cfg.slices)])
    }

    pub(super) fn new(cfg: &'a PhantomConfig) -> Self {
        let (low, high) = Self::bounds(cfg);
        let cells = [0, 1, 2].map(|axis| ((high[axis] - low[axis]) / CELL).floor().max(1.0) as usize);
        let members = vec![Vec::new(); cells.iter().product()];
        Self { cfg, low, high, cells, members, placed: Vec::new() }
    }

    pub(super) fn fill(mut self, radii: Vec<f32>) -> Vec<Particle> {
        for (number, radius) in radii.into_iter().enumerate() {
            let place =
                (0..TRIALS).map(|trial| self.candidate(number as u64, trial)).find(|c| self.fits(*c, radius));
            if let Some(centre) = place {
                self.insert(shape(self.cfg, number as u64, centre, radius));
            }
        }
        self.placed
    }

    fn candidate(&self, number: u64, trial: u64) -> [f32; 3] {
        let random = key(self.cfg.seed, salt::PLACE) ^ mix(number * TRIALS + trial);
        [0, 1, 2].map(|axis| {
            let share = unit(mix(random.wrapping_add(axis as u64 + 1))) as f32;
            self.low[axis] + share * (self.high[axis] - self.low[axis])
        })
    }

    fn fits(&self, centre: [f32; 3], radius: f32) -> bool {
        self.crowded(centre, radius)
            && self.cells_of(centre, radius).all(|cell| self.free(cell, centre, radius))
    }

    /// Whether the density noise admits a particle here; small ones keep further from the wide pores.
    fn crowded(&self, centre: [f32; 3], radius: f32) -> bool {
        let density = noise(key(self.cfg.seed, salt::DENSITY), self.cfg.density_spacing, centre);
        let small = (1.0 - radius / 24.0).max(0.0);
        density > self.cfg.density_floor + 0.7 * small
    }

    fn free(&self, cell: usize, centre: [f32; 3], radius: f32) -> bool {
        self.members[cell].iter().all(|&other| {
            let other = &self.placed[other as usize];
            let apart = (radius + other.radius) * (1.0 - self.cfg.overlap);
            let gap = |axis: usize| {
                let direct = (centre[axis] - other.centre[axis]).abs();
                direct.min(self.high[axis] - self.low[axis] - direct)
            };
            (0..3).map(|axis| gap(axis).powi(2)).sum::<f32>() >= apart * apart
        })
    }

    /// Cells that the box around a ball touches, each once, wrapped at the sides.
    fn cells_of(&self, centre: [f32; 3], radius: f32) -> impl Iterator<Item = usize> + use<> {
        let range = |axis: usize| {
            let count = self.cells[axis] as i64;
            let side = (self.high[axis] - self.low[axis]) / count as f32;
            let cell = |p: f32| ((p - self.low[axis]) / side).floor() as i64;
            let first = cell(centre[axis] - radius);
            let last = cell(centre[axis] + radius).min(first + count - 1);
            (first..last + 1).map(move |cell| cell.rem_euclid(count) as usize)
        };
        let (xs, ys, zs, cells) = (range(0), range(1), range(2), self.cells);
        zs.flat_map(move |z| {
            let xs = xs.clone();
            ys.clone().flat_map(move |y| xs.clone().map(move |x| (z * cells[1] + y) * cells[0] + x))
        })
    }

    fn insert(&mut self, particle: Particle) {
        let index = self.placed.len() as u32;
        for cell in self.cells_of(particle.centre, particle.radius) {
            self.members[cell].push(index);
        }
        self.placed.push(particle);
    }
}

/// Gives a placed ball its elongation, crack and voids.
fn shape(cfg: &PhantomConfig, number: u64, centre: [f32; 3], radius: f32) -> Particle {
    let random = key(cfg.seed, salt::SHAPE) ^ mix(number);
    let draw = |which: u64| unit(mix(random.wrapping_add(which))) as f32;
    let axes = [1, 2, 3].map(|which| 1.0 + cfg.elongation * (2.0 * draw(which) - 1.0));
    let turn = rotation([4, 5, 6, 7].map(|which| normal(mix(random.wrapping_add(which))) as f32));
    let entry = |i: usize, j: usize| {
        let sum: f32 = (0..3).map(|k| turn[i][k] * turn[j][k] / (axes[k] * axes[k])).sum();
        sum / (radius * radius)
    };
    let form = [entry(0, 0), entry(1, 1), entry(2, 2), entry(0, 1), entry(0, 2), entry(1, 2)];
    let cracked = radius >= cfg.crack_radius && draw(8) < cfg.crack_share;
    let crack = cracked.then(|| 1.2 * draw(9) - 0.6);
    Particle { centre, radius, form, crack, voids: radius > 12.0 && draw(10) < cfg.void_share }
}

/// Rotation matrix of a quaternion of any length.
fn rotation(q: [f32; 4]) -> [[f32; 3]; 3] {
    let length = q.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-6);
    let [w, x, y, z] = q.map(|v| v / length);
    [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
        [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
        [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)],
    ]
}
