//! The oracle: with the truth known, every patch goes to the net with the best reward, the cheapest of equals.
//! No policy can have a higher reward at that λ.

use super::judge::{Judge, Prices};
use super::table::Table;
use super::{Decision, Way, reward_costs};
use crate::cost::Flops;
use crate::data::dataset::Sample;
use crate::error::Result;
use crate::event::Control;
use crate::route::method::argmax;
use crate::route::segment::{PatchRoute, Segmenter, SliceResult};
use crate::route::{Choice, Router};

pub(super) struct Oracle {
    pub(super) lambda: f64,
    pub(super) tvd: Option<f64>,
    /// The policy whose price it pays.
    pub(super) router: Router,
}

impl Way for Oracle {
    fn name(&self) -> String {
        "oracle".to_owned()
    }

    fn lambda(&self) -> Option<f64> {
        Some(self.lambda)
    }

    fn tvd(&self) -> Option<f64> {
        self.tvd
    }

    fn decide(&self, judge: &Judge<'_>) -> Result<Decision> {
        let prices = Prices::routed(judge.segmenter, self.router);
        Ok(Decision::Patches(vec![actions(judge.table, judge.costs, self.lambda)], prices))
    }
}

/// The best net for every patch of `table` at λ; `costs` are those of the reward.
pub(super) fn actions(table: &Table, costs: &[f64], lambda: f64) -> Vec<Vec<u8>> {
    let best = |tile: usize| table.rewards(&[tile], costs, lambda).chunks(costs.len()).map(argmax).collect();
    (0..table.tiles.len()).map(best).collect()
}

/// `sample` as the oracle routes it at the λ of `choice`. What it executed is every net on every patch.
///
/// # Errors
/// Where there are no nets to route between or the device fails.
pub(crate) fn segment(segmenter: &Segmenter, sample: &Sample, choice: &Choice) -> Result<SliceResult> {
    let samples = std::slice::from_ref(sample);
    let table = Table::build(segmenter, samples, &[0], &Control::default(), &mut |_| ())?;
    let costs = reward_costs(segmenter);
    let actions = actions(&table, &costs, segmenter.manifest.lambda_of(choice.router));
    let prices = Prices::routed(segmenter, choice.router);
    let route = |(t, p): (usize, usize)| {
        let patch = &table.tiles[t].patches[p];
        let entropy = patch.sureness.first().map_or(0.0, |s| s.entropy);
        patch.at.map(|at| PatchRoute { at, net: actions[t][p], probabilities: Vec::new(), entropy })
    };
    let everything =
        prices.patch.iter().skip(1).sum::<Flops>() * segmenter.manifest.layout.patches() as Flops;
    Ok(SliceResult {
        size: sample.image.size,
        labels: table.stitched(samples, &actions).swap_remove(0),
        entropy: Vec::new(),
        routes: table.live().filter_map(route).collect(),
        flops_total: table.flops(&actions, prices.tile, &prices.patch).round() as Flops,
        flops_run: (prices.tile + everything) * table.tiles.len() as Flops,
        masked: sample.image.masked.len(),
        probabilities: Vec::new(),
    })
}
