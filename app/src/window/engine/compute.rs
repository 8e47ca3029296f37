//! The compute thread.

use super::looks::{Looks, Place};
use super::output::{Output, evidence};
use super::train;
use super::{Compare, Event, Job, Live, Look, Outbox, Outcome, Routed, Seen, Segment, Source, Stage};
use crate::window::comparison::Comparison;
use crate::window::promise;
use crate::window::results::{Kept, Model};
use paser_core::bundle::Bundle;
use paser_core::data::normalise::Range;
use paser_core::device::{self, Compute, Wish};
use paser_core::error::{Error, Result};
use paser_core::net::params;
use paser_core::noise::Noise;
use paser_core::route::live::Audit;
use paser_core::route::stack;
use paser_core::route::{Choice, Method, Segmenter, SliceResult, Speeds};
use paser_core::train::loss;
use paser_core::volume::SliceReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

struct Worker<'a> {
    compute: Compute,
    segmenter: Option<Segmenter>,
    bundle: Option<PathBuf>,
    /// Grey values that become 0 and 1 in the stack segmented last.
    range: Option<(u64, Range)>,
    /// The slices looked at last: as it is, and with noise.
    looks: Looks,
    out: &'a Outbox,
}

/// Serves jobs until the window is gone.
pub(super) fn work(source: Source, jobs: &Receiver<Job>, newest: &Mutex<Option<Look>>, out: &Outbox) {
    let (compute, note) = ready(source);
    out.send(Event::Device(compute.description.clone(), note));
    let mut worker =
        Worker { compute, segmenter: None, bundle: None, range: None, looks: Looks::default(), out };
    for job in jobs {
        match job {
            Job::Load(folder) => worker.load(&folder),
            Job::Segment(job) => worker.segment(&job),
            Job::Train(job) => {
                let trained = guarded(|| train::run(&job, &worker.compute, out));
                let told = match trained {
                    Ok(folder) => Ok(Some(folder)),
                    Err(Error::Cancelled) => Ok(None),
                    Err(e) => Err(e.to_string()),
                };
                out.send(Event::Trained(job.id, told));
            }
            Job::Compare(job) => worker.compare(&job),
            Job::Look(_) => {
                let look = newest.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(look) = look {
                    worker.look(look);
                }
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

/// A driver that fails may panic; that must end the job, not the thread.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        let cause: String = said.lines().next().unwrap_or_default().chars().take(160).collect();
        Err(Error::Device(format!("the device failed ({cause}); its memory may be too small for the job")))
    })
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
            self.looks = Looks::default();
            self.segmenter = Some(segmenter);
            self.range = None;
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
        guarded(|| Segmenter::new(&bundle, self.compute.clone()))
    }

    fn compare(&self, job: &Compare) {
        let none = || Error::invalid("no model bundle is loaded, so nothing can be compared; choose one");
        let rows = self.segmenter.as_ref().ok_or_else(none);
        let rows = rows.and_then(|segmenter| guarded(|| train::compare(job, segmenter, self.out)));
        let told = rows.map(|rows| {
            let images = rows.first().map_or(0, |r| r.images);
            let on = format!("Computed here on {images} images of {}", job.data.images.display());
            Box::new(Comparison::computed(&rows, on))
        });
        self.out.send(Event::Compared(told.map_err(|e| e.to_string())));
    }

    fn look(&mut self, look: Look) {
        let told = match guarded(|| self.try_look(&look)) {
            Ok(seen) => Ok(Some(Box::new(seen))),
            Err(Error::Cancelled) => Ok(None),
            Err(e) => Err(e.to_string()),
        };
        self.out.send(Event::Looked(Box::new(look), told));
    }

    fn try_look(&mut self, look: &Look) -> Result<Seen> {
        look.control.check()?;
        let routed = self.routed(look, Noise::None)?;
        let audit = match look.patch {
            Some(pixel) => self.audit(look, pixel)?,
            None => None,
        };
        let noisy = match look.noise {
            Noise::None => None,
            noise => Some(self.routed(look, noise)?),
        };
        Ok(Seen { routed, audit, noisy })
    }

    fn routed(&mut self, look: &Look, noise: Noise) -> Result<Routed> {
        let (segmenter, range) = ready_for(&self.segmenter, &mut self.range, look)?;
        let since = Instant::now();
        let place = Place { stack: look.stack, z: look.z, noise };
        let seen = self.looks.at(segmenter, &place, look.volume.as_ref(), &range)?;
        let before = seen.live.computed();
        let (kept, summary) = seen.route(segmenter, (look.method, look.lambda), &look.control)?;
        Ok(Routed {
            kept,
            summary,
            seconds: since.elapsed().as_secs_f64(),
            computed: seen.live.computed() - before,
            grey: (noise != Noise::None).then(|| seen.grey(&range)),
        })
    }

    fn audit(&mut self, look: &Look, pixel: [usize; 2]) -> Result<Option<Audit>> {
        let (segmenter, range) = ready_for(&self.segmenter, &mut self.range, look)?;
        let place = Place { stack: look.stack, z: look.z, noise: Noise::None };
        let seen = self.looks.at(segmenter, &place, look.volume.as_ref(), &range)?;
        seen.live.audit(segmenter, pixel, &look.control)
    }

    fn segment(&mut self, job: &Segment) {
        let outcome = match guarded(|| self.run(job)) {
            Ok(folder) => Outcome::Done(folder),
            Err(Error::Cancelled) => Outcome::Stopped,
            Err(e) => Outcome::Failed(e.to_string()),
        };
        let broken = matches!(&outcome, Outcome::Failed(_)) && self.compute.description.is_real_gpu();
        self.out.send(Event::Finished(job.run, outcome));
        if let (true, Some(folder)) = (broken, self.bundle.clone()) {
            self.load(&folder);
        }
    }

    fn run(&mut self, job: &Segment) -> Result<Option<PathBuf>> {
        let Some(segmenter) = &self.segmenter else {
            return Err(Error::invalid("no model bundle is loaded, so nothing can be segmented; choose one"));
        };
        self.out.show(live(job.run, Stage::Range, 0, Instant::now()));
        let range = range(&mut self.range, segmenter, job.stack, job.volume.as_ref())?;
        let choice = promise::choice(&segmenter.manifest, job.lambda);
        if job.slices.len() == 1 && job.beside.is_none() {
            let since = Instant::now();
            self.out.show(live(job.run, Stage::Slices, 0, since));
            let place = Place { stack: job.stack, z: job.slices.start, noise: Noise::None };
            let seen = self.looks.at(segmenter, &place, job.volume.as_ref(), &range)?;
            let (kept, summary) = seen.route(segmenter, (Method::Paser, job.lambda), &job.control)?;
            self.out.send(Event::Segmented(job.run, place.z, Box::new((kept, summary))));
            return Ok(None);
        }
        let mut output = match (&job.beside, &self.bundle) {
            (Some(path), Some(bundle)) => {
                let evidence = evidence(segmenter, bundle, path, job, &range, &choice)?;
                Some(Output::create(path, job, segmenter, evidence, choice.needs_f0())?)
            }
            _ => None,
        };
        let segmented = through(segmenter, job, (range, choice), self.out, &mut output);
        match (segmented, output) {
            (Ok(()), Some(output)) => output.finish().map(Some),
            (Ok(()), None) => Ok(None),
            (Err(e), output) => {
                if let Some(output) = output {
                    output.drop_all();
                }
                Err(e)
            }
        }
    }
}

