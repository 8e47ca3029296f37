//! Work that must not hold the window: one thread computes, one reads slices for display.
//!
//! Jobs go in over bounded channels; what must arrive comes back as [`Event`]s over one, progress
//! figures through a slot that only keeps the newest. The compute thread owns every tensor, as the
//! graphics streams that hold them belong to a thread.

mod compute;
mod looks;
mod messages;
mod output;
mod reader;
mod study;
mod train;

pub use messages::{
    Event, Found, Job, Live, Look, Opened, Outcome, Pick, Read, Routed, Saved, Seen, Segment, Stage,
};
pub use study::{RunStudy, Written};
pub use train::{Compare, Labelled, Train};

use paser_core::device::Wish;
use paser_core::event::Control;
use poll_promise::Promise;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
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
            Job::Study(job) => self.running = job.control.clone(),
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
