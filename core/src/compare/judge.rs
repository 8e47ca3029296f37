//! What is needed to measure routings of a table, and the measuring.

use super::oracle;
use super::row::Row;
use super::table::Table;
use super::{Decision, Way};
use crate::cost::Flops;
use crate::data::dataset::Sample;
use crate::error::Result;
use crate::evaluate::{Evaluation, evaluate_samples};
use crate::event::Control;
use crate::metrics::{Confusion, mean};
use crate::route::segment::{Segmenter, shares};
use crate::route::{Choice, Router};

/// What a method costs.
pub(super) struct Prices {
    /// A tile before any patch is sent on: f0's passes, a policy.
    pub(super) tile: Flops,
    /// A patch by the net that keeps it; nothing for f0's.
    pub(super) patch: Vec<Flops>,
    /// Whether patches are answered as a cascade accepts them.
    pub(super) gated: bool,
}

impl Prices {
    /// With f0's passes on every tile.
    pub(super) fn doubting(segmenter: &Segmenter) -> Self {
        let passes = segmenter.manifest.monte_carlo.passes as Flops;
        Self { tile: passes * segmenter.costs().f0, patch: segmenter.costs().patch.clone(), gated: false }
    }

    /// With f0's passes and the policy of `router` on every tile.
    pub(super) fn routed(segmenter: &Segmenter, router: Router) -> Self {
        let doubting = Self::doubting(segmenter);
        Self { tile: doubting.tile + segmenter.costs().router(router), ..doubting }
    }
}

/// One way of sending the table's patches, measured.
pub(super) struct Measured {
    /// Macro IoU of each image.
    pub(super) iou: Vec<f64>,
    pub(super) per_class: Vec<Option<f64>>,
    pub(super) shares: Vec<f64>,
    /// Mean of an image.
    pub(super) flops: f64,
}

impl Measured {
    pub(super) fn of(table: &Table, actions: &[Vec<u8>], prices: &Prices) -> Self {
        let confusions =
            table.confusions(actions, |patch| if prices.gated { &patch.accepted } else { &patch.confusions });
        let iou = confusions.iter().filter_map(Confusion::macro_iou).collect();
        let classes: Vec<Vec<Option<f64>>> = confusions.iter().map(Confusion::iou_per_class).collect();
        let class = |k: usize| {
            let all: Vec<f64> = classes.iter().filter_map(|c| c[k]).collect();
            (!all.is_empty()).then(|| mean(&all))
        };
        Self {
            iou,
            per_class: (0..classes.first().map_or(0, Vec::len)).map(class).collect(),
            shares: shares(table.live().map(|(t, p)| actions[t][p]), prices.patch.len()),
            flops: table.flops(actions, prices.tile, &prices.patch),
        }
    }
}

/// A table with what is needed to measure routings of it.
pub(super) struct Judge<'a> {
    pub(super) segmenter: &'a Segmenter,
    pub(super) table: &'a Table,
    pub(super) samples: &'a [Sample],
    /// C of each net in the reward.
    pub(super) costs: &'a [f64],
    pub(super) seed: u64,
    pub(super) control: &'a Control,
}

