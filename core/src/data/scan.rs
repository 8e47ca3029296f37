//! The simulated scan: from exact classes to a grey slice such as a nano-CT gives.
//!
//! In this order: mean grey of the fine classes in each pixel (partial volume), grain texture, blur, cupping,
//! large-scale shading, rings, correlated noise that grows with the signal, and one fixed 8-bit scale.
//! All of it is a function of place, slice number and seed, so any slice can be made on its own.

use serde::{Deserialize, Serialize};

use super::phantom::{CARBON, FINE, Grid, Microstructure, Plane, Slope, key, mix, node, normal};

/// What the simulated scanner adds to the classes. Grey values are those of the 8-bit result, 0 to 255.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScanConfig {
    /// Seed of noise, rings and shading.
    pub seed: u64,
    /// Grey of pure pore.
    pub pore: f32,
    /// Grey of pure carbon-binder.
    pub carbon: f32,
    /// Grey of pure nickel material.
    pub nickel: f32,
    /// Standard deviation of the Gaussian point spread (pixels).
    pub psf_sigma: f32,
    /// Standard deviation of the noise in pure pore (grey).
    pub noise_sigma: f32,
    /// Weight of each direct neighbour in a pixel's noise, relative to its own; 0 is white noise.
    pub noise_correlation: f32,
    /// Growth of the noise variance from pure pore to pure nickel, as a share (counting statistics).
    pub signal_noise: f32,
    /// Grain texture of the solid: relative change of the signal above pore (one standard deviation).
    pub texture: f32,
    /// Lattice spacing of the grain texture (pixels).
    pub texture_spacing: f32,
    /// Mottle of the carbon-binder, whose own pores the scan hardly resolves (grey, one standard deviation
    /// before the blur).
    pub mottle: f32,
    /// Lattice spacing of the mottle (pixels).
    pub mottle_spacing: f32,
    /// Typical strength of the ring artefacts (grey); few rings are several times as strong.
    pub ring_amplitude: f32,
    /// Slices over which a ring fades into another.
    pub ring_drift: f32,
    /// Share of the signal lost at the slice centre by beam hardening.
    pub cupping: f32,
    /// Standard deviation of the large-scale shading (grey).
    pub shading: f32,
    /// Lattice spacing of the shading (pixels).
    pub shading_spacing: f32,
}

impl Default for ScanConfig {
    /// The frozen scanner on which nets are trained and shown.
    fn default() -> Self {
        Self {
            seed: 1,
            pore: 66.0,
            carbon: 74.0,
            nickel: 168.0,
            psf_sigma: 0.9,
            noise_sigma: 11.0,
            noise_correlation: 0.15,
            signal_noise: 0.3,
            texture: 0.09,
            texture_spacing: 4.5,
            mottle: 22.0,
            mottle_spacing: 1.6,
            ring_amplitude: 2.0,
            ring_drift: 120.0,
            cupping: 0.06,
            shading: 4.0,
            shading_spacing: 40.0,
        }
    }
}

/// One slice of the phantom: what the scanner shows and what is really there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhantomSlice {
    /// Grey values 0 to 255, height x width, row by row.
    pub grey: Vec<u8>,
    /// Classes 0 pore, 1 carbon-binder, 2 nickel; height x width, row by row.
    pub truth: Vec<u8>,
}

/// Slice `z` of the electrode with its truth.
pub fn phantom_slice(electrode: &Microstructure, cfg: &ScanConfig, z: usize) -> PhantomSlice {
    let (height, width) = (electrode.config().height, electrode.config().width);
    let fine = electrode.labels_fine(z);
    let grey = simulate(&fine, height * FINE, width * FINE, FINE, z, cfg);
    PhantomSlice { grey, truth: super::phantom::majority(&fine, width) }
}

/// Scans slice `z` of classes given on a grid `factor` times finer than the result, row by row.
///
/// The result has `fine_h / factor` rows and `fine_w / factor` columns; a remainder is left out, and a
/// `factor` of 0 means 1. Classes above 2 look like nickel and classes missing at the end of `fine` like
/// pore; neither panics.
pub fn simulate(
    fine: &[u8],
    fine_h: usize,
    fine_w: usize,
    factor: usize,
    z: usize,
    cfg: &ScanConfig,
) -> Vec<u8> {
    let factor = factor.max(1);
    let grid = Grid { height: fine_h / factor, width: fine_w / factor, step: 1.0 };
    if grid.height == 0 || grid.width == 0 {
        return Vec::new();
    }
    let mut signal = partial_volume(fine, fine_w, factor, grid, cfg);
    add_texture(&mut signal, z, grid, cfg);
    add_mottle(&mut signal, fine, fine_w, factor, z, grid, cfg);
    blur(&mut signal, grid, &gaussian(cfg.psf_sigma));
    let noise = correlated_noise(z, grid, cfg);
    let shading = Plane::new(key(cfg.seed, SHADING), cfg.shading_spacing.max(1.0), z, grid, Slope::None);
    let rings = ring_profile(z, grid, cfg);
    let mut shade = vec![0.0; grid.width];
    let mut grey = Vec::with_capacity(signal.len());
    for y in 0..grid.height {
        shading.row(y, &mut shade);
        for (x, &shade) in shade.iter().enumerate() {
            let at = y * grid.width + x;
            let radius = radius(x, y, grid);
            let artefacts = cup(radius, grid, cfg) * signal[at] + ring(&rings, radius) + cfg.shading * shade;
            let value = artefacts + noise_gain(signal[at], cfg) * noise[at];
            grey.push(value.round().clamp(0.0, 255.0) as u8);
        }
    }
    grey
}

