//! The reward table: while f0 to fm are frozen, the IoU of every patch under every net is fixed, so
//! it is computed once and looked up ever after.

use crate::cost::Flops;
use crate::data::dataset::Sample;
use crate::data::normalise::Prepared;
use crate::error::Result;
use crate::event::Control;
use crate::metrics::{Confusion, UNLABELLED, macro_iou};
use crate::route::Segmenter;
use crate::route::examine::Examined;
use crate::route::tiles::{self, Layout, Rect};
use crate::route::uncertainty::{mean_cross_entropy, mean_entropy};
use crate::train::loss;

/// A patch: where it lies and its IoU under each net, none where it has no labelled pixel.
#[derive(Clone, Debug)]
pub struct PatchEntry {
    /// The part of it in the slice; none where it lies wholly outside.
    pub at: Option<Rect>,
    /// IoU under each net.
    pub iou: Option<Vec<f64>>,
    /// How sure each net is of it, and how right, as a cascade's gate sees it; zeros where it lies wholly outside.
    pub sureness: Vec<Sureness>,
    /// Its pixels with truth by true and predicted class under each net.
    pub confusions: Vec<Confusion>,
    /// The same for what a cascade accepts from each net.
    pub accepted: Vec<Confusion>,
}

/// How sure a net is of a patch, and how right.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sureness {
    /// Mean entropy in nats of the patch's pixels in the slice.
    pub entropy: f32,
    /// Mean cross entropy in nats of its labelled pixels; 0 where none is labelled.
    pub cross_entropy: f32,
}

/// A tile with all its patches.
#[derive(Clone, Debug)]
pub struct TileEntry {
    /// What every net says of it.
    pub examined: Examined,
    /// Its patches.
    pub patches: Vec<PatchEntry>,
}

/// All tiles of some samples.
pub struct Table {
    /// The tiles, sample by sample; `examined.slice` counts the samples of the table.
    pub tiles: Vec<TileEntry>,
    /// Numbers of the samples in their data set.
    pub samples: Vec<usize>,
    pub(crate) layout: Layout,
    classes: usize,
}

/// Patches that are examined at once where tiles have few.
const PATCHES: usize = 64;

/// How many of the next samples are examined at once: small ones fill a batch together.
fn together(segmenter: &Segmenter, samples: &[Sample], numbers: &[usize]) -> usize {
    let most = segmenter.tiles_wanted().max(PATCHES / segmenter.manifest.layout.patches());
    let mut tiles = 0;
    let fits = numbers.iter().take_while(|n| {
        tiles += segmenter.manifest.layout.tiles(samples[**n].image.size).len();
        tiles <= most
    });
    fits.count().max(1)
}

