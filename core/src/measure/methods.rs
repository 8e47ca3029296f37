//! How the figures are defined, in words that go with them into files and reports.

use serde::Serialize;

/// One sentence a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Methods {
    /// Fractions and their intervals.
    pub fraction: &'static str,
    /// Specific surface.
    pub specific_surface: &'static str,
    /// Connected parts.
    pub connectivity: &'static str,
    /// Particle sizes.
    pub particles: &'static str,
    /// Two-point correlation.
    pub correlation: &'static str,
    /// Tortuosity factor.
    pub tortuosity: &'static str,
}

/// The definitions of this version.
pub const METHODS: Methods = Methods {
    fraction: "Voxels of the phase divided by the labelled voxels; 95 % interval of the sampling error from the \
               integral range, the two-point covariance summed up to its first zero.",
    specific_surface: "Area between the phase and all others divided by the whole volume, the volume's own faces left \
                       out: by counting voxel faces, and by marching cubes (Lorensen and Cline) without smoothing.",
    connectivity: "Parts connected across voxel faces; percolating along an axis are parts that touch both of its faces.",
    particles: "Connected parts of the phase as spheres of equal volume; touching particles are one, parts that touch \
                the volume's outside are counted apart and not measured.",
    correlation: "Probability that two voxels a lag apart along an axis both belong to the phase; not periodic.",
    tortuosity: "Tortuosity factor, tau = fraction * D0 / Deff (TauFactor, Cooper et al. 2016): finite-difference \
                 solution of steady diffusion with fixed concentrations on two opposite faces and no flux through the \
                 others. Where it did not settle, a lower bound (>).",
};