impl Judge<'_> {
    /// Runs a method in earnest on the table's images.
    pub(super) fn evaluate(&self, segmenter: &Segmenter, choice: &Choice) -> Result<Evaluation> {
        evaluate_samples(segmenter, self.samples, &self.table.samples, choice, self.control, &mut |_| ())
    }

    /// The row of a method, and its IoU image by image.
    pub(super) fn row(&self, way: &dyn Way) -> Result<(Row, Vec<f64>)> {
        match way.decide(self)? {
            Decision::Evaluated(evaluation) => {
                Ok((Row { remark: way.remark(), ..Row::whole(&evaluation) }, Vec::new()))
            }
            Decision::Patches(draws, prices) => Ok(self.routed(way, &draws, &prices)),
        }
    }

    fn routed(&self, way: &dyn Way, draws: &[Vec<Vec<u8>>], prices: &Prices) -> (Row, Vec<f64>) {
        let all: Vec<Measured> = draws.iter().map(|d| Measured::of(self.table, d, prices)).collect();
        let over = |f: &dyn Fn(&Measured) -> f64| mean(&all.iter().map(f).collect::<Vec<_>>());
        let images = all.first().map_or(0, |m| m.iou.len());
        let by_image: Vec<f64> = (0..images).map(|i| over(&|m| m.iou[i])).collect();
        let iou = mean(&by_image);
        let class = |k: usize| -> Option<f64> {
            let all: Option<Vec<f64>> = all.iter().map(|m| m.per_class[k]).collect();
            all.map(|values| mean(&values))
        };
        let lambda = way.lambda().unwrap_or(self.segmenter.manifest.lambda);
        let rewards: Vec<f64> = draws.iter().map(|d| self.reward(d, lambda)).collect();
        let reward = mean(&rewards);
        let flops = over(&|m| m.flops);
        let flops_total = flops * self.table.samples.len() as f64;
        let shares: Vec<f64> = (0..prices.patch.len()).map(|i| over(&|m| m.shares[i])).collect();
        let [to_oracle, to_oracle_same_shares] = self.ways(way, reward, &shares, lambda);
        let row = Row {
            method: way.name(),
            remark: way.remark(),
            lambda: way.lambda(),
            tvd: way.tvd(),
            images,
            iou,
            iou_per_class: (0..self.segmenter.manifest.classes.len()).map(class).collect(),
            shares,
            flops,
            flops_total: flops_total.round() as Flops,
            flops_run: None,
            iou_per_gigaflop: iou / (flops_total / 1e9).max(f64::MIN_POSITIVE),
            seconds: None,
            gflops_per_second: None,
            device: None,
            reward: Some(reward),
            spread: spread(&all.iter().map(|m| mean(&m.iou)).collect::<Vec<_>>()),
            above_random: None,
            to_oracle,
            to_oracle_same_shares,
            assignment: draws.first().map(|d| self.assignment(d, lambda)),
        };
        (row, by_image)
    }

    /// Mean reward of a patch, mean over images.
    fn reward(&self, actions: &[Vec<u8>], lambda: f64) -> f64 {
        mean(&self.table.image_rewards(actions, self.costs, lambda))
    }

    /// The same in expectation where every patch goes to net i with probability `shares[i]`.
    fn expected_reward(&self, shares: &[f64], lambda: f64) -> f64 {
        let patches = self.segmenter.manifest.layout.patches();
        let of = |net: usize| self.reward(&vec![vec![net as u8; patches]; self.table.tiles.len()], lambda);
        shares.iter().enumerate().map(|(net, share)| share * of(net)).sum()
    }

    /// Parts of the way to the oracle's reward: from a uniform random policy, and from a random router with
    /// the same shares; only for a policy.
    fn ways(&self, way: &dyn Way, reward: f64, shares: &[f64], lambda: f64) -> [Option<f64>; 2] {
        if !way.is_policy() {
            return [None, None];
        }
        let best = self.reward(&oracle::actions(self.table, self.costs, lambda), lambda);
        let nets = shares.len().max(1);
        [vec![1.0 / nets as f64; nets], shares.to_vec()].map(|shares| {
            let from = self.expected_reward(&shares, lambda);
            (best - from > 1e-12).then(|| (reward - from) / (best - from))
        })
    }

    /// Patches with truth by the oracle's net (rows) and the net of `actions` (columns).
    fn assignment(&self, actions: &[Vec<u8>], lambda: f64) -> Vec<Vec<u64>> {
        let nets = self.costs.len();
        let best = oracle::actions(self.table, self.costs, lambda);
        let mut counts = vec![vec![0; nets]; nets];
        for (t, p) in self.table.live().filter(|(t, p)| self.table.tiles[*t].patches[*p].iou.is_some()) {
            counts[usize::from(best[t][p])][usize::from(actions[t][p])] += 1;
        }
        counts
    }
}

/// Standard deviation over draws; none of one.
fn spread(draws: &[f64]) -> Option<f64> {
    let centre = mean(draws);
    let variance = draws.iter().map(|d| (d - centre).powi(2)).sum::<f64>() / (draws.len().max(2) - 1) as f64;
    (draws.len() > 1).then(|| variance.sqrt())
}
