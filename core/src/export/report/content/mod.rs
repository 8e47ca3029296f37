//! What the report of a run says.

mod errors;
mod figures;
mod methods;
mod routing;
mod validation;

use serde_json::Value;

use super::Report;
use super::parts::{Page, Part, Table, percent, unit};

/// All of it.
pub(super) fn page<'a>(report: &Report<'a>) -> Page<'a> {
    let calibrated = !report.run["run"]["volume"]["voxel_size"].is_null();
    let mut page = Page {
        title: format!("{}: segmentation report", report.name),
        mark: (!calibrated).then_some("UNCALIBRATED"),
        parts: Vec::new(),
    };
    if !calibrated {
        page.note(
            "The voxel size of this stack is unknown: all lengths are in voxels, which are taken for cubes. State it in \
             the file and run again before any length is cited.",
        );
    }
    methods::methods(&mut page, report);
    provenance(&mut page, report.run);
    match report.measures {
        Ok(measures) => {
            figures::figures(&mut page, report, measures);
            errors::errors(&mut page, report.bars);
        }
        Err(why) => {
            fractions(&mut page, report);
            page.note(format!("Surfaces, connectivity and transport were not measured: {why}"));
        }
    }
    routing::routing(&mut page, report);
    validation::validation(&mut page, report);
    if !report.preview.is_empty() {
        page.heading("The middle slice");
        page.push(Part::Legend(report.classes.iter().map(|c| (c.name.clone(), c.colour)).collect()));
        page.push(Part::Picture(report.preview, "labels of the middle slice"));
    }
    page
}

/// A value as words.
fn words(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(n) => n.to_string(),
        Value::Array(list) => list.iter().map(words).collect::<Vec<_>>().join(" × "),
        Value::Object(map) => {
            let stated = map.iter().map(|(name, value)| (name, words(value))).filter(|(_, v)| v != "-");
            let all: Vec<String> = stated.map(|(name, value)| format!("{name} {value}")).collect();
            if all.is_empty() { "-".to_owned() } else { all.join(", ") }
        }
        other => other.to_string(),
    }
}

fn provenance(page: &mut Page<'_>, whole: &Value) {
    let run = &whole["run"];
    let volume = &run["volume"];
    let unit = Value::String(unit(&words(&volume["unit"])));
    let facts = [
        ("Stack", &run["stack"]),
        ("Input SHA-256", &run["input_sha256"]),
        ("Type of values", &volume["dtype"]),
        ("Voxel size Z, Y, X", &volume["voxel_size"]),
        ("Unit", &unit),
        ("Raw description, dataset, axes, crop, binning", &run["opened"]),
        ("First slice", &whole["first_slice"]),
        ("Bundle", &run["bundle"]["name"]),
        ("Bundle manifest SHA-256", &run["bundle"]["sha256"]),
        ("Method", &run["method"]),
        ("λ", &run["lambda"]),
        ("Shift of the routing (TVD)", &run["tvd"]),
        ("Seed", &run["seed"]),
        ("Normalisation", &run["normalisation"]),
        ("Device", &run["device"]["name"]),
        ("Driver", &run["device"]["driver"]),
        ("Program", &run["program"]),
    ];
    page.heading("Provenance");
    page.table(Table::facts(facts.map(|(name, value)| (name.to_owned(), words(value))).to_vec()));
}

/// Fractions alone, where nothing else was measured.
fn fractions(page: &mut Page<'_>, report: &Report<'_>) {
    let part = |i: usize| percent(report.run["fractions"][i].as_f64().unwrap_or(0.0));
    let rows =
        report.classes.iter().enumerate().map(|(i, class)| vec![class.name.clone(), part(i)]).collect();
    page.heading("Phases");
    page.table(Table::new(&["Phase", "Fraction"], rows));
}
