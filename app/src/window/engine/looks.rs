//! The slices looked at last, with all that is known of them; a look is served between any two pieces of
//! longer work.

use super::compute::model;
use super::{Event, Look as Wish, Outbox, Routed, Seen};
use crate::window::grey::Grey;
use crate::window::promise::{self, SEED};
use crate::window::results::{Kept, Model, Summary};
use paser_core::data::normalise::Range;
use paser_core::error::{Error, Result};
use paser_core::event::Control;
use paser_core::fault::guarded;
use paser_core::noise::Noise;
use paser_core::route::{Choice, Live, Method, Router, Segmenter, stack};
use paser_core::volume::SliceReader;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Serves the newest look.
pub(super) struct Eyes<'a> {
    newest: &'a Mutex<Option<Wish>>,
    out: &'a Outbox,
    /// Grey values that become 0 and 1 in the stack seen last.
    range: Option<(u64, Range)>,
    /// As it is, and with noise.
    looks: Looks,
    /// What the window knows of the bundle in force, made once.
    model: Option<Arc<Model>>,
}

impl<'a> Eyes<'a> {
    pub(super) fn new(newest: &'a Mutex<Option<Wish>>, out: &'a Outbox) -> Self {
        Self { newest, out, range: None, looks: Looks::default(), model: None }
    }

    /// Another bundle is in force.
    pub(super) fn forget(&mut self) {
        (self.range, self.looks, self.model) = (None, Looks::default(), None);
    }

    /// Serves the newest look, if one is wanted.
    pub(super) fn serve(&mut self, segmenter: Option<&Segmenter>) {
        let Some(look) = self.newest.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let told = match guarded(|| self.look(segmenter, &look)) {
            Ok(seen) => Ok(Some(Box::new(seen))),
            Err(Error::Cancelled) => Ok(None),
            Err(e) => Err(e.to_string()),
        };
        self.out.send(Event::Looked(Box::new(look), told));
    }

    fn look(&mut self, segmenter: Option<&Segmenter>, look: &Wish) -> Result<Seen> {
        let none = || Error::invalid("no model bundle is loaded, so nothing can be routed; choose one");
        let segmenter = segmenter.ok_or_else(none)?;
        look.control.check()?;
        let routed = self.routed(segmenter, look, Noise::None)?;
        let audit = match look.patch {
            Some(pixel) => {
                let (seen, _) = self.at(segmenter, look, Noise::None)?;
                seen.live.audit(segmenter, pixel, &look.control)?
            }
            None => None,
        };
        let noisy = match look.noise {
            Noise::None => None,
            noise => Some(self.routed(segmenter, look, noise)?),
        };
        Ok(Seen { routed, audit, noisy })
    }

    /// What the window knows of the bundle.
    pub(super) fn model(&mut self, segmenter: &Segmenter) -> Arc<Model> {
        self.model.get_or_insert_with(|| Arc::new(model(segmenter))).clone()
    }

    fn at(&mut self, segmenter: &Segmenter, look: &Wish, noise: Noise) -> Result<(&mut Look, Range)> {
        let range = self.range(segmenter, look.stack, look.volume.as_ref())?;
        let place = Place { stack: look.stack, z: look.z, noise };
        Ok((self.looks.at(segmenter, &place, look.volume.as_ref(), &range)?, range))
    }

    fn routed(&mut self, segmenter: &Segmenter, look: &Wish, noise: Noise) -> Result<Routed> {
        let since = Instant::now();
        let model = self.model(segmenter);
        let (seen, range) = self.at(segmenter, look, noise)?;
        let before = seen.live.computed();
        let (kept, summary) =
            seen.route(segmenter, &model, (look.method, look.lambda, look.router), &look.control)?;
        Ok(Routed {
            kept,
            summary,
            seconds: since.elapsed().as_secs_f64(),
            computed: seen.live.computed() - before,
            grey: (noise != Noise::None).then(|| seen.grey(&range)),
        })
    }

    /// The range of `stack`, found once.
    pub(super) fn range(
        &mut self,
        segmenter: &Segmenter,
        stack: u64,
        volume: &dyn SliceReader,
    ) -> Result<Range> {
        if let Some((_, range)) = self.range.filter(|(of, _)| *of == stack) {
            return Ok(range);
        }
        let range = segmenter.manifest.normalisation.range(volume)?;
        self.range = Some((stack, range));
        Ok(range)
    }

    /// Slice `z` of `stack` routed at `lambda`.
    pub(super) fn slice(
        &mut self,
        segmenter: &Segmenter,
        (stack, z): (u64, usize),
        volume: &dyn SliceReader,
        lambda: f64,
        control: &Control,
    ) -> Result<(Kept, Summary)> {
        let model = self.model(segmenter);
        let range = self.range(segmenter, stack, volume)?;
        let place = Place { stack, z, noise: Noise::None };
        let seen = self.looks.at(segmenter, &place, volume, &range)?;
        seen.route(segmenter, &model, (Method::Paser, lambda, None), control)
    }
}

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
        let channels = segmenter.manifest.channels();
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
        model: &Model,
        (method, lambda, router): (Method, f64, Option<Router>),
        control: &Control,
    ) -> Result<(Kept, Summary)> {
        let usual = promise::choice(&segmenter.manifest, lambda);
        let choice = Choice { method, router: router.unwrap_or(usual.router), ..usual };
        let result = self.live.route(segmenter, &choice, control)?;
        let (kept, summary) = Kept::of(result, model, lambda);
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
