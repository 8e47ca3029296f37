//! What was measured, as the report shows it.

use crate::export::report::Report;
use crate::export::report::chart::{Chart, Series};
use crate::export::report::parts::{Page, Part, Table, percent, unit};
use crate::measure::{AXES, Bar, Measures, PhaseMeasures};

/// The phases' table, how representative they are, and their charts.
pub(super) fn figures(page: &mut Page<'_>, report: &Report<'_>, measures: &Measures) {
    phase_table(page, measures);
    page.heading("Representativeness");
    page.paragraph(
        "The intervals state how far another sample of the same size from the same material may differ (95 of 100 cases); \
         they know nothing of errors of the segmentation itself. Where the fraction drifts along an axis below, the \
         material is not uniform and the interval is too narrow.",
    );
    for p in measures.phases.iter().filter(|p| p.interval.is_some_and(|i| !i.resolved)) {
        page.note(format!(
            "{}: the correlation does not fade within half the volume; it is too small.",
            p.name
        ));
    }
    page.heading("Profiles, correlation, particle sizes");
    let drawn = Drawn { report, measures, unit: unit(&measures.scale.unit) };
    let profiles = (0..AXES.len()).map(|axis| drawn.profile(axis));
    let correlations = measures.phases.iter().map(|p| drawn.correlation(p));
    let parts = measures.phases.iter().filter(|p| p.particles.inside > 0).map(|p| drawn.particles(p));
    page.push(Part::Charts(profiles.chain(correlations).chain(parts).collect()));
}

/// What the charts show.
struct Drawn<'a> {
    report: &'a Report<'a>,
    measures: &'a Measures,
    unit: String,
}

impl Drawn<'_> {
    fn colour(&self, p: &PhaseMeasures) -> [u8; 3] {
        let class = (p.value as usize).checked_sub(1).and_then(|i| self.report.classes.get(i));
        class.map_or([90; 3], |c| c.colour)
    }

    /// Centre of plane `i` along an axis, or a lag of so many voxels with `half` 0.
    fn length(&self, i: usize, half: f64, axis: usize) -> f64 {
        (i as f64 + half) * self.measures.scale.voxel[axis]
    }

    fn profile(&self, axis: usize) -> Chart {
        let name = AXES[axis].to_uppercase();
        let line = |p: &PhaseMeasures| {
            let values = [&p.profiles.z, &p.profiles.y, &p.profiles.x][axis];
            let points = values.iter().enumerate().map(|(i, f)| (self.length(i, 0.5, axis), *f)).collect();
            Series { name: p.name.clone(), colour: self.colour(p), points, marks: false }
        };
        Chart {
            title: format!("Fraction along {name}"),
            x: format!("{name} ({})", self.unit),
            y: "fraction".to_owned(),
            series: self.measures.phases.iter().map(line).collect(),
            zero: true,
        }
    }

    fn correlation(&self, p: &PhaseMeasures) -> Chart {
        let line = |(a, axis): (usize, &&str)| {
            let values = p.correlation.axis(a).iter().enumerate();
            let points = values.map(|(lag, s)| (self.length(lag, 0.0, a), *s)).collect();
            Series {
                name: format!("along {}", axis.to_uppercase()),
                colour: self.colour(p),
                points,
                marks: false,
            }
        };
        Chart {
            title: format!("Two-point correlation: {}", p.name),
            x: format!("lag ({})", self.unit),
            y: "probability".to_owned(),
            series: AXES.iter().enumerate().map(line).collect(),
            zero: true,
        }
    }

    fn particles(&self, p: &PhaseMeasures) -> Chart {
        let line = |name: &str, colour, count: fn(&Bar) -> u64| {
            let bars = p.particles.histogram.iter();
            let points = bars.map(|b| ((b.from * b.to).sqrt(), count(b) as f64)).collect();
            Series { name: name.to_owned(), colour, points, marks: false }
        };
        Chart {
            title: format!("Connected parts: {}", p.name),
            x: format!("equivalent diameter ({})", self.unit),
            y: "number".to_owned(),
            series: vec![
                line("inside", self.colour(p), |b| b.inside),
                line("touching the boundary", [140; 3], |b| b.touching_boundary),
            ],
            zero: true,
        }
    }
}

fn phase_table(page: &mut Page<'_>, measures: &Measures) {
    let (length, surface) = (unit(&measures.scale.unit), unit(&format!("1/{}", measures.scale.unit)));
    let head = [
        "Phase",
        "Fraction",
        "95 % interval",
        &format!("Surface by marching cubes ({surface})"),
        &format!("by faces ({surface})"),
        "Connected parts",
        "Percolating Z, Y, X",
        &format!("D50 of parts inside ({length})"),
        "Tortuosity factor Z, Y, X",
    ];
    let solved = measures.phases.iter().any(|p| p.tortuosity.iter().any(Option::is_some));
    let columns = head.len() - usize::from(!solved);
    let rows = measures.phases.iter().map(|p| row(p).into_iter().take(columns).collect());
    page.heading("Phases");
    page.table(Table::new(&head[..columns], rows.collect()).small());
    page.paragraph(format!("{} voxels are without a phase.", measures.unlabelled));
}

fn row(p: &PhaseMeasures) -> Vec<String> {
    let interval =
        p.interval.map_or_else(|| "-".to_owned(), |i| format!("{:.2} to {}", 100.0 * i.low, percent(i.high)));
    let factors = p.tortuosity.map(|t| t.map_or_else(|| "-".to_owned(), |t| t.to_string()));
    vec![
        p.name.clone(),
        percent(p.fraction),
        interval,
        format!("{:.5}", p.specific_surface.marching_cubes),
        format!("{:.5}", p.specific_surface.face_counting),
        p.connectivity.components.to_string(),
        format!("{} %", p.connectivity.percolating.map(|f| format!("{:.1}", 100.0 * f)).join(", ")),
        p.particles.by_number.map_or_else(|| "-".to_owned(), |d| format!("{:.3}", d[1])),
        factors.join(", "),
    ]
}
