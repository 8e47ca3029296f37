//! Honest advice: whether the larger nets gain anything on held-out images beyond noise.

use crate::compare::Table;
use crate::data::dataset::Sample;
use crate::metrics::{Confusion, Paired, paired};
use crate::route::Segmenter;
use serde::Serialize;

/// Fewer images than this say too little; their tiles stand in for them.
const ENOUGH_IMAGES: usize = 5;

/// What a net gains over f0 in a class.
#[derive(Clone, Debug, Serialize)]
pub struct Gain {
    /// Number of the net.
    pub net: usize,
    /// The class; none for the macro IoU.
    pub class: Option<String>,
    /// Difference of IoU, unit by unit; none where fewer than two units have the class.
    pub iou: Option<Paired>,
    /// Whether the 95 % interval lies above 0.
    pub gains: bool,
}

/// What a bundle's larger nets are worth.
#[derive(Clone, Debug, Serialize)]
pub struct Card {
    /// What was compared: "validation images", "tiles of the validation images", ...
    pub units: String,
    /// Number of units.
    pub count: usize,
    /// Each net from f1 on, macro and for each class.
    pub gains: Vec<Gain>,
    /// The advice, for people.
    pub advice: String,
}

impl Card {
    /// From every net's labels in `table`; `held_out` says whether they were kept from training.
    pub(crate) fn of(table: &Table, samples: &[Sample], segmenter: &Segmenter, held_out: bool) -> Self {
        let by_image = table.samples.len() >= ENOUGH_IMAGES;
        let nets = segmenter.models.nets.len();
        let names: Vec<&str> = segmenter.manifest.classes.iter().map(|c| c.name.as_str()).collect();
        let each: Vec<Vec<Confusion>> =
            (0..nets).map(|net| confusions(table, samples, net, names.len(), by_image)).collect();
        let mut gains = Vec::new();
        for net in 1..nets {
            gains.push(gain(net, None, &each, &|c| c.macro_iou()));
            for (k, name) in names.iter().enumerate() {
                gains.push(gain(net, Some(name), &each, &|c| c.iou_per_class()[k]));
            }
        }
        let kind = if held_out { "validation images" } else { "training images (nothing was held out)" };
        let units = if by_image {
            kind.to_owned()
        } else {
            format!("tiles of the {kind}, which are not independent")
        };
        let count = each[0].len();
        let advice = advise(&gains, &units, count, segmenter);
        Self { units, count, gains, advice }
    }
}

/// Confusion of `net` in each unit.
fn confusions(
    table: &Table,
    samples: &[Sample],
    net: usize,
    classes: usize,
    by_image: bool,
) -> Vec<Confusion> {
    let units = if by_image { table.samples.len() } else { table.tiles.len() };
    let mut all: Vec<Confusion> = (0..units).map(|_| Confusion::new(classes)).collect();
    for (t, tile) in table.tiles.iter().enumerate() {
        let sample = &samples[table.samples[tile.examined.slice]];
        let unit = if by_image { tile.examined.slice } else { t };
        for (patch, labels) in tile.patches.iter().zip(&tile.examined.labels) {
            if let Some(at) = patch.at {
                let width = table.layout.patch()[1];
                for y in 0..at.height {
                    let truth = &sample.truth[(at.y + y) * sample.image.size[1] + at.x..][..at.width];
                    all[unit].add(&labels[net][y * width..][..at.width], truth);
                }
            }
        }
    }
    all
}

fn gain(
    net: usize,
    class: Option<&str>,
    each: &[Vec<Confusion>],
    iou: &dyn Fn(&Confusion) -> Option<f64>,
) -> Gain {
    let pairs = each[net].iter().zip(&each[0]).filter_map(|(a, b)| Some((iou(a)?, iou(b)?)));
    let (ours, f0): (Vec<f64>, Vec<f64>) = pairs.unzip();
    let iou = paired(&ours, &f0);
    let gains = iou.as_ref().is_some_and(|p| p.low > 0.0);
    Gain { net, class: class.map(str::to_owned), iou, gains }
}

fn advise(gains: &[Gain], units: &str, count: usize, segmenter: &Segmenter) -> String {
    let on = format!("on {count} {units}");
    let costs = segmenter.costs();
    let patches = segmenter.manifest.layout.patches() as f64;
    let passes = segmenter.manifest.monte_carlo.passes as f64;
    let f0 = costs.f0 as f64 * passes;
    let gaining: Vec<String> = gains
        .iter()
        .filter(|g| g.class.is_none() && g.gains)
        .map(|g| format!("f{} gains {:.4} IoU over f0", g.net, g.iou.as_ref().map_or(0.0, |p| p.mean)))
        .collect();
    if !gaining.is_empty() {
        let flat: Vec<String> = gains
            .iter()
            .filter(|g| g.class.is_some() && !g.gains)
            .map(|g| format!("f{} in {}", g.net, g.class.as_deref().unwrap_or_default()))
            .collect();
        let but = if flat.is_empty() {
            String::new()
        } else {
            format!("; no gain beyond noise: {}", flat.join(", "))
        };
        return format!("{on}, beyond noise (95 %): {}{but}", gaining.join(", "));
    }
    let largest = costs.patch.last().map_or(0.0, |p| *p as f64) * patches;
    format!(
        "{on} no larger net gains over f0 beyond noise (95 %): f0 alone is enough here, and saves {:.1} of {:.1} GFLOPs a tile that f0 and f{} on every patch would cost",
        largest / 1e9,
        (f0 + largest) / 1e9,
        costs.patch.len().saturating_sub(1)
    )
}
