//! What the window shows: plain data, made and tested without a graphics device.

use super::canvas::view::View;
use super::comparison::Comparison;
use super::engine::{Live, Opened};
use super::grey::{Cache, Window};
use super::history::History;
use super::import::Import;
use super::log::Log;
use super::notice::Notices;
use super::overview::Overview;
use super::project::{Project, Relink};
use super::recovery::Left;
use super::results::{Kept, Model, Results, Summary};
use super::text;
use super::theme::Mode;
use super::training::{Form, Pairs, Training};
use super::trial::Trial;
use super::truth::{Draft, Truth};
use paser_core::device::Description;
use paser_core::event::Control;
use paser_core::noise::Noise;
use paser_core::route::live::Audit;
use paser_core::route::{Method, Router, Speeds};
use paser_core::volume::{self, Volume, VolumeInfo};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Everything.
#[derive(Debug, Default)]
pub struct State {
    /// Dark or light.
    pub mode: Mode,
    /// The device that computes, once known.
    pub device: Option<Description>,
    /// Slices a second of the last run.
    pub speed: Option<f64>,
    /// The bundle.
    pub model: Loading<Arc<Model>>,
    /// Weight of the cost in force.
    pub lambda: f64,
    /// What the user budgets, and how much of it.
    pub dial: Dial,
    /// How long the parts of the bundle take here.
    pub speeds: Option<Speeds>,
    /// The look in progress.
    pub look: Option<Pending>,
    /// How the last look went.
    pub looked: Option<Looked>,
    /// Laid over the slice on show to see how its result stands it.
    pub noise: Noise,
    /// How the open stack is to be read anew, where the user is asked.
    pub import: Option<Box<Import>>,
    /// The project's file.
    pub project: Option<PathBuf>,
    /// A project that is being opened.
    pub resume: Option<Box<Project>>,
    /// A project whose links are not all found.
    pub relink: Option<Relink>,
    /// What a program that was killed left behind.
    pub recovered: Option<Left>,
    /// A file of the program's log on show.
    pub log: Option<Log>,
    /// Folder of the bundle in force, or being loaded.
    pub bundle: Option<PathBuf>,
    /// What is typed in the palette, where it is open.
    pub palette: Option<String>,
    /// Whether the user wants to close the window during work.
    pub closing: bool,
    /// What can be undone.
    pub history: History,
    /// Stacks that were opened, the newest first.
    pub recent: Vec<PathBuf>,
    /// The workspace on show.
    pub workspace: Workspace,
    /// What to train or compare on.
    pub form: Form,
    /// The pairs that the form names.
    pub pairs: Option<Result<Pairs, String>>,
    /// The preview that was asked for last.
    pub previewing: Option<u64>,
    /// The training, running or over.
    pub training: Option<Training>,
    /// Methods side by side.
    pub comparison: Comparison,
    /// Folders with results that were written.
    pub exports: Vec<PathBuf>,
    /// The method that routes the slice on show.
    pub method: Method,
    /// The policy that decides, where a row of the comparison names another than the bundle would.
    pub router: Option<Router>,
    /// A label stack that waits for its class table.
    pub truth_draft: Option<Draft>,
    /// The open stack.
    pub stack: Option<Stack>,
    /// The stack being opened.
    pub opening: Option<PathBuf>,
    /// The run in progress.
    pub run: Option<Run>,
    /// What is drawn over the slice.
    pub overlay: Overlay,
    /// What went wrong or well.
    pub notices: Notices,
    /// Whether the shortcuts are on show.
    pub sheet: bool,
    /// The field for a path, where it is open.
    pub path_field: Option<String>,
    /// The bundled sample.
    pub sample: Option<PathBuf>,
    /// Segment the first slice as soon as stack and bundle are ready.
    pub eager: bool,
    /// Counts runs and stacks.
    pub counter: u64,
}

/// The workspaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Workspace {
    /// Look, route, segment.
    #[default]
    Segment,
    /// Make a bundle.
    Train,
    /// Methods side by side.
    Compare,
    /// What there is to show for it.
    Report,
}

impl Workspace {
    /// All, with their names.
    pub const ALL: [(Self, &str); 4] = [
        (Self::Segment, "Segment"),
        (Self::Train, "Train"),
        (Self::Compare, "Compare"),
        (Self::Report, "Report"),
    ];
}

