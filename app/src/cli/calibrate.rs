//! `paser calibrate`: finds a bundle's error bars on simulated scans.

use super::Common;
use super::input::bundle;
use super::output::{bar, show};
use paser_core::event::Control;
use paser_core::route::{Choice, Method};
use paser_core::uncertainty::{Calibration, Plan, calibrate};
use paser_core::{Error, Result};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct CalibrateArgs {
    /// Bundle; the shipped one where not given
    #[arg(long, value_name = "B")]
    bundle: Option<PathBuf>,
    /// Simulated scans that the bars are fitted to
    #[arg(long, value_name = "N", default_value_t = 64)]
    fit: usize,
    /// Further scans that test them
    #[arg(long, value_name = "N", default_value_t = 80)]
    test: usize,
    /// Slices of each scan
    #[arg(long, value_name = "N", default_value_t = 16)]
    slices: usize,
    /// Rows of a slice
    #[arg(long, value_name = "H", default_value_t = 224)]
    height: usize,
    /// Columns of a slice
    #[arg(long, value_name = "W", default_value_t = 256)]
    width: usize,
    /// Label volumes drawn of each scan
    #[arg(long, value_name = "N", default_value_t = 16)]
    draws: usize,
    /// Classes whose tortuosity gets bars, separated by commas (it takes longest)
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    tortuosity: Vec<String>,
    /// Folder that keeps the segmented scans, so that a run that was stopped goes on; they are thrown away where
    /// none is named
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// The first scan's seed is this plus 1000 times --seed: far from those that bundles are trained with.
const SEEDS: u64 = 1_000_000;

pub(super) fn run(args: &CalibrateArgs, common: &Common) -> Result<()> {
    let bundle = bundle(args.bundle.as_deref())?;
    let out = Calibration::place(bundle.folder());
    if out.exists() && !common.force {
        return Err(Error::Exists(out));
    }
    let segmenter = common.segmenter(&bundle)?.keep_probabilities(true);
    let manifest = &bundle.manifest;
    let router = manifest.router(manifest.lambda);
    let choice = Choice { method: Method::Paser, router, seed: common.seed };
    let place = std::env::temp_dir();
    let temporary = tempfile::tempdir().map_err(|e| Error::io("cannot write to", &place, e))?;
    let folder = args.keep.clone().unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&folder).map_err(|e| Error::io("cannot create", &folder, e))?;
    let plan = Plan {
        fit: args.fit,
        test: args.test,
        shape: [args.slices, args.height, args.width],
        draws: args.draws,
        seed: SEEDS + 1000 * common.seed,
        folder,
        transport: args.tortuosity.clone(),
    };
    let bar = bar(1, "scans");
    let calibration = calibrate(&segmenter, &choice, &plan, &Control::default(), &mut |what, done, all| {
        show(&bar, what, done, all);
    })?;
    bar.finish_and_clear();
    calibration.write(&out, common.force)?;
    common.print(&calibration, &calibration.table())
}
