//! Distance of every fine sample to the two nearest particle surfaces.

use super::PhantomConfig;
use super::noise::Grid;
use super::packing::Particle;

/// Slices that share one list of particles.
pub(super) const BIN: usize = 8;
/// Distance outside its surface within which a particle is felt by the binder (pixels).
const REACH: f32 = 14.0;

/// Signed distances (pixels, negative inside) to the two nearest particles, and the nearest one's number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Near {
    pub(super) first: f32,
    pub(super) second: f32,
    pub(super) index: u32,
}

impl Near {
    pub(super) const FAR: Self = Self { first: 1e3, second: 1e3, index: u32::MAX };

    fn offer(&mut self, distance: f32, index: u32) {
        if distance < self.first {
            *self = Self { first: distance, second: self.first, index };
        } else if distance < self.second {
            self.second = distance;
        }
    }
}

/// Surface roughness over one fine slice.
pub(super) struct Rough {
    pub(super) lump: Vec<f32>,
    pub(super) wave: Vec<f32>,
    pub(super) lump_height: f32,
    pub(super) undulation: f32,
}

/// Enters one particle into the map of nearest surfaces.
pub(super) fn stamp(near: &mut [Near], grid: Grid, z: usize, index: u32, particle: &Particle, rough: &Rough) {
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
pub(super) fn slice_bins(cfg: &PhantomConfig, particles: &[Particle]) -> Vec<Vec<u32>> {
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
