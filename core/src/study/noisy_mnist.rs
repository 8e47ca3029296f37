//! Noisy MNIST (Tables 1 and 2, Figs. 3, 4, 8, 12, section R4): three nets, each at home in one noise, and a
//! policy that must tell the noises apart.

use super::diary::{Curves, Diary};
use super::digits::{Digits, NOISES};
use super::{Context, Figure, Page, Scale, Table as Sheet, counting};
use crate::bundle::{Bundle, ImageId, SplitRecord};
use crate::compare::{Row, Table, actions, reward_costs, rows};
use crate::data::augment::Augment;
use crate::data::classes::ClassMap;
use crate::data::dataset::{Dataset, Sample, Split, SplitRule};
use crate::data::normalise::{Normalisation, Range};
use crate::error::Result;
use crate::export::png::bytes_rgb;
use crate::hash::Stream;
use crate::metrics::total_variation;
use crate::net::{NetSpec, UnetSpec};
use crate::route::tiles::Layout;
use crate::route::{Router, Segmenter};
use crate::train::config::{ClassWeights, Length, Stage, TvdStage};
use crate::train::{Material, Own, Preset, Request, TrainConfig};
use serde_json::json;
use std::path::Path;
use std::time::Instant;

/// Training digits that the policy learns from, held out from the nets.
const POLICY: usize = 1500;
/// Digits of the 60,000 that the paper sets aside for validation.
const VALIDATION: usize = 10_000;
/// Of those, how many choose gates and curves at the reduced scale.
const LOOKED_AT: usize = 1000;
/// Thresholds of section R4 beside 0.
const TVD: [f64; 2] = [0.05, 0.10];

/// The paper's figures: method, IoU, FLOPs, IoU/GigaFlop (Tables 1 and 2).
const PAPER: [(&str, f64, f64); 4] = [
    ("random", 0.6376, 7.05e12),
    ("idk", 0.7750, 1.15e13),
    ("idk-match", 0.7755, 1.15e13),
    ("paser", 0.8231, 6.51e12),
];

/// Trains what is missing, then measures on all test digits with all three noises.
pub(super) fn run(context: &mut Context<'_>) -> Result<Page> {
    let since = Instant::now();
    let folder = context.cache.join(format!("noisy-mnist-{}-{}", context.scale.folder(), context.seed));
    let bundle = folder.join("bundle");
    std::fs::create_dir_all(&folder).map_err(|e| crate::error::Error::io("cannot create", &folder, e))?;
    let mut diary = Diary::open(&folder, "");
    if !bundle.exists() {
        learn(context, &bundle, &mut diary)?;
    }
    let bundle = Bundle::open(&bundle)?;
    let segmenter = Segmenter::new(&bundle, context.compute.clone())?;
    let digits = Digits::read(context.folder()?, "t10k-images-idx3-ubyte")?;
    let seed = context.seed;
    let samples: Vec<Sample> = (0..NOISES.len())
        .flat_map(|n| (0..digits.count()).map(move |i| (i, n)))
        .map(|(i, n)| digits.sample(i, n, seed))
        .collect();
    let numbers: Vec<usize> = (0..samples.len()).collect();
    let table = measure(context, &segmenter, &samples, &numbers)?;
    let rows = rows(&segmenter, &table, &samples, &reward_costs(&segmenter), seed)?;
    let assigned = assigned(&segmenter, &table, digits.count(), seed)?;
    let measured = Measured { samples: &samples, table: &table, rows: &rows, assigned: &assigned };
    page(context, &bundle, &measured, &diary.curves, since)
}

fn measure(
    context: &mut Context<'_>,
    segmenter: &Segmenter,
    samples: &[Sample],
    numbers: &[usize],
) -> Result<Table> {
    let what = "every net on every test image";
    let mut progress = counting(&mut *context.events, what, numbers.len());
    Table::build(segmenter, samples, numbers, context.control, &mut progress)
}

