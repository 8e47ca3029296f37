//! Salt and pepper on images that f0 and the policy never saw so (Table 3, Figs. 10 and 11, R3): f1 to fm are
//! trained on clean and noisy images, f0 and the policies stay.

use super::again::{Again, nets, still};
use super::battery_table::chosen;
use super::diary::Curves;
use super::ground::Ground;
use super::{Context, Figure, Page, Scale, Table as Sheet};
use crate::bundle::Bundle;
use crate::compare::{Row, rows};
use crate::data::dataset::{Sample, Split};
use crate::error::Result;
use crate::export::png::bytes_rgb;
use crate::noise::Noise;
use crate::route::Segmenter;
use crate::train::config::{Length, Stage};
use crate::train::{Own, TrainConfig};
use serde_json::json;
use std::fmt::Write;
use std::time::Instant;

/// The paper's: 1 % of the pixels (B1.1).
const NOISE: Noise = Noise::SaltPepper(0.01);

/// The paper's rows: method, clean IoU (Table 1), noisy IoU, degradation in % (Table 3).
const PAPER: [(&str, f64, f64, f64); 2] =
    [("random", 0.7234, 0.5864, -18.94), ("paser", 0.7426, 0.7322, -1.4)];

/// Rows of every way of looking: the bundle or the one with f1 to fm trained again, on clean or noisy images.
struct Looks {
    /// The bundle as it is, clean images.
    before: Vec<Row>,
    /// f1 to fm trained again, clean images.
    after: Vec<Row>,
    /// The bundle as it is, noisy images.
    unprepared: Vec<Row>,
    /// f1 to fm trained again, noisy images: the paper's.
    noisy: Vec<Row>,
}

pub(super) fn run(context: &mut Context<'_>) -> Result<Page> {
    let since = Instant::now();
    let mut ground = Ground::of(context)?;
    let (bundle, curves) = retrained(context, &ground)?;
    let clean = std::mem::take(&mut ground.samples);
    let spoiled = spoiled(&clean, context.seed);
    let segmenter = Segmenter::new(&bundle, context.compute.clone())?;
    let mut look = |samples: &[Sample], again: bool, what: &str| {
        ground.samples = samples.to_vec();
        let segmenter = if again { &segmenter } else { &ground.segmenter };
        let table = ground.table(segmenter, context, what)?;
        rows(segmenter, &table, &ground.samples, &ground.costs(), context.seed)
    };
    let looks = Looks {
        before: look(&clean, false, "clean images")?,
        after: look(&clean, true, "clean images, nets trained again")?,
        unprepared: look(&spoiled, false, "noisy images")?,
        noisy: look(&spoiled, true, "noisy images, nets trained again")?,
    };
    page(context, &ground, &looks, &curves, [&clean, &spoiled], since)
}

/// All samples with noise.
fn spoiled(samples: &[Sample], seed: u64) -> Vec<Sample> {
    let mut noisy = samples.to_vec();
    NOISE.apply_all(&mut noisy, seed);
    noisy
}

/// The bundle with f1 to fm trained on clean and noisy images: from the bundle's own weights at the reduced
/// scale, from fresh ones at the paper's.
fn retrained(context: &mut Context<'_>, ground: &Ground) -> Result<(Bundle, Curves)> {
    let [train, validation] = ground.taught()?.map(<[usize]>::to_vec);
    let all = ground.samples.len();
    let mut samples = ground.samples.clone();
    // other draws than those of the images that are measured on
    samples.extend(spoiled(&ground.samples, context.seed.wrapping_add(1)));
    let both = |numbers: &[usize]| numbers.iter().flat_map(|n| [*n, n + all]).collect::<Vec<usize>>();
    let larger = [both(&train), both(&validation)];
    let count = ground.bundle.manifest.nets.len();
    let mut own = vec![larger; count];
    own[0] = [train.clone(), validation.clone()];
    let first = match context.scale {
        Scale::Paper => nets(ground, &context.compute.device)?.into_iter().take(1).collect(),
        _ => Vec::new(),
    };
    let looked_at = train[..1].to_vec();
    Again {
        ground,
        folder: context.folder_of("noise-robustness", &ground.bundle)?,
        name: "clean and noisy".to_owned(),
        config: config(context, ground),
        samples,
        split: Split { train, validation, test: Vec::new() },
        own: Own { nets: own, policy: looked_at },
        first,
        about: "f1 to fm trained on clean and noisy images, f0 and the policies as they were (paper, B1.1)",
    }
    .bundle(context)
}

