//! Which channel and time of a file with several is the volume.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A channel at a time, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The channel.
    pub channel: u64,
    /// The time.
    pub time: u64,
}

/// How many channels and times a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Channels.
    pub channels: u64,
    /// Times.
    pub times: u64,
}

impl Parts {
    /// The channel and time that are meant, counted from 0.
    ///
    /// # Errors
    /// Where there are several and nobody says which, or `part` is none of them.
    pub(super) fn choose(self, part: Option<Part>, path: &Path) -> Result<[u64; 2]> {
        let Self { channels, times } = self;
        match part {
            None if channels <= 1 && times <= 1 => Ok([0, 0]),
            Some(Part { channel, time })
                if (1..=channels).contains(&channel) && (1..=times).contains(&time) =>
            {
                Ok([channel - 1, time - 1])
            }
            None => Err(Error::bad(
                path,
                format!(
                    "it holds {channels} channels and {times} times, so that its slices are of several volumes; choose \
                     one with --channel and --time"
                ),
            )),
            Some(Part { channel, time }) => Err(Error::bad(
                path,
                format!(
                    "channel {channel} at time {time} was asked for, and it holds {channels} channels and {times} times; \
                     choose among those"
                ),
            )),
        }
    }
}

/// Planes of a file that belong to several channels and times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hyper {
    /// Channels and times.
    pub(super) parts: Parts,
    /// Slices of each.
    pub(super) slices: u64,
    /// Planes from one channel, slice and time to the next.
    pub(super) strides: [u64; 3],
}

/// The planes of one volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planes {
    /// The first.
    pub(super) start: u64,
    /// From one to the next.
    pub(super) step: u64,
    /// How many.
    pub(super) count: u64,
}

impl Hyper {
    /// Of a file whose planes are stored in `order`, as in "CZT" with the fastest first; `sizes` are channels, slices
    /// and times. None where planes along one axis alone are slices, whatever that axis is called.
    pub(super) fn new(order: &str, [channels, slices, times]: [u64; 3]) -> Option<Self> {
        if [channels, slices, times].iter().filter(|n| **n > 1).count() <= 1 {
            return None;
        }
        let mut strides = [1; 3];
        let mut planes = 1_u64;
        for letter in order.chars() {
            let place = "CZT".find(letter)?;
            strides[place] = planes;
            planes = planes.checked_mul([channels, slices, times][place])?;
        }
        Some(Self { parts: Parts { channels, times }, slices, strides })
    }

    /// The planes of `part`, of which the file has `all`.
    pub(super) fn planes(&self, part: Option<Part>, all: u64, path: &Path) -> Result<Planes> {
        let [channel, time] = self.parts.choose(part, path)?;
        let [c, step, t] = self.strides;
        let Parts { channels, times } = self.parts;
        let needed = channels.saturating_mul(times).saturating_mul(self.slices);
        if needed != all {
            return Err(Error::bad(
                path,
                format!(
                    "it claims {channels} channels of {} slices at {times} times and holds {all} planes; export it again",
                    self.slices
                ),
            ));
        }
        Ok(Planes { start: channel * c + time * t, step, count: self.slices })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_follow_the_order() {
        let path = Path::new("a.tif");
        let part = |channel, time| Some(Part { channel, time });
        let imagej = Hyper::new("CZT", [2, 5, 3]).unwrap();
        assert_eq!(imagej.planes(part(2, 3), 30, path).unwrap(), Planes { start: 21, step: 2, count: 5 });
        let ome = Hyper::new("ZTC", [2, 5, 3]).unwrap();
        assert_eq!(ome.planes(part(2, 3), 30, path).unwrap(), Planes { start: 25, step: 1, count: 5 });
        for (part, all) in
            [(None, 30), (part(3, 1), 30), (part(0, 1), 30), (part(1, 4), 30), (part(1, 1), 29)]
        {
            assert!(ome.planes(part, all, path).is_err(), "{part:?} of {all}");
        }
        assert_eq!(Hyper::new("CZT", [40, 1, 1]), None, "Python's writers call slices channels");
        assert_eq!(Hyper::new("CZT", [u64::MAX, u64::MAX, 2]), None);
        assert_eq!(Parts { channels: 1, times: 1 }.choose(None, path).unwrap(), [0, 0]);
    }
}
