//! The simulated battery electrode ("phantom"): an NMC cathode whose truth is known exactly.
//!
//! A packing of polydisperse, lumpy nickel particles (some cracked, some with voids) is bound by carbon at
//! contacts, as a patchy coating, as porous agglomerates and as a fine web in the wide pores. Everything is a
//! function of position and seed: a slice needs no other slice, and memory holds the particle list only.
//! Lengths are scan pixels; voxels are cubes, so a slice is one pixel thick.

mod config;
mod fields;
mod noise;
mod packing;
mod surface;
#[cfg(test)]
mod tests;
mod vote;

use crate::error::Result;
use fields::{Fields, Rows, Sample};
use packing::{Packing, Particle, radii};
use rayon::prelude::*;
use surface::{BIN, Near, Rough, slice_bins, stamp};

pub use config::PhantomConfig;
pub(crate) use noise::{Grid, Plane, Slope, key, mix, node, normal};
pub(super) use vote::majority;

/// Class of pore space.
pub const PORE: u8 = 0;
/// Class of carbon-binder.
pub const CARBON: u8 = 1;
/// Class of the nickel-rich active material.
pub const NICKEL: u8 = 2;

/// Fine samples along each in-plane side of one scan pixel.
pub const FINE: usize = 2;

/// The particle packing of one electrode, from which any slice is computed on its own.
#[derive(Clone, Debug)]
pub struct Microstructure {
    cfg: PhantomConfig,
    particles: Vec<Particle>,
    /// For each run of [`BIN`] slices, the particles that can touch it, in ascending order.
    bins: Vec<Vec<u32>>,
}

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
