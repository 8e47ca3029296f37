//! How well the bundle's nets do where the truth is known, as the report shows it.

use serde_json::Value;

use crate::bundle::Manifest;
use crate::export::report::Report;
use crate::export::report::parts::{Page, Table, percent};
use crate::uncertainty::Calibration;

/// What the manifest records and what the calibration counted; what neither holds is said.
pub(super) fn validation(page: &mut Page<'_>, report: &Report<'_>) {
    let Some(manifest) = report.manifest else { return };
    let split = &manifest.split;
    page.heading("Validation of the bundle");
    page.paragraph(format!(
        "{} images trained the bundle, {} others chose λ and the cost curve, {} were kept from both. Trained on: {}. These \
         figures say nothing of this stack itself, which has no truth.",
        split.train.len(),
        split.validation.len(),
        split.test.len(),
        manifest.about
    ));
    held_out(page, manifest);
    match report.calibration {
        Some(calibration) => confusion(page, manifest, calibration),
        None => page.paragraph(
            "IoU and Dice by class and the confusion are not on record for this bundle; paser evaluate finds them on \
             labelled slices.",
        ),
    }
    let short = |sha: &str| sha.chars().take(8).collect::<String>();
    let names: Vec<String> =
        split.test.iter().map(|i| format!("{} ({})", i.name, short(&i.sha256))).collect();
    if !names.is_empty() {
        page.small(format!("Held-out images (SHA-256): {}.", names.join(", ")));
    }
}

/// The rows of the manifest's test that a reader compares with: single nets, and the policies at the bundle's λ.
fn held_out(page: &mut Page<'_>, manifest: &Manifest) {
    let rows = manifest.training.pointer("/validation/test").and_then(Value::as_array);
    let wanted = |row: &&Value| match row["lambda"].as_f64() {
        None => true,
        Some(lambda) => (lambda - manifest.lambda).abs() < 1e-9,
    };
    let rows: Vec<Vec<String>> = rows.into_iter().flatten().filter(wanted).map(judged).collect();
    if rows.is_empty() {
        page.paragraph("Its manifest holds no figures on held-out images.");
        return;
    }
    let on = manifest.training.pointer("/validation/measured_on").and_then(Value::as_str);
    let method = format!("Method, on its {}", on.unwrap_or("held-out images"));
    let head = [&*method, "λ", "Images", "Macro IoU", "GFLOPs an image", "IoU/GigaFlop"];
    page.table(Table::new(&head, rows));
}

fn judged(row: &Value) -> Vec<String> {
    let (iou, gflops) = (row["iou"].as_f64().unwrap_or(0.0), row["flops"].as_f64().unwrap_or(0.0) / 1e9);
    vec![
        row["method"].as_str().unwrap_or_default().to_owned(),
        row["lambda"].as_f64().map_or_else(String::new, |l| l.to_string()),
        row["images"].to_string(),
        format!("{iou:.4}"),
        format!("{gflops:.2}"),
        format!("{:.4}", iou / gflops.max(1e-9)),
    ]
}

/// IoU, Dice and confusion over the calibration's tested scans.
fn confusion(page: &mut Page<'_>, manifest: &Manifest, calibration: &Calibration) {
    let [slices, height, width] = calibration.shape;
    page.paragraph(format!(
        "On {} further simulated scans of {slices} × {height} × {width} voxels ({}), segmented by method {} at λ = {}, all \
         voxels counted together:",
        calibration.counts[1],
        calibration.scans,
        calibration.method,
        manifest.lambda_of(calibration.router)
    ));
    let names = || manifest.classes.iter().map(|c| c.name.as_str());
    let mut head = vec!["Truth".to_owned(), "IoU".to_owned(), "Dice".to_owned()];
    head.extend(names().map(|name| format!("segmented as {name}")));
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let rows = names().enumerate().map(|(class, name)| counted(name, &calibration.confusion, class));
    page.table(Table::new(&head, rows.collect()));
}

/// What became of a class: IoU, Dice, and its voxels by the class that they were given.
fn counted(name: &str, counts: &[Vec<u64>], class: usize) -> Vec<String> {
    let row = counts.get(class).map_or(&[][..], Vec::as_slice);
    let at = |row: &[u64]| row.get(class).copied().unwrap_or(0);
    let (own, truth) = (at(row) as f64, row.iter().sum::<u64>() as f64);
    let said = counts.iter().map(|row| at(row)).sum::<u64>() as f64;
    let mut cells = vec![
        name.to_owned(),
        format!("{:.4}", own / (truth + said - own).max(1.0)),
        format!("{:.4}", 2.0 * own / (truth + said).max(1.0)),
    ];
    cells.extend(row.iter().map(|n| format!("{n} ({})", percent(*n as f64 / truth.max(1.0)))));
    cells
}