/// Trains each net on its own noise and the policies on all of them.
fn learn(context: &mut Context<'_>, out: &Path, diary: &mut Diary) -> Result<()> {
    let digits = Digits::read(context.folder()?, "train-images-idx3-ubyte")?;
    let config = config(context);
    let last = digits.count() - VALIDATION.min(digits.count() / 6);
    let (looked_at, policy) = match context.scale {
        Scale::Paper => (VALIDATION, POLICY),
        Scale::Workstation => (LOOKED_AT, POLICY),
        Scale::Trial => (4, 6),
    };
    let held = last..digits.count().min(last + looked_at);
    let policy_first = last.saturating_sub(policy);
    let mut samples = Vec::new();
    let mut take = |digits: &Digits, range: std::ops::Range<usize>, n: usize| -> Vec<usize> {
        let first = samples.len();
        samples.extend(range.map(|i| digits.sample(i, n, context.seed)));
        (first..samples.len()).collect()
    };
    let mut own = Own { nets: Vec::new(), policy: Vec::new() };
    let mut split = Split::default();
    for n in 0..NOISES.len() {
        let nets = take(&digits, 0..policy_first, n);
        let policy = take(&digits, policy_first..last, n);
        let validation = take(&digits, held.clone(), n);
        split.train.extend(nets.iter().chain(&policy));
        split.validation.extend(&validation);
        own.policy.extend(policy);
        own.nets.push([nets, validation]);
    }
    let named = |part: &str, range: std::ops::Range<usize>| {
        let name = format!("MNIST {part}, digits {} to {} with each noise", range.start, range.end - 1);
        vec![ImageId { name, sha256: String::new() }]
    };
    let record = SplitRecord {
        train: named("training", 0..last),
        validation: named("training", held),
        test: Vec::new(),
    };
    let data = Dataset { samples, range: Range { low: 0.0, high: 255.0 }, ignored: 0 };
    let request = Request {
        images: out,
        labels: out,
        classes: &ClassMap { names: vec!["background".to_owned(), "digit".to_owned()], values: vec![0, 1] },
        config: &config,
        out,
        about: "noisy MNIST: each net trained on one noise, policies on all three (paper, section R4)",
        start: None,
        force: false,
        resume: true,
    };
    let material = Material { data, split, own: Some(own), record: Some(record), first: Vec::new() };
    diary.train(context, material, &request)
}

fn config(context: &Context<'_>) -> TrainConfig {
    let stage = |steps, epochs, learning_rate| match context.scale {
        Scale::Paper => {
            Stage { length: Length::Epochs(epochs), batch: 128, learning_rate: 1e-4, cosine: false }
        }
        Scale::Workstation => Stage { length: Length::Steps(steps), batch: 128, learning_rate, cosine: true },
        Scale::Trial => Stage { length: Length::Steps(2), batch: 2, learning_rate, cosine: true },
    };
    let nets = [UnetSpec::f0(1, 2), UnetSpec::f1(1, 2), UnetSpec::f2(1, 2)].map(NetSpec::Unet);
    TrainConfig {
        seed: context.seed,
        layout: Layout { tile: [32, 32], grid: [1, 1] },
        nets: nets.to_vec(),
        split: SplitRule::Parts([1.0, 0.0, 0.0]),
        thirds: false,
        normalisation: Normalisation::Fixed { high: 255.0 },
        class_weights: ClassWeights::None,
        augment: Augment { crop: false, flips: false, turns: false, jitter: 0.0 },
        dropout: true,
        beta: 0.0,
        distil: stage(600, 200, 3e-3),
        pretrain: vec![stage(500, 200, 2e-3), stage(200, 200, 1e-3)],
        policy: stage(300, 200, 3e-3),
        lambdas: vec![0.0],
        lambda: Some(0.0),
        temperature: 0.002,
        conditioned: None,
        finetune: Stage { length: Length::Steps(0), ..stage(0, 0, 1e-4) },
        tvd: Some(TvdStage {
            thresholds: TVD.to_vec(),
            rise: 0.001,
            stage: Stage { learning_rate: 1e-3, cosine: false, ..stage(1000, 200, 1e-3) },
        }),
        ..TrainConfig::preset(Preset::Quick, 1, 2)
    }
}

