//! The formats that a run's labels can have beside its TIFF.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::labels::{class_path, ending};
use crate::data::classes::Class;
use crate::error::{Error, Result};

/// A format of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelFormat {
    /// NRRD with attached header.
    Nrrd,
    /// OME-Zarr 0.4 with image-label colours and names.
    OmeZarr,
    /// Voxels alone, with a JSON file that describes them.
    Raw,
    /// One TIFF of 0 and 1 for each class, as TauFactor reads them.
    Phases,
    /// One TIFF of each class's probability in 255ths.
    Probabilities,
    /// One TIFF of each class's probability, 32-bit float.
    ProbabilitiesFloat,
    /// A picture a slice: labels over grey values, in the window's colours.
    Overlays,
    /// The same with every patch outlined in its net's colour.
    OverlaysRoutes,
}

impl LabelFormat {
    /// All, with the names that flags and people give them.
    pub const ALL: [(Self, &str, &str); 8] = [
        (Self::Nrrd, "nrrd", "NRRD"),
        (Self::OmeZarr, "ome-zarr", "OME-Zarr"),
        (Self::Raw, "raw", "Raw with JSON"),
        (Self::Phases, "phases", "One 0/1 TIFF a phase"),
        (Self::Probabilities, "probabilities", "Probabilities, 8 bit"),
        (Self::ProbabilitiesFloat, "probabilities-float", "Probabilities, 32-bit float"),
        (Self::Overlays, "overlays", "Overlays as PNG"),
        (Self::OverlaysRoutes, "overlays-routes", "Overlays with routes"),
    ];

    /// The files and folders that it makes, whose names begin with `stem`.
    pub(super) fn paths(self, stem: &Path, classes: &[Class]) -> Vec<PathBuf> {
        let each = |what: &str| (1..).zip(classes).map(|(i, c)| class_path(stem, what, i, c)).collect();
        match self {
            Self::Nrrd => vec![ending(stem, "_labels.nrrd")],
            Self::Raw => vec![ending(stem, "_labels.raw"), ending(stem, "_labels.raw.json")],
            Self::OmeZarr => vec![ending(stem, "_labels.ome.zarr")],
            Self::Phases => each("phase"),
            Self::Probabilities => each("probability"),
            Self::ProbabilitiesFloat => each("probability_float"),
            Self::Overlays => vec![ending(stem, "_overlays")],
            Self::OverlaysRoutes => vec![ending(stem, "_overlays_routes")],
        }
    }

    /// Whether it needs the nets' probabilities.
    pub fn needs_probabilities(self) -> bool {
        matches!(self, Self::Probabilities | Self::ProbabilitiesFloat)
    }

    /// Whether it shows the grey slices too.
    pub fn needs_grey(self) -> bool {
        matches!(self, Self::Overlays | Self::OverlaysRoutes)
    }
}

impl FromStr for LabelFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(_, name, _)| *name == text);
        found.map(|(format, ..)| *format).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|(_, name, _)| *name).collect();
            Error::invalid(format!("\"{text}\" is no format of labels; use one of {}", names.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_its_name() {
        for (format, name, _) in LabelFormat::ALL {
            assert_eq!(name.parse::<LabelFormat>().unwrap(), format);
            assert_eq!(serde_json::to_value(format).unwrap(), name);
        }
        assert!("gif".parse::<LabelFormat>().is_err());
    }
}
