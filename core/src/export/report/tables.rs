//! The report's numbers as CSV: long format, dot decimal, units in the headers.

use std::fmt::Write;

use crate::measure::{AXES, Measures};
use crate::uncertainty::ErrorBars;

/// A field, quoted where it must be.
fn field(text: &str) -> String {
    let plain = !text.contains([',', '"', '\n', '\r']);
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// Every table by its name.
pub(super) fn all(measures: &Measures, bars: Option<&ErrorBars>) -> [(&'static str, String); 4] {
    [
        ("phases", phases(measures, bars)),
        ("profiles", profiles(measures)),
        ("correlation", correlation(measures)),
        ("particles", particles(measures)),
    ]
}

/// One figure a line, with its error bar where it has one.
fn phases(measures: &Measures, bars: Option<&ErrorBars>) -> String {
    let unit = &measures.scale.unit;
    let mut text = String::from("phase,value,quantity,axis,unit,figure,expected,low_95,high_95\n");
    for p in &measures.phases {
        for f in p.figures(unit) {
            let (name, unit) = (field(&p.name), field(&f.unit));
            let bar = bars.and_then(|b| b.of(&p.name, f.quantity, f.axis));
            let bar = bar.map_or_else(|| ",,".to_owned(), |b| format!("{},{},{}", b.mean, b.low, b.high));
            let _ = writeln!(text, "{name},{},{},{},{unit},{},{bar}", p.value, f.quantity, f.axis, f.value);
        }
    }
    text
}

fn profiles(measures: &Measures) -> String {
    let unit = &measures.scale.unit;
    let mut text = format!("phase,axis,plane,position_{unit},fraction\n");
    for p in &measures.phases {
        for (a, profile) in [&p.profiles.z, &p.profiles.y, &p.profiles.x].into_iter().enumerate() {
            for (i, f) in profile.iter().enumerate() {
                let at = (i as f64 + 0.5) * measures.scale.voxel[a];
                let _ = writeln!(text, "{},{},{},{at},{f}", field(&p.name), AXES[a], i + 1);
            }
        }
    }
    text
}

fn correlation(measures: &Measures) -> String {
    let unit = &measures.scale.unit;
    let mut text = format!("phase,axis,lag_voxels,lag_{unit},probability\n");
    for p in &measures.phases {
        for (a, axis) in AXES.into_iter().enumerate() {
            for (lag, s) in p.correlation.axis(a).iter().enumerate() {
                let length = lag as f64 * measures.scale.voxel[a];
                let _ = writeln!(text, "{},{axis},{lag},{length},{s}", field(&p.name));
            }
        }
    }
    text
}

fn particles(measures: &Measures) -> String {
    let unit = &measures.scale.unit;
    let mut text = format!("phase,diameter_from_{unit},diameter_to_{unit},inside,touching_boundary\n");
    for p in &measures.phases {
        for b in &p.particles.histogram {
            let _ =
                writeln!(text, "{},{},{},{},{}", field(&p.name), b.from, b.to, b.inside, b.touching_boundary);
        }
    }
    text
}
