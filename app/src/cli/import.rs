//! `paser import`: public weights as a net of this program.

use super::Common;
use clap::Args;
use paser_core::device::Compute;
use paser_core::net::{NetSpec, import, named, params};
use paser_core::{Error, Result, export};
use serde::Serialize;
use std::path::PathBuf;

/// Classes of the public checkpoints, where a file does not say.
const CLASSES: usize = 19;

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Net that the file holds: segformer (B5) or segformer-b0
    #[arg(long, value_name = "NAME")]
    model: String,
    /// Checkpoint in the Hugging Face layout (safetensors)
    file: PathBuf,
    /// File to write the net to
    #[arg(long, value_name = "NET")]
    out: PathBuf,
    /// Number of classes; where the file tells apart another number, the head starts anew
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=100))]
    classes: Option<u16>,
}

#[derive(Serialize)]
struct Report {
    name: String,
    parameters: usize,
    missing: Vec<String>,
    extra: Vec<String>,
}

pub(super) fn run(args: &ImportArgs, common: &Common) -> Result<()> {
    let Some(NetSpec::Segformer(size)) = named(&args.model, 3, CLASSES) else {
        return Err(Error::invalid(format!(
            "no public weights of {} can be imported; name segformer or segformer-b0",
            args.model
        )));
    };
    let bytes = std::fs::read(&args.file).map_err(|e| Error::io("cannot read", &args.file, e))?;
    let state = import::tensors(&bytes).map_err(|why| Error::bad(&args.file, why))?;
    let device = Compute::cpu().device;
    let imported = import::segformer(&size, state, args.classes.map(usize::from), &device, common.seed)
        .map_err(|e| {
            let why = format!("its tensors do not make a {}: {e}; name the net that it holds", args.model);
            Error::bad(&args.file, why)
        })?;
    let bytes = import::encode(&imported.spec, &imported.net).map_err(Error::invalid)?;
    export::write_atomic(&args.out, &bytes, common.force)?;
    let parameters = params::count(&imported.net);
    let text = format!(
        "{}: {parameters} parameters, {} tensors new, {} left out; written to {}",
        args.model,
        imported.missing.len(),
        imported.extra.len(),
        args.out.display()
    );
    let report =
        Report { name: args.model.clone(), parameters, missing: imported.missing, extra: imported.extra };
    common.print(&report, &text)
}