const NOISE: u64 = 101;
const RING: u64 = 102;
const SHADING: u64 = 103;
const TEXTURE: u64 = 104;
const MOTTLE: u64 = 105;

/// Mean grey of the fine classes in each pixel.
fn partial_volume(fine: &[u8], fine_w: usize, factor: usize, grid: Grid, cfg: &ScanConfig) -> Vec<f32> {
    let levels = [cfg.pore, cfg.carbon, cfg.nickel];
    let mut sums = vec![0.0; grid.height * grid.width];
    for (y, row) in fine.chunks_exact(fine_w).take(grid.height * factor).enumerate() {
        let out = &mut sums[y / factor * grid.width..][..grid.width];
        for (sum, classes) in out.iter_mut().zip(row.chunks_exact(factor)) {
            *sum += classes.iter().map(|&class| levels[usize::from(class.min(2))] - cfg.pore).sum::<f32>();
        }
    }
    let share = 1.0 / (factor * factor) as f32;
    sums.iter_mut().for_each(|sum| *sum = cfg.pore + *sum * share);
    sums
}

/// Grains of different density: the signal above pore varies smoothly by a few percent.
fn add_texture(signal: &mut [f32], z: usize, grid: Grid, cfg: &ScanConfig) {
    let plane = Plane::new(key(cfg.seed, TEXTURE), cfg.texture_spacing.max(1.0), z, grid, Slope::None);
    let mut texture = vec![0.0; grid.width];
    for (y, row) in signal.chunks_exact_mut(grid.width).enumerate() {
        plane.row(y, &mut texture);
        for (value, texture) in row.iter_mut().zip(&texture) {
            *value += cfg.texture * texture * (*value - cfg.pore);
        }
    }
}

/// The carbon-binder is a porous body itself: it shows as a mottle about nearly the grey of pore, so that
/// it is told from pore by its texture more than by its grey, as in real scans.
fn add_mottle(
    signal: &mut [f32],
    fine: &[u8],
    fine_w: usize,
    factor: usize,
    z: usize,
    grid: Grid,
    cfg: &ScanConfig,
) {
    let plane = Plane::new(key(cfg.seed, MOTTLE), cfg.mottle_spacing.max(1.0), z, grid, Slope::None);
    let mut mottle = vec![0.0; grid.width];
    let share = cfg.mottle / (factor * factor) as f32;
    for (y, rows) in fine.chunks_exact(fine_w * factor).take(grid.height).enumerate() {
        plane.row(y, &mut mottle);
        for row in rows.chunks_exact(fine_w) {
            let out = &mut signal[y * grid.width..][..grid.width];
            for ((value, mottle), classes) in out.iter_mut().zip(&mottle).zip(row.chunks_exact(factor)) {
                let carbon = classes.iter().filter(|c| **c == CARBON).count() as f32;
                *value += share * carbon * mottle;
            }
        }
    }
}

/// Right half of a Gaussian kernel, from the middle on, with unit sum over both halves.
fn gaussian(sigma: f32) -> Vec<f32> {
    if sigma.is_nan() || sigma <= 0.0 {
        return vec![1.0];
    }
    let reach = (3.0 * sigma).ceil().min(64.0) as usize;
    let half: Vec<f32> = (0..=reach).map(|k| (-0.5 * (k as f32 / sigma).powi(2)).exp()).collect();
    let sum = 2.0 * half.iter().sum::<f32>() - half[0];
    half.into_iter().map(|w| w / sum).collect()
}

/// Blurs rows, then columns, with a symmetric kernel; the border pixel is repeated outside.
fn blur(image: &mut [f32], grid: Grid, half: &[f32]) {
    let reach = half.len() - 1;
    if reach == 0 {
        return;
    }
    let mut line = vec![0.0; grid.width + 2 * reach];
    for row in image.chunks_exact_mut(grid.width) {
        line[..reach].fill(row[0]);
        line[reach..reach + grid.width].copy_from_slice(row);
        line[reach + grid.width..].fill(row[grid.width - 1]);
        for (x, value) in row.iter_mut().enumerate() {
            let pair = |k: usize| half[k] * (line[x + reach - k] + line[x + reach + k]);
            *value = half[0] * line[x + reach] + (1..=reach).map(pair).sum::<f32>();
        }
    }
    blur_columns(image, grid, half);
}

