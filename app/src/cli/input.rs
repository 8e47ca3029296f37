//! `paser info`, and what several subcommands read.

use super::Common;
use paser_core::bundle::{Bundle, Manifest};
use paser_core::data::classes::ClassMap;
use paser_core::route::{Choice, Method};
use paser_core::volume::{self, VolumeInfo};
use paser_core::{Error, Result};
use std::path::{Path, PathBuf};

/// How patches are sent to nets, as flags.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct MethodArgs {
    /// Weight of the cost in the policy's reward; the bundle's own where not given
    #[arg(long, value_name = "L", conflicts_with = "tvd", value_parser = unit)]
    pub(super) lambda: Option<f64>,
    /// Total variation distance from the routing at λ = 0, instead of a λ
    #[arg(long, value_name = "T", value_parser = unit)]
    pub(super) tvd: Option<f64>,
    /// paser, random, f0, f1, f2
    #[arg(long, value_name = "M", default_value = "paser")]
    pub(super) method: Method,
}

/// Images with truth, as flags.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct LabelledArgs {
    /// Folder or stack of images
    #[arg(long, value_name = "DIR")]
    pub(super) images: PathBuf,
    /// Folder or stack of labels under the same names
    #[arg(long, value_name = "DIR")]
    pub(super) labels: PathBuf,
    /// Classes in order and their values in the label files; a colour as #0000ff
    #[arg(long, value_name = "pore=2,carbon=1,nickel=0")]
    pub(super) classes: ClassMap,
}

fn unit(text: &str) -> std::result::Result<f64, String> {
    text.parse()
        .ok()
        .filter(|v| (0.0..=1.0).contains(v))
        .ok_or_else(|| "a number from 0 to 1 is needed".to_owned())
}

impl MethodArgs {
    /// The choice for a bundle; says on stderr where its policies have no such λ.
    pub(super) fn choice(&self, manifest: &Manifest, seed: u64) -> Choice {
        let policy = match self.tvd {
            Some(tvd) => manifest.policy_for_tvd(tvd),
            None => manifest.policy_for(self.lambda.unwrap_or(manifest.lambda)),
        };
        let trained = manifest.policies[policy].lambda;
        if let Some(asked) = self.lambda.filter(|l| (l - trained).abs() > 1e-9) {
            let all: Vec<String> = manifest.policies.iter().map(|p| p.lambda.to_string()).collect();
            eprintln!(
                "the bundle has policies for λ = {}; {trained} is the nearest to {asked} and is used",
                all.join(", ")
            );
        }
        Choice { method: self.method, policy, seed }
    }
}

/// The named bundle, or the one that ships with the program.
pub(super) fn bundle(named: Option<&Path>) -> Result<Bundle> {
    match named {
        Some(folder) => Bundle::open(folder),
        None => Bundle::open(&super::places::bundle()?),
    }
}

/// The class map of `--classes` in the bundle's order of classes.
pub(super) fn matching(map: &ClassMap, manifest: &Manifest) -> Result<ClassMap> {
    let names: Vec<String> = manifest.classes.iter().map(|c| c.name.clone()).collect();
    let value = |name: &String| map.names.iter().position(|n| n == name).map(|i| map.values[i]);
    let values: Option<Vec<u32>> = names.iter().map(value).collect();
    match values {
        Some(values) if map.names.len() == names.len() => Ok(ClassMap { names, values }),
        _ => Err(Error::invalid(format!(
            "the bundle tells apart {}, and --classes names {}; name the same classes",
            names.join(", "),
            map.names.join(", ")
        ))),
    }
}

/// Prints what a stack is.
pub(super) fn info(stack: &Path, common: &Common) -> Result<()> {
    let volume = volume::open(stack)?;
    let info = volume.info();
    common.print(info, &describe(info))
}

fn describe(info: &VolumeInfo) -> String {
    let unit = info.unit.as_deref().unwrap_or("?");
    let voxel = info
        .voxel_size
        .map_or_else(|| "unknown".to_owned(), |[z, y, x]| format!("{z} x {y} x {x} {unit} (Z, Y, X)"));
    format!(
        "{} slices of {} x {} (height x width), {}\nvoxel size {voxel}\n{} bytes of voxels",
        info.slices, info.height, info.width, info.dtype, info.bytes
    )
}
