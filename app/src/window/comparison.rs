//! Methods side by side: the rows of the Compare workspace.

use paser_core::bundle::Manifest;
use paser_core::compare;
use paser_core::event::Control;
use paser_core::metrics::Paired;
use paser_core::route::{Method, Router};
use serde::Deserialize;

/// A method on a set of images.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Row {
    /// "f0", "paser", "random, same shares", "oracle", ...
    pub method: String,
    /// What must be said beside the name, as in "reduced".
    #[serde(default)]
    pub remark: Option<String>,
    /// Wall seconds over all images, where it was run in earnest.
    #[serde(default)]
    pub seconds: Option<f64>,
    /// λ, where the method has one.
    pub lambda: Option<f64>,
    /// The TVD threshold that its policy was fine-tuned to.
    #[serde(default)]
    pub tvd: Option<f64>,
    /// Number of images.
    pub images: usize,
    /// Mean macro IoU.
    pub iou: f64,
    /// Share of patches to each net.
    pub shares: Vec<f64>,
    /// Mean cost of an image.
    pub flops: f64,
    /// Mean reward of a patch at λ, where the method has a λ.
    #[serde(default)]
    pub reward: Option<f64>,
    /// Standard deviation of the IoU over the draws of a method that draws.
    #[serde(default)]
    pub spread: Option<f64>,
    /// IoU above that of a random router with the same shares.
    pub above_random: Option<Paired>,
    /// Patches by the net that the oracle would choose (rows) and the one chosen (columns).
    #[serde(default)]
    pub assignment: Option<Vec<Vec<u64>>>,
}

impl Row {
    /// IoU for a GigaFlop.
    pub fn per_gigaflop(&self) -> f64 {
        self.iou / (self.flops / 1e9).max(f64::MIN_POSITIVE)
    }

    /// How it routes a slice; none where it needs the truth for that.
    pub fn shown(&self) -> Option<Method> {
        match self.method.as_str() {
            "oracle" => None,
            n if n.starts_with("paser") => Some(Method::Paser),
            n if n.starts_with("random") => Some(Method::Random),
            n => n.parse().ok(),
        }
    }

    /// The policy that routes it; none where none does.
    pub fn router(&self, manifest: &Manifest) -> Option<Router> {
        let lambda = self.lambda.filter(|_| self.method.starts_with("paser"))?;
        if self.method != "paser" {
            return Some(Router::Conditioned(lambda));
        }
        manifest.policies.iter().position(|p| p.lambda == lambda && p.tvd == self.tvd).map(Router::Fixed)
    }

    /// Name with what must be said beside it.
    pub fn name(&self) -> String {
        self.remark.as_ref().map_or_else(|| self.method.clone(), |r| format!("{} ({r})", self.method))
    }

    /// Name with λ.
    pub fn title(&self) -> String {
        self.lambda.map_or_else(|| self.name(), |l| format!("{}, λ {l}", self.name()))
    }
}

/// What is compared, and by what it is sorted.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// The rows.
    pub rows: Vec<Row>,
    /// What they were measured on, in words.
    pub on: String,
    /// Column that sorts, and whether the largest comes first.
    pub sort: (Column, bool),
    /// The row that was chosen, by its name and λ.
    pub chosen: Option<(String, Option<f64>)>,
    /// Whether a comparison is being computed: what it is at, how many of them are done and in all.
    pub working: Option<(String, usize, usize)>,
    /// Stops it.
    pub control: Control,
}

/// The columns that can sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Column {
    /// In the order of the table: nets, then policies.
    #[default]
    Given,
    /// Weight of the cost.
    Lambda,
    /// IoU.
    Iou,
    /// Reward.
    Reward,
    /// Cost.
    Cost,
    /// IoU for a GigaFlop.
    Worth,
}

impl Comparison {
    /// The rows that the bundle's training recorded.
    pub fn recorded(manifest: &Manifest) -> Self {
        let validation = &manifest.training["validation"];
        let rows: Vec<Row> = serde_json::from_value(validation["test"].clone()).unwrap_or_default();
        let images = rows.first().map_or(0, |r| r.images);
        let measured_on = validation["measured_on"].as_str().unwrap_or("its own images");
        let on = format!("As the bundle's training recorded it on {images} {measured_on}");
        Self { rows, on, ..Self::default() }
    }

    /// Rows that were computed here.
    pub fn computed(rows: &[compare::Row], on: String) -> Self {
        let rows = serde_json::to_value(rows).and_then(serde_json::from_value).unwrap_or_default();
        Self { rows, on, ..Self::default() }
    }

    /// The row that was chosen.
    pub fn row(&self) -> Option<&Row> {
        let (method, lambda) = self.chosen.as_ref()?;
        self.rows.iter().find(|r| r.method == *method && r.lambda == *lambda)
    }

    /// Numbers of the rows as they are sorted.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        let (column, falling) = self.sort;
        let key = |i: &usize| {
            let row = &self.rows[*i];
            match column {
                Column::Given => *i as f64,
                Column::Lambda => row.lambda.unwrap_or(-1.0),
                Column::Iou => row.iou,
                Column::Reward => row.reward.unwrap_or(f64::MIN),
                Column::Cost => row.flops,
                Column::Worth => row.per_gigaflop(),
            }
        };
        order.sort_by(|a, b| key(a).total_cmp(&key(b)));
        if falling {
            order.reverse();
        }
        order
    }
}
