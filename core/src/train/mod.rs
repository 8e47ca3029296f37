//! Training PaSeR, all stages of Algorithm 1: images and labels in, bundle out.

mod checkpoint;
pub mod config;
pub mod loss;
mod reinforce;
mod report;
mod run;
mod supervised;

pub use config::{Preset, TrainConfig};
pub use report::{StageReport, Summary};

use crate::bundle::{
    self, Bundle, ImageId, MANIFEST, Manifest, Models, MonteCarlo, NetEntry, PolicyEntry, SplitRecord,
};
use crate::compare::{self, Table};
use crate::data::classes::{ClassMap, classes};
use crate::data::dataset::Dataset;
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::event::{Control, Progress};
use crate::hash::Stream;
use crate::net::{Net, Policy, params};
use crate::route::segment::Segmenter;
use crate::trust;
use burn::module::Module;
use burn::tensor::Device;
use checkpoint::Checkpoint;
use reinforce::Joint;
use run::Run;
use std::path::Path;
use std::time::Instant;

/// What to train on and where to put the bundle.
pub struct Request<'a> {
    /// Folder or stack of images.
    pub images: &'a Path,
    /// Folder or stack of labels.
    pub labels: &'a Path,
    /// Classes and their label values.
    pub classes: &'a ClassMap,
    /// All choices.
    pub config: &'a TrainConfig,
    /// Folder of the bundle.
    pub out: &'a Path,
    /// What the bundle was trained on, in a sentence.
    pub about: &'a str,
    /// A bundle of the same nets whose weights training goes on from.
    pub start: Option<&'a Bundle>,
    /// Whether an earlier bundle may be replaced.
    pub force: bool,
    /// Whether to go on with what an interrupted run finished.
    pub resume: bool,
}

/// Trains a bundle.
///
/// # Errors
/// Where the data do not fit together, the device fails or the run was stopped; finished stages stay
/// beside `out` and are taken up again with `resume`.
pub fn train(
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
    let channels = config.nets[0].channels();
    let data =
        Dataset::read(request.images, request.labels, request.classes, config.normalisation, channels)?;
    let split = config.split.split(data.samples.len(), config.seed)?;
    let weights = run::class_weights(config, &data, &split.train, &request.classes.names)?;
    trust::check_gradients(compute)?;
    compute.device.seed(config.seed);
    let kept = Checkpoint::open(request.out, config, request.resume)?;
    let device = compute.device.clone().autodiff();
    let start = request.start.map_or(Ok(Vec::new()), |bundle| starting_nets(bundle, config, &device))?;
    let mut run = Run { config, data: &data, split, device, control, weights, start, events };
    let mut trainer = Trainer { request, compute, kept, stages: Vec::new() };
    trainer.all_stages(&mut run)
}

/// The nets of `bundle` with gradients.
///
/// # Errors
/// Where they are not the nets that `config` asks for.
fn starting_nets(bundle: &Bundle, config: &TrainConfig, device: &Device) -> Result<Vec<Net>> {
    if !bundle.manifest.nets.iter().map(|n| &n.spec).eq(&config.nets) {
        return Err(Error::bad(
            bundle.folder(),
            "its nets are not those to be trained; start from a bundle of the same nets",
        ));
    }
    Ok(bundle.load(device)?.nets)
}

struct Trainer<'a> {
    request: &'a Request<'a>,
    compute: &'a Compute,
    kept: Checkpoint,
    stages: Vec<StageReport>,
}