/// What the user budgets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Dial {
    /// λ itself.
    #[default]
    Lambda,
    /// At most these seconds a slice.
    Seconds(f64),
    /// At most these operations a slice.
    Flops(f64),
    /// At least this IoU.
    Iou(f64),
}

/// A look in progress.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Its number.
    pub id: u64,
    /// Stops it.
    pub control: Control,
}

/// How a look went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Looked {
    /// Wall seconds.
    pub seconds: f64,
    /// Patches computed for it.
    pub computed: usize,
}

/// Something that takes a while to load and may fail.
#[derive(Clone, Debug, Default)]
pub enum Loading<T> {
    /// Not yet there.
    #[default]
    Waiting,
    /// There.
    Ready(T),
    /// It will not come.
    Failed,
}

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
    pub how: volume::View,
    /// It.
    pub volume: Volume,
    /// The slice on show.
    pub z: usize,
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
        Self { layer: Layer::Labels, opacity: 0.55, routing: true, split: true, swipe: Some(0.5) }
    }
}

/// A run in progress.
#[derive(Debug)]
pub struct Run {
    /// Tells runs apart.
    pub id: u64,
    /// The stack it belongs to.
    pub stack: u64,
    /// Pauses and stops it.
    pub control: Control,
    /// Slices in all.
    pub total: usize,
    /// Slices that have come back.
    pub done: usize,
    /// The newest figures.
    pub live: Option<Live>,
    /// Time spent paused before now.
    pub paused: Duration,
    /// When it was paused, where it is.
    pub paused_since: Option<Instant>,
    /// Whether it was asked to stop.
    pub stopping: bool,
}

impl Run {
    /// Slices a second so far, pauses left out.
    pub fn rate(&self) -> Option<f64> {
        let live = self.live.as_ref().filter(|l| l.done > 0)?;
        let spent = live.last.duration_since(live.since).saturating_sub(self.paused).as_secs_f64();
        (spent > 0.0).then(|| live.done as f64 / spent)
    }

    /// Seconds left.
    pub fn left(&self) -> Option<f64> {
        self.rate().map(|rate| self.total.saturating_sub(self.done) as f64 / rate)
    }
}

impl State {
    /// At the start of the program.
    pub fn new(mode: Mode, sample: Option<PathBuf>) -> Self {
        Self { mode, sample, ..Self::default() }
    }

    /// The bundle, where it is ready.
    pub fn model(&self) -> Option<&Arc<Model>> {
        match &self.model {
            Loading::Ready(model) => Some(model),
            _ => None,
        }
    }

    /// A number not given before.
    pub fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// What the compute thread is at, where it can take no other long work.
    pub fn busy(&self) -> Option<&'static str> {
        match () {
            () if self.run.is_some() => Some("A run is in progress; stop it first"),
            () if self.training.as_ref().is_some_and(Training::runs) => {
                Some("A training is in progress; stop it first")
            }
            () if self.comparison.working.is_some() => Some("A comparison is in progress; wait for its end"),
            () => None,
        }
    }

    /// Why nothing can be segmented now, in words for a tooltip.
    pub fn obstacle(&self) -> Option<&'static str> {
        match (&self.stack, &self.model, &self.run) {
            (None, ..) => Some("Open a stack first"),
            (_, Loading::Waiting, _) => Some("The device is being prepared"),
            (_, Loading::Failed, _) => Some("No model bundle is loaded; choose one"),
            (.., Some(_)) => Some("A run is in progress"),
            _ if self.busy().is_some() => self.busy(),
            _ => None,
        }
    }

    /// The same for one slice, which longer work makes room for.
    pub fn slice_obstacle(&self) -> Option<&'static str> {
        match (&self.stack, &self.model) {
            (Some(_), Loading::Ready(_)) => None,
            _ => self.obstacle(),
        }
    }

    /// Puts an opened stack in place of the old one.
    pub fn take_stack(&mut self, opened: Opened) {
        let id = self.count();
        self.noise = Noise::None;
        self.truth_draft = None;
        let mut slices = Cache::default();
        slices.put(opened.z, opened.first, opened.z);
        self.stack = Some(Stack {
            id,
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
            results: Results::new(opened.info.slices),
            info: opened.info,
            file: opened.file,
            how: opened.how,
            volume: opened.volume,
        });
    }
}

impl Stack {
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
