//! The table of a comparison as text.

use super::Comparison;
use crate::compare::Row;

/// Every figure of every row; FLOPs over all images, shares and differences as parts of one.
pub(super) fn csv(c: &Comparison<'_>) -> String {
    let nets = nets(c);
    let mut head: Vec<String> =
        ["method", "remark", "lambda", "tvd", "images", "iou"].map(str::to_owned).into();
    head.extend(c.classes.iter().map(|name| format!("iou_{name}")));
    let figures = ["flops_total", "flops_run", "iou_per_gigaflop", "seconds", "gflops_per_second"];
    head.extend(figures.map(str::to_owned));
    head.extend((0..nets).map(|i| format!("share_f{i}")));
    let rest = ["reward", "spread", "above_random", "above_random_low", "above_random_high"];
    head.extend(rest.map(str::to_owned));
    head.extend(["to_oracle", "to_oracle_same_shares", "device"].map(str::to_owned));
    let mut text = head.iter().map(|h| quoted(h)).collect::<Vec<_>>().join(",") + "\n";
    for r in c.rows {
        let number = |v: Option<f64>| v.map_or_else(String::new, |v| v.to_string());
        let mut line = vec![quoted(&r.method), quoted(r.remark.as_deref().unwrap_or_default())];
        line.extend([number(r.lambda), number(r.tvd), r.images.to_string(), r.iou.to_string()]);
        line.extend((0..c.classes.len()).map(|k| number(r.iou_per_class.get(k).copied().flatten())));
        line.extend([r.flops_total.to_string(), r.flops_run.map_or_else(String::new, |f| f.to_string())]);
        line.extend([r.iou_per_gigaflop.to_string(), number(r.seconds), number(r.gflops_per_second)]);
        line.extend((0..nets).map(|i| number(r.shares.get(i).copied())));
        let above = r.above_random;
        line.extend([r.reward, r.spread].map(number));
        line.extend([above.map(|p| p.mean), above.map(|p| p.low), above.map(|p| p.high)].map(number));
        line.extend([r.to_oracle, r.to_oracle_same_shares].map(number));
        line.push(quoted(r.device.as_ref().map_or("", |d| &d.name)));
        text += &(line.join(",") + "\n");
    }
    text
}

/// The figures that a reader compares, with what must be known of them below.
pub(super) fn markdown(c: &Comparison<'_>) -> String {
    let head = COLUMNS.join(" | ");
    let rule = COLUMNS.iter().enumerate().map(|(i, _)| if i == 0 { ":--" } else { "--:" });
    let mut text = format!(
        "# Methods side by side\n\nOn {} ({}), noise {}, bundle {}, λ {}.\n\n| {head} |\n|{}|\n",
        c.on,
        c.images,
        c.noise,
        c.bundle,
        c.lambda,
        rule.collect::<Vec<_>>().join("|")
    );
    c.rows.iter().for_each(|r| text += &format!("| {} |\n", cells(r).join(" | ")));
    text += NOTES;
    for t in &c.trained {
        let loss = if t.loss.is_empty() { String::new() } else { format!("; {}", t.loss) };
        text += &format!("- {}: {}{loss}.\n", t.name, t.schedule);
    }
    text
}

/// The same for a terminal.
pub(super) fn text(c: &Comparison<'_>) -> String {
    let lines: Vec<Vec<String>> =
        std::iter::once(COLUMNS.map(str::to_owned).to_vec()).chain(c.rows.iter().map(cells)).collect();
    let width = |i: usize| lines.iter().map(|l| l[i].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..COLUMNS.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let cell = |(i, cell): (usize, &String)| {
            let space = " ".repeat(widths[i] - cell.chars().count());
            if i == 0 { format!("{cell}{space}") } else { format!("{space}{cell}") }
        };
        cells.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    lines.iter().map(line).collect()
}

const COLUMNS: [&str; 11] = [
    "method",
    "λ",
    "IoU",
    "GFLOPs",
    "IoU/GFLOP",
    "executed GFLOPs",
    "s",
    "GFLOP/s",
    "shares f0/f1/…, %",
    "reward",
    "to oracle, %",
];

const NOTES: &str = "
IoU is macro over the classes on the stitched image, mean over images (of a random router ± the spread over its draws). \
GFLOPs are the paper's count over all images, executed GFLOPs what was really run (shared Monte Carlo prefix, borders, padding). \
Reward is Eq. 2 at the row's λ, at the bundle's own where it has none. To oracle: how much of the reward between the uniform \
random policy and the oracle a policy gains, and in brackets the same from a random router with the policy's own shares. \
The oracle knows the truth and cannot be run.

";

fn cells(r: &Row) -> Vec<String> {
    let figure = |v: Option<f64>, digits: usize| v.map_or_else(String::new, |v| format!("{v:.digits$}"));
    let shares: Vec<String> = r.shares.iter().map(|s| format!("{:.1}", 100.0 * s)).collect();
    let part = |v: Option<f64>| figure(v.map(|v| 100.0 * v), 1);
    let oracle = match (r.to_oracle, r.to_oracle_same_shares) {
        (a, None) => part(a),
        (a, b) => format!("{} ({})", part(a), part(b)),
    };
    let lambda = r.lambda.map_or_else(String::new, |l| l.to_string());
    vec![
        r.title(),
        r.tvd.map_or(lambda.clone(), |t| format!("{} (TVD {t})", figure(r.lambda, 3))),
        format!("{:.4}{}", r.iou, r.spread.map_or_else(String::new, |s| format!(" ± {s:.4}"))),
        format!("{:.2}", r.flops_total as f64 / 1e9),
        format!("{:.5}", r.iou_per_gigaflop),
        figure(r.flops_run.map(|f| f as f64 / 1e9), 2),
        figure(r.seconds, 2),
        figure(r.gflops_per_second, 1),
        shares.join("/"),
        figure(r.reward, 5),
        oracle,
    ]
}

fn nets(c: &Comparison<'_>) -> usize {
    c.rows.iter().map(|r| r.shares.len()).max().unwrap_or_default()
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
