//! Error bars, as the report shows them.

use std::collections::BTreeMap;

use crate::export::report::parts::{Page, Part, Table, unit};
use crate::uncertainty::{ErrorBar, ErrorBars};

/// Every bar, and the figures that have none with the reason.
pub(super) fn errors(page: &mut Page<'_>, bars: Result<&ErrorBars, &str>) {
    page.heading("Error bars of the segmentation");
    let bars = match bars {
        Ok(bars) => bars,
        Err(why) => {
            page.note(format!("The figures have no error bars: {why}."));
            return;
        }
    };
    page.paragraph(&*bars.about);
    page.note(
        "The intervals are proved on simulated scans alone. On this stack they hold only as far as it resembles those: \
         judge the labels first.",
    );
    if !bars.bars.is_empty() {
        let head = ["Phase", "Figure", "Axis", "Unit", "Segmented", "Expected truth", "95 % interval"];
        page.table(Table::new(&head, bars.bars.iter().map(row).collect()));
    }
    let mut missing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for m in &bars.missing {
        let name = format!("{} {} {}", m.phase, m.quantity.replace('_', " "), m.axis);
        missing.entry(&m.why).or_default().push(name.trim().to_owned());
    }
    if !missing.is_empty() {
        page.small("Without an error bar, as the calibration could not vouch for it:");
        let points = missing.into_iter().map(|(why, names)| format!("{}: {why}.", names.join(", ")));
        page.push(Part::List(points.collect()));
    }
}

fn row(bar: &ErrorBar) -> Vec<String> {
    let digits = decimals(bar.high - bar.low);
    let number = |v: f64| format!("{v:.digits$}");
    vec![
        bar.phase.clone(),
        bar.quantity.replace('_', " "),
        bar.axis.to_uppercase(),
        unit(&bar.unit),
        number(bar.value),
        number(bar.mean),
        format!("{} to {}", number(bar.low), number(bar.high)),
    ]
}

/// Decimals that show two digits of an interval of this width.
fn decimals(width: f64) -> usize {
    if width > 0.0 { (1.0 - width.log10().floor()).clamp(0.0, 6.0) as usize } else { 3 }
}
