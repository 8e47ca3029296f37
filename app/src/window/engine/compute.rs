//! The compute thread.

use super::looks::Eyes;
use super::output::Output;
use super::{
    Compare, Event, Job, Live, Outbox, Outcome, RunStudy, Saved, Segment, Source, Stage, Train, Wanted,
};
use super::{study, train};
use crate::window::comparison::Comparison;
use crate::window::promise;
use crate::window::results::{Kept, Model};
use paser_core::bundle::Bundle;
use paser_core::compare::reward_costs;
use paser_core::data::normalise::Range;
use paser_core::device::{self, Compute, Wish};
use paser_core::error::{Error, Result};
use paser_core::export::report::{Course, Part};
use paser_core::fault::guarded;
use paser_core::noise::Noise;
use paser_core::route::stack;
use paser_core::route::{Choice, Fall, Method, Segmenter, SliceResult, Speeds};
use paser_core::volume::{Hashing, SliceReader, Stamp};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Instant;

struct Worker<'a> {
    compute: Compute,
    segmenter: Option<Segmenter>,
    bundle: Option<PathBuf>,
    eyes: Eyes<'a>,
    out: &'a Outbox,
}

/// Serves jobs until the window is gone.
pub(super) fn work(source: Source, jobs: &Receiver<Job>, looks: &Wanted, out: &Outbox) {
    let (compute, note) = ready(source);
    out.send(Event::Device(compute.description.clone(), note));
    let eyes = Eyes::new(&looks.newest, out);
    let mut worker = Worker { compute, segmenter: None, bundle: None, eyes, out };
    for job in jobs {
        match job {
            Job::Load(folder) => worker.load(&folder),
            Job::Segment(job) => worker.segment(&job),
            Job::Train(job) => worker.train(&job),
            Job::Compare(job) => worker.compare(&job),
            Job::Study(job) => worker.study(&job),
            Job::Look(_) => {
                looks.queued.store(false, Ordering::SeqCst);
                worker.eyes.serve(worker.segmenter.as_ref());
            }
        }
    }
}

/// The device that `source` means; the CPU, with a sentence why, where it cannot be had.
fn ready(source: Source) -> (Compute, Option<String>) {
    let opened = match source {
        Source::Shared(h) => guarded(|| {
            Compute::shared_from(h.instance, h.adapter, h.device, h.queue).map(|compute| (compute, None))
        }),
        Source::Own(Wish::Cpu) => Ok((Compute::cpu(), None)),
        Source::Own(wish) => guarded(|| device::choose(wish)),
    };
    opened.unwrap_or_else(|e| (Compute::cpu(), Some(format!("computing on the CPU instead: {e}"))))
}

