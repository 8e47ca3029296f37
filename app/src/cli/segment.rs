//! `paser segment` and `paser demo`.

use super::Common;
use super::evaluate::describe;
use super::input::{MethodArgs, bundle};
use super::output::{bar, shares, show};
use super::stack::StackArgs;
use paser_core::bundle::Bundle;
use paser_core::device::Description;
use paser_core::evaluate::evaluate;
use paser_core::event::Control;
use paser_core::export::LabelFormat;
use paser_core::export::report::run::MEMORY;
use paser_core::export::report::{Course, Part};
use paser_core::export::results::{DRAWS, Results, Task, Wanted, Written, stem};
use paser_core::export::run::Totals;
use paser_core::noise::Noise;
use paser_core::route::stack::{Job, prepare, segment};
use paser_core::route::{Choice, Fall, Method, Segmenter};
use paser_core::volume::{Hashing, Stamp, stacks_in};
use paser_core::{Error, Result};
use serde::Serialize;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(super) struct SegmentArgs {
    /// Stack files, folders of slices, or folders of stacks
    #[arg(required = true, value_name = "STACK")]
    stacks: Vec<PathBuf>,
    /// Bundle; the shipped one where not given
    #[arg(long, value_name = "B")]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    pub(super) method: MethodArgs,
    /// Slices A to B, counted from 1, both included; either end may be left out
    #[arg(long, value_name = "A:B", value_parser = slices)]
    pub(super) slices: Option<(Option<usize>, Option<usize>)>,
    #[command(flatten)]
    pub(super) opened: StackArgs,
    /// Further exports, separated by commas: nrrd, ome-zarr, raw, phases, probabilities (8 bit), probabilities-float, overlays (PNG), overlays-routes
    #[arg(long, value_name = "FORMATS", value_delimiter = ',')]
    export: Vec<LabelFormat>,
    /// Classes whose tortuosity the report states, separated by commas (it takes longest)
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) tortuosity: Vec<String>,
    /// Label volumes drawn for the error bars of the report's figures; 0 for none
    #[arg(long, value_name = "N", default_value_t = DRAWS, value_parser = draws)]
    draws: usize,
    /// Write no report
    #[arg(long)]
    pub(super) no_report: bool,
    /// Folder for the exports; beside the stack where not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

fn draws(text: &str) -> std::result::Result<usize, String> {
    let wrong = || "0, or a number from 2 to 1000 is needed".to_owned();
    text.parse().ok().filter(|n| *n == 0 || (2..=1000).contains(n)).ok_or_else(wrong)
}

fn slices(text: &str) -> std::result::Result<(Option<usize>, Option<usize>), String> {
    let wrong = || "two numbers from 1 on are needed, as in 10:20, 10: or :20".to_owned();
    let (a, b) = text.split_once(':').ok_or_else(wrong)?;
    let end = |t: &str| {
        if t.is_empty() { Ok(None) } else { t.parse().ok().filter(|n| *n > 0).map(Some).ok_or_else(wrong) }
    };
    Ok((end(a)?, end(b)?))
}

impl SegmentArgs {
    /// What is written.
    fn wanted(&self) -> Wanted {
        Wanted {
            formats: self.export.clone(),
            report: !self.no_report,
            tortuosity: self.tortuosity.clone(),
            draws: self.draws,
            memory: self.opened.memory.map_or(MEMORY, |mb| mb as u64),
        }
    }

    /// The bundle on its device; it keeps probabilities where something asks for them.
    pub(super) fn segmenter(&self, bundle: &Bundle, common: &Common) -> Result<Segmenter> {
        let kept = self.wanted().needs_probabilities(bundle.folder(), self.method.method);
        Ok(common.segmenter(bundle)?.keep_probabilities(kept))
    }

    /// A stack without any flag.
    pub(super) fn of(stack: PathBuf) -> Self {
        let method = MethodArgs {
            lambda: None,
            tvd: None,
            policy: None,
            method: Method::Paser,
            noise: Noise::None,
            router: None,
        };
        let (stacks, opened) = (vec![stack], StackArgs::default());
        Self {
            stacks,
            bundle: None,
            method,
            slices: None,
            opened,
            export: Vec::new(),
            tortuosity: Vec::new(),
            draws: DRAWS,
            no_report: false,
            out: None,
        }
    }
}

/// What a segmented stack was and cost.
#[derive(Serialize)]
pub(super) struct Report {
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
    device_faults: Vec<Fall>,
    outputs: Vec<PathBuf>,
}

