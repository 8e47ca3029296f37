//! IDK-Cascade (Wang et al. 2017; paper, Eq. 5 and Appendix B4): a patch goes from net to net until one is
//! sure enough of it. Nothing is trained; the gates are chosen on validation images.

use super::table::{PatchEntry, Table};
use crate::data::dataset::Sample;
use crate::error::{Error, Result};
use crate::metrics::mean;
use serde::{Deserialize, Serialize};

/// λ_IDK of the paper (B4).
pub const LAMBDA: f64 = 0.01;
/// Gates tried for each net, evenly spaced over the mean of its entropies ± one standard deviation.
const STEPS: usize = 11;
/// Scales of the chosen gates that the IoU match tries in a round, the largest of the first round, and rounds.
const SCALES: usize = 60;
const LARGEST: f64 = 2.0;
const ROUNDS: usize = 3;

/// What Eq. 5 makes a cascade pay for a patch. The paper writes C of the net that keeps it; a cascade runs the
/// ones before too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdkCost {
    /// C of the accepting net.
    #[default]
    Accepting,
    /// The sum over all nets that ran.
    Sum,
}

impl std::str::FromStr for IdkCost {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "accepting" => Ok(Self::Accepting),
            "sum" => Ok(Self::Sum),
            _ => Err(Error::invalid(format!("\"{text}\" is no cost of a cascade; use accepting or sum"))),
        }
    }
}

impl IdkCost {
    /// What a patch that `net` keeps costs.
    fn of(self, costs: &[f64], net: usize) -> f64 {
        match self {
            Self::Accepting => costs[net],
            Self::Sum => costs[..=net].iter().sum(),
        }
    }
}

/// The gates of a cascade and how they were chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cascade {
    /// Largest mean entropy (nats) of a patch at which each net but the last keeps it.
    pub gates: Vec<f64>,
    /// Weight of the cost in Eq. 5.
    pub lambda: f64,
    /// What Eq. 5 charged a patch.
    #[serde(default)]
    pub cost: IdkCost,
    /// Eq. 5 at the gates, mean over patches.
    pub loss: f64,
    /// The gates tried for each net.
    pub grid: Vec<Vec<f64>>,
}

impl Cascade {
    /// A cascade with given gates.
    pub fn with_gates(gates: Vec<f64>) -> Self {
        Self { gates, lambda: LAMBDA, cost: IdkCost::default(), loss: f64::NAN, grid: Vec::new() }
    }

    /// The net that keeps a patch whose mean entropy under net i is `entropy(i)`.
    pub fn accepting(&self, entropy: impl Fn(usize) -> f64) -> usize {
        (0..self.gates.len()).find(|i| entropy(*i) <= self.gates[*i]).unwrap_or(self.gates.len())
    }

    /// The net for every patch of `table`.
    pub fn decide(&self, table: &Table) -> Vec<Vec<u8>> {
        let one = |patch: &PatchEntry| self.accepting(|i| f64::from(patch.sureness[i].entropy)) as u8;
        table.tiles.iter().map(|tile| tile.patches.iter().map(one).collect()).collect()
    }

    /// The gates on a grid that minimise the mean of Eq. 5 on `table`: the cross entropy of the accepted
    /// prediction plus λ_IDK times C, charged as `cost` says. `costs` as in the reward.
    pub fn choose(table: &Table, costs: &[f64], lambda: f64, cost: IdkCost) -> Self {
        let patches: Vec<&PatchEntry> =
            table.tiles.iter().flat_map(|t| &t.patches).filter(|p| p.iou.is_some()).collect();
        let gates = costs.len().saturating_sub(1);
        let grid: Vec<Vec<f64>> = (0..gates).map(|i| steps(&patches, i)).collect();
        let mut best = Self { gates: vec![0.0; gates], lambda, cost, loss: f64::INFINITY, grid: Vec::new() };
        let combinations = STEPS.pow(gates as u32);
        for number in 0..combinations {
            let digit = |i: usize| number / STEPS.pow(i as u32) % STEPS;
            let tried = Self::with_gates((0..gates).map(|i| grid[i][digit(i)]).collect());
            let loss = |p: &&PatchEntry| {
                let net = tried.accepting(|i| f64::from(p.sureness[i].entropy));
                f64::from(p.sureness[net].cross_entropy) + lambda * cost.of(costs, net)
            };
            let loss = mean(&patches.iter().map(loss).collect::<Vec<_>>());
            if loss < best.loss {
                best = Self { gates: tried.gates, loss, ..best };
            }
        }
        Self { grid, ..best }
    }

    /// The gates, scaled together, whose IoU on `table` is the least that reaches `iou` (the paper's IoU
    /// match); where none reaches it, those with the largest IoU. The scales are tried evenly, then again
    /// between the neighbours of the best.
    pub fn matching(&self, table: &Table, samples: &[Sample], iou: f64) -> Self {
        let scaled =
            |scale: f64| Self { gates: self.gates.iter().map(|g| g * scale).collect(), ..self.clone() };
        let (mut from, mut step) = (0.0, LARGEST / SCALES as f64);
        let mut best: Option<(f64, f64)> = None;
        for _ in 0..ROUNDS {
            let tried = (0..=SCALES)
                .map(|i| from + step * i as f64)
                .map(|scale| (mean(&table.iou(samples, &scaled(scale).decide(table))), scale));
            best = best.into_iter().chain(tried).reduce(|a, b| if nearer(b.0, a.0, iou) { b } else { a });
            from = best.map_or(0.0, |(_, scale)| (scale - step).max(0.0));
            step *= 2.0 / SCALES as f64;
        }
        scaled(best.map_or(1.0, |(_, scale)| scale))
    }
}

/// Whether IoU `a` matches `goal` better than `b`: the least that reaches it, else the largest.
fn nearer(a: f64, b: f64, goal: f64) -> bool {
    match (a >= goal, b >= goal) {
        (true, true) => a < b,
        (false, false) => a > b,
        (reaches, _) => reaches,
    }
}

/// Gates to try for net `i`.
fn steps(patches: &[&PatchEntry], i: usize) -> Vec<f64> {
    let all: Vec<f64> = patches.iter().map(|p| f64::from(p.sureness[i].entropy)).collect();
    let centre = mean(&all);
    let deviation = mean(&all.iter().map(|e| (e - centre).powi(2)).collect::<Vec<_>>()).sqrt();
    (0..STEPS).map(|s| centre + deviation * (2.0 * s as f64 / (STEPS - 1) as f64 - 1.0)).collect()
}
