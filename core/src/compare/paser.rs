//! PaSeR as a method: every policy of the bundle, and the λ-conditioned one at every λ that one was trained at.

use super::judge::{Judge, Prices};
use super::oracle::Oracle;
use super::random::SameShares;
use super::table::{Table, TileEntry};
use super::{Decision, Way};
use crate::error::{Error, Result};
use crate::route::method::argmax;
use crate::route::segment::Segmenter;
use crate::route::{Choice, Method, Router};
use burn::tensor::{Tensor, TensorData};

struct Paser {
    name: &'static str,
    router: Router,
    lambda: f64,
    tvd: Option<f64>,
}

/// The policies that are wanted, each with the oracle at its λ.
pub(super) fn ways(segmenter: &Segmenter, wants: &dyn Fn(Method) -> bool) -> Vec<Box<dyn Way>> {
    let manifest = &segmenter.manifest;
    let entries = manifest.policies.iter().enumerate();
    let mut all: Vec<Paser> = entries
        .map(|(i, e)| Paser { name: "paser", router: Router::Fixed(i), lambda: e.lambda, tvd: e.tvd })
        .collect();
    if segmenter.models.conditioned.is_some() {
        let trained = manifest.policies.iter().filter(|p| p.tvd.is_none()).map(|p| p.lambda);
        let mut lambdas: Vec<f64> = trained.chain([manifest.lambda]).collect();
        lambdas.sort_by(f64::total_cmp);
        lambdas.dedup();
        all.extend(lambdas.into_iter().map(|lambda| Paser {
            name: "paser, λ-conditioned",
            router: Router::Conditioned(lambda),
            lambda,
            tvd: None,
        }));
    }
    let mut ways: Vec<Box<dyn Way>> = Vec::new();
    for paser in all {
        let oracle = Oracle { lambda: paser.lambda, tvd: paser.tvd, router: paser.router };
        if wants(Method::Paser) {
            ways.push(Box::new(paser));
        }
        if wants(Method::Oracle) {
            ways.push(Box::new(oracle));
        }
    }
    ways
}

impl Way for Paser {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn lambda(&self) -> Option<f64> {
        Some(self.lambda)
    }

    fn tvd(&self) -> Option<f64> {
        self.tvd
    }

    fn is_policy(&self) -> bool {
        true
    }

    fn decide(&self, judge: &Judge<'_>) -> Result<Decision> {
        let outputs = outputs(judge.segmenter, judge.table, self.router)?;
        let prices = Prices::routed(judge.segmenter, self.router);
        Ok(Decision::Patches(vec![decide(judge.segmenter, &outputs, self.router)], prices))
    }

    fn choice(&self, judge: &Judge<'_>) -> Option<Choice> {
        Some(Choice { method: Method::Paser, router: self.router, seed: judge.seed })
    }

    fn rival(&self, shares: &[f64]) -> Option<Box<dyn Way>> {
        let (lambda, tvd, router) = (self.lambda, self.tvd, self.router);
        Some(Box::new(SameShares { shares: shares.to_vec(), lambda, tvd, router }))
    }
}

/// What the policy says of every tile: its logits, or the λ-free z of the λ-conditioned one.
pub(super) fn outputs(segmenter: &Segmenter, table: &Table, router: Router) -> Result<Vec<Vec<f32>>> {
    let [h, w] = segmenter.manifest.layout.tile;
    let policy = match router {
        Router::Fixed(i) => segmenter.models.policies.get(i),
        Router::Conditioned(_) => segmenter.models.conditioned.as_ref(),
    };
    let policy = policy.ok_or_else(|| Error::invalid("the bundle does not hold this policy"))?;
    let one = |tile: &TileEntry| {
        let values = TensorData::new(tile.examined.policy_input.clone(), [1, 2, h, w]);
        let logits = policy.forward(Tensor::<4>::from_data(values, &segmenter.compute.device));
        segmenter.compute.read(logits.into_data())
    };
    table.tiles.iter().map(one).collect()
}

/// The net for every patch at `router` from its policy's outputs.
pub(super) fn decide(segmenter: &Segmenter, outputs: &[Vec<f32>], router: Router) -> Vec<Vec<u8>> {
    let nets = segmenter.models.nets.len();
    let argmaxes = |logits: &[f32]| logits.chunks(nets).map(argmax).collect();
    match (router, &segmenter.manifest.conditioned) {
        (Router::Conditioned(lambda), Some(entry)) => {
            outputs.iter().map(|z| argmaxes(&entry.logits(z, lambda))).collect()
        }
        _ => outputs.iter().map(|logits| argmaxes(logits)).collect(),
    }
}
