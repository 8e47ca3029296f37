//! Methods side by side on the same images: fixed nets, PaSeR at every λ, random routers with its
//! shares, the oracle. All come from one table of what every net says of every patch.

mod table;

pub use table::{PatchEntry, Table, TileEntry};

use crate::bundle::CurvePoint;
use crate::cost::Flops;
use crate::data::dataset::Sample;
use crate::error::Result;
use crate::hash::Stream;
use crate::metrics::{Paired, mean, paired, total_variation};
use crate::net::Policy;
use crate::route::method::argmax;
use crate::route::segment::{Segmenter, floats, shares};
use burn::tensor::{Tensor, TensorData};
use serde::Serialize;

/// Draws of a random router that its figures are the mean of.
const DRAWS: usize = 20;

/// A method on a set of images.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// "f0", "paser", "random, same shares", "oracle", ...
    pub method: String,
    /// λ, where the method has one.
    pub lambda: Option<f64>,
    /// Number of images.
    pub images: usize,
    /// Mean macro IoU of the stitched images.
    pub iou: f64,
    /// Share of patches to each net.
    pub shares: Vec<f64>,
    /// Mean cost of an image by the paper's count.
    pub flops: f64,
    /// IoU above that of a random router with the same shares, image by image.
    pub above_random: Option<Paired>,
}

/// One way of sending the table's patches, measured.
struct Measured {
    iou: Vec<f64>,
    shares: Vec<f64>,
    flops: f64,
}

impl Measured {
    fn row(&self, method: &str, lambda: Option<f64>) -> Row {
        Row {
            method: method.to_owned(),
            lambda,
            images: self.iou.len(),
            iou: mean(&self.iou),
            shares: self.shares.clone(),
            flops: self.flops,
            above_random: None,
        }
    }
}

/// A table with what is needed to measure routings of it.
struct Judge<'a> {
    segmenter: &'a Segmenter,
    table: &'a Table,
    samples: &'a [Sample],
}

impl Judge<'_> {
    /// `fixed` is what a tile costs before any patch is sent on.
    fn measure(&self, actions: &[Vec<u8>], fixed: Flops) -> Measured {
        let taken = self.table.live().map(|(t, p)| actions[t][p]);
        Measured {
            iou: self.table.iou(self.samples, actions),
            shares: shares(taken, self.segmenter.models.nets.len()),
            flops: self.table.flops(actions, fixed, &self.segmenter.costs().patch),
        }
    }

    /// f0's passes on a tile.
    fn passes(&self) -> Flops {
        self.segmenter.manifest.monte_carlo.passes as Flops * self.segmenter.costs().f0
    }

    fn routed(&self, actions: &[Vec<u8>]) -> Measured {
        self.measure(actions, self.passes() + self.segmenter.costs().policy)
    }

    /// What `policy` sends every patch to (its argmax).
    fn decide(&self, policy: &Policy) -> Result<Vec<Vec<u8>>> {
        let [h, w] = self.segmenter.manifest.layout.tile;
        let one = |tile: &TileEntry| {
            let values = TensorData::new(tile.examined.policy_input.clone(), [1, 2, h, w]);
            let x = Tensor::<4>::from_data(values, &self.segmenter.compute.device);
            let logits = floats(policy.forward(x).into_data())?;
            Ok(logits.chunks(self.segmenter.models.nets.len()).map(argmax).collect())
        };
        self.table.tiles.iter().map(one).collect()
    }

    /// IoU of each image under a random router with the given shares, mean of [`DRAWS`] draws.
    fn random(&self, shares: &[f64], seed: u64) -> Vec<f64> {
        let mut stream = Stream::new(seed, "random router");
        let mut sums: Vec<f64> = Vec::new();
        for _ in 0..DRAWS {
            let actions: Vec<Vec<u8>> = self
                .table
                .tiles
                .iter()
                .map(|t| t.patches.iter().map(|_| draw(shares, &mut stream)).collect())
                .collect();
            let iou = self.table.iou(self.samples, &actions);
            sums.resize(iou.len(), 0.0);
            sums.iter_mut().zip(iou).for_each(|(sum, i)| *sum += i / DRAWS as f64);
        }
        sums
    }

    /// For every patch the net with the best reward, the cheapest of equals.
    fn oracle(&self, costs: &[f64], lambda: f64) -> Vec<Vec<u8>> {
        let best = |tile: usize| {
            let rewards = self.table.rewards(&[tile], costs, lambda);
            rewards.chunks(costs.len()).map(argmax).collect()
        };
        (0..self.table.tiles.len()).map(best).collect()
    }
}

fn draw(shares: &[f64], stream: &mut Stream) -> u8 {
    let mut left = stream.unit();
    let chosen = shares.iter().position(|s| {
        left -= s;
        left < 0.0
    });
    chosen.unwrap_or(shares.len() - 1) as u8
}

/// IoU, shares and cost of every policy on `table`'s images.
///
/// # Errors
/// Where the device fails.
pub fn curve(segmenter: &Segmenter, table: &Table, samples: &[Sample]) -> Result<Vec<CurvePoint>> {
    let judge = Judge { segmenter, table, samples };
    let mut points: Vec<CurvePoint> = Vec::new();
    for (policy, entry) in segmenter.models.policies.iter().zip(&segmenter.manifest.policies) {
        let Measured { iou, shares, flops } = judge.routed(&judge.decide(policy)?);
        let tvd = points.first().map_or(0.0, |zero| total_variation(&shares, &zero.shares));
        points.push(CurvePoint { lambda: entry.lambda, shares, iou: mean(&iou), flops, tvd });
    }
    Ok(points)
}

/// Fixed nets; then, for every policy, PaSeR, a random router with its shares, and the oracle at its λ.
/// `costs` are those of the reward, `seed` that of the random router.
///
/// # Errors
/// Where the device fails.
pub fn rows(
    segmenter: &Segmenter,
    table: &Table,
    samples: &[Sample],
    costs: &[f64],
    seed: u64,
) -> Result<Vec<Row>> {
    let judge = Judge { segmenter, table, samples };
    let patches = segmenter.manifest.layout.patches();
    let mut rows = Vec::new();
    for net in 0..segmenter.models.nets.len() {
        let actions = vec![vec![net as u8; patches]; table.tiles.len()];
        let fixed = if net == 0 { judge.passes() } else { 0 };
        rows.push(judge.measure(&actions, fixed).row(&format!("f{net}"), None));
    }
    for (policy, entry) in segmenter.models.policies.iter().zip(&segmenter.manifest.policies) {
        let lambda = Some(entry.lambda);
        let routed = judge.routed(&judge.decide(policy)?);
        let random = Measured {
            iou: judge.random(&routed.shares, seed),
            shares: routed.shares.clone(),
            flops: routed.flops,
        };
        rows.push(Row { above_random: paired(&routed.iou, &random.iou), ..routed.row("paser", lambda) });
        rows.push(random.row("random, same shares", lambda));
        rows.push(judge.routed(&judge.oracle(costs, entry.lambda)).row("oracle", lambda));
    }
    Ok(rows)
}
