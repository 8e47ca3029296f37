//! Messages out of long work, and the switch that stops it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};

/// Lets another thread pause or stop long work. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Control {
    stop: Arc<AtomicBool>,
    finish: Arc<AtomicBool>,
    pause: Arc<AtomicBool>,
    watch: Arc<AtomicBool>,
}

impl Control {
    /// Asks the work to stop; what is finished stays.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Asks a training to end early and keep what it has: every stage stops where it is, and the bundle is
    /// made of that.
    pub fn finish(&self) {
        self.finish.store(true, Ordering::Relaxed);
    }

    /// Whether the work was asked to end early and keep what it has.
    pub fn finishing(&self) -> bool {
        self.finish.load(Ordering::Relaxed)
    }

    /// Somebody watches: pictures of the work are wanted, too.
    pub fn watch(&self) {
        self.watch.store(true, Ordering::Relaxed);
    }

    /// Whether somebody watches.
    pub fn watched(&self) -> bool {
        self.watch.load(Ordering::Relaxed)
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

/// A named figure of the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// Loss of the stage.
    Loss,
    /// Mean reward of a patch (Eq. 2).
    Reward,
    /// Macro IoU on a few held-out pieces.
    Iou,
    /// Share of patches to net i.
    Share(u8),
    /// λ, the weight of the cost.
    Lambda,
    /// Total variation distance from the routing at λ = 0.
    Tvd,
    /// α, the probability of acting by the policy (Eq. 4).
    Alpha,
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Loss => f.write_str("loss"),
            Self::Reward => f.write_str("reward"),
            Self::Iou => f.write_str("IoU"),
            Self::Share(i) => write!(f, "f{i}"),
            Self::Lambda => f.write_str("λ"),
            Self::Tvd => f.write_str("TVD"),
            Self::Alpha => f.write_str("α"),
        }
    }
}

/// A tile through the eyes of what is being trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Name of the image.
    pub image: String,
    /// Rows and columns.
    pub size: [usize; 2],
    /// Grey values, 255 for 1 after normalisation.
    pub grey: Vec<u8>,
    /// Class of every pixel, 255 where none is known.
    pub truth: Vec<u8>,
    /// Class of every pixel as the pupil says.
    pub labels: Vec<u8>,
    /// The net of every patch, row by row, where a policy is trained.
    pub routes: Vec<u8>,
}

/// How far a piece of work has come.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Progress {
    /// The stage, as in "pretrain f2".
    pub what: String,
    /// Steps or slices done.
    pub done: usize,
    /// Steps or slices in all.
    pub total: usize,
    /// Passes over the stage's images so far, in a training stage.
    pub epoch: Option<f64>,
    /// Seconds that the stage still takes at its speed so far.
    pub seconds_left: Option<f64>,
    /// Seconds that the whole training still takes, by steps measured at its beginning.
    pub seconds_left_in_all: Option<f64>,
    /// Figures of the moment.
    pub figures: Vec<(Figure, f64)>,
    /// What is being trained, at work.
    #[serde(skip)]
    pub picture: Option<Arc<Picture>>,
    /// Something that the user should know, as a sentence.
    pub note: Option<String>,
}
