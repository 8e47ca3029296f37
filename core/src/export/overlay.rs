//! Labels over the grey slices as a sequence of PNG pictures, in the window's colours.

use std::path::{Path, PathBuf};

use super::folder::AtomicFolder;
use super::png::bytes_rgb;
use crate::data::classes::Class;
use crate::data::normalise::Range;
use crate::error::{Error, Result};
use crate::route::PatchRoute;
use crate::volume::{Slice, Volume};

/// How opaque labels lie over the slice.
pub const OPACITY: f32 = 0.55;
/// How opaque the outline is of a patch that the smallest net kept.
pub const QUIET: f32 = 0.45;
/// Red, green, blue of the nets' patches by rank, cheapest first: grey, blue, yellow and two more of Okabe and Ito's.
pub const ROUTES: [[u8; 3]; 5] =
    [[0x9a, 0xa3, 0xb2], [0x56, 0xb4, 0xe9], [0xf0, 0xe4, 0x42], [0xcc, 0x79, 0xa7], [0xd5, 0x5e, 0x00]];

/// Where the grey slices under an overlay come from.
#[derive(Clone, Debug)]
pub struct Backdrop {
    /// The stack as it is read.
    pub volume: Volume,
    /// Grey values that become black and white: those that become 0 and 1 for the nets.
    pub range: Range,
}

/// A sequence of pictures, one a slice, in a folder of their own.
pub(super) struct Overlays {
    folder: AtomicFolder,
    colours: Vec<[u8; 3]>,
    routes: bool,
}

impl Overlays {
    /// Starts the pictures that will lie in the folder `path`; with the patches' outlines where `routes` says so.
    pub(super) fn create(path: &Path, classes: &[Class], routes: bool, force: bool) -> Result<Self> {
        let colours = classes.iter().map(|c| c.colour).collect();
        Ok(Self { folder: AtomicFolder::create(path, force)?, colours, routes })
    }

    /// Adds slice `z` of its stack, counted from 0; file names count from 1. `labels`: 0 none, then the classes.
    pub(super) fn push(
        &self,
        z: usize,
        labels: &[u8],
        routes: &[PatchRoute],
        (slice, range): (&Slice, &Range),
    ) -> Result<()> {
        let grey = slice.grey();
        if grey.len() != labels.len() {
            return Err(Error::invalid(format!("slice {} changed its size while it was read", z + 1)));
        }
        let span = (range.high - range.low).max(f32::MIN_POSITIVE);
        let shade = |v: &f32| (255.0 * (v - range.low) / span).clamp(0.0, 255.0) as u8;
        let class = |l: &u8| usize::from(*l).checked_sub(1).and_then(|i| self.colours.get(i));
        let pixel = |(value, label): (&f32, &u8)| {
            let grey = [shade(value); 3];
            class(label).map_or(grey, |colour| mix(grey, *colour, OPACITY))
        };
        let mut pixels: Vec<[u8; 3]> = grey.iter().zip(labels).map(pixel).collect();
        if self.routes {
            // bright outlines last: patches that touch share no pixel, but none is hidden either
            let (kept, sent): (Vec<_>, Vec<_>) = routes.iter().partition(|r| r.net == 0);
            kept.iter().for_each(|r| outline(&mut pixels, slice.width, r, QUIET));
            sent.iter().for_each(|r| outline(&mut pixels, slice.width, r, 1.0));
        }
        let png = bytes_rgb(slice.width, slice.height, pixels.as_flattened())?;
        self.folder.write(&format!("slice_{:04}.png", z + 1), &png)
    }

    /// Gives the folder its name.
    pub(super) fn finish(self) -> Result<PathBuf> {
        self.folder.persist()
    }
}

/// `over` on `under`, in the screen's own values as the window lays layers.
fn mix(under: [u8; 3], over: [u8; 3], opacity: f32) -> [u8; 3] {
    let channel = |i: usize| f32::from(under[i]) * (1.0 - opacity) + f32::from(over[i]) * opacity;
    [0, 1, 2].map(|i| channel(i).round() as u8)
}

/// Colours the outermost pixels of a patch.
fn outline(pixels: &mut [[u8; 3]], width: usize, route: &PatchRoute, opacity: f32) {
    let (at, colour) = (route.at, ROUTES.get(usize::from(route.net)).unwrap_or(&ROUTES[0]));
    let (right, bottom) = (at.x + at.width, at.y + at.height);
    for y in at.y..bottom {
        for x in at.x..right {
            let edge = y == at.y || x == at.x || y + 1 == bottom || x + 1 == right;
            if let Some(pixel) = pixels.get_mut(y * width + x).filter(|_| edge) {
                *pixel = mix(*pixel, *colour, opacity);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::classes::classes;
    use crate::route::tiles::Rect;
    use crate::volume;

    #[test]
    fn pictures_read_back_in_number_size_and_colour() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s_overlays");
        let classes = classes(&["pore", "carbon"]);
        let overlays = Overlays::create(&path, &classes, true, false).unwrap();
        let range = Range { low: 100.0, high: 300.0 };
        let at = |x, net| PatchRoute {
            at: Rect { x, y: 0, width: 4, height: 3 },
            net,
            probabilities: Vec::new(),
            entropy: 0.0,
        };
        let values: Vec<f32> = (0..24).map(|i| if i % 8 < 4 { 100.0 } else { 300.0 }).collect();
        let slice = Slice { height: 3, width: 8, channels: 1, values };
        let labels: Vec<u8> = (0..24).map(|i| [1, 1, 2, 0][i % 4]).collect();
        for z in 6..9 {
            overlays.push(z, &labels, &[at(0, 0), at(4, 2)], (&slice, &range)).unwrap();
        }
        assert!(overlays.push(9, &labels[1..], &[], (&slice, &range)).is_err());
        assert!(!path.exists(), "nothing has its name before it is complete");
        let path = overlays.finish().unwrap();
        let names: std::collections::BTreeSet<_> = std::fs::read_dir(&path)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(names.iter().collect::<Vec<_>>(), ["slice_0007.png", "slice_0008.png", "slice_0009.png"]);
        let stack = volume::open(&path).unwrap();
        let info = stack.info();
        assert_eq!([info.slices, info.height, info.width], [3, 3, 8]);
        let found = stack.read(1).unwrap().label_codes();
        let code = |c: [u8; 3]| c.iter().fold(0, |code, v| (code << 8) | u32::from(*v));
        let over = |grey: u8, class: usize| mix([grey; 3], classes[class].colour, OPACITY);
        let inside = &found[8..16];
        assert_eq!(inside[1], code(over(0, 0)), "the first class on black");
        assert_eq!(inside[2], code(over(0, 1)), "the second class on black");
        assert_eq!(inside[3], code(mix([0; 3], ROUTES[0], QUIET)), "a quiet outline where no class is");
        assert_eq!(inside[4], code(ROUTES[2]), "a bright outline");
        assert_eq!(inside[6], code(over(255, 1)), "the second class on white");
    }
}
