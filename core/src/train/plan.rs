//! How long a training will take: every kind of step is timed once before the first.

use super::batches::Batches;
use super::config::{Length, Stage};
use super::finetune::FINETUNE;
use super::loss;
use super::reinforce::CONDITIONED;
use super::run::Run;
use crate::error::Result;
use crate::net::dropout::Random;
use burn::tensor::Tensor;
use std::collections::VecDeque;
use std::time::Instant;

/// The stages still to come with the seconds that each is expected to take.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    stages: VecDeque<(String, f64)>,
}

/// Seconds of a forward pass and of a step, by the piece.
#[derive(Clone, Copy)]
struct Cost {
    pass: f64,
    step: f64,
}

/// A step costs about three passes: forward, and backward to inputs and weights.
const PASSES: f64 = 3.0;

impl Plan {
    /// Of all stages of `run`.
    ///
    /// # Errors
    /// Where the device fails.
    pub(crate) fn of(run: &Run<'_>) -> Result<Self> {
        let config = run.config;
        let [tile, patch] = [config.layout.tile, config.layout.patch()];
        let nets = (0..config.nets.len())
            .map(|i| {
                if i == 0 {
                    net(run, i, tile, &config.distil)
                } else {
                    net(run, i, patch, &config.pretrain[i - 1])
                }
            })
            .collect::<Result<Vec<Cost>>>()?;
        let router = policy(run)?;
        let mut stages = VecDeque::new();
        let steps = |stage: &Stage, net, size| {
            let batches = Batches::new(run, &run.net_images(net), size, stage, "plan");
            steps_of(stage, batches.per_epoch())
        };
        let lasts = |stage: &Stage, seconds: f64| match stage.length {
            Length::Minutes(minutes) => 60.0 * minutes,
            _ => seconds,
        };
        for (i, stage) in config.pretrain.iter().enumerate() {
            let seconds = steps(stage, i + 1, patch) * stage.batch as f64 * nets[i + 1].step;
            stages.push_back((format!("pretrain f{}", i + 1), lasts(stage, seconds)));
        }
        let taught = config.taught.unwrap_or(config.distil.batch) as f64;
        let teacher = nets[nets.len() - 1].pass * config.layout.patches() as f64;
        let step = config.distil.batch as f64 * nets[0].step + taught * teacher;
        let seconds = steps(&config.distil, 0, tile) * step;
        stages.push_back(("distil f0".to_owned(), lasts(&config.distil, seconds)));
        let larger: f64 = nets[1..].iter().map(|n| n.pass).sum();
        let examined = config.passes as f64 * nets[0].pass + larger * config.layout.patches() as f64;
        let tiles = |images: &[usize]| -> f64 {
            images.iter().map(|i| config.layout.tiles(run.data.samples[*i].image.size).len() as f64).sum()
        };
        let table = |stages: &mut VecDeque<_>, name: &str, images: &[usize]| {
            stages.push_back((name.to_owned(), tiles(images) * examined));
        };
        let routed = |stage: &Stage, images: &[usize], step: f64| {
            let per_epoch = (tiles(images) as usize).div_ceil(stage.batch.max(1));
            steps_of(stage, per_epoch) * stage.batch as f64 * step
        };
        let (first, second) = (run.stage_images(1), run.stage_images(2));
        if config.finetune.length.steps(1) > 0 {
            table(&mut stages, "reward table", &first);
            stages.push_back(("first policy".to_owned(), routed(&config.policy, &first, router)));
            if first != second {
                table(&mut stages, "fine-tuning table", &second);
            }
            let step = router
                + config.layout.patches() as f64 * nets[1..].iter().map(|n| n.step).fold(0.0, f64::max);
            stages.push_back((FINETUNE.to_owned(), routed(&config.finetune, &second, step)));
        }
        table(&mut stages, "reward table", &first);
        for lambda in &config.lambdas {
            stages.push_back((format!("policy-{lambda}"), routed(&config.policy, &first, router)));
        }
        if let Some(conditioned) = &config.conditioned {
            stages.push_back((CONDITIONED.to_owned(), routed(&conditioned.stage, &first, router)));
        }
        for (tvd, threshold) in config.tvd.iter().flat_map(|t| t.thresholds.iter().map(move |at| (t, at))) {
            stages.push_back((format!("policy to TVD {threshold}"), routed(&tvd.stage, &first, router)));
        }
        table(&mut stages, "validation", &run.split.validation);
        table(&mut stages, "test", &run.split.test);
        Ok(Self { stages })
    }

    /// Seconds that what comes after `stage` takes; none where the plan does not know the stage.
    pub(crate) fn after(&mut self, stage: &str) -> Option<f64> {
        let at = self.stages.iter().position(|(name, _)| name == stage)?;
        self.stages.drain(..at);
        Some(self.stages.iter().skip(1).map(|(_, seconds)| seconds).sum())
    }
}

/// Steps of a stage; none where the clock ends it, as that cannot be told in steps.
fn steps_of(stage: &Stage, per_epoch: usize) -> f64 {
    match stage.length {
        Length::Minutes(_) => 0.0,
        length => length.steps(per_epoch) as f64,
    }
}

/// Times net `index` on a batch of empty pieces.
fn net(run: &Run<'_>, index: usize, size: [usize; 2], stage: &Stage) -> Result<Cost> {
    let net = run.config.nets[index].init(&run.device, 0);
    let truth = vec![0u8; stage.batch * size[0] * size[1]];
    let shape = [stage.batch, size[0], size[1]];
    let targets = loss::targets(&truth, shape, &run.weights, &run.device);
    let once = || {
        let since = Instant::now();
        let x = Tensor::<4>::zeros([stage.batch, run.channels, size[0], size[1]], &run.device);
        let loss = loss::cross_entropy(net.forward(x, &mut Random), targets.clone(), truth.len() as f64);
        drop(loss.backward());
        // reading a figure waits for the device
        tracing::trace!("a timed step had the loss {}", loss.into_scalar::<f32>());
        since.elapsed().as_secs_f64() / stage.batch.max(1) as f64
    };
    once(); // the first prepares kernels
    let step = once();
    Ok(Cost { pass: step / PASSES, step })
}

/// Seconds of a policy's step by the tile.
fn policy(run: &Run<'_>) -> Result<f64> {
    let batch = run.config.policy.batch;
    let [h, w] = run.config.layout.tile;
    let policy = super::fresh_policy(run, crate::bundle::Sees::Tile);
    let once = || {
        let since = Instant::now();
        let x = Tensor::<4>::zeros([batch, 2, h, w], &run.device);
        let loss = policy.clone().forward_train(x).mean();
        drop(loss.backward());
        tracing::trace!("a timed step had the loss {}", loss.into_scalar::<f32>());
        since.elapsed().as_secs_f64() / batch.max(1) as f64
    };
    once();
    Ok(once())
}
