//! Segmenting prepared slices on a device: f0 with Monte Carlo dropout, policy, routed patches.

use super::Method;
use super::gates;
use super::method::{Choice, Router};
use super::tiles::{self, Layout, Rect};
use super::whole::Others;
use crate::bundle::{Bundle, CascadeEntry, Manifest, Models};
use crate::cost::Flops;
use crate::data::normalise::Prepared;
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::fault::unread;
use crate::metrics::UNLABELLED;
use crate::net::dropout::{mc_masks, no_masks};
use crate::trust;
use burn::tensor::{Tensor, TensorData};

/// Where a patch went and why.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchRoute {
    /// The part of the slice that the patch covers.
    pub at: Rect,
    /// Number of the net.
    pub net: u8,
    /// The policy's probability of each net; empty where no policy ran.
    pub probabilities: Vec<f32>,
    /// Mean entropy of its pixels in nats; 0 where f0 did not run.
    pub entropy: f32,
}

/// A segmented slice.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceResult {
    /// Rows and columns.
    pub size: [usize; 2],
    /// Class of every pixel; [`UNLABELLED`] where the voxel has no finite value.
    pub labels: Vec<u8>,
    /// Entropy of f0's mean probabilities in nats; empty where f0 did not run.
    pub entropy: Vec<f32>,
    /// All patches.
    pub routes: Vec<PatchRoute>,
    /// The paper's count: passes x f0, the policy, the routed patches, by the area in the slice.
    pub flops_total: Flops,
    /// What was executed: f0's first part once for all passes, with borders and padded batches.
    pub flops_run: Flops,
    /// Voxels without a finite value.
    pub masked: usize,
    /// Class probabilities [K, rows, columns] of the net that answered; empty unless the segmenter keeps them.
    pub probabilities: Vec<f32>,
}

/// Cost of each part at the bundle's sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// One pass of f0 over a tile.
    pub f0: Flops,
    /// The part of it that all passes share.
    pub f0_prefix: Flops,
    /// A policy trained at one λ on a tile.
    pub policy: Flops,
    /// The λ-conditioned policy on a tile; 0 where there is none.
    pub conditioned: Flops,
    /// Each net on a patch.
    pub patch: Vec<Flops>,
}

impl Costs {
    /// The policy of `router` on a tile.
    pub fn router(&self, router: Router) -> Flops {
        match router {
            Router::Fixed(_) => self.policy,
            Router::Conditioned(_) => self.conditioned,
        }
    }
}

/// A bundle on a device, ready to segment.
pub struct Segmenter {
    /// The bundle's manifest.
    pub manifest: Manifest,
    /// The device.
    pub compute: Compute,
    /// The nets.
    pub models: Models,
    /// Where further nets are loaded from once they are asked for.
    pub(super) bundle: Option<Bundle>,
    pub(super) others: Others,
    pub(super) costs: Costs,
    pub(super) masks: Vec<Vec<Tensor<4>>>,
    /// Masks of each net's passes at a cascade's gate; none where it passes once, without dropout.
    pub(super) gate_masks: Vec<Vec<Vec<Tensor<4>>>>,
    pub(super) keeps_probabilities: bool,
}

pub(super) struct Tile {
    pub(super) slice: usize,
    pub(super) corner: [usize; 2],
    pub(super) values: Vec<f32>,
}

/// What f0 and the policy say of a tile.
pub(super) struct Opinion {
    /// f0's answer.
    pub(super) labels: Vec<u8>,
    /// What the policy reads.
    pub(super) seen: Vec<f32>,
    pub(super) entropy: Vec<f32>,
    pub(super) logits: Vec<f32>,
    /// Mean class probabilities [K, tile], where they are kept.
    pub(super) probabilities: Vec<f32>,
}

pub(super) struct PatchJob {
    /// Its place among the routes of its slice.
    pub(super) route: usize,
    pub(super) tile: usize,
    pub(super) index: usize,
    pub(super) at: Rect,
    pub(super) net: usize,
}

impl Segmenter {
    /// Loads `bundle` onto `compute` and has it prove itself.
    ///
    /// # Errors
    /// Where the bundle is damaged or the device computes wrongly.
    pub fn new(bundle: &Bundle, compute: Compute) -> Result<Self> {
        Self::prepared(bundle, compute, &mut |_, _| {})
    }

