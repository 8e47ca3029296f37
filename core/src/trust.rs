//! A device earns trust: before it computes for a user, the bundle's nets run known inputs on it
//! and the answers are compared with stored ones (autotuned kernels have been wrong on some cards).

use crate::bundle::{Bundle, Models};
use crate::data::classes::classes;
use crate::device::Compute;
use crate::error::{Error, Result};
use crate::hash;
use crate::net::dropout::Off;
use crate::net::{NAMES, Net, NetSpec, UnetSpec, params};
use crate::route::tiles::Layout;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Values kept of each answer.
const KEPT: usize = 128;
/// Name of the λ-conditioned policy among the answers.
const CONDITIONED: &str = "conditioned policy";
/// How far an answer may lie from the stored one, for values of order one.
const TOLERANCE: f32 = 5e-3;

/// A stored answer: evenly spaced values of what a net says to a known input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// "f0", "f1", ... or "policy 0", ... or "conditioned policy", or the name of a whole-tile net.
    pub net: String,
    /// Shape [C,H,W] of the input: uniform in [0,1) by [`hash::uniform`] under seed 7.
    pub input: [usize; 3],
    /// The values kept.
    pub values: Vec<f32>,
}

/// Whether a device was found to compute rightly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// None where it did; else a sentence why not.
    pub failure: Option<String>,
    /// Seconds since 1970 when it was found.
    pub when: u64,
}

/// The answers of `models`, to be computed on the CPU when a bundle is made.
///
/// # Errors
/// Where the device fails.
pub fn answers(models: &Models, layout: &Layout, channels: usize) -> Result<Vec<Answer>> {
    questions(models, layout, channels)
        .into_iter()
        .map(|(net, input)| Ok(Answer { values: ask(models, &net, input, 1)?.swap_remove(0), net, input }))
        .collect()
}

/// How far a check has come: questions answered, and all of them.
pub type Told<'a> = &'a mut dyn FnMut(usize, usize);

/// Compares what `models` say on `compute` with `answers`, at every batch size that it will run. A device that has
/// not seen these sizes yet tunes its kernels meanwhile, which may take minutes.
///
/// # Errors
/// A sentence naming the net, the batch and the difference.
pub fn check(compute: &Compute, models: &Models, answers: &[Answer], told: Told<'_>) -> Result<()> {
    let asked = answers.iter().filter(|a| !NAMES.contains(&a.net.as_str()));
    let all: Vec<(&Answer, usize)> =
        asked.flat_map(|a| batches(compute, &a.net).iter().map(move |batch| (a, *batch))).collect();
    for (done, (answer, batch)) in all.iter().enumerate() {
        told(done, all.len());
        for values in ask(models, &answer.net, answer.input, *batch)? {
            compare(compute, answer, &values, *batch)?;
        }
    }
    Ok(())
}

/// The batch sizes that `net` runs in earnest: f0 and the policies read tiles, the others patches. The
/// policies share their kernels, so only the first is asked at every size.
fn batches(compute: &Compute, net: &str) -> &'static [usize] {
    match net {
        "f0" | "policy 0" => compute.tile_batches(),
        policy if policy.starts_with("policy") || policy == CONDITIONED => &[1],
        _ => compute.patch_batches(),
    }
}

/// The answer of a whole-tile net, to be computed on the CPU when it joins a bundle.
///
/// # Errors
/// Where the device fails.
pub fn answer_of(net: &Net, name: &str, layout: &Layout, channels: usize) -> Result<Answer> {
    let input = [channels, layout.tile[0], layout.tile[1]];
    let values = kept(net.forward(known(input, 1, &device_of(net)), &mut Off), 1)?.swap_remove(0);
    Ok(Answer { net: name.to_owned(), input, values })
}

