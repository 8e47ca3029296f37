//! A whole-tile net's place: in a bundle that exists, whose classes, layout, normalisation and split it must share,
//! or in one of its own.

use super::Request;
use super::run::Run;
use crate::bundle::{self, Bundle, MANIFEST, Manifest, MonteCarlo, WholeEntry};
use crate::data::classes::classes;
use crate::data::dataset::{Dataset, Split, SplitRule};
use crate::error::{Error, Result};
use crate::net::{NAMES, Net, params};
use crate::trust;
use burn::tensor::Device;
use std::path::Path;

/// The bundle that the net is to join; none where there is nothing yet.
pub(super) fn existing(name: &str, request: &Request<'_>) -> Result<Option<Bundle>> {
    if !request.out.exists() {
        return Ok(None);
    }
    let bundle = Bundle::open(request.out)?;
    if bundle.manifest.other(name).is_some() && !request.force {
        return Err(Error::bad(
            request.out,
            format!("it holds a {name} already; train it anew with --force, or choose another --out"),
        ));
    }
    Ok(Some(bundle))
}

/// The bundle's own split found in `data`.
///
/// # Errors
/// Where classes, layout, normalisation or split are not the bundle's.
pub(super) fn joined(request: &Request<'_>, bundle: &Bundle, data: &Dataset, images: &Path) -> Result<Split> {
    let (manifest, config) = (&bundle.manifest, request.config);
    let unlike = |what: String| Err(Error::bad(request.out, format!("a net joins it only with {what}")));
    let names: Vec<&str> = manifest.classes.iter().map(|c| c.name.as_str()).collect();
    if names != request.classes.names.iter().map(String::as_str).collect::<Vec<_>>() {
        return unlike(format!("its own classes in this order: {}", names.join(", ")));
    }
    if config.layout != manifest.layout {
        let [h, w] = manifest.layout.tile;
        return unlike(format!("its own tiles of {h} x {w} pixels"));
    }
    if config.normalisation != manifest.normalisation {
        return unlike("its own normalisation; leave that choice out".to_owned());
    }
    let found = data.recorded(&manifest.split);
    let split = &manifest.split;
    let (wanted, here) = (split.train.len(), found.train.len());
    if wanted == 0 || here < wanted || found.validation.len() < split.validation.len() {
        return unlike(format!(
            "the images that it was trained on, and {here} of its {wanted} training and {} of its {} validation images are in {}",
            found.validation.len(),
            split.validation.len(),
            images.display()
        ));
    }
    let sizes = [wanted, split.validation.len(), split.test.len()];
    match config.split {
        SplitRule::Counts(counts) if counts != sizes => {
            unlike(format!("its own split of {}, {} and {} images", sizes[0], sizes[1], sizes[2]))
        }
        _ => Ok(found),
    }
}

/// The manifest of a bundle that holds no net yet.
pub(super) fn empty(request: &Request<'_>, run: &Run<'_>) -> Manifest {
    let config = run.config;
    Manifest {
        format: Manifest::format(),
        name: request.out.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        about: request.about.to_owned(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        classes: classes(&request.classes.names),
        layout: config.layout,
        nets: Vec::new(),
        policies: Vec::new(),
        conditioned: None,
        others: Vec::new(),
        cascade: None,
        lambda: 0.0,
        monte_carlo: MonteCarlo {
            dropout: true,
            passes: config.passes,
            seed: config.seed,
            label: config.f0_label,
            gates: 1,
        },
        normalisation: config.normalisation,
        curve: Vec::new(),
        split: run.data.record(&run.split),
        training: serde_json::Value::Null,
        answers: Vec::new(),
    }
}

/// Writes the net's weights into `folder` and names it in the manifest: `fresh`, or the one there, which is
/// read only now, since another training may have added a net meanwhile.
pub(super) fn join(folder: &Path, fresh: Option<Manifest>, mut entry: WholeEntry, net: &Net) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io("cannot create", folder, e))?;
    let mut manifest = fresh.map_or_else(|| Ok(Bundle::open(folder)?.manifest), Ok::<_, Error>)?;
    let before = manifest.other(&entry.name).map(|o| o.weights.file.clone()).filter(|file| !file.is_empty());
    let mut file = format!("{}.safetensors", entry.name);
    if before.as_ref() == Some(&file) {
        file = format!("{}-anew.safetensors", entry.name); // the manifest names the old one until it is replaced
    }
    let state = params::state(net);
    entry.weights = bundle::write_weights(folder, &file, &state, true)?;
    let held = params::load(entry.spec.init(&Device::flex(), 0), bundle::rounded(state));
    let held = held.map_err(|e| Error::invalid(e.to_string()))?;
    let answer = trust::answer_of(&held, &entry.name, &manifest.layout, entry.channels)?;
    manifest.answers.retain(|a| a.net != entry.name);
    manifest.answers.push(answer);
    manifest.others.retain(|o| o.name != entry.name);
    manifest.others.push(entry);
    manifest.others.sort_by_key(|o| NAMES.iter().position(|n| *n == o.name));
    let bytes = serde_json::to_vec_pretty(&manifest).map_err(|e| Error::invalid(e.to_string()))?;
    crate::export::write_atomic(&folder.join(MANIFEST), &bytes, true)?;
    match before.map(|file| folder.join(file)).filter(|file| file.exists()) {
        Some(old) => std::fs::remove_file(&old).map_err(|e| Error::io("cannot remove", &old, e)),
        None => Ok(()),
    }
}
