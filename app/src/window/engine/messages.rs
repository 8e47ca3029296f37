//! What the window and its threads tell each other.

use super::{Compare, Labelled, RunStudy, Train, Written};
use crate::window::about::Licences;
use crate::window::comparison::Comparison;
use crate::window::grey::{Grey, Window};
use crate::window::overview::Overview;
use crate::window::project::{Item, Project, Relink};
use crate::window::question::Question;
use crate::window::results::{Kept, Model, Summary};
use crate::window::study::Printed;
use crate::window::training::Pairs;
use crate::window::truth::Draft;
use paser_core::data::classes::ClassMap;
use paser_core::device::Description;
use paser_core::event::{Control, Progress};
use paser_core::export::report::Course;
use paser_core::export::results::Wanted;
use paser_core::noise::Noise;
use paser_core::route::live::Audit;
use paser_core::route::{Method, Router, Speeds};
use paser_core::volume::{Offer, Opening, Volume, VolumeInfo};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Instant;

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
    /// Run one of the paper's experiments.
    Study(Box<RunStudy>),
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
    pub opened: Opening,
    /// The stack's path, where results are to be written beside it.
    pub beside: Option<PathBuf>,
    /// What is written there.
    pub wanted: Wanted,
    /// Pauses and stops.
    pub control: Control,
}

/// For the reader thread.
#[derive(Debug)]
pub enum Read {
    /// Open a stack, seen in a certain way.
    Open(PathBuf, Box<Opening>),
    /// Open a stack of the batch, or find several in a folder.
    Row(u64, PathBuf),
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
    /// Write a study's page into a folder.
    SavePage {
        /// It.
        page: Arc<Printed>,
        /// The folder.
        folder: PathBuf,
        /// Whether files that are there already are replaced.
        replace: bool,
    },
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
    /// Stacks for the batch, as files.
    Stacks,
    /// Stacks for the batch, as folders.
    StackFolders,
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
    /// The folder that a study reads.
    StudyData,
    /// The folder for a study's page.
    StudyOut,
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
    pub how: Opening,
    /// What else there is to choose in its file.
    pub offer: Option<Offer>,
    /// The slice shown first.
    pub z: usize,
    /// That slice.
    pub first: Arc<Grey>,
    /// Ends of the histogram.
    pub ends: [f32; 2],
    /// Black and white point to begin with.
    pub window: Window,
}

/// What lies at a path of the batch.
#[derive(Clone, Debug)]
pub enum Found {
    /// A stack.
    Stack(Volume),
    /// A folder of several.
    Several(Vec<PathBuf>),
}

/// What a run left on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The folder that holds it.
    pub folder: PathBuf,
    /// The report's page, where there is one.
    pub report: Option<PathBuf>,
    /// What is missing there, or became of the device.
    pub note: Option<String>,
}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// All slices are done: what was written, where anything was.
    Done(Option<Saved>),
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
    /// A stack of the batch was opened, or several were found in its place, or neither.
    Row(u64, Result<Found, String>),
    /// Somebody has to say what a file holds, or which part of it is meant.
    Undecided(Box<Question>),
    /// A folder that was to be opened holds several stacks.
    Several(Vec<PathBuf>),
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
    /// How a training or a study goes.
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
    /// A study is over: its page, none where it was stopped, or why it failed.
    Studied(u64, Result<Option<Box<Printed>>, String>),
    /// A study's page was written, or not.
    PageWritten(Written),
    /// How long the parts of the bundle take here.
    Speeds(Speeds),
    /// A run ended.
    Finished(u64, Outcome),
    /// A dialog was closed: what was chosen, and whether it closed so quickly that it cannot have been seen.
    Picked(Pick, Vec<PathBuf>, bool),
}

/// What a run is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Sampling the stack for its range of grey values.
    Range,
    /// Segmenting.
    Slices,
    /// Measuring the labels for the report, and drawing its error bars.
    Report(Course),
}

/// Figures of a run, the newest only.
#[derive(Clone, Debug)]
pub struct Live {
    /// The run.
    pub run: u64,
    /// What it is at.
    pub stage: Stage,
    /// Slices, steps or draws done.
    pub done: usize,
    /// When the first was begun.
    pub since: Instant,
    /// When the last was done.
    pub last: Instant,
}
