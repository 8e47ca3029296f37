//! Segmenting prepared slices on a device: f0 with Monte Carlo dropout, policy, routed patches.

use super::Method;
use super::batch::plan;
use super::gates::{self, Answered};
use super::method::{Choice, Router, softmax};
use super::tiles::{self, Layout, Rect};
use super::uncertainty::{Uncertainty, mean_entropy};
use super::whole::Others;
use crate::bundle::{Bundle, CascadeEntry, F0Label, Manifest, Models};
use crate::cost::Flops;
use crate::data::normalise::Prepared;
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::metrics::{UNLABELLED, mean};
use crate::net::dropout::{Off, mc_masks};
use crate::trust;
use burn::tensor::{Int, Tensor, TensorData, activation};

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
    costs: Costs,
    masks: Vec<Vec<Tensor<4>>>,
    /// Masks of each net's passes at a cascade's gate; none where it passes once, without dropout.
    pub(super) gate_masks: Vec<Vec<Vec<Tensor<4>>>>,
}

/// What every net says of a tile: the ground for rewards, curves and audits.
#[derive(Clone, Debug)]
pub struct Examined {
    /// Number of the slice in the call.
    pub slice: usize,
    /// Its top left corner in the slice.
    pub corner: [usize; 2],
    /// What the policy reads [2,H,W]: f0's labels and entropy.
    pub policy_input: Vec<f32>,
    /// Labels of each patch by each net: [patches][nets][pixels].
    pub labels: Vec<Vec<Vec<u8>>>,
    /// Class probabilities of each patch by each net as a cascade's gate sees them: [patches][nets][classes *
    /// pixels]; f0's are the mean of its passes.
    pub probabilities: Vec<Vec<Vec<f32>>>,
    /// Labels of each patch by each net as a cascade accepts them, where they differ in kind from `labels`.
    pub accepted: Vec<Vec<Option<Vec<u8>>>>,
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
        let models = bundle.load(&compute.device)?;
        trust::check_once(&compute, &models, bundle)?;
        let segmenter = Self::of(bundle.manifest.clone(), models, compute);
        Ok(Self { bundle: Some(bundle.clone()), ..segmenter })
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
        let masks = (0..mc.passes).map(|pass| mc_masks(&shapes, mc.seed, pass, &compute.device)).collect();
        let gate_masks = gates::masks(&manifest, &compute.device);
        Self { manifest, compute, models, bundle: None, others: Others::default(), costs, masks, gate_masks }
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
        if let Method::Whole(name) = choice.method {
            return self.segment_whole(slices, name, choice);
        }
        let tiles = self.tiles(slices);
        let mut run = 0;
        let opinions = self.opinions(&tiles, choice, &mut run)?;
        let mut results: Vec<SliceResult> = slices.iter().map(|s| blank(s, choice)).collect();
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

    /// Runs every net on every patch of `slices`.
    ///
    /// # Errors
    /// Where there are no nets to route between or the device fails.
    pub fn examine(&self, slices: &[Prepared]) -> Result<Vec<Examined>> {
        self.check_nets()?;
        let tiles = self.tiles(slices);
        let mut all = Vec::with_capacity(tiles.len());
        let mut left = tiles.as_slice();
        for (items, size) in plan(tiles.len(), self.compute.tile_batches()) {
            let (now, later) = left.split_at(items);
            left = later;
            let (said, first) = self.doubt(now, size);
            let probabilities = floats(said.probabilities.clone().into_data())?;
            let opinions = self.said((said, first), &[], items)?;
            let one = probabilities.len() / size;
            for ((tile, opinion), probabilities) in now.iter().zip(&opinions).zip(probabilities.chunks(one)) {
                all.push(self.examine_tile(tile, opinion, probabilities)?);
            }
        }
        Ok(all)
    }

