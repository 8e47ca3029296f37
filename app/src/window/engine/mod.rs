//! Work that must not hold the window: one thread computes, one reads slices for display.
//!
//! Jobs go in over bounded channels; what must arrive comes back as [`Event`]s over one, progress
//! figures through a slot that only keeps the newest. The compute thread owns every tensor, as the
//! graphics streams that hold them belong to a thread.

mod compute;
mod looks;
mod output;
mod reader;
mod train;

pub use train::{Compare, Labelled, Train};

use super::about::Licences;
use super::comparison::Comparison;
use super::grey::{Grey, Window};
use super::overview::Overview;
use super::project::{Item, Project, Relink};
use super::results::{Kept, Model, Summary};
use super::training::Pairs;
use super::truth::Draft;
use paser_core::data::classes::ClassMap;
use paser_core::device::{Description, Wish};
use paser_core::event::{Control, Progress};
use paser_core::noise::Noise;
use paser_core::route::live::Audit;
use paser_core::route::{Method, Router, Speeds};
use paser_core::volume::{View, Volume, VolumeInfo};
use poll_promise::Promise;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// Events that may wait for the window before the work does.
const WAITING: usize = 32;
/// How long closing the window waits for the batch in progress; preparing a card may take minutes.
const PATIENCE: Duration = Duration::from_secs(4);

/// The graphics device of the window, for sharing.
#[derive(Clone, Debug)]
pub struct Handles {
    /// Instance.
    pub instance: wgpu::Instance,
    /// Adapter.
    pub adapter: wgpu::Adapter,
    /// Device.
    pub device: wgpu::Device,
    /// Queue.
    pub queue: wgpu::Queue,
}

/// Where to compute.
pub enum Source {
    /// On the window's own device.
    Shared(Box<Handles>),
    /// On the device of the user's choice, or the CPU.
    Own(Wish),
}

/// For the compute thread.
#[derive(Debug)]
pub enum Job {
    /// Load the bundle in a folder.
    Load(PathBuf),
    /// Segment slices.
    Segment(Box<Segment>),
    /// Train a bundle.
    Train(Box<Train>),
    /// Compare all methods.
    Compare(Box<Compare>),
    /// Look at a slice again; of several only the newest is served.
    Look(Box<Look>),
}

/// A slice to route anew, or to look into.
#[derive(Clone, Debug)]
pub struct Look {
    /// Tells looks apart, rising.
    pub id: u64,
    /// Tells stacks apart.
    pub stack: u64,
    /// The stack.
    pub volume: Volume,
    /// The slice.
    pub z: usize,
    /// Weight of the cost.
    pub lambda: f64,
    /// How patches are sent to nets.
    pub method: Method,
    /// The policy that decides, where it is not the bundle's choice.
    pub router: Option<Router>,
    /// Looked into: what every net says of the patch that holds this pixel [x, y].
    pub patch: Option<[usize; 2]>,
    /// Routed once more with this laid over it.
    pub noise: Noise,
    /// Stops it where a newer one has come.
    pub control: Control,
}

/// What a look found.
#[derive(Debug)]
pub struct Seen {
    /// The slice routed.
    pub routed: Routed,
    /// The patch through the eyes of every net.
    pub audit: Option<Audit>,
    /// The slice with noise routed.
    pub noisy: Option<Routed>,
}

/// A slice routed by a look.
#[derive(Debug)]
pub struct Routed {
    /// Labels and routes.
    pub kept: Kept,
    /// Figures.
    pub summary: Summary,
    /// Wall seconds from request to result.
    pub seconds: f64,
    /// Patches that had to be computed for it.
    pub computed: usize,
    /// The slice as the nets read it, where noise was laid over it.
    pub grey: Option<Arc<Grey>>,
}

/// Slices to segment.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Tells runs apart.
    pub run: u64,
    /// Tells stacks apart.
    pub stack: u64,
    /// The stack.
    pub volume: Volume,
    /// First slice and the one after the last.
    pub slices: Range<usize>,
    /// Weight of the cost.
    pub lambda: f64,
    /// How it is read.
    pub view: View,
    /// The stack's path, where results are to be written beside it.
    pub beside: Option<PathBuf>,
    /// Pauses and stops.
    pub control: Control,
}

