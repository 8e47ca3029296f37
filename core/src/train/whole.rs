//! Training one of the comparison's nets on whole tiles, into a bundle of its own or beside the task nets
//! of one that exists.

use super::Request;
use super::checkpoint::Checkpoint;
use super::config::{Length, TrainConfig};
use super::joining::{empty, existing, join, joined};
use super::plan::Plan;
use super::report::StageReport;
use super::run::{self, Pace, Run, Start};
use super::stage::{Pupils, drive};
use super::supervised::Supervised;
use crate::bundle::{self, Bundle, Hashed, Manifest, Models, WholeEntry};
use crate::data::dataset::{Dataset, Split};
use crate::device::{Compute, Description};
use crate::error::{Error, Result};
use crate::evaluate::{Evaluation, evaluate};
use crate::event::{Control, Progress};
use crate::net::{NAMES, Net, NetSpec, import, narrowed, params};
use crate::route::{Choice, Method, Router, Segmenter};
use crate::trust;
use burn::tensor::Device;
use serde::Serialize;
use std::path::Path;

/// Held-out tiles that the stage looks at now and then.
const LOOKED_AT: usize = 3;

/// The net to train on whole tiles.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// One of [`NAMES`].
    pub name: &'a str,
    /// File of an imported net that training goes on from.
    pub start: Option<&'a Path>,
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

/// Trains a net on whole tiles of folders or stacks of images and labels, through the loop that all stages share,
/// and puts it into the bundle: one that exists gets it beside what it has. Of the request's stages only `model` is
/// read.
///
/// # Errors
/// Where it does not fit the bundle or the data, the device fails or the run was stopped; what it had
/// reached stays beside `out` and is taken up again with `resume`.
pub fn train_whole(
    labelled: [&Path; 2],
    wanted: Wanted<'_>,
    request: &Request<'_>,
    compute: &Compute,
    control: &Control,
    events: &mut dyn FnMut(Progress),
) -> Result<WholeSummary> {
    let place = Place::of(wanted, request)?;
    let data = request.read(labelled, place.channels)?;
    let split = match &place.bundle {
        Some(bundle) => joined(request, bundle, &data, labelled[0])?,
        None => request.config.split.split(data.samples.len(), request.config.seed)?,
    };
    learn_at(&place, &data, split, request, compute, control, events)
}

/// The same on images in memory.
///
/// # Errors
/// As [`train_whole`].
pub fn train_whole_on(
    data: &Dataset,
    split: Split,
    wanted: Wanted<'_>,
    request: &Request<'_>,
    compute: &Compute,
    control: &Control,
    events: &mut dyn FnMut(Progress),
) -> Result<WholeSummary> {
    learn_at(&Place::of(wanted, request)?, data, split, request, compute, control, events)
}

/// Where the net will stand, and what it is.
struct Place<'a> {
    name: &'static str,
    spec: NetSpec,
    channels: usize,
    start: Option<&'a Path>,
    /// The bundle that it joins; none where there is nothing yet.
    bundle: Option<Bundle>,
}

impl<'a> Place<'a> {
    fn of(wanted: Wanted<'a>, request: &Request<'_>) -> Result<Self> {
        let (config, count) = (request.config, request.classes.names.len());
        let bundle = existing(wanted.name, request)?;
        let channels = bundle.as_ref().map_or_else(|| config.nets[0].channels(), |b| b.manifest.channels());
        let spec = narrowed(wanted.name, channels, count, config.model.width).map_err(Error::invalid)?;
        config.check_whole(&spec, count)?;
        let name = NAMES.into_iter().find(|n| *n == wanted.name).unwrap_or(NAMES[0]);
        Ok(Self { name, spec, channels, start: wanted.start, bundle })
    }

    /// The net as training begins, imported or with fresh weights, and what it is.
    fn first(&self, seed: u64, device: &Device) -> Result<(NetSpec, Net)> {
        let (name, channels, classes) = (self.name, self.channels, self.spec.classes());
        let Some(path) = self.start else { return Ok((self.spec.clone(), self.spec.init(device, seed))) };
        let bytes = std::fs::read(path).map_err(|e| Error::io("cannot read", path, e))?;
        let (found, net) = import::decode(&bytes, device).map_err(|why| Error::bad(path, why))?;
        if !found.is_like(&self.spec) || found.classes() != classes || !found.takes(channels) {
            return Err(Error::bad(
                path,
                format!(
                    "it is no {name} of {classes} classes for images of {channels} channels; import it with paser import --model {name} --classes {classes}"
                ),
            ));
        }
        Ok((found, net))
    }
}

fn learn_at(
    place: &Place<'_>,
    data: &Dataset,
    split: Split,
    request: &Request<'_>,
    compute: &Compute,
    control: &Control,
    events: &mut dyn FnMut(Progress),
) -> Result<WholeSummary> {
    let (config, name, channels) = (request.config, place.name, place.channels);
    let count = request.classes.names.len();
    let device = compute.device.clone().autodiff();
    let (spec, net) = place.first(config.seed, &device)?;
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
    match &place.bundle {
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

fn learn(run: &mut Run<'_>, kept: &Checkpoint, name: &str, net: Net) -> Result<(Net, StageReport)> {
    let (stage, size) = (run.config.model.stage, run.config.layout.tile);
    if let Some(done) = kept.load(name, || net.clone())? {
        return Ok((done, kept.note(name)?));
    }
    let what = format!("train {name}");
    let images = run.split.train.clone();
    let mut lesson = Supervised::new(run, &images, 0, (size, LOOKED_AT), &stage, &what);
    let per_epoch = lesson.per_epoch();
    let net = drive(run, kept, &what, &stage, per_epoch, Pupils::net(net), &mut lesson)?.into_net()?;
    let report = StageReport::whole(name, run);
    kept.save_note(name, &report)?;
    kept.save(name, &net)?;
    kept.finished(&what)?;
    Ok((net, report))
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
