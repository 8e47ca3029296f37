//! Tables 1 and 2 (left half), the percentages of R1 and R2, and the bars of Fig. 1, on a data set of the user's.

use super::ground::Ground;
use super::{Context, Figure, Page, Table as Sheet};
use crate::compare::{Row, Wanted, compare};
use crate::error::Result;
use crate::event::Progress;
use serde_json::json;
use std::fmt::Write;
use std::time::Instant;

/// Images that the paper's FLOPs are summed over.
const PAPER_IMAGES: f64 = 40.0;

/// The paper's rows: name, the methods of this program that stand for it, IoU, FLOPs (Tables 1 and 2).
const PAPER: [(&str, &[&str], f64, f64); 8] = [
    ("MatPhase", &["matphase"], 0.8144, 2.11e12),
    ("DeepLabV3+", &["deeplabv3plus"], 0.7817, 1.55e12),
    ("SegFormer", &["segformer", "segformer-b0"], 0.7692, 5.84e11),
    ("EfficientViT", &["efficientvit", "efficientvit-b0"], 0.7765, 4.34e11),
    ("IDK-Cascade", &["idk"], 0.6987, 4.20e11),
    ("IDK-Cascade (IoU match)", &["idk-match"], 0.7444, 1.54e12),
    ("PaSeR-RandPol.", &["random"], 0.7234, 5.33e11),
    ("PaSeR", &["paser", "paser, λ-conditioned"], 0.7426, 1.51e11),
];

/// IoU/GigaFlop of one of the paper's rows.
fn worth(iou: f64, flops: f64) -> f64 {
    iou / (flops / 1e9)
}

pub(super) fn run(context: &mut Context<'_>) -> Result<Page> {
    let since = Instant::now();
    let ground = Ground::of(context)?;
    let (seed, control) = (context.seed, context.control);
    let events = &mut *context.events;
    let mut progress = |what: &str, done: usize, total: usize| {
        events(Progress {
            what: what.to_owned(),
            done,
            total,
            epoch: None,
            seconds_left: None,
            seconds_left_in_all: None,
            figures: Vec::new(),
            picture: None,
            note: None,
        });
    };
    let wanted = Wanted { timed: true, ..Wanted::default() };
    let rows = compare(
        &ground.segmenter,
        &ground.samples,
        &ground.numbers,
        &wanted,
        (seed, control),
        &mut progress,
    )?;
    let lambda = ground.bundle.manifest.lambda;
    let ours = chosen(&rows, lambda);
    let figure = Figure {
        file: "battery-table_bars.svg".to_owned(),
        caption: format!("IoU/GigaFlop of every method (Fig. 1), PaSeR at λ {lambda}; bars by the logarithm"),
        bytes: bars(&ours).into_bytes(),
    };
    Ok(Page {
        name: "battery-table".to_owned(),
        title: "Every method side by side (Tables 1 and 2, left half; R1, R2; Fig. 1)".to_owned(),
        text: vec![
            format!(
                "Bundle {}, {}; PaSeR at the bundle's own λ {lambda}, all other λ in the JSON. The paper's FLOPs are sums over its {PAPER_IMAGES} test images of 224x256; both are given for one image here.",
                ground.bundle.manifest.name, ground.on
            ),
            format!(
                "PaSeR's nets and policies: {}. Rows marked reduced are smaller than the paper's.",
                ground.bundle.manifest.about
            ),
        ],
        tables: vec![methods(&ours), advantage(&ours)],
        figures: vec![figure],
        notes: notes(&ours, &rows),
        figures_json: json!({ "rows": rows, "on": ground.on }),
        scale: context.scale.name(),
        device: context.compute.description.clone(),
        seconds: since.elapsed().as_secs_f64(),
        seed,
    })
}

/// One row a method; PaSeR's at λ.
pub(super) fn chosen(rows: &[Row], lambda: f64) -> Vec<&Row> {
    let policy = |r: &&Row| r.method.starts_with("paser") || r.method == "oracle";
    let mut chosen: Vec<&Row> = Vec::new();
    for row in rows.iter().filter(|r| r.tvd.is_none() && !r.method.starts_with("random,")) {
        let wanted = !policy(&row) || row.lambda == Some(lambda);
        if wanted && chosen.iter().all(|c| c.method != row.method) {
            chosen.push(row);
        }
    }
    chosen
}

/// The paper's row that a method stands for.
fn paper(row: &Row) -> Option<&'static (&'static str, &'static [&'static str], f64, f64)> {
    PAPER.iter().find(|p| p.1.contains(&row.method.as_str()))
}

