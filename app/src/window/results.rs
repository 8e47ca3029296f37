//! What was segmented: figures of every slice, labels and routes of as many as fit in memory.

use paser_core::bundle::Manifest;
use paser_core::cost::Flops;
use paser_core::metrics::UNLABELLED;
use paser_core::route::segment::Costs;
use paser_core::route::{Method, PatchRoute, SliceResult, Speeds};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Labels and routes of a slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Rows and columns.
    pub size: [usize; 2],
    /// Class of every pixel.
    pub labels: Vec<u8>,
    /// Entropy of every pixel, 255 for the largest possible; empty where none was computed.
    pub entropy: Vec<u8>,
    /// All patches.
    pub routes: Vec<PatchRoute>,
    /// f0's probability of each class at every pixel, 255 for one; empty where nobody looked.
    pub probabilities: Arc<Vec<Vec<u8>>>,
}

/// Figures of a slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Share of patches that went to each net.
    pub shares: Vec<f64>,
    /// Pixels of each class.
    pub pixels: Vec<u64>,
    /// Mean entropy in nats; none where f0 did not run.
    pub entropy: Option<f64>,
    /// Weight of the cost that it was routed at.
    pub lambda: f64,
    /// How patches were sent to nets.
    pub method: Method,
    /// What it cost by the paper's count.
    pub flops: Flops,
    /// What the largest net alone would have cost.
    pub flops_largest: Flops,
}

/// What the window needs to know of a bundle.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its manifest.
    pub manifest: Manifest,
    /// Cost of each part.
    pub costs: Costs,
    /// Cost of each net in the reward (Eq. 3).
    pub reward_costs: Vec<f64>,
}

impl Model {
    /// Expected cost of a slice of `size` (rows, columns) whose patches go to the nets by `shares`.
    pub fn flops(&self, shares: &[f64], size: [usize; 2]) -> f64 {
        let layout = self.manifest.layout;
        let area = (size[0] * size[1]) as f64;
        let tiles = area / layout.tile.iter().product::<usize>().max(1) as f64;
        let patches = tiles * layout.patches() as f64;
        let passes = self.manifest.monte_carlo.passes as f64;
        let routed = self.costs.patch.iter().zip(shares).skip(1).map(|(cost, share)| *cost as f64 * share);
        let policy = self.costs.router(self.manifest.router(self.manifest.lambda)) as f64;
        tiles * (passes * self.costs.f0 as f64 + policy) + patches * routed.sum::<f64>()
    }

    /// Expected seconds of such a slice here.
    pub fn seconds(&self, speeds: &Speeds, shares: &[f64], size: [usize; 2]) -> f64 {
        let layout = self.manifest.layout;
        let up = |side: usize, step: usize| side.div_ceil(step.max(1)) as f64;
        let [patch, tile] = [layout.patch(), layout.tile];
        let tiles = up(size[0], tile[0]) * up(size[1], tile[1]);
        speeds.slice(tiles, up(size[0], patch[0]) * up(size[1], patch[1]), shares)
    }
}

/// The results of one stack.
#[derive(Clone, Debug)]
pub struct Results {
    kept: BTreeMap<usize, Arc<Kept>>,
    summaries: Vec<Option<Summary>>,
    order: Vec<usize>,
    bytes: usize,
    budget: usize,
    /// Counts every change, so that pictures of old results are known as such.
    pub version: u64,
}

impl Kept {
    /// Of a result, with its figures.
    pub fn of(result: SliceResult, model: &Model, lambda: f64) -> (Self, Summary) {
        let most = largest_entropy(&model.manifest);
        let entropy = result.entropy.iter().map(|e| (255.0 * e / most).clamp(0.0, 255.0) as u8).collect();
        let summary = Summary::of(&result, model, lambda);
        (
            Self {
                size: result.size,
                labels: result.labels,
                entropy,
                routes: result.routes,
                probabilities: Arc::default(),
            },
            summary,
        )
    }

    /// Number of the patch that holds pixel [x, y].
    pub fn patch_at(&self, [x, y]: [usize; 2]) -> Option<usize> {
        let inside = |r: &PatchRoute| {
            (r.at.x..r.at.x + r.at.width).contains(&x) && (r.at.y..r.at.y + r.at.height).contains(&y)
        };
        self.routes.iter().position(inside)
    }

