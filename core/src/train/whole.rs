//! Training one of the comparison's nets on whole tiles, into a bundle of its own or beside the task nets
//! of one that exists.

use super::batches::Batches;
use super::checkpoint::Checkpoint;
use super::config::{Length, TrainConfig};
use super::joining::{empty, existing, join, joined};
use super::loss;
use super::plan::Plan;
use super::report::StageReport;
use super::run::{self, Pace, Run, Start};
use super::stage::{Lesson, Pupils, Said, drive};
use super::supervised::HeldOut;
use super::watch;
use crate::bundle::{self, Bundle, Hashed, Manifest, Models, WholeEntry};
use crate::data::classes::ClassMap;
use crate::data::dataset::{Crop, Dataset, Split};
use crate::device::{Compute, Description};
use crate::error::{Error, Result};
use crate::evaluate::{Evaluation, evaluate};
use crate::event::{Control, Picture, Progress};
use crate::net::dropout::{Dropout, Off, Random};
use crate::net::{NAMES, Net, NetSpec, import, narrowed, params};
use crate::route::{Choice, Method, Router, Segmenter};
use crate::trust;
use burn::tensor::Device;
use serde::Serialize;
use std::path::Path;

/// Held-out tiles that the stage looks at now and then.
const LOOKED_AT: usize = 3;

/// What to train on, and where to put the net.
pub struct WholeRequest<'a> {
    /// One of [`NAMES`].
    pub name: &'a str,
    /// Folder or stack of images.
    pub images: &'a Path,
    /// Folder or stack of labels.
    pub labels: &'a Path,
    /// Classes and their label values.
    pub classes: &'a ClassMap,
    /// All choices; of the stages only `model` is read.
    pub config: &'a TrainConfig,
    /// Folder of the bundle: one that exists gets the net beside what it has.
    pub out: &'a Path,
    /// What a new bundle was trained on, in a sentence.
    pub about: &'a str,
    /// File of an imported net that training goes on from.
    pub start: Option<&'a Path>,
    /// Whether a net of that name in the bundle may be replaced.
    pub force: bool,
    /// Whether to go on with what an interrupted run began.
    pub resume: bool,
}

/// What the training of a whole-tile net says at its end; the bundle keeps it.
#[derive(Clone, Debug, Serialize)]
pub struct WholeSummary {
    /// Name of the net.
    pub name: String,
    /// "reduced", "reconstruction" or both, where that must be said beside the name.
    pub remark: Option<String>,
    /// The one stage.
    pub stages: Vec<StageReport>,
    /// How its learning rate was led, and what decides over the result.
    pub schedule: String,
    /// What was minimised.
    pub loss: String,
    /// Figures on the validation images; none where none were set aside.
    pub validation: Option<Evaluation>,
    /// Trainable parameters.
    pub parameters: usize,
    /// Images of each part: training, validation, test.
    pub images: [usize; 3],
    /// Choices of the stage.
    pub model: super::config::WholeStage,
    /// Seed of weights, crops and dropout.
    pub seed: u64,
    /// The device.
    pub device: Description,
    /// Version of the program.
    pub program: String,
}

/// Trains a net on whole tiles through the loop that all stages share, and puts it into the bundle.
///
/// # Errors
/// Where it does not fit the bundle or the data, the device fails or the run was stopped; what it had
/// reached stays beside `out` and is taken up again with `resume`.
pub fn train_whole(
    request: &WholeRequest<'_>,
    compute: &Compute,
    control: &Control,
    events: &mut dyn FnMut(Progress),
) -> Result<WholeSummary> {
    let config = request.config;
    let bundle = existing(request)?;
    let channels = channels(request, bundle.as_ref());
    let spec = narrowed(request.name, channels, request.classes.names.len(), config.model.width);
    config.check_whole(&spec.map_err(Error::invalid)?, request.classes.names.len())?;
    let data = Dataset::read_along(
        request.images,
        request.labels,
        request.classes,
        config.normalisation,
        channels,
        config.axes,
    )?;
    let split = match &bundle {
        Some(bundle) => joined(request, bundle, &data)?,
        None => config.split.split(data.samples.len(), config.seed)?,
    };
    train_whole_on(&data, split, request, compute, control, events)
}

