//! How patches are sent to nets.

use crate::error::{Error, Result};
use crate::hash::Stream;
use crate::net::NAMES;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A way of segmenting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// The policy decides (the paper's method).
    #[default]
    Paser,
    /// Every patch goes to a net drawn uniformly (PaSeR-RandPol. of the paper).
    Random,
    /// A patch goes from net to net until one is sure enough of it (IDK-Cascade).
    Idk,
    /// The same with its gates moved until its IoU matched PaSeR's.
    IdkMatch,
    /// Every patch goes to net i; i = 0 is f0's Monte Carlo mean alone.
    Net(usize),
    /// Every patch goes to the cheapest net that is best under the reward with the truth known: the upper
    /// bound of any policy. Only where there is truth.
    Oracle,
    /// Whole tiles by one net of the comparison, by its name.
    Whole(&'static str),
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Paser => write!(f, "paser"),
            Self::Random => write!(f, "random"),
            Self::Idk => write!(f, "idk"),
            Self::IdkMatch => write!(f, "idk-match"),
            Self::Net(i) => write!(f, "f{i}"),
            Self::Oracle => write!(f, "oracle"),
            Self::Whole(name) => write!(f, "{name}"),
        }
    }
}

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl std::str::FromStr for Method {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let net = || text.strip_prefix('f').and_then(|i| i.parse().ok()).map(Self::Net);
        let whole = || NAMES.into_iter().find(|name| *name == text).map(Self::Whole);
        let method = match text {
            "paser" => Some(Self::Paser),
            "random" => Some(Self::Random),
            "idk" => Some(Self::Idk),
            "idk-match" => Some(Self::IdkMatch),
            "oracle" => Some(Self::Oracle),
            _ => net().or_else(whole),
        };
        method.ok_or_else(|| {
            Error::invalid(format!(
                "\"{text}\" is no method of this program; use paser, random, idk, idk-match, oracle, f0, f1, f2 or {}",
                NAMES.join(", ")
            ))
        })
    }
}

/// Which of a bundle's policies decides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Router {
    /// The policy of this number, trained at one λ.
    Fixed(usize),
    /// The λ-conditioned policy at this λ.
    Conditioned(f64),
}

/// A method with what it needs to know.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The method.
    pub method: Method,
    /// The policy (only [`Method::Paser`] asks it).
    pub router: Router,
    /// Seed of a random method.
    pub seed: u64,
}

impl Choice {
    /// Whether f0's Monte Carlo passes are needed.
    pub fn needs_f0(&self) -> bool {
        !matches!(self.method, Method::Net(1..) | Method::Whole(_))
    }

    /// The net for each patch of a tile. `logits` [patches * nets] of the policy (only
    /// [`Method::Paser`] reads them; it takes the largest); `tile` tells tiles apart for a random method.
    pub fn decide(&self, logits: &[f32], nets: usize, patches: usize, tile: &str) -> Vec<u8> {
        match self.method {
            Method::Net(i) => vec![i as u8; patches],
            // the gates or the truth decide, patch by patch, or there is nothing to decide
            Method::Idk | Method::IdkMatch | Method::Oracle | Method::Whole(_) => vec![0; patches],
            Method::Random => {
                let mut stream = Stream::new(self.seed, tile);
                (0..patches).map(|_| stream.below(nets) as u8).collect()
            }
            Method::Paser => logits.chunks(nets).map(argmax).collect(),
        }
    }
}

/// Place of the largest value, the first of equals.
pub(crate) fn argmax(values: &[f32]) -> u8 {
    let best = values.iter().enumerate().fold(0, |best, (i, v)| if *v > values[best] { i } else { best });
    best as u8
}

/// Softmax of a few logits.
pub(crate) fn softmax(logits: &[f32]) -> Vec<f32> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|l| (l - top).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|p| p / sum).collect()
}
