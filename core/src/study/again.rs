//! Training again from a bundle: what a study does not train stays as the bundle has it.

use super::Context;
use super::diary::{Curves, Diary};
use super::ground::Ground;
use crate::bundle::{Bundle, Manifest};
use crate::data::augment::Augment;
use crate::data::classes::ClassMap;
use crate::data::dataset::{Dataset, Sample, Split};
use crate::error::{Error, Result};
use crate::net::{Net, NetSpec};
use crate::train::config::{Conditioning, Length, Stage};
use crate::train::{Material, Own, Preset, Request, TrainConfig};
use burn::tensor::Device;
use std::path::PathBuf;

/// What is trained again, and on what.
pub(super) struct Again<'a> {
    pub(super) ground: &'a Ground,
    /// Where the bundle comes to lie, and its curves beside it.
    pub(super) folder: PathBuf,
    /// Its name there; several may share a folder.
    pub(super) name: String,
    pub(super) config: TrainConfig,
    pub(super) samples: Vec<Sample>,
    pub(super) split: Split,
    pub(super) own: Own,
    pub(super) first: Vec<Option<Net>>,
    pub(super) about: &'a str,
}

impl Again<'_> {
    /// The bundle, trained where the cache does not hold it, and its curves.
    ///
    /// # Errors
    /// As [`crate::train::train_on`].
    pub(super) fn bundle(self, context: &mut Context<'_>) -> Result<(Bundle, Curves)> {
        let out = self.folder.join(&self.name);
        std::fs::create_dir_all(&self.folder).map_err(|e| Error::io("cannot create", &self.folder, e))?;
        let mut diary = Diary::open(&self.folder, &format!("{}: ", self.name));
        if !out.exists() {
            let manifest = &self.ground.bundle.manifest;
            let names: Vec<String> = manifest.classes.iter().map(|c| c.name.clone()).collect();
            let values = (0..names.len() as u32).collect();
            let request = Request {
                classes: &ClassMap { names, values },
                config: &self.config,
                out: &out,
                about: self.about,
                force: false,
                resume: true,
            };
            let data = Dataset { samples: self.samples, ..self.ground.data() };
            let (own, record) = (Some(self.own), Some(manifest.split.clone()));
            let material = Material {
                data,
                split: self.split,
                own,
                record,
                start: Some(&self.ground.bundle),
                first: self.first,
            };
            diary.train(context, material, &request)?;
        }
        Ok((Bundle::open(&out)?, diary.curves))
    }
}

/// The choices of `manifest`'s bundle with no stage that trains anything.
pub(super) fn still(manifest: &Manifest, seed: u64) -> TrainConfig {
    let nets: Vec<NetSpec> = manifest.nets.iter().map(|n| n.spec.clone()).collect();
    let quick = TrainConfig::preset(Preset::Quick, manifest.channels(), manifest.classes.len());
    let none = |stage: Stage| Stage { length: Length::Steps(0), ..stage };
    let trained = manifest.policies.iter().filter(|p| p.tvd.is_none());
    TrainConfig {
        seed,
        layout: manifest.layout,
        normalisation: manifest.normalisation,
        augment: Augment::default(),
        pretrain: vec![none(quick.pretrain[1]); nets.len().saturating_sub(1)],
        distil: none(quick.distil),
        policy: none(quick.policy),
        finetune: none(quick.finetune),
        lambdas: trained.map(|p| p.lambda).collect(),
        lambda: Some(manifest.lambda),
        passes: manifest.monte_carlo.passes,
        f0_label: manifest.monte_carlo.label,
        cost_printed: manifest.cost_printed(),
        conditioned: manifest.conditioned.as_ref().zip(quick.conditioned).map(|(entry, quick)| {
            let (temperature, sees) = (entry.temperature, entry.sees);
            Conditioning { stage: none(quick.stage), temperature, sees, ..quick }
        }),
        nets,
        ..quick
    }
}

/// The bundle's nets on a device with gradients.
///
/// # Errors
/// Where they cannot be loaded.
pub(super) fn nets(ground: &Ground, device: &Device) -> Result<Vec<Option<Net>>> {
    Ok(ground.bundle.load(&device.clone().autodiff())?.nets.into_iter().map(Some).collect())
}
