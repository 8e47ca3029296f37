//! A comparison as files: the table as CSV, Markdown and JSON, and a plot of IoU over cost.

mod plot;
mod table;

use super::write_atomic;
use crate::bundle::Manifest;
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
    /// How each whole-tile net was trained, by its name.
    pub trained: Vec<Trained<'a>>,
}

/// How a whole-tile net was trained.
#[derive(Clone, Debug, Serialize)]
pub struct Trained<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its schedule, steps and time in words.
    pub schedule: &'a str,
    /// Its loss in words.
    pub loss: &'a str,
}

impl<'a> Comparison<'a> {
    /// Of `rows` on `images` images of a bundle.
    pub fn new(rows: &'a [Row], manifest: &'a Manifest, on: String, noise: Noise) -> Self {
        let named = |name: &str| rows.iter().any(|r| r.method == name);
        let trained = manifest.others.iter().filter(|o| named(&o.name)).map(|o| Trained {
            name: &o.name,
            schedule: o.training["schedule"].as_str().unwrap_or_default(),
            loss: o.training["loss"].as_str().unwrap_or_default(),
        });
        Self {
            rows,
            lambda: manifest.lambda,
            images: rows.iter().map(|r| r.images).max().unwrap_or_default(),
            on,
            noise,
            bundle: &manifest.name,
            classes: manifest.classes.iter().map(|c| c.name.as_str()).collect(),
            trained: trained.collect(),
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
