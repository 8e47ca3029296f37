//! The report's page.

use std::fmt::Write;

use serde_json::Value;

use super::Report;
use super::errors::errors;
use super::figures::figures;
use super::svg::{Series, Words, chart, escape};
use super::validation::validation;

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:62em;margin:2em auto;padding:0 1em;color:#111}\
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:1.8em;border-bottom:1px solid #999}table{border-collapse:collapse}\
td,th{border:1px solid #bbb;padding:.2em .55em;text-align:left;font-variant-numeric:tabular-nums}\
figure{margin:0;display:inline-block;width:49%;min-width:20em}svg{width:100%}svg text{font:11px system-ui,sans-serif}\
svg .t{font-weight:600;font-size:12px}svg .m{text-anchor:middle}svg .e{text-anchor:end}svg .g{stroke:#ddd;fill:none}\
img{max-width:100%;image-rendering:pixelated}.note{background:#fff3cd;border:1px solid #b58900;padding:.6em}\
.mark{position:fixed;top:40%;left:0;width:100%;text-align:center;font-size:4.5em;font-weight:700;color:#c00;opacity:.13;\
transform:rotate(-24deg);pointer-events:none}dt{font-weight:600}\
table{margin:.4em 0}th{background:#f3f3f3}td.n{text-align:right}p{margin:.5em 0}.wide td{overflow-wrap:anywhere}\
@page{size:A4;margin:16mm 14mm}\
@media print{body{margin:0;padding:0;max-width:none;font-size:9.5pt}.small{font-size:8pt}h1{font-size:15pt}h2{font-size:11.5pt;break-after:avoid}h2+p{break-after:avoid}\
figure{width:49%;min-width:0}figure,tr,img,.note{break-inside:avoid}thead{display:table-header-group}*{print-color-adjust:exact;\
-webkit-print-color-adjust:exact}}";

/// The whole page.
pub(super) fn html(report: &Report<'_>) -> String {
    let name = escape(report.name);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}: segmentation report</title>\
         <style>{STYLE}</style></head><body>\n<h1>{name}: segmentation report</h1>\n"
    );
    let calibrated = !report.run["run"]["volume"]["voxel_size"].is_null();
    if !calibrated {
        page += "<div class=\"mark\">UNCALIBRATED</div><p class=\"note\">The voxel size of this stack is unknown: all \
                 lengths are in voxels, which are taken for cubes. State it in the file and run again before any \
                 length is cited.</p>\n";
    }
    methods(&mut page, report);
    provenance(&mut page, report.run);
    match report.measures {
        Ok(measures) => {
            figures(&mut page, report, measures);
            errors(&mut page, report.bars);
        }
        Err(why) => {
            fractions(&mut page, report);
            let _ = writeln!(
                page,
                "<p class=\"note\">Surfaces, connectivity and transport were not measured: {}</p>",
                escape(why)
            );
        }
    }
    routing(&mut page, report);
    validation(&mut page, report);
    if !report.preview.is_empty() {
        let _ = writeln!(
            page,
            "<h2>The middle slice</h2><p>{}</p><img alt=\"labels of the middle slice\" src=\"data:image/png;base64,{}\">",
            legend(report),
            base64(report.preview)
        );
    }
    page + "</body></html>\n"
}

/// A value as words.
fn words(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(n) => n.to_string(),
        Value::Array(list) => list.iter().map(words).collect::<Vec<_>>().join(" x "),
        Value::Object(map) => {
            let stated = map.iter().map(|(name, value)| (name, words(value))).filter(|(_, v)| v != "-");
            let all: Vec<String> = stated.map(|(name, value)| format!("{name} {value}")).collect();
            if all.is_empty() { "-".to_owned() } else { all.join(", ") }
        }
        other => other.to_string(),
    }
}

/// What was done, as a paper would say it.
fn methods(page: &mut String, report: &Report<'_>) {
    let run = &report.run["run"];
    let volume = &run["volume"];
    let size =
        format!("{} x {} x {}", words(&volume["slices"]), words(&volume["height"]), words(&volume["width"]));
    let scale = match &volume["voxel_size"] {
        Value::Null => "of unknown voxel size".to_owned(),
        edges => {
            let edge = |i: usize| words(&edges[i]);
            format!(
                "with voxels of {} x {} x {} {} (Z, Y, X)",
                edge(0),
                edge(1),
                edge(2),
                words(&volume["unit"])
            )
        }
    };
    let lambda =
        if run["lambda"].is_null() { String::new() } else { format!(", λ = {}", words(&run["lambda"])) };
    let first = report.run["first_slice"].as_u64().unwrap_or(1);
    let done = report.run["totals"]["slices"].as_u64().unwrap_or(0);
    let part = match volume["slices"].as_u64() {
        Some(all) if done < all => format!(" in its slices {first} to {}", (first + done).saturating_sub(1)),
        _ => String::new(),
    };
    let classes: Vec<&str> = report.classes.iter().map(|c| c.name.as_str()).collect();
    let _ = write!(
        page,
        "<h2>Methods</h2><p>A tomogram of {size} voxels (slices, rows, columns) {scale} was segmented{part} into {} with PaSeR \
         Studio {} (method {}{lambda}, bundle \"{}\", manifest SHA-256 {}, {} Monte Carlo passes, seed {}). Grey values were \
         normalised over the whole volume. ",
        escape(&classes.join(", ")),
        words(&run["program"]),
        words(&run["method"]),
        escape(&words(&run["bundle"]["name"])),
        words(&run["bundle"]["sha256"]),
        words(&run["monte_carlo"]["passes"]),
        words(&run["seed"]),
    );
    if let Ok(bars) = report.bars {
        let _ = write!(page, "{} draws, seed {}: {} ", bars.draws, bars.seed, escape(&bars.about));
    }
    if let Ok(measures) = report.measures {
        let m = measures.methods;
        let sentences = [m.fraction, m.specific_surface, m.connectivity, m.particles, m.correlation];
        *page += &sentences.map(escape).join(" ");
        if measures.phases.iter().any(|p| p.tortuosity.iter().any(Option::is_some)) {
            let _ = write!(page, " {}", escape(m.tortuosity));
        }
    }
    *page += "</p>\n";
}

fn row(page: &mut String, name: &str, value: &str) {
    let _ = writeln!(page, "<tr><th>{}</th><td>{}</td></tr>", escape(name), escape(value));
}

fn provenance(page: &mut String, whole: &Value) {
    let run = &whole["run"];
    *page += "<h2>Provenance</h2><table class=\"wide\">\n";
    let volume = &run["volume"];
    for (name, value) in [
        ("Stack", &run["stack"]),
        ("Input SHA-256", &run["input_sha256"]),
        ("Type of values", &volume["dtype"]),
        ("Voxel size Z, Y, X", &volume["voxel_size"]),
        ("Unit", &volume["unit"]),
        ("Raw description, dataset, axes, crop, binning", &run["opened"]),
        ("First slice", &whole["first_slice"]),
        ("Bundle", &run["bundle"]["name"]),
        ("Bundle manifest SHA-256", &run["bundle"]["sha256"]),
        ("Method", &run["method"]),
        ("λ", &run["lambda"]),
        ("Shift of the routing (TVD)", &run["tvd"]),
        ("Seed", &run["seed"]),
        ("Normalisation", &run["normalisation"]),
        ("Device", &run["device"]["name"]),
        ("Driver", &run["device"]["driver"]),
        ("Program", &run["program"]),
    ] {
        row(page, name, &words(value));
    }
    *page += "</table>\n";
}

/// Fractions alone, where nothing else was measured.
fn fractions(page: &mut String, report: &Report<'_>) {
    *page += "<h2>Phases</h2><table><tr><th>Phase</th><th>Fraction</th></tr>\n";
    for (i, class) in report.classes.iter().enumerate() {
        row(page, &class.name, &percent(report.run["fractions"][i].as_f64().unwrap_or(0.0)));
    }
    *page += "</table>\n";
}

/// A part as a percentage.
pub(super) fn percent(part: f64) -> String {
    format!("{:.2} %", 100.0 * part)
}

fn routing(page: &mut String, report: &Report<'_>) {
    let totals = &report.run["totals"];
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    let slices = number(&totals["slices"]).max(1.0);
    *page += "<h2>Routing and cost</h2><table>\n";
    for (i, share) in report.run["shares"].as_array().into_iter().flatten().enumerate() {
        row(page, &format!("Share of f{i}"), &percent(number(share)));
    }
    let gflops = number(&totals["flops_total"]) / 1e9;
    row(page, "GFLOPs (the paper's count)", &format!("{gflops:.3}, {:.3} a slice", gflops / slices));
    row(page, "GFLOPs executed", &format!("{:.3}", number(&totals["flops_run"]) / 1e9));
    row(
        page,
        "Seconds",
        &format!("{:.2}, {:.2} slices a second", report.seconds, slices / report.seconds.max(1e-9)),
    );
    *page += "</table>\n";
    if report.curve.is_empty() {
        return;
    }
    let points = report.curve.iter().map(|p| (p.flops / 1e9, p.iou)).collect();
    let series =
        Series { name: "the bundle's policies".to_owned(), colour: [0, 114, 178], points, marks: true };
    let mut all = vec![series];
    if let Some(here) = here(report) {
        all.push(here);
    }
    let words = Words {
        title: "IoU and cost on the bundle's validation slices",
        x: "GFLOPs a slice",
        y: "macro IoU",
    };
    let _ = writeln!(
        page,
        "<figure>{}</figure><table><tr><th>λ</th><th>IoU</th><th>GFLOPs</th><th>IoU/GigaFlop</th></tr>",
        chart(&words, &all, false)
    );
    for p in report.curve {
        let cells = [
            p.lambda.to_string(),
            format!("{:.4}", p.iou),
            format!("{:.3}", p.flops / 1e9),
            format!("{:.4}", p.iou * 1e9 / p.flops),
        ];
        let _ = writeln!(page, "<tr><td>{}</td></tr>", cells.join("</td><td>"));
    }
    *page += "</table>\n";
}

/// Where this run's λ lies on the curve that its policy has.
fn here(report: &Report<'_>) -> Option<Series> {
    let (run, manifest) = (&report.run["run"], report.manifest?);
    let lambda = run["lambda"].as_f64()?;
    let curve = match run["router"].get("conditioned") {
        Some(_) => &manifest.conditioned.as_ref()?.curve,
        None => &manifest.curve,
    };
    let point =
        curve.iter().min_by(|a, b| (a.lambda - lambda).abs().total_cmp(&(b.lambda - lambda).abs()))?;
    Some(Series {
        name: format!("this run's policy (λ = {})", point.lambda),
        colour: [213, 94, 0],
        points: vec![(point.flops / 1e9, point.iou)],
        marks: true,
    })
}

fn legend(report: &Report<'_>) -> String {
    let one = |c: &crate::data::classes::Class| {
        let [r, g, b] = c.colour;
        format!("<span style=\"color:rgb({r},{g},{b})\">&#9632;</span> {}", escape(&c.name))
    };
    report.classes.iter().map(one).collect::<Vec<_>>().join(" &nbsp; ")
}

/// Bytes as text (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let word = part.iter().chain(&[0; 2]).take(3).fold(0_usize, |w, b| (w << 8) | usize::from(*b));
        for i in 0..4 {
            let letter = LETTERS[word >> (18 - 6 * i) & 63];
            text.push(if i <= part.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_the_standards() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
