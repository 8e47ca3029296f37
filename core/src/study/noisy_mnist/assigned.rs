//! Which net the images of each noise went to.

use crate::compare::{Table, actions};
use crate::error::Result;
use crate::hash::Stream;
use crate::route::{Router, Segmenter};

/// Test images by noise (rows) and by the net that they went to (columns).
pub(super) struct Assigned {
    pub(super) name: String,
    pub(super) matrix: [[usize; 3]; 3],
    pub(super) shares: Vec<f64>,
}

impl Assigned {
    fn of(name: String, actions: &[Vec<u8>], digits: usize) -> Self {
        let mut matrix = [[0usize; 3]; 3];
        for (i, net) in actions.iter().flatten().enumerate() {
            matrix[(i / digits).min(2)][usize::from(*net).min(2)] += 1;
        }
        let total = actions.len().max(1) as f64;
        let shares =
            (0..3).map(|net| matrix.iter().map(|row| row[net]).sum::<usize>() as f64 / total).collect();
        Self { name, matrix, shares }
    }

    /// Share of the images that went to the net trained on their noise.
    pub(super) fn accuracy(&self) -> f64 {
        let right: usize = (0..3).map(|i| self.matrix[i][i]).sum();
        right as f64 / self.matrix.iter().flatten().sum::<usize>().max(1) as f64
    }
}

/// Where PaSeR at each TVD, the cascades and chance send every image.
pub(super) fn assigned(
    segmenter: &Segmenter,
    table: &Table,
    digits: usize,
    seed: u64,
) -> Result<Vec<Assigned>> {
    let mut all = Vec::new();
    for (i, entry) in segmenter.manifest.policies.iter().enumerate() {
        let name = format!("paser, TVD {:.0} %", 100.0 * entry.tvd.unwrap_or(0.0));
        all.push(Assigned::of(name, &actions(segmenter, table, Router::Fixed(i))?, digits));
    }
    if let Some(cascade) = &segmenter.manifest.cascade {
        all.push(Assigned::of("idk".to_owned(), &cascade.chosen.decide(table), digits));
    }
    let mut chance = Stream::new(seed, "noisy-mnist random");
    let random: Vec<Vec<u8>> = table.tiles.iter().map(|_| vec![chance.below(3) as u8]).collect();
    all.push(Assigned::of("random".to_owned(), &random, digits));
    Ok(all)
}
