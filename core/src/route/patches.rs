//! Patches on their way: which net each goes to, what that costs, and its labels back in the slice.

use super::batch::plan;
use super::gates::Answered;
use super::method::{Choice, Method, softmax};
use super::segment::{Opinion, PatchJob, PatchRoute, Segmenter, SliceResult, Tile};
use super::tiles::{self, Layout, Rect};
use super::uncertainty::mean_entropy;
use crate::cost::Flops;
use crate::error::Result;
use crate::metrics::mean;
use crate::net::dropout::Off;
use burn::tensor::{Int, Tensor, TensorData, activation};

impl Segmenter {
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
    pub(super) fn patch_cost(&self, net: usize, at: Rect, choice: &Choice) -> Flops {
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
    pub(super) fn net_cost(&self, net: usize, at: Rect, method: Method) -> f64 {
        let [height, width] = self.manifest.layout.patch();
        let area = at.area() as f64 / (height * width) as f64;
        let passes = if self.gate(method, net).is_some() { self.gate_passes(net) } else { 1 };
        if net == 0 { 0.0 } else { area * (passes as Flops * self.costs.patch[net]) as f64 }
    }

    pub(super) fn show_entropy(&self, tile: &[f32], index: usize, at: Rect, result: &mut SliceResult) -> f32 {
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
            let [height, width] = self.manifest.layout.tile;
            let classes = opinion.probabilities.chunks(height * width);
            let patch: Vec<f32> = classes.flat_map(|tile| self.cut_patch(tile, job.index)).collect();
            self.write_probabilities(&patch, job, tiles, results);
        }
    }

    /// Writes class probabilities [K, patch], where they are kept.
    fn write_probabilities(
        &self,
        patch: &[f32],
        job: &PatchJob,
        tiles: &[Tile],
        results: &mut [SliceResult],
    ) {
        let result = &mut results[tiles[job.tile].slice];
        let [height, width] = self.manifest.layout.patch();
        let planes = result.probabilities.chunks_mut(result.labels.len().max(1));
        planes.zip(patch.chunks(height * width)).for_each(|(plane, patch)| {
            tiles::paste(plane, result.size[1], job.at, patch, width);
        });
    }

    pub(super) fn write(&self, patch: &[u8], job: &PatchJob, tiles: &[Tile], results: &mut [SliceResult]) {
        let result = &mut results[tiles[job.tile].slice];
        tiles::paste(&mut result.labels, result.size[1], job.at, patch, self.manifest.layout.patch()[1]);
    }

    /// Runs every patch through its net; in a cascade, those that a net is not sure of go on to the next.
    pub(super) fn run_patches(
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
                    for (j, (labels, probabilities)) in now.iter().zip(self.labelled(net, &patches, size)?) {
                        self.write(&labels, &jobs[*j], tiles, results);
                        self.write_probabilities(&probabilities, &jobs[*j], tiles, results);
                    }
                    continue;
                };
                *run += self.gate_run(net) * size as Flops;
                for (j, (labels, probabilities)) in now.iter().zip(self.gated(net, &patches, size)?) {
                    let job = &mut jobs[*j];
                    self.write(&labels, job, tiles, results);
                    self.write_probabilities(&probabilities, job, tiles, results);
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
    pub(super) fn gate(&self, method: Method, net: usize) -> Option<f64> {
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
        let labels = self.compute.read(labels.into_data())?;
        Ok(labels
            .chunks(height * width)
            .take(patches.len())
            .map(|p| p.iter().map(|l| *l as u8).collect())
            .collect())
    }

    /// Labels of patches by `net`, and its probabilities where they are kept.
    fn labelled(&self, net: usize, patches: &[Vec<f32>], size: usize) -> Result<Vec<Answered>> {
        if self.keeps_probabilities {
            return self.answer(net, patches, size);
        }
        Ok(self.label(net, patches, size)?.into_iter().map(|labels| (labels, Vec::new())).collect())
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
        let labels = self.compute.read(labels.clone().float().into_data())?;
        let probabilities = self.compute.read(probabilities.into_data())?;
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
