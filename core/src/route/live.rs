//! One slice, routed again and again: f0's passes run once, every policy once it is asked for, every
//! patch once by each net that it is sent to. So another λ costs only the patches that no one has seen.

use super::batch::plan;
use super::method::{Choice, Method, Router};
use super::segment::{Opinion, PatchJob, PatchRoute, Segmenter, SliceResult, Tile, blank};
use super::tiles::{self, Rect};
use crate::cost::Flops;
use crate::data::normalise::Prepared;
use crate::error::Result;
use crate::event::Control;
use crate::metrics::UNLABELLED;
use burn::tensor::{Tensor, TensorData};

/// A slice with what is known of it so far.
pub struct Live {
    slice: Prepared,
    name: String,
    tiles: Vec<Tile>,
    /// f0's; the logits are those of the policy asked last.
    opinions: Vec<Opinion>,
    /// Of f0's mean [tiles][K, tile].
    probabilities: Vec<Vec<f32>>,
    /// Outputs of each policy, the λ-conditioned one last, once it was asked [policies + 1][tiles].
    outputs: Vec<Option<Vec<Vec<f32>>>>,
    /// Labels of each patch by f1, ..., once it was sent there [tiles][patches][nets - 1].
    labels: Vec<Vec<Vec<Option<Vec<u8>>>>>,
}

/// What every net says of a patch.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit {
    /// The part of the slice that the patch covers.
    pub at: Rect,
    /// Labels by each net, the part in the slice [nets][height * width].
    pub labels: Vec<Vec<u8>>,
}

