//! `paser bench ui`: the window drives itself and times its frames.
//!
//! A frame's time is that from one frame's beginning to the next's, drawn as fast as the device can.

use super::app::Studio;
use super::command::Command;
use super::overview::COARSE;
use super::state::{State, Workspace};
use super::training::{Field, Training};
use paser_core::train::{Preset, TrainConfig};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// Frames of a phase that scrolls.
const FRAMES: usize = 600;
/// Longest that a phase scrolls where frames are slow.
const LONGEST: Duration = Duration::from_secs(25);
/// Longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(300);
/// Places of the λ slider that are visited, twice.
const PLACES: usize = 16;
/// Slices that are jumped to, far from each other.
const JUMPS: usize = 40;

/// What to drive the window with.
#[derive(Clone, Debug)]
pub struct Course {
    /// A large stack in a folder that may be written to.
    pub stack: PathBuf,
    /// Folder or stack of images to train on.
    pub images: PathBuf,
    /// Their labels.
    pub labels: PathBuf,
    /// Folder of the bundle to make.
    pub out: PathBuf,
    /// Whether only looking at the stack is timed.
    pub only_look: bool,
    /// Where the rows go.
    pub rows: Sender<Row>,
}

/// One thing that was timed.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What.
    pub name: String,
    /// How often.
    pub count: usize,
    /// Milliseconds.
    pub median_ms: f64,
    /// Milliseconds that 99 of 100 stay below.
    pub p99_ms: f64,
}

/// The drive in progress.
pub(super) struct Drive {
    course: Course,
    phase: Phase,
    since: Instant,
    last: Option<Instant>,
    times: Vec<Duration>,
    /// λ, and how long its look took; for looks that computed patches, and for those that found all known.
    looks: [Vec<Duration>; 2],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Begin,
    Opening,
    Idle,
    Jump(usize),
    Cuts,
    CutsWhole,
    CutsIdle,
    Slice,
    Lambda(usize),
    Start,
    Segmenting,
    Stopping,
    Training,
    Learning,
    Ending,
    Done,
}

impl Drive {
    pub(super) fn new(course: Course) -> Self {
        let (phase, since) = (Phase::Begin, Instant::now());
        Self { course, phase, since, last: None, times: Vec::new(), looks: Default::default() }
    }

    /// What to do at the beginning of this frame.
    fn frame(&mut self, state: &mut State) -> Vec<Command> {
        let now = Instant::now();
        let frame = self.last.replace(now).map(|last| now - last);
        if self.since.elapsed() > PATIENCE {
            tracing::error!("{:?} took too long", self.phase);
            return vec![Command::Quit];
        }
        match self.phase {
            Phase::Begin => {
                return if state.model().is_some() {
                    self.next(Phase::Opening);
                    vec![Command::Open(self.course.stack.clone())]
                } else {
                    Vec::new()
                };
            }
            Phase::Opening => {
                // the slice was drawn in the frame before this one
                if state.stack.as_ref().is_some_and(|s| s.slices.get(s.z).is_some()) && !self.times.is_empty()
                {
                    self.times = vec![self.since.elapsed()];
                    self.tell("first slice of the stack on show");
                    self.next(Phase::Idle);
                } else if state.stack.is_some() {
                    self.times.push(Duration::ZERO);
                }
            }
            Phase::Idle => return self.scroll(frame, state, "frame while scrolling", Phase::Jump(0)),
            Phase::Jump(done) => return self.jump(done, state),
            Phase::Cuts => {
                if self.cut(state, COARSE, "cuts XZ and YZ on show, coarse") {
                    self.phase = Phase::CutsWhole;
                }
            }
            Phase::CutsWhole => {
                if self.cut(state, usize::MAX, "cuts XZ and YZ complete") {
                    self.next(Phase::CutsIdle);
                }
            }
            Phase::CutsIdle => {
                let then = if self.course.only_look { Phase::Ending } else { Phase::Slice };
                let commands = self.scroll(frame, state, "frame while scrolling with cuts", then);
                return if self.phase == then { vec![Command::ToggleCuts] } else { commands };
            }
            Phase::Slice => {
                if state.stack.as_ref().is_some_and(|s| s.summary().is_some()) {
                    self.next(Phase::Lambda(0));
                } else if state.run.is_none() {
                    return vec![Command::SegmentSlice];
                }
            }
            Phase::Lambda(place) => return self.lambda(place, state),
            Phase::Start => {
                self.next(Phase::Segmenting);
                return vec![Command::SegmentStack];
            }
            Phase::Segmenting => {
                if state.run.as_ref().is_some_and(|r| r.live.is_some()) {
                    return self.scroll(
                        frame,
                        state,
                        "frame while scrolling and segmenting",
                        Phase::Stopping,
                    );
                }
            }
            Phase::Stopping => {
                if state.run.is_some() {
                    return vec![Command::Stop];
                }
                self.next(Phase::Training);
                return self.train(state);
            }
            Phase::Training => {
                if state.training.as_ref().is_some_and(|t| !t.stages.is_empty()) {
                    self.next(Phase::Learning);
                }
            }
            Phase::Learning => {
                return self.scroll(frame, state, "frame while scrolling and training", Phase::Ending);
            }
            Phase::Ending => {
                if state.training.as_ref().is_some_and(Training::runs) {
                    return vec![Command::EndTraining(false)];
                }
                self.next(Phase::Done);
                return vec![Command::Quit];
            }
            Phase::Done => {}
        }
        Vec::new()
    }

