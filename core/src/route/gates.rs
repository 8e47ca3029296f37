//! What f1, ... say at the gates of a cascade: by Monte Carlo passes where they were trained with their dropout on,
//! by one plain pass else. f0's gate is its own Monte Carlo mean.

use super::segment::Segmenter;
use super::uncertainty::Uncertainty;
use crate::bundle::Manifest;
use crate::cost::Flops;
use crate::error::Result;
use crate::net::dropout::mc_masks;
use burn::tensor::{Device, Tensor};

/// Labels and class probabilities [K, patch] of a patch.
pub(super) type Answered = (Vec<u8>, Vec<f32>);

/// The masks of every net's passes; none for the first and the last, which have no gate of their own here, nor
/// where one pass is enough.
pub(super) fn masks(manifest: &Manifest, device: &Device) -> Vec<Vec<Vec<Tensor<4>>>> {
    let (mc, patch) = (manifest.monte_carlo, manifest.layout.patch());
    let last = manifest.nets.len().saturating_sub(1);
    let of = |net: usize| {
        let shapes = manifest.nets[net].spec.dropout_shapes(patch);
        if net == 0 || net == last || mc.gates < 2 || shapes.is_empty() {
            return Vec::new();
        }
        (0..mc.gates).map(|pass| mc_masks(&shapes, mc.seed, pass, device)).collect()
    };
    (0..manifest.nets.len()).map(of).collect()
}

impl Segmenter {
    /// Whether net `net` answers at a gate by Monte Carlo passes.
    pub(super) fn doubts_at_gate(&self, net: usize) -> bool {
        self.gate_passes(net) > 1
    }

    /// Passes of net `net` over a patch at a cascade's gate.
    pub(crate) fn gate_passes(&self, net: usize) -> usize {
        self.gate_masks.get(net).map_or(1, |masks| masks.len().max(1))
    }

    /// What those execute: their beginning is shared.
    pub(super) fn gate_run(&self, net: usize) -> Flops {
        let (whole, passes) = (self.costs().patch[net], self.gate_passes(net) as Flops);
        let shared =
            if passes > 1 { self.models.nets[net].prefix_flops(self.manifest.layout.patch()) } else { 0 };
        shared + passes * (whole - shared)
    }

    /// Labels and probabilities of patches (values [C, patch]) by `net` at its gate, run as one batch of `size`.
    pub(super) fn gated(&self, net: usize, patches: &[Vec<f32>], size: usize) -> Result<Vec<Answered>> {
        if !self.doubts_at_gate(net) {
            return self.answer(net, patches, size);
        }
        let x = self.batch(patches.iter().map(Vec::as_slice), size, self.manifest.layout.patch());
        let mean = Uncertainty::of(self.models.nets[net].forward_mc(x, &self.gate_masks[net])).probabilities;
        self.read(&mean.clone().argmax(1), mean, patches.len())
    }
}
