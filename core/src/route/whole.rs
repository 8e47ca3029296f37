//! Nets that segment whole tiles on their own: no uncertainty, no decision, no patches. They are loaded and
//! proved when they are first asked for, so that routing never waits for them.

use super::batch::plan;
use super::method::{Choice, Method};
use super::segment::{Segmenter, SliceResult, blank};
use super::tiles::{self, Rect};
use crate::cost::Flops;
use crate::data::normalise::Prepared;
use crate::error::{Error, Result};
use crate::metrics::UNLABELLED;
use crate::net::Net;
use crate::net::dropout::Off;
use crate::trust;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The whole-tile nets that were asked for so far, by name.
#[derive(Default)]
pub(super) struct Others(Mutex<BTreeMap<&'static str, Arc<Net>>>);

impl Others {
    fn get(&self, name: &str) -> Option<Arc<Net>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn put(&self, name: &'static str, net: Net) -> Arc<Net> {
        let net = Arc::new(net);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, net.clone());
        net
    }
}

impl Segmenter {
    /// The same with `net` as the whole-tile net `name`, which no bundle holds yet.
    #[must_use]
    pub fn with_whole(self, name: &'static str, net: Net) -> Self {
        self.others.put(name, net);
        self
    }

    /// Loads what `choice` needs beyond the task nets, so that the first slice does not wait for it.
    ///
    /// # Errors
    /// Where the bundle lacks it, or the device computes wrongly.
    pub fn prepare(&self, choice: &Choice) -> Result<()> {
        match choice.method {
            Method::Whole(name) => self.whole(name).map(drop),
            _ => Ok(()),
        }
    }

    /// Cost of the whole-tile net `name` on a tile.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn whole_flops(&self, name: &'static str) -> Result<Flops> {
        Ok(self.whole(name)?.flops(self.manifest.layout.tile))
    }

    fn whole(&self, name: &'static str) -> Result<Arc<Net>> {
        if let Some(net) = self.others.get(name) {
            return Ok(net);
        }
        let missing = || Error::invalid(format!("the bundle holds no {name}; train it with --model {name}"));
        let bundle = self.bundle.as_ref().ok_or_else(missing)?;
        let net = bundle.load_other(name, &self.compute.device)?;
        trust::check_whole_once(&self.compute, &net, name, bundle)?;
        Ok(self.others.put(name, net))
    }

    /// Labels of every tile by the net `name`; the paper's count goes by the area in the slice.
    pub(super) fn segment_whole(
        &self,
        slices: &[Prepared],
        name: &'static str,
        choice: &Choice,
    ) -> Result<Vec<SliceResult>> {
        let net = self.whole(name)?;
        let size = self.manifest.layout.tile;
        let (area, cost) = ((size[0] * size[1]) as f64, net.flops(size));
        let mut results: Vec<SliceResult> = slices.iter().map(|s| blank(s, choice)).collect();
        let tiles = self.tiles(slices);
        let mut left = tiles.as_slice();
        for (items, batch) in plan(tiles.len(), self.compute.tile_batches()) {
            let (now, later) = left.split_at(items);
            left = later;
            let x = self.batch(now.iter().map(|t| t.values.as_slice()), batch, size);
            let labels = self.compute.read(net.forward(x, &mut Off).argmax(1).float().into_data())?;
            for (tile, labels) in now.iter().zip(labels.chunks(size[0] * size[1])) {
                let result = &mut results[tile.slice];
                let at = inside(tile.corner, size, result.size);
                let labels: Vec<u8> = labels.iter().map(|l| *l as u8).collect();
                tiles::paste(&mut result.labels, result.size[1], at, &labels, size[1]);
                result.flops_total += (cost as f64 * at.area() as f64 / area).round() as Flops;
            }
            results[now[0].slice].flops_run += cost * batch as Flops;
        }
        for (result, slice) in results.iter_mut().zip(slices) {
            slice.masked.iter().for_each(|v| result.labels[*v] = UNLABELLED);
        }
        Ok(results)
    }
}

/// The part of a tile at `corner` that lies in the slice.
fn inside(corner: [usize; 2], tile: [usize; 2], slice: [usize; 2]) -> Rect {
    let [height, width] = [0, 1].map(|i| tile[i].min(slice[i].saturating_sub(corner[i])));
    Rect { y: corner[0], x: corner[1], height, width }
}
