//! Everything that made a run, in one JSON object: enough to repeat it.

use crate::bundle::Bundle;
use crate::data::normalise::Range;
use crate::error::Result;
use crate::noise::Noise;
use crate::route::{Choice, Method, Segmenter};
use crate::volume::{Opening, SliceReader};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What a run is made of.
pub struct Evidence<'a> {
    /// Nets and device.
    pub segmenter: &'a Segmenter,
    /// Where they come from.
    pub bundle: &'a Bundle,
    /// The stack's file or folder.
    pub stack: &'a Path,
    /// How it was opened.
    pub opened: Opening,
    /// The stack as it is read.
    pub volume: &'a dyn SliceReader,
    /// Grey values that become 0 and 1.
    pub range: &'a Range,
    /// How patches are sent to nets.
    pub choice: &'a Choice,
    /// What was laid over the slices.
    pub noise: Noise,
    /// Seed of everything that chance decides.
    pub seed: u64,
}

impl Evidence<'_> {
    /// As `run.json` holds it.
    ///
    /// # Errors
    /// Where the bundle can no longer be read.
    pub fn json(&self) -> Result<Value> {
        let manifest = &self.bundle.manifest;
        let paser = self.choice.method == Method::Paser;
        Ok(json!({
            "program": env!("CARGO_PKG_VERSION"),
            "stack": absolute(self.stack),
            "opened": self.opened,
            "volume": self.volume.info(),
            "bundle": {
                "folder": absolute(self.bundle.folder()),
                "name": manifest.name,
                "about": manifest.about,
                "sha256": self.bundle.hash()?,
            },
            "method": self.choice.method,
            "noise": self.noise,
            "lambda": paser.then(|| manifest.lambda_of(self.choice.router)),
            "router": self.choice.router,
            "monte_carlo": manifest.monte_carlo,
            "seed": self.seed,
            "normalisation": { "method": manifest.normalisation, "found": self.range },
            "device": self.segmenter.compute.description,
        }))
    }
}

/// The path from wherever it is repeated.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
