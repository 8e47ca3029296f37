//! The simulated battery electrode ("phantom"): an NMC cathode whose truth is known exactly.
//!
//! A packing of polydisperse, lumpy nickel particles (some cracked, some with voids) is bound by carbon at
//! contacts, as a patchy coating, as porous agglomerates and as a fine web in the wide pores. Everything is a
//! function of position and seed: a slice needs no other slice, and memory holds the particle list only.
//! Lengths are scan pixels; voxels are cubes, so a slice is one pixel thick.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Class of pore space.
pub const PORE: u8 = 0;
/// Class of carbon-binder.
pub const CARBON: u8 = 1;
/// Class of the nickel-rich active material.
pub const NICKEL: u8 = 2;

/// Fine samples along each in-plane side of one scan pixel.
pub const FINE: usize = 2;

/// Size, seed and geometry of the simulated electrode.
///
/// "Noise" below is smooth random noise of zero mean and unit standard deviation; its "spacing" is the
/// distance of its lattice nodes, about a third of the distance from one bump to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PhantomConfig {
    /// Number of slices (pixels along z).
    pub slices: usize,
    /// Rows of a slice (pixels).
    pub height: usize,
    /// Columns of a slice (pixels).
    pub width: usize,
    /// Seed of everything random; equal configurations give equal electrodes.
    pub seed: u64,
    /// Smallest particle radius (pixels).
    pub radius_min: f32,
    /// Largest particle radius (pixels).
    pub radius_max: f32,
    /// Radius below which half of the particles' volume lies, before packing (pixels).
    pub radius_median: f32,
    /// Standard deviation of the natural logarithm of the radius, weighted by volume.
    pub radius_spread: f32,
    /// Share of space that the particles offered to the packing would fill; not all of them find a place.
    pub packing: f32,
    /// How deep two particles may overlap, as a share of the sum of their radii.
    pub overlap: f32,
    /// Largest relative deviation of a particle's half-axes from its radius.
    pub elongation: f32,
    /// Height of the small lumps on particle surfaces (pixels, one standard deviation).
    pub lump_height: f32,
    /// Spacing of the small lumps (pixels).
    pub lump_spacing: f32,
    /// Height of the broad surface undulation as a share of the radius (one standard deviation).
    pub undulation: f32,
    /// Spacing of the broad undulation (pixels).
    pub undulation_spacing: f32,
    /// Spacing of the density noise that parts crowded regions from wide pores (pixels).
    pub density_spacing: f32,
    /// Density noise below which no particle is centred.
    pub density_floor: f32,
    /// Radius from which a particle may be cracked (pixels).
    pub crack_radius: f32,
    /// Share of those particles that are cracked.
    pub crack_share: f32,
    /// Mean width of a crack where it is open (pixels).
    pub crack_width: f32,
    /// Spacing of the noise whose level sheets are the cracks (pixels).
    pub crack_spacing: f32,
    /// Share of particles above 12 pixels of radius that have internal voids.
    pub void_share: f32,
    /// Noise level above which a void opens; higher means fewer and smaller voids.
    pub void_level: f32,
    /// Sum of the distances to the two nearest particles below which binder bridges them (pixels).
    pub bridge: f32,
    /// Thickness of the binder coating per unit of patch noise (pixels).
    pub coating: f32,
    /// Spacing of the patch noise that makes bridges and coating uneven (pixels).
    pub patch_spacing: f32,
    /// Level of the agglomerate noise above which the pore fills with porous carbon.
    pub agglomerate_level: f32,
    /// Spacing of the fine pores inside the agglomerates (pixels).
    pub agglomerate_pore_spacing: f32,
    /// Mean thickness of the carbon web in wide pores (pixels).
    pub web_width: f32,
    /// Spacing of the noise whose level sheets are the web (pixels).
    pub web_spacing: f32,
    /// Mean share of the width that the electrode fills; beyond its free surface everything is pore.
    pub filled: f32,
    /// How far that share swings along z.
    pub filled_swing: f32,
    /// Period of the swing along z (pixels).
    pub filled_period: f32,
    /// Height of the free surface's waves (pixels).
    pub surface_wave: f32,
}

