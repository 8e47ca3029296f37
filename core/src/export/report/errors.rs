//! Error bars, as the report shows them.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::svg::escape;
use crate::uncertainty::{ErrorBar, ErrorBars};

/// Every bar, and the figures that have none with the reason.
pub(super) fn errors(page: &mut String, bars: Result<&ErrorBars, &str>) {
    *page += "<h2>Error bars of the segmentation</h2>\n";
    let bars = match bars {
        Ok(bars) => bars,
        Err(why) => {
            let _ = writeln!(page, "<p class=\"note\">The figures have no error bars: {}.</p>", escape(why));
            return;
        }
    };
    let _ = writeln!(
        page,
        "<p>{}</p><p class=\"note\">The intervals are proved on simulated scans alone. On this stack they hold only as far as \
         it resembles those: judge the labels first.</p>",
        escape(&bars.about)
    );
    if !bars.bars.is_empty() {
        *page += "<table><thead><tr><th>Phase</th><th>Figure</th><th>Axis</th><th>Unit</th><th>Segmented</th><th>Expected \
                  truth</th><th>95 % interval</th></tr></thead>\n";
        bars.bars.iter().for_each(|bar| row(page, bar));
        *page += "</table>\n";
    }
    let mut missing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for m in &bars.missing {
        let name = format!("{} {} {}", m.phase, m.quantity.replace('_', " "), m.axis);
        missing.entry(&m.why).or_default().push(name.trim().to_owned());
    }
    if !missing.is_empty() {
        *page += "<p class=\"small\">Without an error bar, as the calibration could not vouch for it:</p><ul class=\"small\">\n";
        for (why, names) in missing {
            let _ = writeln!(page, "<li>{}: {}.</li>", escape(&names.join(", ")), escape(why));
        }
        *page += "</ul>\n";
    }
}

fn row(page: &mut String, bar: &ErrorBar) {
    let digits = decimals(bar.high - bar.low);
    let number = |v: f64| format!("{v:.digits$}");
    let cells = [
        escape(&bar.phase),
        bar.quantity.replace('_', " "),
        bar.axis.to_uppercase(),
        if bar.unit == "1" { String::new() } else { escape(&bar.unit) },
        number(bar.value),
        number(bar.mean),
        format!("{} to {}", number(bar.low), number(bar.high)),
    ];
    let _ = writeln!(page, "<tr><td>{}</td></tr>", cells.join("</td><td>"));
}

/// Decimals that show two digits of an interval of this width.
fn decimals(width: f64) -> usize {
    if width > 0.0 { (1.0 - width.log10().floor()).clamp(0.0, 6.0) as usize } else { 3 }
}