pub(super) fn run(args: &SegmentArgs, common: &Common) -> Result<()> {
    let bundle = bundle(args.bundle.as_deref())?;
    let segmenter = args.segmenter(&bundle, common)?;
    let mut reports = Vec::new();
    let mut failed = 0;
    let stacks: Vec<PathBuf> =
        args.stacks.iter().map(|path| stacks_in(path)).collect::<Result<Vec<_>>>()?.concat();
    for stack in &stacks {
        let out = match &args.out {
            Some(out) if stacks.len() > 1 => out.join(folder_name(stack, &args.method)),
            Some(out) => out.clone(),
            None => stack.with_file_name(folder_name(stack, &args.method)),
        };
        match one(&segmenter, &bundle, stack, args, &out, common) {
            Ok(report) => reports.push(report),
            Err(e) if stacks.len() == 1 => return Err(e),
            Err(e) => {
                failed += 1;
                eprintln!("{}: {e}", stack.display());
            }
        }
    }
    let text: String = reports.iter().map(line).collect();
    match &reports[..] {
        [report] if stacks.len() == 1 => common.print(report, &text)?,
        all => common.print(&all, &text)?,
    }
    match failed {
        0 => Ok(()),
        n => Err(Error::invalid(format!("{n} of {} stacks failed, for the reasons above", stacks.len()))),
    }
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

/// Segments one stack into the folder `out`.
pub(super) fn one(
    segmenter: &Segmenter,
    bundle: &Bundle,
    stack: &Path,
    args: &SegmentArgs,
    out: &Path,
    common: &Common,
) -> Result<Report> {
    let stamp = Stamp::of(stack)?;
    let volume = args.opened.open(stack)?;
    let info = volume.info().clone();
    let (a, b) = args.slices.unwrap_or_default();
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
    let channels = bundle.manifest.channels();
    let noise = (args.method.noise, common.seed);
    let mut prepared = slices.clone().map(|z| prepare(volume.as_ref(), z, &range, channels, noise));
    let (choice, moved) = args.method.choice(segmenter, common.seed, &mut prepared)?;
    let read = Hashing::new(volume.as_ref(), slices.start);
    let task = Task {
        segmenter,
        bundle,
        stack,
        opened: args.opened.opening(),
        volume: volume.clone(),
        slices: slices.clone(),
        range,
        choice,
        noise: args.method.noise,
        seed: common.seed,
    };
    let wanted = args.wanted();
    let mut results = Results::create(task, &wanted, out, common.force)?;
    results.note("tvd", json!(moved));
    if let Some(warning) = results.warning() {
        eprintln!("{warning}");
    }
    let job = Job { volume: &read, slices: slices.clone(), range, choice, noise };
    let bar = bar(slices.len(), "slices");
    let started = Instant::now();
    let falls = segment(segmenter, &job, &Control::default(), &mut |z, result| {
        bar.inc(1);
        results.push(z, &result)
    })?;
    bar.finish_and_clear();
    stamp.check()?;
    let seconds = started.elapsed().as_secs_f64();
    let totals: Totals = results.totals().clone();
    let written = finish(results, (read.digest().as_deref(), &falls), seconds)?;
    written.report?;
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
        device_faults: falls,
        outputs: written.outputs,
    })
}

/// Completes the results with a bar for what the report takes time for.
fn finish(results: Results<'_>, read: (Option<&str>, &[Fall]), seconds: f64) -> Result<Written> {
    let bar = bar(1, "steps");
    let mut told = |course: Course| {
        let what = match course.part {
            Part::Measures => "measuring the labels",
            Part::Bars => "drawing error bars",
        };
        show(&bar, what, course.done, course.all);
    };
    let written = results.finish(read, seconds, &Control::default(), &mut told);
    bar.finish_and_clear();
    written
}

/// The main job on the bundled sample: exports, then the figures against its truth.
pub(super) fn demo(out: Option<PathBuf>, common: &Common) -> Result<()> {
    let bundle = bundle(None)?;
    let sample = super::places::sample()?;
    let out = out.unwrap_or_else(|| PathBuf::from("paser-demo"));
    let again = Common { force: true, ..common.clone() };
    let stack = sample.join("images.tif");
    let args = SegmentArgs::of(stack.clone());
    eprintln!("preparing the device (the first time, its answers are checked against known ones)");
    let segmenter = args.segmenter(&bundle, common)?;
    let report = one(&segmenter, &bundle, &stack, &args, &out, &again)?;
    eprint!("{}", line(&report));
    let data = super::bench::sample(&bundle.manifest)?;
    let numbers: Vec<usize> = (0..data.samples.len()).collect();
    let router = bundle.manifest.router(bundle.manifest.lambda);
    let choice = Choice { method: Method::Paser, router, seed: common.seed };
    let evaluation = evaluate(&segmenter, &data, &numbers, &choice, &Control::default(), &mut |_| ())?;
    common.print(&evaluation, &describe(&evaluation, &bundle.manifest))
}
