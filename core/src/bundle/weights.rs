//! Weights on disk: safetensors in f16 or f32, with their hashes.

use super::Hashed;
use crate::error::{Error, Result};
use crate::net::params::{State, Values};
use half::f16;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sha2::{Digest, Sha256};
use std::path::Path;

/// A weights file larger than this is refused before it is read.
const LARGEST_FILE: u64 = 1 << 31;

/// Writes a bundle's weights, in f16 where `halve` says so and nothing is lost by it ([`halves`]).
///
/// # Errors
/// Where the file cannot be written.
pub fn write_weights(folder: &Path, file: &str, state: &State, halve: bool) -> Result<Hashed> {
    let bytes = encode(state, halve && halves(state))?;
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

/// Whether a net's weights may be kept in f16: batch norm's running figures may not, since a small variance
/// would be rounded to nothing, nor any value outside f16's range.
pub fn halves(state: &State) -> bool {
    let running = |name: &str| name.ends_with(".var");
    state.iter().all(|(name, v)| !running(name) && v.data.iter().all(|x| x.abs() <= f16::MAX.to_f32()))
}

/// Values as they will be in a bundle that keeps them in f16 where it may.
pub fn rounded(state: State) -> State {
    if !halves(&state) {
        return state;
    }
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

pub(super) fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let size = std::fs::metadata(path).map_err(|e| Error::io("cannot read", path, e))?.len();
    if size > limit {
        return Err(Error::bad(path, format!("it holds {size} bytes and at most {limit} are read")));
    }
    std::fs::read(path).map_err(|e| Error::io("cannot read", path, e))
}

/// Reads a weights file and compares it with the hash that a manifest gives.
pub(super) fn read_hashed(folder: &Path, entry: &Hashed) -> Result<State> {
    let path = folder.join(&entry.file);
    let bytes = read_limited(&path, LARGEST_FILE)?;
    if sha256(&bytes) != entry.sha256 {
        return Err(Error::bad(
            &path,
            "its content does not match the hash in the bundle's manifest; the file was damaged or exchanged, so copy the bundle again",
        ));
    }
    decode(&bytes).map_err(|why| Error::bad(&path, why))
}
