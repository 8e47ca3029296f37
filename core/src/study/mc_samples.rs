//! Entropy with 5 and 20 Monte Carlo passes (Fig. 5a), and whether one pass without dropout routes as well.

use super::ground::Ground;
use super::statistics::{Box5, welch};
use super::{Context, Figure, Page, Table as Sheet};
use crate::compare::{Row, Table, rows};
use crate::error::Result;
use serde_json::json;
use std::fmt::Write;
use std::time::Instant;

/// A way to ask f0 how unsure it is.
struct Way {
    name: &'static str,
    /// Mean entropy of every patch, in nats.
    entropies: Vec<f64>,
    rows: Vec<Row>,
}

pub(super) fn run(context: &mut Context<'_>) -> Result<Page> {
    let since = Instant::now();
    let ground = Ground::of(context)?;
    let ways = [("5 passes", 5, true), ("20 passes", 20, true), ("one pass without dropout", 1, false)]
        .map(|(name, passes, dropout)| way(&ground, context, name, passes, dropout))
        .into_iter()
        .collect::<Result<Vec<Way>>>()?;
    let test = welch(&ways[0].entropies, &ways[1].entropies);
    let boxes: Vec<Box5> = ways.iter().map(|w| Box5::of(&w.entropies)).collect();
    let spread = ways.iter().zip(&boxes).map(|(w, b)| {
        let figures = [b.low, b.quarter, b.median, b.three_quarters, b.high, b.mean];
        std::iter::once(w.name.to_owned()).chain(figures.map(|f| format!("{f:.4}"))).collect()
    });
    let lambda = ground.bundle.manifest.lambda;
    let routed = ways.iter().map(|w| {
        let row = w.rows.iter().find(|r| r.method.starts_with("paser") && r.lambda == Some(lambda));
        let cell = |f: &dyn Fn(&Row) -> String| row.map_or_else(|| "–".to_owned(), f);
        vec![
            w.name.to_owned(),
            cell(&|r| format!("{:.4}", r.iou)),
            cell(&|r| format!("{:.2}", r.flops / 1e9)),
            cell(&|r| format!("{:.4}", r.iou_per_gigaflop)),
            cell(&|r| r.shares.iter().map(|s| format!("{:.1}", 100.0 * s)).collect::<Vec<_>>().join(" / ")),
            cell(&|r| {
                r.above_random.map_or_else(
                    || "–".to_owned(),
                    |p| format!("{:+.4} [{:+.4}, {:+.4}]", p.mean, p.low, p.high),
                )
            }),
        ]
    });
    let columns = [
        "entropy from",
        "IoU",
        "GFLOPs an image",
        "IoU/GigaFlop",
        "shares, %",
        "above random, same shares (95 %)",
    ];
    let tables = vec![
        Sheet::new(
            "entropy",
            "Mean entropy of a patch in nats (Fig. 5a)",
            &["", "least", "quarter", "median", "three quarters", "largest", "mean"],
            spread.collect(),
        ),
        Sheet::new("routing", &format!("PaSeR at λ {lambda} by each"), &columns, routed.collect()),
    ];
    let names: Vec<&str> = ways.iter().map(|w| w.name).collect();
    let p = test.map_or_else(
        || "no p-value (too few patches)".to_owned(),
        |t| format!("t = {:.3}, {:.0} degrees of freedom, p = {:.4}", t.statistic, t.freedom, t.p),
    );
    Ok(Page {
        name: "mc-samples".to_owned(),
        title: "How many Monte Carlo passes (Fig. 5a), and whether none would do".to_owned(),
        text: vec![
            format!("Bundle {}, {}, {} patches.", ground.bundle.manifest.name, ground.on, ways[0].entropies.len()),
            format!("Welch's t-test of the patches' mean entropies with 5 and with 20 passes: {p}. The paper finds p = 0.6986."),
        ],
        tables,
        figures: vec![Figure {
            file: "mc-samples.svg".to_owned(),
            caption: "Mean entropy of a patch: least, quarters, median, largest".to_owned(),
            bytes: drawing(&names, &boxes).into_bytes(),
        }],
        notes: vec![
            "A t-test that finds no difference does not show that there is none; it compares means only, and patches of one slice are not independent. The quarters stand beside it.".to_owned(),
            "The policies were trained on the entropy of the bundle's own number of passes. One pass without dropout costs a fifth of five; a bundle may choose it (monte_carlo: passes 1, dropout false in its manifest), best with policies trained on it.".to_owned(),
        ],
        figures_json: json!({
            "ways": ways.iter().zip(&boxes).map(|(w, b)| json!({ "name": w.name, "entropy": b, "rows": w.rows })).collect::<Vec<_>>(),
            "welch": test,
            "on": ground.on,
        }),
        scale: context.scale.name(),
        device: context.compute.description.clone(),
        seconds: since.elapsed().as_secs_f64(),
        seed: context.seed,
    })
}