fn config(context: &Context<'_>, ground: &Ground) -> TrainConfig {
    let still = still(&ground.bundle.manifest, context.seed);
    let quick = TrainConfig::preset(crate::train::Preset::Quick, 1, 2);
    let stage = |steps, batch, learning_rate| Stage {
        length: Length::Steps(steps),
        batch,
        learning_rate,
        cosine: true,
    };
    let patches = still.layout.patches();
    let stages = match context.scale {
        Scale::Paper => {
            let length = Length::Epochs(200);
            vec![Stage { length, batch: 32 * patches, learning_rate: 1e-4, cosine: false }]
        }
        Scale::Workstation => vec![stage(600, 16, 1e-3), stage(240, 16, 3e-4)],
        Scale::Trial => vec![stage(2, 2, 1e-3)],
    };
    let count = still.pretrain.len();
    let pretrain = (0..count).map(|i| stages[i.min(stages.len() - 1)]).collect();
    let augment = if context.scale == Scale::Paper { still.augment } else { quick.augment };
    TrainConfig { pretrain, augment, ..still }
}

fn same<'a>(rows: &'a [Row], row: &Row) -> Option<&'a Row> {
    rows.iter().find(|r| r.method == row.method && r.lambda == row.lambda && r.tvd == row.tvd)
}

/// Share of the patches that leave f0.
fn upstream(row: &Row) -> Option<f64> {
    row.shares.first().map(|kept| 1.0 - kept)
}

fn degradation(clean: f64, noisy: f64) -> f64 {
    100.0 * (noisy / clean.max(f64::MIN_POSITIVE) - 1.0)
}

fn page(
    context: &Context<'_>,
    ground: &Ground,
    looks: &Looks,
    curves: &Curves,
    images: [&[Sample]; 2],
    since: Instant,
) -> Result<Page> {
    let manifest = &ground.bundle.manifest;
    let shown = chosen(&looks.before, manifest.lambda);
    let mut figures = vec![Figure {
        file: "noise-robustness_upstream.svg".to_owned(),
        caption: "Share of the patches that leave f0 on clean and on noisy images (Fig. 11)".to_owned(),
        bytes: bars(&shown, looks).into_bytes(),
    }];
    figures.extend(curves.figure("noise-robustness"));
    figures.extend(example(ground, images)?);
    Ok(Page {
        name: "noise-robustness".to_owned(),
        title: "Noise that f0 and the policy never saw (Table 3, Figs. 10, 11, R3)".to_owned(),
        text: vec![
            format!("Bundle {}, {}, PaSeR at the bundle's own λ {}. Noise: 1 % of the pixels become black or white, drawn anew for training. f1 to fm were trained {} on clean and noisy images in equal number; f0 and all policies are the bundle's own and never saw noise.", manifest.name, ground.on, manifest.lambda, if context.scale == Scale::Paper { "from fresh weights" } else { "from the bundle's weights" }),
            "Degradation is from the bundle as it is on clean images (Table 1) to the nets trained again on noisy ones (Table 3), relative to the first.".to_owned(),
        ],
        tables: vec![methods(&shown, looks), over_lambda(looks), curves.table()],
        figures,
        notes: notes(&shown, looks),
        figures_json: json!({
            "on": ground.on, "clean": looks.before, "clean_retrained": looks.after,
            "noisy_unprepared": looks.unprepared, "noisy": looks.noisy, "training": curves,
        }),
        scale: context.scale.name(),
        device: context.compute.description.clone(),
        seconds: since.elapsed().as_secs_f64(),
        seed: context.seed,
    })
}

fn methods(chosen: &[&Row], looks: &Looks) -> Sheet {
    let none = || "–".to_owned();
    let line = |row: &&Row| {
        let noisy = same(&looks.noisy, row);
        let iou = |rows: &[Row]| same(rows, row).map_or_else(none, |r| format!("{:.4}", r.iou));
        let paper = PAPER.iter().find(|p| row.method.split(',').next() == Some(p.0));
        let sent =
            |r: Option<&Row>| r.and_then(upstream).map_or_else(none, |share| format!("{:.1}", 100.0 * share));
        vec![
            row.title(),
            format!("{:.4}", row.iou),
            iou(&looks.noisy),
            noisy.map_or_else(none, |n| format!("{:+.2} %", degradation(row.iou, n.iou))),
            paper.map_or_else(none, |p| format!("{:.4} to {:.4}, {:+.2} %", p.1, p.2, p.3)),
            iou(&looks.after),
            iou(&looks.unprepared),
            sent(Some(row)),
            sent(noisy),
        ]
    };
    let columns = [
        "method",
        "IoU, clean",
        "IoU, noisy",
        "degradation",
        "paper",
        "clean, nets trained again",
        "noisy, nets as they were",
        "sent upstream, clean, %",
        "noisy, %",
    ];
    Sheet::new("degradation", "What noise costs (Table 3)", &columns, chosen.iter().map(line).collect())
}