    /// Place of pixel [x, y] in the maps.
    pub fn place(&self, [x, y]: [usize; 2]) -> usize {
        y * self.size[1] + x
    }

    fn bytes(&self) -> usize {
        let maps: usize = self.probabilities.iter().map(Vec::len).sum();
        self.labels.len() + self.entropy.len() + 64 * self.routes.len() + maps
    }
}

impl Summary {
    /// How it was made, for people.
    pub fn title(&self) -> String {
        match self.method {
            Method::Paser => format!("λ {}", self.lambda),
            other => other.to_string(),
        }
    }

    fn of(result: &SliceResult, model: &Model, lambda: f64) -> Self {
        let mut pixels = vec![0u64; model.manifest.classes.len()];
        for label in &result.labels {
            if let Some(count) = pixels.get_mut(usize::from(*label)) {
                *count += 1;
            }
        }
        let patch: usize = model.manifest.layout.patch().into_iter().product();
        let area: usize = result.routes.iter().map(|r| r.at.area()).sum();
        let largest = model.costs.patch.last().copied().unwrap_or(0) as f64;
        Self {
            shares: result.shares(model.manifest.nets.len()),
            pixels,
            entropy: (!result.entropy.is_empty()).then(|| {
                result.entropy.iter().map(|e| f64::from(*e)).sum::<f64>() / result.entropy.len() as f64
            }),
            lambda,
            method: Method::Paser,
            flops: result.flops_total,
            flops_largest: (largest * area as f64 / patch.max(1) as f64) as Flops,
        }
    }

    /// Share of each class among the labelled pixels.
    pub fn fractions(&self) -> Vec<f64> {
        let total = self.pixels.iter().sum::<u64>().max(1) as f64;
        self.pixels.iter().map(|p| *p as f64 / total).collect()
    }
}

impl Results {
    /// None yet, with `budget` bytes for maps.
    pub fn within(slices: usize, budget: usize) -> Self {
        let summaries = vec![None; slices];
        Self { kept: BTreeMap::new(), summaries, order: Vec::new(), bytes: 0, budget, version: 0 }
    }

    /// Adds a slice's; the oldest maps make room where memory is short, their figures stay.
    pub fn put(&mut self, z: usize, kept: Kept, summary: Summary) {
        let Some(place) = self.summaries.get_mut(z) else { return };
        *place = Some(summary);
        self.version += 1;
        self.remove(z);
        self.bytes += kept.bytes();
        self.kept.insert(z, Arc::new(kept));
        self.order.push(z);
        self.make_room();
    }

    /// Changes the bytes for maps.
    pub fn allow(&mut self, budget: usize) {
        self.budget = budget;
        self.make_room();
    }

    fn make_room(&mut self) {
        while self.bytes > self.budget && self.order.len() > 1 {
            let oldest = self.order.remove(0);
            self.forget(oldest);
        }
    }

    fn remove(&mut self, z: usize) {
        self.order.retain(|other| *other != z);
        self.forget(z);
    }

    fn forget(&mut self, z: usize) {
        if let Some(old) = self.kept.remove(&z) {
            self.bytes -= old.bytes();
        }
    }

    /// Labels and routes of a slice, if they are still in memory.
    pub fn kept(&self, z: usize) -> Option<&Arc<Kept>> {
        self.kept.get(&z)
    }

    /// Figures of a slice, if it was segmented.
    pub fn summary(&self, z: usize) -> Option<&Summary> {
        self.summaries.get(z).and_then(Option::as_ref)
    }

    /// Segmented slices by number.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &Summary)> {
        self.summaries.iter().enumerate().filter_map(|(z, s)| Some((z, s.as_ref()?)))
    }

    /// Figures of all segmented slices.
    pub fn summaries(&self) -> impl Iterator<Item = &Summary> {
        self.summaries.iter().flatten()
    }
}

/// The entropy of complete doubt, in nats.
pub fn largest_entropy(manifest: &Manifest) -> f32 {
    (manifest.classes.len().max(2) as f32).ln()
}

/// Name of a label for people.
pub fn class_name(manifest: &Manifest, label: u8) -> &str {
    if label == UNLABELLED {
        return "unlabelled";
    }
    manifest.classes.get(usize::from(label)).map_or("?", |c| c.name.as_str())
}
