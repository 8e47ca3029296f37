//! What OME-TIFF writes into the description of its first page.

use std::path::Path;

use super::planes::calibration;
use crate::error::{Error, Result};

/// The attributes of the first `Pixels` element.
#[derive(Debug)]
pub(super) struct Pixels<'a> {
    attributes: &'a str,
}

impl<'a> Pixels<'a> {
    /// Finds them in a description; None where it is not OME's.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let after = text.contains("<OME").then(|| text.split_once("<Pixels")).flatten()?.1;
        Some(Self { attributes: after.split('>').next()? })
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.attributes;
        while let Some((key, after)) = rest.split_once("=\"") {
            let (value, next) = after.split_once('"')?;
            if key.trim() == name {
                return Some(value);
            }
            rest = next;
        }
        None
    }

    /// Refuses several channels and times: pages would be taken for slices.
    pub(super) fn check(&self, path: &Path) -> Result<()> {
        let count = |name| self.get(name).and_then(|v| v.parse().ok()).unwrap_or(1_u64);
        let (channels, times) = (count("SizeC"), count("SizeT"));
        // Colour counts as three channels of one page.
        if times > 1
            || (channels > 1 && channels != 3)
            || (channels == 3 && self.get("Interleaved").is_none())
        {
            return Err(Error::bad(
                path,
                format!(
                    "it holds {channels} channels and {times} times; export one channel of one time as a stack"
                ),
            ));
        }
        Ok(())
    }

    /// Z, Y, X and unit, if all are stated and the units agree.
    pub(super) fn voxel_size(&self) -> Option<([f64; 3], String)> {
        let edge = |name| self.get(name)?.parse().ok();
        let unit = |name| self.get(name).unwrap_or("\u{b5}m");
        let units = ["PhysicalSizeXUnit", "PhysicalSizeYUnit", "PhysicalSizeZUnit"].map(unit);
        let same = units.iter().all(|u| *u == units[0]);
        let edges = [edge("PhysicalSizeZ")?, edge("PhysicalSizeY")?, edge("PhysicalSizeX")?];
        calibration(edges, same.then_some(units[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_units_are_found() {
        let text = "<?xml version=\"1.0\"?><OME xmlns=\"x\"><Image ID=\"1\"><Pixels ID=\"Pixels:0\" SizeC=\"1\" SizeT=\"1\" \
                    SizeZ=\"3\" PhysicalSizeX=\"0.5\" PhysicalSizeY=\"0.5\" PhysicalSizeZ=\"2\" PhysicalSizeXUnit=\"nm\" \
                    PhysicalSizeYUnit=\"nm\" PhysicalSizeZUnit=\"nm\"><TiffData/></Pixels></Image></OME>";
        let pixels = Pixels::parse(text).unwrap();
        assert_eq!(pixels.voxel_size(), Some(([2.0, 0.5, 0.5], "nm".to_owned())));
        assert!(pixels.check(Path::new("a.tif")).is_ok());
        let two = text.replace("SizeC=\"1\"", "SizeC=\"2\"");
        assert!(Pixels::parse(&two).unwrap().check(Path::new("a.tif")).is_err());
        let uncalibrated = text.replace("PhysicalSizeZ=\"2\"", "");
        assert_eq!(Pixels::parse(&uncalibrated).unwrap().voxel_size(), None);
        assert!(Pixels::parse("ImageJ=1.5").is_none());
    }
}