impl Default for PhantomConfig {
    /// The frozen electrode on which nets are trained and shown: 96 slices of 224 x 256.
    ///
    /// Inside the electrode nickel fills about half of space, averaged over seeds; the pore beyond the free
    /// surface comes on top. One electrode of this size holds few of the largest particles, so its own
    /// fractions lie up to 0.15 away.
    fn default() -> Self {
        Self {
            slices: 96,
            height: 224,
            width: 256,
            seed: 15,
            radius_min: 6.0,
            radius_max: 120.0,
            radius_median: 70.0,
            radius_spread: 1.0,
            packing: 0.55,
            overlap: 0.06,
            elongation: 0.14,
            lump_height: 1.1,
            lump_spacing: 3.5,
            undulation: 0.045,
            undulation_spacing: 10.0,
            density_spacing: 42.0,
            density_floor: -0.7,
            crack_radius: 26.0,
            crack_share: 0.5,
            crack_width: 1.8,
            crack_spacing: 18.0,
            void_share: 0.3,
            void_level: 2.1,
            bridge: 9.0,
            coating: 2.5,
            patch_spacing: 9.0,
            agglomerate_level: 0.95,
            agglomerate_pore_spacing: 5.0,
            web_width: 4.5,
            web_spacing: 12.0,
            filled: 0.8,
            filled_swing: 0.22,
            filled_period: 700.0,
            surface_wave: 25.0,
        }
    }
}

/// Most voxels of one electrode: bounds the particle list.
const MAX_VOXELS: u128 = 1 << 33;
/// Longest side of one electrode (pixels).
const MAX_SIDE: usize = 1 << 15;

impl PhantomConfig {
    /// Checks that sizes and geometry make sense.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let sides = [self.slices, self.height, self.width];
        if sides.contains(&0) {
            return Err(Error::invalid(
                "the phantom needs at least one slice, row and column; give sizes above 0",
            ));
        }
        let voxels: u128 = sides.iter().map(|&side| side as u128).product();
        if sides.iter().any(|&side| side > MAX_SIDE) || voxels > MAX_VOXELS {
            return Err(Error::invalid(format!(
                "the phantom may have at most {MAX_SIDE} pixels a side and {MAX_VOXELS} voxels; choose smaller sizes"
            )));
        }
        self.ranges().into_iter().try_for_each(|(name, value, low, high)| {
            if value >= low && value <= high {
                return Ok(());
            }
            Err(Error::invalid(format!(
                "phantom setting {name} is {value}; it must lie from {low} to {high}"
            )))
        })
    }

    /// Column of the electrode's free surface at row `y` of slice `z` (pixels).
    fn surface(&self, y: f32, z: f32) -> f32 {
        let phase = |n: u64| std::f32::consts::TAU * unit(mix(key(self.seed, salt::SURFACE) ^ n)) as f32;
        let turn = |x: f32, period: f32, n: u64| (std::f32::consts::TAU * x / period + phase(n)).sin();
        let swing = self.filled_swing * turn(z, self.filled_period, 1);
        let waves = turn(y + 0.7 * z, 181.0, 2) + 0.5 * turn(y - 0.9 * z, 67.0, 3);
        self.width as f32 * (self.filled + swing) + self.surface_wave * waves
    }

    /// Name, value, lowest and highest value of each geometry setting.
    fn ranges(&self) -> [(&'static str, f32, f32, f32); 30] {
        [
            ("filled", self.filled, 0.0, 2.0),
            ("filled_swing", self.filled_swing, 0.0, 1.0),
            ("filled_period", self.filled_period, 1.0, 1e6),
            ("surface_wave", self.surface_wave, 0.0, 1000.0),
            ("radius_min", self.radius_min, 3.0, 500.0),
            ("radius_max", self.radius_max, self.radius_min, 500.0),
            ("radius_median", self.radius_median, self.radius_min, self.radius_max),
            ("radius_spread", self.radius_spread, 0.0, 3.0),
            ("packing", self.packing, 0.0, 2.0),
            ("overlap", self.overlap, 0.0, 0.5),
            ("elongation", self.elongation, 0.0, 0.4),
            ("lump_height", self.lump_height, 0.0, 5.0),
            ("lump_spacing", self.lump_spacing, 1.0, 1000.0),
            ("undulation", self.undulation, 0.0, 0.2),
            ("undulation_spacing", self.undulation_spacing, 1.0, 1000.0),
            ("density_spacing", self.density_spacing, 1.0, 10_000.0),
            ("density_floor", self.density_floor, -10.0, 2.0),
            ("crack_radius", self.crack_radius, 0.0, 1000.0),
            ("crack_share", self.crack_share, 0.0, 1.0),
            ("crack_width", self.crack_width, 0.0, 20.0),
            ("crack_spacing", self.crack_spacing, 1.0, 1000.0),
            ("void_share", self.void_share, 0.0, 1.0),
            ("void_level", self.void_level, 0.0, 10.0),
            ("bridge", self.bridge, 0.0, 12.0),
            ("coating", self.coating, 0.0, 4.0),
            ("patch_spacing", self.patch_spacing, 1.0, 1000.0),
            ("agglomerate_level", self.agglomerate_level, -10.0, 10.0),
            ("agglomerate_pore_spacing", self.agglomerate_pore_spacing, 1.0, 1000.0),
            ("web_width", self.web_width, 0.0, 20.0),
            ("web_spacing", self.web_spacing, 1.0, 1000.0),
        ]
    }
}

