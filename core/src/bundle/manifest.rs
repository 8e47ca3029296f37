//! What a bundle says of itself, and whether that holds together.

use super::{CascadeEntry, ConditionedEntry, PolicyEntry};
use crate::compare::Cascade;
use crate::data::classes::Class;
use crate::data::normalise::Normalisation;
use crate::net::{F0_MUST_DOUBT, NAMES, NetSpec};
use crate::route::Router;
use crate::route::tiles::Layout;
use crate::trust::Answer;
use serde::{Deserialize, Serialize};
use std::path::Path;

const FORMAT: u32 = 1;

/// A file of the bundle and its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashed {
    /// File name in the bundle's folder.
    pub file: String,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// A task net of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetEntry {
    /// What it is made of.
    pub spec: NetSpec,
    /// Its weights.
    #[serde(flatten)]
    pub weights: Hashed,
}

/// What f0 itself answers for the patches that stay with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum F0Label {
    /// The argmax of the Monte Carlo mean.
    #[default]
    Mean,
    /// The argmax of the first pass alone, as in the authors' code.
    FirstPass,
}

/// A net that segments whole tiles on its own: a row of the paper's comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WholeEntry {
    /// One of [`NAMES`].
    pub name: String,
    /// What it is made of.
    pub spec: NetSpec,
    /// Its weights.
    #[serde(flatten)]
    pub weights: Hashed,
    /// Channels of the images that it was trained on.
    pub channels: usize,
    /// Schedule, steps, wall seconds, seed, device and figures of its training.
    pub training: serde_json::Value,
}

/// Monte Carlo dropout of f0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonteCarlo {
    /// Passes.
    pub passes: usize,
    /// Seed of the masks.
    pub seed: u64,
    /// What f0 answers.
    #[serde(default)]
    pub label: F0Label,
    /// Passes of f1, ... at the gates of a cascade: more than 1 where they were trained with their dropout on, and
    /// then the mean of the passes is also what the cascade accepts.
    #[serde(default = "one")]
    pub gates: usize,
    /// Whether f0's dropout is on. Off, one pass says how unsure it is, at a fifth of five passes' cost.
    #[serde(default = "on")]
    pub dropout: bool,
}

fn on() -> bool {
    true
}

fn one() -> usize {
    1
}

/// A policy's figures on validation slices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// λ of the policy.
    pub lambda: f64,
    /// Share of patches sent to each net.
    pub shares: Vec<f64>,
    /// Mean macro IoU of the stitched slices.
    pub iou: f64,
    /// Mean cost of a slice.
    pub flops: f64,
    /// Total variation distance of the shares from those at λ = 0.
    pub tvd: f64,
}

/// An image by content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageId {
    /// File name when it was read.
    pub name: String,
    /// SHA-256 of its grey values.
    pub sha256: String,
}

/// Which images trained, chose and tested a bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitRecord {
    /// Trained on.
    pub train: Vec<ImageId>,
    /// λ and curve were chosen by these.
    pub validation: Vec<ImageId>,
    /// Never used until the figures were taken.
    pub test: Vec<ImageId>,
}

/// What a bundle says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this form.
    pub format: u32,
    /// Name for people.
    pub name: String,
    /// What it was trained on, in a sentence.
    pub about: String,
    /// Version of the program that wrote it.
    pub program: String,
    /// Classes in order.
    pub classes: Vec<Class>,
    /// Tile and patch grid.
    pub layout: Layout,
    /// f0, f1, ... in order of cost; none in a bundle of whole-tile nets alone.
    pub nets: Vec<NetEntry>,
    /// Policies by rising λ.
    pub policies: Vec<PolicyEntry>,
    /// The policy that serves every λ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditioned: Option<ConditionedEntry>,
    /// Nets that segment whole tiles on their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<WholeEntry>,
    /// Gates of the IDK cascade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cascade: Option<CascadeEntry>,
    /// λ used where none is asked for.
    pub lambda: f64,
    /// f0's Monte Carlo dropout.
    pub monte_carlo: MonteCarlo,
    /// How grey values become input.
    pub normalisation: Normalisation,
    /// Figures on validation slices, one a policy.
    pub curve: Vec<CurvePoint>,
    /// The images it was made from, so that what it was trained on is not mistaken for a test.
    pub split: SplitRecord,
    /// Seeds, schedule, device and figures of the training.
    pub training: serde_json::Value,
    /// Known answers that a device must give before it is used.
    pub answers: Vec<Answer>,
}

impl Manifest {
    /// Version of the form that this program writes.
    pub fn format() -> u32 {
        FORMAT
    }

    /// The policy that decides at `lambda` where nobody says which: the λ-conditioned one where it proved
    /// itself, else the one trained nearest to `lambda`.
    pub fn router(&self, lambda: f64) -> Router {
        match &self.conditioned {
            Some(entry) if entry.preferred => Router::Conditioned(lambda),
            _ => self.fixed(lambda),
        }
    }