    /// [`Self::new`] that tells how far the device has been prepared, where it is new to the bundle.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn prepared(bundle: &Bundle, compute: Compute, told: trust::Told<'_>) -> Result<Self> {
        let models = bundle.load(&compute.device)?;
        trust::check_once(&compute, &models, bundle, told)?;
        Ok(Self::of(bundle.manifest.clone(), models, compute).with_bundle(bundle))
    }

    /// The same with the bundle that further nets, and the nets for another device, come from.
    #[must_use]
    pub fn with_bundle(self, bundle: &Bundle) -> Self {
        Self { bundle: Some(bundle.clone()), ..self }
    }

    /// From parts that are known to be sound.
    pub fn of(manifest: Manifest, models: Models, compute: Compute) -> Self {
        let Layout { tile, .. } = manifest.layout;
        let patch = manifest.layout.patch();
        let costs = Costs {
            f0: models.nets.first().map_or(0, |n| n.flops(tile)),
            f0_prefix: models.nets.first().map_or(0, |n| n.prefix_flops(tile)),
            policy: models.policies.first().map_or(0, |p| p.flops(tile)),
            conditioned: models.conditioned.as_ref().map_or(0, |p| p.flops(tile)),
            patch: models.nets.iter().map(|n| n.flops(patch)).collect(),
        };
        let shapes = manifest.nets.first().map_or_else(Vec::new, |n| n.spec.dropout_shapes(tile));
        let mc = manifest.monte_carlo;
        let pass = |pass| match mc.dropout {
            true => mc_masks(&shapes, mc.seed, pass, &compute.device),
            false => no_masks(&shapes, &compute.device),
        };
        let masks = (0..mc.passes).map(pass).collect();
        let gate_masks = gates::masks(&manifest, &compute.device);
        let (bundle, others) = (None, Others::default());
        Self {
            manifest,
            compute,
            models,
            bundle,
            others,
            costs,
            masks,
            gate_masks,
            keeps_probabilities: false,
        }
    }

    /// The same, with the class probabilities of every slice in its result.
    #[must_use]
    pub fn keep_probabilities(self, keep: bool) -> Self {
        Self { keeps_probabilities: keep, ..self }
    }

    /// The same in batches of at most `largest`.
    pub(super) fn in_batches_of(&self, largest: usize) -> Self {
        Self {
            manifest: self.manifest.clone(),
            compute: Compute { largest_batch: largest, ..self.compute.clone() },
            models: self.models.clone(),
            bundle: self.bundle.clone(),
            others: Others::default(),
            costs: self.costs.clone(),
            masks: self.masks.clone(),
            gate_masks: self.gate_masks.clone(),
            keeps_probabilities: self.keeps_probabilities,
        }
    }

    /// The same bundle on the CPU, as the device failed for the reason `why`.
    ///
    /// # Errors
    /// Where the bundle cannot be loaded any more.
    pub(super) fn on_cpu(&self, why: &str) -> Result<Self> {
        let bundle = self.bundle.as_ref().ok_or_else(|| Error::Device(why.to_owned()))?;
        Ok(Self::new(bundle, Compute::cpu())?.keep_probabilities(self.keeps_probabilities))
    }

    /// The same nets with other gates of the cascade.
    pub(crate) fn with_cascade(&self, cascade: CascadeEntry) -> Self {
        let manifest = Manifest { cascade: Some(cascade), ..self.manifest.clone() };
        let other = Self::of(manifest, self.models.clone(), self.compute.clone());
        Self { bundle: self.bundle.clone(), ..other }
    }

    /// Cost of each part.
    pub fn costs(&self) -> &Costs {
        &self.costs
    }

    /// Tiles that one call should bring together so that patches of one net fill their batches.
    pub fn tiles_wanted(&self) -> usize {
        2 * self.compute.tile_batches().iter().max().map_or(1, |n| *n)
    }

    /// Segments `slices`; `names` tell them apart for a random method.
    ///
    /// # Errors
    /// Where the method does not fit the bundle or the device fails.
    pub fn segment(
        &self,
        slices: &[Prepared],
        names: &[String],
        choice: &Choice,
    ) -> Result<Vec<SliceResult>> {
        self.check(choice)?;
        if self.keeps_probabilities && matches!(choice.method, Method::Whole(_)) {
            return Err(Error::invalid(format!(
                "probabilities are kept of f0, f1, ... alone, not of {}; leave them out",
                choice.method
            )));
        }
        if let Method::Whole(name) = choice.method {
            return self.segment_whole(slices, name, choice);
        }
        let tiles = self.tiles(slices);
        let mut run = 0;
        let opinions = self.opinions(&tiles, choice, &mut run)?;
        let mut results: Vec<SliceResult> = slices.iter().map(|s| blank(s, choice)).collect();
        if self.keeps_probabilities {
            let k = self.manifest.classes.len();
            results.iter_mut().for_each(|r| r.probabilities = vec![0.0; k * r.labels.len()]);
        }
        let jobs = self.route(&tiles, &opinions, names, choice, &mut results);
        self.keep_f0(&tiles, &opinions, &jobs, &mut results);
        self.run_patches(&tiles, jobs, choice, &mut results, &mut run)?;
        let count = results.len().max(1) as Flops;
        for (i, (result, slice)) in results.iter_mut().zip(slices).enumerate() {
            result.flops_run = run / count + if i == 0 { run % count } else { 0 };
            slice.masked.iter().for_each(|v| result.labels[*v] = UNLABELLED);
        }
        Ok(results)
    }

    pub(crate) fn check(&self, choice: &Choice) -> Result<()> {
        match choice.method {
            Method::Whole(_) => Ok(()),
            Method::Oracle => Err(Error::invalid(
                "the oracle decides by the truth; ask for it with paser evaluate or paser compare",
            )),
            _ if self.models.nets.is_empty() => Err(self.nothing_to_route()),
            Method::Idk | Method::IdkMatch if self.manifest.cascade.is_none() => Err(Error::invalid(
                "the bundle holds no gates for an IDK cascade; train it anew with this version",
            )),
            Method::Net(i) if i >= self.models.nets.len() => Err(Error::invalid(format!(
                "the bundle has no net f{i}; its last is f{}",
                self.models.nets.len() - 1
            ))),
            _ => Ok(()),
        }
    }

    /// Why nothing can be routed in a bundle of whole-tile nets alone.
    fn nothing_to_route(&self) -> Error {
        let names: Vec<&str> = self.manifest.others.iter().map(|o| o.name.as_str()).collect();
        Error::invalid(format!(
            "the bundle holds {} alone, no f0, f1, ... and no policy; train those with paser train, or name --method {}",
            names.join(", "),
            names.first().unwrap_or(&"")
        ))
    }

    /// # Errors
    /// Where there are no nets to route between.
    pub(crate) fn check_nets(&self) -> Result<()> {
        if self.models.nets.is_empty() { Err(self.nothing_to_route()) } else { Ok(()) }
    }

    pub(super) fn tiles(&self, slices: &[Prepared]) -> Vec<Tile> {
        let layout = self.manifest.layout;
        let mut tiles = Vec::new();
        for (slice, s) in slices.iter().enumerate() {
            for corner in layout.tiles(s.size) {
                let values =
                    s.planes.iter().flat_map(|p| tiles::cut(p, s.size, corner, layout.tile)).collect();
                tiles.push(Tile { slice, corner, values });
            }
        }
        tiles
    }
}

