//! A model bundle on disk: a folder with `manifest.json` and the weights of the task nets and the
//! policies, each with its hash. Weights are data, never code.

use crate::compare::Cascade;
use crate::data::classes::Class;
use crate::data::normalise::Normalisation;
use crate::error::{Error, Result};
use crate::hash::Stream;
use crate::net::params::{self, State, Values};
use crate::net::{Net, NetSpec, Policy};
use crate::route::Router;
use crate::route::tiles::Layout;
use crate::trust::Answer;
use burn::module::Module;
use burn::tensor::Device;
use half::f16;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Name of the manifest in a bundle's folder.
pub const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;
/// A weights file larger than this is refused before it is read.
const LARGEST_FILE: u64 = 1 << 31;
/// A manifest larger than this is refused before it is read.
const LARGEST_MANIFEST: u64 = 16 << 20;

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

/// A policy of a bundle, trained at one λ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyEntry {
    /// Weight of the cost in its reward.
    pub lambda: f64,
    /// The TVD threshold that it was fine-tuned to from the policy at λ = 0 (section R4), and then λ is the
    /// one reached; none for a policy trained at its λ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tvd: Option<f64>,
    /// Its weights.
    #[serde(flatten)]
    pub weights: Hashed,
}

/// What the head of a policy reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sees {
    /// The mean over the tile, as in the paper.
    Tile,
    /// The mean over each patch beside it.
    #[default]
    Patches,
}

impl Sees {
    /// A fresh policy of this kind.
    pub fn policy(self, layout: &Layout, nets: usize, device: &Device, seeds: &mut Stream) -> Policy {
        match self {
            Self::Tile => Policy::new(layout.patches(), nets, device, seeds),
            Self::Patches => Policy::seeing_patches(layout.grid, nets, device, seeds),
        }
    }
}

/// The λ-conditioned policy of a bundle: one net for every λ. Its outputs z estimate what each net gains
/// over f0 in units of the temperature T, and λ enters where it decides: the policy that maximises the
/// expected reward of Eq. 2 and 3 plus T times its entropy is softmax((1 - λ) z - λ C / T).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionedEntry {
    /// C of each net in the reward (Eq. 3).
    pub costs: Vec<f64>,
    /// T, in units of the reward.
    pub temperature: f64,
    /// What its head reads.
    pub sees: Sees,
    /// Whether it decides where nobody says which policy should: it was nowhere worse than the policies
    /// trained at one λ on the validation slices.
    pub preferred: bool,
    /// Figures on validation slices, by rising λ.
    pub curve: Vec<CurvePoint>,
    /// Its weights.
    #[serde(flatten)]
    pub weights: Hashed,
}

impl ConditionedEntry {
    /// Logits at `lambda` of outputs `z` [patches * nets].
    pub fn logits(&self, z: &[f32], lambda: f64) -> Vec<f32> {
        let price: Vec<f32> = self.costs.iter().map(|c| (lambda * c / self.temperature) as f32).collect();
        let patch = |z: &[f32]| -> Vec<f32> {
            z.iter().zip(&price).map(|(z, p)| (1.0 - lambda) as f32 * z - p).collect()
        };
        z.chunks(price.len().max(1)).flat_map(patch).collect()
    }
}

/// The gates of an IDK cascade over the bundle's nets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CascadeEntry {
    /// Chosen by Eq. 5 on validation images.
    pub chosen: Cascade,
    /// Moved until the IoU there matched that of PaSeR at the bundle's λ.
    pub matched: Cascade,
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
    /// f0, f1, ... in order of cost.
    pub nets: Vec<NetEntry>,
    /// Policies by rising λ.
    pub policies: Vec<PolicyEntry>,
    /// The policy that serves every λ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditioned: Option<ConditionedEntry>,
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

/// A bundle whose manifest was read and found sound; weights are read by [`Bundle::load`].
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The manifest.
    pub manifest: Manifest,
    folder: PathBuf,
}

/// The nets of a bundle on a device.
#[derive(Clone, Debug)]
pub struct Models {
    /// f0, f1, ...
    pub nets: Vec<Net>,
    /// Policies by rising λ.
    pub policies: Vec<Policy>,
    /// The policy that serves every λ.
    pub conditioned: Option<Policy>,
}