    fn next(&mut self, phase: Phase) {
        (self.phase, self.since, self.last) = (phase, Instant::now(), None);
        self.times.clear();
    }

    fn scroll(&mut self, frame: Option<Duration>, state: &State, name: &str, then: Phase) -> Vec<Command> {
        self.times.extend(frame);
        if self.times.len() >= FRAMES || self.since.elapsed() > LONGEST {
            self.tell(name);
            self.next(then);
            return Vec::new();
        }
        let last = state.stack.as_ref().is_some_and(|s| s.z + 1 == s.info.slices);
        vec![if last { Command::GoTo(0) } else { Command::Step(1) }]
    }

    /// Goes to slices far from each other and waits until each is there.
    fn jump(&mut self, done: usize, state: &State) -> Vec<Command> {
        let Some(stack) = &state.stack else { return Vec::new() };
        let place = |jump: usize| jump * 619 % stack.info.slices;
        if done > 0 {
            if stack.z != place(done) || stack.slices.get(stack.z).is_none() {
                return Vec::new();
            }
            self.times.push(self.since.elapsed());
        }
        if done == JUMPS {
            self.tell("slice on show after a jump");
            self.next(Phase::Cuts);
            return vec![Command::ToggleCuts];
        }
        (self.phase, self.since) = (Phase::Jump(done + 1), Instant::now());
        vec![Command::GoTo(place(done + 1))]
    }

    /// Whether so many slices of the cuts are read, or all; tells since when.
    fn cut(&mut self, state: &State, many: usize, name: &str) -> bool {
        let overview = state.stack.as_ref().and_then(|s| s.overview.as_ref());
        let there = overview.is_some_and(|o| o.read() >= many.min(o.size[0]));
        if there {
            self.times = vec![self.since.elapsed()];
            self.tell(name);
        }
        there
    }

    /// Moves λ along, there and back, and waits for each answer.
    fn lambda(&mut self, place: usize, state: &State) -> Vec<Command> {
        if state.look.is_some() {
            return Vec::new();
        }
        if place > 0
            && let Some(looked) = state.looked
        {
            self.looks[usize::from(looked.computed == 0)].push(self.since.elapsed());
        }
        if place == 2 * PLACES {
            let [new, known] = std::mem::take(&mut self.looks);
            for (times, name) in
                [(new, "λ slider, patches computed anew"), (known, "λ slider, all patches known")]
            {
                self.times = times;
                self.tell(name);
            }
            self.next(Phase::Start);
            return Vec::new();
        }
        self.next(Phase::Lambda(place + 1));
        // from cheap to dear, so that each place asks for a few patches more, and back
        let at = if place < PLACES { PLACES - place } else { place + 1 - PLACES };
        let part = at as f64 / (PLACES + 1) as f64;
        vec![Command::SetLambda(part * part)]
    }

    fn train(&self, state: &mut State) -> Vec<Command> {
        let config = TrainConfig::preset(Preset::Quick, 1, 3);
        state.form.config = config;
        let text = |path: &std::path::Path| path.display().to_string();
        vec![
            Command::SetField(Field::Classes, "pore=1,carbon=2,nickel=3".to_owned()),
            Command::SetField(Field::Images, text(&self.course.images)),
            Command::SetField(Field::Labels, text(&self.course.labels)),
            Command::SetField(Field::Out, text(&self.course.out)),
            Command::Train,
            Command::GoToWorkspace(Workspace::Segment),
        ]
    }

    /// Sends what was timed.
    fn tell(&mut self, name: &str) {
        self.times.sort_unstable();
        let count = self.times.len();
        let at = |part: f64| {
            let place = ((count as f64 * part).ceil() as usize).clamp(1, count.max(1)) - 1;
            self.times.get(place).map_or(0.0, |t| 1e3 * t.as_secs_f64())
        };
        if count > 0 {
            let row = Row { name: name.to_owned(), count, median_ms: at(0.5), p99_ms: at(0.99) };
            self.course.rows.send(row).ok();
        }
    }
}

impl Studio {
    /// Lets the drive do its part of this frame.
    pub(super) fn drive(&mut self, ctx: &egui::Context) {
        let Some(mut drive) = self.drive.take() else { return };
        for command in drive.frame(&mut self.state) {
            self.command(ctx, command);
        }
        self.drive = Some(drive);
        ctx.request_repaint();
    }
}
