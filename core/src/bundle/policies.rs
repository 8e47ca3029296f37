//! The policies of a bundle and what its cascade was tuned to.

use super::{CurvePoint, Hashed};
use crate::compare::Cascade;
use crate::hash::Stream;
use crate::net::Policy;
use crate::route::tiles::Layout;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// A policy of a bundle, trained at one λ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyEntry {
    /// Weight of the cost in its reward.
    pub lambda: f64,
    /// The TVD threshold that it was fine-tuned to from the policy at λ = 0 (section R4), and then λ is the
    /// one reached; none for a policy trained at its λ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tvd: Option<f64>,
    /// Its weights.
    #[serde(flatten)]
    pub weights: Hashed,
}

/// What the head of a policy reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sees {
    /// The mean over the tile, as in the paper.
    Tile,
    /// The mean over each patch beside it.
    #[default]
    Patches,
}

impl Sees {
    /// A fresh policy of this kind.
    pub fn policy(self, layout: &Layout, nets: usize, device: &Device, seeds: &mut Stream) -> Policy {
        match self {
            Self::Tile => Policy::new(layout.patches(), nets, device, seeds),
            Self::Patches => Policy::seeing_patches(layout.grid, nets, device, seeds),
        }
    }
}

/// The λ-conditioned policy of a bundle: one net for every λ. Its outputs z estimate what each net gains
/// over f0 in units of the temperature T, and λ enters where it decides: the policy that maximises the
/// expected reward of Eq. 2 and 3 plus T times its entropy is softmax((1 - λ) z - λ C / T).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionedEntry {
    /// C of each net in the reward (Eq. 3).
    pub costs: Vec<f64>,
    /// T, in units of the reward.
    pub temperature: f64,
    /// What its head reads.
    pub sees: Sees,
    /// Whether it decides where nobody says which policy should: it was nowhere worse than the policies
    /// trained at one λ on the validation slices.
    pub preferred: bool,
    /// Figures on validation slices, by rising λ.
    pub curve: Vec<CurvePoint>,
    /// Its weights.
    #[serde(flatten)]
    pub weights: Hashed,
}

impl ConditionedEntry {
    /// Logits at `lambda` of outputs `z` [patches * nets].
    pub fn logits(&self, z: &[f32], lambda: f64) -> Vec<f32> {
        let price: Vec<f32> = self.costs.iter().map(|c| (lambda * c / self.temperature) as f32).collect();
        let patch = |z: &[f32]| -> Vec<f32> {
            z.iter().zip(&price).map(|(z, p)| (1.0 - lambda) as f32 * z - p).collect()
        };
        z.chunks(price.len().max(1)).flat_map(patch).collect()
    }
}

/// The gates of an IDK cascade over the bundle's nets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CascadeEntry {
    /// Chosen by Eq. 5 on validation images.
    pub chosen: Cascade,
    /// Moved until the IoU there matched that of PaSeR at the bundle's λ.
    pub matched: Cascade,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;
    use crate::route::method::argmax;

    #[test]
    fn the_conditioned_policy_never_takes_a_dearer_net_as_lambda_rises() {
        let weights = Hashed { file: String::new(), sha256: String::new() };
        let costs = vec![0.001, 0.06, 0.94];
        let entry = ConditionedEntry {
            costs,
            temperature: 0.005,
            sees: Sees::Patches,
            preferred: true,
            curve: Vec::new(),
            weights,
        };
        for seed in 0..200 {
            let z = hash::uniform(seed, 48, -20.0, 20.0);
            let at = |step: u32| -> Vec<u8> {
                entry.logits(&z, f64::from(step) / 50.0).chunks(3).map(argmax).collect()
            };
            for step in 0..50 {
                let (now, next) = (at(step), at(step + 1));
                assert!(now.iter().zip(&next).all(|(a, b)| b <= a), "seed {seed}, step {step}");
            }
            assert!(at(50).iter().all(|net| *net == 0), "at λ = 1 the cheapest");
        }
    }
}
