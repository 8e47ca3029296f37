//! Training PaSeR, all stages of Algorithm 1: images and labels in, bundle out.

mod batches;
mod bench;
pub mod card;
mod checkpoint;
pub mod config;
pub mod loss;
mod plan;
mod reinforce;
mod report;
mod run;
mod stage;
mod supervised;
mod watch;
mod whole;

pub use bench::{Speed, Spread, net_speeds, reward_speeds};
pub use card::Card;
pub use config::{Preset, TrainConfig};
pub use report::{StageReport, Summary};
pub use whole::{WholeRequest, WholeSummary, train_whole};

use crate::bundle::{
    self, Bundle, CascadeEntry, MANIFEST, Manifest, Models, MonteCarlo, NetEntry, PolicyEntry, Sees,
};
use crate::compare::{self, Cascade, LAMBDA_IDK, Table};
use crate::data::classes::{ClassMap, classes};
use crate::data::dataset::Dataset;
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::event::{Control, Progress};
use crate::hash::Stream;
use crate::net::{Net, Policy, params};
use crate::route::segment::Segmenter;
use crate::route::tvd::GRID;
use crate::trust;
use burn::module::Module;
use burn::tensor::Device;
use checkpoint::Checkpoint;
use plan::Plan;
use reinforce::{Joint, Reached};
use run::{Pace, Run, Start};
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
    let data = Dataset::read_along(
        request.images,
        request.labels,
        request.classes,
        config.normalisation,
        channels,
        config.axes,
    )?;
    let split = config.split.split(data.samples.len(), config.seed)?;
    let weights = run::class_weights(config, &data, &split.train, &request.classes.names)?;
    trust::check_gradients(compute)?;
    let kept = Checkpoint::open(request.out, "", config, request.resume)?;
    let device = compute.device.clone().autodiff();
    let start = request.start.map_or(Ok(Start::default()), |bundle| starting(bundle, config, &device))?;
    let mut run = Run {
        config,
        data: &data,
        split,
        device,
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
    let mut trainer = Trainer { request, compute, kept, stages: Vec::new() };
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
        nets: models.nets,
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
            let stage = format!("pretrain f{index}");
            nets.push(self.net(run, index, &stage, &mut |run, kept| supervised::pretrain(run, kept, index))?);
        }
        let teacher = nets[nets.len() - 1].clone();
        nets[0] = self.net(run, 0, "distil f0", &mut |run, kept| supervised::distil(run, kept, &teacher))?;
        let costs = loss::costs(&nets.iter().map(params::count).collect::<Vec<_>>(), config.cost_printed);
        let start = self.together(run, &mut nets, &costs)?;
        let policies = self.policies(run, &nets, &costs, &start)?;
        self.finish(run, &nets, &policies, &costs)
    }

    /// A stage whose product is net `index`, taken from the checkpoint where it is finished.
    fn net<'r>(
        &mut self,
        run: &mut Run<'r>,
        index: usize,
        stage: &str,
        work: &mut dyn FnMut(&mut Run<'r>, &Checkpoint) -> Result<Net>,
    ) -> Result<Net> {
        let name = format!("f{index}");
        if let Some(net) = self.kept.load(&name, || run.config.nets[index].init(&run.device, 0))? {
            return Ok(net);
        }
        let started = Instant::now();
        let net = work(run, &self.kept)?;
        self.kept.save(&name, &net)?;
        self.kept.finished(stage)?;
        self.stages.push(StageReport::of(&name, run, index, started.elapsed().as_secs_f64()));
        Ok(net)
    }

    /// A stage whose product is a policy, taken from the checkpoint where it is finished.
    fn policy<'r>(
        &mut self,
        run: &mut Run<'r>,
        stage: &str,
        sees: Sees,
        work: &mut dyn FnMut(&mut Run<'r>, &Checkpoint) -> Result<Policy>,
    ) -> Result<Policy> {
        if let Some(policy) = self.kept.load(stage, || fresh_policy(run, sees))? {
            return Ok(policy);
        }
        let started = Instant::now();
        let policy = work(run, &self.kept)?;
        self.kept.save(stage, &policy)?;
        self.kept.finished(stage)?;
        self.stages.push(StageReport::policy(stage, run, started.elapsed().as_secs_f64()));
        Ok(policy)
    }

    /// The first policy and the joint fine-tuning with it, at the λ given or at the middle one. Returns the
    /// policy that those for all λ go on from.
    fn together(&mut self, run: &mut Run<'_>, nets: &mut [Net], costs: &[f64]) -> Result<Policy> {
        let config = run.config;
        let lambda = config.lambda.unwrap_or(config.lambdas[config.lambdas.len() / 2]);
        if config.finetune.length.steps(1) == 0 {
            return Ok(fresh_policy(run, Sees::Tile));
        }
        let mut table = None;
        let first = "first policy";
        let policy = match self.kept.load(first, || fresh_policy(run, Sees::Tile))? {
            Some(policy) => policy,
            None => {
                let rewards = self.reward_table(run, nets, &run.stage_images(1), "reward table")?;
                let policy = self.policy(run, first, Sees::Tile, &mut |run, kept| {
                    reinforce::train_policy(
                        run,
                        kept,
                        first,
                        &rewards,
                        fresh_policy(run, Sees::Tile),
                        costs,
                        lambda,
                    )
                })?;
                table = Some(rewards);
                policy
            }
        };
        self.finetune(run, nets, policy, costs, table, lambda)
    }

    /// Joint fine-tuning; `table` serves again where both stages see the same images.
    fn finetune(
        &mut self,
        run: &mut Run<'_>,
        nets: &mut [Net],
        policy: Policy,
        costs: &[f64],
        table: Option<Table>,
        lambda: f64,
    ) -> Result<Policy> {
        let names: Vec<String> = (1..nets.len()).map(|i| format!("finetuned-f{i}")).collect();
        if let Some(policy) = self.kept.load("finetuned-policy", || policy.clone())? {
            for (i, name) in names.iter().enumerate() {
                let old = nets[i + 1].clone();
                nets[i + 1] = self.kept.load(name, || old.clone())?.unwrap_or(old);
            }
            return Ok(policy);
        }
        let images = run.stage_images(2);
        let table = match table.filter(|t| t.samples == images) {
            Some(table) => table,
            None => self.reward_table(run, nets, &images, "fine-tuning table")?,
        };
        let started = Instant::now();
        let joint = Joint { nets: nets.to_vec(), policy };
        let joint = reinforce::finetune(run, &self.kept, &table, joint, costs, lambda)?;
        nets.clone_from_slice(&joint.nets);
        for (i, name) in names.iter().enumerate() {
            self.kept.save(name, &nets[i + 1])?;
        }
        self.kept.save("finetuned-policy", &joint.policy)?;
        self.kept.finished(reinforce::FINETUNE)?;
        self.stages.push(StageReport::finetune(run, started.elapsed().as_secs_f64()));
        Ok(joint.policy)
    }

    /// All policies of the bundle, on the rewards of the nets as they now are: one for each λ, each going on
    /// from the one before; the one for every λ; those fine-tuned to a TVD.
    fn policies(
        &mut self,
        run: &mut Run<'_>,
        nets: &[Net],
        costs: &[f64],
        start: &Policy,
    ) -> Result<Policies> {
        let config = run.config;
        let table = self.reward_table(run, nets, &run.stage_images(1), "reward table")?;
        let mut at: Vec<Policy> = Vec::new();
        for lambda in &config.lambdas {
            let name = format!("policy-{lambda}");
            let from = run.start_policy(*lambda).unwrap_or_else(|| at.last().unwrap_or(start).clone());
            at.push(self.policy(run, &name, Sees::Tile, &mut |run, kept| {
                reinforce::train_policy(run, kept, &name, &table, from.clone(), costs, *lambda)
            })?);
        }
        let conditioned = match config.conditioned {
            Some(conditioning) => {
                Some(self.policy(run, reinforce::CONDITIONED, conditioning.sees, &mut |run, kept| {
                    let start = run.start.conditioned.clone();
                    let start = start.unwrap_or_else(|| fresh_policy(run, conditioning.sees));
                    reinforce::train_conditioned(run, kept, &table, start, costs, conditioning)
                })?)
            }
            None => None,
        };
        let zero = config.lambdas.iter().position(|l| *l == 0.0).map(|i| at[i].clone());
        let reached = match (&config.tvd, zero) {
            (Some(tvd), Some(zero)) => {
                reinforce::finetune_to_tvd(run, &self.kept, &table, &zero, costs, tvd)?
            }
            _ => Vec::new(),
        };
        Ok(Policies { at, reached, conditioned })
    }

    /// Measures everything on held-out images with the weights as the bundle will hold them.
    fn finish(
        &mut self,
        run: &mut Run<'_>,
        nets: &[Net],
        policies: &Policies,
        costs: &[f64],
    ) -> Result<Summary> {
        let mut segmenter = self.segmenter(run, nets, policies, costs)?;
        let (validation, test) = (run.split.validation.clone(), run.split.test.clone());
        let curve_images = if validation.is_empty() { run.split.train.clone() } else { validation };
        let samples = &run.data.samples;
        let table = self.table(run, &segmenter, &curve_images, "validation")?;
        segmenter.manifest.curve = compare::curve(&segmenter, &table)?;
        let kinds = compare::kinds(&segmenter, &table, costs)?;
        let curve = compare::conditioned_curve(&segmenter, &table, &GRID)?;
        if let Some(entry) = &mut segmenter.manifest.conditioned {
            entry.preferred = report::nowhere_worse(&kinds);
            entry.curve = curve;
        }
        segmenter.manifest.lambda = report::choose_lambda(run.config, &segmenter.manifest);
        let iou = compare::iou_at(&segmenter, &table)?;
        let chosen = Cascade::choose(&table, costs, LAMBDA_IDK, run.config.idk_cost);
        let matched = chosen.matching(&table, iou, &compare::through(&segmenter));
        segmenter.manifest.cascade = Some(CascadeEntry { chosen, matched });
        let card = Card::of(&table, samples, &segmenter, !run.split.validation.is_empty());
        let table = if test.is_empty() { table } else { self.table(run, &segmenter, &test, "test")? };
        let rows = compare::rows(&segmenter, &table, samples, costs, run.config.seed)?;
        let stages = std::mem::take(&mut self.stages);
        let mut summary = Summary::new(stages, run, &segmenter.manifest, rows, self.compute, card);
        summary.validation.kinds = kinds;
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
        policies: &Policies,
        summary: &Summary,
    ) -> Result<()> {
        let folder = self.kept.draft();
        std::fs::create_dir_all(&folder).map_err(|e| Error::io("cannot create", &folder, e))?;
        for (i, (net, spec)) in nets.iter().zip(&run.config.nets).enumerate() {
            let weights =
                bundle::write_weights(&folder, &format!("f{i}.safetensors"), &params::state(net), true)?;
            manifest.nets[i] = NetEntry { spec: spec.clone(), weights };
        }
        for (policy, entry) in policies.all().zip(&mut manifest.policies) {
            let name =
                entry.tvd.map_or_else(|| format!("policy-{}", entry.lambda), |t| format!("policy-tvd-{t}"));
            let file = format!("{name}.safetensors");
            entry.weights = bundle::write_weights(&folder, &file, &params::state(policy), false)?;
        }
        if let (Some(policy), Some(entry)) = (&policies.conditioned, &mut manifest.conditioned) {
            let file = "policy-conditioned.safetensors";
            entry.weights = bundle::write_weights(&folder, file, &params::state(policy), false)?;
        }
        manifest.training = serde_json::to_value(summary).map_err(|e| Error::invalid(e.to_string()))?;
        let save = |manifest: &Manifest| {
            let bytes = serde_json::to_vec_pretty(manifest).map_err(|e| Error::invalid(e.to_string()))?;
            crate::export::write_atomic(&folder.join(MANIFEST), &bytes, true)
        };
        save(&manifest)?;
        let models = Bundle::open(&folder)?.load(&Device::flex())?;
        manifest.answers = trust::answers(&models, &manifest.layout, run.channels)?;
        save(&manifest)?;
        self.kept.publish(self.request.out, self.request.force)
    }

    fn reward_table(&self, run: &mut Run<'_>, nets: &[Net], images: &[usize], what: &str) -> Result<Table> {
        let segmenter = self.segmenter(run, nets, &Policies::only(fresh_policy(run, Sees::Tile)), &[])?;
        self.table(run, &segmenter, images, what)
    }

    fn table(&self, run: &mut Run<'_>, segmenter: &Segmenter, images: &[usize], what: &str) -> Result<Table> {
        let (data, control, total) = (run.data, run.control, images.len());
        run.begin_work();
        let mut progress = |done| run.report(what, done, total, Vec::new());
        Table::build(segmenter, &data.samples, images, control, &mut progress)
    }

    /// The nets as the bundle will hold them (f16), without gradients.
    fn segmenter(
        &self,
        run: &Run<'_>,
        nets: &[Net],
        policies: &Policies,
        costs: &[f64],
    ) -> Result<Segmenter> {
        let device = run.device.clone().inner();
        let halved = |(net, spec): (&Net, &crate::net::NetSpec)| {
            let state = bundle::rounded(params::state(net));
            params::load(spec.init(&device, 0), state).map_err(|e| Error::invalid(e.to_string()))
        };
        let nets: Vec<Net> = nets.iter().zip(&run.config.nets).map(halved).collect::<Result<_>>()?;
        let models = Models {
            nets,
            policies: policies.all().map(Policy::valid).collect(),
            conditioned: policies.conditioned.as_ref().map(Policy::valid),
        };
        Ok(Segmenter::of(self.manifest(run, policies, costs), models, self.compute.clone()))
    }

    /// The manifest as far as it is known before the weights are written.
    fn manifest(&self, run: &Run<'_>, policies: &Policies, costs: &[f64]) -> Manifest {
        let config = run.config;
        let unwritten = || bundle::Hashed { file: String::new(), sha256: String::new() };
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
            policies: {
                let at = config.lambdas.iter().map(|l| (*l, None));
                let reached = policies.reached.iter().map(|r| (r.lambda, Some(r.tvd)));
                at.chain(reached)
                    .map(|(lambda, tvd)| PolicyEntry { lambda, tvd, weights: unwritten() })
                    .collect()
            },
            others: Vec::new(),
            conditioned: match (&policies.conditioned, config.conditioned) {
                (Some(_), Some(c)) => Some(reinforce::conditioned_entry(costs, &c)),
                _ => None,
            },
            cascade: None,
            lambda: config.lambdas[0],
            monte_carlo: MonteCarlo {
                passes: config.passes,
                seed: config.seed,
                label: config.f0_label,
                gates: if config.dropout { config.passes } else { 1 },
            },
            normalisation: config.normalisation,
            curve: Vec::new(),
            split: run.data.record(&run.split),
            training: serde_json::Value::Null,
            answers: Vec::new(),
        }
    }
}
