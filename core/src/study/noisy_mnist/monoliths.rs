//! The monoliths of Table 1 on noisy MNIST: each trained on all three noises together.

use super::ablation::classes;
use super::config;
use super::digits::{Digits, NOISES};
use crate::bundle::Bundle;
use crate::data::dataset::{Dataset, Sample, Split};
use crate::data::normalise::{Prepared, Range};
use crate::error::Result;
use crate::evaluate::{Evaluation, evaluate};
use crate::hash::Stream;
use crate::net::NAMES;
use crate::route::tiles::Layout;
use crate::route::{Choice, Method, Router, Segmenter};
use crate::study::diary::Diary;
use crate::study::{Context, Scale};
use crate::train::config::{Length, Stage, WholeStage};
use crate::train::{Request, TrainConfig, Wanted, train_whole_on};
use std::path::Path;

/// Test images that the monoliths are measured on, drawn from all.
pub(super) const MEASURED: usize = 1000;
/// The paper enlarges the images for EfficientViT, whose answer is eight times smaller than its input.
const ENLARGED: usize = 8;

/// A monolith: name, width against the published net, how much its images are enlarged, training digits of
/// each noise, steps, images a step.
struct Monolith {
    name: &'static str,
    width: f64,
    enlarged: usize,
    digits: usize,
    steps: usize,
    batch: usize,
}

fn monoliths(scale: Scale) -> Vec<Monolith> {
    let one = |name, width, enlarged, digits, steps, batch| Monolith {
        name,
        width,
        enlarged,
        digits,
        steps,
        batch,
    };
    match scale {
        Scale::Trial => {
            vec![one("segformer-b0", 1.0, 1, 2, 2, 2), one("efficientvit-b0", 1.0, ENLARGED, 1, 2, 2)]
        }
        Scale::Workstation => vec![
            one("deeplabv3plus", 0.25, 1, 5000, 400, 64),
            one("segformer-b0", 1.0, 1, 5000, 400, 64),
            one("efficientvit-b0", 1.0, ENLARGED, 400, 300, 8),
        ],
        Scale::Paper => vec![
            one("deeplabv3plus", 1.0, 1, 50_000, 40_000, 128),
            one("segformer", 1.0, 1, 50_000, 40_000, 128),
            one("efficientvit", 1.0, ENLARGED, 1000, 20_000, 32),
        ],
    }
}

/// Trains what the cache lacks and measures all on the same seeded choice of the test images.
///
/// # Errors
/// Where training or measuring fails or was stopped.
pub(super) fn run(context: &mut Context<'_>, folder: &Path, digits: [&Digits; 2]) -> Result<Vec<Evaluation>> {
    monoliths(context.scale).iter().map(|one| measured(context, folder, digits, one)).collect()
}

fn measured(
    context: &mut Context<'_>,
    folder: &Path,
    [train, test]: [&Digits; 2],
    one: &Monolith,
) -> Result<Evaluation> {
    let out = folder.join(format!("monolith {}", one.name));
    if !out.exists() {
        learn(context, &out, train, one)?;
    }
    let segmenter = Segmenter::new(&Bundle::open(&out)?, context.compute.clone())?;
    let mut all: Vec<usize> = (0..NOISES.len() * test.count()).collect();
    Stream::new(context.seed, "noisy-mnist monoliths").shuffle(&mut all);
    let few = if context.scale == Scale::Trial { 2 } else { MEASURED };
    let look = |i: &usize| test.sample(i % test.count(), i / test.count(), context.seed);
    let data = dataset(all.iter().take(few).map(look), one.enlarged);
    let numbers: Vec<usize> = (0..data.samples.len()).collect();
    let name = NAMES.into_iter().find(|n| *n == one.name).unwrap_or(NAMES[0]);
    let choice = Choice { method: Method::Whole(name), router: Router::Fixed(0), seed: context.seed };
    evaluate(&segmenter, &data, &numbers, &choice, context.control, &mut |_| ())
}

fn learn(context: &mut Context<'_>, out: &Path, train: &Digits, one: &Monolith) -> Result<()> {
    let count = one.digits.min(train.count() - 1);
    let noises = 0..NOISES.len();
    let both = noises.flat_map(|n| (0..=count).map(move |i| (i, n)));
    let data = dataset(both.map(|(i, n)| train.sample(i, n, context.seed)), one.enlarged);
    // the last digit of each noise is looked at
    let (validation, train) = (0..data.samples.len()).partition(|i| i % (count + 1) == count);
    let usual = config(context);
    let edge = usual.layout.tile[0] * one.enlarged;
    let stage =
        Stage { length: Length::Steps(one.steps), batch: one.batch, learning_rate: 1e-3, cosine: true };
    let config = TrainConfig {
        layout: Layout { tile: [edge; 2], grid: [1, 1] },
        model: WholeStage { stage, width: one.width },
        ..usual
    };
    let request = Request {
        classes: &classes(),
        config: &config,
        out,
        about: "noisy MNIST, all three noises together",
        force: false,
        resume: true,
    };
    let split = Split { train, validation, test: Vec::new() };
    let wanted = Wanted { name: one.name, start: None };
    let (compute, control) = (context.compute, context.control);
    let mut diary = Diary::open(out.parent().unwrap_or(out), "");
    diary.listen(context, |hear| {
        train_whole_on(&data, split, wanted, &request, compute, control, hear).map(|_| ())
    })
}

fn dataset(samples: impl Iterator<Item = Sample>, enlarged: usize) -> Dataset {
    let samples = samples.map(|sample| larger(sample, enlarged)).collect();
    Dataset { samples, range: Range { low: 0.0, high: 255.0 }, ignored: 0 }
}

/// Every pixel as a square of `times` by `times`.
fn larger(sample: Sample, times: usize) -> Sample {
    let [height, width] = sample.image.size;
    let size = [height * times, width * times];
    let from = |i: usize| i / size[1] / times * width + i % size[1] / times;
    let plane = |p: &Vec<f32>| (0..size[0] * size[1]).map(|i| p[from(i)]).collect();
    let planes = sample.image.planes.iter().map(plane).collect();
    let truth = (0..size[0] * size[1]).map(|i| sample.truth[from(i)]).collect();
    Sample { image: Prepared { size, planes, masked: Vec::new() }, truth, ..sample }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_image_holds_every_pixel_as_a_square() {
        let image = Prepared { size: [1, 2], planes: vec![vec![0.1, 0.2]], masked: Vec::new() };
        let sample = Sample { name: String::new(), hash: String::new(), image, truth: vec![0, 1] };
        let larger = larger(sample, 2);
        assert_eq!(larger.image.size, [2, 4]);
        assert_eq!(larger.truth, [0, 0, 1, 1, 0, 0, 1, 1]);
        assert_eq!(larger.image.planes[0], [0.1, 0.1, 0.2, 0.2, 0.1, 0.1, 0.2, 0.2]);
    }
}
