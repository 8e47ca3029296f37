//! Training PaSeR, all stages of Algorithm 1: images and labels in, bundle out.

mod batches;
mod bench;
pub mod card;
mod checkpoint;
pub mod config;
mod finetune;
mod joining;
pub mod loss;
mod plan;
mod product;
mod reinforce;
mod report;
mod run;
mod stage;
mod supervised;
mod to_tvd;
mod trainer;
mod watch;
mod whole;

pub use bench::{Speed, Spread, net_speeds, reward_speeds};
pub use card::Card;
pub use config::{Preset, TrainConfig};
pub use report::{StageReport, Summary};
pub use whole::{Wanted, WholeSummary, train_whole, train_whole_on};

use crate::bundle::{Bundle, Sees, SplitRecord};
use crate::data::classes::ClassMap;
use crate::data::dataset::{Dataset, Split};
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::event::{Control, Progress};
use crate::hash::Stream;
use crate::net::{Net, Policy};
use crate::trust;
use burn::tensor::Device;
use checkpoint::Checkpoint;
use plan::Plan;
use run::{Pace, Run, Start};
use std::path::Path;
use to_tvd::Reached;
use trainer::Trainer;

/// What to learn, how, and where to put it.
pub struct Request<'a> {
    /// Classes and their label values.
    pub classes: &'a ClassMap,
    /// All choices.
    pub config: &'a TrainConfig,
    /// Folder of the bundle.
    pub out: &'a Path,
    /// What a new bundle was trained on, in a sentence.
    pub about: &'a str,
    /// Whether what was trained earlier may be replaced: the bundle, or in it the net of the same name.
    pub force: bool,
    /// Whether to go on with what an interrupted run finished.
    pub resume: bool,
}

impl Request<'_> {
    /// Reads the folders or stacks of images and labels.
    fn read(&self, [images, labels]: [&Path; 2], channels: usize) -> Result<Dataset> {
        let config = self.config;
        Dataset::read_along(images, labels, self.classes, config.normalisation, channels, config.axes)
    }
}

/// Trains a bundle on folders or stacks of images and labels, from fresh weights or those of a bundle of the
/// same nets.
///
/// # Errors
/// Where the data do not fit together, the device fails or the run was stopped; finished stages stay
/// beside `out` and are taken up again with `resume`.
pub fn train(
    labelled: [&Path; 2],
    start: Option<&Bundle>,
    request: &Request<'_>,
    compute: &Compute,
    control: &Control,
    events: &mut dyn FnMut(Progress),
) -> Result<Summary> {
    let config = request.config;
    config.check()?;
    let data = request.read(labelled, config.nets[0].channels())?;
    let split = config.split.split(data.samples.len(), config.seed)?;
    let material = Material { data, split, own: None, record: None, start, first: Vec::new() };
    train_on(material, request, compute, control, events)
}

/// Images in memory with who learns from which.
pub struct Material<'a> {
    /// The images.
    pub data: Dataset,
    /// What is trained on, chosen by and reported on.
    pub split: Split,
    /// Images of each net and of the policy, where they are not all of the split's.
    pub own: Option<Own>,
    /// How the bundle names the split, where it does not name every image.
    pub record: Option<SplitRecord>,
    /// A bundle of the same nets whose weights training goes on from.
    pub start: Option<&'a Bundle>,
    /// Nets to begin with, f0 first, with gradients, instead of that bundle's; none at a place: a fresh one.
    pub first: Vec<Option<Net>>,
}

/// Numbers of the images that each net and the policy learn from, where these differ.
#[derive(Clone, Debug)]
pub struct Own {
    /// Of each net, f0 first: what it learns from, and what it is looked at with.
    pub nets: Vec<[Vec<usize>; 2]>,
    /// Of the policies.
    pub policy: Vec<usize>,
}

/// Trains a bundle on images in memory.
///
/// # Errors
/// As [`train`].
pub fn train_on(
    material: Material<'_>,
    request: &Request<'_>,
    compute: &Compute,
    control: &Control,
    events: &mut dyn FnMut(Progress),
) -> Result<Summary> {
    let config = request.config;
    config.check()?;
    if request.out.exists() && !request.force {
        return Err(Error::Exists(request.out.to_owned()));
    }
    let Material { data, split, own, record, start: from, first } = material;
    let channels = config.nets[0].channels();
    let weights = run::class_weights(config, &data, &split.train, &request.classes.names)?;
    trust::check_gradients(compute)?;
    let kept = Checkpoint::open(request.out, "", config, request.resume)?;
    let device = compute.device.clone().autodiff();
    let mut start = from.map_or(Ok(Start::default()), |bundle| starting(bundle, config, &device))?;
    if !first.is_empty() {
        start.nets = first;
    }
    let mut run = Run {
        config,
        data: &data,
        split,
        own,
        record,
        device,
        faults: compute.faults.clone(),
        control,
        weights,
        start,
        events,
        pace: Pace::default(),
        plan: Plan::default(),
        channels,
        classes: request.classes.names.len(),
        steps: 0,
        seconds: 0.0,
    };
    run.plan = Plan::of(&run)?;
    let mut trainer = Trainer { request, start: from, compute, kept, stages: Vec::new() };
    trainer.all_stages(&mut run)
}

/// Nets and policies of `bundle` with gradients.
///
/// # Errors
/// Where they are not the nets that `config` asks for.
fn starting(bundle: &Bundle, config: &TrainConfig, device: &Device) -> Result<Start> {
    if !bundle.manifest.nets.iter().map(|n| &n.spec).eq(&config.nets) {
        return Err(Error::bad(
            bundle.folder(),
            "its nets are not those to be trained; start from a bundle of the same nets",
        ));
    }
    let models = bundle.load(device)?;
    let lambdas = bundle.manifest.policies.iter();
    let policies = lambdas.zip(models.policies).filter(|(e, _)| e.tvd.is_none());
    let same = bundle.manifest.conditioned.as_ref().map(|c| c.sees) == config.conditioned.map(|c| c.sees);
    Ok(Start {
        nets: models.nets.into_iter().map(Some).collect(),
        policies: policies.map(|(e, policy)| (e.lambda, policy)).collect(),
        conditioned: models.conditioned.filter(|_| same),
    })
}

/// The policies of a bundle in the making.
struct Policies {
    /// One for each λ of the configuration.
    at: Vec<Policy>,
    /// Those fine-tuned to a TVD.
    reached: Vec<Reached>,
    /// The one for every λ.
    conditioned: Option<Policy>,
}

impl Policies {
    fn only(policy: Policy) -> Self {
        Self { at: vec![policy], reached: Vec::new(), conditioned: None }
    }

    fn all(&self) -> impl Iterator<Item = &Policy> {
        self.at.iter().chain(self.reached.iter().map(|r| &r.policy))
    }
}

fn fresh_policy(run: &Run<'_>, sees: Sees) -> Policy {
    let mut seeds = Stream::new(run.config.seed, "policy weights");
    sees.policy(&run.config.layout, run.config.nets.len(), &run.device, &mut seeds)
}
