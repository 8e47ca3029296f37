//! Noise laid over a prepared slice to see how a result stands it: seeded, so that the same slice of
//! the same stack gets the same noise alone and in a run.

use crate::data::dataset::Sample;
use crate::data::normalise::Prepared;
use crate::error::{Error, Result};
use crate::hash::Stream;
use serde::{Deserialize, Serialize};

/// Values are kept where normalisation keeps them.
const ENDS: [f32; 2] = [-1.0, 2.0];
/// Blurs beyond this many pixels are refused.
const WIDEST: f64 = 100.0;
/// Standard deviations that a Gaussian kernel reaches to each side.
const REACH: f64 = 4.0;

/// A way of spoiling a slice. Strengths are in prepared values, where 0 and 1 are the ends of the
/// volume's range, and in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Noise {
    /// The slice as it is.
    #[default]
    None,
    /// This share of the pixels becomes 0 or 1, either with the same chance.
    SaltPepper(f64),
    /// Gaussian blur of this standard deviation in pixels.
    GaussianBlur(f64),
    /// Mean over a square that reaches this many pixels to each side.
    BoxBlur(f64),
    /// Gaussian noise of this standard deviation added to every value.
    Gaussian(f64),
}

impl Noise {
    /// Spoils `slice`; `seed` and `name` (of the slice) decide what chance does. Voxels without a
    /// finite value stay masked.
    pub fn apply(self, slice: &mut Prepared, seed: u64, name: &str) {
        let mut stream = Stream::new(seed, &format!("noise {name}"));
        match self {
            Self::None => {}
            Self::SaltPepper(rate) => salt_pepper(slice, rate, &mut stream),
            Self::Gaussian(deviation) => gaussian(slice, deviation, &mut stream),
            Self::GaussianBlur(radius) => blur(slice, &bell(radius)),
            Self::BoxBlur(radius) => blur(slice, &vec![1.0; 2 * radius.round() as usize + 1]),
        }
    }

    /// Spoils all `samples`, each by its name.
    pub fn apply_all(self, samples: &mut [Sample], seed: u64) {
        for sample in samples {
            self.apply(&mut sample.image, seed, &sample.name);
        }
    }
}

impl std::fmt::Display for Noise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => write!(f, "none"),
            Self::SaltPepper(rate) => write!(f, "salt-pepper:{rate}"),
            Self::GaussianBlur(radius) => write!(f, "gaussian-blur:{radius}"),
            Self::BoxBlur(radius) => write!(f, "box-blur:{radius}"),
            Self::Gaussian(deviation) => write!(f, "gaussian:{deviation}"),
        }
    }
}

impl From<Noise> for String {
    fn from(noise: Noise) -> Self {
        noise.to_string()
    }
}

impl TryFrom<String> for Noise {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl std::str::FromStr for Noise {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid(format!(
                "\"{text}\" is no noise of this program; use none, salt-pepper:RATE (0 to 1), gaussian-blur:RADIUS or box-blur:RADIUS (pixels, 0 to {WIDEST}), gaussian:SIGMA (0 to 10)"
            ))
        };
        if text == "none" {
            return Ok(Self::None);
        }
        let (kind, value) = text.split_once(':').ok_or_else(wrong)?;
        let within = |most: f64| {
            value.parse::<f64>().ok().filter(|v| (0.0..=most).contains(v)).map(f64::abs).ok_or_else(wrong)
        };
        match kind {
            "salt-pepper" => within(1.0).map(Self::SaltPepper),
            "gaussian-blur" => within(WIDEST).map(Self::GaussianBlur),
            "box-blur" => within(WIDEST).map(f64::round).map(Self::BoxBlur),
            "gaussian" => within(10.0).map(Self::Gaussian),
            _ => Err(wrong()),
        }
    }
}

/// The same pixels in every channel, so that grey stays grey.
fn salt_pepper(slice: &mut Prepared, rate: f64, stream: &mut Stream) {
    for i in 0..slice.size[0] * slice.size[1] {
        let draw = stream.unit();
        if draw < rate {
            let value = f32::from(u8::from(draw < rate / 2.0));
            slice.planes.iter_mut().for_each(|plane| plane[i] = value);
        }
    }
}

fn gaussian(slice: &mut Prepared, deviation: f64, stream: &mut Stream) {
    for i in 0..slice.size[0] * slice.size[1] {
        let radius = (-2.0 * (1.0 - stream.unit()).ln()).sqrt();
        let added = (deviation * radius * (std::f64::consts::TAU * stream.unit()).cos()) as f32;
        for plane in &mut slice.planes {
            plane[i] = (plane[i] + added).clamp(ENDS[0], ENDS[1]);
        }
    }
}

/// A Gaussian kernel; one value where the radius is too small to reach a neighbour.
fn bell(radius: f64) -> Vec<f32> {
    let reach = (REACH * radius).ceil() as i64;
    let value = |i: i64| if i == 0 { 1.0 } else { (-0.5 * (i as f64 / radius).powi(2)).exp() as f32 };
    (-reach..=reach).map(value).collect()
}

