//! A row of the comparison.

use crate::cost::Flops;
use crate::device::Description;
use crate::evaluate::Evaluation;
use crate::metrics::Paired;
use serde::Serialize;

/// A method on a set of images.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// "f0", "paser", "random, same shares", "oracle", ...
    pub method: String,
    /// What must be said beside the name: "reduced", "reconstruction", or that a match was not reached.
    pub remark: Option<String>,
    /// λ, where the method has one.
    pub lambda: Option<f64>,
    /// The TVD threshold that the policy was fine-tuned to, where it was.
    pub tvd: Option<f64>,
    /// Number of images.
    pub images: usize,
    /// Mean macro IoU of the stitched images.
    pub iou: f64,
    /// IoU of each class, mean over the images that have it; none where none has.
    pub iou_per_class: Vec<Option<f64>>,
    /// Share of patches to each net; empty where nothing is routed.
    pub shares: Vec<f64>,
    /// Mean cost of an image by the paper's count.
    pub flops: f64,
    /// The same over all images.
    pub flops_total: Flops,
    /// What was executed over all images, where the method was run in earnest.
    pub flops_run: Option<Flops>,
    /// IoU / (flops_total / 1e9).
    pub iou_per_gigaflop: f64,
    /// Wall seconds over all images, where the method was run in earnest.
    pub seconds: Option<f64>,
    /// flops_run / seconds / 1e9.
    pub gflops_per_second: Option<f64>,
    /// The device that took those seconds.
    pub device: Option<Description>,
    /// Mean reward of a patch (Eq. 2) at the row's λ, at the bundle's own where it has none; mean over images.
    pub reward: Option<f64>,
    /// Standard deviation of the IoU over the draws of a method that draws.
    pub spread: Option<f64>,
    /// IoU above that of a random router with the same shares, image by image.
    pub above_random: Option<Paired>,
    /// Part of the way in reward that a policy comes from the uniform random policy (0) to the oracle (1).
    pub to_oracle: Option<f64>,
    /// The same from a random router with the policy's own shares: what it knows of *where*.
    pub to_oracle_same_shares: Option<f64>,
    /// Patches by the net that the oracle gives them to at the reward's λ (rows) and the one that the method
    /// chose (columns; of a method that draws, its first draw). Only patches with truth count.
    pub assignment: Option<Vec<Vec<u64>>>,
}

impl Row {
    /// Of a method that routes nothing.
    pub(super) fn whole(e: &Evaluation) -> Self {
        let mut row = Self {
            method: e.method.clone(),
            remark: e.remark.clone(),
            lambda: e.lambda,
            tvd: None,
            images: e.images,
            iou: e.iou,
            iou_per_class: e.iou_per_class.clone(),
            shares: Vec::new(),
            flops: e.flops_total as f64 / e.images.max(1) as f64,
            flops_total: e.flops_total,
            flops_run: None,
            iou_per_gigaflop: e.iou_per_gigaflop,
            seconds: None,
            gflops_per_second: None,
            device: None,
            reward: None,
            spread: None,
            above_random: None,
            to_oracle: None,
            to_oracle_same_shares: None,
            assignment: None,
        };
        row.timed(e);
        row
    }

    /// Takes over what running the method in earnest showed.
    pub(super) fn timed(&mut self, e: &Evaluation) {
        self.flops_run = Some(e.flops_run);
        self.seconds = Some(e.seconds);
        self.gflops_per_second = Some(e.flops_run as f64 / 1e9 / e.seconds.max(1e-9));
        self.device = Some(e.device.clone());
    }

    /// Name with what must be said beside it, as in "segformer-b0 (reduced)".
    pub fn title(&self) -> String {
        self.remark.as_ref().map_or_else(|| self.method.clone(), |r| format!("{} ({r})", self.method))
    }
}
