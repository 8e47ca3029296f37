//! How long the parts of a bundle take on this machine, for budgets in seconds.

use super::{Choice, Method, Router, Segmenter};
use crate::data::normalise::Prepared;
use crate::error::Result;
use crate::hash::uniform;
use std::time::Instant;

/// Measured seconds, transfers to and from the device included.
#[derive(Clone, Debug, PartialEq)]
pub struct Speeds {
    /// f0's passes and the policy on a tile.
    pub tile: f64,
    /// Each net on a patch; f0 costs nothing beyond its passes.
    pub patch: Vec<f64>,
}

impl Speeds {
    /// Times each part on one row of patches, the second of two goes: the first prepares kernels.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn measure(segmenter: &Segmenter) -> Result<Self> {
        let layout = segmenter.manifest.layout;
        let size = [layout.patch()[0], layout.tile[1]];
        let channels = segmenter.manifest.channels();
        let plane = uniform(7, size[0] * size[1], 0.0, 1.0);
        let slice = Prepared { size, planes: vec![plane; channels], masked: Vec::new() };
        let time = |choice: Choice| {
            let mut seconds = 0.0;
            for _ in 0..2 {
                let started = Instant::now();
                segmenter.segment(std::slice::from_ref(&slice), &[String::new()], &choice)?;
                seconds = started.elapsed().as_secs_f64();
            }
            Ok(seconds)
        };
        let net = |net| Choice { method: Method::Net(net), router: Router::Fixed(0), seed: 0 };
        let mut patch = vec![0.0];
        for i in 1..segmenter.models.nets.len() {
            patch.push(time(net(i))? / layout.grid[1] as f64);
        }
        // the policy reads as many pixels as one pass of f0 and is counted by its share of the work
        let costs = segmenter.costs();
        let passes = segmenter.manifest.monte_carlo.passes as f64 * costs.f0 as f64;
        Ok(Self { tile: time(net(0))? * (1.0 + costs.policy as f64 / passes), patch })
    }

    /// Seconds for a slice of `tiles` tiles and `patches` patches that go to the nets by `shares`.
    pub fn slice(&self, tiles: f64, patches: f64, shares: &[f64]) -> f64 {
        let routed: f64 = self.patch.iter().zip(shares).map(|(seconds, share)| seconds * share).sum();
        tiles * self.tile + patches * routed
    }
}
