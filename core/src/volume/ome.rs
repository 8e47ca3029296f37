//! What OME-TIFF writes into the description of its first page.

use super::part::Hyper;
use super::planes::calibration;

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

    /// Its channels and times, where there are several.
    pub(super) fn hyper(&self) -> Option<Hyper> {
        let count = |name| self.get(name).and_then(|v| v.parse().ok()).unwrap_or(1_u64);
        // Colour counts as three channels of one page.
        let colour = count("SizeC") == 3 && self.get("Interleaved").is_some();
        let channels = if colour { 1 } else { count("SizeC") };
        let order = self.get("DimensionOrder").and_then(|o| o.strip_prefix("XY")).unwrap_or("CZT");
        Hyper::new(order, [channels, count("SizeZ"), count("SizeT")])
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
        assert_eq!(pixels.hyper(), None);
        let two = text.replace("SizeC=\"1\"", "SizeC=\"2\" DimensionOrder=\"XYZCT\"");
        assert_eq!(Pixels::parse(&two).unwrap().hyper(), Hyper::new("ZCT", [2, 3, 1]));
        let uncalibrated = text.replace("PhysicalSizeZ=\"2\"", "");
        assert_eq!(Pixels::parse(&uncalibrated).unwrap().voxel_size(), None);
        assert!(Pixels::parse("ImageJ=1.5").is_none());
    }
}
