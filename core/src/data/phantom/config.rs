//! Size, seed and geometry of the simulated electrode.

use super::noise::{key, mix, unit};
use super::salt;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

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
    pub(super) fn surface(&self, y: f32, z: f32) -> f32 {
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
