//! What every net says of every patch: the ground for rewards, curves and audits.

use super::batch::plan;
use super::method::{Choice, Method, Router};
use super::segment::{Opinion, Segmenter, Tile};
use crate::data::normalise::Prepared;
use crate::error::Result;

/// What every net says of a tile: the ground for rewards, curves and audits.
#[derive(Clone, Debug)]
pub struct Examined {
    /// Number of the slice in the call.
    pub slice: usize,
    /// Its top left corner in the slice.
    pub corner: [usize; 2],
    /// What the policy reads [2,H,W]: f0's labels and entropy.
    pub policy_input: Vec<f32>,
    /// Labels of each patch by each net: [patches][nets][pixels].
    pub labels: Vec<Vec<Vec<u8>>>,
    /// Class probabilities of each patch by each net as a cascade's gate sees them: [patches][nets][classes *
    /// pixels]; f0's are the mean of its passes.
    pub probabilities: Vec<Vec<Vec<f32>>>,
    /// Labels of each patch by each net as a cascade accepts them, where they differ in kind from `labels`.
    pub accepted: Vec<Vec<Option<Vec<u8>>>>,
}

impl Segmenter {
    /// Runs every net on every patch of `slices`.
    ///
    /// # Errors
    /// Where there are no nets to route between or the device fails.
    pub fn examine(&self, slices: &[Prepared]) -> Result<Vec<Examined>> {
        self.check_nets()?;
        let tiles = self.tiles(slices);
        let (mut opinions, mut doubts) = (Vec::with_capacity(tiles.len()), Vec::with_capacity(tiles.len()));
        let mut left = tiles.as_slice();
        for (items, size) in plan(tiles.len(), self.compute.tile_batches()) {
            let (now, later) = left.split_at(items);
            left = later;
            let (said, first) = self.doubt(now, size);
            let probabilities = self.compute.read(said.probabilities.clone().into_data())?;
            opinions.extend(self.said((said, first), &[], items)?);
            doubts.extend(probabilities.chunks(probabilities.len() / size).take(items).map(<[f32]>::to_vec));
        }
        self.examine_tiles(&tiles, &opinions, &doubts)
    }

    /// What the policy of `router` says of every patch of `slices` that lies in its slice: logits [nets] each,
    /// or the λ-free outputs z where it is the λ-conditioned one at λ = 0. Runs f0, no other net.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn policy_outputs(&self, slices: &[Prepared], router: Router) -> Result<Vec<Vec<f32>>> {
        self.check_nets()?;
        let choice = Choice { method: Method::Paser, router, seed: 0 };
        let tiles = self.tiles(slices);
        let opinions = self.opinions(&tiles, &choice, &mut 0)?;
        let layout = self.manifest.layout;
        let of_tile = |(tile, opinion): (&Tile, Opinion)| -> Vec<Vec<f32>> {
            let size = slices[tile.slice].size;
            let live =
                |(index, _): &(usize, &[f32])| layout.patch_in_slice(tile.corner, *index, size).is_some();
            let patches = opinion.logits.chunks(self.models.nets.len()).enumerate().filter(live);
            patches.map(|(_, logits)| logits.to_vec()).collect()
        };
        Ok(tiles.iter().zip(opinions).flat_map(of_tile).collect())
    }

    /// What f1 to fm say of the patches of `tiles` beside what f0 says: `opinions`, and `doubts` [K,H,W] for each.
    fn examine_tiles(
        &self,
        tiles: &[Tile],
        opinions: &[Opinion],
        doubts: &[Vec<f32>],
    ) -> Result<Vec<Examined>> {
        let patches = self.manifest.layout.patches();
        let of_tile = |tile: &Tile| (0..patches).map(|i| self.patch_values(tile, i)).collect::<Vec<_>>();
        let values: Vec<Vec<f32>> = tiles.iter().flat_map(of_tile).collect();
        let own = tiles.iter().zip(opinions).zip(doubts);
        let mut all: Vec<Examined> =
            own.map(|((tile, opinion), doubt)| self.examined_by_f0(tile, opinion, doubt)).collect();
        for net in 1..self.models.nets.len() {
            let (mut left, mut place) = (values.as_slice(), 0);
            for (items, size) in plan(values.len(), self.compute.patch_batches()) {
                let (now, later) = left.split_at(items);
                left = later;
                let said = self.answer(net, now, size)?;
                let gated = if self.doubts_at_gate(net) { self.gated(net, now, size)? } else { Vec::new() };
                let mut gated = gated.into_iter();
                for (label, probabilities) in said {
                    let (tile, patch) = (&mut all[place / patches], place % patches);
                    let (own, seen) = gated.next().map_or((None, probabilities), |(l, p)| (Some(l), p));
                    tile.labels[patch].push(label);
                    tile.accepted[patch].push(own);
                    tile.probabilities[patch].push(seen);
                    place += 1;
                }
            }
        }
        Ok(all)
    }

    /// `doubt` [K,H,W] are the probabilities of f0's passes.
    fn examined_by_f0(&self, tile: &Tile, opinion: &Opinion, doubt: &[f32]) -> Examined {
        let patches = self.manifest.layout.patches();
        let pixels = self.manifest.layout.tile.iter().product();
        let own = |index: usize| -> Vec<f32> {
            doubt.chunks(pixels).flat_map(|plane| self.cut_patch(plane, index)).collect()
        };
        let Tile { slice, corner, .. } = *tile;
        Examined {
            slice,
            corner,
            policy_input: [opinion.seen.as_slice(), &opinion.entropy].concat(),
            labels: (0..patches).map(|index| vec![self.cut_patch(&opinion.labels, index)]).collect(),
            probabilities: (0..patches).map(|index| vec![own(index)]).collect(),
            accepted: vec![vec![None]; patches],
        }
    }
}
