//! `paser info`, and what several subcommands read.

use super::Common;
use super::stack::StackArgs;
use paser_core::bundle::{Bundle, Manifest};
use paser_core::data::classes::ClassMap;
use paser_core::data::normalise::Prepared;
use paser_core::event::Control;
use paser_core::noise::Noise;
use paser_core::route::tvd::{self, Moved};
use paser_core::route::{Choice, Method, Router, Segmenter};
use paser_core::volume::VolumeInfo;
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
    /// Policy: conditioned (one for every λ) or fixed (trained at one λ); by default the first where it proved itself
    #[arg(long, value_name = "KIND")]
    pub(super) policy: Option<Kind>,
    /// paser, random, idk, idk-match, f0, f1, f2, or a net of its own: deeplabv3plus, segformer, segformer-b0, efficientvit, efficientvit-b0, matphase; oracle where there is truth
    #[arg(long, value_name = "M", default_value = "paser")]
    pub(super) method: Method,
    /// Noise laid over the images: none, salt-pepper:RATE, gaussian-blur:RADIUS, box-blur:RADIUS, gaussian:SIGMA
    #[arg(long, value_name = "N", default_value = "none")]
    pub(super) noise: Noise,
    /// The policy of a run that is repeated
    #[arg(skip)]
    pub(super) router: Option<Router>,
}

/// The two kinds of policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Kind {
    /// One for every λ
    Conditioned,
    /// Trained at one λ
    Fixed,
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

impl LabelledArgs {
    /// Where the images lie, and their labels.
    pub(super) fn paths(&self) -> [&Path; 2] {
        [&self.images, &self.labels]
    }
}

fn unit(text: &str) -> std::result::Result<f64, String> {
    text.parse()
        .ok()
        .filter(|v| (0.0..=1.0).contains(v))
        .ok_or_else(|| "a number from 0 to 1 is needed".to_owned())
}

impl MethodArgs {
    /// The choice for a bundle at the λ asked for; says on stderr where its policies have no such λ. With
    /// --tvd, the routing on `slices` with the largest λ within it, and how far that moved.
    pub(super) fn choice(
        &self,
        segmenter: &Segmenter,
        seed: u64,
        slices: &mut dyn Iterator<Item = Result<Prepared>>,
    ) -> Result<(Choice, Option<Moved>)> {
        let manifest = &segmenter.manifest;
        if let Some(router) = self.router {
            return Ok((Choice { method: self.method, router, seed }, None));
        }
        if let Some(tvd) = self.tvd {
            eprintln!("reading the stack once to see how far each λ moves its routing");
            let routings = tvd::routings(segmenter, slices, &Control::default())?;
            let moved = tvd::within(&routings, tvd).cloned();
            let router = moved.as_ref().map_or_else(|| manifest.router(0.0), |m| m.router);
            return Ok((Choice { method: self.method, router, seed }, moved));
        }
        let asked = self.lambda.unwrap_or(manifest.lambda);
        let router = match self.policy {
            None => manifest.router(asked),
            Some(Kind::Conditioned) => Router::Conditioned(asked),
            Some(Kind::Fixed) => manifest.fixed(asked),
        };
        let trained = manifest.lambda_of(router);
        if self.method == Method::Paser && (asked - trained).abs() > 1e-9 {
            let all: Vec<String> = manifest.policies.iter().map(|p| p.lambda.to_string()).collect();
            eprintln!(
                "the bundle has policies for λ = {}; {trained} is the nearest to {asked} and is used",
                all.join(", ")
            );
        }
        Ok((Choice { method: self.method, router, seed }, None))
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
pub(super) fn info(stack: &Path, opened: &StackArgs, common: &Common) -> Result<()> {
    let volume = opened.open(stack)?;
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
