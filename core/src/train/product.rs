//! What a training leaves: figures on held-out images and the bundle.

use super::card::Card;
use super::reinforce;
use super::report::{self, Summary};
use super::run::Run;
use super::trainer::Trainer;
use super::{Policies, fresh_policy};
use crate::bundle::{
    self, Bundle, CascadeEntry, MANIFEST, Manifest, Models, MonteCarlo, NetEntry, PolicyEntry, Sees,
};
use crate::compare::{self, Cascade, LAMBDA_IDK, Table};
use crate::data::classes::classes;
use crate::error::{Error, Result};
use crate::net::{Net, Policy, params};
use crate::route::segment::Segmenter;
use crate::route::tvd::GRID;
use crate::trust;
use burn::module::Module;
use burn::tensor::Device;

impl Trainer<'_> {
    /// Measures everything on held-out images with the weights as the bundle will hold them.
    pub(super) fn finish(
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
        summary.started_from = self.start.map(|bundle| {
            let Manifest { name, training, .. } = &bundle.manifest;
            serde_json::json!({ "name": name, "training": training })
        });
        self.write(run, segmenter.manifest, nets, policies, &summary)?;
        Ok(summary)
    }

    pub(super) fn write(
        &self,
        run: &Run<'_>,
        mut manifest: Manifest,
        nets: &[Net],
        policies: &Policies,
        summary: &Summary,
    ) -> Result<()> {
        let folder = self.kept.fresh_draft()?;
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

    pub(super) fn reward_table(
        &self,
        run: &mut Run<'_>,
        nets: &[Net],
        images: &[usize],
        what: &str,
    ) -> Result<Table> {
        let segmenter = self.segmenter(run, nets, &Policies::only(fresh_policy(run, Sees::Tile)), &[])?;
        self.table(run, &segmenter, images, what)
    }

    pub(super) fn table(
        &self,
        run: &mut Run<'_>,
        segmenter: &Segmenter,
        images: &[usize],
        what: &str,
    ) -> Result<Table> {
        let (data, control, total) = (run.data, run.control, images.len());
        run.begin_work();
        let mut progress = |done| run.report(what, done, total, Vec::new());
        Table::build(segmenter, &data.samples, images, control, &mut progress)
    }

    /// The nets as the bundle will hold them (f16), without gradients.
    pub(super) fn segmenter(
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
    pub(super) fn manifest(&self, run: &Run<'_>, policies: &Policies, costs: &[f64]) -> Manifest {
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
                dropout: true,
                passes: config.passes,
                seed: config.seed,
                label: config.f0_label,
                gates: if config.dropout { config.passes } else { 1 },
            },
            normalisation: config.normalisation,
            curve: Vec::new(),
            split: run.record.clone().unwrap_or_else(|| run.data.record(&run.split)),
            training: serde_json::Value::Null,
            answers: Vec::new(),
        }
    }
}
