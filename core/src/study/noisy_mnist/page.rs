//! What the study says.

use super::TVD;
use super::ablation::Variant;
use super::assigned::Assigned;
use super::digits::NOISES;
use super::monoliths::MEASURED;
use crate::bundle::Bundle;
use crate::compare::{Row, Table};
use crate::data::dataset::Sample;
use crate::error::Result;
use crate::evaluate::Evaluation;
use crate::export::png::bytes_rgb;
use crate::metrics::total_variation;
use crate::study::diary::Curves;
use crate::study::{Context, Figure, Page, Table as Sheet};
use serde_json::json;
use std::time::Instant;

/// The paper's figures: method, IoU, FLOPs, IoU/GigaFlop (Tables 1 and 2).
const PAPER: [(&str, f64, f64); 4] = [
    ("random", 0.6376, 7.05e12),
    ("idk", 0.7750, 1.15e13),
    ("idk-match", 0.7755, 1.15e13),
    ("paser", 0.8231, 6.51e12),
];

/// What was found on the test images.
pub(super) struct Measured {
    pub(super) samples: Vec<Sample>,
    pub(super) table: Table,
    pub(super) rows: Vec<Row>,
    pub(super) assigned: Vec<Assigned>,
    pub(super) monoliths: Vec<Evaluation>,
    pub(super) variants: Vec<Variant>,
    pub(super) curves: Curves,
}

pub(super) fn page(
    context: &Context<'_>,
    bundle: &Bundle,
    measured: &Measured,
    since: Instant,
) -> Result<Page> {
    let Measured { samples, table, rows, assigned, monoliths, variants, curves } = measured;
    let mut figures = vec![pictures(samples, table)?];
    figures.extend(curves.figure("noisy-mnist"));
    let figures_json = json!({
        "rows": rows,
        "assigned": assigned.iter().map(|a| json!({
            "method": a.name, "matrix": a.matrix, "shares": a.shares, "accuracy": a.accuracy(),
        })).collect::<Vec<_>>(),
        "images": samples.len(),
        "training": bundle.manifest.training["stages"],
        "curves": curves,
        "monoliths": monoliths,
        "variants": variants,
    });
    Ok(Page {
        name: "noisy-mnist".to_owned(),
        title: "Noisy MNIST: nets with complementary strengths (Tables 1 and 2, Figs. 3, 4, 8, 12, section R4)".to_owned(),
        text: vec![
            "Digits of MNIST, 28x28, get a border of two zeros on each side (32x32). Foreground is what has a grey value of at least 128 in the clean digit. Noises: Gaussian blur of standard deviation 1 and 2 pixels, mean over 9x9 pixels; the paper names the first two, gives no size for the box and calls it the hardest, which 5x5 is not (table of open choices). f0, f1 and f2 are each trained on one noise and never see the others; the policies learn from all three on digits that no net was trained on. IoU is the mean over images of the macro IoU of foreground and background.".to_owned(),
            format!("Measured on {} test images: 10,000 digits with each noise.", samples.len()),
        ],
        tables: vec![
            methods(rows),
            matrices(assigned),
            tvd(rows, assigned),
            whole(monoliths, samples.len()),
            choices(variants),
            schedule(bundle),
            curves.table(),
        ],
        figures,
        notes: notes(rows, assigned),
        figures_json,
        scale: context.scale.name(),
        device: context.compute.description.clone(),
        seconds: since.elapsed().as_secs_f64(),
        seed: context.seed,
    })
}

fn title(row: &Row) -> String {
    match (row.method.as_str(), row.tvd) {
        ("paser", tvd) => format!("paser, TVD {:.0} %", 100.0 * tvd.unwrap_or(0.0)),
        _ => row.title(),
    }
}

fn methods(rows: &[Row]) -> Sheet {
    let line = |row: &Row| {
        let last = row.method != "paser" || row.tvd == Some(TVD[1]);
        let paper = PAPER.iter().find(|p| p.0 == row.method && last);
        let said = |f: &dyn Fn(&(&str, f64, f64)) -> String| paper.map_or_else(|| "–".to_owned(), f);
        let shares: Vec<String> = row.shares.iter().map(|s| format!("{:.1}", 100.0 * s)).collect();
        vec![
            title(row),
            format!("{:.4}", row.iou),
            said(&|p| format!("{:.4}", p.1)),
            row.iou_per_class.get(1).copied().flatten().map_or_else(|| "–".to_owned(), |i| format!("{i:.4}")),
            format!("{:.3e}", row.flops_total as f64),
            said(&|p| format!("{:.2e}", p.2)),
            format!("{:.3e}", row.iou_per_gigaflop),
            said(&|p| format!("{:.3e}", p.1 / (p.2 / 1e9))),
            shares.join(" / "),
        ]
    };
    let columns = [
        "method",
        "IoU",
        "paper",
        "the digit's alone",
        "FLOPs in all",
        "paper",
        "IoU/GigaFlop",
        "paper",
        "f0 / f1 / f2, %",
    ];
    let shown = rows.iter().filter(|r| !r.method.starts_with("random,"));
    Sheet::new("methods", "Methods side by side", &columns, shown.map(line).collect())
}

