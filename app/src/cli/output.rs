//! Results to stdout, progress to stderr.

use super::Common;
use indicatif::{ProgressBar, ProgressStyle};
use paser_core::{Error, Result};
use serde::Serialize;
use std::io::Write;

impl Common {
    /// Prints `value` as one JSON document, or `text` for people.
    pub(super) fn print<T: Serialize>(&self, value: &T, text: &str) -> Result<()> {
        let text = if self.json {
            serde_json::to_string_pretty(value).map_err(|e| Error::invalid(e.to_string()))?
        } else {
            text.trim_end().to_owned()
        };
        // a closed pipe is the reader's choice, not an error
        let _ = writeln!(std::io::stdout(), "{text}");
        Ok(())
    }
}

/// A progress bar on stderr with time left, counting `unit`s.
pub(super) fn bar(total: usize, unit: &str) -> ProgressBar {
    let bar = ProgressBar::new(total as u64);
    let line = format!("{{msg}} {{wide_bar}} {{pos}}/{{len}} {unit}, {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&line) {
        bar.set_style(style);
    }
    bar
}

/// Shares as text: "f0 55.0 %, f1 33.0 %, f2 12.0 %".
pub(super) fn shares(shares: &[f64]) -> String {
    let part = |(i, s): (usize, &f64)| format!("f{i} {:.1} %", 100.0 * s);
    shares.iter().enumerate().map(part).collect::<Vec<_>>().join(", ")
}
