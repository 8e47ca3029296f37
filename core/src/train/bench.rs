//! How fast training is, measured: each net's forward pass and step, and the reward table against
//! computing rewards anew.

use super::loss;
use super::stage::Trained;
use crate::compare::Table;
use crate::data::dataset::{Crop, Sample};
use crate::device::Compute;
use crate::error::Result;
use crate::event::Control;
use crate::hash::{self, Stream};
use crate::metrics::macro_iou;
use crate::net::dropout::{Off, Random};
use crate::net::{NetSpec, Policy, UnetSpec, params};
use crate::route::method::{Choice, Method, Router};
use crate::route::segment::{Segmenter, floats};
use crate::route::tiles::Layout;
use burn::tensor::{Tensor, TensorData};
use serde::Serialize;
use std::time::Instant;

/// Tiles in a step of the policy stage's bench.
const TILES: usize = 4;

/// How far the sampled policy gradient spreads.
#[derive(Clone, Debug, Serialize)]
pub struct Spread {
    /// What was measured.
    pub name: String,
    /// Root of the mean squared distance over the length of the expected gradient; no unit.
    pub relative: f64,
}

/// A measured time, and what it is compared with in the same run.
#[derive(Clone, Debug, Serialize)]
pub struct Speed {
    /// What was done.
    pub name: String,
    /// Seconds, the median of the repetitions.
    pub seconds: f64,
    /// What it is compared with.
    pub against: Option<String>,
    /// Seconds of that.
    pub against_seconds: Option<f64>,
    /// How many times faster it is.
    pub ratio: Option<f64>,
}

impl Speed {
    fn alone(name: String, seconds: f64) -> Self {
        Self { name, seconds, against: None, against_seconds: None, ratio: None }
    }

    fn against(name: &str, seconds: f64, other: &str, other_seconds: f64) -> Self {
        Self {
            name: name.to_owned(),
            seconds,
            against: Some(other.to_owned()),
            against_seconds: Some(other_seconds),
            ratio: Some(other_seconds / seconds.max(1e-12)),
        }
    }
}

/// Median seconds of `work`, after one run that does not count.
fn median(times: usize, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    work()?;
    let mut all = Vec::new();
    for _ in 0..times {
        let began = Instant::now();
        work()?;
        all.push(began.elapsed().as_secs_f64());
    }
    all.sort_by(f64::total_cmp);
    Ok(all[times / 2])
}

/// Seconds of the forward pass and of a training step of f0 (4 tiles), f1 (64 patches), f2 (16 patches)
/// and the policy (4 tiles) at the paper's sizes, with random weights.
///
/// # Errors
/// Where the device fails.
pub fn net_speeds(compute: &Compute) -> Result<Vec<Speed>> {
    let (tile, patch) = (Layout::PAPER.tile, Layout::PAPER.patch());
    let mut speeds = Vec::new();
    for (name, spec, batch, size) in [
        ("f0", UnetSpec::f0(1, 3), 4, tile),
        ("f1", UnetSpec::f1(1, 3), 64, patch),
        ("f2", UnetSpec::f2(1, 3), 16, patch),
    ] {
        speeds.extend(net_speed(compute, name, &NetSpec::Unet(spec), batch, size)?);
    }
    speeds.extend(policy_speed(compute, 4, tile)?);
    Ok(speeds)
}

fn net_speed(
    compute: &Compute,
    name: &str,
    spec: &NetSpec,
    n: usize,
    [h, w]: [usize; 2],
) -> Result<Vec<Speed>> {
    let what = if h * w > 10_000 { "tiles" } else { "patches" };
    let values = TensorData::new(hash::uniform(1, n * h * w, 0.0, 1.0), [n, 1, h, w]);
    let net = spec.init(&compute.device, 1);
    let x = Tensor::<4>::from_data(values.clone(), &compute.device);
    let forward = median(5, || floats(net.forward(x.clone(), &mut Off).mean().into_data()).map(drop))?;
    let device = compute.device.clone().autodiff();
    let mut trained = Trained::new(spec.init(&device, 1));
    let truth: Vec<u8> = (0..n * h * w).map(|i| (i % spec.classes()) as u8).collect();
    let (x, weights) = (Tensor::<4>::from_data(values, &device), vec![1.0; spec.classes()]);
    let step = median(3, || {
        let targets = loss::targets(&truth, [n, h, w], &weights, &device);
        let logits = trained.module.forward_train(x.clone(), &mut Random);
        let loss = loss::cross_entropy(logits, targets, truth.len() as f64);
        trained.step(1e-4, &loss);
        floats(loss.into_data()).map(drop)
    })?;
    Ok(vec![
        Speed::alone(format!("{name} forward, {n} {what}"), forward),
        Speed::alone(format!("{name} training step, {n} {what}"), step),
    ])
}

