//! What was done, as a paper would say it.

use std::fmt::Write;

use serde_json::Value;

use super::words;
use crate::export::report::Report;
use crate::export::report::parts::{Page, unit};

/// The paragraph that a paper can take over.
pub(super) fn methods(page: &mut Page<'_>, report: &Report<'_>) {
    let run = &report.run["run"];
    let classes: Vec<&str> = report.classes.iter().map(|c| c.name.as_str()).collect();
    let lambda =
        if run["lambda"].is_null() { String::new() } else { format!(", λ = {}", words(&run["lambda"])) };
    let mut text = format!(
        "{} was segmented{} into {} with PaSeR Studio {} (method {}{lambda}, bundle \"{}\", manifest SHA-256 {}, {} Monte \
         Carlo passes, seed {}). Grey values were normalised over the whole volume. ",
        tomogram(&run["volume"]),
        slices(report.run),
        classes.join(", "),
        words(&run["program"]),
        words(&run["method"]),
        words(&run["bundle"]["name"]),
        words(&run["bundle"]["sha256"]),
        words(&run["monte_carlo"]["passes"]),
        words(&run["seed"]),
    );
    if let Ok(bars) = report.bars {
        let _ = write!(text, "{} draws, seed {}: {} ", bars.draws, bars.seed, bars.about);
    }
    if let Ok(measures) = report.measures {
        let m = measures.methods;
        text += &[m.fraction, m.specific_surface, m.connectivity, m.particles, m.correlation].join(" ");
        if measures.phases.iter().any(|p| p.tortuosity.iter().any(Option::is_some)) {
            let _ = write!(text, " {}", m.tortuosity);
        }
    }
    page.heading("Methods");
    page.paragraph(text.trim_end());
}

/// Its size, in voxels and where it is known in a unit.
fn tomogram(volume: &Value) -> String {
    let edge = |name: &str| words(&volume[name]);
    let scale = match &volume["voxel_size"] {
        Value::Null => "of unknown voxel size".to_owned(),
        edges => {
            let unit = unit(&words(&volume["unit"]));
            format!("with voxels of {} {unit} (Z, Y, X)", words(edges))
        }
    };
    let size = [edge("slices"), edge("height"), edge("width")].join(" × ");
    format!("A tomogram of {size} voxels (slices, rows, columns) {scale}")
}

/// Which slices, where not all of them.
fn slices(whole: &Value) -> String {
    let first = whole["first_slice"].as_u64().unwrap_or(1);
    let done = whole["totals"]["slices"].as_u64().unwrap_or(0);
    match whole["run"]["volume"]["slices"].as_u64() {
        Some(all) if done < all => format!(" in its slices {first} to {}", (first + done).saturating_sub(1)),
        _ => String::new(),
    }
}