fn matrices(assigned: &[Assigned]) -> Sheet {
    let line = |a: &Assigned| {
        let row = |i: usize| {
            let total = a.matrix[i].iter().sum::<usize>().max(1) as f64;
            let shares: Vec<String> =
                a.matrix[i].iter().map(|n| format!("{:.1}", 100.0 * *n as f64 / total)).collect();
            shares.join(" / ")
        };
        vec![a.name.clone(), row(0), row(1), row(2), format!("{:.1} %", 100.0 * a.accuracy())]
    };
    let columns = ["method", "Gaussian 1 (f0's)", "Gaussian 2 (f1's)", "box (f2's)", "to their own net"];
    Sheet::new(
        "assignment",
        "Images of each noise sent to f0 / f1 / f2, % (Fig. 4; paper: PaSeR 92.7 %, IDK 80 %)",
        &columns,
        assigned.iter().map(line).collect(),
    )
}

fn tvd(rows: &[Row], assigned: &[Assigned]) -> Sheet {
    let origin = assigned.first().map(|a| a.shares.clone()).unwrap_or_default();
    let paper = [(0.0, 0.8432), (0.05, 0.8328), (0.10, 0.8231)];
    let policies = rows.iter().filter(|r| r.method == "paser");
    let line = |row: &Row| {
        let threshold = row.tvd.unwrap_or(0.0);
        let said =
            paper.iter().find(|p| p.0 == threshold).map_or_else(|| "–".to_owned(), |p| format!("{:.4}", p.1));
        vec![
            format!("{:.0} %", 100.0 * threshold),
            format!("{:.1} %", 100.0 * total_variation(&row.shares, &origin)),
            format!("{:.4}", row.iou),
            said,
            format!("{:.3e}", row.iou_per_gigaflop),
            row.lambda.map_or_else(String::new, |l| format!("{l:.3}")),
        ]
    };
    let columns =
        ["threshold", "TVD on the test images", "IoU", "paper", "IoU/GigaFlop", "λ where it was reached"];
    Sheet::new("tvd", "IoU/GigaFlop against TVD (Fig. 12)", &columns, policies.map(line).collect())
}

/// The monoliths on the same images; FLOPs for as many images as the others saw.
fn whole(monoliths: &[Evaluation], images: usize) -> Sheet {
    let paper = [
        ("deeplabv3plus", 0.8459, 2.07e13),
        ("segformer", 0.8448, 7.56e12),
        ("efficientvit", 0.8344, 3.72e14),
    ];
    let line = |e: &Evaluation| {
        let said = paper.iter().find(|p| e.method.starts_with(p.0));
        let of = |f: &dyn Fn(f64, f64) -> String| said.map_or_else(|| "–".to_owned(), |p| f(p.1, p.2));
        let flops = e.flops_total as f64 / e.images.max(1) as f64 * images as f64;
        vec![
            e.remark.as_ref().map_or_else(|| e.method.clone(), |r| format!("{} ({r})", e.method)),
            format!("{:.4}", e.iou),
            of(&|iou, _| format!("{iou:.4}")),
            format!("{flops:.3e}"),
            of(&|_, flops| format!("{flops:.2e}")),
            format!("{:.3e}", e.iou / (flops / 1e9)),
            of(&|iou, flops| format!("{:.3e}", iou / (flops / 1e9))),
        ]
    };
    let title = format!(
        "Nets on whole images, trained on all noises together, measured on {MEASURED} of the test images drawn by the seed"
    );
    let columns = ["net", "IoU", "paper", "FLOPs for all images", "paper", "IoU/GigaFlop", "paper"];
    Sheet::new("monoliths", &title, &columns, monoliths.iter().map(line).collect())
}

/// f0 alone under choices that the paper leaves open.
fn choices(variants: &[Variant]) -> Sheet {
    let line = |v: &Variant| {
        let digit = v.digit_iou.map_or_else(|| "–".to_owned(), |i| format!("{i:.4}"));
        vec![v.noise.to_string(), v.foreground.to_string(), format!("{:.4}", v.iou), digit]
    };
    let columns = ["noise", "grey values that are foreground, from", "IoU", "the digit's alone"];
    Sheet::new(
        "choices",
        "What the paper's open choices do: f0 alone, trained alike and measured on the same noise",
        &columns,
        variants.iter().map(line).collect(),
    )
}

fn schedule(bundle: &Bundle) -> Sheet {
    let stages = bundle.manifest.training["stages"].as_array().cloned().unwrap_or_default();
    let text = |v: &serde_json::Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let line = |s: &serde_json::Value| {
        let seconds = s["seconds"].as_f64().unwrap_or_default();
        vec![text(&s["name"]), text(&s["steps"]), text(&s["batch"]), format!("{:.1}", seconds / 60.0)]
    };
    let columns = ["stage", "steps", "batch", "minutes"];
    Sheet::new("schedule", "What was trained", &columns, stages.iter().map(line).collect())
}