impl Trainer<'_> {
    fn all_stages(&mut self, run: &mut Run<'_>) -> Result<Summary> {
        let config = run.config;
        let mut nets = vec![config.nets[0].init(&run.device, config.seed)];
        for index in 1..config.nets.len() {
            nets.push(self.net(run, &format!("f{index}"), index, |run| supervised::pretrain(run, index))?);
        }
        let teacher = nets[nets.len() - 1].clone();
        nets[0] = self.net(run, "f0", 0, |run| supervised::distil(run, &teacher))?;
        let costs = loss::costs(&nets.iter().map(params::count).collect::<Vec<_>>(), config.cost_printed);
        let (mut policies, table) = self.policies(run, &nets, &costs)?;
        self.finetune(run, &mut nets, &mut policies, &costs, table)?;
        self.finish(run, &nets, &policies, &costs)
    }

    /// A stage whose product is net `index`, taken from the checkpoint where it is finished.
    fn net<'r>(
        &mut self,
        run: &mut Run<'r>,
        name: &str,
        index: usize,
        stage: impl FnOnce(&mut Run<'r>) -> Result<Net>,
    ) -> Result<Net> {
        if let Some(net) = self.kept.load(name, || run.config.nets[index].init(&run.device, 0))? {
            return Ok(net);
        }
        let started = Instant::now();
        let net = stage(run)?;
        self.kept.save(name, &net)?;
        self.stages.push(StageReport::of(name, run, index, started.elapsed().as_secs_f64()));
        Ok(net)
    }

    /// A policy for each λ, each going on from the one before; with the reward table where it was needed.
    fn policies(
        &mut self,
        run: &mut Run<'_>,
        nets: &[Net],
        costs: &[f64],
    ) -> Result<(Vec<Policy>, Option<Table>)> {
        let config = run.config;
        let fresh = |device: &Device| {
            let mut seeds = Stream::new(config.seed, "policy weights");
            Policy::new(config.layout.patches(), config.nets.len(), device, &mut seeds)
        };
        let mut table = None;
        let mut policies: Vec<Policy> = Vec::new();
        for lambda in &config.lambdas {
            let name = format!("policy-{lambda}");
            let start = policies.last().cloned().unwrap_or_else(|| fresh(&run.device));
            if let Some(policy) = self.kept.load(&name, || fresh(&run.device))? {
                policies.push(policy);
                continue;
            }
            if table.is_none() {
                let segmenter = self.segmenter(run, nets, std::slice::from_ref(&start))?;
                let images = run.stage_images(1);
                table = Some(self.table(run, &segmenter, &images, "reward table")?);
            }
            let started = Instant::now();
            if let Some(table) = &table {
                policies.push(reinforce::train_policy(run, table, start, costs, *lambda)?);
                self.kept.save(&name, &policies[policies.len() - 1])?;
            }
            self.stages.push(StageReport::policy(&name, run, started.elapsed().as_secs_f64()));
        }
        Ok((policies, table))
    }

    /// Joint fine-tuning at the λ given, or at the middle one. `table` serves again where both stages
    /// see the same images.
    fn finetune(
        &mut self,
        run: &mut Run<'_>,
        nets: &mut [Net],
        policies: &mut [Policy],
        costs: &[f64],
        table: Option<Table>,
    ) -> Result<()> {
        let lambdas = &run.config.lambdas;
        let lambda = run.config.lambda.unwrap_or(lambdas[lambdas.len() / 2]);
        let chosen = bundle::nearest(lambdas.iter().copied(), lambda);
        let names: Vec<String> = (1..nets.len()).map(|i| format!("finetuned-f{i}")).collect();
        if let Some(policy) = self.kept.load("finetuned-policy", || policies[chosen].clone())? {
            policies[chosen] = policy;
            for (i, name) in names.iter().enumerate() {
                let old = nets[i + 1].clone();
                nets[i + 1] = self.kept.load(name, || old.clone())?.unwrap_or(old);
            }
            return Ok(());
        }
        let images = run.stage_images(2);
        let table = match table.filter(|t| t.samples == images) {
            Some(table) => table,
            None => {
                let segmenter = self.segmenter(run, nets, policies)?;
                self.table(run, &segmenter, &images, "fine-tuning table")?
            }
        };
        let started = Instant::now();
        let joint = Joint { nets: nets.to_vec(), policy: policies[chosen].clone() };
        let joint = reinforce::finetune(run, &table, joint, costs, lambda)?;
        nets.clone_from_slice(&joint.nets);
        policies[chosen] = joint.policy;
        for (i, name) in names.iter().enumerate() {
            self.kept.save(name, &nets[i + 1])?;
        }
        self.kept.save("finetuned-policy", &policies[chosen])?;
        self.stages.push(StageReport::finetune(run, started.elapsed().as_secs_f64()));
        Ok(())
    }

    /// Measures everything on held-out images with the weights as the bundle will hold them.
    fn finish(
        &mut self,
        run: &mut Run<'_>,
        nets: &[Net],
        policies: &[Policy],
        costs: &[f64],
    ) -> Result<Summary> {
        let mut segmenter = self.segmenter(run, nets, policies)?;
        let (validation, test) = (run.split.validation.clone(), run.split.test.clone());
        let curve_images = if validation.is_empty() { run.split.train.clone() } else { validation };
        let table = self.table(run, &segmenter, &curve_images, "validation")?;
        segmenter.manifest.curve = compare::curve(&segmenter, &table, &run.data.samples)?;
        segmenter.manifest.lambda = report::choose_lambda(run.config, &segmenter.manifest.curve);
        let table = if test.is_empty() { table } else { self.table(run, &segmenter, &test, "test")? };
        let rows = compare::rows(&segmenter, &table, &run.data.samples, costs, run.config.seed)?;
        let stages = std::mem::take(&mut self.stages);
        let mut summary = Summary::new(stages, run, &segmenter.manifest, rows, self.compute);
        summary.started_from = self.request.start.map(|bundle| {
            let Manifest { name, training, .. } = &bundle.manifest;
            serde_json::json!({ "name": name, "training": training })
        });
        self.write(run, segmenter.manifest, nets, policies, &summary)?;
        Ok(summary)
    }

    fn write(
        &self,
        run: &Run<'_>,
        mut manifest: Manifest,
        nets: &[Net],
        policies: &[Policy],
        summary: &Summary,
    ) -> Result<()> {
        let folder = self.kept.draft();
        std::fs::create_dir_all(&folder).map_err(|e| Error::io("cannot create", &folder, e))?;
        for (i, (net, spec)) in nets.iter().zip(&run.config.nets).enumerate() {
            let weights =
                bundle::write_weights(&folder, &format!("f{i}.safetensors"), &params::state(net), true)?;
            manifest.nets[i] = NetEntry { spec: spec.clone(), weights };
        }
        for (policy, lambda) in policies.iter().zip(&run.config.lambdas) {
            let weights = bundle::write_weights(
                &folder,
                &format!("policy-{lambda}.safetensors"),
                &params::state(policy),
                false,
            )?;
            let entry = manifest.policies.iter_mut().find(|p| p.lambda == *lambda);
            entry.into_iter().for_each(|e| e.weights = weights.clone());
        }
        manifest.training = serde_json::to_value(summary).map_err(|e| Error::invalid(e.to_string()))?;
        let save = |manifest: &Manifest| {
            let bytes = serde_json::to_vec_pretty(manifest).map_err(|e| Error::invalid(e.to_string()))?;
            crate::export::write_atomic(&folder.join(MANIFEST), &bytes, true)
        };
        save(&manifest)?;
        let models = Bundle::open(&folder)?.load(&Device::flex())?;
        manifest.answers = trust::answers(&models, &manifest.layout, run.channels())?;
        save(&manifest)?;
        self.kept.publish(self.request.out, self.request.force)
    }

    fn table(&self, run: &mut Run<'_>, segmenter: &Segmenter, images: &[usize], what: &str) -> Result<Table> {
        let (data, control, total) = (run.data, run.control, images.len());
        let mut progress = |done| run.report(what, done, total, Vec::new());
        Table::build(segmenter, &data.samples, images, control, &mut progress)
    }

    /// The nets as the bundle will hold them (f16), without gradients.
    fn segmenter(&self, run: &Run<'_>, nets: &[Net], policies: &[Policy]) -> Result<Segmenter> {
        let device = run.device.clone().inner();
        let halved = |(net, spec): (&Net, &crate::net::NetSpec)| {
            let state = bundle::rounded(params::state(net));
            params::load(spec.init(&device, 0), state).map_err(|e| Error::invalid(e.to_string()))
        };
        let nets: Vec<Net> = nets.iter().zip(&run.config.nets).map(halved).collect::<Result<_>>()?;
        let policies = policies.iter().map(Policy::valid).collect();
        Ok(Segmenter::of(self.manifest(run), Models { nets, policies }, self.compute.clone()))
    }

    /// The manifest as far as it is known before the weights are written.
    fn manifest(&self, run: &Run<'_>) -> Manifest {
        let config = run.config;
        let unwritten = || bundle::Hashed { file: String::new(), sha256: String::new() };
        let ids = |numbers: &[usize]| {
            let id = |n: &usize| ImageId {
                name: run.data.samples[*n].name.clone(),
                sha256: run.data.samples[*n].hash.clone(),
            };
            numbers.iter().map(id).collect()
        };
        Manifest {
            format: Manifest::format(),
            name: self.request.out.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
            about: self.request.about.to_owned(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            classes: classes(&self.request.classes.names),
            layout: config.layout,
            nets: config
                .nets
                .iter()
                .map(|spec| NetEntry { spec: spec.clone(), weights: unwritten() })
                .collect(),
            policies: config
                .lambdas
                .iter()
                .map(|l| PolicyEntry { lambda: *l, weights: unwritten() })
                .collect(),
            lambda: config.lambdas[0],
            monte_carlo: MonteCarlo { passes: config.passes, seed: config.seed },
            normalisation: config.normalisation,
            curve: Vec::new(),
            split: SplitRecord {
                train: ids(&run.split.train),
                validation: ids(&run.split.validation),
                test: ids(&run.split.test),
            },
            training: serde_json::Value::Null,
            answers: Vec::new(),
        }
    }
}