    /// The policy trained at the λ nearest to `lambda`.
    pub fn fixed(&self, lambda: f64) -> Router {
        let trained: Vec<usize> =
            (0..self.policies.len()).filter(|i| self.policies[*i].tvd.is_none()).collect();
        let place = nearest(trained.iter().map(|i| self.policies[*i].lambda), lambda);
        Router::Fixed(trained.get(place).copied().unwrap_or_default())
    }

    /// λ of a router.
    pub fn lambda_of(&self, router: Router) -> f64 {
        match router {
            Router::Fixed(i) => self.policies.get(i).map_or(self.lambda, |p| p.lambda),
            Router::Conditioned(lambda) => lambda,
        }
    }

    /// Channels of the images that the bundle reads.
    pub fn channels(&self) -> usize {
        let other = || self.others.first().map_or(1, |o| o.channels);
        self.nets.first().map_or_else(other, |n| n.spec.channels())
    }

    /// Whether the reward was trained with Eq. 3 as printed; bundles that do not say are taken to be.
    pub fn cost_printed(&self) -> bool {
        self.training.pointer("/config/cost_printed").and_then(serde_json::Value::as_bool).unwrap_or(true)
    }

    /// The whole-tile net of a name.
    pub fn other(&self, name: &str) -> Option<&WholeEntry> {
        self.others.iter().find(|o| o.name == name)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let sound = |ok: bool, why: &str| if ok { Ok(()) } else { Err(why.to_owned()) };
        sound(
            self.format == FORMAT,
            "it was written by another version of this program; use a bundle of this version",
        )?;
        sound(self.layout.is_valid(), "its patch grid does not divide its tile")?;
        sound(self.nets.len() <= 16, "it must name at most 16 nets")?;
        sound(!(self.nets.is_empty() && self.others.is_empty()), "it names no net")?;
        sound(self.nets.is_empty() == self.policies.is_empty(), "it names no policy for its nets")?;
        sound(
            self.curve.is_empty() || self.curve.len() == self.policies.len(),
            "its curve does not match its policies",
        )?;
        let MonteCarlo { passes, gates, dropout, .. } = self.monte_carlo;
        sound(dropout || passes == 1, "without dropout all passes are the same, so one must do")?;
        let sensible = [passes, gates].iter().all(|n| (1..=1000).contains(n));
        sound(sensible, "it asks for a senseless number of passes")?;
        if let Some(entry) = &self.conditioned {
            let fits = entry.costs.len() == self.nets.len() && entry.temperature > 0.0;
            sound(fits, "its λ-conditioned policy does not fit its nets")?;
        }
        if let Some(entry) = &self.cascade {
            let fits = |c: &Cascade| c.gates.len() + 1 == self.nets.len();
            sound(fits(&entry.chosen) && fits(&entry.matched), "its cascade does not fit its nets")?;
        }
        let k = self.classes.len();
        sound((2..=100).contains(&k), "it must name 2 to 100 classes")?;
        self.check_nets()?;
        let files = self.nets.iter().map(|n| &n.weights).chain(self.policies.iter().map(|p| &p.weights));
        let files = files.chain(self.conditioned.iter().map(|p| &p.weights));
        let files = files.chain(self.others.iter().map(|o| &o.weights));
        for entry in files {
            let plain =
                Path::new(&entry.file).components().count() == 1 && !entry.file.contains(['/', '\\', ':']);
            sound(plain && entry.file != "..", "it names a file outside its folder")?;
        }
        Ok(())
    }

    fn check_nets(&self) -> Result<(), String> {
        let sound = |ok: bool, why: &str| if ok { Ok(()) } else { Err(why.to_owned()) };
        let first = self.nets.first().map(|n| &n.spec);
        sound(first.is_none_or(NetSpec::can_doubt), F0_MUST_DOUBT)?;
        let channels = self.channels();
        let fits = |spec: &NetSpec, side: [usize; 2]| {
            sound(
                spec.is_valid() && spec.classes() == self.classes.len(),
                "a net does not tell apart the classes it names",
            )?;
            sound(spec.takes(channels), "its nets read different numbers of channels")?;
            sound(spec.smallest_side() <= side[0].min(side[1]), "its patches are too small for its nets")
        };
        self.nets.iter().try_for_each(|n| fits(&n.spec, self.layout.patch()))?;
        self.others.iter().try_for_each(|o| fits(&o.spec, self.layout.tile))?;
        let mut names: Vec<&str> = self.others.iter().map(|o| o.name.as_str()).collect();
        sound(names.iter().all(|n| NAMES.contains(n)), "it names a net that this program does not know")?;
        names.sort_unstable();
        sound(names.windows(2).all(|pair| pair[0] != pair[1]), "it names a net twice")
    }
}

/// Place of the value nearest to `wanted`; 0 where there is none.
fn nearest(values: impl Iterator<Item = f64>, wanted: f64) -> usize {
    let distance = |v: f64| (v - wanted).abs();
    values.enumerate().min_by(|a, b| distance(a.1).total_cmp(&distance(b.1))).map_or(0, |(i, _)| i)
}