/// One nickel particle: a slightly elongated ball before its surface is roughened.
#[derive(Clone, Debug)]
struct Particle {
    /// Centre x, y, z (pixels).
    centre: [f32; 3],
    radius: f32,
    /// Symmetric form xx, yy, zz, xy, xz, yz whose value is 1 at one radius from the centre.
    form: [f32; 6],
    /// Level of the crack noise at which this particle is cracked.
    crack: Option<f32>,
    voids: bool,
}

/// The particle packing of one electrode, from which any slice is computed on its own.
#[derive(Clone, Debug)]
pub struct Microstructure {
    cfg: PhantomConfig,
    particles: Vec<Particle>,
    /// For each run of [`BIN`] slices, the particles that can touch it, in ascending order.
    bins: Vec<Vec<u32>>,
}

/// Slices that share one list of particles.
const BIN: usize = 8;
/// Distance outside its surface within which a particle is felt by the binder (pixels).
const REACH: f32 = 14.0;
/// Trials for each particle before it is given up.
const TRIALS: u64 = 300;
/// Classes of particle size.
const SIZES: usize = 96;

mod salt {
    pub const DENSITY: u64 = 1;
    pub const LUMP: u64 = 2;
    pub const UNDULATION: u64 = 3;
    pub const PATCH: u64 = 4;
    pub const AGGLOMERATE: u64 = 5;
    pub const FINE_PORE: u64 = 6;
    pub const WEB: u64 = 7;
    pub const CRACK: u64 = 8;
    pub const RADIUS: u64 = 9;
    pub const PLACE: u64 = 10;
    pub const SHAPE: u64 = 11;
    pub const SURFACE: u64 = 12;
}