impl Worker<'_> {
    fn load(&mut self, folder: &Path) {
        self.bundle = Some(folder.to_owned());
        self.segmenter = None;
        let loaded = self.try_load(folder);
        let loaded = match loaded {
            Err(Error::Device(why)) if self.compute.description.is_real_gpu() => {
                self.compute = Compute::cpu();
                self.out.send(Event::Device(self.compute.description.clone(), Some(why)));
                self.try_load(folder)
            }
            other => other,
        };
        let told = loaded.map(|segmenter| {
            let model = model(&segmenter);
            self.eyes.forget();
            self.segmenter = Some(segmenter);
            Box::new(model)
        });
        self.out.send(Event::Model(told.map_err(|e| e.to_string())));
        if let Some(segmenter) = &self.segmenter {
            match guarded(|| Speeds::measure(segmenter)) {
                Ok(speeds) => drop(self.out.send(Event::Speeds(speeds))),
                Err(e) => tracing::warn!("the nets could not be timed: {e}"),
            }
        }
    }

    fn try_load(&self, folder: &Path) -> Result<Segmenter> {
        let bundle = Bundle::open(folder)?;
        let mut told = |done, all| {
            self.out.send(Event::Preparing(done, all));
        };
        guarded(|| Segmenter::prepared(&bundle, self.compute.clone(), &mut told))
    }

    fn train(&mut self, job: &Train) {
        let Self { compute, segmenter, eyes, out, .. } = self;
        let told = match guarded(|| train::run(job, compute, out, &mut || eyes.serve(segmenter.as_ref()))) {
            Ok(folder) => Ok(Some(folder)),
            Err(Error::Cancelled) => Ok(None),
            Err(e) => Err(e.to_string()),
        };
        self.out.send(Event::Trained(job.id, told));
    }

    fn compare(&mut self, job: &Compare) {
        let Self { segmenter, eyes, out, .. } = self;
        let none = || Error::invalid("no model bundle is loaded, so nothing can be compared; choose one");
        let rows = segmenter.as_ref().ok_or_else(none).and_then(|segmenter| {
            guarded(|| train::compare(job, segmenter, out, &mut || eyes.serve(Some(segmenter))))
        });
        let told = rows.map(|rows| {
            let images = rows.first().map_or(0, |r| r.images);
            let on = format!("Computed here on {images} images of {}", job.data.images.display());
            Box::new(Comparison::computed(&rows, on))
        });
        self.out.send(Event::Compared(told.map_err(|e| e.to_string())));
    }

    fn study(&mut self, job: &RunStudy) {
        let Self { compute, segmenter, eyes, out, .. } = self;
        let told = match guarded(|| study::run(job, compute, out, &mut || eyes.serve(segmenter.as_ref()))) {
            Ok(printed) => Ok(Some(Box::new(printed))),
            Err(Error::Cancelled) => Ok(None),
            Err(e) => Err(e.to_string()),
        };
        self.out.send(Event::Studied(job.id, told));
    }

    fn segment(&mut self, job: &Segment) {
        let mut falls = Vec::new();
        let outcome = match guarded(|| self.run(job, &mut falls)) {
            Ok(saved) => Outcome::Done(saved.map(|s| Saved { note: told(&falls, s.note), ..s })),
            Err(Error::Cancelled) => Outcome::Stopped,
            Err(e) => Outcome::Failed(e.to_string()),
        };
        let broken = matches!(&outcome, Outcome::Failed(_)) && self.compute.description.is_real_gpu();
        self.out.send(Event::Finished(job.run, outcome));
        if let Some(fall) = falls.last() {
            self.fall(fall);
        }
        if let (true, Some(folder)) = (broken || !falls.is_empty(), self.bundle.clone()) {
            self.load(&folder);
        }
    }

    /// What a run had to do after its device failed, everything does from now on.
    fn fall(&mut self, fall: &Fall) {
        match fall.largest_batch {
            Some(largest) => self.compute.largest_batch = largest,
            None => self.compute = Compute::cpu(),
        }
        self.out.send(Event::Device(self.compute.description.clone(), Some(fall.to_string())));
    }

    /// Has the nets keep class probabilities where the results of `job` need them.
    fn keep_probabilities(&mut self, job: &Segment) {
        let Some(folder) = &self.bundle else { return };
        let needed = job.beside.is_some() && job.wanted.needs_probabilities(folder, Method::Paser);
        self.segmenter = self.segmenter.take().map(|nets| nets.keep_probabilities(needed));
    }

    fn run(&mut self, job: &Segment, falls: &mut Vec<Fall>) -> Result<Option<Saved>> {
        self.keep_probabilities(job);
        let Self { segmenter, eyes, out, .. } = self;
        let Some(segmenter) = segmenter else {
            return Err(Error::invalid("no model bundle is loaded, so nothing can be segmented; choose one"));
        };
        out.show(live(job.run, Stage::Range, 0, Instant::now()));
        let range = eyes.range(segmenter, job.stack, job.volume.as_ref())?;
        let Some((path, folder)) = job.beside.as_ref().zip(self.bundle.as_ref()) else {
            let z = job.slices.start;
            out.show(live(job.run, Stage::Slices, 0, Instant::now()));
            let place = (job.stack, z);
            let seen = eyes.slice(segmenter, place, job.volume.as_ref(), job.lambda, &job.control)?;
            out.send(Event::Segmented(job.run, z, Box::new(seen)));
            return Ok(None);
        };
        let bundle = Bundle::open(folder)?;
        let choice = promise::choice(&segmenter.manifest, job.lambda);
        let mut output = Output::create(path, job, (segmenter, &bundle), range, choice)?;
        let stamp = Stamp::of(path)?;
        let read = Hashing::new(job.volume.as_ref(), job.slices.start);
        let since = Instant::now();
        let mut between = || eyes.serve(Some(segmenter));
        let done = through(segmenter, job, (&read, range, choice), out, &mut output, &mut between);
        match done.and_then(|falls| stamp.check().map(|()| falls)) {
            Ok(met) => *falls = met,
            Err(e) => {
                output.drop_all();
                return Err(e);
            }
        }
        let seconds = since.elapsed().as_secs_f64();
        let read = (read.digest(), falls.as_slice());
        let mut part = (Part::Measures, Instant::now());
        let mut show = |course: Course| {
            if part.0 != course.part {
                part = (course.part, Instant::now());
            }
            out.show(live(job.run, Stage::Report(course), course.done, part.1));
        };
        output.finish((read.0.as_deref(), read.1), seconds, &job.control, &mut show).map(Some)
    }
}

/// What became of the device in a run, and what else is to be said.
fn told(falls: &[Fall], note: Option<String>) -> Option<String> {
    let all: Vec<String> = falls.iter().map(Fall::to_string).chain(note).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// What the window needs to know of a bundle.
pub(super) fn model(segmenter: &Segmenter) -> Model {
    Model {
        manifest: segmenter.manifest.clone(),
        costs: segmenter.costs().clone(),
        reward_costs: reward_costs(segmenter),
    }
}

/// Segments all slices of `job`; each goes to its file first and then to the window.
fn through(
    segmenter: &Segmenter,
    job: &Segment,
    (volume, range, choice): (&dyn SliceReader, Range, Choice),
    out: &Outbox,
    output: &mut Output<'_>,
    between: &mut dyn FnMut(),
) -> Result<Vec<Fall>> {
    let model = model(segmenter);
    let work =
        stack::Job { volume, slices: job.slices.clone(), range, choice, noise: (Noise::None, promise::SEED) };
    let (since, mut done) = (Instant::now(), 0);
    out.show(live(job.run, Stage::Slices, 0, since));
    let mut sink = |z: usize, result: SliceResult| {
        output.push(z, &result)?;
        done += 1;
        let told = out.send(Event::Segmented(job.run, z, Box::new(Kept::of(result, &model, job.lambda))));
        out.show(live(job.run, Stage::Slices, done, since));
        if told { Ok(()) } else { Err(Error::Cancelled) }
    };
    stack::segment_with(segmenter, &work, &job.control, &mut sink, between)
}

fn live(run: u64, stage: Stage, done: usize, since: Instant) -> Live {
    Live { run, stage, done, since, last: Instant::now() }
}
