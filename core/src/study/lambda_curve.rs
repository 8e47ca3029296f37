//! IoU and mean cost over λ (Fig. 5b): the paper's policies and the one for every λ, beside the fixed nets, the
//! random router and the oracle.

use super::ground::Ground;
use super::{Context, Figure, Page, Table as Sheet};
use crate::compare::{Row, rows};
use crate::error::Result;
use crate::export::report::svg::{Series, Words, standalone};
use serde_json::json;
use std::time::Instant;

pub(super) fn run(context: &mut Context<'_>) -> Result<Page> {
    let since = Instant::now();
    let ground = Ground::of(context)?;
    let table = ground.table(&ground.segmenter, context, "every net on every patch")?;
    let costs = ground.costs();
    let rows = rows(&ground.segmenter, &table, &ground.samples, &costs, context.seed)?;
    let mean_cost = |row: &Row| row.shares.iter().zip(&costs).map(|(s, c)| s * c).sum::<f64>();
    let kept: Vec<&Row> = rows.iter().filter(|r| r.tvd.is_none()).collect();
    let line = |row: &&Row| {
        let shares: Vec<String> = row.shares.iter().map(|s| format!("{:.1}", 100.0 * s)).collect();
        vec![
            row.method.clone(),
            row.lambda.map_or_else(|| "–".to_owned(), |l| l.to_string()),
            format!("{:.4}", row.iou),
            format!("{:.4}", mean_cost(row)),
            format!("{:.2}", row.flops / 1e9),
            shares.join(" / "),
        ]
    };
    let columns = ["method", "λ", "IoU", "mean cost of a patch (Eq. 3)", "GFLOPs an image", "shares, %"];
    let series = |method: &str, name: &str, colour: [u8; 3]| {
        let mut points: Vec<(f64, f64)> =
            kept.iter().filter(|r| r.method == method).map(|r| (mean_cost(r), r.iou)).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Series { name: name.to_owned(), colour, points, marks: false }
    };
    let fixed = kept.iter().filter(|r| r.method.len() == 2 && r.method.starts_with('f'));
    let mut lines = vec![
        series("paser", "PaSeR, a policy for each λ", [0, 114, 178]),
        series("paser, λ-conditioned", "PaSeR, one for every λ", [0, 158, 115]),
        series("oracle", "oracle", [213, 94, 0]),
        series("random, same shares", "random, same shares", [204, 121, 167]),
    ];
    lines.push(Series {
        name: "f0, f1, f2 alone".to_owned(),
        colour: [60, 60, 60],
        points: fixed.map(|r| (mean_cost(r), r.iou)).collect(),
        marks: true,
    });
    lines.retain(|s| !s.points.is_empty());
    let words =
        Words { title: "IoU over mean cost as λ changes", x: "mean cost of a patch (Eq. 3)", y: "IoU" };
    Ok(Page {
        name: "lambda-curve".to_owned(),
        title: "IoU over cost as λ changes (Fig. 5b)".to_owned(),
        text: vec![format!(
            "Bundle {}, {}. λ = 0, 0.1, 0.3, 0.5, 0.7, 0.9, 1 are the paper's; the mean cost is Eq. 3's, weighted by the shares of the nets.",
            ground.bundle.manifest.name, ground.on
        )],
        tables: vec![Sheet::new("curve", "Methods over λ", &columns, kept.iter().map(line).collect())],
        figures: vec![Figure {
            file: "lambda-curve.svg".to_owned(),
            caption: "IoU over mean cost as λ changes".to_owned(),
            bytes: standalone(&words, &lines, false).into_bytes(),
        }],
        notes: vec![
            "The paper shows only its own policies. The nets alone, a random router with the same shares and the oracle stand on the same axes here, since a router is worth what it adds to them.".to_owned(),
        ],
        figures_json: json!({ "rows": rows, "costs": costs, "on": ground.on }),
        scale: context.scale.name(),
        device: context.compute.description.clone(),
        seconds: since.elapsed().as_secs_f64(),
        seed: context.seed,
    })
}
