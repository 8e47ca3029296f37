//! The label volume that is measured: one byte a voxel, whatever the file stores.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::data::classes::ClassMap;
use crate::error::{Error, Result};
use crate::event::Control;
use crate::metrics::UNLABELLED;
use crate::volume::SliceReader;

/// Most phases; more different values mean that the file holds no labels.
const MAX_PHASES: usize = 100;

/// One phase of a label volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Name from the class table, or the value as text.
    pub name: String,
    /// Its value in the file; a colour as 0xRRGGBB.
    pub value: u32,
}

/// A label volume in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Slices, rows, columns.
    pub shape: [usize; 3],
    /// The phases in order.
    pub phases: Vec<Phase>,
    /// Phase of every voxel (its place in `phases`), [`UNLABELLED`] where none; ZYX order.
    pub voxels: Vec<u8>,
}

impl Labels {
    /// A volume from its voxels.
    ///
    /// # Errors
    /// Where their number does not fit `shape`.
    pub fn new(shape: [usize; 3], phases: Vec<Phase>, voxels: Vec<u8>) -> Result<Self> {
        if voxels.len() != shape.iter().product::<usize>() || voxels.is_empty() || phases.len() > MAX_PHASES {
            let [z, y, x] = shape;
            return Err(Error::invalid(format!(
                "{} voxels of {} phases are no label volume of {z} x {y} x {x}",
                voxels.len(),
                phases.len()
            )));
        }
        Ok(Self { shape, phases, voxels })
    }

    /// Reads a label stack; without `classes` every value present is a phase, 0 too.
    ///
    /// # Errors
    /// Where a slice cannot be read, no named value occurs, or there are too many values for labels.
    pub fn read(volume: &dyn SliceReader, classes: Option<&ClassMap>, control: &Control) -> Result<Self> {
        let info = volume.info();
        let shape = [info.slices, info.height, info.width];
        let mut reader = Reader::new(classes);
        let mut voxels = Vec::new();
        for z in 0..info.slices {
            control.check()?;
            reader.append(&volume.read(z)?.label_codes(), &mut voxels)?;
        }
        let (phases, order) = reader.phases(classes);
        if let Some(order) = order {
            voxels
                .par_iter_mut()
                .for_each(|v| *v = order.get(usize::from(*v)).copied().unwrap_or(UNLABELLED));
        }
        if voxels.par_iter().all(|v| *v == UNLABELLED) {
            return Err(Error::invalid(
                "none of the values of the classes occurs in the label stack; check --classes against its values",
            ));
        }
        Self::new(shape, phases, voxels)
    }

    /// Voxels of each phase.
    pub fn counts(&self) -> Vec<u64> {
        let count = |plane: &[u8]| {
            let mut counts = [0_u64; 256];
            plane.iter().for_each(|v| counts[usize::from(*v)] += 1);
            counts
        };
        let add = |mut a: [u64; 256], b: [u64; 256]| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        let all = self.voxels.par_chunks(1 << 20).map(count).reduce(|| [0; 256], add);
        all[..self.phases.len()].to_vec()
    }

    /// Voxels of a slice.
    pub fn plane(&self) -> usize {
        self.shape[1] * self.shape[2]
    }
}

/// Gives values their phases while slices arrive.
struct Reader {
    known: BTreeMap<u32, u8>,
    open: bool,
}

impl Reader {
    fn new(classes: Option<&ClassMap>) -> Self {
        let named = classes.iter().flat_map(|map| map.values.iter().copied().zip(0_u8..));
        Self { known: named.collect(), open: classes.is_none() }
    }

    fn append(&mut self, codes: &[u32], voxels: &mut Vec<u8>) -> Result<()> {
        voxels.reserve(codes.len());
        let mut last = (u32::MAX, UNLABELLED); // what is no whole number has no phase
        for code in codes {
            if *code != last.0 {
                last = (*code, self.phase(*code)?);
            }
            voxels.push(last.1);
        }
        Ok(())
    }

    fn phase(&mut self, code: u32) -> Result<u8> {
        if let Some(phase) = self.known.get(&code) {
            return Ok(*phase);
        }
        if !self.open || code == u32::MAX {
            return Ok(UNLABELLED);
        }
        let next = self.known.len();
        if next == MAX_PHASES {
            return Err(Error::invalid(format!(
                "the stack holds more than {MAX_PHASES} different values, so it is no label stack; segment it first, \
                 or name its classes with --classes"
            )));
        }
        self.known.insert(code, next as u8);
        Ok(next as u8)
    }

    /// The phases, and where the order of arrival is not theirs, the new place of each.
    fn phases(self, classes: Option<&ClassMap>) -> (Vec<Phase>, Option<Vec<u8>>) {
        if let Some(map) = classes {
            let pairs = map.names.iter().zip(&map.values);
            return (pairs.map(|(name, value)| Phase { name: name.clone(), value: *value }).collect(), None);
        }
        let mut order = vec![0; self.known.len()];
        let phases = self.known.iter().enumerate().map(|(place, (value, arrived))| {
            order[usize::from(*arrived)] = place as u8;
            Phase { name: value.to_string(), value: *value }
        });
        (phases.collect(), Some(order))
    }
}