/// Compares what the whole-tile net `name` of `bundle` says with its stored answer, once for this device,
/// driver, bundle and program version.
///
/// # Errors
/// As [`check`].
pub fn check_whole_once(compute: &Compute, net: &Net, name: &str, bundle: &Bundle) -> Result<()> {
    once(compute, format!("{} | {name}", key(compute, &bundle.hash()?)), || {
        for answer in bundle.manifest.answers.iter().filter(|a| a.net == name) {
            for batch in compute.tile_batches() {
                let x = known(answer.input, *batch, &compute.device);
                for values in kept(net.forward(x, &mut Off), *batch)? {
                    compare(compute, answer, &values, *batch)?;
                }
            }
        }
        Ok(())
    })
}

/// [`check`], remembered for this device, driver, bundle and program version; nothing is told where it is remembered.
///
/// # Errors
/// As [`check`].
pub fn check_once(compute: &Compute, models: &Models, bundle: &Bundle, told: Told<'_>) -> Result<()> {
    let check = || check(compute, models, &bundle.manifest.answers, told);
    once(compute, key(compute, &bundle.hash()?), check)
}

/// The verdict remembered under `key`, or that of `check`, remembered from now on.
fn once(compute: &Compute, key: String, check: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut known = remembered();
    if let Some(verdict) = known.get(&key) {
        return verdict.failure.clone().map_or(Ok(()), |why| Err(Error::Device(why)));
    }
    let outcome = check();
    // a device that broke down meanwhile has proved nothing, neither way
    compute.faults.check()?;
    let failure = outcome.as_ref().err().map(ToString::to_string);
    let when = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    known.insert(key, Verdict { failure, when });
    remember(&known);
    outcome
}

/// Compares gradients of a small net on `compute` with those on the CPU, before any training.
///
/// # Errors
/// A sentence naming the tensor and the difference.
pub fn check_gradients(compute: &Compute) -> Result<()> {
    let (ours, reference) = (gradients(&compute.device), gradients(&Device::flex()));
    for (name, reference) in &reference {
        let ours = ours.get(name).map(Vec::as_slice).unwrap_or_default();
        let scale = reference.iter().fold(1e-4f32, |m, v| m.max(v.abs()));
        let worst = worst(ours, reference);
        if worst.is_nan() || worst > 0.01 * scale {
            return Err(refusal(
                compute,
                &format!("the gradient of {name} is off by {worst:.2e} of {scale:.2e}"),
            ));
        }
    }
    Ok(())
}

/// What is remembered of all devices.
pub fn remembered() -> BTreeMap<String, Verdict> {
    let bytes = crate::places::cache_dir().and_then(|d| std::fs::read(d.join("trust.json")).ok());
    bytes.and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or_default()
}

fn remember(known: &BTreeMap<String, Verdict>) {
    let Some(dir) = crate::places::cache_dir() else { return };
    let written = std::fs::create_dir_all(&dir)
        .map_err(|e| Error::io("cannot create", &dir, e))
        .and_then(|()| serde_json::to_vec_pretty(known).map_err(|e| Error::invalid(e.to_string())))
        .and_then(|bytes| crate::export::write_atomic(&dir.join("trust.json"), &bytes, true));
    if let Err(e) = written {
        tracing::warn!("the device check will be repeated next time: {e}");
    }
}

fn key(compute: &Compute, bundle: &str) -> String {
    let d = &compute.description;
    format!(
        "{} | {} | {} | {} | {}",
        d.name,
        d.driver,
        d.backend,
        env!("CARGO_PKG_VERSION"),
        &bundle[..16.min(bundle.len())]
    )
}

fn questions(models: &Models, layout: &Layout, channels: usize) -> Vec<(String, [usize; 3])> {
    let [th, tw] = layout.tile;
    let [ph, pw] = layout.patch();
    let nets = (0..models.nets.len()).map(|i| {
        let size = if i == 0 { [channels, th, tw] } else { [channels, ph, pw] };
        (format!("f{i}"), size)
    });
    let policies = (0..models.policies.len()).map(|i| (format!("policy {i}"), [2, th, tw]));
    let conditioned = models.conditioned.iter().map(|_| (CONDITIONED.to_owned(), [2, th, tw]));
    nets.chain(policies).chain(conditioned).collect()
}