/// What a look needs: the nets, and the range of its stack.
fn ready_for<'a>(
    segmenter: &'a Option<Segmenter>,
    known: &mut Option<(u64, Range)>,
    look: &Look,
) -> Result<(&'a Segmenter, Range)> {
    let none = || Error::invalid("no model bundle is loaded, so nothing can be routed; choose one");
    let segmenter = segmenter.as_ref().ok_or_else(none)?;
    Ok((segmenter, range(known, segmenter, look.stack, look.volume.as_ref())?))
}

/// The range of `stack`, found once.
fn range(
    known: &mut Option<(u64, Range)>,
    segmenter: &Segmenter,
    stack: u64,
    volume: &dyn SliceReader,
) -> Result<Range> {
    if let Some((of, range)) = known
        && *of == stack
    {
        return Ok(*range);
    }
    let range = segmenter.manifest.normalisation.range(volume)?;
    *known = Some((stack, range));
    Ok(range)
}

/// What the window needs to know of a bundle.
pub(super) fn model(segmenter: &Segmenter) -> Model {
    let parameters: Vec<usize> = segmenter.models.nets.iter().map(params::count).collect();
    Model {
        manifest: segmenter.manifest.clone(),
        costs: segmenter.costs().clone(),
        reward_costs: loss::costs(&parameters, true),
    }
}

/// Segments all slices of `job`; each goes to its file first and then to the window.
fn through(
    segmenter: &Segmenter,
    job: &Segment,
    (range, choice): (Range, Choice),
    out: &Outbox,
    output: &mut Option<Output>,
) -> Result<()> {
    let model = model(segmenter);
    let work = stack::Job {
        volume: job.volume.as_ref(),
        slices: job.slices.clone(),
        range,
        choice,
        noise: (Noise::None, 0),
    };
    let (since, mut done) = (Instant::now(), 0);
    out.show(live(job.run, Stage::Slices, 0, since));
    let mut sink = |z: usize, result: SliceResult| {
        if let Some(output) = output {
            output.push(z, &result)?;
        }
        done += 1;
        let told = out.send(Event::Segmented(job.run, z, Box::new(Kept::of(result, &model, job.lambda))));
        out.show(live(job.run, Stage::Slices, done, since));
        if told { Ok(()) } else { Err(Error::Cancelled) }
    };
    stack::segment(segmenter, &work, &job.control, &mut sink)
}

fn live(run: u64, stage: Stage, done: usize, since: Instant) -> Live {
    Live { run, stage, done, since, last: Instant::now() }
}
