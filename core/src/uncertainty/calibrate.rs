//! Simulated scans with exact truth, segmented: what error bars are fitted to and, on others, tested with.

use super::calibration::{Calibration, weights};
use super::fit::{Subject, fit};
use super::spool::Probabilities;
use crate::data::phantom::{Microstructure, PhantomConfig};
use crate::data::scan::{ScanConfig, phantom_slice};
use crate::error::{Error, Result};
use crate::event::Control;
use crate::export::write_atomic;
use crate::route::{Choice, Segmenter};
use std::path::{Path, PathBuf};

/// How much is simulated.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Scans that the bars are fitted to.
    pub fit: usize,
    /// Further scans that test them.
    pub test: usize,
    /// Slices, rows, columns of each.
    pub shape: [usize; 3],
    /// Draws of each.
    pub draws: usize,
    /// The first scan's seed; the others follow.
    pub seed: u64,
    /// Where probabilities, truth and what was measured lie meanwhile: 4 bytes a voxel. What is there already is not made
    /// again; it must be of the same nets, routed alike.
    pub folder: PathBuf,
    /// Classes whose tortuosity gets bars, which takes longest.
    pub transport: Vec<String>,
}

/// Simulates, segments, fits and tests. `segmenter` must keep probabilities. `progress` hears what is being done.
///
/// # Errors
/// Where the bundle tells apart other classes than a simulated scan has, `plan.folder` holds another calibration's scans,
/// the device fails or the disk is full.
pub fn calibrate(
    segmenter: &Segmenter,
    choice: &Choice,
    plan: &Plan,
    control: &Control,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Calibration> {
    let names: Vec<&str> = segmenter.manifest.classes.iter().map(|c| c.name.as_str()).collect();
    if names != ["pore", "carbon", "nickel"] {
        return Err(Error::invalid(format!(
            "scans are simulated of pore, carbon and nickel, and the bundle tells apart {}; its figures stay without \
             error bars",
            names.join(", ")
        )));
    }
    claim(segmenter, choice, plan)?;
    let all = plan.fit + plan.test;
    let mut subjects = Vec::with_capacity(all);
    for i in 0..all {
        control.check()?;
        progress("simulating and segmenting", i, all);
        subjects.push(subject(segmenter, choice, plan, plan.seed + i as u64)?);
    }
    fit(segmenter, choice, plan, &subjects, control, progress)
}

/// Makes sure that what lies in the folder was made as `plan` says.
fn claim(segmenter: &Segmenter, choice: &Choice, plan: &Plan) -> Result<()> {
    let path = plan.folder.join("calibration.json");
    let program = env!("CARGO_PKG_VERSION");
    let own = serde_json::to_vec(&(program, weights(segmenter), choice.method, choice.router, plan.shape))
        .map_err(|e| Error::invalid(e.to_string()))?;
    match std::fs::read(&path) {
        Ok(found) if found == own => Ok(()),
        Ok(_) => Err(Error::invalid(format!(
            "{} holds the scans of another calibration (other nets, routing, size or program); name another folder",
            plan.folder.display()
        ))),
        Err(_) => write_atomic(&path, &own, false),
    }
}

/// One simulated scan with what the nets say of it.
fn subject(segmenter: &Segmenter, choice: &Choice, plan: &Plan, seed: u64) -> Result<Subject> {
    let [slices, height, width] = plan.shape;
    let file = |end: &str| plan.folder.join(format!("{seed}.{end}"));
    let (said, known) = (file("probabilities"), file("truth"));
    let classes = segmenter.manifest.classes.len();
    if let Some(stack) = Probabilities::open(&said, plan.shape, classes)? {
        let truth = std::fs::read(&known).map_err(|e| Error::io("cannot read", &known, e))?;
        return Ok(Subject { seed, stack, truth });
    }
    let config = PhantomConfig { slices, height, width, seed, ..PhantomConfig::default() };
    let (electrode, scan) = (Microstructure::new(&config)?, ScanConfig { seed, ..ScanConfig::default() });
    let (mut images, mut truth) = (Vec::new(), Vec::new());
    for z in 0..slices {
        let slice = phantom_slice(&electrode, &scan, z);
        images.push(slice.grey.iter().map(|v| f32::from(*v)).collect::<Vec<f32>>());
        truth.extend(slice.truth);
    }
    std::fs::write(&known, &truth).map_err(|e| Error::io("cannot write", &known, e))?;
    let stack = segmented(segmenter, choice, plan, &images, &said)?;
    Ok(Subject { seed, stack, truth })
}

fn segmented(
    segmenter: &Segmenter,
    choice: &Choice,
    plan: &Plan,
    images: &[Vec<f32>],
    path: &Path,
) -> Result<Probabilities> {
    let [_, height, width] = plan.shape;
    let manifest = &segmenter.manifest;
    let range = manifest.normalisation.range_of(images.iter().map(|i| Ok(i.clone())))?;
    let stack = Probabilities::create(path, plan.shape, manifest.classes.len())?;
    for (part, images) in images.chunks(segmenter.tiles_wanted().max(1)).enumerate() {
        let prepared: Vec<_> = images
            .iter()
            .map(|image| range.apply(image, [height, width], 1, manifest.channels()))
            .collect::<Result<_>>()?;
        let names: Vec<String> = (0..images.len()).map(|i| format!("{part} {i}")).collect();
        let results = segmenter.segment(&prepared, &names, choice)?;
        results.iter().try_for_each(|slice| stack.push(slice))?;
    }
    Ok(stack)
}
