//! `paser segment` and `paser demo`.

use super::Common;
use super::evaluate::describe;
use super::input::{MethodArgs, bundle};
use super::output::{bar, shares};
use paser_core::bundle::Bundle;
use paser_core::data::normalise::Range;
use paser_core::device::Description;
use paser_core::evaluate::evaluate;
use paser_core::event::Control;
use paser_core::export::run::{RunMeta, RunWriter, Totals};
use paser_core::noise::Noise;
use paser_core::route::stack::{Job, prepare, segment};
use paser_core::route::{Choice, Method, Segmenter};
use paser_core::volume::{self, SliceReader};
use paser_core::{Error, Result};
use serde::Serialize;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(super) struct SegmentArgs {
    /// Stack files or folders of slices
    #[arg(required = true, value_name = "STACK")]
    stacks: Vec<PathBuf>,
    /// Bundle; the shipped one where not given
    #[arg(long, value_name = "B")]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    method: MethodArgs,
    /// Slices A to B, counted from 1, both included; either end may be left out
    #[arg(long, value_name = "A:B", value_parser = slices)]
    slices: Option<(Option<usize>, Option<usize>)>,
    /// Folder for the exports; beside the stack where not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

fn slices(text: &str) -> std::result::Result<(Option<usize>, Option<usize>), String> {
    let wrong = || "two numbers from 1 on are needed, as in 10:20, 10: or :20".to_owned();
    let (a, b) = text.split_once(':').ok_or_else(wrong)?;
    let end = |t: &str| {
        if t.is_empty() { Ok(None) } else { t.parse().ok().filter(|n| *n > 0).map(Some).ok_or_else(wrong) }
    };
    Ok((end(a)?, end(b)?))
}

/// What a segmented stack was and cost.
#[derive(Serialize)]
struct Report {
    stack: PathBuf,
    slices: usize,
    seconds: f64,
    slices_per_second: f64,
    shares: Vec<f64>,
    fractions: Vec<f64>,
    unlabelled: u64,
    flops: u64,
    flops_run: u64,
    device: Description,
    outputs: Vec<PathBuf>,
}

pub(super) fn run(args: &SegmentArgs, common: &Common) -> Result<()> {
    let bundle = bundle(args.bundle.as_deref())?;
    let segmenter = Segmenter::new(&bundle, common.compute()?)?;
    let mut reports = Vec::new();
    for stack in &args.stacks {
        let out = match &args.out {
            Some(out) if args.stacks.len() > 1 => out.join(folder_name(stack, &args.method)),
            Some(out) => out.clone(),
            None => stack.with_file_name(folder_name(stack, &args.method)),
        };
        reports.push(one(&segmenter, &bundle, stack, args.slices, &args.method, &out, common)?);
    }
    let text: String = reports.iter().map(line).collect();
    match &reports[..] {
        [report] => common.print(report, &text),
        all => common.print(&all, &text),
    }
}

/// Name of a stack without its ending.
fn stem(stack: &Path) -> String {
    let name = if stack.is_dir() { stack.file_name() } else { stack.file_stem() };
    name.map_or_else(|| "stack".to_owned(), |n| n.to_string_lossy().into_owned())
}

fn folder_name(stack: &Path, method: &MethodArgs) -> String {
    format!("{}_PaSeR_{}", stem(stack), method.method)
}

fn line(r: &Report) -> String {
    format!(
        "{}: {} slices in {:.2} s ({:.2} slices/s), {}, {:.2} GFLOPs\nwritten: {}\n",
        r.stack.display(),
        r.slices,
        r.seconds,
        r.slices_per_second,
        shares(&r.shares),
        r.flops as f64 / 1e9,
        r.outputs.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
    )
}

fn one(
    segmenter: &Segmenter,
    bundle: &Bundle,
    stack: &Path,
    wanted: Option<(Option<usize>, Option<usize>)>,
    method: &MethodArgs,
    out: &Path,
    common: &Common,
) -> Result<Report> {
    let volume = volume::open(stack)?;
    let info = volume.info().clone();
    let (a, b) = wanted.unwrap_or_default();
    let slices = a.unwrap_or(1) - 1..b.unwrap_or(info.slices);
    if slices.is_empty() || slices.end > info.slices {
        return Err(Error::invalid(format!(
            "--slices asks for {} to {} and {} has {} slices",
            slices.start + 1,
            slices.end,
            stack.display(),
            info.slices
        )));
    }
    let range = bundle.manifest.normalisation.range(volume.as_ref())?;
    let channels = bundle.manifest.nets[0].spec.channels();
    let noise = (method.noise, common.seed);
    let mut prepared = slices.clone().map(|z| prepare(volume.as_ref(), z, &range, channels, noise));
    let (choice, moved) = method.choice(segmenter, common.seed, &mut prepared)?;
    let mut evidence =
        evidence(segmenter, bundle, stack, volume.as_ref(), &range, (&choice, method.noise), common)?;
    evidence["tvd"] = json!(moved);
    let meta = RunMeta {
        name: stem(stack),
        shape: [slices.len(), info.height, info.width],
        first_slice: slices.start,
        voxel_size: info.voxel_size,
        unit: info.unit.clone(),
        classes: bundle.manifest.classes.clone(),
        nets: bundle.manifest.nets.len(),
        entropy: choice.needs_f0(),
        evidence,
    };
    let mut writer = RunWriter::create(out, meta, common.force)?;
    let job = Job { volume: volume.as_ref(), slices: slices.clone(), range, choice, noise };
    let bar = bar(slices.len(), "slices");
    let started = Instant::now();
    segment(segmenter, &job, &Control::default(), &mut |z, result| {
        bar.inc(1);
        writer.push(z, &result)
    })?;
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    let totals: Totals = writer.totals().clone();
    Ok(Report {
        stack: stack.to_owned(),
        slices: totals.slices,
        seconds,
        slices_per_second: totals.slices as f64 / seconds,
        shares: totals.shares(),
        fractions: totals.fractions(),
        unlabelled: totals.unlabelled,
        flops: totals.flops_total,
        flops_run: totals.flops_run,
        device: segmenter.compute.description.clone(),
        outputs: writer.finish()?,
    })
}

/// Everything that made a run, for its evidence file.
fn evidence(
    segmenter: &Segmenter,
    bundle: &Bundle,
    stack: &Path,
    volume: &dyn SliceReader,
    range: &Range,
    (choice, noise): (&Choice, Noise),
    common: &Common,
) -> Result<serde_json::Value> {
    let manifest = &bundle.manifest;
    let lambda = (choice.method == Method::Paser).then(|| manifest.lambda_of(choice.router));
    Ok(json!({
        "program": env!("CARGO_PKG_VERSION"),
        "stack": stack,
        "volume": volume.info(),
        "bundle": { "name": manifest.name, "about": manifest.about, "sha256": bundle.hash()? },
        "method": choice.method,
        "noise": noise,
        "lambda": lambda,
        "router": choice.router,
        "monte_carlo": manifest.monte_carlo,
        "seed": common.seed,
        "normalisation": { "method": manifest.normalisation, "found": range },
        "device": segmenter.compute.description,
    }))
}

/// The main job on the bundled sample: exports, then the figures against its truth.
pub(super) fn demo(out: Option<PathBuf>, common: &Common) -> Result<()> {
    let bundle = bundle(None)?;
    let sample = super::places::sample()?;
    let out = out.unwrap_or_else(|| PathBuf::from("paser-demo"));
    let compute = common.compute()?;
    eprintln!("preparing the device (the first time, its answers are checked against known ones)");
    let segmenter = Segmenter::new(&bundle, compute)?;
    let method =
        MethodArgs { lambda: None, tvd: None, policy: None, method: Method::Paser, noise: Noise::None };
    let again = Common { force: true, ..common.clone() };
    let report = one(&segmenter, &bundle, &sample.join("images.tif"), None, &method, &out, &again)?;
    eprint!("{}", line(&report));
    let data = super::bench::sample(&bundle.manifest)?;
    let numbers: Vec<usize> = (0..data.samples.len()).collect();
    let router = bundle.manifest.router(bundle.manifest.lambda);
    let choice = Choice { method: Method::Paser, router, seed: common.seed };
    let evaluation = evaluate(&segmenter, &data, &numbers, &choice, &Control::default(), &mut |_| ())?;
    common.print(&evaluation, &describe(&evaluation, &bundle.manifest))
}
