//! What a label volume measures: fractions, surfaces, connectivity, particle sizes, correlation and
//! transport. Pure functions over [`Labels`]; lengths are physical only where a voxel size is known.

mod bits;
mod components;
mod correlation;
mod cubes;
mod diffusion;
mod fft;
mod figures;
mod fractions;
mod interval;
mod labels;
mod methods;
mod particles;
mod surface;
mod tortuosity;

pub use self::components::{Component, Components, Connectivity};
pub use self::correlation::Correlation;
pub use self::figures::{AXES, Figure, figures};
pub use self::fractions::{Profiles, profiles};
pub use self::interval::Interval;
pub use self::labels::{Labels, Phase};
pub use self::methods::{METHODS, Methods};
pub use self::particles::{Bar, Particles, equivalent_diameter};
pub use self::surface::Surface;
pub use self::tortuosity::Tortuosity;

use serde::Serialize;

use self::bits::Bits;
use crate::error::{Error, Result};
use crate::event::Control;

/// Edges of a voxel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scale {
    /// Z, Y, X.
    pub voxel: [f64; 3],
    /// Unit of length; "voxel" where none is known.
    pub unit: String,
    /// Whether the unit is one of length.
    pub calibrated: bool,
}

impl Scale {
    /// A known voxel size, or cubic voxels as the unit of length.
    ///
    /// # Errors
    /// Where an edge is no positive number.
    pub fn new(known: Option<([f64; 3], String)>) -> Result<Self> {
        let calibrated = known.is_some();
        let (voxel, unit) = known.unwrap_or(([1.0; 3], "voxel".to_owned()));
        if voxel.iter().any(|d| !d.is_finite() || *d <= 0.0) {
            return Err(Error::invalid(format!(
                "a voxel of {voxel:?} {unit} is impossible; give three positive lengths Z,Y,X"
            )));
        }
        Ok(Self { voxel, unit, calibrated })
    }

    /// Volume of a voxel.
    pub fn volume(&self) -> f64 {
        self.voxel.iter().product()
    }
}

/// What is measured and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// The voxel.
    pub scale: Scale,
    /// Names of the phases whose tortuosity is found, which takes longest; all where None.
    pub transport: Option<Vec<String>>,
}

/// All figures of a label volume. Lists of three are in the order Z, Y, X.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measures {
    /// Slices, rows, columns.
    pub shape: [usize; 3],
    /// Unit of every length and of the voxel's edges.
    #[serde(flatten)]
    pub scale: Scale,
    /// Voxels without a phase; fractions are among the others.
    pub unlabelled: u64,
    /// The phases in order.
    pub phases: Vec<PhaseMeasures>,
    /// How each figure is defined.
    pub methods: Methods,
}

/// All figures of one phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhaseMeasures {
    /// Its name.
    pub name: String,
    /// Its value in the file.
    pub value: u32,
    /// Its voxels.
    pub voxels: u64,
    /// Its part of the labelled voxels.
    pub fraction: f64,
    /// Where the fraction of a large sample of the material lies, in 95 of 100 cases.
    pub interval: Option<Interval>,
    /// Fraction by slice, row and column.
    pub profiles: Profiles,
    /// Surface per volume, in 1 / unit.
    pub specific_surface: Surface,
    /// Connected parts.
    pub connectivity: Connectivity,
    /// Sizes of the connected parts, in units.
    pub particles: Particles,
    /// Two-point correlation along the axes.
    pub correlation: Correlation,
    /// Tortuosity factor along Z, Y, X; None where nothing leads through or it was not asked for.
    pub tortuosity: [Option<Tortuosity>; 3],
}

/// Memory that measuring a volume of `shape` takes at most, in bytes.
pub fn memory(shape: [usize; 3]) -> u64 {
    let voxels = shape.iter().map(|n| *n as u64).product::<u64>();
    // The voxels, runs of a few voxels each, binary volumes, one solution; transforms on top.
    voxels * (1 + 4 + tortuosity::BYTES_PER_VOXEL + 1) + (512 << 20)
}

/// Measures every phase. `progress` hears what is being measured, with steps done and in all.
///
/// # Errors
/// [`Error::Cancelled`] on request; [`Error::Invalid`] where the volume is too ragged or a phase whose
/// tortuosity is asked for does not exist.
pub fn measure(
    labels: &Labels,
    request: &Request,
    control: &Control,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Measures> {
    let named = |name: &&String| !labels.phases.iter().any(|p| p.name == **name);
    if let Some(unknown) = request.transport.iter().flatten().find(named) {
        let all: Vec<&str> = labels.phases.iter().map(|p| p.name.as_str()).collect();
        let all = all.join(", ");
        return Err(Error::invalid(format!("there is no phase \"{unknown}\"; the phases are {all}")));
    }
    let counts = labels.counts();
    let volume = Volume { labels, request, labelled: counts.iter().sum(), control, lean: false };
    let steps = 4 * counts.len() + 1;
    progress("connected parts", 0, steps);
    let components = Components::of(labels)?;
    let mut phases = Vec::new();
    for (i, profiles) in profiles(labels).into_iter().enumerate() {
        let mut step =
            |what: &str, n| progress(&format!("{}: {what}", labels.phases[i].name), 4 * i + n, steps);
        phases.push(volume.phase(i, counts[i], profiles, &components, &mut step)?);
    }
    let unlabelled = labels.voxels.len() as u64 - volume.labelled;
    let scale = request.scale.clone();
    Ok(Measures { shape: labels.shape, scale, unlabelled, phases, methods: METHODS })
}

/// What every phase's figures are taken from.
struct Volume<'a> {
    labels: &'a Labels,
    request: &'a Request,
    labelled: u64,
    control: &'a Control,
    /// Without what is not a single figure of the labels themselves.
    lean: bool,
}

impl Volume<'_> {
    /// The figures of phase `i` of `voxels` voxels.
    fn phase(
        &self,
        i: usize,
        voxels: u64,
        profiles: Profiles,
        components: &Components,
        step: &mut dyn FnMut(&str, usize),
    ) -> Result<PhaseMeasures> {
        self.control.check()?;
        step("surface and correlation", 1);
        let (phase, voxel, number) = (&self.labels.phases[i], self.request.scale.voxel, i as u8);
        let bits = Bits::of(self.labels, number);
        let correlation = if self.lean { Correlation::default() } else { Correlation::of(&bits) };
        let interval = if self.lean { None } else { Interval::of(&bits, &correlation, voxel) };
        let fraction = voxels as f64 / self.labelled.max(1) as f64;
        let mut tortuosity = [None; 3];
        if self.request.transport.as_ref().is_none_or(|names| names.contains(&phase.name)) {
            for (axis, tortuosity) in tortuosity.iter_mut().enumerate() {
                step(["diffusion along Z", "diffusion along Y", "diffusion along X"][axis], axis + 2);
                let path = components.percolating(number, axis, &bits);
                *tortuosity = tortuosity::solve(&path, axis, fraction, voxel, self.control)?;
            }
        }
        Ok(PhaseMeasures {
            name: phase.name.clone(),
            value: phase.value,
            voxels,
            fraction,
            interval,
            profiles,
            specific_surface: Surface::of(&bits, voxel),
            connectivity: components.connectivity(number),
            particles: Particles::of(components.list(), number, self.request.scale.volume()),
            correlation,
            tortuosity,
        })
    }
}

#[cfg(test)]
mod tests;