/// The second half of [`blur`], a row at a time so that memory is read in order.
fn blur_columns(image: &mut [f32], grid: Grid, half: &[f32]) {
    let before = image.to_vec();
    let last = grid.height - 1;
    for (y, out) in image.chunks_exact_mut(grid.width).enumerate() {
        out.fill(0.0);
        let mut add = |row: usize, weight: f32| {
            let source = &before[row * grid.width..][..grid.width];
            out.iter_mut().zip(source).for_each(|(sum, value)| *sum += weight * value);
        };
        add(y, half[0]);
        for (k, &weight) in half.iter().enumerate().skip(1) {
            add(y.saturating_sub(k), weight);
            add((y + k).min(last), weight);
        }
    }
}

/// Noise of unit deviation in which each pixel shares a part with its direct neighbours.
fn correlated_noise(z: usize, grid: Grid, cfg: &ScanConfig) -> Vec<f32> {
    let random = mix(key(cfg.seed, NOISE).wrapping_add(z as u64));
    // One pixel of margin keeps the deviation the same up to the border.
    let padded = Grid { height: grid.height + 2, width: grid.width + 2, step: 1.0 };
    let count = padded.height * padded.width;
    let mut noise: Vec<f32> = (0..count).map(|at| normal(mix(random ^ ((at as u64) << 1))) as f32).collect();
    let side = cfg.noise_correlation.clamp(0.0, 1.0);
    let length = (1.0 + 2.0 * side * side).sqrt();
    blur(&mut noise, padded, &[1.0 / length, side / length]);
    let rows = noise.chunks_exact(padded.width).skip(1).take(grid.height);
    rows.flat_map(|row| row[1..=grid.width].iter().copied()).collect()
}

/// Standard deviation of the noise where the blurred signal is `signal` (grey).
fn noise_gain(signal: f32, cfg: &ScanConfig) -> f32 {
    let range = (cfg.nickel - cfg.pore).abs().max(1.0);
    cfg.noise_sigma * (1.0 + cfg.signal_noise * (signal - cfg.pore) / range).max(0.0).sqrt()
}

/// Distance of a pixel from the middle of the slice (pixels).
fn radius(x: usize, y: usize, grid: Grid) -> f32 {
    let dx = x as f32 + 0.5 - 0.5 * grid.width as f32;
    let dy = y as f32 + 0.5 - 0.5 * grid.height as f32;
    (dx * dx + dy * dy).sqrt()
}

/// Share of the signal left at this distance from the middle; all of it in the corners.
fn cup(radius: f32, grid: Grid, cfg: &ScanConfig) -> f32 {
    let square = 0.25 * (grid.width * grid.width + grid.height * grid.height) as f32;
    1.0 - cfg.cupping * (1.0 - radius * radius / square)
}

/// Grey added by the rings at each whole radius; the cube of a uniform number makes few of them strong.
fn ring_profile(z: usize, grid: Grid, cfg: &ScanConfig) -> Vec<f32> {
    let random = key(cfg.seed, RING);
    let age = z as f32 / cfg.ring_drift.max(1.0);
    let (epoch, share) = (age.floor().min(1e9) as i32, age - age.floor());
    // sqrt(7) gives the cube of a uniform number in -1..1 unit deviation.
    let at = |ring: i32, epoch: i32| node(random, [ring, epoch, 0]).powi(3) * 7f32.sqrt();
    let last = grid.width.max(grid.height) as i32 + 2;
    let drift = |ring| (1.0 - share) * at(ring, epoch) + share * at(ring, epoch + 1);
    (0..last).map(|ring| cfg.ring_amplitude * drift(ring)).collect()
}

