//! A comparison as files: the table as CSV, Markdown and JSON, and a plot of IoU over cost.

mod plot;
mod table;

use super::write_atomic;
use crate::bundle::{Manifest, WholeEntry};
use crate::compare::Row;
use crate::error::{Error, Result};
use crate::noise::Noise;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What was compared on what.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison<'a> {
    /// The methods.
    pub rows: &'a [Row],
    /// λ of the bundle.
    pub lambda: f64,
    /// Images in all.
    pub images: usize,
    /// What the images are, in words.
    pub on: String,
    /// What was laid over them.
    pub noise: Noise,
    /// Name of the bundle.
    pub bundle: &'a str,
    /// Names of the classes in order.
    pub classes: Vec<&'a str>,
    /// How the nets were trained: the bundle's own and its policies first, then each whole-tile net.
    pub trained: Vec<Trained>,
}

/// How nets were trained.
#[derive(Clone, Debug, Serialize)]
pub struct Trained {
    /// Name of the net, or "f0, f1, ... and policies".
    pub name: String,
    /// Schedule, steps and time in words.
    pub schedule: String,
    /// What was minimised, in words; empty for PaSeR's own.
    pub loss: String,
}

/// Steps and wall seconds of PaSeR's own stages.
fn own(manifest: &Manifest) -> Option<Trained> {
    let stage = |stage: &serde_json::Value| {
        let (steps, seconds) = (stage["steps"].as_u64()?, stage["seconds"].as_f64()?);
        let name = stage["name"].as_str()?;
        (steps > 0).then(|| format!("{name} {steps} steps in {seconds:.0} s"))
    };
    let told: Vec<String> = stages(&manifest.training).into_iter().filter_map(stage).collect();
    let name = "f0, f1, ... and policies".to_owned();
    (!told.is_empty()).then(|| Trained { name, schedule: told.join(", "), loss: String::new() })
}

/// The stages of a training and of those that it went on from, the oldest first.
fn stages(training: &serde_json::Value) -> Vec<&serde_json::Value> {
    let before = training.pointer("/started_from/training");
    let mut all = before.map(stages).unwrap_or_default();
    all.extend(training["stages"].as_array().into_iter().flatten());
    all
}

impl<'a> Comparison<'a> {
    /// Of `rows` on `images` images of a bundle.
    pub fn new(rows: &'a [Row], manifest: &'a Manifest, on: String, noise: Noise) -> Self {
        let named = |name: &str| rows.iter().any(|r| r.method == name);
        let said = |o: &WholeEntry, what: &str| o.training[what].as_str().unwrap_or_default().to_owned();
        let others = manifest.others.iter().filter(|o| named(&o.name)).map(|o| Trained {
            name: o.name.clone(),
            schedule: said(o, "schedule"),
            loss: said(o, "loss"),
        });
        Self {
            rows,
            lambda: manifest.lambda,
            images: rows.iter().map(|r| r.images).max().unwrap_or_default(),
            on,
            noise,
            bundle: &manifest.name,
            classes: manifest.classes.iter().map(|c| c.name.as_str()).collect(),
            trained: own(manifest).into_iter().chain(others).collect(),
        }
    }

    /// Writes comparison.csv, .json, .md and .svg into `folder` and says where they are.
    ///
    /// # Errors
    /// Where one exists already and `force` is not given, or cannot be written; none is written then.
    pub fn write(&self, folder: &Path, force: bool) -> Result<Vec<PathBuf>> {
        let json = serde_json::to_vec_pretty(self)
            .map_err(|e| Error::invalid(format!("the comparison cannot be written down ({e})")))?;
        let files = [
            ("csv", table::csv(self).into_bytes()),
            ("json", json),
            ("md", table::markdown(self).into_bytes()),
            ("svg", plot::svg(self).into_bytes()),
        ]
        .map(|(end, bytes)| (folder.join(format!("comparison.{end}")), bytes));
        if let Some((taken, _)) = files.iter().find(|(path, _)| !force && path.exists()) {
            return Err(Error::Exists(taken.clone()));
        }
        std::fs::create_dir_all(folder).map_err(|e| Error::io("cannot create", folder, e))?;
        for (path, bytes) in &files {
            write_atomic(path, bytes, force)?;
        }
        Ok(files.into_iter().map(|(path, _)| path).collect())
    }

    /// The table as text for a terminal.
    pub fn text(&self) -> String {
        table::text(self)
    }
}