fn way(
    ground: &Ground,
    context: &mut Context<'_>,
    name: &'static str,
    passes: usize,
    dropout: bool,
) -> Result<Way> {
    let change = |m: &mut crate::bundle::Manifest| {
        (m.monte_carlo.passes, m.monte_carlo.dropout) = (passes, dropout);
    };
    let segmenter = ground.with(change, context)?;
    let table = ground.table(&segmenter, context, name)?;
    let rows = rows(&segmenter, &table, &ground.samples, &ground.costs(), context.seed)?;
    Ok(Way { name, entropies: entropies(&table), rows })
}

/// Mean entropy of f0 on every patch that lies in its slice.
fn entropies(table: &Table) -> Vec<f64> {
    let patches = table.tiles.iter().flat_map(|t| &t.patches);
    patches.filter(|p| p.at.is_some()).filter_map(|p| Some(f64::from(p.sureness.first()?.entropy))).collect()
}

/// Box plots side by side.
fn drawing(names: &[&str], boxes: &[Box5]) -> String {
    let (width, height, left, top, bottom) = (760.0, 420.0, 70.0, 30.0, 50.0);
    let most = boxes.iter().map(|b| b.high).fold(0.1, f64::max);
    let y = |v: f64| height - bottom - v / most * (height - top - bottom);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         font-family=\"system-ui,sans-serif\" font-size=\"13\"><rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\
         <text x=\"16\" y=\"20\">mean entropy of a patch, nats</text>"
    );
    for i in 0..=4 {
        let value = most * f64::from(i) / 4.0;
        let _ = write!(
            svg,
            "<path d=\"M{left} {0:.1}H{1}\" stroke=\"#ddd\"/><text x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\">{value:.2}</text>",
            y(value),
            width - 20.0,
            left - 8.0,
            y(value) + 4.0
        );
    }
    for (i, (name, b)) in names.iter().zip(boxes).enumerate() {
        let middle = left + (i as f64 + 0.5) * (width - left - 20.0) / names.len() as f64;
        let (x0, x1) = (middle - 45.0, middle + 45.0);
        let _ = write!(
            svg,
            "<path d=\"M{middle} {:.1}V{:.1}M{middle} {:.1}V{:.1}\" stroke=\"#0072b2\"/>\
             <rect x=\"{x0}\" y=\"{:.1}\" width=\"90\" height=\"{:.1}\" fill=\"#cfe5f3\" stroke=\"#0072b2\"/>\
             <path d=\"M{x0} {:.1}H{x1}\" stroke=\"#0072b2\" stroke-width=\"2.5\"/>\
             <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{name}</text>",
            y(b.low),
            y(b.quarter),
            y(b.three_quarters),
            y(b.high),
            y(b.three_quarters),
            y(b.quarter) - y(b.three_quarters),
            y(b.median),
            height - 20.0
        );
    }
    svg + "</svg>"
}
