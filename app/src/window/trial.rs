//! A second result of the slice on show, beside the first: with noise, or held before a change.

use super::grey::Grey;
use super::results::{Kept, Summary};
use paser_core::metrics::UNLABELLED;
use paser_core::noise::Noise;
use std::sync::Arc;

/// A second result.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What it is, for the line above it.
    pub title: String,
    /// The slice.
    pub z: usize,
    /// Labels and routes.
    pub kept: Arc<Kept>,
    /// Figures.
    pub summary: Summary,
    /// Its own grey values, where they differ.
    pub grey: Option<Arc<Grey>>,
    /// Tells trials apart.
    pub version: u64,
}

/// The kinds of noise that one can lay over a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Salt and pepper.
    SaltPepper,
    /// Gaussian noise.
    Gaussian,
    /// Gaussian blur.
    GaussianBlur,
    /// Box blur.
    BoxBlur,
}

impl Kind {
    /// All.
    pub const ALL: [Self; 4] = [Self::SaltPepper, Self::Gaussian, Self::GaussianBlur, Self::BoxBlur];

    /// That of `noise`.
    pub fn of(noise: Noise) -> Option<Self> {
        Some(match noise {
            Noise::None => return None,
            Noise::SaltPepper(_) => Self::SaltPepper,
            Noise::Gaussian(_) => Self::Gaussian,
            Noise::GaussianBlur(_) => Self::GaussianBlur,
            Noise::BoxBlur(_) => Self::BoxBlur,
        })
    }

    /// Name of it, and of its strength.
    pub fn names(self) -> [&'static str; 2] {
        match self {
            Self::SaltPepper => ["salt", "Share of pixels struck"],
            Self::Gaussian => ["Gauss", "Standard deviation (range 0 to 1)"],
            Self::GaussianBlur => ["blur", "Blur radius, px"],
            Self::BoxBlur => ["box", "Box reach, px"],
        }
    }

    /// The noise at a place of the slider, from 0 to 1.
    pub fn at(self, place: f32) -> Noise {
        let place = f64::from(place);
        let round = |value: f64, step: f64| ((value / step).round() * step * 1e6).round() / 1e6;
        match self {
            Self::SaltPepper => Noise::SaltPepper(round(0.5 * place, 0.01).max(0.01)),
            Self::Gaussian => Noise::Gaussian(round(0.5 * place, 0.01).max(0.01)),
            Self::GaussianBlur => Noise::GaussianBlur(round(8.0 * place, 0.25).max(0.25)),
            Self::BoxBlur => Noise::BoxBlur((8.0 * place).round().max(1.0)),
        }
    }

    /// Where `noise` stands on the slider, and its strength.
    pub fn place(noise: Noise) -> (f32, f64) {
        match noise {
            Noise::None => (0.0, 0.0),
            Noise::SaltPepper(v) | Noise::Gaussian(v) => (v as f32 / 0.5, v),
            Noise::GaussianBlur(v) | Noise::BoxBlur(v) => (v as f32 / 8.0, v),
        }
    }
}

/// Share of the pixels labelled in both that have another label.
pub fn changed(before: &Kept, after: &Kept) -> f64 {
    let both =
        before.labels.iter().zip(&after.labels).filter(|(a, b)| **a != UNLABELLED && **b != UNLABELLED);
    let (count, differ) = both.fold((0usize, 0usize), |(n, d), (a, b)| (n + 1, d + usize::from(a != b)));
    differ as f64 / count.max(1) as f64
}
