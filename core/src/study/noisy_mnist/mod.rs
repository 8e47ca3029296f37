//! Noisy MNIST (Tables 1 and 2, Figs. 3, 4, 8, 12, section R4): three nets, each at home in one noise, and a
//! policy that must tell the noises apart.

mod ablation;
mod assigned;
mod digits;
mod monoliths;
mod page;

use super::diary::Diary;
use super::{Context, Page, Scale, counting};
use crate::bundle::{Bundle, ImageId, SplitRecord};
use crate::compare::{Table, reward_costs, rows};
use crate::data::augment::Augment;
use crate::data::dataset::{Dataset, Sample, Split, SplitRule};
use crate::data::normalise::{Normalisation, Range};
use crate::error::Result;
use crate::net::{NetSpec, UnetSpec};
use crate::route::Segmenter;
use crate::route::tiles::Layout;
use crate::train::config::{ClassWeights, Length, Stage, TvdStage};
use crate::train::{Material, Own, Preset, Request, TrainConfig};
use assigned::assigned;
pub use digits::Digits;
use digits::NOISES;
use page::Measured;
use std::path::Path;
use std::time::Instant;

/// The file of the training digits.
const TRAINING: &str = "train-images-idx3-ubyte";
/// Training digits that the policy learns from, held out from the nets.
const POLICY: usize = 1500;
/// Digits of the 60,000 that the paper sets aside for validation.
const VALIDATION: usize = 10_000;
/// Of those, how many choose gates and curves at the reduced scale.
const LOOKED_AT: usize = 1000;
/// Thresholds of section R4 beside 0.
const TVD: [f64; 2] = [0.05, 0.10];

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
    let both = [&Digits::read(context.folder()?, TRAINING)?, &digits];
    let measured = Measured {
        monoliths: monoliths::run(context, &folder, both)?,
        variants: ablation::run(context, &folder, both)?,
        curves: Diary::open(&folder, "").curves,
        samples,
        table,
        rows,
        assigned,
    };
    page::page(context, &bundle, &measured, since)
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
    let digits = Digits::read(context.folder()?, TRAINING)?;
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
        classes: &ablation::classes(),
        config: &config,
        out,
        about: "noisy MNIST: each net trained on one noise, policies on all three (paper, section R4)",
        force: false,
        resume: true,
    };
    let material =
        Material { data, split, own: Some(own), record: Some(record), start: None, first: Vec::new() };
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
            rise: 0.0005,
            stage: Stage { cosine: false, ..stage(1000, 200, 2.5e-4) },
        }),
        ..TrainConfig::preset(Preset::Quick, 1, 2)
    }
}
