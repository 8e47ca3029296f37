//! The compute thread.

use super::output::{Output, evidence};
use super::{Event, Job, Live, Outbox, Outcome, Segment, Source, Stage};
use crate::window::results::{Kept, Model};
use paser_core::bundle::Bundle;
use paser_core::data::normalise::Range;
use paser_core::device::{self, Compute, Wish};
use paser_core::error::{Error, Result};
use paser_core::route::stack;
use paser_core::route::{Choice, Method, Router, Segmenter, SliceResult};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::time::Instant;

struct Worker<'a> {
    compute: Compute,
    segmenter: Option<Segmenter>,
    bundle: Option<PathBuf>,
    /// Grey values that become 0 and 1 in the stack segmented last.
    range: Option<(u64, Range)>,
    out: &'a Outbox,
}

/// Serves jobs until the window is gone.
pub(super) fn work(source: Source, jobs: &Receiver<Job>, out: &Outbox) {
    let (compute, note) = ready(source);
    out.send(Event::Device(compute.description.clone(), note));
    let mut worker = Worker { compute, segmenter: None, bundle: None, range: None, out };
    for job in jobs {
        match job {
            Job::Load(folder) => worker.load(&folder),
            Job::Segment(job) => worker.segment(&job),
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
            let model = Model { manifest: segmenter.manifest.clone(), costs: segmenter.costs().clone() };
            self.segmenter = Some(segmenter);
            self.range = None;
            Box::new(model)
        });
        self.out.send(Event::Model(told.map_err(|e| e.to_string())));
    }

    fn try_load(&self, folder: &Path) -> Result<Segmenter> {
        let bundle = Bundle::open(folder)?;
        guarded(|| Segmenter::new(&bundle, self.compute.clone()))
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
        let range = match self.range {
            Some((stack, range)) if stack == job.stack => range,
            _ => {
                self.out.show(live(job.run, Stage::Range, 0, Instant::now()));
                segmenter.manifest.normalisation.range(job.volume.as_ref())?
            }
        };
        self.range = Some((job.stack, range));
        let choice = Choice { method: Method::Paser, router: Router::Fixed(job.policy), seed: 0 };
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

/// Segments all slices of `job`; each goes to its file first and then to the window.
fn through(
    segmenter: &Segmenter,
    job: &Segment,
    (range, choice): (Range, Choice),
    out: &Outbox,
    output: &mut Option<Output>,
) -> Result<()> {
    let model = Model { manifest: segmenter.manifest.clone(), costs: segmenter.costs().clone() };
    let work = stack::Job { volume: job.volume.as_ref(), slices: job.slices.clone(), range, choice };
    let (since, mut done) = (Instant::now(), 0);
    out.show(live(job.run, Stage::Slices, 0, since));
    let mut sink = |z: usize, result: SliceResult| {
        if let Some(output) = output {
            output.push(z, &result)?;
        }
        done += 1;
        let told = out.send(Event::Segmented(job.run, z, Box::new(Kept::of(result, &model, job.policy))));
        out.show(live(job.run, Stage::Slices, done, since));
        if told { Ok(()) } else { Err(Error::Cancelled) }
    };
    stack::segment(segmenter, &work, &job.control, &mut sink)
}

fn live(run: u64, stage: Stage, done: usize, since: Instant) -> Live {
    Live { run, stage, done, since, last: Instant::now() }
}