impl Microstructure {
    /// Packs the electrode: large particles first, each at the first free random place.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a size is zero or a setting is out of range.
    pub fn new(cfg: &PhantomConfig) -> Result<Self> {
        cfg.validate()?;
        let mut particles = Packing::new(cfg).fill(radii(cfg));
        particles.retain(|p| p.centre[0] + 0.5 * p.radius < cfg.surface(p.centre[1], p.centre[2]));
        let bins = slice_bins(cfg, &particles);
        Ok(Self { cfg: cfg.clone(), particles, bins })
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &PhantomConfig {
        &self.cfg
    }

    /// Number of nickel particles, those just outside the volume included.
    pub fn particle_count(&self) -> usize {
        self.particles.len()
    }

    /// Classes of slice `z` on the fine grid, row by row: 2 x height rows of 2 x width samples.
    ///
    /// A `z` at or beyond the last slice is answered too, but particles thin out there.
    pub fn labels_fine(&self, z: usize) -> Vec<u8> {
        let cfg = &self.cfg;
        let grid = Grid { height: cfg.height * FINE, width: cfg.width * FINE, step: 1.0 / FINE as f32 };
        let surfaces = self.surfaces(z, grid);
        let fields = Fields::new(cfg, z, grid);
        let mut labels = vec![PORE; grid.height * grid.width];
        let mut rows = Rows::new(grid.width);
        for (y, out) in labels.chunks_exact_mut(grid.width).enumerate() {
            rows.fill(&fields, y);
            let near = &surfaces[y * grid.width..(y + 1) * grid.width];
            let surface = cfg.surface(grid.position(y), z as f32);
            for (x, label) in out.iter_mut().enumerate() {
                let free = near[x].first >= 0.0 && grid.position(x) > surface;
                *label = if free { PORE } else { self.classify(&near[x], &rows.at(x)) };
            }
        }
        labels
    }

    /// Classes of slice `z` on the scan's grid, height x width, row by row.
    ///
    /// Each pixel takes the majority of its 2 x 2 fine samples; of two classes with two samples each, the one
    /// at the upper left wins, which favours no class.
    pub fn truth(&self, z: usize) -> Vec<u8> {
        majority(&self.labels_fine(z), self.cfg.width)
    }

    /// Classes of the whole electrode, slice after slice, computed on all cores.
    pub fn truth_volume(&self) -> Vec<u8> {
        let slices: Vec<Vec<u8>> = (0..self.cfg.slices).into_par_iter().map(|z| self.truth(z)).collect();
        slices.concat()
    }

    /// The two nearest particle surfaces of every fine sample.
    fn surfaces(&self, z: usize, grid: Grid) -> Vec<Near> {
        let cfg = &self.cfg;
        let lump = Plane::new(key(cfg.seed, salt::LUMP), cfg.lump_spacing, z, grid, Slope::None).full();
        let wave_key = key(cfg.seed, salt::UNDULATION);
        let wave = Plane::new(wave_key, cfg.undulation_spacing, z, grid, Slope::None).full();
        let rough = Rough { lump, wave, lump_height: cfg.lump_height, undulation: cfg.undulation };
        let mut near = vec![Near::FAR; grid.height * grid.width];
        for &index in self.bins.get(z / BIN).map_or(&[][..], Vec::as_slice) {
            stamp(&mut near, grid, z, index, &self.particles[index as usize], &rough);
        }
        near
    }

    /// Class of one fine sample.
    fn classify(&self, near: &Near, at: &Sample) -> u8 {
        if near.first < 0.0 { self.classify_solid(near, at) } else { self.classify_outside(near, at) }
    }

    /// Inside a particle: nickel, unless a seam, crack or void is here.
    fn classify_solid(&self, near: &Near, at: &Sample) -> u8 {
        let cfg = &self.cfg;
        if near.second < 0.0 && near.second - near.first < 0.9 * (at.patch + 0.8) {
            return CARBON;
        }
        let Some(particle) = self.particles.get(near.index as usize) else { return NICKEL };
        if let Some(level) = particle.crack {
            let distance = (at.crack - level).abs() / at.crack_slope.max(0.3 / cfg.crack_spacing);
            if distance < 0.5 * cfg.crack_width * (0.9 + 0.5 * at.patch).min(1.5) {
                return PORE;
            }
        }
        let open = particle.voids && near.first < -3.0 && at.void > cfg.void_level;
        if open { PORE } else { NICKEL }
    }

    /// Outside every particle: binder or pore.
    fn classify_outside(&self, near: &Near, at: &Sample) -> u8 {
        let cfg = &self.cfg;
        let bridge = near.first + near.second < cfg.bridge * (1.0 + 0.6 * at.patch);
        let coating = near.first < cfg.coating * at.patch;
        // Away from particles agglomerates are denser in the middle and fray into their fine pores.
        let agglomerate = at.agglomerate + 0.55 * at.fine_pore > cfg.agglomerate_level;
        let sheet = at.web.abs() / at.web_slope.max(0.3 / cfg.web_spacing);
        let open = (0.1 - 0.8 * at.density + 0.8 * at.agglomerate).clamp(0.0, 1.5);
        let web = sheet < 0.5 * cfg.web_width * open;
        if bridge || coating || agglomerate || web { CARBON } else { PORE }
    }
}

/// Majority of each 2 x 2 block of `fine`; `width` counts pixels of the result.
pub(super) fn majority(fine: &[u8], width: usize) -> Vec<u8> {
    let stride = width * FINE;
    let mut truth = Vec::with_capacity(fine.len() / (FINE * FINE));
    for rows in fine.chunks_exact(stride * FINE) {
        let (top, bottom) = rows.split_at(stride);
        truth.extend(
            top.chunks_exact(FINE)
                .zip(bottom.chunks_exact(FINE))
                .map(|(t, b)| vote([t[0], t[1], b[0], b[1]])),
        );
    }
    truth
}

/// The most frequent of four classes; the first one when two have two votes each.
fn vote(classes: [u8; 4]) -> u8 {
    let votes = |class: u8| classes.iter().filter(|&&other| other == class).count();
    let mut best = classes[0];
    for class in classes {
        if votes(class) > votes(best) {
            best = class;
        }
    }
    best
}

/// Signed distances (pixels, negative inside) to the two nearest particles, and the nearest one's number.
#[derive(Clone, Copy, Debug)]
struct Near {
    first: f32,
    second: f32,
    index: u32,
}

impl Near {
    const FAR: Self = Self { first: 1e3, second: 1e3, index: u32::MAX };

