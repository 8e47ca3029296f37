//! A forward pass in evaluation or in training. Training reads a net without changing it: what its
//! batch norms saw is collected on the way and given to the net afterwards.

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::tensor::{Distribution, Tensor};
use std::collections::HashMap;

/// Share of a new batch in batch norm's running figures (PyTorch's default).
const MOMENTUM: f64 = 0.1;

/// How a pass treats batch norm and a net's own dropout.
#[derive(Debug)]
pub enum Pass {
    /// Running figures, no dropout.
    Evaluate,
    /// The batch's own figures, kept here; dropout on.
    Train(Vec<Moments>),
}

/// What one batch norm saw in a batch.
#[derive(Debug)]
pub struct Moments {
    /// Its running mean and variance.
    pub(super) ids: [ParamId; 2],
    /// Mean and unbiased variance of the batch, each [C].
    pub(super) values: [Tensor<1>; 2],
}

impl Moments {
    /// A running figure, the mean or the variance, moved towards this batch's.
    pub(super) fn follow(&self, running: &Param<Tensor<1>>, which: usize) -> Param<Tensor<1>> {
        moved(running, self.values[which].clone())
    }
}

fn moved<const D: usize>(running: &Param<Tensor<D>>, batch: Tensor<D>) -> Param<Tensor<D>> {
    let new = running.val().detach() * (1.0 - MOMENTUM) + batch.detach() * MOMENTUM;
    Param::initialized(running.id, new.detach()).set_require_grad(false)
}

impl Pass {
    /// Training, nothing seen yet.
    pub fn train() -> Self {
        Self::Train(Vec::new())
    }

    /// Whether it trains.
    pub fn trains(&self) -> bool {
        matches!(self, Self::Train(_))
    }

    /// `x` after dropout of a share `p` of its values in training, from the device's own generator.
    pub fn dropout(&self, x: Tensor<4>, p: f64) -> Tensor<4> {
        if !self.trains() {
            return x;
        }
        let mask = Tensor::random(x.dims(), Distribution::Bernoulli(1.0 - p), &x.device());
        x * mask.detach() / (1.0 - p)
    }

    /// `net` with its running figures moved towards those seen.
    pub fn absorbed_by<M: Module>(self, net: M) -> M {
        match self {
            Self::Evaluate => net,
            Self::Train(seen) => {
                let pairs = seen.into_iter().flat_map(|m| m.ids.into_iter().zip(m.values));
                net.map(&mut Follower(pairs.collect()))
            }
        }
    }
}

struct Follower(HashMap<ParamId, Tensor<1>>);

impl ModuleMapper for Follower {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.remove(&param.id) {
            Some(batch) => {
                let shape = param.dims();
                moved(&param, batch.reshape(shape))
            }
            None => param,
        }
    }
}