/// Test images by noise (rows) and by the net that they went to (columns).
struct Assigned {
    name: String,
    matrix: [[usize; 3]; 3],
    shares: Vec<f64>,
}

impl Assigned {
    fn of(name: String, actions: &[Vec<u8>], digits: usize) -> Self {
        let mut matrix = [[0usize; 3]; 3];
        for (i, net) in actions.iter().flatten().enumerate() {
            matrix[(i / digits).min(2)][usize::from(*net).min(2)] += 1;
        }
        let total = actions.len().max(1) as f64;
        let shares =
            (0..3).map(|net| matrix.iter().map(|row| row[net]).sum::<usize>() as f64 / total).collect();
        Self { name, matrix, shares }
    }

    /// Share of the images that went to the net trained on their noise.
    fn accuracy(&self) -> f64 {
        let right: usize = (0..3).map(|i| self.matrix[i][i]).sum();
        right as f64 / self.matrix.iter().flatten().sum::<usize>().max(1) as f64
    }
}

/// Where PaSeR at each TVD, the cascades and chance send every image.
fn assigned(segmenter: &Segmenter, table: &Table, digits: usize, seed: u64) -> Result<Vec<Assigned>> {
    let mut all = Vec::new();
    for (i, entry) in segmenter.manifest.policies.iter().enumerate() {
        let name = format!("paser, TVD {:.0} %", 100.0 * entry.tvd.unwrap_or(0.0));
        all.push(Assigned::of(name, &actions(segmenter, table, Router::Fixed(i))?, digits));
    }
    if let Some(cascade) = &segmenter.manifest.cascade {
        all.push(Assigned::of("idk".to_owned(), &cascade.chosen.decide(table), digits));
    }
    let mut chance = Stream::new(seed, "noisy-mnist random");
    let random: Vec<Vec<u8>> = table.tiles.iter().map(|_| vec![chance.below(3) as u8]).collect();
    all.push(Assigned::of("random".to_owned(), &random, digits));
    Ok(all)
}

/// What was found on the test images.
struct Measured<'a> {
    samples: &'a [Sample],
    table: &'a Table,
    rows: &'a [Row],
    assigned: &'a [Assigned],
}

fn page(
    context: &Context<'_>,
    bundle: &Bundle,
    measured: &Measured<'_>,
    curves: &Curves,
    since: Instant,
) -> Result<Page> {
    let Measured { samples, table, rows, assigned } = *measured;
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
    });
    Ok(Page {
        name: "noisy-mnist".to_owned(),
        title: "Noisy MNIST: nets with complementary strengths (Tables 1 and 2, Figs. 3, 4, 8, 12, section R4)".to_owned(),
        text: vec![
            "Digits of MNIST, 28x28, get a border of two zeros on each side (32x32). Foreground is what has a grey value of at least 128 in the clean digit. Noises: Gaussian blur of standard deviation 1 and 2 pixels, mean over 5x5 pixels; the paper names the first two and gives no size for the box. f0, f1 and f2 are each trained on one noise and never see the others; the policies learn from all three on digits that no net was trained on. IoU is the mean over images of the macro IoU of foreground and background.".to_owned(),
            format!("Measured on {} test images: 10,000 digits with each noise.", samples.len()),
        ],
        tables: vec![methods(rows), matrices(assigned), tvd(rows, assigned), schedule(bundle), curves.table()],
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
            format!("{:.3e}", row.flops_total as f64),
            said(&|p| format!("{:.2e}", p.2)),
            format!("{:.3e}", row.iou_per_gigaflop),
            said(&|p| format!("{:.3e}", p.1 / (p.2 / 1e9))),
            shares.join(" / "),
        ]
    };
    let columns =
        ["method", "IoU", "paper", "FLOPs in all", "paper", "IoU/GigaFlop", "paper", "f0 / f1 / f2, %"];
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
            "To their own net: PaSeR at TVD 10 % {:.1} % (paper 92.7 %), IDK {:.1} % (paper 80 %).",
            100.0 * paser.accuracy(),
            100.0 * idk.accuracy()
        ));
    }
    notes
}
