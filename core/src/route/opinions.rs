//! What f0's Monte Carlo passes and the policy say of tiles.

use super::batch::plan;
use super::method::{Choice, Method, Router};
use super::segment::{Opinion, Segmenter, Tile};
use super::uncertainty::Uncertainty;
use crate::bundle::F0Label;
use crate::cost::Flops;
use crate::error::{Error, Result};
use burn::tensor::Tensor;

impl Segmenter {
    pub(super) fn opinions(&self, tiles: &[Tile], choice: &Choice, run: &mut Flops) -> Result<Vec<Opinion>> {
        if !choice.needs_f0() {
            return Ok(Vec::new());
        }
        let mut opinions = Vec::with_capacity(tiles.len());
        let mut left = tiles;
        for (items, size) in plan(tiles.len(), self.compute.tile_batches()) {
            let (now, later) = left.split_at(items);
            left = later;
            opinions.extend(self.ask(now, size, choice)?);
            let passes = self.masks.len() as Flops;
            let policy = if choice.method == Method::Paser { self.costs.router(choice.router) } else { 0 };
            let one = self.costs.f0_prefix + passes * (self.costs.f0 - self.costs.f0_prefix) + policy;
            *run += one * size as Flops;
        }
        Ok(opinions)
    }

    /// f0's passes on one batch of tiles, padded to `size`: their summary, and the first alone.
    pub(super) fn doubt(&self, tiles: &[Tile], size: usize) -> (Uncertainty, Option<Tensor<4>>) {
        let x = self.batch(tiles.iter().map(|t| t.values.as_slice()), size, self.manifest.layout.tile);
        let passes = self.models.nets[0].forward_mc(x, &self.masks);
        let first = passes.first().cloned();
        (Uncertainty::of(passes), first)
    }

    /// f0 and the policy on one batch of tiles, padded to `size`.
    pub(super) fn ask(&self, tiles: &[Tile], size: usize, choice: &Choice) -> Result<Vec<Opinion>> {
        let doubt = self.doubt(tiles, size);
        let logits = match choice.method {
            Method::Paser => self.priced(self.outputs(doubt.0.policy_input(), choice.router)?, choice.router),
            _ => Vec::new(),
        };
        self.said(doubt, &logits, tiles.len())
    }

    /// What f0 and the policy said of each of `count` tiles.
    pub(super) fn said(
        &self,
        (said, first): (Uncertainty, Option<Tensor<4>>),
        logits: &[f32],
        count: usize,
    ) -> Result<Vec<Opinion>> {
        let [height, width] = self.manifest.layout.tile;
        let seen = self.compute.read(said.labels.into_data())?;
        let answer = match (self.manifest.monte_carlo.label, first) {
            (F0Label::FirstPass, Some(first)) => self.compute.read(first.argmax(1).float().into_data())?,
            _ => seen.clone(),
        };
        let entropy = self.compute.read(said.entropy.into_data())?;
        let mean = if self.keeps_probabilities {
            self.compute.read(said.probabilities.into_data())?
        } else {
            Vec::new()
        };
        let all = self.manifest.classes.len() * height * width;
        let (pixels, actions) = (height * width, self.manifest.layout.patches() * self.models.nets.len());
        let opinion = |i: usize| Opinion {
            labels: answer[i * pixels..(i + 1) * pixels].iter().map(|l| *l as u8).collect(),
            seen: seen[i * pixels..(i + 1) * pixels].to_vec(),
            entropy: entropy[i * pixels..(i + 1) * pixels].to_vec(),
            logits: logits.get(i * actions..(i + 1) * actions).unwrap_or_default().to_vec(),
            probabilities: mean.get(i * all..(i + 1) * all).unwrap_or_default().to_vec(),
        };
        Ok((0..count).map(opinion).collect())
    }

    /// What `router`'s policy says of its input [N,2,H,W]: logits [tiles * patches * nets], or the λ-free
    /// outputs of the λ-conditioned one.
    pub(super) fn outputs(&self, input: Tensor<4>, router: Router) -> Result<Vec<f32>> {
        let policy = match router {
            Router::Conditioned(_) => self.models.conditioned.as_ref().ok_or_else(|| {
                Error::invalid("the bundle holds no λ-conditioned policy; choose one trained at one λ")
            })?,
            Router::Fixed(i) => self.models.policies.get(i).ok_or_else(|| {
                Error::invalid(format!("the bundle holds {} policies", self.models.policies.len()))
            })?,
        };
        self.compute.read(policy.forward(input).into_data())
    }

    /// Logits of a policy's outputs at the λ of `router`.
    pub(super) fn priced(&self, outputs: Vec<f32>, router: Router) -> Vec<f32> {
        match (router, &self.manifest.conditioned) {
            (Router::Conditioned(lambda), Some(entry)) => entry.logits(&outputs, lambda),
            _ => outputs,
        }
    }
}
