//! Methods side by side on the same images: fixed nets, PaSeR at every λ, random routers with its
//! shares, the oracle. All come from one table of what every net says of every patch.

mod cascade;
mod table;

pub use cascade::{Cascade, LAMBDA as LAMBDA_IDK};
pub use table::{PatchEntry, Sureness, Table, TileEntry};

use crate::bundle::CurvePoint;
use crate::cost::Flops;
use crate::data::dataset::Sample;
use crate::error::{Error, Result};
use crate::hash::Stream;
use crate::metrics::{Paired, mean, paired, total_variation};
use crate::route::Router;
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
    /// The TVD threshold that the policy was fine-tuned to, where it was.
    pub tvd: Option<f64>,
    /// Number of images.
    pub images: usize,
    /// Mean macro IoU of the stitched images.
    pub iou: f64,
    /// Share of patches to each net.
    pub shares: Vec<f64>,
    /// Mean cost of an image by the paper's count.
    pub flops: f64,
    /// Mean reward of a patch at λ (Eq. 2), mean over images, where the method has a λ.
    pub reward: Option<f64>,
    /// Standard deviation of the IoU over the draws of a method that draws.
    pub spread: Option<f64>,
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
            tvd: None,
            images: self.iou.len(),
            iou: mean(&self.iou),
            shares: self.shares.clone(),
            flops: self.flops,
            reward: None,
            spread: None,
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

    fn routed(&self, actions: &[Vec<u8>], router: Router) -> Measured {
        self.measure(actions, self.passes() + self.segmenter.costs().router(router))
    }

    /// What the policy says of every tile: its logits, or the λ-free z of the λ-conditioned one.
    fn outputs(&self, router: Router) -> Result<Vec<Vec<f32>>> {
        let [h, w] = self.segmenter.manifest.layout.tile;
        let models = &self.segmenter.models;
        let policy = match router {
            Router::Fixed(i) => models.policies.get(i),
            Router::Conditioned(_) => models.conditioned.as_ref(),
        };
        let policy = policy.ok_or_else(|| Error::invalid("the bundle does not hold this policy"))?;
        let one = |tile: &TileEntry| {
            let values = TensorData::new(tile.examined.policy_input.clone(), [1, 2, h, w]);
            let x = Tensor::<4>::from_data(values, &self.segmenter.compute.device);
            floats(policy.forward(x).into_data())
        };
        self.table.tiles.iter().map(one).collect()
    }

    /// The net for every patch at `router` from its policy's outputs.
    fn decide(&self, outputs: &[Vec<f32>], router: Router) -> Vec<Vec<u8>> {
        let nets = self.segmenter.models.nets.len();
        let argmaxes = |logits: &[f32]| logits.chunks(nets).map(argmax).collect();
        match (router, &self.segmenter.manifest.conditioned) {
            (Router::Conditioned(lambda), Some(entry)) => {
                outputs.iter().map(|z| argmaxes(&entry.logits(z, lambda))).collect()
            }
            _ => outputs.iter().map(|logits| argmaxes(logits)).collect(),
        }
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

/// IoU of the bundle's routing at its own λ.
///
/// # Errors
/// Where the device fails.
pub fn iou_at(segmenter: &Segmenter, table: &Table, samples: &[Sample]) -> Result<f64> {
    let judge = Judge { segmenter, table, samples };
    let router = segmenter.manifest.router(segmenter.manifest.lambda);
    Ok(mean(&table.iou(samples, &judge.decide(&judge.outputs(router)?, router))))
}

/// IoU, shares and cost of every policy trained at one λ on `table`'s images.
///
/// # Errors
/// Where the device fails.
pub fn curve(segmenter: &Segmenter, table: &Table, samples: &[Sample]) -> Result<Vec<CurvePoint>> {
    let judge = Judge { segmenter, table, samples };
    let mut points: Vec<CurvePoint> = Vec::new();
    for (i, entry) in segmenter.manifest.policies.iter().enumerate() {
        let router = Router::Fixed(i);
        let measured = judge.routed(&judge.decide(&judge.outputs(router)?, router), router);
        points.push(point(entry.lambda, &measured, points.first()));
    }
    Ok(points)
}

/// The same for the λ-conditioned policy at each of `lambdas`, rising from 0; empty where there is none.
///
/// # Errors
/// Where the device fails.
pub fn conditioned_curve(
    segmenter: &Segmenter,
    table: &Table,
    samples: &[Sample],
    lambdas: &[f64],
) -> Result<Vec<CurvePoint>> {
    if segmenter.models.conditioned.is_none() {
        return Ok(Vec::new());
    }
    let judge = Judge { segmenter, table, samples };
    let outputs = judge.outputs(Router::Conditioned(0.0))?;
    let mut points: Vec<CurvePoint> = Vec::new();
    for lambda in lambdas {
        let router = Router::Conditioned(*lambda);
        let measured = judge.routed(&judge.decide(&outputs, router), router);
        points.push(point(*lambda, &measured, points.first()));
    }
    Ok(points)
}

fn point(lambda: f64, measured: &Measured, zero: Option<&CurvePoint>) -> CurvePoint {
    let tvd = zero.map_or(0.0, |zero| total_variation(&measured.shares, &zero.shares));
    let Measured { shares, flops, .. } = measured;
    CurvePoint { lambda, shares: shares.clone(), iou: mean(&measured.iou), flops: *flops, tvd }
}

/// The two kinds of policy at one λ.
#[derive(Clone, Debug, Serialize)]
pub struct KindsCompared {
    /// λ.
    pub lambda: f64,
    /// Reward (Eq. 2) of the λ-conditioned policy less that of the one trained at λ, image by image.
    pub reward: Option<Paired>,
}

/// Compares the λ-conditioned policy with each that was trained at one λ by the reward that both were
/// trained for, mean over an image's patches, paired over images.
///
/// # Errors
/// Where the device fails.
pub fn kinds(
    segmenter: &Segmenter,
    table: &Table,
    samples: &[Sample],
    costs: &[f64],
) -> Result<Vec<KindsCompared>> {
    if segmenter.models.conditioned.is_none() {
        return Ok(Vec::new());
    }
    let judge = Judge { segmenter, table, samples };
    let z = judge.outputs(Router::Conditioned(0.0))?;
    let entries = segmenter.manifest.policies.iter().enumerate().filter(|(_, e)| e.tvd.is_none());
    entries
        .map(|(i, entry)| {
            let lambda = entry.lambda;
            let fixed = judge.decide(&judge.outputs(Router::Fixed(i))?, Router::Fixed(i));
            let ours = judge.decide(&z, Router::Conditioned(lambda));
            let reward = |actions: &[Vec<u8>]| table.image_rewards(actions, costs, lambda);
            Ok(KindsCompared { lambda, reward: paired(&reward(&ours), &reward(&fixed)) })
        })
        .collect()
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
    let manifest = &segmenter.manifest;
    let patches = manifest.layout.patches();
    let mut rows = Vec::new();
    for net in 0..segmenter.models.nets.len() {
        let actions = vec![vec![net as u8; patches]; table.tiles.len()];
        let fixed = if net == 0 { judge.passes() } else { 0 };
        rows.push(judge.measure(&actions, fixed).row(&format!("f{net}"), None));
    }
    rows.push(judge.uniform(seed));
    if let Some(entry) = &manifest.cascade {
        let matched = entry.chosen.matching(table, samples, iou_at(segmenter, table, samples)?);
        rows.push(judge.cascade(&entry.chosen).row("idk", None));
        rows.push(judge.cascade(&matched).row("idk-match", None));
    }
    for (i, entry) in manifest.policies.iter().enumerate() {
        let router = Router::Fixed(i);
        let mut own = judge.trio("paser", &judge.outputs(router)?, router, entry.lambda, costs, seed);
        own.iter_mut().for_each(|row| row.tvd = entry.tvd);
        rows.extend(own);
    }
    if segmenter.models.conditioned.is_some() {
        let z = judge.outputs(Router::Conditioned(0.0))?;
        let trained = manifest.policies.iter().filter(|p| p.tvd.is_none()).map(|p| p.lambda);
        let mut lambdas: Vec<f64> = trained.chain([manifest.lambda]).collect();
        lambdas.sort_by(f64::total_cmp);
        lambdas.dedup();
        for lambda in lambdas {
            let router = Router::Conditioned(lambda);
            rows.extend(judge.trio("paser, λ-conditioned", &z, router, lambda, costs, seed));
        }
    }
    Ok(rows)
}

impl Judge<'_> {
    /// A cascade: a patch costs every net that it went through.
    fn cascade(&self, cascade: &Cascade) -> Measured {
        let actions = cascade.decide(self.table);
        let through: Vec<Flops> = (0..self.segmenter.models.nets.len())
            .map(|last| self.segmenter.costs().patch[1..=last].iter().sum())
            .collect();
        let flops = self.table.flops(&actions, self.passes(), &through);
        Measured { flops, ..self.measure(&actions, self.passes()) }
    }

    /// PaSeR-RandPol.: every patch to a net drawn uniformly; the mean over [`DRAWS`] seeds, and the spread.
    fn uniform(&self, seed: u64) -> Row {
        let nets = self.segmenter.models.nets.len();
        let mut draws = Stream::new(seed, "uniform router");
        let mut one = || {
            let tiles = &self.table.tiles;
            let actions: Vec<Vec<u8>> =
                tiles.iter().map(|t| t.patches.iter().map(|_| draws.below(nets) as u8).collect()).collect();
            self.measure(&actions, self.passes())
        };
        let all: Vec<Measured> = (0..DRAWS).map(|_| one()).collect();
        let over = |f: &dyn Fn(&Measured) -> f64| mean(&all.iter().map(f).collect::<Vec<_>>());
        let iou = over(&|m| mean(&m.iou));
        let variance = over(&|m| (mean(&m.iou) - iou).powi(2)) * DRAWS as f64 / (DRAWS - 1) as f64;
        let shares = (0..nets).map(|i| over(&|m| m.shares[i])).collect();
        Row {
            iou,
            images: all[0].iou.len(),
            spread: Some(variance.sqrt()),
            ..Measured { iou: Vec::new(), shares, flops: over(&|m| m.flops) }.row("random", None)
        }
    }

    /// A router, a random one with its shares, and the oracle at its λ.
    fn trio(
        &self,
        name: &str,
        outputs: &[Vec<f32>],
        router: Router,
        lambda: f64,
        costs: &[f64],
        seed: u64,
    ) -> Vec<Row> {
        let actions = self.decide(outputs, router);
        let best = self.oracle(costs, lambda);
        let reward = |actions: &[Vec<u8>]| Some(mean(&self.table.image_rewards(actions, costs, lambda)));
        let routed = self.routed(&actions, router);
        let iou = self.random(&routed.shares, seed);
        let random = Measured { iou, shares: routed.shares.clone(), flops: routed.flops };
        let above_random = paired(&routed.iou, &random.iou);
        vec![
            Row { above_random, reward: reward(&actions), ..routed.row(name, Some(lambda)) },
            random.row("random, same shares", Some(lambda)),
            Row { reward: reward(&best), ..self.routed(&best, router).row("oracle", Some(lambda)) },
        ]
    }
}
