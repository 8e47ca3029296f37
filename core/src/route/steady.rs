//! A run that goes on where its device fails: with smaller batches, then on the CPU. What was finished stays, and the
//! slices in hand are computed anew.

use super::method::Choice;
use super::segment::{Segmenter, SliceResult};
use crate::bundle::Bundle;
use crate::data::normalise::Prepared;
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::fault::guarded;
use crate::trust;
use serde::Serialize;

/// A device that failed during a run, and what went on in its place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fall {
    /// The first slice, counted from 1, that was computed anew.
    pub slice: usize,
    /// What failed.
    pub device: String,
    /// Why.
    pub why: String,
    /// The largest batch from then on; none: the CPU went on.
    pub largest_batch: Option<usize>,
}

impl std::fmt::Display for Fall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let next = match self.largest_batch {
            Some(n) => format!("in batches of at most {n}"),
            None => "on the CPU".to_owned(),
        };
        write!(f, "from slice {} on the run went on {next}: {}", self.slice, self.why)
    }
}

/// `bundle` on `compute`, or, where that device cannot do it, on the CPU with a sentence why; `told` hears how far a
/// device that is new to the bundle is prepared.
///
/// # Errors
/// Where the bundle is damaged.
pub fn ready(
    bundle: &Bundle,
    compute: Compute,
    told: trust::Told<'_>,
) -> Result<(Segmenter, Option<String>)> {
    if !compute.is_graphics() {
        return Ok((Segmenter::new(bundle, compute)?, None));
    }
    match guarded(|| Segmenter::prepared(bundle, compute, told)) {
        Err(Error::Device(why)) => {
            Ok((Segmenter::new(bundle, Compute::cpu())?, Some(format!("computing on the CPU: {why}"))))
        }
        other => Ok((other?, None)),
    }
}

/// A segmenter, and what took its place.
pub(super) struct Steady<'a> {
    first: &'a Segmenter,
    now: Option<Segmenter>,
    pub(super) falls: Vec<Fall>,
}

impl<'a> Steady<'a> {
    pub(super) fn new(first: &'a Segmenter) -> Self {
        Self { first, now: None, falls: Vec::new() }
    }

    fn segmenter(&self) -> &Segmenter {
        self.now.as_ref().unwrap_or(self.first)
    }

    /// Segments `slices`, of which the first is number `z`, on whatever can.
    ///
    /// # Errors
    /// As [`Segmenter::segment`] on the CPU.
    pub(super) fn segment(
        &mut self,
        slices: &[Prepared],
        names: &[String],
        choice: &Choice,
        z: usize,
    ) -> Result<Vec<SliceResult>> {
        loop {
            let now = self.segmenter();
            if !now.compute.is_graphics() {
                return now.segment(slices, names, choice);
            }
            match guarded(|| now.segment(slices, names, choice)) {
                Err(Error::Device(why)) => self.fall(z, why)?,
                other => return other,
            }
        }
    }

    fn fall(&mut self, z: usize, why: String) -> Result<()> {
        let now = self.segmenter();
        let largest_batch = now.compute.smaller_batch();
        let fall = Fall { slice: z + 1, device: now.compute.description.name.clone(), why, largest_batch };
        tracing::warn!("{fall}");
        let next = match largest_batch {
            Some(largest) => now.in_batches_of(largest),
            None => now.on_cpu(&fall.why)?,
        };
        self.now = Some(next);
        self.falls.push(fall);
        Ok(())
    }
}