/// Every policy: what it sends upstream, and what it loses.
fn over_lambda(looks: &Looks) -> Sheet {
    let line = |row: &Row| {
        let noisy = same(&looks.noisy, row)?;
        let [clean_share, noisy_share] = [upstream(row)?, upstream(noisy)?].map(|s| 100.0 * s);
        Some(vec![
            row.method.clone(),
            row.lambda?.to_string(),
            format!("{:.4}", row.iou),
            format!("{:.4}", noisy.iou),
            format!("{:+.2} %", degradation(row.iou, noisy.iou)),
            format!("{clean_share:.1}"),
            format!("{noisy_share:.1}"),
            format!("{:+.1}", noisy_share - clean_share),
        ])
    };
    let policies = looks.before.iter().filter(|r| r.method.starts_with("paser") && r.tvd.is_none());
    let columns = [
        "policy",
        "λ",
        "IoU, clean",
        "IoU, noisy",
        "degradation",
        "upstream, clean, %",
        "noisy, %",
        "change",
    ];
    Sheet::new("lambdas", "Every policy", &columns, policies.filter_map(line).collect())
}

fn notes(chosen: &[&Row], looks: &Looks) -> Vec<String> {
    let find = |name: &str| {
        let row = chosen.iter().rev().find(|r| r.method.split(',').next() == Some(name))?;
        same(&looks.noisy, row).map(|noisy| (*row, noisy))
    };
    let mut notes = Vec::new();
    if let (Some((paser, noisy)), Some((random, lost))) = (find("paser"), find("random")) {
        let [ours, theirs] = [degradation(paser.iou, noisy.iou), degradation(random.iou, lost.iou)];
        let verdict = if ours > theirs { "less than" } else { "no less than" };
        notes.push(format!(
            "{} loses {verdict} the random policy: {ours:+.2} % against {theirs:+.2} % (paper: -1.4 % against -18.94 %).",
            paser.method
        ));
        if let (Some(clean), Some(spoiled)) = (upstream(paser), upstream(noisy)) {
            notes.push(format!(
                "It sends {:.1} % of the patches upstream on noisy images and {:.1} % on clean ones, {:+.1} points (paper: 5.7 % more); the random policy sends what it always sends.",
                100.0 * spoiled,
                100.0 * clean,
                100.0 * (spoiled - clean)
            ));
        }
    }
    notes.push("The share sent upstream rises only where f0's labels and entropy tell the policy of the noise; its training never showed it any. Rows of f0 alone say how much f0 itself loses, and so how much the policy could save.".to_owned());
    notes
}

/// Two bars a method: clean and noisy.
fn bars(chosen: &[&Row], looks: &Looks) -> String {
    let routed: Vec<(&Row, [f64; 2])> = chosen
        .iter()
        .filter(|r| r.method.len() > 2)
        .filter_map(|r| Some((*r, [upstream(r)?, upstream(same(&looks.noisy, r)?)?])))
        .collect();
    let (width, left, line) = (760.0, 210.0, 46.0);
    let height = 50.0 + line * routed.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         font-family=\"system-ui,sans-serif\" font-size=\"13\"><rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\
         <text x=\"16\" y=\"24\" font-weight=\"600\">patches sent to larger nets: clean (blue), noisy (orange)</text>"
    );
    for (i, (row, shares)) in routed.iter().enumerate() {
        let top = 40.0 + line * i as f64;
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            left - 8.0,
            top + 22.0,
            row.title()
        );
        for (j, (share, colour)) in shares.iter().zip(["#0072b2", "#e69f00"]).enumerate() {
            let (y, long) = (top + 18.0 * j as f64, share * (width - left - 80.0));
            let _ = write!(
                svg,
                "<rect x=\"{left}\" y=\"{y}\" width=\"{long:.1}\" height=\"16\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{:.1} %</text>",
                left + long + 6.0,
                y + 13.0,
                100.0 * share
            );
        }
    }
    svg + "</svg>"
}

/// A patch of the first image, clean and noisy (Fig. 10).
fn example(ground: &Ground, images: [&[Sample]; 2]) -> Result<Option<Figure>> {
    const ZOOM: usize = 4;
    let Some(number) = ground.numbers.first() else { return Ok(None) };
    let size = ground.bundle.manifest.layout.patch();
    let crops = images.map(|samples| samples[*number].crop([0, 0], size));
    let (height, width) = (size[0] * ZOOM, size[1] * ZOOM);
    let across = 2 * width + ZOOM;
    let mut pixels = vec![255u8; 3 * across * height];
    for (i, crop) in crops.iter().enumerate() {
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let value = (255.0 * crop.values[y / ZOOM * size[1] + x / ZOOM]).clamp(0.0, 255.0) as u8;
            let at = 3 * (y * across + i * (width + ZOOM) + x);
            pixels[at..at + 3].fill(value);
        }
    }
    Ok(Some(Figure {
        file: "noise-robustness_patch.png".to_owned(),
        caption: "A patch of the first image, clean and with noise (Fig. 10)".to_owned(),
        bytes: bytes_rgb(across, height, &pixels)?,
    }))
}