/// The kept values for each of `batch` copies of the known input.
fn ask(models: &Models, net: &str, input: [usize; 3], batch: usize) -> Result<Vec<Vec<f32>>> {
    let unknown = || {
        Error::Device(format!(
            "the bundle's known answers name \"{net}\", which it does not have; copy the bundle again"
        ))
    };
    let number = |text: &str| text.parse::<usize>().map_err(|_| unknown());
    let x = |device: &Device| known(input, batch, device);
    if net == CONDITIONED {
        let policy = models.conditioned.as_ref().ok_or_else(unknown)?;
        return kept(policy.forward(x(&models.device())), batch);
    }
    if let Some(i) = net.strip_prefix("policy ") {
        let policy = models.policies.get(number(i)?).ok_or_else(unknown)?;
        return kept(policy.forward(x(&models.device())), batch);
    }
    let net = models.nets.get(number(net.trim_start_matches('f'))?).ok_or_else(unknown)?;
    kept(net.forward(x(&models.device()), &mut Off), batch)
}

/// `batch` copies of the known input [C,H,W].
fn known(input: [usize; 3], batch: usize, device: &Device) -> Tensor<4> {
    let one = hash::uniform(7, input.iter().product(), 0.0, 1.0);
    let [c, h, w] = input;
    Tensor::from_data(TensorData::new(one.repeat(batch), [batch, c, h, w]), device)
}

/// The values kept of each of `batch` outputs.
fn kept<const D: usize>(output: Tensor<D>, batch: usize) -> Result<Vec<Vec<f32>>> {
    let values = output
        .into_data()
        .try_into_vec::<f32>()
        .map_err(|e| Error::Device(format!("the device gave no numbers back ({e:?})")))?;
    let size = values.len() / batch;
    let step = (size / KEPT).max(1);
    Ok(values.chunks(size).map(|v| v.iter().step_by(step).take(KEPT).copied().collect()).collect())
}

fn device_of(net: &Net) -> Device {
    net.devices().into_iter().next().unwrap_or_else(Device::flex)
}

fn compare(compute: &Compute, answer: &Answer, values: &[f32], batch: usize) -> Result<()> {
    let scale = answer.values.iter().fold(1f32, |m, v| m.max(v.abs()));
    let worst = worst(values, &answer.values);
    if worst <= TOLERANCE * scale {
        return Ok(());
    }
    let what = format!(
        "{} at batch {batch} is off by {worst:.2e} where at most {:.2e} is allowed",
        answer.net,
        TOLERANCE * scale
    );
    Err(refusal(compute, &what))
}

fn refusal(compute: &Compute, what: &str) -> Error {
    let d = &compute.description;
    Error::Device(format!(
        "{} ({}, {}) computes wrongly and is not used: {what}; update its driver, or use --device cpu",
        d.name, d.driver, d.backend
    ))
}

/// Largest difference; NaN where one is NaN, infinite where the lengths differ.
fn worst(a: &[f32], b: &[f32]) -> f32 {
    if a.len() != b.len() {
        return f32::INFINITY;
    }
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |m, d| if d.is_nan() || m.is_nan() { f32::NAN } else { m.max(d) })
}

fn gradients(device: &Device) -> BTreeMap<String, Vec<f32>> {
    let device = device.clone().autodiff();
    let classes = classes(&["a", "b", "c"]).len();
    let net = NetSpec::Unet(UnetSpec::f0(1, classes)).init(&device, 3);
    let x =
        Tensor::from_data(TensorData::new(hash::uniform(7, 2 * 64 * 64, 0.0, 1.0), [2, 1, 64, 64]), &device);
    let logits = net.forward(x, &mut Off);
    let loss = -activation::log_softmax(logits, 1).narrow(1, 0, 1).mean();
    params::gradients(&net, &loss.backward())
}
