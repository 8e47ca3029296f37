//! IDK-Cascade (Wang et al. 2017; paper, Eq. 5 and Appendix B4): a patch goes from net to net until one is
//! sure enough of it. Nothing is trained; the gates are chosen on validation images.

use super::table::{PatchEntry, Table};
use crate::cost::Flops;
use crate::error::{Error, Result};
use crate::metrics::{Confusion, mean};
use serde::{Deserialize, Serialize};

/// λ_IDK of the paper (B4).
pub const LAMBDA: f64 = 0.01;
/// Gates tried for each net, evenly spaced over the mean of its entropies ± one standard deviation.
const STEPS: usize = 11;
/// Multiples of a chosen gate that the IoU match tries, and the largest of them.
const SCALES: usize = 61;
const LARGEST: f64 = 2.0;
/// How far above PaSeR's an IoU may lie that counts as matched (paper, Table 1).
pub(super) const MATCHED: f64 = 1e-3;

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

    /// Mean IoU of `table`'s samples when the cascade segments them.
    pub fn iou(&self, table: &Table) -> f64 {
        let confusions = table.confusions(&self.decide(table), |patch| &patch.accepted);
        mean(&confusions.iter().filter_map(Confusion::macro_iou).collect::<Vec<_>>())
    }

    /// Gates moved until the IoU on `table` matches `goal` (the paper's IoU match): of all that reach it by at most
    /// [`MATCHED`] the cheapest; else the least IoU that reaches it; else the largest. Each gate takes every one
    /// of [`SCALES`] multiples of the chosen one, all together where there are more than two. `through` is what
    /// a patch costs by the net that keeps it.
    pub fn matching(&self, table: &Table, goal: f64, through: &[Flops]) -> Self {
        let scale = |step: usize| LARGEST * step as f64 / (SCALES - 1) as f64;
        let gates = self.gates.len();
        let combinations = if gates <= 2 { SCALES.pow(gates as u32) } else { SCALES };
        let tried = |number: usize| {
            let digit = |i: usize| if gates <= 2 { number / SCALES.pow(i as u32) % SCALES } else { number };
            let gates = self.gates.iter().enumerate().map(|(i, g)| g * scale(digit(i))).collect();
            Self { gates, ..self.clone() }
        };
        let rank = |cascade: &Self| {
            let iou = cascade.iou(table);
            let cost = || table.flops(&cascade.decide(table), 0, through);
            match iou - goal {
                above if (0.0..=MATCHED).contains(&above) => (0, cost()),
                above if above > 0.0 => (1, above),
                below => (2, -below),
            }
        };
        let ranked = (0..combinations).map(tried).map(|cascade| (rank(&cascade), cascade));
        let best = ranked.min_by(|(a, _), (b, _)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        best.map_or_else(|| self.clone(), |(_, cascade)| cascade)
    }
}

/// Gates to try for net `i`.
fn steps(patches: &[&PatchEntry], i: usize) -> Vec<f64> {
    let all: Vec<f64> = patches.iter().map(|p| f64::from(p.sureness[i].entropy)).collect();
    let centre = mean(&all);
    let deviation = mean(&all.iter().map(|e| (e - centre).powi(2)).collect::<Vec<_>>()).sqrt();
    (0..STEPS).map(|s| centre + deviation * (2.0 * s as f64 / (STEPS - 1) as f64 - 1.0)).collect()
}