impl Bundle {
    /// Reads and checks the manifest in `folder`.
    ///
    /// # Errors
    /// Where there is none, or it contradicts itself.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let bytes = read_limited(&path, LARGEST_MANIFEST)?;
        let manifest: Manifest = serde_json::from_slice(&bytes)
            .map_err(|e| Error::bad(&path, format!("it is no bundle manifest of this program ({e})")))?;
        manifest.check().map_err(|why| Error::bad(&path, why))?;
        Ok(Self { manifest, folder: folder.to_owned() })
    }

    /// Loads all weights onto `device` after checking their hashes.
    ///
    /// # Errors
    /// Where a file is missing, does not match its hash or does not fit its net.
    pub fn load(&self, device: &Device) -> Result<Models> {
        let m = &self.manifest;
        let net = |entry: &NetEntry| {
            let state = self.read(&entry.weights)?;
            params::load(entry.spec.init(device, 0), state).map_err(|e| self.unfit(&entry.weights, &e))
        };
        let policy = |weights: &Hashed, sees: Sees| {
            let fresh = sees.policy(&m.layout, m.nets.len(), device, &mut Stream::new(0, "weights"));
            params::load(fresh, self.read(weights)?).map_err(|e| self.unfit(weights, &e))
        };
        Ok(Models {
            nets: m.nets.iter().map(net).collect::<Result<_>>()?,
            policies: m.policies.iter().map(|p| policy(&p.weights, Sees::Tile)).collect::<Result<_>>()?,
            conditioned: m.conditioned.as_ref().map(|p| policy(&p.weights, p.sees)).transpose()?,
        })
    }

    /// Folder of the bundle.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One hash for the whole bundle: that of its manifest, which holds those of the weights.
    ///
    /// # Errors
    /// Where the manifest cannot be read any more.
    pub fn hash(&self) -> Result<String> {
        Ok(sha256(&read_limited(&self.folder.join(MANIFEST), LARGEST_MANIFEST)?))
    }

    fn read(&self, entry: &Hashed) -> Result<State> {
        let path = self.folder.join(&entry.file);
        let bytes = read_limited(&path, LARGEST_FILE)?;
        if sha256(&bytes) != entry.sha256 {
            return Err(Error::bad(
                &path,
                "its content does not match the hash in the bundle's manifest; the file was damaged or exchanged, so copy the bundle again",
            ));
        }
        decode(&bytes).map_err(|why| Error::bad(&path, why))
    }

    fn unfit(&self, entry: &Hashed, mismatch: &params::Mismatch) -> Error {
        let path = self.folder.join(&entry.file);
        Error::bad(&path, format!("its tensors do not fit the net that the manifest names: {mismatch}"))
    }
}

impl Models {
    /// The device that holds the nets.
    pub fn device(&self) -> Device {
        self.nets.first().and_then(|n| n.devices().into_iter().next()).unwrap_or_else(Device::flex)
    }
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

    fn check(&self) -> Result<(), String> {
        let sound = |ok: bool, why: &str| if ok { Ok(()) } else { Err(why.to_owned()) };
        sound(
            self.format == FORMAT,
            "it was written by another version of this program; use a bundle of this version",
        )?;
        sound(self.layout.is_valid(), "its patch grid does not divide its tile")?;
        sound((1..=16).contains(&self.nets.len()), "it must name 1 to 16 nets")?;
        sound(!self.policies.is_empty(), "it names no policy")?;
        sound(
            self.curve.is_empty() || self.curve.len() == self.policies.len(),
            "its curve does not match its policies",
        )?;
        sound((1..=1000).contains(&self.monte_carlo.passes), "it asks for a senseless number of passes")?;
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
        let channels = self.nets[0].spec.channels();
        let side = self.layout.patch().into_iter().min().unwrap_or(0);
        for net in &self.nets {
            let spec = &net.spec;
            sound(spec.is_valid() && spec.classes() == k, "a net does not tell apart the classes it names")?;
            sound(spec.channels() == channels, "its nets read different numbers of channels")?;
            sound(spec.smallest_side() <= side, "its patches are too small for its nets")?;
        }
        let files = self.nets.iter().map(|n| &n.weights).chain(self.policies.iter().map(|p| &p.weights));
        let files = files.chain(self.conditioned.iter().map(|p| &p.weights));
        for entry in files {
            let plain =
                Path::new(&entry.file).components().count() == 1 && !entry.file.contains(['/', '\\', ':']);
            sound(plain && entry.file != "..", "it names a file outside its folder")?;
        }
        Ok(())
    }
}