    fn offer(&mut self, distance: f32, index: u32) {
        if distance < self.first {
            *self = Self { first: distance, second: self.first, index };
        } else if distance < self.second {
            self.second = distance;
        }
    }
}

/// Surface roughness over one fine slice.
struct Rough {
    lump: Vec<f32>,
    wave: Vec<f32>,
    lump_height: f32,
    undulation: f32,
}

/// Enters one particle into the map of nearest surfaces.
fn stamp(near: &mut [Near], grid: Grid, z: usize, index: u32, particle: &Particle, rough: &Rough) {
    let [cx, cy, cz] = particle.centre;
    let [xx, yy, zz, xy, xz, yz] = particle.form;
    let radius = particle.radius;
    let bound = reach_of(particle, rough.lump_height, rough.undulation);
    let dz = z as f32 + 0.5 - cz;
    let wave_height = rough.undulation * radius;
    for y in grid.span(cy, bound, grid.height) {
        let dy = grid.position(y) - cy;
        let left = bound * bound - dz * dz - dy * dy;
        if left <= 0.0 {
            continue;
        }
        let (constant, linear) =
            (yy * dy * dy + zz * dz * dz + 2.0 * yz * dy * dz, 2.0 * (xy * dy + xz * dz));
        let row = y * grid.width;
        for x in grid.span(cx, left.sqrt(), grid.width) {
            let dx = grid.position(x) - cx;
            let form = ((xx * dx + linear) * dx + constant).max(0.0);
            let bump = rough.lump_height * rough.lump[row + x] + wave_height * rough.wave[row + x];
            near[row + x].offer((form.sqrt() - 1.0) * radius - bump, index);
        }
    }
}

/// Distance from its centre within which a particle matters (pixels): surface noise stays below 4 deviations.
fn reach_of(particle: &Particle, lump_height: f32, undulation: f32) -> f32 {
    let longest = particle.radius * 1.5;
    longest + 4.0 * (lump_height + undulation * particle.radius).min(0.1 * longest) + REACH
}

/// For each run of slices the particles that can touch it.
fn slice_bins(cfg: &PhantomConfig, particles: &[Particle]) -> Vec<Vec<u32>> {
    let mut bins = vec![Vec::new(); cfg.slices.div_ceil(BIN)];
    for (index, particle) in particles.iter().enumerate() {
        let bound = reach_of(particle, cfg.lump_height, cfg.undulation) + 1.0;
        let low = ((particle.centre[2] - bound).max(0.0) as usize) / BIN;
        let high = ((particle.centre[2] + bound).max(-1.0) / BIN as f32).floor();
        for bin in bins.iter_mut().take((high + 1.0) as usize).skip(low) {
            bin.push(index as u32);
        }
    }
    bins
}

/// Radii offered to the packing, largest first: each class of size gets its share of the log-normal volume.
///
/// Shares rather than free draws, because a few large particles hold most of the volume and chance would let
/// the nickel fraction swing from seed to seed.
fn radii(cfg: &PhantomConfig) -> Vec<f32> {
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
struct Packing<'a> {
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

    fn new(cfg: &'a PhantomConfig) -> Self {
        let (low, high) = Self::bounds(cfg);
        let cells = [0, 1, 2].map(|axis| ((high[axis] - low[axis]) / CELL).floor().max(1.0) as usize);
        let members = vec![Vec::new(); cells.iter().product()];
        Self { cfg, low, high, cells, members, placed: Vec::new() }
    }

    fn fill(mut self, radii: Vec<f32>) -> Vec<Particle> {
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

/// Noise of one slice that decides about binder, cracks and voids.
struct Fields {
    density: Plane,
    patch: Plane,
    agglomerate: Plane,
    fine_pore: Plane,
    void: Plane,
    web: [Plane; 4],
    crack: [Plane; 4],
}

impl Fields {
    fn new(cfg: &PhantomConfig, z: usize, grid: Grid) -> Self {
        let plane = |salt, spacing| Plane::new(key(cfg.seed, salt), spacing, z, grid, Slope::None);
        let sheet = |salt, spacing| {
            [Slope::None, Slope::X, Slope::Y, Slope::Z]
                .map(|s| Plane::new(key(cfg.seed, salt), spacing, z, grid, s))
        };
        Self {
            density: plane(salt::DENSITY, cfg.density_spacing),
            patch: plane(salt::PATCH, cfg.patch_spacing),
            agglomerate: plane(salt::AGGLOMERATE, 1.3 * cfg.patch_spacing),
            fine_pore: plane(salt::FINE_PORE, cfg.agglomerate_pore_spacing),
            void: plane(salt::LUMP, cfg.lump_spacing),
            web: sheet(salt::WEB, cfg.web_spacing),
            crack: sheet(salt::CRACK, cfg.crack_spacing),
        }
    }

    fn planes(&self) -> impl Iterator<Item = &Plane> {
        let single = [&self.density, &self.patch, &self.agglomerate, &self.fine_pore, &self.void];
        single.into_iter().chain(&self.web).chain(&self.crack)
    }
}

/// One row of each plane of [`Fields`], in the order of `planes`.
struct Rows([Vec<f32>; 13]);

/// What the noise fields say about one fine sample.
struct Sample {
    density: f32,
    patch: f32,
    agglomerate: f32,
    fine_pore: f32,
    void: f32,
    web: f32,
    web_slope: f32,
    crack: f32,
    crack_slope: f32,
}

impl Rows {
    fn new(width: usize) -> Self {
        Self(std::array::from_fn(|_| vec![0.0; width]))
    }

    fn fill(&mut self, fields: &Fields, y: usize) {
        for (row, plane) in self.0.iter_mut().zip(fields.planes()) {
            plane.row(y, row);
        }
    }

    fn at(&self, x: usize) -> Sample {
        let v = |field: usize| self.0[field][x];
        let steepness =
            |first: usize| (first..first + 3).map(|field| v(field) * v(field)).sum::<f32>().sqrt();
        Sample {
            density: v(0),
            patch: v(1),
            agglomerate: v(2),
            fine_pore: v(3),
            void: v(4),
            web: v(5),
            web_slope: steepness(6),
            crack: v(9),
            crack_slope: steepness(10),
        }
    }
}

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
    fn position(self, index: usize) -> f32 {
        (index as f32 + 0.5) * self.step
    }

    /// Samples whose middle lies within `half` of `centre`, cut to `0..count`.
    fn span(self, centre: f32, half: f32, count: usize) -> std::ops::Range<usize> {
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
fn noise(random: u64, spacing: f32, point: [f32; 3]) -> f32 {
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
fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

/// A hash as a nearly normal number (sum of four uniform ones), free of platform-dependent functions.
pub(crate) fn normal(hash: u64) -> f64 {
    let sum: u64 = (0..4).map(|part| (hash >> (16 * part)) & 0xFFFF).sum();
    (sum as f64 / 65_535.0 - 2.0) * 3f64.sqrt()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    fn electrode(slices: usize, height: usize, width: usize, seed: u64) -> Microstructure {
        Microstructure::new(&PhantomConfig { slices, height, width, seed, ..Default::default() }).unwrap()
    }

    fn shares(classes: &[u8]) -> [f64; 3] {
        [PORE, CARBON, NICKEL].map(|class| {
            classes.iter().filter(|&&other| other == class).count() as f64 / classes.len() as f64
        })
    }

    #[test]
    fn any_slice_is_the_same_in_any_order() {
        let (one, two) = (electrode(20, 33, 47, 3), electrode(20, 33, 47, 3));
        let forward: Vec<_> = (0..20).map(|z| one.labels_fine(z)).collect();
        let backward: Vec<_> = (0..20).into_par_iter().rev().map(|z| two.labels_fine(z)).collect();
        assert!(forward.iter().eq(backward.iter().rev()));
        assert_eq!(one.truth_volume()[33 * 47 * 7..33 * 47 * 8], two.truth(7));
        assert_ne!(forward[7], electrode(20, 33, 47, 4).labels_fine(7));
    }

    #[test]
    fn the_default_electrode_keeps_its_targets_and_is_mixed() {
        let m = Microstructure::new(&PhantomConfig::default()).unwrap();
        let slices: Vec<_> = (0..96).step_by(8).map(|z| m.truth(z)).collect();
        let [pore, carbon, nickel] = shares(&slices.concat());
        assert!((nickel - 0.50).abs() < 0.08 && (carbon - 0.18).abs() < 0.05, "{pore} {carbon} {nickel}");
        let patch = |slice: &Vec<u8>, at: usize| {
            let (top, left) = (at / 4 * 56, at % 4 * 64);
            let rows = (top..top + 56).flat_map(|y| slice[y * 256 + left..][..64].to_vec());
            shares(&rows.collect::<Vec<_>>())[2]
        };
        let nickel: Vec<f64> = slices.iter().flat_map(|s| (0..16).map(|at| patch(s, at))).collect();
        assert!(nickel.iter().any(|&share| share > 0.95) && nickel.iter().any(|&share| share < 0.1));
    }

    #[test]
    fn neighbouring_slices_resemble_each_other() {
        let m = electrode(40, 96, 96, 5);
        let differ = |a: usize, b: usize| {
            let (a, b) = (m.truth(a), m.truth(b));
            a.iter().zip(&b).filter(|(p, q)| p != q).count()
        };
        assert!(differ(10, 11) * 2 < differ(10, 35), "{} {}", differ(10, 11), differ(10, 35));
    }

    #[test]
    fn parameters_are_frozen() {
        // Nets are trained on this very electrode: a change here makes them and their figures worthless.
        let m = Microstructure::new(&PhantomConfig { slices: 24, ..Default::default() }).unwrap();
        let now = shares(&[m.truth(2), m.truth(12), m.truth(21)].concat());
        let frozen = [0.330_6, 0.223_9, 0.445_6];
        assert!(now.iter().zip(frozen).all(|(a, b): (&f64, f64)| (a - b).abs() < 0.002), "{now:?}");
    }

    #[test]
    fn ties_go_to_the_upper_left() {
        assert_eq!(majority(&[2, 0, 0, 2], 1), [2]);
        assert_eq!(majority(&[1, 2, 0, 2], 1), [2]);
        assert_eq!(majority(&[0, 0, 1, 1, 0, 2, 2, 1], 2), [0, 1]);
    }

    #[test]
    fn point_noise_is_plane_noise_of_unit_deviation() {
        let grid = Grid { height: 120, width: 130, step: 0.5 };
        let plane = Plane::new(9, 2.5, 4, grid, Slope::None).full();
        let at = |x: usize, y: usize| [(x as f32 + 0.5) * 0.5, (y as f32 + 0.5) * 0.5, 4.5];
        assert!((plane[71 * 130 + 93] - noise(9, 2.5, at(93, 71))).abs() < 1e-4);
        let variance = plane.iter().map(|v| v * v).sum::<f32>() / plane.len() as f32;
        assert!((variance - 1.0).abs() < 0.25, "{variance}");
        let slope = Plane::new(9, 2.5, 4, grid, Slope::X).full()[71 * 130 + 93];
        let change = plane[71 * 130 + 94] - plane[71 * 130 + 92];
        assert!((slope - change).abs() < 0.1, "{slope} {change}");
    }

    #[test]
    fn bad_settings_are_refused() {
        let bad = |cfg: &PhantomConfig| matches!(Microstructure::new(cfg), Err(Error::Invalid(_)));
        let base = PhantomConfig::default();
        assert!(bad(&PhantomConfig { slices: 0, ..base.clone() }));
        assert!(bad(&PhantomConfig { height: 0, ..base.clone() }));
        assert!(bad(&PhantomConfig { width: usize::MAX, ..base.clone() }));
        assert!(bad(&PhantomConfig { radius_min: 0.0, ..base.clone() }));
        assert!(bad(&PhantomConfig { web_width: f32::NAN, ..base.clone() }));
        assert!(bad(&PhantomConfig { radius_max: 4.0, ..base }));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn any_size_gives_three_classes(slices in 1usize..4, h in 1usize..50, w in 1usize..50, seed: u64) {
            let m = electrode(slices, h, w, seed);
            for z in [0, slices - 1, slices + 3] {
                let (fine, truth) = (m.labels_fine(z), m.truth(z));
                prop_assert_eq!((fine.len(), truth.len()), (4 * h * w, h * w));
                prop_assert!(fine.iter().chain(&truth).all(|&class| class <= NICKEL));
            }
        }
    }
}