pub(super) fn blank(slice: &Prepared, choice: &Choice) -> SliceResult {
    let pixels = slice.size[0] * slice.size[1];
    SliceResult {
        size: slice.size,
        labels: vec![UNLABELLED; pixels],
        entropy: if choice.needs_f0() { vec![0.0; pixels] } else { Vec::new() },
        routes: Vec::new(),
        flops_total: 0,
        flops_run: 0,
        masked: slice.masked.len(),
        probabilities: Vec::new(),
    }
}

/// Values read back from the device.
pub(crate) fn floats(data: TensorData) -> Result<Vec<f32>> {
    data.try_into_vec::<f32>().map_err(|e| Error::Device(unread(&format!("{e:?}"))))
}

impl SliceResult {
    /// Share of patches that went to each of `nets` nets.
    pub fn shares(&self, nets: usize) -> Vec<f64> {
        shares(self.routes.iter().map(|r| r.net), nets)
    }
}

/// Share of each of `nets` nets among `actions`.
pub fn shares(actions: impl Iterator<Item = u8>, nets: usize) -> Vec<f64> {
    let mut counts = vec![0usize; nets];
    actions.for_each(|a| counts[usize::from(a)] += 1);
    let total = counts.iter().sum::<usize>().max(1) as f64;
    counts.into_iter().map(|c| c as f64 / total).collect()
}
