//! Sizes of a phase's particles: its connected parts, as spheres of equal volume.

use serde::Serialize;

use super::components::Component;

/// Bars of the histogram.
const BARS: usize = 20;

/// Sizes of a phase's particles. Touching particles are one; those that touch the volume's outside are
/// counted, but not measured, for what lies outside is not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Particles {
    /// Particles within the volume, which the figures below describe.
    pub inside: u64,
    /// Particles that touch the volume's outside.
    pub touching_boundary: u64,
    /// Part of the phase's volume in particles inside.
    pub inside_volume: f64,
    /// Mean equivalent diameter.
    pub mean: Option<f64>,
    /// Diameters below which 10, 50 and 90 % of the particles are, by number.
    pub by_number: Option<[f64; 3]>,
    /// The same by volume.
    pub by_volume: Option<[f64; 3]>,
    /// Bars of equal width in the logarithm of the diameter.
    pub histogram: Vec<Bar>,
}

/// Particles with diameters from `from` to below `to`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bar {
    /// Lower end.
    pub from: f64,
    /// Upper end.
    pub to: f64,
    /// Particles inside the volume.
    pub inside: u64,
    /// Particles that touch its outside, by what is seen of them.
    pub touching_boundary: u64,
}

/// Diameter of the sphere that has the volume of `voxels` voxels of volume `voxel`.
pub fn equivalent_diameter(voxels: u64, voxel: f64) -> f64 {
    (6.0 / std::f64::consts::PI * voxels as f64 * voxel).cbrt()
}

impl Particles {
    /// The particles of `phase` among `components`, for voxels of volume `voxel`.
    pub(super) fn of(components: &[Component], phase: u8, voxel: f64) -> Self {
        let mine = || components.iter().filter(|c| c.phase == phase);
        let mut inside: Vec<u64> = mine().filter(|c| !c.touches_boundary()).map(|c| c.voxels).collect();
        inside.sort_unstable();
        let touching: Vec<u64> = mine().filter(|c| c.touches_boundary()).map(|c| c.voxels).collect();
        let [within, outside] = [&inside, &touching].map(|v| v.iter().sum::<u64>());
        let diameters: Vec<f64> = inside.iter().map(|v| equivalent_diameter(*v, voxel)).collect();
        let ones = vec![1; inside.len()];
        Self {
            inside: inside.len() as u64,
            touching_boundary: touching.len() as u64,
            inside_volume: within as f64 / (within + outside).max(1) as f64,
            mean: (!inside.is_empty()).then(|| diameters.iter().sum::<f64>() / diameters.len() as f64),
            by_number: percentiles(&diameters, &ones),
            by_volume: percentiles(&diameters, &inside),
            histogram: histogram(&inside, &touching, voxel),
        }
    }
}

/// The sorted values below which 10, 50 and 90 % of the weight is.
fn percentiles(values: &[f64], weights: &[u64]) -> Option<[f64; 3]> {
    let total = weights.iter().sum::<u64>() as f64;
    let at = |part: f64| {
        let mut sum = 0;
        let reached = |w: &u64| {
            sum += w;
            sum as f64 >= part * total
        };
        weights.iter().position(reached).map(|i| values[i])
    };
    Some([at(0.1)?, at(0.5)?, at(0.9)?])
}

fn histogram(inside: &[u64], touching: &[u64], voxel: f64) -> Vec<Bar> {
    let all = || inside.iter().chain(touching).map(|v| equivalent_diameter(*v, voxel));
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max) * (1.0 + 1e-9));
    if high <= 0.0 {
        return Vec::new();
    }
    let step = (high / low).ln() / BARS as f64;
    let edge = |i: usize| low * (step * i as f64).exp();
    let place = |v: u64| (((equivalent_diameter(v, voxel) / low).ln() / step) as usize).min(BARS - 1);
    let bar = |i| Bar { from: edge(i), to: edge(i + 1), inside: 0, touching_boundary: 0 };
    let mut bars: Vec<Bar> = (0..BARS).map(bar).collect();
    inside.iter().for_each(|v| bars[place(*v)].inside += 1);
    touching.iter().for_each(|v| bars[place(*v)].touching_boundary += 1);
    bars
}