impl Table {
    /// Runs every net on every patch of `samples[numbers]`; `progress` hears how many are done.
    ///
    /// # Errors
    /// Where the device fails or the work was stopped.
    pub fn build(
        segmenter: &Segmenter,
        samples: &[Sample],
        numbers: &[usize],
        control: &Control,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Self> {
        let layout = segmenter.manifest.layout;
        let classes = segmenter.manifest.classes.len();
        let mut tiles = Vec::new();
        let mut place = 0;
        while place < numbers.len() {
            control.check()?;
            let several = together(segmenter, samples, &numbers[place..]);
            let images: Vec<Prepared> =
                numbers[place..place + several].iter().map(|n| samples[*n].image.clone()).collect();
            for mut examined in segmenter.examine(&images)? {
                examined.slice += place;
                let sample = &samples[numbers[examined.slice]];
                let patches =
                    (0..layout.patches()).map(|i| entry(&examined, sample, layout, classes, i)).collect();
                // large, and said in each patch's sureness and confusions now
                (examined.probabilities, examined.accepted) = (Vec::new(), Vec::new());
                tiles.push(TileEntry { examined, patches });
            }
            place += several;
            progress(place);
        }
        Ok(Self { tiles, samples: numbers.to_vec(), layout, classes })
    }

    /// Rewards [tiles of `batch` x patches x nets] at λ; zero where a patch has no truth.
    pub fn rewards(&self, batch: &[usize], costs: &[f64], lambda: f64) -> Vec<f32> {
        let of_patch = |patch: &PatchEntry| -> Vec<f32> {
            let Some(iou) = &patch.iou else { return vec![0.0; costs.len()] };
            iou.iter().zip(costs).map(|(i, c)| loss::reward(i - iou[0], *c, lambda) as f32).collect()
        };
        batch.iter().flat_map(|t| &self.tiles[*t].patches).flat_map(of_patch).collect()
    }

    /// Mean reward of each sample's patches with truth when patch p of tile t goes to net `actions[t][p]`.
    pub fn image_rewards(&self, actions: &[Vec<u8>], costs: &[f64], lambda: f64) -> Vec<f64> {
        let mut sums = vec![(0.0, 0usize); self.samples.len()];
        for (tile, actions) in self.tiles.iter().zip(actions) {
            let (sum, count) = &mut sums[tile.examined.slice];
            for (patch, action) in tile.patches.iter().zip(actions) {
                let Some(iou) = &patch.iou else { continue };
                let net = usize::from(*action);
                *sum += loss::reward(iou[net] - iou[0], costs[net], lambda);
                *count += 1;
            }
        }
        sums.into_iter().filter(|(_, n)| *n > 0).map(|(sum, n)| sum / n as f64).collect()
    }

    /// Without any tile.
    pub(crate) fn empty(segmenter: &Segmenter, numbers: &[usize]) -> Self {
        let (layout, classes) = (segmenter.manifest.layout, segmenter.manifest.classes.len());
        Self { tiles: Vec::new(), samples: numbers.to_vec(), layout, classes }
    }

    /// Macro IoU of each stitched sample when patch p of tile t goes to net `actions[t][p]`.
    pub fn iou(&self, actions: &[Vec<u8>]) -> Vec<f64> {
        self.confusions(actions, |patch| &patch.confusions).iter().filter_map(Confusion::macro_iou).collect()
    }

    /// Confusion of each stitched sample, from those of its patches that `of` takes.
    pub(crate) fn confusions(
        &self,
        actions: &[Vec<u8>],
        of: impl Fn(&PatchEntry) -> &[Confusion],
    ) -> Vec<Confusion> {
        let mut sums = vec![Confusion::new(self.classes); self.samples.len()];
        for (tile, actions) in self.tiles.iter().zip(actions) {
            for (patch, action) in tile.patches.iter().zip(actions).filter(|(p, _)| p.at.is_some()) {
                sums[tile.examined.slice].absorb(&of(patch)[usize::from(*action)]);
            }
        }
        sums
    }

    /// Labels of each sample.
    pub(crate) fn stitched(&self, samples: &[Sample], actions: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut maps: Vec<Vec<u8>> =
            self.samples.iter().map(|n| vec![UNLABELLED; samples[*n].truth.len()]).collect();
        for (tile, actions) in self.tiles.iter().zip(actions) {
            let width = samples[self.samples[tile.examined.slice]].image.size[1];
            for ((patch, labels), action) in tile.patches.iter().zip(&tile.examined.labels).zip(actions) {
                if let Some(at) = patch.at {
                    let map = &mut maps[tile.examined.slice];
                    tiles::paste(map, width, at, &labels[usize::from(*action)], self.layout.patch()[1]);
                }
            }
        }
        maps
    }

    /// Patches that lie in a slice.
    pub fn live(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let patches = |(t, tile): (usize, &TileEntry)| {
            let live = tile.patches.iter().enumerate().filter(|(_, p)| p.at.is_some());
            live.map(|(p, _)| (t, p)).collect::<Vec<_>>()
        };
        self.tiles.iter().enumerate().flat_map(patches)
    }

    /// Mean cost of a sample by the paper's count; `fixed` is what f0 and the policy cost a tile.
    pub fn flops(&self, actions: &[Vec<u8>], fixed: Flops, patch: &[Flops]) -> f64 {
        let full = self.layout.patch().iter().product::<usize>() as f64;
        let share = fixed as f64 / self.layout.patches() as f64;
        let cost = |(t, p): (usize, usize)| {
            let area = self.tiles[t].patches[p].at.map_or(0.0, |r| r.area() as f64) / full;
            let net = usize::from(actions[t][p]);
            area * (share + if net > 0 { patch[net] as f64 } else { 0.0 })
        };
        self.live().map(cost).sum::<f64>() / self.samples.len().max(1) as f64
    }
}

fn entry(examined: &Examined, sample: &Sample, layout: Layout, classes: usize, index: usize) -> PatchEntry {
    let at = layout.patch_in_slice(examined.corner, index, sample.image.size);
    let iou = at.and_then(|at| {
        let truth = cut(&sample.truth, sample.image.size[1], at);
        let width = layout.patch()[1];
        let of_net =
            |labels: &Vec<u8>| macro_iou(&cut(labels, width, Rect { y: 0, x: 0, ..at }), &truth, classes);
        examined.labels[index].iter().map(of_net).collect()
    });
    let of_net = |probabilities: &Vec<f32>| {
        let width = layout.patch()[1];
        at.map_or_else(Sureness::default, |at| Sureness {
            entropy: mean_entropy(probabilities, classes, width, at),
            cross_entropy: mean_cross_entropy(
                probabilities,
                classes,
                width,
                at,
                &cut(&sample.truth, sample.image.size[1], at),
            ),
        })
    };
    let sureness = examined.probabilities[index].iter().map(of_net).collect();
    let confusion = |labels: &Vec<u8>| {
        let here = at.map_or_else(Vec::new, |at| cut(labels, layout.patch()[1], Rect { y: 0, x: 0, ..at }));
        let truth = at.map_or_else(Vec::new, |at| cut(&sample.truth, sample.image.size[1], at));
        Confusion::of(&here, &truth, classes)
    };
    let confusions: Vec<Confusion> = examined.labels[index].iter().map(confusion).collect();
    let own = examined.accepted[index].iter().zip(&confusions);
    let accepted = own.map(|(own, plain)| own.as_ref().map_or_else(|| plain.clone(), confusion)).collect();
    PatchEntry { at, iou, sureness, confusions, accepted }
}

fn cut(map: &[u8], width: usize, at: Rect) -> Vec<u8> {
    let row = |y: usize| &map[(at.y + y) * width + at.x..][..at.width];
    (0..at.height).flat_map(row).copied().collect()
}
