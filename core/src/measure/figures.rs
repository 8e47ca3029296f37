//! The figures of a phase as one flat list, for tables and error bars.

use super::{Labels, PhaseMeasures, Request, Volume};
use crate::error::Result;
use crate::event::Control;

/// Names of the axes in the order of lists of three.
pub const AXES: [&str; 3] = ["z", "y", "x"];

/// One number that was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is, as in the tables.
    pub quantity: &'static str,
    /// "z", "y" or "x" where it belongs to an axis, else empty.
    pub axis: &'static str,
    /// Its unit; "1" where it has none.
    pub unit: String,
    /// The number.
    pub value: f64,
}

impl PhaseMeasures {
    /// All single numbers of the phase; `unit` is that of length.
    pub fn figures(&self, unit: &str) -> Vec<Figure> {
        let mut figures = Vec::new();
        let mut add = |quantity, axis, unit: &str, value| {
            figures.push(Figure { quantity, axis, unit: unit.to_owned(), value });
        };
        let per = format!("1/{unit}");
        add("voxels", "", "1", self.voxels as f64);
        add("fraction", "", "1", self.fraction);
        add("specific_surface_face_counting", "", &per, self.specific_surface.face_counting);
        add("specific_surface_marching_cubes", "", &per, self.specific_surface.marching_cubes);
        add("components", "", "1", self.connectivity.components as f64);
        add("largest_component", "", "1", self.connectivity.largest);
        add("particles_inside", "", "1", self.particles.inside as f64);
        add("particles_touching_boundary", "", "1", self.particles.touching_boundary as f64);
        if let Some(i) = self.interval {
            add("fraction_low_95", "", "1", i.low);
            add("fraction_high_95", "", "1", i.high);
            add("integral_range", "", "voxels", i.integral_range);
        }
        let names = ["diameter_d10_by_number", "diameter_d50_by_number", "diameter_d90_by_number"];
        for (name, d) in names.into_iter().zip(self.particles.by_number.iter().flatten()) {
            add(name, "", unit, *d);
        }
        for (a, axis) in AXES.into_iter().enumerate() {
            add("percolating", axis, "1", self.connectivity.percolating[a]);
            if let Some(t) = self.tortuosity[a] {
                let [factor, diffusivity] = match t.converged {
                    true => ["tortuosity_factor", "effective_diffusivity"],
                    false => ["tortuosity_factor_at_least", "effective_diffusivity_at_most"],
                };
                add(factor, axis, "1", t.factor);
                add(diffusivity, axis, "1", t.effective_diffusivity);
            }
        }
        figures
    }
}

/// The figures of every phase alone: no profiles, no correlation and no interval, which take longest.
///
/// # Errors
/// As [`super::measure`].
pub fn figures(labels: &Labels, request: &Request, control: &Control) -> Result<Vec<Vec<Figure>>> {
    let counts = labels.counts();
    let volume = Volume { labels, request, labelled: counts.iter().sum(), control, lean: true };
    let components = super::Components::of(labels)?;
    let one = |(i, voxels)| {
        let phase = volume.phase(i, voxels, super::Profiles::default(), &components, &mut |_, _| ())?;
        Ok(phase.figures(&request.scale.unit))
    };
    counts.into_iter().enumerate().map(one).collect()
}
