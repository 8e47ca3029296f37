//! Public checkpoints as nets of this program, and a net with its specification as one file.

use super::params::{self, Mismatch, State, Values};
use super::{Net, NetSpec, SegformerSpec};
use burn::tensor::Device;
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::HashMap;

/// Where a net's file keeps its specification.
const SPEC: &str = "paser-net";
/// A counter that PyTorch keeps beside batch norm and that nothing here needs.
const COUNTER: &str = ".num_batches_tracked";
const HEAD: &str = "decode_head.";
const CLASSIFIER: &str = "decode_head.classifier.";
const FUSION: &str = "decode_head.linear_fuse.weight";

/// A public checkpoint as a net.
#[derive(Debug)]
pub struct Imported {
    /// What the net is made of: the checkpoint's classes and decoder width.
    pub spec: NetSpec,
    /// The net.
    pub net: Net,
    /// Tensors that the file lacks and a new head has fresh values for, by their public names.
    pub missing: Vec<String>,
    /// Tensors of the file that the net has no place for, by their public names.
    pub extra: Vec<String>,
}

/// A SegFormer from the tensors of a checkpoint in the Hugging Face layout. With `classes` given, a
/// classifier for another number of classes gives way to a fresh one from `seed`, and a checkpoint of the
/// encoder alone gets a whole fresh decoder; without it the checkpoint must be whole.
///
/// # Errors
/// Where tensors are missing, extra or of another shape.
pub fn segformer(
    size: &SegformerSpec,
    mut file: State,
    classes: Option<usize>,
    device: &Device,
    seed: u64,
) -> Result<Imported, Mismatch> {
    let stored = |name: &str| file.get(name).and_then(|v| v.shape.first().copied());
    let own = stored("decode_head.classifier.bias");
    let spec = NetSpec::Segformer(SegformerSpec {
        classes: classes.or(own).unwrap_or(size.classes),
        decoder_width: stored(FUSION).unwrap_or(size.decoder_width),
        ..size.clone()
    });
    let headless = !file.keys().any(|name| name.starts_with(HEAD));
    let fresh = |name: &str| {
        classes.is_some() && (name.starts_with(CLASSIFIER) || (headless && name.starts_with(HEAD)))
    };
    if classes.is_some() && classes != own {
        file.retain(|name, _| !name.starts_with(CLASSIFIER));
    }
    let net = spec.init(device, seed);
    let (mut state, mut new, mut mismatch) = (State::new(), Vec::new(), Mismatch::default());
    for (name, shape) in params::shapes(&net) {
        let public = published(&name);
        match file.remove(&public) {
            Some(values) => match reshaped(values, &shape) {
                Ok(values) => drop(state.insert(name, values)),
                Err(found) => mismatch.misshaped.push(format!("{public} {found:?} for {shape:?}")),
            },
            None if fresh(&public) => new.push((name, public)),
            None => mismatch.missing.push(public),
        }
    }
    let extra: Vec<String> = file.into_keys().filter(|name| !name.ends_with(COUNTER)).collect();
    let (ignored, wrong) =
        extra.into_iter().partition(|name| classes.is_some() && name.starts_with("classifier."));
    mismatch.extra = wrong;
    if mismatch != Mismatch::default() {
        return Err(mismatch);
    }
    let missing = fill(&net, &mut state, new);
    Ok(Imported { spec, net: params::load(net, state)?, missing, extra: ignored })
}

/// Puts `net`'s own first values where `state` has none; their public names.
fn fill(net: &Net, state: &mut State, new: Vec<(String, String)>) -> Vec<String> {
    if new.is_empty() {
        return Vec::new();
    }
    let mut first = params::state(net);
    let take = |(name, public): (String, String)| {
        state.extend(first.remove_entry(&name));
        public
    };
    new.into_iter().map(take).collect()
}