/// For the reader thread.
#[derive(Debug)]
pub enum Read {
    /// Open a stack, seen in a certain way.
    Open(PathBuf, View),
    /// Write a project.
    SaveProject {
        /// Its file.
        path: PathBuf,
        /// It.
        project: Box<Project>,
    },
    /// Read a project and look for what it names.
    Project(PathBuf),
    /// Read the licences of everything in the program.
    Licences(PathBuf),
    /// Write what is kept for a restart.
    Keep(PathBuf, String),
    /// Read a slice for display, then those that may be wanted next.
    Slice {
        /// Tells stacks apart.
        stack: u64,
        /// The stack.
        volume: Volume,
        /// Wanted now.
        z: usize,
        /// Wanted perhaps.
        ahead: Vec<usize>,
    },
    /// Read the whole stack, thinned, for as long as somebody wants it.
    Overview {
        /// Where to.
        overview: Weak<Overview>,
        /// The stack.
        volume: Volume,
    },
    /// Look at what a training would read.
    Pairs {
        /// What it is.
        data: Labelled,
        /// Tells previews apart.
        version: u64,
    },
    /// Open a label stack.
    Truth {
        /// The stack it belongs to.
        stack: u64,
        /// Its path.
        path: PathBuf,
        /// What it must match.
        like: VolumeInfo,
        /// Number of classes.
        classes: usize,
        /// Its class table, where that is known.
        map: Option<ClassMap>,
    },
    /// Read a slice of truth.
    TruthSlice {
        /// The stack it belongs to.
        stack: u64,
        /// The label stack.
        volume: Volume,
        /// Its class table.
        map: ClassMap,
        /// The slice.
        z: usize,
    },
}

/// What a dialog asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// A stack in one file.
    File,
    /// A folder of slices.
    Folder,
    /// A model bundle's folder.
    Bundle,
    /// A label stack in one file.
    Truth,
    /// A label stack as a folder of slices.
    TruthFolder,
    /// The folder of images to train or compare on.
    Images,
    /// The folder of their labels.
    Labels,
    /// A project to open.
    Project,
    /// Where to write the project.
    SaveProject,
    /// What a project no longer finds.
    Relink(Item),
}

/// An opened stack.
#[derive(Debug)]
pub struct Opened {
    /// Its path.
    pub path: PathBuf,
    /// It.
    pub volume: Volume,
    /// Its headers as it is read.
    pub info: VolumeInfo,
    /// Its headers as the file states them.
    pub file: VolumeInfo,
    /// How it is read.
    pub how: View,
    /// The slice shown first.
    pub z: usize,
    /// That slice.
    pub first: Arc<Grey>,
    /// Ends of the histogram.
    pub ends: [f32; 2],
    /// Black and white point to begin with.
    pub window: Window,
}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// All slices are done: the folder that holds the files, where any were written, and what is missing there.
    Done(Option<PathBuf>, Option<String>),
    /// The user stopped it.
    Stopped,
    /// It failed, and why.
    Failed(String),
}

/// What the threads have to say.
#[derive(Debug)]
pub enum Event {
    /// The device that computes, and a sentence where it is not the one expected.
    Device(Description, Option<String>),
    /// The bundle is ready, or why it is not.
    Model(Result<Box<Model>, String>),
    /// A project was written, or not.
    Saved(Result<PathBuf, String>),
    /// A project was read, or not.
    Project(Result<Box<Relink>, String>),
    /// A stack was opened, or not.
    Opened(Result<Box<Opened>, String>),
    /// A slice was read, or not.
    Slice(u64, usize, Result<Arc<Grey>, String>),
    /// A label stack was opened, or not.
    TruthOpened(u64, Result<Box<Draft>, String>, Option<ClassMap>),
    /// A slice of truth was read, or not.
    TruthSlice(u64, usize, Result<Arc<Vec<u8>>, String>),
    /// A slice of a run was segmented.
    Segmented(u64, usize, Box<(Kept, Summary)>),
    /// A look is over: what it found, why it failed, or neither where it was stopped.
    Looked(Box<Look>, Result<Option<Box<Seen>>, String>),
    /// What a training would read, or why it could not.
    Pairs(u64, Result<Box<Pairs>, String>),
    /// How a training goes.
    Progress(u64, Progress),
    /// A training is over: where its bundle is, none where it was stopped, or why it failed.
    Trained(u64, Result<Option<PathBuf>, String>),
    /// What a comparison is at: its images or methods, how many are done, and how many there are.
    Comparing(String, usize, usize),
    /// A comparison is over.
    Compared(Result<Box<Comparison>, String>),
    /// The device is being prepared for the bundle, once: how far, of how much.
    Preparing(usize, usize),
    /// The licences of everything in the program.
    Licences(Result<Box<Licences>, String>),
    /// How long the parts of the bundle take here.
    Speeds(Speeds),
    /// A run ended.
    Finished(u64, Outcome),
    /// A dialog was closed; whether so quickly that it cannot have been seen.
    Picked(Pick, Option<PathBuf>, bool),
}

/// What a run is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Sampling the stack for its range of grey values.
    Range,
    /// Segmenting.
    Slices,
    /// Measuring the labels for the report.
    Report,
}

