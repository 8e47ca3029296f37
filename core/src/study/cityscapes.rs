//! Cityscapes with a small U-Net, SegFormer-B0 and SegFormer-B5 as task nets (section R2).

mod folder;

use self::folder::{Part, read};
use super::diary::{Curves, Diary};
use super::{Context, Page, Scale, Table as Sheet, counting};
use crate::bundle::{Bundle, SplitRecord};
use crate::compare::{Row, Table, reward_costs, rows};
use crate::data::dataset::{Dataset, Sample, Split, SplitRule};
use crate::data::normalise::{Normalisation, Range};
use crate::error::{Error, Result};
use crate::net::{Net, NetSpec, SegformerSpec, UnetSpec, import};
use crate::route::Segmenter;
use crate::route::tiles::Layout;
use crate::train::config::{ClassWeights, Length, Stage};
use crate::train::{Material, Preset, Request, TrainConfig};
use serde_json::json;
use std::path::Path;
use std::time::Instant;

/// The paper's λ, and its IoU on the test images.
const LAMBDA: f64 = 0.10;
const PAPER_IOU: f64 = 0.8163;
/// Rows and columns of Cityscapes' photographs.
const PHOTOGRAPH: [usize; 2] = [1024, 2048];
/// Public weights for the two SegFormers, where the user has put them beside the images (`paser import`).
const WEIGHTS: [&str; 2] = ["segformer-b0.safetensors", "segformer-b5.safetensors"];

/// How much smaller the photographs are made in each direction; the paper does not say.
fn shrink(scale: Scale) -> usize {
    match scale {
        Scale::Paper => 4,
        Scale::Workstation | Scale::Trial => 8,
    }
}

pub(super) fn run(context: &mut Context<'_>) -> Result<Page> {
    let since = Instant::now();
    let data = context.folder()?.to_owned();
    let folder = context.cache.join(format!("cityscapes-{}-{}", context.scale.folder(), context.seed));
    std::fs::create_dir_all(&folder).map_err(|e| Error::io("cannot create", &folder, e))?;
    let out = folder.join("bundle");
    let mut diary = Diary::open(&folder, "");
    let started_from = pretrained(&data);
    if !out.exists() {
        learn(context, &data, &out, &mut diary)?;
    }
    let bundle = Bundle::open(&out)?;
    let samples = read(&data, Part::Validation, shrink(context.scale))?;
    let segmenter = Segmenter::new(&bundle, context.compute.clone())?;
    let numbers: Vec<usize> = (0..samples.len()).collect();
    let table = measure(context, &segmenter, &samples, &numbers)?;
    let rows = rows(&segmenter, &table, &samples, &reward_costs(&segmenter), context.seed)?;
    Ok(page(context, &bundle, &rows, &diary.curves, &started_from, since))
}

fn measure(context: &mut Context<'_>, s: &Segmenter, samples: &[Sample], all: &[usize]) -> Result<Table> {
    let mut progress = counting(&mut *context.events, "every net on every photograph", all.len());
    Table::build(s, samples, all, context.control, &mut progress)
}

/// Trains the three nets and the policies on the training photographs; every tenth of them is set aside to
/// choose by.
fn learn(context: &mut Context<'_>, data: &Path, out: &Path, diary: &mut Diary) -> Result<()> {
    let samples = read(data, Part::Training, shrink(context.scale))?;
    let (validation, train) = (0..samples.len()).partition(|i| i % 10 == 9);
    let split = Split { train, validation, test: Vec::new() };
    let set = Dataset { samples, range: Range { low: 0.0, high: 255.0 }, ignored: 0 };
    let config = config(context);
    let first = weights(context, data, &config)?;
    let record: SplitRecord = set.record(&split);
    let classes = folder::classes();
    let request = Request {
        classes: &classes,
        config: &config,
        out,
        about: "Cityscapes: a small U-Net, SegFormer-B0 and SegFormer-B5 (paper, section R2)",
        force: false,
        resume: true,
    };
    let material = Material { data: set, split, own: None, record: Some(record), start: None, first };
    diary.train(context, material, &request)
}

/// The files of public weights that lie in the data folder.
fn pretrained(data: &Path) -> Vec<&'static str> {
    WEIGHTS.into_iter().filter(|name| data.join(name).is_file()).collect()
}

/// Those weights as nets to begin with.
fn weights(context: &Context<'_>, data: &Path, config: &TrainConfig) -> Result<Vec<Option<Net>>> {
    let device = context.compute.device.clone().autodiff();
    let mut first: Vec<Option<Net>> = vec![None; config.nets.len()];
    for (name, (place, spec)) in WEIGHTS.iter().zip(first.iter_mut().zip(&config.nets).skip(1)) {
        let path = data.join(name);
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).map_err(|e| Error::io("cannot read", &path, e))?;
        let (found, net) = import::decode(&bytes, &device).map_err(|why| Error::bad(&path, why))?;
        if found != *spec {
            return Err(Error::bad(
                &path,
                "it holds another net than this study's; import it with paser import and --classes 19",
            ));
        }
        *place = Some(net);
    }
    Ok(first)
}