impl Live {
    /// Runs f0 on `slice`; `name` tells it apart for a random method.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn new(segmenter: &Segmenter, slice: Prepared, name: String) -> Result<Self> {
        segmenter.check_nets()?;
        let tiles = segmenter.tiles(std::slice::from_ref(&slice));
        let (mut opinions, mut probabilities) = (Vec::new(), Vec::new());
        let mut left = tiles.as_slice();
        for (items, size) in plan(tiles.len(), segmenter.compute.tile_batches()) {
            let (now, later) = left.split_at(items);
            left = later;
            let doubt = segmenter.doubt(now, size);
            let shares = segmenter.compute.read(doubt.0.probabilities.clone().into_data())?;
            probabilities.extend(shares.chunks(shares.len() / size).take(items).map(<[f32]>::to_vec));
            opinions.extend(segmenter.said(doubt, &[], items)?);
        }
        let upper = segmenter.models.nets.len() - 1;
        let labels = vec![vec![vec![None; upper]; segmenter.manifest.layout.patches()]; tiles.len()];
        let outputs = vec![None; segmenter.models.policies.len() + 1];
        Ok(Self { slice, name, tiles, opinions, probabilities, outputs, labels })
    }

    /// The slice segmented by `choice`, as [`Segmenter::segment`] does it; `flops_run` counts only what
    /// this call had to run. `control` stops between batches, and what was computed stays.
    ///
    /// # Errors
    /// Where the method does not fit the bundle, the device fails or the work was stopped.
    pub fn route(
        &mut self,
        segmenter: &Segmenter,
        choice: &Choice,
        control: &Control,
    ) -> Result<SliceResult> {
        segmenter.check(choice)?;
        if matches!(choice.method, Method::Idk | Method::IdkMatch) {
            // each net is asked only about what the one before was unsure of, so there is nothing to keep
            let slice = std::slice::from_ref(&self.slice);
            return Ok(segmenter.segment(slice, std::slice::from_ref(&self.name), choice)?.swap_remove(0));
        }
        if let Method::Whole(_) = choice.method {
            let name = std::slice::from_ref(&self.name);
            let mut results = segmenter.segment(std::slice::from_ref(&self.slice), name, choice)?;
            return Ok(results.swap_remove(0));
        }
        let mut run = self.ask(segmenter, choice)?;
        let mut results = vec![blank(&self.slice, choice)];
        let known = if choice.needs_f0() { self.opinions.as_slice() } else { &[] };
        let names = std::slice::from_ref(&self.name);
        let jobs = segmenter.route(&self.tiles, known, names, choice, &mut results);
        segmenter.keep_f0(&self.tiles, known, &jobs, &mut results);
        run += self.run(segmenter, &jobs, control)?;
        for job in jobs.iter().filter(|j| j.net > 0) {
            if let Some(labels) = &self.labels[job.tile][job.index][job.net - 1] {
                segmenter.write(labels, job, &self.tiles, &mut results);
            }
        }
        let mut result = results.swap_remove(0);
        result.flops_run = run;
        self.slice.masked.iter().for_each(|v| result.labels[*v] = UNLABELLED);
        Ok(result)
    }

    /// What every net says of the patch that holds pixel [x, y]; none where that lies outside.
    ///
    /// # Errors
    /// As [`Self::route`].
    pub fn audit(
        &mut self,
        segmenter: &Segmenter,
        [x, y]: [usize; 2],
        control: &Control,
    ) -> Result<Option<Audit>> {
        let Some((tile, index, at)) = self.find(segmenter, [x, y]) else { return Ok(None) };
        let nets = segmenter.models.nets.len();
        let jobs: Vec<PatchJob> = (1..nets).map(|net| PatchJob { route: 0, tile, index, at, net }).collect();
        self.run(segmenter, &jobs, control)?;
        let width = segmenter.manifest.layout.patch()[1];
        let inside = |labels: &[u8]| -> Vec<u8> {
            labels.chunks(width).take(at.height).flat_map(|row| &row[..at.width]).copied().collect()
        };
        let mut labels = vec![inside(&segmenter.cut_patch(&self.opinions[tile].labels, index))];
        labels.extend(self.labels[tile][index].iter().flatten().map(|l| inside(l)));
        Ok(Some(Audit { at, labels }))
    }

    /// f0's mean probability of `class` at every pixel.
    pub fn probability(&self, segmenter: &Segmenter, class: usize) -> Vec<f32> {
        let [height, width] = segmenter.manifest.layout.tile;
        let mut map = vec![0.0; self.slice.size[0] * self.slice.size[1]];
        for (tile, shares) in self.tiles.iter().zip(&self.probabilities) {
            let [y, x] = tile.corner;
            let at = Rect {
                y,
                x,
                height: height.min(self.slice.size[0] - y),
                width: width.min(self.slice.size[1] - x),
            };
            if let Some(plane) = shares.chunks(height * width).nth(class) {
                tiles::paste(&mut map, self.slice.size[1], at, plane, width);
            }
        }
        map
    }

    /// The slice as the nets read it.
    pub fn slice(&self) -> &Prepared {
        &self.slice
    }

    /// Patches known by one of f1, ... so far.
    pub fn computed(&self) -> usize {
        self.labels.iter().flatten().flatten().flatten().count()
    }

    fn find(&self, segmenter: &Segmenter, [x, y]: [usize; 2]) -> Option<(usize, usize, Rect)> {
        let layout = segmenter.manifest.layout;
        let patches = |tile: usize| (0..layout.patches()).map(move |index| (tile, index));
        (0..self.tiles.len()).flat_map(patches).find_map(|(tile, index)| {
            let at = layout.patch_in_slice(self.tiles[tile].corner, index, self.slice.size)?;
            let inside = (at.x..at.x + at.width).contains(&x) && (at.y..at.y + at.height).contains(&y);
            inside.then_some((tile, index, at))
        })
    }

    /// Puts the logits of the policy of `choice` in place, asking it where nobody has; says what ran.
    fn ask(&mut self, segmenter: &Segmenter, choice: &Choice) -> Result<Flops> {
        if choice.method != Method::Paser {
            self.opinions.iter_mut().for_each(|o| o.logits.clear());
            return Ok(0);
        }
        let last = self.outputs.len() - 1;
        let place = match choice.router {
            Router::Fixed(i) => i.min(last),
            Router::Conditioned(_) => last,
        };
        let mut run = 0;
        if self.outputs[place].is_none() {
            let (outputs, cost) = self.outputs_of(segmenter, choice.router)?;
            self.outputs[place] = Some(outputs);
            run = cost;
        }
        for (opinion, outputs) in self.opinions.iter_mut().zip(self.outputs[place].iter().flatten()) {
            opinion.logits = segmenter.priced(outputs.clone(), choice.router);
        }
        Ok(run)
    }

    fn outputs_of(&self, segmenter: &Segmenter, router: Router) -> Result<(Vec<Vec<f32>>, Flops)> {
        let [height, width] = segmenter.manifest.layout.tile;
        let (mut all, mut run) = (Vec::new(), 0);
        let mut left = self.opinions.as_slice();
        for (items, size) in plan(self.opinions.len(), segmenter.compute.tile_batches()) {
            let (now, later) = left.split_at(items);
            left = later;
            let mut values: Vec<f32> =
                now.iter().flat_map(|o| [o.seen.as_slice(), &o.entropy].concat()).collect();
            while values.len() < size * 2 * height * width {
                values.extend_from_within(values.len() - 2 * height * width..);
            }
            let x = TensorData::new(values, [size, 2, height, width]);
            let x = Tensor::<4>::from_data(x, &segmenter.compute.device);
            let outputs = segmenter.outputs(x, router)?;
            all.extend(outputs.chunks(outputs.len() / size).take(items).map(<[f32]>::to_vec));
            run += segmenter.costs().router(router) * size as Flops;
        }
        Ok((all, run))
    }

    /// Runs the patches of `jobs` that their nets have not seen; says what ran.
    fn run(&mut self, segmenter: &Segmenter, jobs: &[PatchJob], control: &Control) -> Result<Flops> {
        let mut run = 0;
        for net in 1..segmenter.models.nets.len() {
            let unseen = |j: &&PatchJob| j.net == net && self.labels[j.tile][j.index][net - 1].is_none();
            let jobs: Vec<&PatchJob> = jobs.iter().filter(unseen).collect();
            let mut left = jobs.as_slice();
            for (items, size) in plan(jobs.len(), segmenter.compute.patch_batches()) {
                control.check()?;
                let (now, later) = left.split_at(items);
                left = later;
                let values: Vec<Vec<f32>> =
                    now.iter().map(|j| segmenter.patch_values(&self.tiles[j.tile], j.index)).collect();
                for (job, labels) in now.iter().zip(segmenter.label(net, &values, size)?) {
                    self.labels[job.tile][job.index][net - 1] = Some(labels);
                }
                run += segmenter.costs().patch[net] * size as Flops;
            }
        }
        Ok(run)
    }
}

impl PatchRoute {
    /// A pixel [x, y] of the patch, to name it by.
    pub fn pixel(&self) -> [usize; 2] {
        [self.at.x, self.at.y]
    }
}