fn channels(request: &WholeRequest<'_>, bundle: Option<&Bundle>) -> usize {
    bundle.map_or_else(|| request.config.nets[0].channels(), |b| b.manifest.channels())
}

/// The same on images in memory; of `request` the paths of images and labels are not read.
///
/// # Errors
/// As [`train_whole`].
pub fn train_whole_on(
    data: &Dataset,
    split: Split,
    request: &WholeRequest<'_>,
    compute: &Compute,
    control: &Control,
    events: &mut dyn FnMut(Progress),
) -> Result<WholeSummary> {
    let config = request.config;
    let bundle = existing(request)?;
    let count = request.classes.names.len();
    let channels = channels(request, bundle.as_ref());
    let device = compute.device.clone().autodiff();
    let (name, spec, net) = first(request, [channels, count], &device)?;
    config.check_whole(&spec, count)?;
    let weights = run::class_weights(config, data, &split.train, &request.classes.names)?;
    trust::check_gradients(compute)?;
    let kept = Checkpoint::open(request.out, &format!(".{name}"), &(name, config), request.resume)?;
    let mut run = Run {
        config,
        data,
        split,
        own: None,
        record: None,
        device,
        faults: compute.faults.clone(),
        control,
        weights,
        start: Start::default(),
        events,
        pace: Pace::default(),
        plan: Plan::default(),
        channels,
        classes: count,
        steps: 0,
        seconds: 0.0,
    };
    let (net, stage) = learn(&mut run, &kept, name, net)?;
    let mut entry = WholeEntry {
        name: name.to_owned(),
        spec,
        weights: Hashed { file: String::new(), sha256: String::new() },
        channels,
        training: serde_json::Value::Null,
    };
    let alone = Manifest { others: vec![entry.clone()], ..empty(request, &run) };
    let summary = summary(&run, compute, &alone, name, &net, stage)?;
    entry.training = serde_json::to_value(&summary).map_err(|e| Error::invalid(e.to_string()))?;
    match bundle {
        Some(_) => {
            join(request.out, None, entry, &net)?;
            kept.clear()?;
        }
        None => {
            join(&kept.fresh_draft()?, Some(alone), entry, &net)?;
            kept.publish(request.out, false)?;
        }
    }
    Ok(summary)
}

/// Name, specification and net as training begins: imported, or with fresh weights.
fn first(
    request: &WholeRequest<'_>,
    [channels, classes]: [usize; 2],
    device: &Device,
) -> Result<(&'static str, NetSpec, Net)> {
    let config = request.config;
    let spec = narrowed(request.name, channels, classes, config.model.width).map_err(Error::invalid)?;
    let name = NAMES.into_iter().find(|n| *n == request.name).unwrap_or(NAMES[0]);
    let Some(path) = request.start else {
        let net = spec.init(device, config.seed);
        return Ok((name, spec, net));
    };
    let bytes = std::fs::read(path).map_err(|e| Error::io("cannot read", path, e))?;
    let (found, net) = import::decode(&bytes, device).map_err(|why| Error::bad(path, why))?;
    if !found.is_like(&spec) || found.classes() != classes || !found.takes(channels) {
        return Err(Error::bad(
            path,
            format!(
                "it is no {name} of {classes} classes for images of {channels} channels; import it with paser import --model {name} --classes {classes}"
            ),
        ));
    }
    Ok((name, found, net))
}

fn learn(run: &mut Run<'_>, kept: &Checkpoint, name: &str, net: Net) -> Result<(Net, StageReport)> {
    let (stage, size) = (run.config.model.stage, run.config.layout.tile);
    if let Some(done) = kept.load(name, || net.clone())? {
        return Ok((done, kept.note(name)?));
    }
    let what = format!("train {name}");
    let batches = Batches::new(run, &run.split.train.clone(), size, &stage, &what);
    let per_epoch = batches.per_epoch();
    let mut lesson = Whole { batches, size, held_out: HeldOut::of(run, 0, size, LOOKED_AT) };
    let net = drive(run, kept, &what, &stage, per_epoch, Pupils::net(net), &mut lesson)?.into_net()?;
    let report = StageReport::whole(name, run);
    kept.save_note(name, &report)?;
    kept.save(name, &net)?;
    kept.finished(&what)?;
    Ok((net, report))
}

