//! The slices looked at last, with all that is known of them.

use super::compute::model;
use crate::window::grey::Grey;
use crate::window::promise;
use crate::window::results::{Kept, Summary};
use paser_core::data::normalise::Range;
use paser_core::error::Result;
use paser_core::event::Control;
use paser_core::noise::Noise;
use paser_core::route::{Choice, Live, Method, Segmenter, stack};
use paser_core::volume::SliceReader;
use std::sync::Arc;

/// Seed of the noise: the command line's own where none is given.
const SEED: u64 = 42;
/// Slices kept: the one on show, and the same with noise.
const KEPT: usize = 2;

/// Which slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) stack: u64,
    pub(super) z: usize,
    pub(super) noise: Noise,
}

/// A slice with what is known of it.
pub(super) struct Look {
    place: Place,
    pub(super) live: Live,
    probabilities: Arc<Vec<Vec<u8>>>,
}

/// The newest last.
#[derive(Default)]
pub(super) struct Looks(Vec<Look>);

impl Looks {
    /// The slice at `place`; f0 runs where it is not known yet.
    pub(super) fn at(
        &mut self,
        segmenter: &Segmenter,
        place: &Place,
        volume: &dyn SliceReader,
        range: &Range,
    ) -> Result<&mut Look> {
        let known = self.0.iter().position(|l| l.place == *place);
        let look = match known {
            Some(i) => self.0.remove(i),
            None => Look::new(segmenter, *place, volume, range)?,
        };
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        self.0.push(look);
        let newest = self.0.len() - 1;
        Ok(&mut self.0[newest])
    }
}

impl Look {
    fn new(segmenter: &Segmenter, place: Place, volume: &dyn SliceReader, range: &Range) -> Result<Self> {
        let channels = segmenter.manifest.nets[0].spec.channels();
        let slice = stack::prepare(volume, place.z, range, channels, (place.noise, SEED))?;
        let live = Live::new(segmenter, slice, place.z.to_string())?;
        let map = |class| {
            live.probability(segmenter, class).iter().map(|p| (255.0 * p).round() as u8).collect::<Vec<u8>>()
        };
        let probabilities = Arc::new((0..segmenter.manifest.classes.len()).map(map).collect());
        Ok(Self { place, live, probabilities })
    }

    /// The slice routed at `lambda`.
    pub(super) fn route(
        &mut self,
        segmenter: &Segmenter,
        (method, lambda): (Method, f64),
        control: &Control,
    ) -> Result<(Kept, Summary)> {
        let choice = Choice { method, ..promise::choice(&segmenter.manifest, lambda) };
        let result = self.live.route(segmenter, &choice, control)?;
        let (kept, summary) = Kept::of(result, &model(segmenter), lambda);
        Ok((Kept { probabilities: self.probabilities.clone(), ..kept }, Summary { method, ..summary }))
    }

    /// The slice as the nets read it, in grey values of the file.
    pub(super) fn grey(&self, range: &Range) -> Arc<Grey> {
        let slice = self.live.slice();
        let planes = slice.planes.len().max(1) as f32;
        let value = |i: usize| {
            let mean = slice.planes.iter().map(|p| p[i]).sum::<f32>() / planes;
            range.low + mean * (range.high - range.low)
        };
        Arc::new(Grey { size: slice.size, values: (0..slice.size[0] * slice.size[1]).map(value).collect() })
    }
}