/// Figures of a run, the newest only.
#[derive(Clone, Debug)]
pub struct Live {
    /// The run.
    pub run: u64,
    /// What it is at.
    pub stage: Stage,
    /// Slices done.
    pub done: usize,
    /// When the first was begun.
    pub since: Instant,
    /// When the last was done.
    pub last: Instant,
}

/// The look that is wanted: of several only the newest, and one job in the queue for it.
#[derive(Default)]
pub(super) struct Wanted {
    newest: Mutex<Option<Look>>,
    queued: AtomicBool,
}

/// The way back to the window.
#[derive(Clone)]
pub(super) struct Outbox {
    events: SyncSender<Event>,
    live: Arc<Mutex<Option<Live>>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

/// The two threads, seen from the window.
pub struct Engine {
    looks: Arc<Wanted>,
    compute: Option<SyncSender<Job>>,
    reader: Option<Sender<Read>>,
    events: Option<Receiver<Event>>,
    out: Outbox,
    running: Control,
    dialog: Option<Promise<Event>>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts both threads; `wake` asks the window to look at its events.
    ///
    /// # Errors
    /// Where the system gives no threads.
    pub fn start(source: Source, wake: Arc<dyn Fn() + Send + Sync>) -> Result<Self, String> {
        let (events_in, events) = sync_channel(WAITING);
        let (compute, jobs) = sync_channel(8);
        let (reader, reads) = channel();
        let out = Outbox { events: events_in, live: Arc::default(), wake };
        let failed = |e: std::io::Error| {
            format!("the system gives no thread to compute on ({e}); close other programs")
        };
        let (a, b) = (out.clone(), out.clone());
        let looks: Arc<Wanted> = Arc::default();
        let wanted = looks.clone();
        let thread = Builder::new()
            .name("paser-compute".to_owned())
            .spawn(move || compute::work(source, &jobs, &wanted, &a))
            .map_err(failed)?;
        Builder::new()
            .name("paser-reader".to_owned())
            .spawn(move || reader::work(&reads, &b))
            .map_err(failed)?;
        let (compute, reader, events) = (Some(compute), Some(reader), Some(events));
        Ok(Self {
            looks,
            compute,
            reader,
            events,
            out,
            running: Control::default(),
            dialog: None,
            thread: Some(thread),
        })
    }

    /// Hands a job to the compute thread, unless too many wait already.
    pub fn compute(&mut self, job: Job) -> bool {
        match &job {
            Job::Segment(segment) => self.running = segment.control.clone(),
            Job::Look(look) => {
                let mut newest = self.looks.newest.lock().unwrap_or_else(PoisonError::into_inner);
                *newest = Some((**look).clone());
                if self.looks.queued.swap(true, Ordering::SeqCst) {
                    return true; // a job for the newest look waits already
                }
            }
            Job::Train(job) => self.running = job.control.clone(),
            Job::Compare(job) => self.running = job.control.clone(),
            Job::Load(_) => {}
        }
        self.compute.as_ref().is_some_and(|jobs| jobs.try_send(job).is_ok())
    }

    /// Hands a wish to the reader thread, which skips what is no longer wanted.
    pub fn read(&self, read: Read) {
        if let Some(reader) = &self.reader
            && reader.send(read).is_err()
        {
            tracing::error!("the reader thread has ended");
        }
    }

    /// Shows a dialog on a thread of its own.
    pub fn pick(&mut self, pick: Pick) {
        self.dialog = Some(Promise::spawn_thread("paser-dialog", move || super::dialog::ask(pick)));
    }

    /// Whether a dialog is open: its answer wakes nobody and must be looked for.
    pub fn asking(&self) -> bool {
        self.dialog.is_some()
    }

    /// The next event, if there is one.
    pub fn event(&mut self) -> Option<Event> {
        match self.dialog.take().map(Promise::try_take) {
            Some(Ok(picked)) => return Some(picked),
            Some(Err(open)) => self.dialog = Some(open),
            None => {}
        }
        self.events.as_ref().and_then(|events| events.try_recv().ok())
    }

    /// The newest figures, once.
    pub fn live(&self) -> Option<Live> {
        self.out.live.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A half-written file vanishes only when the compute thread itself drops its writer.
        self.running.stop();
        self.events = None;
        self.reader = None;
        self.compute = None;
        let deadline = Instant::now() + PATIENCE;
        while self.thread.as_ref().is_some_and(|t| !t.is_finished()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Outbox {
    /// Sends an event; false once the window is gone.
    pub fn send(&self, event: Event) -> bool {
        let sent = self.events.send(event).is_ok();
        (self.wake)();
        sent
    }

    fn show(&self, live: Live) {
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) = Some(live);
        (self.wake)();
    }
}
