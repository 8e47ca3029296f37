//! What a graphics device complains of while it works, and work that must outlive it.

use crate::error::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// What a device complained of since somebody asked. Its driver tells on threads of its own; clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Said>>);

#[derive(Debug, Default)]
struct Said {
    fault: Option<String>,
    lost: Option<String>,
}

impl Faults {
    /// The device could not do something: what it computed since is not to be trusted.
    pub fn report(&self, why: impl Into<String>) {
        self.said().fault.get_or_insert(why.into());
    }

    /// The device is gone for good.
    pub fn lose(&self, why: impl Into<String>) {
        self.said().lost.get_or_insert(why.into());
    }

    /// Whether it is gone.
    pub fn lost(&self) -> bool {
        self.said().lost.is_some()
    }

    /// # Errors
    /// Where something was reported since the last call, or the device is gone.
    pub fn check(&self) -> Result<()> {
        let mut said = self.said();
        match said.lost.clone().or_else(|| said.fault.take()) {
            Some(why) => Err(Error::Device(why)),
            None => Ok(()),
        }
    }

    fn said(&self) -> std::sync::MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is said of a device that was taken away or reset.
const LOST: &str = "the device was lost (it was taken away, or its driver was reset)";

/// A sentence for why a device gave no numbers back, from what Burn says of it.
pub(crate) fn unread(cause: &str) -> String {
    tracing::error!("nothing could be read back: {cause}");
    // CubeCL's word once the driver has told it of the loss; what the loss leaves of the error is text
    if cause.contains("poisoned") {
        return LOST.to_owned();
    }
    format!("the device gave no numbers back ({})", cause.chars().take(160).collect::<String>())
}

/// Whether that was a loss.
pub(crate) fn is_loss(error: &Error) -> bool {
    matches!(error, Error::Device(why) if why == LOST)
}

/// A driver that fails may panic; that must end the job, not the thread.
///
/// # Errors
/// Those of `work`, and [`Error::Device`] where it panics.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let cause = said(panic.as_ref());
        Err(Error::Device(format!("the device failed ({cause}); its memory may be too small for the job")))
    })
}

/// The first line of what a panic said.
pub fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
    said.lines().next().unwrap_or_default().chars().take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_once_and_a_loss_always() {
        let faults = Faults::default();
        assert!(faults.check().is_ok());
        faults.clone().report("out of memory");
        assert!(faults.check().unwrap_err().to_string().contains("out of memory"));
        assert!(faults.check().is_ok() && !faults.lost());
        faults.lose("gone");
        assert!(faults.lost() && faults.check().is_err() && faults.check().is_err());
    }

    #[test]
    fn a_panic_is_an_error() {
        let error = guarded::<()>(|| panic!("no adapter")).unwrap_err();
        assert!(matches!(&error, Error::Device(why) if why.contains("no adapter")), "{error}");
    }
}