fn methods(ours: &[&Row]) -> Sheet {
    let line = |row: &&Row| {
        let said = paper(row);
        let of = |f: &dyn Fn(f64, f64) -> String| said.map_or_else(|| "–".to_owned(), |p| f(p.2, p.3));
        let shares: Vec<String> = row.shares.iter().map(|s| format!("{:.1}", 100.0 * s)).collect();
        vec![
            row.title(),
            said.map_or_else(|| "–".to_owned(), |p| p.0.to_owned()),
            format!("{:.4}", row.iou),
            of(&|iou, _| format!("{iou:.4}")),
            format!("{:.2}", row.flops / 1e9),
            of(&|_, flops| format!("{:.2}", flops / PAPER_IMAGES / 1e9)),
            format!("{:.3e}", row.iou_per_gigaflop),
            of(&|iou, flops| format!("{:.3e}", worth(iou, flops))),
            row.seconds.map_or_else(|| "–".to_owned(), |s| format!("{:.2}", s / row.images.max(1) as f64)),
            shares.join(" / "),
        ]
    };
    let columns = [
        "method",
        "the paper's row",
        "IoU",
        "paper",
        "GFLOPs an image",
        "paper",
        "IoU/GigaFlop over all images",
        "paper",
        "s an image",
        "shares, %",
    ];
    Sheet::new("methods", "Methods side by side", &columns, ours.iter().map(line).collect())
}

/// PaSeR's IoU/GigaFlop over each row's, and its IoU less the row's, as R1 and R2 state them.
fn advantage(ours: &[&Row]) -> Sheet {
    let Some(paser) = ours.iter().rev().find(|r| r.method.starts_with("paser")) else {
        return Sheet::new("advantage", "PaSeR beside each row", &["method"], Vec::new());
    };
    let theirs = PAPER[PAPER.len() - 1];
    let line = |row: &&Row| {
        let said = paper(row).filter(|p| p.0 != theirs.0);
        let more = said.map(|p| 100.0 * (worth(theirs.2, theirs.3) / worth(p.2, p.3) - 1.0));
        vec![
            row.title(),
            format!("{:+.0} %", 100.0 * (paser.iou_per_gigaflop / row.iou_per_gigaflop - 1.0)),
            more.map_or_else(|| "–".to_owned(), |m| format!("{m:+.0} %")),
            format!("{:+.4}", paser.iou - row.iou),
            said.map_or_else(|| "–".to_owned(), |p| format!("{:+.4}", theirs.2 - p.2)),
        ]
    };
    let columns = ["against", "PaSeR's IoU/GigaFlop", "paper", "PaSeR's IoU", "paper"];
    let others = ours.iter().filter(|r| r.method != paser.method && r.method != "oracle");
    Sheet::new("advantage", "PaSeR beside each row (R1, R2)", &columns, others.map(line).collect())
}

fn notes(ours: &[&Row], rows: &[Row]) -> Vec<String> {
    let mut notes = Vec::new();
    let missing: Vec<&str> = PAPER
        .iter()
        .filter(|p| rows.iter().all(|r| !p.1.contains(&r.method.as_str())))
        .map(|p| p.0)
        .collect();
    if !missing.is_empty() {
        notes.push(format!(
            "Missing here: {}. `paser train --model NAME --out BUNDLE` trains a net on the bundle's own images and puts it beside the others.",
            missing.join(", ")
        ));
    }
    let paser = ours.iter().rev().find(|r| r.method.starts_with("paser"));
    let better = |r: &&&Row| {
        let routed = r.method.starts_with("paser") || r.method == "oracle";
        !routed && paser.is_some_and(|p| r.iou >= p.iou && r.flops <= p.flops)
    };
    let better: Vec<String> = ours.iter().filter(better).map(|r| r.title()).collect();
    notes.push(if better.is_empty() {
        "No other row is at once at least as good and at most as dear as PaSeR.".to_owned()
    } else {
        format!("At least as good as PaSeR at no more cost: {}. The paper leaves the nets alone out of its table.", better.join(", "))
    });
    notes
}

/// One bar a method, by the logarithm of its IoU/GigaFlop.
fn bars(ours: &[&Row]) -> String {
    let (width, left, line) = (820.0, 250.0, 26.0);
    let height = 50.0 + line * ours.len() as f64;
    let logs: Vec<f64> = ours.iter().map(|r| r.iou_per_gigaflop.max(1e-9).log10()).collect();
    let low = logs.iter().copied().fold(f64::INFINITY, f64::min) - 0.2;
    let high = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max).max(low + 0.1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         font-family=\"system-ui,sans-serif\" font-size=\"13\"><rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\
         <text x=\"16\" y=\"24\" font-weight=\"600\">IoU/GigaFlop, by the logarithm</text>"
    );
    for (i, (row, log)) in ours.iter().zip(&logs).enumerate() {
        let y = 40.0 + line * i as f64;
        let long = (log - low) / (high - low) * (width - left - 110.0);
        let colour = if row.method.starts_with("paser") { "#0072b2" } else { "#9aa3ad" };
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect x=\"{left}\" y=\"{y}\" width=\"{long:.1}\" \
             height=\"18\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{}\">{:.2e}</text>",
            left - 8.0,
            y + 14.0,
            row.title(),
            left + long + 6.0,
            y + 14.0,
            row.iou_per_gigaflop
        );
    }
    svg + "</svg>"
}
