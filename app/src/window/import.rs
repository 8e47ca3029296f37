//! How an open stack is read, as the user changes it before the stack is opened anew that way.

use super::state::Stack;
use super::text;
use paser_core::volume::{Axes, Crop, Opening, View, VolumeInfo, Voxel};
use std::path::PathBuf;

/// Names of the axes.
pub const AXES: [&str; 3] = ["Z", "Y", "X"];

/// A way to read a stack, unfinished.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// Its path.
    pub path: PathBuf,
    /// What the file says.
    pub file: VolumeInfo,
    /// How it is opened before that.
    pub opening: Opening,
    /// The file's axes that become Z, Y, X.
    pub axes: [usize; 3],
    /// Edges of a voxel along the file's Z, Y, X as typed; empty while unknown.
    pub voxel: [String; 3],
    /// Their unit.
    pub unit: String,
    /// Edge of the blocks of voxels that become one.
    pub bin: usize,
    /// Part that is kept, as in "11:20,:,101:"; empty: all.
    pub crop: String,
}

impl Import {
    /// As `stack` is read now.
    pub fn of(stack: &Stack) -> Self {
        let how = &stack.how.view;
        let (size, unit) = match &how.voxel {
            Some(voxel) => (Some(voxel.size), Some(voxel.unit.clone())),
            None => (stack.file.voxel_size, stack.file.unit.clone()),
        };
        Self {
            path: stack.path.clone(),
            file: stack.file.clone(),
            opening: stack.how.clone(),
            axes: how.axes.map_or([0, 1, 2], |a| a.0),
            voxel: size.map_or_else(Default::default, |s| s.map(text::length)),
            unit: unit.unwrap_or_else(|| "um".to_owned()),
            bin: how.bin.unwrap_or(1),
            crop: how.crop.as_ref().map_or_else(String::new, ToString::to_string),
        }
    }

    /// Exchanges two axes.
    pub fn swap(&mut self, a: usize, b: usize) {
        self.axes.swap(a, b);
    }

    /// Slices, rows and columns after the exchange of axes.
    pub fn shape(&self) -> [usize; 3] {
        let file = [self.file.slices, self.file.height, self.file.width];
        self.axes.map(|a| file[a])
    }

    /// What is asked for.
    ///
    /// # Errors
    /// A sentence where something typed is none of what it should be.
    pub fn view(&self) -> Result<View, String> {
        let crop = match self.crop.trim() {
            "" => None,
            text => Some(text.parse::<Crop>().map_err(|e| e.to_string())?),
        };
        Ok(View {
            axes: (self.axes != [0, 1, 2]).then_some(Axes(self.axes)),
            crop,
            bin: (self.bin > 1).then_some(self.bin),
            voxel: self.voxel()?,
        })
    }

    /// The voxel size, where it is not the one that the file states.
    fn voxel(&self) -> Result<Option<Voxel>, String> {
        if self.voxel.iter().all(|edge| edge.trim().is_empty()) {
            return Ok(None);
        }
        let wrong =
            "a voxel size is three lengths above 0 along Z, Y and X; leave all three empty while unknown";
        let edge = |i: usize| {
            let edge = self.voxel[i].trim().replace(',', ".").parse::<f64>();
            edge.ok().filter(|e| e.is_finite() && *e > 0.0).ok_or_else(|| wrong.to_owned())
        };
        let size = [edge(0)?, edge(1)?, edge(2)?];
        let unit = self.unit.trim().to_owned();
        if unit.is_empty() {
            return Err("the voxel size needs its unit, as in um or nm".to_owned());
        }
        let stated = self.file.unit.as_ref() == Some(&unit)
            && self.file.voxel_size.is_some_and(|s| s.map(text::length) == size.map(text::length));
        Ok((!stated).then_some(Voxel { size, unit }))
    }
}