struct Whole {
    batches: Batches,
    size: [usize; 2],
    held_out: HeldOut,
}

impl Lesson for Whole {
    fn step(&mut self, run: &mut Run<'_>, pupils: &mut Pupils, step: usize, rate: f64) -> Result<Said> {
        let crops: Vec<Crop> = self.batches.at(run, step).into_iter().map(|(_, crop)| crop).collect();
        let (x, targets, pixels) = run.tensors(&crops, self.size);
        let mut dropout: Box<dyn Dropout> = if run.config.dropout { Box::new(Random) } else { Box::new(Off) };
        let net = &mut pupils.nets[0];
        let loss = match &net.module {
            Net::Matphase(parts) => loss::matphase(parts.answers(x, dropout.as_mut()), &targets, pixels),
            _ => loss::cross_entropy(net.module.forward_train(x, dropout.as_mut()), targets, pixels),
        };
        net.step(rate, &loss);
        Ok(Said { loss: loss.detach(), figures: Vec::new(), done: false })
    }

    fn look(&mut self, run: &Run<'_>, pupils: &Pupils) -> Result<Option<f64>> {
        self.held_out.iou(run, &pupils.nets[0].module)
    }

    fn picture(&mut self, run: &Run<'_>, pupils: &Pupils) -> Result<Option<Picture>> {
        watch::labelled(run, &pupils.nets[0].module, self.size)
    }
}

/// Measures the net on the validation images with its weights as the bundle will hold them.
fn summary(
    run: &Run<'_>,
    compute: &Compute,
    alone: &Manifest,
    name: &'static str,
    net: &Net,
    stage: StageReport,
) -> Result<WholeSummary> {
    let spec = &alone.others[0].spec;
    let state = bundle::rounded(params::state(net));
    let held =
        params::load(spec.init(&compute.device, 0), state).map_err(|e| Error::invalid(e.to_string()))?;
    let segmenter = Segmenter::of(alone.clone(), Models::default(), compute.clone()).with_whole(name, held);
    let choice = Choice { method: Method::Whole(name), router: Router::Fixed(0), seed: run.config.seed };
    let numbers = &run.split.validation;
    let validation = (!numbers.is_empty())
        .then(|| evaluate(&segmenter, run.data, numbers, &choice, run.control, &mut |_| ()))
        .transpose()?;
    let remark = spec.remark().map(str::to_owned);
    Ok(WholeSummary {
        name: name.to_owned(),
        schedule: schedule(run.config, &stage),
        remark,
        stages: vec![stage],
        loss: minimised(net).to_owned(),
        validation,
        parameters: params::count(net),
        images: [run.split.train.len(), run.split.validation.len(), run.split.test.len()],
        model: run.config.model,
        seed: run.config.seed,
        device: compute.description.clone(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

fn schedule(config: &TrainConfig, report: &StageReport) -> String {
    let stage = config.model.stage;
    let rate = if stage.cosine { "falling to 0 along a cosine" } else { "constant" };
    let clock = match stage.length {
        Length::Minutes(m) => format!(
            " over {m} wall minutes; its place on the schedule comes from the clock, so another run of the same choices ends with other weights"
        ),
        _ => String::new(),
    };
    format!(
        "Adam, {} tiles a step, {} steps ({:.1} epochs) in {:.0} s, learning rate {} {rate}{clock}",
        stage.batch, report.steps, report.epochs, report.seconds, stage.learning_rate
    )
}

fn minimised(net: &Net) -> &'static str {
    match net {
        Net::Matphase(_) => {
            "a reconstruction: cross entropy of the aggregator, IDK loss of the global net, cross entropy of the local net on the patches that it read"
        }
        // the head hangs on the third stage, is dropped after training, and would take its part of the time
        Net::Deeplabv3plus(_) => "cross entropy, without the auxiliary head of the published recipe",
        _ => "cross entropy",
    }
}