fn policy_speed(compute: &Compute, n: usize, [h, w]: [usize; 2]) -> Result<Vec<Speed>> {
    let values = TensorData::new(hash::uniform(1, n * 2 * h * w, 0.0, 1.0), [n, 2, h, w]);
    let fresh = |device| Policy::new(Layout::PAPER.patches(), 3, device, &mut Stream::new(1, "bench"));
    let x = Tensor::<4>::from_data(values.clone(), &compute.device);
    let policy = fresh(&compute.device);
    let forward = median(5, || floats(policy.forward(x.clone()).into_data()).map(drop))?;
    let device = compute.device.clone().autodiff();
    let mut trained = Trained::new(fresh(&device));
    let (x, rewards) = (Tensor::<4>::from_data(values, &device), vec![0.1; n * Layout::PAPER.patches() * 3]);
    let step = median(3, || {
        let logits = trained.module.forward_train(x.clone());
        let loss = loss::expected_policy_gradient(logits, &rewards, 0.005);
        trained.step(1e-4, &loss);
        floats(loss.into_data()).map(drop)
    })?;
    Ok(vec![
        Speed::alone(format!("policy forward, {n} tiles"), forward),
        Speed::alone(format!("policy training step, {n} tiles"), step),
    ])
}

/// The reward work of one policy step on a batch of tiles, looked up in the table and computed anew as the
/// authors' code does (f0's passes, the sampled net on every patch, IoU); the whole step either way.
///
/// # Errors
/// Where the device fails.
pub fn reward_speeds(segmenter: &Segmenter, sample: &Sample) -> Result<(Vec<Speed>, Spread)> {
    let sample = first_tiles(sample, segmenter.manifest.layout, TILES);
    let samples = std::slice::from_ref(&sample);
    let table = Table::build(segmenter, samples, &[0], &Control::default(), &mut |_| ())?;
    let costs = loss::costs(&segmenter.models.nets.iter().map(params::count).collect::<Vec<_>>(), true);
    let batch: Vec<usize> = (0..table.tiles.len()).collect();
    let mut draw = Stream::new(1, "bench rl");
    let looked = median(50, || {
        std::hint::black_box(table.rewards(&batch, &costs, 0.1));
        Ok(())
    })?;
    let anew = median(3, || {
        rewards_anew(segmenter, &sample, &costs, &mut draw).map(|r| drop(std::hint::black_box(r)))
    })?;
    let own = policy_step(segmenter, &table, &batch, &costs)?;
    let (stage, stage_anew) = (looked + own, anew + own);
    let tiles = batch.len();
    let relative = estimator_spread(segmenter, &table, &batch, &costs)?;
    let spread = Spread { name: "sampled policy gradient".to_owned(), relative };
    let speeds = vec![
        Speed::against(&format!("rewards of {tiles} tiles, looked up"), looked, "computed anew", anew),
        Speed::against(
            &format!("whole policy step on {tiles} tiles, rewards looked up"),
            stage,
            "rewards computed anew",
            stage_anew,
        ),
        Speed::alone(
            format!("f_RL's own step in it ({:.1} % of the step with the table)", 100.0 * own / stage),
            own,
        ),
    ];
    Ok((speeds, spread))
}

/// Draws of the sampled estimator whose spread is measured.
const DRAWS: usize = 24;

