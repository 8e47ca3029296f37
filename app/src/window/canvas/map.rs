//! Colour maps.

use egui::Color32;

/// Polynomial fit of magma (perceptually even, from black to light yellow), by rising power.
const MAGMA: [[f32; 3]; 7] = [
    [-0.002_136, -0.000_750, -0.005_386],
    [0.251_661, 0.677_523, 2.494_027],
    [8.353_717, -3.577_72, 0.314_468],
    [-27.668_734, 14.264_731, -13.649_213],
    [52.176_14, -27.943_606, 12.944_169],
    [-50.768_525, 29.046_583, 4.234_153],
    [18.655_706, -11.489_774, -5.601_961],
];

/// Magma at `t` from 0 to 1.
pub fn magma(t: f32) -> Color32 {
    let t = t.clamp(0.0, 1.0);
    let channel = |c: usize| {
        let value = MAGMA.iter().rev().fold(0.0, |sum, k| sum * t + k[c]);
        (255.0 * value.clamp(0.0, 1.0)).round() as u8
    };
    Color32::from_rgb(channel(0), channel(1), channel(2))
}

/// Magma for every byte.
pub fn table() -> Vec<Color32> {
    (0..=255u8).map(|i| magma(f32::from(i) / 255.0)).collect()
}
