//! Which patches went where and what that cost, as the report shows it.

use serde_json::Value;

use crate::export::report::Report;
use crate::export::report::chart::{Chart, Series};
use crate::export::report::parts::{Page, Part, Table, percent};

/// Shares, cost, and where the run lies on the bundle's curve.
pub(super) fn routing(page: &mut Page<'_>, report: &Report<'_>) {
    page.heading("Routing and cost");
    page.table(Table::facts(facts(report)));
    if report.curve.is_empty() {
        return;
    }
    let points = report.curve.iter().map(|p| (p.flops / 1e9, p.iou)).collect();
    let policies =
        Series { name: "the bundle's policies".to_owned(), colour: [0, 114, 178], points, marks: true };
    page.push(Part::Charts(vec![Chart {
        title: "IoU and cost on the bundle's validation slices".to_owned(),
        x: "GFLOPs a slice".to_owned(),
        y: "macro IoU".to_owned(),
        series: std::iter::once(policies).chain(here(report)).collect(),
        zero: false,
    }]));
    let rows = report.curve.iter().map(|p| {
        vec![
            p.lambda.to_string(),
            format!("{:.4}", p.iou),
            format!("{:.3}", p.flops / 1e9),
            format!("{:.4}", p.iou * 1e9 / p.flops),
        ]
    });
    page.table(Table::new(&["λ", "IoU", "GFLOPs", "IoU/GigaFlop"], rows.collect()));
}

fn facts(report: &Report<'_>) -> Vec<(String, String)> {
    let totals = &report.run["totals"];
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    let slices = number(&totals["slices"]).max(1.0);
    let gflops = number(&totals["flops_total"]) / 1e9;
    let shares = report.run["shares"].as_array().into_iter().flatten().enumerate();
    let mut facts: Vec<(String, String)> =
        shares.map(|(i, share)| (format!("Share of f{i}"), percent(number(share)))).collect();
    let speed = slices / report.seconds.max(1e-9);
    facts.extend([
        ("GFLOPs (the paper's count)".to_owned(), format!("{gflops:.3}, {:.3} a slice", gflops / slices)),
        ("GFLOPs executed".to_owned(), format!("{:.3}", number(&totals["flops_run"]) / 1e9)),
        ("Seconds".to_owned(), format!("{:.2}, {speed:.2} slices a second", report.seconds)),
    ]);
    facts
}

/// Where this run's λ lies on the curve that its policy has.
fn here(report: &Report<'_>) -> Option<Series> {
    let (run, manifest) = (&report.run["run"], report.manifest?);
    let lambda = run["lambda"].as_f64()?;
    let curve = match run["router"].get("conditioned") {
        Some(_) => &manifest.conditioned.as_ref()?.curve,
        None => &manifest.curve,
    };
    let point =
        curve.iter().min_by(|a, b| (a.lambda - lambda).abs().total_cmp(&(b.lambda - lambda).abs()))?;
    Some(Series {
        name: format!("this run's policy (λ = {})", point.lambda),
        colour: [213, 94, 0],
        points: vec![(point.flops / 1e9, point.iou)],
        marks: true,
    })
}
