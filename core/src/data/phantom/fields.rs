//! The noise of one slice that decides about binder, cracks and voids.

use super::PhantomConfig;
use super::noise::{Grid, Plane, Slope, key};
use super::salt;

/// Noise of one slice that decides about binder, cracks and voids.
pub(super) struct Fields {
    density: Plane,
    patch: Plane,
    agglomerate: Plane,
    fine_pore: Plane,
    void: Plane,
    web: [Plane; 4],
    crack: [Plane; 4],
}

impl Fields {
    pub(super) fn new(cfg: &PhantomConfig, z: usize, grid: Grid) -> Self {
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
pub(super) struct Rows([Vec<f32>; 13]);

/// What the noise fields say about one fine sample.
pub(super) struct Sample {
    pub(super) density: f32,
    pub(super) patch: f32,
    pub(super) agglomerate: f32,
    pub(super) fine_pore: f32,
    pub(super) void: f32,
    pub(super) web: f32,
    pub(super) web_slope: f32,
    pub(super) crack: f32,
    pub(super) crack_slope: f32,
}

impl Rows {
    pub(super) fn new(width: usize) -> Self {
        Self(std::array::from_fn(|_| vec![0.0; width]))
    }

    pub(super) fn fill(&mut self, fields: &Fields, y: usize) {
        for (row, plane) in self.0.iter_mut().zip(fields.planes()) {
            plane.row(y, row);
        }
    }

    pub(super) fn at(&self, x: usize) -> Sample {
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
