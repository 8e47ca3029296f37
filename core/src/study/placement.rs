//! Edge, fog and cloud: a cost of each net in seconds, with the way over a link, in place of C in Eq. 2.

use super::ground::Ground;
use super::{Context, Figure, Page, Table as Sheet};
use crate::compare::{Row, rows};
use crate::error::{Error, Result};
use crate::export::report::svg::{Series, Words, standalone};
use crate::route::Speeds;
use serde_json::json;
use std::time::Instant;

/// Where each net runs.
struct Place {
    name: &'static str,
    /// For each net: how many times faster than here it computes, bits a second of the link to it and seconds
    /// of the link's delay; no link where it runs on the device itself.
    nets: [(f64, Option<(f64, f64)>); 3],
}

/// An edge device with f0; f1 and f2 wherever the scenario puts them.
const PLACES: [Place; 3] = [
    Place { name: "all on the device", nets: [(1.0, None), (1.0, None), (1.0, None)] },
    Place {
        name: "f1 in the fog (10 Mbit/s, 5 ms), f2 in the cloud (1 Mbit/s, 50 ms)",
        nets: [(1.0, None), (4.0, Some((10e6, 0.005))), (50.0, Some((1e6, 0.05)))],
    },
    Place {
        name: "f1 and f2 in the cloud over a slow link (200 kbit/s, 300 ms)",
        nets: [(1.0, None), (50.0, Some((2e5, 0.3))), (50.0, Some((2e5, 0.3)))],
    },
];

/// Bytes of a patch's pixels sent and of its labels sent back, a byte a pixel each.
fn bytes(patch: [usize; 2]) -> f64 {
    2.0 * (patch[0] * patch[1]) as f64
}

pub(super) fn run(context: &mut Context<'_>) -> Result<Page> {
    let since = Instant::now();
    let ground = Ground::of(context)?;
    let manifest = &ground.bundle.manifest;
    if manifest.conditioned.is_none() || manifest.nets.len() != 3 {
        return Err(Error::invalid(
            "this study needs a bundle of three nets with a policy for every λ, which can price nets anew; train one with the quick preset",
        ));
    }
    let speeds = Speeds::measure(&ground.segmenter)?;
    let table = ground.table(&ground.segmenter, context, "every net on every patch")?;
    let patch = manifest.layout.patch();
    let (mut lines, mut priced, mut series, mut facts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (place, colour) in PLACES.iter().zip([[0, 114, 178], [0, 158, 115], [213, 94, 0]]) {
        let seconds: Vec<f64> =
            place.nets.iter().enumerate().map(|(net, at)| seconds(&speeds, net, *at, patch)).collect();
        let total: f64 = seconds.iter().sum();
        let costs: Vec<f64> = seconds.iter().map(|s| s / total.max(f64::MIN_POSITIVE)).collect();
        let change = |m: &mut crate::bundle::Manifest| {
            if let Some(entry) = &mut m.conditioned {
                entry.costs.clone_from(&costs);
            }
        };
        let segmenter = ground.with(change, context)?;
        let rows = rows(&segmenter, &table, &ground.samples, &costs, context.seed)?;
        let ours: Vec<&Row> = rows.iter().filter(|r| r.method == "paser, λ-conditioned").collect();
        let spent = |row: &Row| row.shares.iter().zip(&seconds).map(|(share, s)| share * s).sum::<f64>();
        priced.push(
            std::iter::once(place.name.to_owned())
                .chain(seconds.iter().zip(&costs).map(|(s, c)| format!("{:.1} ms ({c:.3})", 1e3 * s)))
                .collect(),
        );
        lines.extend(ours.iter().map(|row| {
            let shares: Vec<String> = row.shares.iter().map(|s| format!("{:.1}", 100.0 * s)).collect();
            vec![
                place.name.to_owned(),
                row.lambda.map_or_else(String::new, |l| l.to_string()),
                format!("{:.4}", row.iou),
                format!("{:.1}", 1e3 * spent(row)),
                shares.join(" / "),
            ]
        }));
        let mut points: Vec<(f64, f64)> = ours.iter().map(|r| (1e3 * spent(r), r.iou)).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        series.push(Series {
            name: place.name.split(' ').take(4).collect::<Vec<_>>().join(" "),
            colour,
            points,
            marks: false,
        });
        facts.push(json!({ "place": place.name, "seconds": seconds, "costs": costs, "rows": rows }));
    }
    let words = Words { title: "IoU over the time of a patch", x: "ms a patch beyond f0's", y: "IoU" };
    Ok(Page {
        name: "placement".to_owned(),
        title: "Where the nets run: a cost in seconds and bytes sent".to_owned(),
        text: vec![
            format!("Bundle {}, {}. Seconds of each net were measured on this machine; a net elsewhere computes so many times faster and pays for {} bytes over its link and the link's delay. C of Eq. 2 is each net's part of the sum of these seconds.", manifest.name, ground.on, bytes(patch)),
            "The policy for every λ needs no training for that: it learned what each net gains, and the price enters where it decides, argmax((1 − λ) z − λ C / T).".to_owned(),
        ],
        tables: vec![
            Sheet::new("costs", "Time of a patch by net, and C", &["place", "f0", "f1", "f2"], priced),
            Sheet::new("routing", "The routing that follows", &["place", "λ", "IoU", "ms a patch beyond f0's", "shares, %"], lines),
        ],
        figures: vec![Figure {
            file: "placement.svg".to_owned(),
            caption: "IoU over the time of a patch, by place".to_owned(),
            bytes: standalone(&words, &series, false).into_bytes(),
        }],
        notes: vec!["The paper prices nets by their parameters (Eq. 3) and names other costs as future work. Speed-ups and links here are examples, stated in the table, not measurements of a network.".to_owned()],
        figures_json: json!({ "places": facts, "on": ground.on }),
        scale: context.scale.name(),
        device: context.compute.description.clone(),
        seconds: since.elapsed().as_secs_f64(),
        seed: context.seed,
    })
}

/// Seconds that sending a patch to `net` adds.
fn seconds(speeds: &Speeds, net: usize, (faster, link): (f64, Option<(f64, f64)>), patch: [usize; 2]) -> f64 {
    let computing = speeds.patch.get(net).copied().unwrap_or(0.0) / faster;
    computing + link.map_or(0.0, |(bits, delay)| 8.0 * bytes(patch) / bits + delay)
}
