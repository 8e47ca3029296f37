//! What the choices that the paper leaves open do to the IoU: the smallest net, trained alike under each.

use super::config;
use super::digits::{Digits, FOREGROUND, NOISES};
use crate::bundle::{Bundle, SplitRecord};
use crate::data::classes::ClassMap;
use crate::data::dataset::{Dataset, Sample, Split};
use crate::data::normalise::Range;
use crate::error::Result;
use crate::evaluate::evaluate;
use crate::net::{NetSpec, UnetSpec};
use crate::noise::Noise;
use crate::route::{Choice, Method, Router, Segmenter};
use crate::study::diary::Diary;
use crate::study::{Context, Scale};
use crate::train::config::{Length, Stage};
use crate::train::{Material, Own, Request, TrainConfig};
use serde::Serialize;
use std::path::Path;

/// The choices: the study's own, then other thresholds and another size of the box.
const CHOICES: [(Noise, u8); 7] = [
    (NOISES[0], FOREGROUND),
    (NOISES[0], 1),
    (NOISES[0], 192),
    (NOISES[1], FOREGROUND),
    (NOISES[1], 1),
    (NOISES[2], FOREGROUND),
    (Noise::BoxBlur(2.0), FOREGROUND),
];

/// f0 trained and measured under one choice.
#[derive(Serialize)]
pub(super) struct Variant {
    pub(super) noise: Noise,
    pub(super) foreground: u8,
    /// Mean of the IoU of both classes.
    pub(super) iou: f64,
    /// The digit's alone.
    pub(super) digit_iou: Option<f64>,
}

/// How many digits are learned from and measured on, and how many steps.
fn sizes(scale: Scale) -> [usize; 3] {
    match scale {
        Scale::Trial => [4, 2, 2],
        Scale::Workstation => [4000, 1000, 200],
        Scale::Paper => [50_000, 10_000, 4000],
    }
}

/// Trains what the cache lacks and measures all.
///
/// # Errors
/// Where training or measuring fails or was stopped.
pub(super) fn run(context: &mut Context<'_>, folder: &Path, digits: [&Digits; 2]) -> Result<Vec<Variant>> {
    let few = if context.scale == Scale::Trial { 2 } else { CHOICES.len() };
    CHOICES[..few].iter().map(|choice| variant(context, folder, digits, *choice)).collect()
}

fn variant(
    context: &mut Context<'_>,
    folder: &Path,
    [train, test]: [&Digits; 2],
    (noise, foreground): (Noise, u8),
) -> Result<Variant> {
    let [learned, measured, _] = sizes(context.scale);
    let seed = context.seed;
    let look = |digits: &Digits, count: usize| -> Vec<Sample> {
        (0..count.min(digits.count())).map(|i| digits.look(i, noise, foreground, seed)).collect()
    };
    let name = format!("f0 on {noise} from {foreground}").replace(':', " ");
    let out = folder.join(&name);
    if !out.exists() {
        learn(context, &out, &name, look(train, learned))?;
    }
    let segmenter = Segmenter::new(&Bundle::open(&out)?, context.compute.clone())?;
    let data = dataset(look(test, measured));
    let numbers: Vec<usize> = (0..data.samples.len()).collect();
    let choice = Choice { method: Method::Net(0), router: Router::Fixed(0), seed };
    let e = evaluate(&segmenter, &data, &numbers, &choice, context.control, &mut |_| ())?;
    Ok(Variant { noise, foreground, iou: e.iou, digit_iou: e.iou_per_class.get(1).copied().flatten() })
}

fn dataset(samples: Vec<Sample>) -> Dataset {
    Dataset { samples, range: Range { low: 0.0, high: 255.0 }, ignored: 0 }
}

/// Classes of the masks.
pub(super) fn classes() -> ClassMap {
    ClassMap { names: vec!["background".to_owned(), "digit".to_owned()], values: vec![0, 1] }
}

fn learn(context: &mut Context<'_>, out: &Path, name: &str, samples: Vec<Sample>) -> Result<()> {
    let steps = sizes(context.scale)[2];
    let usual = config(context);
    let none = |stage: Stage| Stage { length: Length::Steps(0), ..stage };
    let config = TrainConfig {
        // a bundle needs a second net; this one learns nothing and is never asked
        nets: vec![NetSpec::Unet(UnetSpec::f0(1, 2)); 2],
        pretrain: vec![none(usual.distil)],
        distil: Stage { length: Length::Steps(steps), ..usual.distil },
        policy: none(usual.policy),
        tvd: None,
        ..usual
    };
    let request = Request {
        classes: &classes(),
        config: &config,
        out,
        about: "f0 alone under one of the choices that the paper leaves open",
        force: false,
        resume: true,
    };
    let last = samples.len() - 1;
    let own = Own { nets: vec![[(0..last).collect(), vec![last]], [vec![0], vec![0]]], policy: vec![0] };
    let split = Split { train: (0..last).collect(), validation: Vec::new(), test: vec![last] };
    let material = Material {
        data: dataset(samples),
        split,
        own: Some(own),
        record: Some(SplitRecord::default()),
        start: None,
        first: Vec::new(),
    };
    let folder = out.parent().unwrap_or(out);
    Diary::open(folder, &format!("{name}: ")).train(context, material, &request)
}
