//! Messages out of long work, and the switch that stops it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};

/// Lets another thread pause or stop long work. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Control {
    stop: Arc<AtomicBool>,
    pause: Arc<AtomicBool>,
}

impl Control {
    /// Asks the work to stop; what is finished stays.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Holds the work, or lets it go on.
    pub fn set_paused(&self, paused: bool) {
        self.pause.store(paused, Ordering::Relaxed);
    }

    /// Whether the work was asked to stop.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether the work is held.
    pub fn paused(&self) -> bool {
        self.pause.load(Ordering::Relaxed)
    }

    /// Called by the work between steps: waits while paused.
    ///
    /// # Errors
    /// [`Error::Cancelled`] once the work was asked to stop.
    pub fn check(&self) -> Result<()> {
        while self.paused() && !self.stopped() {
            std::thread::sleep(Duration::from_millis(20));
        }
        if self.stopped() { Err(Error::Cancelled) } else { Ok(()) }
    }
}

/// How far a piece of work has come.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Progress {
    /// What is being done, as in "pretrain f2".
    pub what: String,
    /// Steps or slices done.
    pub done: usize,
    /// Steps or slices in all.
    pub total: usize,
    /// Named figures of the moment (loss, reward, shares).
    pub figures: Vec<(&'static str, f64)>,
}