/// Convolves with `kernel` along both axes; at the borders what lies outside does not count.
fn blur(slice: &mut Prepared, kernel: &[f32]) {
    let [height, width] = slice.size;
    for plane in &mut slice.planes {
        let along_rows = convolve(plane, [height, width], 1, kernel);
        *plane = convolve(&along_rows, [width, height], width, kernel);
    }
}

/// One pass over lines of `length` values that lie `stride` apart.
fn convolve(plane: &[f32], [lines, length]: [usize; 2], stride: usize, kernel: &[f32]) -> Vec<f32> {
    let reach = kernel.len() / 2;
    let mut out = vec![0.0; plane.len()];
    for line in 0..lines {
        let start = if stride == 1 { line * length } else { line };
        for at in 0..length {
            let (mut sum, mut weight) = (0.0, 0.0);
            for i in at.saturating_sub(reach)..(at + reach + 1).min(length) {
                let k = kernel[i + reach - at];
                sum += k * plane[start + i * stride];
                weight += k;
            }
            out[start + at * stride] = sum / weight;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;

    fn slice(size: [usize; 2]) -> Prepared {
        Prepared { size, planes: vec![hash::uniform(3, size[0] * size[1], 0.2, 0.8); 2], masked: vec![4] }
    }

    fn spoiled(noise: Noise, name: &str) -> Prepared {
        let mut slice = slice([40, 30]);
        noise.apply(&mut slice, 7, name);
        slice
    }

    #[test]
    fn every_form_is_read_and_printed() {
        for text in ["none", "salt-pepper:0.05", "gaussian-blur:1.5", "box-blur:2", "gaussian:0.1"] {
            assert_eq!(text.parse::<Noise>().expect("a noise").to_string(), text);
        }
        for text in ["", "salt", "salt-pepper", "salt-pepper:2", "gaussian:x", "box-blur:-1", "gaussian:NaN"]
        {
            assert!(text.parse::<Noise>().is_err(), "{text}");
        }
    }

    #[test]
    fn salt_and_pepper_strike_their_share_in_every_channel_alike() {
        let before = slice([40, 30]);
        let after = spoiled(Noise::SaltPepper(0.2), "5");
        assert_eq!(after.planes[0], after.planes[1]);
        let struck: Vec<f32> = after.planes[0].iter().copied().filter(|v| *v == 0.0 || *v == 1.0).collect();
        assert!((180..300).contains(&struck.len()), "{} of 1200", struck.len());
        let salt = struck.iter().filter(|v| **v == 1.0).count();
        assert!((struck.len() / 3..struck.len() * 2 / 3).contains(&salt), "{salt} of {}", struck.len());
        let changed = before.planes[0].iter().zip(&after.planes[0]).filter(|(a, b)| a != b).count();
        assert_eq!(changed, struck.len());
    }

    #[test]
    fn gaussian_noise_has_its_deviation_and_its_seed() {
        let after = spoiled(Noise::Gaussian(0.05), "5");
        let before = slice([40, 30]);
        let added: Vec<f64> =
            before.planes[0].iter().zip(&after.planes[0]).map(|(a, b)| f64::from(b - a)).collect();
        let deviation = (added.iter().map(|d| d * d).sum::<f64>() / added.len() as f64).sqrt();
        assert!((deviation - 0.05).abs() < 0.005, "{deviation}");
        assert_eq!(after, spoiled(Noise::Gaussian(0.05), "5"));
        assert_ne!(after.planes, spoiled(Noise::Gaussian(0.05), "6").planes);
    }

    #[test]
    fn blurs_keep_a_flat_slice_and_even_out_another() {
        for noise in [Noise::GaussianBlur(1.5), Noise::BoxBlur(2.0)] {
            let mut flat = Prepared { size: [9, 14], planes: vec![vec![0.3; 126]], masked: Vec::new() };
            noise.apply(&mut flat, 1, "a");
            assert!(flat.planes[0].iter().all(|v| (v - 0.3).abs() < 1e-6), "{noise}");
            let spread = |s: &Prepared| {
                let mean = s.planes[0].iter().sum::<f32>() / s.planes[0].len() as f32;
                s.planes[0].iter().map(|v| (v - mean).powi(2)).sum::<f32>()
            };
            assert!(spread(&spoiled(noise, "a")) < 0.2 * spread(&slice([40, 30])), "{noise}");
        }
    }

    #[test]
    fn a_box_is_the_mean_of_its_square_and_a_blur_of_nothing_nothing() {
        let mut point = Prepared { size: [5, 5], planes: vec![vec![0.0; 25]], masked: Vec::new() };
        point.planes[0][12] = 9.0;
        Noise::BoxBlur(1.0).apply(&mut point, 1, "a");
        assert!((point.planes[0][12] - 1.0).abs() < 1e-6 && (point.planes[0][6] - 1.0).abs() < 1e-6);
        assert_eq!(point.planes[0][0], 0.0);
        assert_eq!(spoiled(Noise::GaussianBlur(0.0), "a"), slice([40, 30]));
    }
}
