//! How well the bundle's nets do where the truth is known, as the report shows it.

use std::fmt::Write;

use serde_json::Value;

use super::Report;
use super::page::percent;
use super::svg::escape;
use crate::bundle::Manifest;
use crate::uncertainty::Calibration;

/// What the manifest records and what the calibration counted; what neither holds is said.
pub(super) fn validation(page: &mut String, report: &Report<'_>) {
    let Some(manifest) = report.manifest else { return };
    let _ = writeln!(
        page,
        "<h2>Validation of the bundle</h2><p>{} images trained the bundle, {} others chose λ and the cost curve, {} were \
         kept from both. Trained on: {}. These figures say nothing of this stack itself, which has no truth.</p>",
        manifest.split.train.len(),
        manifest.split.validation.len(),
        manifest.split.test.len(),
        escape(&manifest.about)
    );
    held_out(page, manifest);
    match report.calibration {
        Some(calibration) => confusion(page, manifest, calibration),
        None => {
            *page += "<p>IoU and Dice by class and the confusion are not on record for this bundle; paser evaluate finds \
                      them on labelled slices.</p>\n";
        }
    }
    let names: Vec<String> = manifest
        .split
        .test
        .iter()
        .map(|i| format!("{} ({})", escape(&i.name), &i.sha256[..8.min(i.sha256.len())]))
        .collect();
    if !names.is_empty() {
        let _ = writeln!(page, "<p class=\"small\">Held-out images (SHA-256): {}.</p>", names.join(", "));
    }
}

/// The rows of the manifest's test that a reader compares with: single nets, and the policies at the bundle's λ.
fn held_out(page: &mut String, manifest: &Manifest) {
    let rows = manifest.training.pointer("/validation/test").and_then(Value::as_array);
    let wanted = |row: &&Value| match row["lambda"].as_f64() {
        None => true,
        Some(lambda) => (lambda - manifest.lambda).abs() < 1e-9,
    };
    let rows: Vec<&Value> = rows.into_iter().flatten().filter(wanted).collect();
    if rows.is_empty() {
        *page += "<p>Its manifest holds no figures on held-out images.</p>\n";
        return;
    }
    let on = manifest
        .training
        .pointer("/validation/measured_on")
        .and_then(Value::as_str)
        .unwrap_or("held-out images");
    let _ = writeln!(
        page,
        "<table><thead><tr><th>Method, on its {}</th><th>λ</th><th>Images</th><th>Macro IoU</th><th>GFLOPs an image</th>\
         <th>IoU/GigaFlop</th></tr></thead>",
        escape(on)
    );
    for row in rows {
        let (iou, gflops) = (row["iou"].as_f64().unwrap_or(0.0), row["flops"].as_f64().unwrap_or(0.0) / 1e9);
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{iou:.4}</td><td>{gflops:.2}</td><td>{:.4}</td></tr>",
            escape(row["method"].as_str().unwrap_or_default()),
            row["lambda"].as_f64().map_or_else(String::new, |l| l.to_string()),
            row["images"],
            iou / gflops.max(1e-9)
        );
    }
    *page += "</table>\n";
}

/// IoU, Dice and confusion over the calibration's tested scans.
fn confusion(page: &mut String, manifest: &Manifest, calibration: &Calibration) {
    let counts = &calibration.confusion;
    let [slices, height, width] = calibration.shape;
    let _ = writeln!(
        page,
        "<p>On {} further simulated scans of {slices} x {height} x {width} voxels ({}), segmented by method {} at λ = {}, all \
         voxels counted together:</p><table><thead><tr><th>Truth</th><th>IoU</th><th>Dice</th>",
        calibration.counts[1],
        escape(&calibration.scans),
        calibration.method,
        manifest.lambda_of(calibration.router)
    );
    let names: Vec<String> = manifest.classes.iter().map(|c| escape(&c.name)).collect();
    names.iter().for_each(|name| {
        let _ = write!(page, "<th>segmented as {name}</th>");
    });
    *page += "</tr></thead>\n";
    for (class, row) in counts.iter().enumerate() {
        let own = row[class] as f64;
        let (truth, said) =
            (row.iter().sum::<u64>() as f64, counts.iter().map(|r| r[class]).sum::<u64>() as f64);
        let _ = write!(
            page,
            "<tr><td>{}</td><td>{:.4}</td><td>{:.4}</td>",
            names.get(class).map_or("", String::as_str),
            own / (truth + said - own).max(1.0),
            2.0 * own / (truth + said).max(1.0)
        );
        for n in row {
            let _ = write!(page, "<td>{n} ({})</td>", percent(*n as f64 / truth.max(1.0)));
        }
        *page += "</tr>\n";
    }
    *page += "</table>\n";
}