    /// What the policy of `router` says of every patch of `slices` that lies in its slice: logits [nets] each,
    /// or the λ-free outputs z where it is the λ-conditioned one at λ = 0. Runs f0, no other net.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn policy_outputs(&self, slices: &[Prepared], router: Router) -> Result<Vec<Vec<f32>>> {
        self.check_nets()?;
        let choice = Choice { method: Method::Paser, router, seed: 0 };
        let tiles = self.tiles(slices);
        let opinions = self.opinions(&tiles, &choice, &mut 0)?;
        let layout = self.manifest.layout;
        let of_tile = |(tile, opinion): (&Tile, Opinion)| -> Vec<Vec<f32>> {
            let size = slices[tile.slice].size;
            let live =
                |(index, _): &(usize, &[f32])| layout.patch_in_slice(tile.corner, *index, size).is_some();
            let patches = opinion.logits.chunks(self.models.nets.len()).enumerate().filter(live);
            patches.map(|(_, logits)| logits.to_vec()).collect()
        };
        Ok(tiles.iter().zip(opinions).flat_map(of_tile).collect())
    }

    /// `probabilities` [K,H,W] are f0's.
    fn examine_tile(&self, tile: &Tile, opinion: &Opinion, probabilities: &[f32]) -> Result<Examined> {
        let patches = self.manifest.layout.patches();
        let pixels = self.manifest.layout.tile.iter().product();
        let own = |index: usize| -> Vec<f32> {
            probabilities.chunks(pixels).flat_map(|plane| self.cut_patch(plane, index)).collect()
        };
        let mut labels: Vec<Vec<Vec<u8>>> =
            (0..patches).map(|index| vec![self.cut_patch(&opinion.labels, index)]).collect();
        let mut sure: Vec<Vec<Vec<f32>>> = (0..patches).map(|index| vec![own(index)]).collect();
        let values: Vec<Vec<f32>> = (0..patches).map(|index| self.patch_values(tile, index)).collect();
        let mut accepted: Vec<Vec<Option<Vec<u8>>>> = vec![vec![None]; patches];
        for net in 1..self.models.nets.len() {
            let (mut left, mut said, mut gated) = (values.as_slice(), Vec::new(), Vec::new());
            for (items, size) in plan(patches, self.compute.patch_batches()) {
                let (now, later) = left.split_at(items);
                left = later;
                said.extend(self.answer(net, now, size)?);
                if self.doubts_at_gate(net) {
                    gated.extend(self.gated(net, now, size)?);
                }
            }
            let mut gated = gated.into_iter();
            for (patch, (label, probabilities)) in said.into_iter().enumerate() {
                labels[patch].push(label);
                let (own, seen) = gated.next().map_or((None, probabilities), |(l, p)| (Some(l), p));
                accepted[patch].push(own);
                sure[patch].push(seen);
            }
        }
        let policy_input = [opinion.seen.as_slice(), &opinion.entropy].concat();
        let Tile { slice, corner, .. } = *tile;
        Ok(Examined { slice, corner, policy_input, labels, probabilities: sure, accepted })
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

    fn opinions(&self, tiles: &[Tile], choice: &Choice, run: &mut Flops) -> Result<Vec<Opinion>> {
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
    fn ask(&self, tiles: &[Tile], size: usize, choice: &Choice) -> Result<Vec<Opinion>> {
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
        let seen = floats(said.labels.into_data())?;
        let answer = match (self.manifest.monte_carlo.label, first) {
            (F0Label::FirstPass, Some(first)) => floats(first.argmax(1).float().into_data())?,
            _ => seen.clone(),
        };
        let entropy = floats(said.entropy.into_data())?;
        let (pixels, actions) = (height * width, self.manifest.layout.patches() * self.models.nets.len());
        let opinion = |i: usize| Opinion {
            labels: answer[i * pixels..(i + 1) * pixels].iter().map(|l| *l as u8).collect(),
            seen: seen[i * pixels..(i + 1) * pixels].to_vec(),
            entropy: entropy[i * pixels..(i + 1) * pixels].to_vec(),
            logits: logits.get(i * actions..(i + 1) * actions).unwrap_or_default().to_vec(),
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
        floats(policy.forward(input).into_data())
    }

    /// Logits of a policy's outputs at the λ of `router`.
    pub(super) fn priced(&self, outputs: Vec<f32>, router: Router) -> Vec<f32> {
        match (router, &self.manifest.conditioned) {
            (Router::Conditioned(lambda), Some(entry)) => entry.logits(&outputs, lambda),
            _ => outputs,
        }
    }

    /// Decides for every patch; fills in routes, entropy and the paper's cost.
    pub(super) fn route(
        &self,
        tiles: &[Tile],
        opinions: &[Opinion],
        names: &[String],
        choice: &Choice,
        results: &mut [SliceResult],
    ) -> Vec<PatchJob> {
        let layout = self.manifest.layout;
        let nets = self.models.nets.len();
        let mut jobs = Vec::new();
        for (t, tile) in tiles.iter().enumerate() {
            let result = &mut results[tile.slice];
            let opinion = opinions.get(t);
            let logits = opinion.map_or(&[][..], |o| &o.logits);
            let name = names.get(tile.slice).map_or("", String::as_str);
            let name = format!("{name} {} {}", tile.corner[0], tile.corner[1]);
            let actions = choice.decide(logits, nets, layout.patches(), &name);
            for (index, mut net) in actions.into_iter().enumerate() {
                let Some(at) = layout.patch_in_slice(tile.corner, index, result.size) else { continue };
                let entropy =
                    opinion.map(|o| self.show_entropy(&o.entropy, index, at, result)).unwrap_or_default();
                if let Some(gate) = self.gate(choice.method, 0) {
                    net = u8::from(f64::from(entropy) > gate);
                }
                let probabilities =
                    logits.get(index * nets..(index + 1) * nets).map(softmax).unwrap_or_default();
                result.routes.push(PatchRoute { at, net, probabilities, entropy });
                result.flops_total += self.patch_cost(usize::from(net), at, choice);
                let route = result.routes.len() - 1;
                jobs.push(PatchJob { route, tile: t, index, at, net: usize::from(net) });
            }
        }
        jobs
    }

    /// The paper's cost of a patch: its share of f0's passes and the policy, and its net.
    fn patch_cost(&self, net: usize, at: Rect, choice: &Choice) -> Flops {
        let [height, width] = self.manifest.layout.patch();
        let patches = self.manifest.layout.patches() as f64;
        let area = at.area() as f64 / (height * width) as f64;
        let mut cost = 0.0;
        if choice.needs_f0() {
            cost += self.masks.len() as f64 * self.costs.f0 as f64 / patches;
        }
        if choice.method == Method::Paser {
            cost += self.costs.router(choice.router) as f64 / patches;
        }
        (cost * area + self.net_cost(net, at, choice.method)).round() as Flops
    }

    /// What net `net` costs on a patch of which `at` lies in the slice; f0's share is counted by its tiles.
    fn net_cost(&self, net: usize, at: Rect, method: Method) -> f64 {
        let [height, width] = self.manifest.layout.patch();
        let area = at.area() as f64 / (height * width) as f64;
        let passes = if self.gate(method, net).is_some() { self.gate_passes(net) } else { 1 };
        if net == 0 { 0.0 } else { area * (passes as Flops * self.costs.patch[net]) as f64 }
    }

    fn show_entropy(&self, tile: &[f32], index: usize, at: Rect, result: &mut SliceResult) -> f32 {
        let patch = self.cut_patch(tile, index);
        let width = self.manifest.layout.patch()[1];
        tiles::paste(&mut result.entropy, result.size[1], at, &patch, width);
        let inside: Vec<f64> = patch
            .chunks(width)
            .take(at.height)
            .flat_map(|row| row[..at.width].iter().map(|e| f64::from(*e)))
            .collect();
        mean(&inside) as f32
    }

    pub(super) fn cut_patch<T: Copy>(&self, tile: &[T], index: usize) -> Vec<T> {
        let Layout { tile: size, grid } = self.manifest.layout;
        let [height, width] = self.manifest.layout.patch();
        tiles::cut(tile, size, [index / grid[1] * height, index % grid[1] * width], [height, width])
    }

    /// Writes f0's own labels where a patch stays with it.
    pub(super) fn keep_f0(
        &self,
        tiles: &[Tile],
        opinions: &[Opinion],
        jobs: &[PatchJob],
        results: &mut [SliceResult],
    ) {
        for job in jobs.iter().filter(|j| j.net == 0) {
            let Some(opinion) = opinions.get(job.tile) else { continue };
            let patch = self.cut_patch(&opinion.labels, job.index);
            self.write(&patch, job, tiles, results);
        }
    }

    pub(super) fn write(&self, patch: &[u8], job: &PatchJob, tiles: &[Tile], results: &mut [SliceResult]) {
        let result = &mut results[tiles[job.tile].slice];
        tiles::paste(&mut result.labels, result.size[1], job.at, patch, self.manifest.layout.patch()[1]);
    }

    /// Runs every patch through its net; in a cascade, those that a net is not sure of go on to the next.
    fn run_patches(
        &self,
        tiles: &[Tile],
        mut jobs: Vec<PatchJob>,
        choice: &Choice,
        results: &mut [SliceResult],
        run: &mut Flops,
    ) -> Result<()> {
        for net in 1..self.models.nets.len() {
            let mine: Vec<usize> = (0..jobs.len()).filter(|j| jobs[*j].net == net).collect();
            let gate = self.gate(choice.method, net);
            let mut left = mine.as_slice();
            for (items, size) in plan(mine.len(), self.compute.patch_batches()) {
                let (now, later) = left.split_at(items);
                left = later;
                let patches: Vec<Vec<f32>> =
                    now.iter().map(|j| self.patch_values(&tiles[jobs[*j].tile], jobs[*j].index)).collect();
                let Some(gate) = gate else {
                    *run += self.costs.patch[net] * size as Flops;
                    for (j, labels) in now.iter().zip(self.label(net, &patches, size)?) {
                        self.write(&labels, &jobs[*j], tiles, results);
                    }
                    continue;
                };
                *run += self.gate_run(net) * size as Flops;
                for (j, (labels, probabilities)) in now.iter().zip(self.gated(net, &patches, size)?) {
                    let job = &mut jobs[*j];
                    self.write(&labels, job, tiles, results);
                    let width = self.manifest.layout.patch()[1];
                    if f64::from(mean_entropy(&probabilities, self.manifest.classes.len(), width, job.at))
                        > gate
                    {
                        job.net = net + 1;
                        let result = &mut results[tiles[job.tile].slice];
                        result.routes[job.route].net = job.net as u8;
                        result.flops_total += self.net_cost(job.net, job.at, choice.method).round() as Flops;
                    }
                }
            }
        }
        Ok(())
    }

    /// The cascade's gate after net `net`: none where the method is no cascade or the net is its last.
    fn gate(&self, method: Method, net: usize) -> Option<f64> {
        let entry = self.manifest.cascade.as_ref()?;
        let gates = match method {
            Method::Idk => &entry.chosen,
            Method::IdkMatch => &entry.matched,
            _ => return None,
        };
        gates.gates.get(net).copied()
    }

    pub(super) fn patch_values(&self, tile: &Tile, index: usize) -> Vec<f32> {
        let pixels = self.manifest.layout.tile[0] * self.manifest.layout.tile[1];
        tile.values.chunks(pixels).flat_map(|plane| self.cut_patch(plane, index)).collect()
    }

    /// Labels of patches (values [C, patch]) by `net`, run as one batch of `size`.
    pub(super) fn label(&self, net: usize, patches: &[Vec<f32>], size: usize) -> Result<Vec<Vec<u8>>> {
        let [height, width] = self.manifest.layout.patch();
        let x = self.batch(patches.iter().map(Vec::as_slice), size, [height, width]);
        let labels = self.models.nets[net].forward(x, &mut Off).argmax(1).float();
        let labels = floats(labels.into_data())?;
        Ok(labels
            .chunks(height * width)
            .take(patches.len())
            .map(|p| p.iter().map(|l| *l as u8).collect())
            .collect())
    }

    /// Labels and class probabilities [K, patch] of patches by `net`, run as one batch of `size`.
    pub(super) fn answer(&self, net: usize, patches: &[Vec<f32>], size: usize) -> Result<Vec<Answered>> {
        let x = self.batch(patches.iter().map(Vec::as_slice), size, self.manifest.layout.patch());
        let logits = self.models.nets[net].forward(x, &mut Off);
        self.read(&logits.clone().argmax(1), activation::softmax(logits, 1), patches.len())
    }

    /// Labels and probabilities of the first `count` patches.
    pub(super) fn read(
        &self,
        labels: &Tensor<4, Int>,
        probabilities: Tensor<4>,
        count: usize,
    ) -> Result<Vec<Answered>> {
        let labels = floats(labels.clone().float().into_data())?;
        let probabilities = floats(probabilities.into_data())?;
        let pixels: usize = self.manifest.layout.patch().iter().product();
        let one = pixels * self.manifest.classes.len();
        let of = |i: usize| {
            let labels = labels[i * pixels..(i + 1) * pixels].iter().map(|l| *l as u8).collect();
            (labels, probabilities[i * one..(i + 1) * one].to_vec())
        };
        Ok((0..count).map(of).collect())
    }

    /// `items` (values [C,H,W]) as [size,C,H,W], the last repeated as padding.
    pub(super) fn batch<'a>(
        &self,
        items: impl ExactSizeIterator<Item = &'a [f32]>,
        size: usize,
        [h, w]: [usize; 2],
    ) -> Tensor<4> {
        let channels = self.manifest.channels();
        let one = channels * h * w;
        let mut values = Vec::with_capacity(size * one);
        items.for_each(|item| values.extend_from_slice(item));
        while values.len() < size * one {
            values.extend_from_within(values.len() - one..);
        }
        Tensor::from_data(TensorData::new(values, [size, channels, h, w]), &self.compute.device)
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
    }
}

/// Values read back from the device.
pub(crate) fn floats(data: TensorData) -> Result<Vec<f32>> {
    data.try_into_vec::<f32>().map_err(|e| Error::Device(format!("the device gave no numbers back ({e:?})")))
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