fn config(context: &Context<'_>) -> TrainConfig {
    let tile = PHOTOGRAPH.map(|edge| edge / shrink(context.scale));
    let quick = TrainConfig::preset(Preset::Quick, 3, folder::CLASSES.len());
    let stage = |steps, epochs, batch, learning_rate| match context.scale {
        Scale::Paper => {
            Stage { length: Length::Epochs(epochs), batch: 32, learning_rate: 1e-4, cosine: false }
        }
        Scale::Workstation => Stage { length: Length::Steps(steps), batch, learning_rate, cosine: true },
        Scale::Trial => Stage { length: Length::Steps(2), batch: 2, learning_rate, cosine: true },
    };
    let classes = folder::CLASSES.len();
    TrainConfig {
        seed: context.seed,
        layout: Layout { tile, grid: [4, 4] },
        nets: vec![
            NetSpec::Unet(UnetSpec::f0(3, classes)),
            NetSpec::Segformer(SegformerSpec::b0(3, classes)),
            NetSpec::Segformer(largest(context.scale, classes)),
        ],
        split: SplitRule::Parts([0.9, 0.1, 0.0]),
        normalisation: Normalisation::Fixed { high: 255.0 },
        class_weights: ClassWeights::None,
        pretrain: vec![stage(1500, 200, 16, 1e-3), stage(400, 200, 16, 3e-4)],
        distil: stage(800, 200, 4, 3e-3),
        policy: stage(200, 200, 4, 3e-3),
        lambdas: vec![0.0, LAMBDA, 0.5],
        lambda: Some(LAMBDA),
        finetune: Stage { length: Length::Steps(0), ..stage(0, 0, 4, 1e-4) },
        conditioned: None,
        ..quick
    }
}

/// SegFormer-B5; a trial, whose figures mean nothing, spares its minutes.
fn largest(scale: Scale, classes: usize) -> SegformerSpec {
    match scale {
        Scale::Trial => SegformerSpec::b0(3, classes),
        Scale::Workstation | Scale::Paper => SegformerSpec::b5(3, classes),
    }
}

fn page(
    context: &Context<'_>,
    bundle: &Bundle,
    rows: &[Row],
    curves: &Curves,
    started_from: &[&str],
    since: Instant,
) -> Page {
    let start = if started_from.is_empty() {
        "Both SegFormers began with fresh weights: no public weights lay in the data folder".to_owned()
    } else {
        format!("Public weights to begin with: {}", started_from.join(", "))
    };
    let images = rows.first().map_or(0, |r| r.images);
    Page {
        name: "cityscapes".to_owned(),
        title: "Cityscapes: a U-Net and two SegFormers as task nets (section R2)".to_owned(),
        text: vec![
            format!("{images} photographs of Cityscapes' val part (the labels of its test part are not public), made {} times smaller in each direction; 16 patches each; the 19 classes of the benchmark, all other labels left out; λ {LAMBDA}. {start}.", shrink(context.scale)),
            format!("Bundle: {}.", bundle.manifest.about),
        ],
        tables: vec![methods(rows), curves.table()],
        figures: curves.figure("cityscapes").into_iter().collect(),
        notes: vec![
            format!("The paper says IoU {PAPER_IOU} at λ {LAMBDA} on \"the test set\", neither at what size nor how the mean is taken; here IoU is the mean over photographs of the macro IoU of the classes in them, which is not the benchmark's IoU over all pixels of the set."),
            "SegFormers of fresh weights on small photographs stay far below published ones; import public weights (paser import) and put them beside leftImg8bit as segformer-b0.safetensors and segformer-b5.safetensors.".to_owned(),
        ],
        figures_json: json!({ "rows": rows, "training": curves, "weights": started_from }),
        scale: context.scale.name(),
        device: context.compute.description.clone(),
        seconds: since.elapsed().as_secs_f64(),
        seed: context.seed,
    }
}

fn methods(rows: &[Row]) -> Sheet {
    let line = |row: &Row| {
        let paper = row.method == "paser" && row.lambda == Some(LAMBDA);
        let shares: Vec<String> = row.shares.iter().map(|s| format!("{:.1}", 100.0 * s)).collect();
        vec![
            row.title(),
            row.lambda.map_or_else(|| "–".to_owned(), |l| l.to_string()),
            format!("{:.4}", row.iou),
            if paper { format!("{PAPER_IOU:.4}") } else { "–".to_owned() },
            format!("{:.2}", row.flops / 1e9),
            shares.join(" / "),
        ]
    };
    let columns = ["method", "λ", "IoU", "paper", "GFLOPs a photograph", "U-Net / B0 / B5, %"];
    let shown = rows.iter().filter(|r| !r.method.starts_with("random,"));
    Sheet::new("methods", "Methods side by side", &columns, shown.map(line).collect())
}
