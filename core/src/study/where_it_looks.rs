//! Input, truth, prediction, entropy and route of a slice as one picture (Figs. 6, 7, 9), and how much more of
//! the patches that were sent on is in doubt.

use super::ground::Ground;
use super::{Context, Figure, Page, Table as Sheet};
use crate::compare::{Table, actions};
use crate::data::dataset::Sample;
use crate::error::Result;
use crate::export::png::bytes_rgb;
use crate::metrics::{macro_iou, mean};
use crate::route::tiles::{Rect, paste};
use serde_json::json;
use std::time::Instant;

/// γ of Fig. 7: the paper gives none. Here this part of all pixels lies below it.
const BELOW_GAMMA: f64 = 0.75;
/// Slices pictured.
const SHOWN: usize = 3;
/// Colours of the nets' outlines, as in the window.
const ROUTES: [[u8; 3]; 3] = [[150, 160, 175], [86, 180, 233], [240, 228, 66]];

pub(super) fn run(context: &mut Context<'_>) -> Result<Page> {
    let since = Instant::now();
    let ground = Ground::of(context)?;
    let table = ground.table(&ground.segmenter, context, "every net on every patch")?;
    let manifest = &ground.bundle.manifest;
    let router = manifest.router(manifest.lambda);
    let actions = actions(&ground.segmenter, &table, router)?;
    let nets = manifest.nets.len();
    let gamma = gamma(&table);
    let doubted = doubted(&table, &actions, nets, gamma);
    let figures = (0..table.samples.len().min(SHOWN))
        .map(|place| {
            let sample = &ground.samples[table.samples[place]];
            let (bytes, iou) = picture(&ground, &table, &actions, place, sample)?;
            let iou = iou.map_or_else(String::new, |i| format!(", IoU {i:.3}"));
            Ok(Figure {
                file: format!("where-it-looks_{}.png", place + 1),
                caption: format!("{}: input, truth, PaSeR's labels at λ {}, f0's entropy (white: {:.2} nats and more), net of every patch{iou}", sample.name, manifest.lambda, (manifest.classes.len() as f64).ln()),
                bytes,
            })
        })
        .collect::<Result<Vec<Figure>>>()?;
    let line = |(net, share): (usize, &Option<(f64, usize)>)| {
        let cells = share.map_or(["–".to_owned(), "0".to_owned()], |(s, n)| {
            [format!("{:.1} %", 100.0 * s), n.to_string()]
        });
        vec![format!("f{net}"), cells[1].clone(), cells[0].clone()]
    };
    let sent: Vec<(f64, usize)> = doubted[1..].iter().flatten().copied().collect();
    let more = doubted[0].zip((!sent.is_empty()).then(|| {
        let count: usize = sent.iter().map(|s| s.1).sum();
        sent.iter().map(|(s, n)| s * *n as f64).sum::<f64>() / count.max(1) as f64
    }));
    let told = more.map_or_else(
        || "All patches went to one net, so there is nothing to set beside each other.".to_owned(),
        |((kept, _), sent)| format!("Patches that were sent on have {:+.0} % pixels above γ against those that f0 kept ({:.1} % against {:.1} %). The paper shows one pair of patches with 56 % more.", 100.0 * (sent / kept.max(1e-9) - 1.0), 100.0 * sent, 100.0 * kept),
    );
    Ok(Page {
        name: "where-it-looks".to_owned(),
        title: "Where the policy looks (Figs. 6, 7, 9)".to_owned(),
        text: vec![
            format!(
                "Bundle {}, {}, λ {}. γ is {gamma:.3} nats: three quarters of all pixels lie below it.",
                manifest.name, ground.on, manifest.lambda
            ),
            told.clone(),
        ],
        tables: vec![Sheet::new(
            "doubt",
            "Pixels with an entropy above γ in the patches that went to each net (Fig. 7)",
            &["net", "patches", "pixels above γ"],
            doubted.iter().enumerate().map(line).collect(),
        )],
        figures,
        notes: vec![
            "The paper shows two chosen patches and no γ; here all patches count, and γ is stated."
                .to_owned(),
        ],
        figures_json: json!({ "gamma": gamma, "above": doubted, "on": ground.on }),
        scale: context.scale.name(),
        device: context.compute.description.clone(),
        seconds: since.elapsed().as_secs_f64(),
        seed: context.seed,
    })
}

