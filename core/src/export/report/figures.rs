//! What was measured, as the report shows it.

use std::fmt::Write;

use super::Report;
use super::page::percent;
use super::svg::{Series, Words, chart, escape};
use crate::measure::{AXES, Bar, Measures, PhaseMeasures};

/// The phases' table, how representative they are, and their charts.
pub(super) fn figures(page: &mut String, report: &Report<'_>, measures: &Measures) {
    phase_table(page, measures);
    *page += "<h2>Representativeness</h2><p>The intervals state how far another sample of the same size from the same \
              material may differ (95 of 100 cases); they know nothing of errors of the segmentation itself. Where the \
              fraction drifts along an axis below, the material is not uniform and the interval is too narrow.</p>";
    for p in measures.phases.iter().filter(|p| p.interval.is_some_and(|i| !i.resolved)) {
        let name = escape(&p.name);
        let _ = writeln!(
            page,
            "<p class=\"note\">{name}: the correlation does not fade within half the volume; it is too small.</p>"
        );
    }
    let colour =
        |value: u32| report.classes.get((value as usize).wrapping_sub(1)).map_or([90; 3], |c| c.colour);
    let line = |p: &PhaseMeasures, points| Series {
        name: p.name.clone(),
        colour: colour(p.value),
        points,
        marks: false,
    };
    let (unit, voxel) = (&measures.scale.unit, measures.scale.voxel);
    *page += "<h2>Profiles, correlation, particle sizes</h2>\n";
    for a in 0..3 {
        let profile = |p: &PhaseMeasures| {
            let values = [&p.profiles.z, &p.profiles.y, &p.profiles.x][a];
            line(p, values.iter().enumerate().map(|(i, f)| ((i as f64 + 0.5) * voxel[a], *f)).collect())
        };
        let series: Vec<Series> = measures.phases.iter().map(profile).collect();
        let name = AXES[a].to_uppercase();
        let words =
            Words { title: &format!("Fraction along {name}"), x: &format!("{name} ({unit})"), y: "fraction" };
        let _ = writeln!(page, "<figure>{}</figure>", chart(&words, &series, true));
    }
    for p in &measures.phases {
        let series = AXES.iter().enumerate().map(|(a, axis)| Series {
            name: format!("along {}", axis.to_uppercase()),
            colour: colour(p.value),
            points: p
                .correlation
                .axis(a)
                .iter()
                .enumerate()
                .map(|(h, s)| (h as f64 * voxel[a], *s))
                .collect(),
            marks: false,
        });
        let words = Words {
            title: &format!("Two-point correlation: {}", p.name),
            x: &format!("lag ({unit})"),
            y: "probability",
        };
        let _ = writeln!(page, "<figure>{}</figure>", chart(&words, &series.collect::<Vec<_>>(), true));
    }
    for p in measures.phases.iter().filter(|p| p.particles.inside > 0) {
        let words = Words {
            title: &format!("Connected parts: {}", p.name),
            x: &format!("equivalent diameter ({unit})"),
            y: "number",
        };
        let of = |count: fn(&Bar) -> u64| {
            p.particles.histogram.iter().map(|b| ((b.from * b.to).sqrt(), count(b) as f64)).collect()
        };
        let inside = line(p, of(|b| b.inside));
        let touching = Series {
            name: "touching the boundary".to_owned(),
            colour: [140; 3],
            points: of(|b| b.touching_boundary),
            marks: false,
        };
        let inside = Series { name: "inside".to_owned(), ..inside };
        let _ = writeln!(page, "<figure>{}</figure>", chart(&words, &[inside, touching], true));
    }
}

fn phase_table(page: &mut String, measures: &Measures) {
    let unit = escape(&measures.scale.unit);
    let _ = writeln!(
        page,
        "<h2>Phases</h2><table class=\"small\"><tr><th>Phase</th><th>Fraction</th><th>95 % interval</th><th>Surface by marching cubes \
         (1/{unit})</th><th>by faces (1/{unit})</th><th>Connected parts</th><th>Percolating Z, Y, X</th><th>D50 of parts \
         inside ({unit})</th><th>Tortuosity factor Z, Y, X</th></tr>"
    );
    for p in &measures.phases {
        let interval = p
            .interval
            .map_or_else(|| "-".to_owned(), |i| format!("{} to {}", percent(i.low), percent(i.high)));
        let through = p.connectivity.percolating.map(|f| format!("{:.1} %", 100.0 * f)).join(", ");
        let factor =
            p.tortuosity.map(|t| t.map_or_else(|| "-".to_owned(), |t| format!("{:.3}", t.factor))).join(", ");
        let middle = p.particles.by_number.map_or_else(|| "-".to_owned(), |d| format!("{:.3}", d[1]));
        let cells = [
            escape(&p.name),
            percent(p.fraction),
            interval,
            format!("{:.5}", p.specific_surface.marching_cubes),
            format!("{:.5}", p.specific_surface.face_counting),
            p.connectivity.components.to_string(),
            through,
            middle,
            factor,
        ];
        let _ = writeln!(page, "<tr><td>{}</td></tr>", cells.join("</td><td>"));
    }
    let _ = writeln!(page, "</table><p>{} voxels are without a phase.</p>", measures.unlabelled);
}
