//! One method against truth, image by image.

use crate::compare::segment_by_oracle;
use crate::cost::Flops;
use crate::data::dataset::{Dataset, Sample};
use crate::device::Description;
use crate::error::{Error, Result};
use crate::event::Control;
use crate::metrics::{Confusion, mean};
use crate::route::segment::shares;
use crate::route::{Choice, Method, Segmenter, SliceResult};
use serde::Serialize;
use std::time::Instant;

/// The figures of a method on a set of images.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Name of the method.
    pub method: String,
    /// "reduced", "reconstruction" or both, where that must be said beside the name.
    pub remark: Option<String>,
    /// Number of images with a labelled pixel.
    pub images: usize,
    /// Macro IoU of the stitched image, mean over images.
    pub iou: f64,
    /// IoU of each class, mean over the images that have it; none where none has.
    pub iou_per_class: Vec<Option<f64>>,
    /// Pixels by true (rows) and predicted class.
    pub confusion: Vec<Vec<u64>>,
    /// The paper's count over all images.
    pub flops_total: Flops,
    /// What was executed.
    pub flops_run: Flops,
    /// IoU / (flops_total / 1e9).
    pub iou_per_gigaflop: f64,
    /// Share of patches to each net.
    pub shares: Vec<f64>,
    /// Wall seconds of the segmentation.
    pub seconds: f64,
    /// The device.
    pub device: Description,
    /// λ of the policy, where one ran.
    pub lambda: Option<f64>,
    /// Pixels without a class.
    pub ignored: usize,
}

/// Evaluates `choice` on the images `numbers` of `data`; `progress` hears how many are done.
///
/// # Errors
/// Where no image has a labelled pixel, the device fails or the work was stopped.
pub fn evaluate(
    segmenter: &Segmenter,
    data: &Dataset,
    numbers: &[usize],
    choice: &Choice,
    control: &Control,
    progress: &mut dyn FnMut(usize),
) -> Result<Evaluation> {
    evaluate_samples(segmenter, &data.samples, numbers, choice, control, progress)
}

/// The same on samples of whatever set.
pub(crate) fn evaluate_samples(
    segmenter: &Segmenter,
    samples: &[Sample],
    numbers: &[usize],
    choice: &Choice,
    control: &Control,
    progress: &mut dyn FnMut(usize),
) -> Result<Evaluation> {
    let classes = segmenter.manifest.classes.len();
    // a whole-tile net routes nothing
    let nets = if matches!(choice.method, Method::Whole(_)) { 0 } else { segmenter.models.nets.len() };
    let mut total = Confusion::new(classes);
    let (mut macro_iou, mut per_class) = (Vec::new(), vec![Vec::new(); classes]);
    let (mut flops_total, mut flops_run, mut actions) = (0, 0, Vec::new());
    segmenter.prepare(choice)?;
    let started = Instant::now();
    for (done, number) in numbers.iter().enumerate() {
        control.check()?;
        let sample = &samples[*number];
        for result in answers(segmenter, sample, choice)? {
            let confusion = Confusion::of(&result.labels, &sample.truth, classes);
            macro_iou.extend(confusion.macro_iou());
            confusion.iou_per_class().into_iter().zip(&mut per_class).for_each(|(iou, all)| all.extend(iou));
            total.absorb(&confusion);
            flops_total += result.flops_total;
            flops_run += result.flops_run;
            actions.extend(result.routes.iter().map(|r| r.net));
        }
        progress(done + 1);
    }
    if macro_iou.is_empty() {
        return Err(Error::invalid(
            "none of the chosen images has a labelled pixel; check --classes and --split",
        ));
    }
    let iou = mean(&macro_iou);
    let decided = matches!(choice.method, Method::Paser | Method::Oracle);
    let lambda = decided.then(|| segmenter.manifest.lambda_of(choice.router));
    Ok(Evaluation {
        method: choice.method.to_string(),
        remark: remark(segmenter, choice.method),
        images: macro_iou.len(),
        iou,
        iou_per_class: per_class.iter().map(|all| (!all.is_empty()).then(|| mean(all))).collect(),
        confusion: total.rows().into_iter().map(<[u64]>::to_vec).collect(),
        flops_total,
        flops_run,
        iou_per_gigaflop: iou / (flops_total as f64 / 1e9),
        shares: shares(actions.into_iter(), nets),
        seconds: started.elapsed().as_secs_f64(),
        device: segmenter.compute.description.clone(),
        lambda,
        ignored: numbers
            .iter()
            .map(|n| samples[*n].truth.iter().filter(|c| **c == crate::metrics::UNLABELLED).count())
            .sum(),
    })
}

fn answers(segmenter: &Segmenter, sample: &Sample, choice: &Choice) -> Result<Vec<SliceResult>> {
    if choice.method == Method::Oracle {
        return Ok(vec![segment_by_oracle(segmenter, sample, choice)?]);
    }
    let name = std::slice::from_ref(&sample.name);
    segmenter.segment(std::slice::from_ref(&sample.image), name, choice)
}

/// What must be said beside the name of a method.
fn remark(segmenter: &Segmenter, method: Method) -> Option<String> {
    let Method::Whole(name) = method else { return None };
    segmenter.manifest.other(name)?.spec.remark().map(str::to_owned)
}
