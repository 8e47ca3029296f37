//! Labels made by hand or by a simulation, beside which results are judged.

use paser_core::bundle::Manifest;
use paser_core::data::classes::ClassMap;
use paser_core::metrics::{Confusion, UNLABELLED};
use paser_core::volume::{Slice, Volume};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Values listed at most: a stack with more is no label stack.
pub const MOST_VALUES: usize = 64;

/// A label stack that was opened and waits for its class table.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its path.
    pub path: PathBuf,
    /// It.
    pub volume: Volume,
    /// Values that occur in the slices looked at, rising.
    pub values: Vec<u32>,
    /// A slice of it, to see what the table makes of it.
    pub codes: Arc<Vec<u32>>,
    /// Rows and columns.
    pub size: [usize; 2],
    /// The value of each class; none: the class does not occur.
    pub table: Vec<Option<u32>>,
}

/// A label stack with its class table.
#[derive(Debug)]
pub struct Truth {
    /// Its path.
    pub path: PathBuf,
    /// It.
    pub volume: Volume,
    /// Which value is which class.
    pub map: ClassMap,
    slices: BTreeMap<usize, Arc<Vec<u8>>>,
    budget: usize,
}

/// How a slice stands beside its truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Macro IoU; none where no pixel is labelled.
    pub iou: Option<f64>,
    /// IoU of each class.
    pub per_class: Vec<Option<f64>>,
    /// Share of the labelled pixels that are wrong.
    pub wrong: f64,
}

impl Score {
    /// Of `labels` beside `truth`.
    pub fn of(labels: &[u8], truth: &[u8], classes: usize) -> Self {
        let confusion = Confusion::of(labels, truth, classes);
        let labelled = truth.iter().filter(|t| **t != UNLABELLED).count().max(1);
        let wrong = labels.iter().zip(truth).filter(|(l, t)| **t != UNLABELLED && l != t).count();
        Self {
            iou: confusion.macro_iou(),
            per_class: confusion.iou_per_class(),
            wrong: wrong as f64 / labelled as f64,
        }
    }
}

impl Draft {
    /// Of a stack whose looked-at slices are `seen`; the table is a first guess for `classes` classes:
    /// 1, 2, ... as this program writes them, else the values as they rise.
    pub fn new(path: PathBuf, volume: Volume, seen: &[Slice], classes: usize) -> Self {
        let middle = &seen[seen.len() / 2];
        let values: BTreeSet<u32> = seen.iter().flat_map(Slice::label_codes).collect();
        let values: Vec<u32> = values.into_iter().filter(|v| *v != u32::MAX).take(MOST_VALUES).collect();
        let ours = values.iter().all(|v| *v as usize <= classes) && values.contains(&(classes as u32));
        let guess = |i: usize| if ours { Some(i as u32 + 1) } else { values.get(i).copied() };
        let table = (0..classes).map(|i| guess(i).filter(|v| values.contains(v))).collect();
        let size = [middle.height, middle.width];
        Self { path, volume, codes: Arc::new(middle.label_codes()), size, values, table }
    }

    /// The class of each pixel of the slice that was looked at.
    pub fn preview(&self) -> impl Iterator<Item = Option<usize>> {
        self.codes.iter().map(|code| self.table.iter().position(|v| *v == Some(*code)))
    }

    /// Why the table cannot be used, in words.
    pub fn obstacle(&self) -> Option<&'static str> {
        let named: Vec<u32> = self.table.iter().flatten().copied().collect();
        let distinct: BTreeSet<u32> = named.iter().copied().collect();
        match () {
            () if named.is_empty() => Some("Give at least one class its value"),
            () if distinct.len() < named.len() => Some("Two classes have the same value"),
            () => None,
        }
    }

    /// The class table in the bundle's order; classes without a value get one that cannot occur.
    pub fn map(&self, manifest: &Manifest) -> ClassMap {
        let absent = |i: usize| u32::MAX - 1 - i as u32;
        ClassMap {
            names: manifest.classes.iter().map(|c| c.name.clone()).collect(),
            values: self.table.iter().enumerate().map(|(i, v)| v.unwrap_or(absent(i))).collect(),
        }
    }
}

impl Truth {
    /// None of it read yet, with `budget` bytes for slices.
    pub fn new(path: PathBuf, volume: Volume, map: ClassMap, budget: usize) -> Self {
        Self { path, volume, map, slices: BTreeMap::new(), budget }
    }

    /// Classes of slice `z`, where they were read.
    pub fn slice(&self, z: usize) -> Option<&Arc<Vec<u8>>> {
        self.slices.get(&z)
    }

    /// Keeps a slice; those far from it make room.
    pub fn put(&mut self, z: usize, classes: Arc<Vec<u8>>) {
        self.slices.insert(z, classes);
        self.make_room(z);
    }

    /// Changes the bytes for slices; `shown` is the one that must stay.
    pub fn allow(&mut self, budget: usize, shown: usize) {
        self.budget = budget;
        self.make_room(shown);
    }

    fn make_room(&mut self, shown: usize) {
        let one = self.slices.values().next().map_or(1, |slice| slice.len().max(1));
        while self.slices.len() > (self.budget / one).max(1) {
            let farthest = self.slices.keys().copied().max_by_key(|k| k.abs_diff(shown));
            farthest.map(|k| self.slices.remove(&k));
        }
    }
}
