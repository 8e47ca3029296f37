//! The open stack and what lies over its slices.

use crate::window::canvas::view::View;
use crate::window::engine::Opened;
use crate::window::grey::{Cache, Window};
use crate::window::memory::Memory;
use crate::window::overview::Overview;
use crate::window::results::{Kept, Results, Summary};
use crate::window::text;
use crate::window::trial::Trial;
use crate::window::truth::Truth;
use paser_core::export::overlay::OPACITY;
use paser_core::route::live::Audit;
use paser_core::volume::{Offer, Opening, Volume, VolumeInfo};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// An open stack.
#[derive(Debug)]
pub struct Stack {
    /// Tells stacks apart.
    pub id: u64,
    /// Its path.
    pub path: PathBuf,
    /// Its headers as it is read.
    pub info: VolumeInfo,
    /// Its headers as the file states them.
    pub file: VolumeInfo,
    /// How it is read.
    pub how: Opening,
    /// What else there is to choose in its file.
    pub offer: Option<Offer>,
    /// It.
    pub volume: Volume,
    /// The slice on show.
    pub z: usize,
    /// Memory that it may take.
    pub memory: Memory,
    /// Slices in memory.
    pub slices: Cache,
    /// Slices that could not be read.
    pub unreadable: BTreeSet<usize>,
    /// Ends of the histogram.
    pub ends: [f32; 2],
    /// Black and white point.
    pub window: Window,
    /// Black and white point as found at opening.
    pub auto_window: Window,
    /// Zoom and place.
    pub view: View,
    /// The patch that was clicked.
    pub selected: Option<usize>,
    /// What every net says of the selected patch.
    pub audit: Option<Audit>,
    /// What was segmented.
    pub results: Results,
    /// Column and row where the cuts beside the slice go through it.
    pub cross: [usize; 2],
    /// The whole stack, thinned, where the cuts are shown.
    pub overview: Option<Arc<Overview>>,
    /// A second result.
    pub trial: Option<Trial>,
    /// Labels to judge by.
    pub truth: Option<Truth>,
}

/// What lies over the grey slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layer {
    /// Nothing.
    Grey,
    /// Classes.
    Labels,
    /// f0's entropy.
    Entropy,
    /// Where labels and truth differ.
    Error,
    /// f0's probability of a class.
    Probability(usize),
}

/// How overlays are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlay {
    /// What lies over the slice.
    pub layer: Layer,
    /// How opaque it is, 0 to 1.
    pub opacity: f32,
    /// Whether patches are outlined by their net.
    pub routing: bool,
    /// Whether a second result stands beside the first, rather than behind the divider.
    pub split: bool,
    /// Where the layer begins, 0 the left and 1 the right border of the slice; none: all of it.
    pub swipe: Option<f32>,
}

impl Default for Overlay {
    fn default() -> Self {
        Self { layer: Layer::Labels, opacity: OPACITY, routing: true, split: true, swipe: Some(0.5) }
    }
}

impl Stack {
    /// A stack as it was opened.
    pub fn of(id: u64, opened: Opened, memory: Memory) -> Self {
        let mut slices = Cache::within(memory.slices());
        slices.put(opened.z, opened.first, opened.z);
        Self {
            id,
            memory,
            path: opened.path,
            z: opened.z,
            slices,
            unreadable: BTreeSet::new(),
            ends: opened.ends,
            window: opened.window,
            auto_window: opened.window,
            view: View::default(),
            selected: None,
            audit: None,
            cross: [opened.info.width / 2, opened.info.height / 2],
            overview: None,
            trial: None,
            truth: None,
            results: Results::within(opened.info.slices, memory.results()),
            info: opened.info,
            file: opened.file,
            how: opened.how,
            offer: opened.offer,
            volume: opened.volume,
        }
    }

    /// Changes the memory that it may take; what is farthest from the slice on show, or oldest, makes room.
    pub fn allow(&mut self, memory: Memory) {
        self.memory = memory;
        self.slices.allow(memory.slices(), self.z);
        self.results.allow(memory.results());
        if let Some(truth) = &mut self.truth {
            truth.allow(memory.truth(), self.z);
        }
    }

    /// Name for people.
    pub fn name(&self) -> String {
        text::name(&self.path)
    }

    /// Rows and columns of a slice.
    pub fn size(&self) -> [usize; 2] {
        [self.info.height, self.info.width]
    }

    /// Labels and routes of the slice on show.
    pub fn kept(&self) -> Option<&Arc<Kept>> {
        self.results.kept(self.z)
    }

    /// The second result of the slice on show.
    pub fn trial(&self) -> Option<&Trial> {
        self.trial.as_ref().filter(|t| t.z == self.z && self.kept().is_some())
    }

    /// The truth of the slice on show.
    pub fn true_classes(&self) -> Option<&Arc<Vec<u8>>> {
        self.truth.as_ref()?.slice(self.z)
    }

    /// Figures of the slice on show.
    pub fn summary(&self) -> Option<&Summary> {
        self.results.summary(self.z)
    }

    /// Edge of a pixel along X, and its unit.
    pub fn pixel(&self) -> Option<(f64, &str)> {
        let size = self.info.voxel_size?;
        let unit = self.info.unit.as_deref()?;
        Some((size[2], text::unit(unit)))
    }
}