/// `values` in `shape` where only ones at the end differ (a linear layer is a 1x1 convolution here); else
/// the shape found.
fn reshaped(values: Values, shape: &[usize]) -> Result<Values, Vec<usize>> {
    let bare = |shape: &[usize]| {
        let used = shape.iter().rposition(|n| *n != 1).map_or(0, |last| last + 1);
        shape[..used].to_vec()
    };
    if bare(&values.shape) != bare(shape) {
        return Err(values.shape);
    }
    Ok(Values { shape: shape.to_vec(), ..values })
}

/// Name in the Hugging Face layout of a tensor of [`Net::Segformer`].
pub fn published(name: &str) -> String {
    let name = name.strip_prefix("Segformer.").unwrap_or(name);
    let (path, leaf) = name.rsplit_once('.').unwrap_or(("", name));
    let leaf = match leaf {
        "w" | "g" => "weight",
        "b" => "bias",
        "mean" => "running_mean",
        "var" => "running_var",
        other => other,
    };
    let own = path.replace(".attention.", ".attention.self.").replace(".mlp.dwconv", ".mlp.dwconv.dwconv");
    let path = own.replace(".attention.self.output", ".attention.output.dense");
    let root = if path.starts_with("encoder.") { "segformer." } else { "" };
    format!("{root}{path}.{leaf}")
}

/// All tensors of a safetensors file but batch norm's counters, as f32.
///
/// # Errors
/// A sentence where it is no such file or holds other types than F32, F16 and BF16.
pub fn tensors(bytes: &[u8]) -> Result<State, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| format!("it is no safetensors file ({e})"))?;
    let mut state = State::new();
    for (name, view) in file.tensors() {
        if name.ends_with(COUNTER) {
            continue;
        }
        let halves = || view.data().chunks_exact(2).map(|b| [b[0], b[1]]);
        let data = match view.dtype() {
            Dtype::F32 => {
                view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
            }
            Dtype::F16 => halves().map(|b| f16::from_le_bytes(b).to_f32()).collect(),
            Dtype::BF16 => halves().map(|b| bf16::from_le_bytes(b).to_f32()).collect(),
            other => {
                return Err(format!("tensor {name} has type {other:?}, and only F32, F16 and BF16 are read"));
            }
        };
        state.insert(name, Values { shape: view.shape().to_vec(), data });
    }
    Ok(state)
}

/// A net and its specification as the bytes of a safetensors file in f32.
///
/// # Errors
/// A sentence where a tensor's shape and values contradict each other.
pub fn encode(spec: &NetSpec, net: &Net) -> Result<Vec<u8>, String> {
    let bytes = |v: &Values| v.data.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let state = params::state(net);
    let raw: Vec<_> = state.iter().map(|(name, v)| (name, v.shape.clone(), bytes(v))).collect();
    let views =
        raw.iter().map(|(name, shape, b)| Ok((*name, TensorView::new(Dtype::F32, shape.clone(), b)?)));
    let views: Vec<_> = views
        .collect::<Result<_, safetensors::SafeTensorError>>()
        .map_err(|e| format!("the net cannot be written ({e})"))?;
    let spec = serde_json::to_string(spec).map_err(|e| format!("the net cannot be written ({e})"))?;
    safetensors::serialize(views, Some(HashMap::from([(SPEC.to_owned(), spec)])))
        .map_err(|e| format!("the net cannot be written ({e})"))
}

/// The net that [`encode`] wrote.
///
/// # Errors
/// A sentence where the bytes are no such file.
pub fn decode(bytes: &[u8], device: &Device) -> Result<(NetSpec, Net), String> {
    let (_, header) =
        SafeTensors::read_metadata(bytes).map_err(|e| format!("it is no safetensors file ({e})"))?;
    let spec = header.metadata().as_ref().and_then(|m| m.get(SPEC));
    let spec = spec.ok_or("it does not say what net it holds; make it with paser import")?;
    let spec: NetSpec = serde_json::from_str(spec)
        .map_err(|e| format!("it holds a net that this program does not know ({e})"))?;
    if !spec.is_valid() {
        return Err("it holds a net that cannot be built".to_owned());
    }
    let net = params::load(spec.init(device, 0), tensors(bytes)?)
        .map_err(|e| format!("its tensors do not fit the net that it names: {e}"))?;
    Ok((spec, net))
}