/// The entropy below which [`BELOW_GAMMA`] of all pixels of the tiles lie.
fn gamma(table: &Table) -> f32 {
    let pixels = table.layout.tile.iter().product();
    let mut all: Vec<f32> =
        table.tiles.iter().flat_map(|t| t.examined.policy_input[pixels..].iter().copied()).collect();
    let place = (BELOW_GAMMA * all.len() as f64) as usize;
    let last = all.len().saturating_sub(1);
    if all.is_empty() { 0.0 } else { *all.select_nth_unstable_by(place.min(last), f32::total_cmp).1 }
}

/// For each net, the share of pixels above γ in its patches, and how many patches went to it.
fn doubted(table: &Table, actions: &[Vec<u8>], nets: usize, gamma: f32) -> Vec<Option<(f64, usize)>> {
    let layout = table.layout;
    let [height, width] = layout.patch();
    let pixels = layout.tile[0] * layout.tile[1];
    let mut shares: Vec<Vec<f64>> = vec![Vec::new(); nets];
    for (tile, actions) in table.tiles.iter().zip(actions) {
        let entropy = &tile.examined.policy_input[pixels..];
        for (index, (patch, action)) in tile.patches.iter().zip(actions).enumerate() {
            let Some(at) = patch.at else { continue };
            let (y, x) = (index / layout.grid[1] * height, index % layout.grid[1] * width);
            let above = (y..y + at.height)
                .flat_map(|row| &entropy[row * layout.tile[1] + x..][..at.width])
                .filter(|e| **e > gamma);
            shares[usize::from(*action)].push(above.count() as f64 / at.area() as f64);
        }
    }
    shares.iter().map(|s| (!s.is_empty()).then(|| (mean(s), s.len()))).collect()
}

/// The panels of a slice side by side, and the IoU of its labels.
fn picture(
    ground: &Ground,
    table: &Table,
    actions: &[Vec<u8>],
    place: usize,
    sample: &Sample,
) -> Result<(Vec<u8>, Option<f64>)> {
    let [rows, columns] = sample.image.size;
    let classes = &ground.bundle.manifest.classes;
    let layout = table.layout;
    let labels = table.stitched(&ground.samples, actions).swap_remove(place);
    let mut entropy = vec![0f32; rows * columns];
    let mut outlines: Vec<(Rect, u8)> = Vec::new();
    let pixels = layout.tile[0] * layout.tile[1];
    for (tile, actions) in table.tiles.iter().zip(actions).filter(|(t, _)| t.examined.slice == place) {
        let [y, x] = tile.examined.corner;
        let at = Rect { y, x, height: layout.tile[0].min(rows - y), width: layout.tile[1].min(columns - x) };
        paste(&mut entropy, columns, at, &tile.examined.policy_input[pixels..], layout.tile[1]);
        outlines.extend(tile.patches.iter().zip(actions).filter_map(|(p, a)| Some((p.at?, *a))));
    }
    let most = (classes.len().max(2) as f32).ln();
    let grey = |v: f32| [(255.0 * v).clamp(0.0, 255.0) as u8; 3];
    let colour = |c: u8| classes.get(usize::from(c)).map_or([0; 3], |c| c.colour);
    let value = |panel: usize, i: usize| match panel {
        0 | 4 => grey(sample.image.planes[0][i]),
        1 => colour(sample.truth[i]),
        2 => colour(labels[i]),
        _ => grey(entropy[i] / most),
    };
    let (panels, gap) = (5, 8);
    let width = panels * columns + (panels - 1) * gap;
    let mut picture = vec![255u8; 3 * width * rows];
    for panel in 0..panels {
        for y in 0..rows {
            for x in 0..columns {
                let to = 3 * (y * width + panel * (columns + gap) + x);
                picture[to..to + 3].copy_from_slice(&value(panel, y * columns + x));
            }
        }
    }
    let left = 4 * (columns + gap);
    for (at, net) in outlines {
        let edge = if net == 0 { 1 } else { 3 };
        let colour = ROUTES[usize::from(net).min(2)];
        for (y, x) in (0..at.height).flat_map(|y| (0..at.width).map(move |x| (y, x))) {
            let inner = [y, x, at.height - 1 - y, at.width - 1 - x].into_iter().min().unwrap_or(0);
            if inner < edge {
                let to = 3 * ((at.y + y) * width + left + at.x + x);
                picture[to..to + 3].copy_from_slice(&colour);
            }
        }
    }
    let iou = macro_iou(&labels, &sample.truth, classes.len());
    Ok((bytes_rgb(width, rows, &picture)?, iou))
}