/// The ring profile between whole radii.
fn ring(profile: &[f32], radius: f32) -> f32 {
    let inner = (radius as usize).min(profile.len() - 2);
    let share = radius - inner as f32;
    (1.0 - share) * profile[inner] + share * profile[inner + 1]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::phantom::PhantomConfig;
    use super::*;

    fn mean(grey: &[u8]) -> f64 {
        grey.iter().map(|&g| f64::from(g)).sum::<f64>() / grey.len() as f64
    }

    fn deviation(grey: &[u8]) -> f64 {
        let mean = mean(grey);
        (grey.iter().map(|&g| (f64::from(g) - mean).powi(2)).sum::<f64>() / grey.len() as f64).sqrt()
    }

    /// A scanner that only averages and rounds.
    fn ideal() -> ScanConfig {
        ScanConfig {
            psf_sigma: 0.0,
            noise_sigma: 0.0,
            texture: 0.0,
            mottle: 0.0,
            ring_amplitude: 0.0,
            cupping: 0.0,
            shading: 0.0,
            ..ScanConfig::default()
        }
    }

    #[test]
    fn slices_are_deterministic_and_match_their_parts() {
        let m =
            Microstructure::new(&PhantomConfig { slices: 9, height: 33, width: 47, ..Default::default() })
                .unwrap();
        let cfg = ScanConfig::default();
        let late = phantom_slice(&m, &cfg, 8);
        let early = phantom_slice(&m, &cfg, 0);
        assert_eq!(late, phantom_slice(&m, &cfg, 8));
        assert_eq!(late.truth, m.truth(8));
        assert_eq!(late.grey, simulate(&m.labels_fine(8), 66, 94, 2, 8, &cfg));
        assert_ne!(late.grey, early.grey);
        assert_ne!(late.grey, phantom_slice(&m, &ScanConfig { seed: 2, ..cfg }, 8).grey);
    }

    #[test]
    fn partial_volume_is_the_mean_grey() {
        let cfg = ScanConfig { pore: 40.0, carbon: 80.0, nickel: 160.0, ..ideal() };
        assert_eq!(simulate(&[0, 1, 2], 1, 3, 1, 0, &cfg), [40, 80, 160]);
        assert_eq!(simulate(&[0, 0, 2, 2, 1, 1, 2, 0], 2, 4, 2, 0, &cfg), [60, 130]);
    }

    #[test]
    fn a_blurred_edge_keeps_its_mean_and_a_flat_image_its_grey() {
        let cfg = ScanConfig { psf_sigma: 2.0, ..ideal() };
        assert!(simulate(&[2; 400], 20, 20, 1, 0, &cfg).iter().all(|&g| g == 168));
        let edge: Vec<u8> = (0..400).map(|at| if at % 20 < 10 { 0 } else { 2 }).collect();
        assert!((mean(&simulate(&edge, 20, 20, 1, 0, &cfg)) - 117.0).abs() < 0.6);
    }

    #[test]
    fn noise_has_the_stated_deviation_and_grows_with_the_signal() {
        let cfg = ScanConfig { noise_sigma: 10.0, signal_noise: 1.0, ..ideal() };
        let pore = deviation(&simulate(&[0; 10_000], 100, 100, 1, 0, &cfg));
        let nickel = deviation(&simulate(&[2; 10_000], 100, 100, 1, 0, &cfg));
        assert!((pore - 10.0).abs() < 0.5 && (nickel - 14.14).abs() < 0.7, "{pore} {nickel}");
    }

    #[test]
    fn rings_persist_and_cupping_darkens_the_middle() {
        let cfg = ScanConfig { ring_amplitude: 8.0, ..ideal() };
        let scan = |z| simulate(&[1; 6400], 80, 80, 1, z, &cfg);
        let apart =
            |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(&p, &q)| f64::from(p.abs_diff(q))).sum::<f64>();
        assert!(deviation(&scan(0)) > 2.0);
        assert!(apart(&scan(0), &scan(1)) * 10.0 < apart(&scan(0), &scan(400)));
        let cupped = simulate(&[2; 6400], 80, 80, 1, 0, &ScanConfig { cupping: 0.2, ..ideal() });
        assert!(cupped[40 * 80 + 40] < 136 && cupped[0] > 166);
    }

    #[test]
    fn odd_input_does_not_panic() {
        let cfg = ScanConfig::default();
        assert_eq!(simulate(&[9, 255, 3, 2], 2, 2, 1, 0, &ideal()), [168; 4]);
        assert_eq!(simulate(&[1; 35], 5, 7, 2, usize::MAX, &cfg).len(), 6);
        assert_eq!(simulate(&[], 6, 6, 1, 0, &cfg).len(), 36);
        assert_eq!(simulate(&[1], 1, 1, 0, 0, &cfg).len(), 1);
        assert_eq!(simulate(&[1], 1, 1, 3, 0, &cfg).len(), 0);
        assert_eq!(simulate(&[], 0, 5, 1, 0, &cfg).len(), 0);
    }

    #[test]
    fn the_scanner_is_frozen() {
        // Nets are trained on these very grey values: a change here makes them and their figures worthless.
        let fine: Vec<u8> = (0..128 * 128).map(|at| (at % 128 / 43) as u8).collect();
        let grey = simulate(&fine, 128, 128, 2, 5, &ScanConfig::default());
        let (mean, deviation) = (mean(&grey), deviation(&grey));
        assert!((mean - 101.335).abs() < 0.05 && (deviation - 45.863).abs() < 0.05, "{mean} {deviation}");
    }
}