/// The first digits: input, truth, and what the net of their noise says, one row a noise.
fn pictures(samples: &[Sample], table: &Table) -> Result<Figure> {
    const SHOWN: usize = 6;
    const SIDE: usize = 32;
    const ZOOM: usize = 3;
    let digits = samples.len() / NOISES.len();
    let (columns, rows) = (3 * SHOWN, NOISES.len());
    let (width, height) = (columns * SIDE * ZOOM, rows * SIDE * ZOOM);
    let mut pixels = vec![255u8; 3 * width * height];
    for (row, column) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
        let number = row * digits + column / 3;
        let (Some(sample), Some(tile)) = (samples.get(number), table.tiles.get(number)) else { continue };
        let value = |i: usize| match column % 3 {
            0 => (255.0 * sample.image.planes[0][i]).clamp(0.0, 255.0) as u8,
            1 => 255 * sample.truth[i],
            _ => 255 * tile.examined.labels[0][row.min(2)][i],
        };
        for y in 0..SIDE * ZOOM - 1 {
            for x in 0..SIDE * ZOOM - 1 {
                let at = (row * SIDE * ZOOM + y) * width + column * SIDE * ZOOM + x;
                pixels[3 * at..3 * at + 3].fill(value(y / ZOOM * SIDE + x / ZOOM));
            }
        }
    }
    Ok(Figure {
        file: "noisy-mnist_samples.png".to_owned(),
        caption: "The first six test digits with Gaussian blur 1, Gaussian blur 2 and box blur (rows): input, truth, and the answer of the net trained on that noise (Figs. 3, 8)".to_owned(),
        bytes: bytes_rgb(width, height, &pixels)?,
    })
}

fn notes(rows: &[Row], assigned: &[Assigned]) -> Vec<String> {
    let mut notes = vec![
        "FLOPs follow the paper's counting over the 30,000 images: five Monte Carlo passes of f0 and one of f_RL for every image, then the net that it is sent to. The paper's own PaSeR figure fits that with shares 33.3 / 40.5 / 26.1 %, its random router one pass of f0 and no f_RL; here the random router pays the five passes that its policy input would need.".to_owned(),
    ];
    let find = |method: &str, tvd: Option<f64>| rows.iter().find(|r| r.method == method && r.tvd == tvd);
    if let (Some(first), Some(last)) = (find("paser", None), find("paser", Some(TVD[1]))) {
        notes.push(format!(
            "IoU at TVD 10 % is {:.4} (paper 0.8231), {:+.4} from TVD 0; IoU/GigaFlop goes from {:.3e} to {:.3e}.",
            last.iou,
            last.iou - first.iou,
            first.iou_per_gigaflop,
            last.iou_per_gigaflop
        ));
    }
    let named = |name: &str| assigned.iter().find(|a| a.name.starts_with(name));
    if let (Some(paser), Some(idk)) = (named("paser, TVD 10"), named("idk")) {
        notes.push(format!(
            "To their own net: PaSeR at TVD 10 % {:.1} % (paper {PAPER_ACCURACY} %), IDK {:.1} % (paper 80 %).",
            100.0 * paser.accuracy(),
            100.0 * idk.accuracy()
        ));
    }
    notes.extend(like_the_papers(rows, assigned));
    notes
}

/// The paper's images that went to their own net, in %: 100 less the 7.2 that its policy had moved from f2 to f1.
const PAPER_ACCURACY: f64 = 92.7;

/// The policy whose routing is nearest to the paper's, which says how the paper counts its distance.
fn like_the_papers(rows: &[Row], assigned: &[Assigned]) -> Option<String> {
    let off = |a: &&Assigned| (100.0 * a.accuracy() - PAPER_ACCURACY).abs();
    let policies = assigned.iter().filter(|a| a.name.starts_with("paser"));
    let nearest = policies.min_by(|a, b| off(a).total_cmp(&off(b)))?;
    let row = rows.iter().find(|r| r.method == "paser" && title(r) == nearest.name)?;
    let moved = total_variation(&nearest.shares, &assigned.first()?.shares);
    let shares: Vec<String> = nearest.shares.iter().map(|s| format!("{:.1}", 100.0 * s)).collect();
    Some(format!(
        "Nearest to the paper's routing is {}: {:.1} % to their own net, shares {} %, {:.3e} FLOPs (paper {PAPER_ACCURACY} %, about 33.3 / 40.5 / 26.1 %, 6.51e12). It has moved {:.1} % of the images from where they went at λ 0: that is its total variation distance, and half the plain sum of differences, {:.1} %. The paper's policy at \"10 %\" had moved 7.2 %, so either it stopped before its threshold or its distance is the plain sum.",
        nearest.name,
        100.0 * nearest.accuracy(),
        shares.join(" / "),
        row.flops_total as f64,
        100.0 * moved,
        200.0 * moved
    ))
}
