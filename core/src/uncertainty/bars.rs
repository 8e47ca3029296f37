//! Error bars of a stack's figures.

use super::calibration::{Calibration, Centre};
use super::fit::{drawn, moments, values};
use super::spool::Probabilities;
use crate::error::Result;
use crate::event::Control;
use crate::measure::{Measures, Phase, Request};
use serde::Serialize;

/// The scale on which a figure's errors are about as large everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Parts of a whole: ln(p / (1 - p)).
    Part,
    /// Lengths, surfaces, factors: the logarithm.
    Size,
    /// Numbers of things: ln(1 + n).
    Count,
    /// Factors of 1 at least: ln(f - 1).
    Excess,
}

/// Factors are kept this far above 1.
const LEAST: f64 = 1e-3;
/// Parts are kept this far from 0 and 1.
const EDGE: f64 = 1e-4;

impl Unit {
    /// The scale of a quantity; None for those that are no figure of the labels themselves, or are another's double.
    pub(super) fn of(quantity: &str) -> Option<Self> {
        match quantity {
            "fraction" | "largest_component" | "percolating" => Some(Self::Part),
            "components" | "particles_inside" | "particles_touching_boundary" => Some(Self::Count),
            "specific_surface_face_counting"
            | "specific_surface_marching_cubes"
            | "diameter_d10_by_number"
            | "diameter_d50_by_number"
            | "diameter_d90_by_number"
            | "effective_diffusivity" => Some(Self::Size),
            "tortuosity_factor" => Some(Self::Excess),
            _ => None,
        }
    }

    /// A figure on the scale.
    pub(super) fn to(self, value: f64) -> f64 {
        match self {
            Self::Part => {
                let p = value.clamp(EDGE, 1.0 - EDGE);
                (p / (1.0 - p)).ln()
            }
            Self::Size => value.max(1e-12).ln(),
            Self::Count => value.ln_1p(),
            Self::Excess => (value - 1.0).max(LEAST).ln(),
        }
    }

    /// Back from the scale.
    fn back(self, value: f64) -> f64 {
        match self {
            Self::Part => 1.0 / (1.0 + (-value).exp()),
            Self::Size => value.exp(),
            Self::Count => value.exp_m1().max(0.0),
            Self::Excess => 1.0 + value.exp(),
        }
    }
}

/// A figure with its interval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorBar {
    /// The phase.
    pub phase: String,
    /// The figure, as in the tables.
    pub quantity: &'static str,
    /// Its axis, or empty.
    pub axis: &'static str,
    /// Its unit.
    pub unit: String,
    /// Of the segmentation itself.
    pub value: f64,
    /// What the truth is expected to be: the draws' mean or the segmentation's own figure, whichever came nearer to the
    /// truth in the calibration, corrected by what it missed there on average.
    pub mean: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A figure without a bar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The phase.
    pub phase: String,
    /// The figure.
    pub quantity: &'static str,
    /// Its axis, or empty.
    pub axis: &'static str,
    /// Why.
    pub why: String,
}

/// The error bars of a stack.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorBars {
    /// What they mean and rest on.
    pub about: String,
    /// Label volumes drawn.
    pub draws: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// The bars.
    pub bars: Vec<ErrorBar>,
    /// Figures that have none.
    pub missing: Vec<Missing>,
}

impl ErrorBars {
    /// The bar of a figure.
    pub fn of(&self, phase: &str, quantity: &str, axis: &str) -> Option<&ErrorBar> {
        self.bars.iter().find(|b| b.phase == phase && b.quantity == quantity && b.axis == axis)
    }
}

impl Calibration {
    /// The bars of what was `measured` of a stack by `request`. `(seed, draws)` says what is drawn; `told` hears how many
    /// are done.
    ///
    /// # Errors
    /// Where the probabilities cannot be read, or on request.
    pub fn bars(
        &self,
        stack: &Probabilities,
        measured: &Measures,
        request: &Request,
        (seed, draws): (u64, usize),
        control: &Control,
        told: &mut (dyn FnMut(usize) + Send),
    ) -> Result<ErrorBars> {
        let named = |p: &crate::measure::PhaseMeasures| Phase { name: p.name.clone(), value: p.value };
        let phases: Vec<Phase> = measured.phases.iter().map(named).collect();
        let drawn = drawn(&self.model, stack, &phases, (seed, draws), request, control, told)?;
        let (mut bars, mut missing) = (Vec::new(), Vec::new());
        for (p, phase) in measured.phases.iter().enumerate() {
            for figure in phase.figures(&measured.scale.unit) {
                let Some(unit) = Unit::of(figure.quantity) else { continue };
                let (quantity, axis) = (figure.quantity, figure.axis);
                let values = values(&drawn, p, quantity, axis, unit);
                match self.interval([&phase.name, quantity, axis], unit.to(figure.value), &values, draws) {
                    Ok(ends) => {
                        let [low, mean, high] = ends.map(|v| unit.back(v));
                        let (phase, value) = (phase.name.clone(), figure.value);
                        bars.push(ErrorBar {
                            phase,
                            quantity,
                            axis,
                            unit: figure.unit,
                            value,
                            mean,
                            low,
                            high,
                        });
                    }
                    Err(why) => missing.push(Missing { phase: phase.name.clone(), quantity, axis, why }),
                }
            }
        }
        Ok(ErrorBars { about: self.about(), draws, seed, bars, missing })
    }

    /// Lower end, mean and upper end on the figure's scale, or why there is none.
    fn interval(
        &self,
        [phase, quantity, axis]: [&str; 3],
        segmented: f64,
        values: &[f64],
        draws: usize,
    ) -> std::result::Result<[f64; 3], String> {
        let found =
            self.figures.iter().find(|f| f.phase == phase && f.quantity == quantity && f.axis == axis);
        let reach = found.ok_or("it was not calibrated")?;
        if !reach.shown {
            if reach.covered == reach.tested && reach.tested == self.counts[1] {
                return Err(format!(
                    "its bars covered all {} scans of the calibration: too wide, or the figure hardly varies there",
                    reach.tested
                ));
            }
            return Err(format!(
                "in the calibration its bars covered {} of {} scans, not 88 to 99 % of {}",
                reach.covered, reach.tested, self.counts[1]
            ));
        }
        if values.len() < draws || draws < 2 {
            return Err("not every draw has it".to_owned());
        }
        let (mean, deviation) = moments(values);
        let centre = if reach.centre == Centre::Drawn { mean } else { segmented };
        let (middle, half) = (centre + reach.shift, reach.reach * deviation.hypot(reach.unexplained));
        Ok([middle - half, middle, middle + half])
    }

    /// What the bars mean, in sentences for a report.
    fn about(&self) -> String {
        let [z, y, x] = self.shape;
        format!(
            "95 % intervals of the segmentation's own error: label volumes were drawn from the nets' probabilities through \
             correlated Gaussian fields and measured, and the spread was scaled so that intervals cover the truth of \
             simulated scans. Fitted to {} scans of {z} x {y} x {x} voxels and tested with {} others ({}); only figures \
             whose intervals covered 88 to 99 % of those have one. Of another material or another kind of scan they say \
             nothing.",
            self.counts[0], self.counts[1], self.scans
        )
    }
}
