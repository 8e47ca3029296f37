//! The report's numbers as CSV: long format, dot decimal, units in the headers.

use std::fmt::Write;

use crate::measure::{Measures, PhaseMeasures};

/// The names of the axes in the order of lists of three.
pub(super) const AXES: [&str; 3] = ["z", "y", "x"];

/// A field, quoted where it must be.
fn field(text: &str) -> String {
    let plain = !text.contains([',', '"', '\n', '\r']);
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// Every table by its name.
pub(super) fn all(measures: &Measures) -> [(&'static str, String); 4] {
    [
        ("phases", phases(measures)),
        ("profiles", profiles(measures)),
        ("correlation", correlation(measures)),
        ("particles", particles(measures)),
    ]
}

/// One figure a line.
fn phases(measures: &Measures) -> String {
    let unit = &measures.scale.unit;
    let mut text = String::from("phase,value,quantity,axis,unit,figure\n");
    for p in &measures.phases {
        for (quantity, axis, unit, figure) in figures(p, unit) {
            let _ =
                writeln!(text, "{},{},{quantity},{axis},{},{figure}", field(&p.name), p.value, field(&unit));
        }
    }
    text
}

/// The figures of a phase: quantity, axis, unit, number.
fn figures(p: &PhaseMeasures, unit: &str) -> Vec<(&'static str, &'static str, String, f64)> {
    let per = format!("1/{unit}");
    let one = || "1".to_owned();
    let mut rows = vec![
        ("voxels", "", one(), p.voxels as f64),
        ("fraction", "", one(), p.fraction),
        ("specific_surface_face_counting", "", per.clone(), p.specific_surface.face_counting),
        ("specific_surface_marching_cubes", "", per, p.specific_surface.marching_cubes),
        ("components", "", one(), p.connectivity.components as f64),
        ("largest_component", "", one(), p.connectivity.largest),
        ("particles_inside", "", one(), p.particles.inside as f64),
        ("particles_touching_boundary", "", one(), p.particles.touching_boundary as f64),
    ];
    if let Some(i) = p.interval {
        rows.extend([("fraction_low_95", "", one(), i.low), ("fraction_high_95", "", one(), i.high)]);
        rows.push(("integral_range", "", "voxels".to_owned(), i.integral_range));
    }
    let names = ["diameter_d10_by_number", "diameter_d50_by_number", "diameter_d90_by_number"];
    for (name, d) in names.into_iter().zip(p.particles.by_number.iter().flatten()) {
        rows.push((name, "", unit.to_owned(), *d));
    }
    for (a, axis) in AXES.into_iter().enumerate() {
        rows.push(("percolating", axis, one(), p.connectivity.percolating[a]));
        if let Some(t) = p.tortuosity[a] {
            rows.push(("tortuosity_factor", axis, one(), t.factor));
            rows.push(("effective_diffusivity", axis, one(), t.effective_diffusivity));
        }
    }
    rows
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
