//! What was measured of a simulated scan: its truth, its segmentation and label volumes drawn from it. It lies beside the
//! scan, so that a calibration that was stopped goes on.

use super::bars::Unit;
use super::draw::ErrorModel;
use super::fit::{Subject, Trial, drawn, moments};
use super::spool::Probabilities;
use crate::error::{Error, Result};
use crate::event::Control;
use crate::export::write_atomic;
use crate::measure::{Figure, Labels, Phase, Request, figures};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One figure of a scan.
#[derive(Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) phase: String,
    pub(super) quantity: String,
    pub(super) axis: String,
    truth: Exact,
    segmented: Option<Exact>,
    /// Of those draws that have it.
    drawn: Vec<Exact>,
}

/// A number that is kept as its bits: read back from decimals, its last digit may differ.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
struct Exact(f64);

impl From<u64> for Exact {
    fn from(bits: u64) -> Self {
        Self(f64::from_bits(bits))
    }
}

impl From<Exact> for u64 {
    fn from(number: Exact) -> Self {
        number.0.to_bits()
    }
}

/// All figures of a scan, and what they were found with.
#[derive(Serialize, Deserialize)]
struct Kept {
    with: String,
    figures: Vec<Seen>,
}

/// What the figures of a scan are found with.
pub(super) struct Survey<'a> {
    pub(super) model: &'a ErrorModel,
    pub(super) phases: &'a [Phase],
    pub(super) draws: usize,
    pub(super) request: &'a Request,
}

impl Seen {
    /// On the figure's own scale; None where segmentation or a draw lacks it.
    pub(super) fn trial(&self, draws: usize) -> Option<Trial> {
        let unit = Unit::of(&self.quantity)?;
        let values: Vec<f64> = self.drawn.iter().map(|v| unit.to(v.0)).collect();
        let (mean, deviation) = moments(&values);
        let segmented = unit.to(self.segmented.filter(|_| values.len() == draws)?.0);
        Some(Trial { truth: unit.to(self.truth.0), segmented, mean, deviation })
    }
}

impl Survey<'_> {
    /// The figures of `subject`, kept at `path`.
    pub(super) fn of(&self, subject: &Subject, path: &Path, control: &Control) -> Result<Vec<Seen>> {
        let transport = self.request.transport.as_deref().unwrap_or_default();
        let with = serde_json::to_string(&(self.model, self.draws, transport))
            .map_err(|e| Error::invalid(e.to_string()))?;
        let kept = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
        if let Some(kept) = kept.filter(|kept| kept.with == with) {
            return Ok(kept.figures);
        }
        let kept = Kept { with, figures: self.measured(subject, control)? };
        let text = serde_json::to_vec(&kept).map_err(|e| Error::invalid(e.to_string()))?;
        write_atomic(path, &text, true)?;
        Ok(kept.figures)
    }

    fn measured(&self, subject: &Subject, control: &Control) -> Result<Vec<Seen>> {
        let known = Labels::new(subject.stack.shape(), self.phases.to_vec(), subject.truth.clone())?;
        let known = figures(&known, self.request, control)?;
        let said = figures(&likeliest(&subject.stack, self.phases)?, self.request, control)?;
        let draws = (subject.seed, self.draws);
        let drawn =
            drawn(self.model, &subject.stack, self.phases, draws, self.request, control, &mut |_| ())?;
        let mut all = Vec::new();
        for (p, phase) in self.phases.iter().enumerate() {
            for figure in &known[p] {
                let of = |figures: &Vec<Vec<Figure>>| {
                    let same = |f: &&Figure| f.quantity == figure.quantity && f.axis == figure.axis;
                    figures[p].iter().find(same).map(|f| Exact(f.value))
                };
                all.push(Seen {
                    phase: phase.name.clone(),
                    quantity: figure.quantity.to_owned(),
                    axis: figure.axis.to_owned(),
                    truth: Exact(figure.value),
                    segmented: of(&said),
                    drawn: drawn.iter().filter_map(of).collect(),
                });
            }
        }
        Ok(all)
    }
}

/// The segmentation that probabilities make.
pub(super) fn likeliest(stack: &Probabilities, phases: &[Phase]) -> Result<Labels> {
    let shape = stack.shape();
    let plane = shape[1] * shape[2];
    let mut voxels = Vec::with_capacity(shape[0] * plane);
    for z in 0..shape[0] {
        let bytes = stack.read(z)?;
        let class = |i: usize| {
            (1..phases.len()).fold(0, |b, c| if bytes[c * plane + i] > bytes[b * plane + i] { c } else { b })
        };
        voxels.extend((0..plane).map(|i| class(i) as u8));
    }
    Labels::new(shape, phases.to_vec(), voxels)
}
