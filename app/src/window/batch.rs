//! Stacks that are segmented one after the other, with the same settings.

use super::engine::Saved;
use super::state::Run;
use paser_core::export::results::Wanted;
use paser_core::volume::VolumeInfo;
use std::path::PathBuf;
use std::time::Instant;

/// The table of stacks.
#[derive(Debug, Default)]
pub struct Batch {
    /// In the order in which they are segmented.
    pub rows: Vec<Row>,
    /// What it was started with, while it runs.
    pub settings: Option<Settings>,
}

/// What every stack of a batch is segmented with.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Weight of the cost.
    pub lambda: f64,
    /// What is written.
    pub wanted: Wanted,
}

/// One stack.
#[derive(Debug)]
pub struct Row {
    /// Tells rows and stacks apart.
    pub id: u64,
    /// Its path.
    pub path: PathBuf,
    /// Its headers, once read.
    pub info: Option<VolumeInfo>,
    /// What became of it.
    pub state: RowState,
}

/// How far a stack of the batch is.
#[derive(Debug)]
pub enum RowState {
    /// Its headers are being read.
    Looking,
    /// It will be segmented.
    Waiting,
    /// It is being opened to be segmented.
    Opening,
    /// It is being segmented since then.
    Running(Instant),
    /// Its results are there.
    Done {
        /// What was written.
        saved: Saved,
        /// Wall seconds that it took.
        seconds: f64,
    },
    /// It could not be segmented, and why.
    Failed(String),
    /// The user passed it over.
    Skipped,
}

impl Row {
    /// One whose headers are to be read.
    pub fn new(id: u64, path: PathBuf) -> Self {
        Self { id, path, info: None, state: RowState::Looking }
    }

    /// What it left on the disk.
    pub fn saved(&self) -> Option<&Saved> {
        match &self.state {
            RowState::Done { saved, .. } => Some(saved),
            _ => None,
        }
    }

    /// Whether work on it is under way.
    pub fn works(&self) -> bool {
        matches!(self.state, RowState::Opening | RowState::Running(_))
    }

    /// Whether it is still to be segmented.
    pub fn waits(&self) -> bool {
        matches!(self.state, RowState::Looking | RowState::Waiting)
    }
}

impl Batch {
    /// Whether it is at work.
    pub fn runs(&self) -> bool {
        self.settings.is_some()
    }

    /// The row of a number.
    pub fn row(&mut self, id: u64) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.id == id)
    }

    /// Stacks that are done, that failed, and that are still to come or at work.
    pub fn counts(&self) -> [usize; 3] {
        let count = |of: fn(&Row) -> bool| self.rows.iter().filter(|row| of(row)).count();
        [
            count(|row| matches!(row.state, RowState::Done { .. })),
            count(|row| matches!(row.state, RowState::Failed(_))),
            count(|row| row.waits() || row.works()),
        ]
    }

    /// Seconds until all is done at the speed of the stack at work.
    pub fn left(&self, run: &Run) -> Option<f64> {
        let slices = |row: &Row| row.info.as_ref().map_or(0, |info| info.slices);
        let waiting: usize = self.rows.iter().filter(|row| row.waits()).map(slices).sum();
        Some(run.left()? + waiting as f64 / run.rate()?)
    }
}
