//! `paser evaluate`: one method against truth.

use super::Common;
use super::input::{LabelledArgs, MethodArgs, bundle, matching};
use super::output::{bar, shares};
use paser_core::bundle::{Bundle, ImageId, Manifest};
use paser_core::data::dataset::Dataset;
use paser_core::evaluate::{Evaluation, evaluate};
use paser_core::event::Control;
use paser_core::noise::Noise;
use paser_core::{Error, Result};
use serde::Serialize;
use std::path::PathBuf;

/// Images with truth, and the bundle to judge on them.
#[derive(Debug, clap::Args)]
pub(super) struct DataArgs {
    #[command(flatten)]
    labelled: LabelledArgs,
    /// Bundle; the shipped one where not given
    #[arg(long, value_name = "B")]
    bundle: Option<PathBuf>,
    /// Images of this part of the bundle's split: train, val, test; all takes every image
    #[arg(long, value_name = "PART", default_value = "all", value_parser = ["train", "val", "test", "all"])]
    split: String,
    /// Take images that the bundle was trained on all the same
    #[arg(long)]
    allow_trained: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct EvaluateArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    method: MethodArgs,
}

impl DataArgs {
    /// What the images are, in words.
    pub(super) fn words(&self) -> String {
        match self.split.as_str() {
            "train" => "training images of the bundle".to_owned(),
            "val" => "validation images of the bundle".to_owned(),
            "test" => "test images of the bundle".to_owned(),
            _ => "all images given".to_owned(),
        }
    }

    /// The bundle, all images, and the numbers of those asked for.
    pub(super) fn read(&self) -> Result<(Bundle, Dataset, Vec<usize>)> {
        let bundle = bundle(self.bundle.as_deref())?;
        let map = matching(&self.labelled.classes, &bundle.manifest)?;
        let channels = bundle.manifest.channels();
        let data = Dataset::read(
            &self.labelled.images,
            &self.labelled.labels,
            &map,
            bundle.manifest.normalisation,
            channels,
        )?;
        let numbers = chosen(self, &bundle.manifest, &data)?;
        Ok((bundle, data, numbers))
    }
}

pub(super) fn run(args: &EvaluateArgs, common: &Common) -> Result<()> {
    let (bundle, mut data, numbers) = args.data.read()?;
    let segmenter = common.segmenter(&bundle)?;
    let noise = args.method.noise;
    noise.apply_all(&mut data.samples, common.seed);
    let mut slices = numbers.iter().map(|n| Ok(data.samples[*n].image.clone()));
    let (choice, _) = args.method.choice(&segmenter, common.seed, &mut slices)?;
    let bar = bar(numbers.len(), "images");
    let mut progress = |done| bar.set_position(done as u64);
    let evaluation = evaluate(&segmenter, &data, &numbers, &choice, &Control::default(), &mut progress)?;
    bar.finish_and_clear();
    let text = describe(&evaluation, &bundle.manifest);
    common.print(&Spoiled { evaluation: &evaluation, noise }, &format!("{text}noise {noise}\n"))
}

/// An evaluation and what was laid over its images.
#[derive(Serialize)]
struct Spoiled<'a> {
    #[serde(flatten)]
    evaluation: &'a Evaluation,
    noise: Noise,
}

/// The images of the part asked for; those trained on are refused unless they are asked for by name.
fn chosen(args: &DataArgs, manifest: &Manifest, data: &Dataset) -> Result<Vec<usize>> {
    let within = |part: &[ImageId], n: usize| part.iter().any(|id| id.sha256 == data.samples[n].hash);
    let split = &manifest.split;
    let part = |n: &usize| match args.split.as_str() {
        "train" => within(&split.train, *n),
        "val" => within(&split.validation, *n),
        "test" => within(&split.test, *n),
        _ => true,
    };
    let numbers: Vec<usize> = (0..data.samples.len()).filter(part).collect();
    if numbers.is_empty() {
        return Err(Error::invalid(format!(
            "no image in {} belongs to the bundle's {} part",
            args.labelled.images.display(),
            args.split
        )));
    }
    let trained = numbers.iter().filter(|n| within(&split.train, **n)).count();
    if trained > 0 && !args.allow_trained {
        return Err(Error::invalid(format!(
            "the bundle was trained on {trained} of these {} images, so its figures would flatter it; use --split test, or --allow-trained",
            numbers.len()
        )));
    }
    Ok(numbers)
}

/// An evaluation for people.
pub(super) fn describe(e: &Evaluation, manifest: &Manifest) -> String {
    let class = |(c, iou): (&paser_core::data::classes::Class, &Option<f64>)| {
        format!("{} {}", c.name, iou.map_or_else(|| "-".to_owned(), |i| format!("{i:.4}")))
    };
    let classes: Vec<String> = manifest.classes.iter().zip(&e.iou_per_class).map(class).collect();
    let remark = e.remark.as_ref().map_or_else(String::new, |r| format!(" ({r})"));
    let lambda = e.lambda.map_or_else(String::new, |l| format!(" at λ {l}"));
    format!(
        "{}{remark}{lambda} on {} images: IoU {:.4} ({})\n{:.2} GFLOPs by the paper's count, {:.2} executed; IoU/GigaFlop {:.5}\nrouting {}; {:.2} s on {}\n",
        e.method,
        e.images,
        e.iou,
        classes.join(", "),
        e.flops_total as f64 / 1e9,
        e.flops_run as f64 / 1e9,
        e.iou_per_gigaflop,
        shares(&e.shares),
        e.seconds,
        e.device.name
    )
}