/// Writes a bundle's weights: task nets in f16, policies (tiny) in f32.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_weights(folder: &Path, file: &str, state: &State, halve: bool) -> Result<Hashed> {
    let bytes = encode(state, halve)?;
    crate::export::write_atomic(&folder.join(file), &bytes, true)?;
    Ok(Hashed { file: file.to_owned(), sha256: sha256(&bytes) })
}

/// Reads a weights file that no manifest vouches for.
///
/// # Errors
/// Where it cannot be read or is no weights file.
pub fn read_weights(path: &Path) -> Result<State> {
    decode(&read_limited(path, LARGEST_FILE)?).map_err(|why| Error::bad(path, why))
}

/// Values as they will be after a bundle's f16.
pub fn rounded(state: State) -> State {
    let round = |mut values: Values| {
        values.data.iter_mut().for_each(|v| *v = f16::from_f32(*v).to_f32());
        values
    };
    state.into_iter().map(|(name, values)| (name, round(values))).collect()
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn encode(state: &State, halve: bool) -> Result<Vec<u8>> {
    let bytes = |v: &Values| -> Vec<u8> {
        if halve {
            v.data.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect()
        } else {
            v.data.iter().flat_map(|x| x.to_le_bytes()).collect()
        }
    };
    let dtype = if halve { Dtype::F16 } else { Dtype::F32 };
    let raw: Vec<(&String, Vec<usize>, Vec<u8>)> =
        state.iter().map(|(name, v)| (name, v.shape.clone(), bytes(v))).collect();
    let views: Vec<(&String, TensorView<'_>)> = raw
        .iter()
        .map(|(name, shape, bytes)| Ok((*name, TensorView::new(dtype, shape.clone(), bytes)?)))
        .collect::<Result<_, safetensors::SafeTensorError>>()
        .map_err(|e| Error::invalid(format!("the weights cannot be written ({e})")))?;
    safetensors::serialize(views, None)
        .map_err(|e| Error::invalid(format!("the weights cannot be written ({e})")))
}

fn decode(bytes: &[u8]) -> Result<State, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| format!("it is no safetensors file ({e})"))?;
    let mut state = State::new();
    for (name, view) in file.tensors() {
        let data = match view.dtype() {
            Dtype::F16 => {
                view.data().chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
            }
            Dtype::F32 => {
                view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
            }
            other => return Err(format!("tensor {name} has type {other:?}, and only F16 and F32 are read")),
        };
        state.insert(name, Values { shape: view.shape().to_vec(), data });
    }
    Ok(state)
}

fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let size = std::fs::metadata(path).map_err(|e| Error::io("cannot read", path, e))?.len();
    if size > limit {
        return Err(Error::bad(path, format!("it holds {size} bytes and at most {limit} are read")));
    }
    std::fs::read(path).map_err(|e| Error::io("cannot read", path, e))
}

/// Place of the value nearest to `wanted`; 0 where there is none.
pub(crate) fn nearest(values: impl Iterator<Item = f64>, wanted: f64) -> usize {
    let distance = |v: f64| (v - wanted).abs();
    values.enumerate().min_by(|a, b| distance(a.1).total_cmp(&distance(b.1))).map_or(0, |(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;
    use crate::route::method::argmax;

    #[test]
    fn the_conditioned_policy_never_takes_a_dearer_net_as_lambda_rises() {
        let weights = Hashed { file: String::new(), sha256: String::new() };
        let costs = vec![0.001, 0.06, 0.94];
        let entry = ConditionedEntry {
            costs,
            temperature: 0.005,
            sees: Sees::Patches,
            preferred: true,
            curve: Vec::new(),
            weights,
        };
        for seed in 0..200 {
            let z = hash::uniform(seed, 48, -20.0, 20.0);
            let at = |step: u32| -> Vec<u8> {
                entry.logits(&z, f64::from(step) / 50.0).chunks(3).map(argmax).collect()
            };
            for step in 0..50 {
                let (now, next) = (at(step), at(step + 1));
                assert!(now.iter().zip(&next).all(|(a, b)| b <= a), "seed {seed}, step {step}");
            }
            assert!(at(50).iter().all(|net| *net == 0), "at λ = 1 the cheapest");
        }
    }
}
