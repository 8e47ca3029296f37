//! What ImageJ writes into the description of its TIFF files: plane counts and calibration.

use super::ifd::{Ifd, Source};
use super::part::Hyper;
use crate::error::Result;
use tiff::tags::Tag;

/// ImageJ's own rule: this resolution in inches is a default, not a measurement.
const DEFAULT_DPI: f64 = 72.0;

/// The part of an ImageJ description that matters here.
#[derive(Debug, PartialEq)]
pub(super) struct Description {
    /// Number of planes in the file.
    pub(super) images: u64,
    channels: u64,
    frames: u64,
    unit: Option<String>,
    /// Distance of planes in units.
    spacing: Option<f64>,
}

impl Description {
    /// Parses an image description; None where it is not ImageJ's.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !text.starts_with("ImageJ=") {
            return None;
        }
        let value = |key: &str| {
            let line = text.lines().filter_map(|line| line.split_once('=')).find(|(k, _)| *k == key);
            line.map(|(_, value)| value.trim())
        };
        let count = |key| value(key).and_then(|v| v.parse().ok()).unwrap_or(1_u64);
        let planes = count("channels").saturating_mul(count("slices")).saturating_mul(count("frames"));
        Some(Self {
            images: count("images").max(planes),
            channels: count("channels"),
            frames: count("frames"),
            unit: value("unit").and_then(normalise_unit),
            // ImageJ flips the sign for stacks stored bottom first.
            spacing: value("spacing").and_then(|v| v.parse().ok()).map(f64::abs).filter(is_size),
        })
    }

    /// Its channels and times, where there are several; channels change fastest, then slices.
    pub(super) fn hyper(&self) -> Option<Hyper> {
        let slices = self.images / self.channels.saturating_mul(self.frames).max(1);
        Hyper::new("CZT", [self.channels, slices, self.frames])
    }

    /// Voxel size in the order Z, Y, X with its unit, only if the file states all of it.
    pub(super) fn voxel_size(&self, source: &Source, ifd: &Ifd) -> Result<Option<([f64; 3], String)>> {
        let pixel = |tag| -> Result<Option<f64>> {
            let rational = source.rational(ifd, tag)?;
            Ok(rational.map(|(pixels, length)| length as f64 / pixels as f64).filter(is_size))
        };
        let (x, y) = (pixel(Tag::XResolution)?, pixel(Tag::YResolution)?);
        let unit = match (&self.unit, source.uint(ifd, Tag::ResolutionUnit, 1)?, x) {
            (Some(unit), ..) => Some(unit.clone()),
            (None, 3, _) => Some("cm".to_owned()),
            (None, 2, Some(x)) if (x * DEFAULT_DPI - 1.0).abs() > 1e-6 => Some("inch".to_owned()),
            _ => None,
        };
        Ok(match (self.spacing, y, x, unit) {
            (Some(z), Some(y), Some(x), Some(unit)) => Some(([z, y, x], unit)),
            _ => None,
        })
    }
}

/// A length that can be a voxel's edge.
fn is_size(value: &f64) -> bool {
    value.is_finite() && *value > 0.0
}

/// One spelling per unit; None for pixels, which are no unit of length.
pub(super) fn normalise_unit(text: &str) -> Option<String> {
    let text = unescape(text);
    match text.trim() {
        "" | "pixel" | "pixels" | "px" | "null" => None,
        "um" | "µm" | "μm" | "micron" | "microns" | "micrometer" | "micrometre" => Some("um".to_owned()),
        "nanometer" | "nanometre" | "nanometers" => Some("nm".to_owned()),
        "millimeter" | "millimetre" | "millimeters" => Some("mm".to_owned()),
        other => Some(other.to_owned()),
    }
}

/// Replaces ImageJ's `\u00B5` escapes by their characters.
fn unescape(text: &str) -> String {
    let mut parts = text.split("\\u");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        match code {
            Some(code) => out.extend([code].into_iter().chain(part.chars().skip(4))),
            None => out.extend(["\\u", part]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_have_one_spelling() {
        for text in ["um", "µm", "μm", "micron", "\\u00B5m", "\\u00b5m", " microns "] {
            assert_eq!(normalise_unit(text).as_deref(), Some("um"), "{text}");
        }
        assert_eq!(normalise_unit("nm").as_deref(), Some("nm"));
        assert_eq!(normalise_unit("pixel"), None);
        assert_eq!(normalise_unit("\\u00").as_deref(), Some("\\u00"));
    }

    #[test]
    fn descriptions_are_parsed_leniently() {
        let text = "ImageJ=1.54f\nimages=6\nslices=3\nframes=2\nunit=nm\nspacing=-2.5\nloop=false\n";
        let parsed = Description::parse(text).unwrap();
        assert_eq!((parsed.images, parsed.channels, parsed.frames), (6, 1, 2));
        assert_eq!((parsed.unit.as_deref(), parsed.spacing), (Some("nm"), Some(2.5)));
        let odd = Description::parse("ImageJ=\nimages=x\nspacing=NaN\n\n=\nunit").unwrap();
        assert_eq!((odd.images, odd.unit, odd.spacing), (1, None, None));
        assert_eq!(Description::parse("OME"), None);
    }
}
