//! Tortuosity factor: steady diffusion through a phase between two faces of the volume.
//!
//! TauFactor's definition (Cooper et al., SoftwareX 2016): tau = fraction * D0 / Deff. Fixed
//! concentrations on two opposite faces, no flux through the other four and into other phases; a voxel is
//! a node in its centre, half a voxel away from the faces. Solved by multigrid: see [`super::diffusion`].

use std::fmt;

use serde::Serialize;

use super::bits::Bits;
use super::diffusion::Field;
use crate::error::Result;
use crate::event::Control;

/// Largest difference of the flux through two layers, as a part of the conductance.
const FLUX_SPREAD: f64 = 5e-3;
/// Largest change of the conductance by a round.
const CHANGE: f64 = 1e-4;
/// Rounds before it is given up.
const MOST_ROUNDS: usize = 400;

/// Bytes a voxel that a solution takes: 20 for the volume, 24 for each block of the coarser grids.
pub(super) const BYTES_PER_VOXEL: u64 = 23;

/// Diffusion through a phase along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tortuosity {
    /// Tortuosity factor.
    pub factor: f64,
    /// Effective diffusivity as a part of the phase's own.
    pub effective_diffusivity: f64,
    /// Largest difference of the flux through two layers, as a part of the conductance.
    pub flux_spread: f64,
    /// Rounds over all grids.
    pub iterations: usize,
    /// False where the rounds ran out; the diffusivity is then an upper and the factor a lower bound.
    pub converged: bool,
}

/// The factor, as a bound where that is all that is known.
impl fmt::Display for Tortuosity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:.3}", if self.converged { "" } else { "> " }, self.factor)
    }
}

/// Solves diffusion through `path`, the voxels of the phase that lead through along `axis` (0: Z,
/// 1: Y, 2: X). `fraction` is the whole phase's. None where nothing leads through.
///
/// # Errors
/// [`crate::Error::Cancelled`] on request.
pub(super) fn solve(
    path: &Bits,
    axis: usize,
    fraction: f64,
    voxel: [f64; 3],
    control: &Control,
) -> Result<Option<Tortuosity>> {
    if path.count() == 0 {
        return Ok(None);
    }
    let mut field = Field::new(path, axis, voxel);
    let (mut last, mut iterations) = (f64::INFINITY, 0);
    loop {
        control.check()?;
        let flow = field.balance();
        let settled = (flow.conductance / last - 1.0).abs() <= CHANGE && flow.spread <= FLUX_SPREAD;
        last = flow.conductance;
        if settled || iterations == MOST_ROUNDS {
            let effective_diffusivity = flow.conductance * field.length / field.area;
            return Ok(Some(Tortuosity {
                factor: fraction / effective_diffusivity,
                effective_diffusivity,
                flux_spread: flow.spread,
                iterations,
                converged: settled,
            }));
        }
        field.round();
        iterations += 1;
    }
}
