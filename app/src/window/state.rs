//! What the window shows: plain data, made and tested without a graphics device.

mod stack;

pub use stack::{Layer, Overlay, Stack};

use super::about::About;
use super::batch::Batch;
use super::comparison::Comparison;
use super::engine::{Live, Opened, Saved, Stage};
use super::history::History;
use super::import::Import;
use super::log::Log;
use super::memory::Memory;
use super::notice::Notices;
use super::project::{Project, Relink};
use super::question::Question;
use super::recovery::Left;
use super::results::Model;
use super::study::Studies;
use super::theme::Mode;
use super::training::{Form, Pairs, Training};
use super::truth::Draft;
use paser_core::device::Description;
use paser_core::event::Control;
use paser_core::export::report::Course;
use paser_core::export::results::Wanted;
use paser_core::noise::Noise;
use paser_core::route::{Method, Router, Speeds};
use serde::{Deserialize, Serialize};
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
    /// Why it is not the one that one would expect.
    pub device_note: Option<String>,
    /// How far it has been prepared, of how much, while a bundle is new to it.
    pub preparing: Option<(usize, usize)>,
    /// The program's own page.
    pub about: About,
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
    /// What a file leaves open, where the user is asked.
    pub question: Option<Box<Question>>,
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
    /// The paper's experiments.
    pub studies: Studies,
    /// Folders with results that were written.
    pub exports: Vec<PathBuf>,
    /// Pages of the reports that were written.
    pub reports: Vec<PathBuf>,
    /// What segmenting a stack writes.
    pub wanted: Wanted,
    /// Memory for the open stack.
    pub memory: Memory,
    /// Stacks to segment one after the other.
    pub batch: Batch,
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
    /// Many stacks, one after the other.
    Batch,
    /// Make a bundle.
    Train,
    /// Methods side by side.
    Compare,
    /// What there is to show for it.
    Report,
}

impl Workspace {
    /// All, with their names.
    pub const ALL: [(Self, &str); 5] = [
        (Self::Segment, "Segment"),
        (Self::Batch, "Batch"),
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
    /// Of `total` slices of `stack`, not yet begun.
    pub fn new(id: u64, stack: u64, control: Control, total: usize) -> Self {
        let (paused, paused_since) = (Duration::ZERO, None);
        Self { id, stack, control, total, done: 0, live: None, paused, paused_since, stopping: false }
    }

    /// How far the report is, where the run is at that.
    pub fn course(&self) -> Option<Course> {
        match self.live.as_ref()?.stage {
            Stage::Report(course) => Some(course),
            Stage::Range | Stage::Slices => None,
        }
    }

    /// Slices, steps or draws a second so far, pauses left out.
    pub fn rate(&self) -> Option<f64> {
        let live = self.live.as_ref().filter(|l| l.done > 0)?;
        let spent = live.last.duration_since(live.since).saturating_sub(self.paused).as_secs_f64();
        (spent > 0.0).then(|| live.done as f64 / spent)
    }

    /// Seconds left of what it is at.
    pub fn left(&self) -> Option<f64> {
        let (done, all) = self.course().map_or((self.done, self.total), |course| (course.done, course.all));
        self.rate().map(|rate| all.saturating_sub(done) as f64 / rate)
    }
}

impl State {
    /// At the start of the program.
    pub fn new(mode: Mode, sample: Option<PathBuf>) -> Self {
        Self { mode, sample, ..Self::default() }
    }

    /// Remembers what a run wrote.
    pub fn keep(&mut self, saved: &Saved) {
        self.exports.push(saved.folder.clone());
        self.reports.extend(saved.report.clone());
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
            () if self.batch.runs() => Some("A batch is in progress; stop it first"),
            () if self.run.is_some() => Some("A run is in progress; stop it first"),
            () if self.training.as_ref().is_some_and(Training::runs) => {
                Some("A training is in progress; stop it first")
            }
            () if self.studies.running.is_some() => Some("A study is in progress; stop it first"),
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
        self.stack = Some(Stack::of(id, opened, self.memory));
    }
}