/// How far sampled gradients of the policy's last layer lie from the expected one: the root of the mean
/// squared distance over the length of the expected gradient. The expected estimator's own spread is 0.
fn estimator_spread(segmenter: &Segmenter, table: &Table, batch: &[usize], costs: &[f64]) -> Result<f64> {
    let device = segmenter.compute.device.clone().autodiff();
    let layout = segmenter.manifest.layout;
    let [h, w] = layout.tile;
    let values: Vec<f32> =
        batch.iter().flat_map(|t| table.tiles[*t].examined.policy_input.iter().copied()).collect();
    let policy = Policy::new(layout.patches(), costs.len(), &device, &mut Stream::new(1, "bench"));
    let rewards = table.rewards(batch, costs, 0.1);
    let last_layer = |loss: &dyn Fn(Tensor<3>) -> Result<Tensor<1>>| -> Result<Vec<f32>> {
        let x = Tensor::<4>::from_data(TensorData::new(values.clone(), [batch.len(), 2, h, w]), &device);
        let loss = loss(policy.clone().forward_train(x))?;
        Ok(params::gradients(&policy, &loss.backward()).remove("fc.w").unwrap_or_default())
    };
    let expected = last_layer(&|logits| Ok(loss::expected_policy_gradient(logits, &rewards, 0.0)))?;
    let mut draws = Stream::new(2, "bench draws");
    let mut squares = 0.0;
    for _ in 0..DRAWS {
        let stream = Stream::new(u64::from(draws.seed()), "one draw");
        let sampled = last_layer(&|logits| {
            let values = floats(logits.clone().inner().into_data())?;
            let actions = super::reinforce::explore(&values, 1.0, costs.len(), &mut stream.clone());
            Ok(loss::policy_gradient(
                logits,
                &actions,
                &super::reinforce::pick(&rewards, &actions, costs.len()),
            ))
        })?;
        squares += expected.iter().zip(&sampled).map(|(e, s)| f64::from(e - s).powi(2)).sum::<f64>();
    }
    let length = expected.iter().map(|e| f64::from(*e).powi(2)).sum::<f64>().sqrt();
    Ok((squares / DRAWS as f64).sqrt() / length.max(1e-30))
}

/// Rewards of actions drawn uniformly, with every net run afresh.
fn rewards_anew(
    segmenter: &Segmenter,
    sample: &Sample,
    costs: &[f64],
    draw: &mut Stream,
) -> Result<Vec<f64>> {
    let image = std::slice::from_ref(&sample.image);
    let seed = u64::from(draw.seed());
    let run = |method| {
        let choice = Choice { method, router: Router::Fixed(0), seed };
        segmenter.segment(image, std::slice::from_ref(&sample.name), &choice).map(|mut r| r.swap_remove(0))
    };
    let (routed, f0) = (run(Method::Random)?, run(Method::Net(0))?);
    let width = sample.image.size[1];
    let classes = segmenter.manifest.classes.len();
    let rewards = routed.routes.iter().map(|route| {
        let cut = |map: &[u8]| -> Vec<u8> {
            let row = |y: usize| &map[(route.at.y + y) * width + route.at.x..][..route.at.width];
            (0..route.at.height).flat_map(row).copied().collect()
        };
        let truth = cut(&sample.truth);
        let iou = |labels: &[u8]| macro_iou(&cut(labels), &truth, classes).unwrap_or_default();
        loss::reward(iou(&routed.labels) - iou(&f0.labels), costs[usize::from(route.net)], 0.1)
    });
    Ok(rewards.collect())
}

/// Seconds of the policy's own forward, backward and optimiser step.
fn policy_step(segmenter: &Segmenter, table: &Table, batch: &[usize], costs: &[f64]) -> Result<f64> {
    let device = segmenter.compute.device.clone().autodiff();
    let layout = segmenter.manifest.layout;
    let [h, w] = layout.tile;
    let mut trained =
        Trained::new(Policy::new(layout.patches(), costs.len(), &device, &mut Stream::new(1, "bench")));
    let values: Vec<f32> =
        batch.iter().flat_map(|t| table.tiles[*t].examined.policy_input.iter().copied()).collect();
    let x = Tensor::<4>::from_data(TensorData::new(values, [batch.len(), 2, h, w]), &device);
    let rewards = table.rewards(batch, costs, 0.1);
    median(3, || {
        let loss = loss::expected_policy_gradient(trained.module.forward_train(x.clone()), &rewards, 0.005);
        trained.step(1e-4, &loss);
        floats(loss.into_data()).map(drop)
    })
}

/// A crop of the sample as large as `tiles` tiles in a row, for a bench of that many.
fn first_tiles(sample: &Sample, layout: Layout, tiles: usize) -> Sample {
    let [h, w] = layout.tile;
    let size = [h, w * tiles];
    let Crop { values, truth } = sample.crop([0, 0], size);
    let planes = values.chunks(h * w * tiles).map(<[f32]>::to_vec).collect();
    let image = crate::data::normalise::Prepared { size, planes, masked: Vec::new() };
    Sample { name: sample.name.clone(), hash: String::new(), image, truth }
}
