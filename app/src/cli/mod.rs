//! The command line. Human text and progress go to stderr, results to stdout; exit 0 done, 1 failed
//! with one sentence, 2 wrong usage.

mod bench;
mod calibrate;
mod compare;
mod diagnose;
mod evaluate;
mod import;
mod input;
mod manual;
mod measure;
mod models;
mod output;
mod phantom;
mod places;
mod rerun;
mod segment;
mod stack;
mod study;
mod train;

use crate::window;
use clap::{Args, Parser, Subcommand};
use paser_core::bundle::Bundle;
use paser_core::device::{Compute, Wish};
use paser_core::route::{Segmenter, steady};
use paser_core::{Error, Result};
use std::path::PathBuf;
use std::process::ExitCode;

/// Segments tomography stacks cheaply: a small net everywhere, larger nets where they pay.
#[derive(Debug, Parser)]
#[command(name = "paser", version, about)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Verb>,
}

/// Flags that every subcommand knows.
#[derive(Clone, Debug, Args)]
struct Common {
    /// Make stdout exactly one JSON document
    #[arg(long, global = true)]
    json: bool,
    /// Where to compute: auto (a real GPU, else the CPU), cpu or gpu
    #[arg(long, global = true, value_name = "DEVICE", default_value = "auto", value_parser = wish)]
    device: Wish,
    /// Seed of everything that chance decides
    #[arg(long, global = true, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// Replace what exists already
    #[arg(long, global = true)]
    force: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Open the window, with a stack or a project if one is named
    Open {
        /// Stack file, folder of slices or project file
        stack: Option<PathBuf>,
        /// Say when the window has come how far, and close it: for `paser bench start`
        #[arg(long, hide = true)]
        until_ready: bool,
    },
    /// Segment the bundled sample with the shipped bundle, evaluate it, write every export
    Demo {
        /// Folder for the exports
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Adapters, drivers, CPU, versions, paths, measured speed of the nets on each usable device
    Diagnose,
    /// Public weights (safetensors) as a net of this program
    Import(import::ImportArgs),
    /// Every net with its parameters and FLOPs at its standard input
    Models,
    /// What a stack is, without reading its voxels
    Info {
        /// Stack file or folder of slices
        stack: PathBuf,
        #[command(flatten)]
        opened: stack::StackArgs,
    },
    /// Make a simulated electrode scan with exact truth: images/ and labels/
    Phantom(phantom::PhantomArgs),
    /// Train a bundle, all stages
    Train(train::TrainArgs),
    /// Find a bundle's error bars on simulated scans
    Calibrate(calibrate::CalibrateArgs),
    /// Segment whole stacks and write the exports
    Segment(segment::SegmentArgs),
    /// One method against truth
    Evaluate(evaluate::EvaluateArgs),
    /// Measured times and ratios, side by side in one run
    Bench(bench::BenchArgs),
    /// Every method side by side: fixed nets, random, IDK cascades, PaSeR at every λ, the oracle, other nets
    Compare(compare::CompareArgs),
    /// One of the paper's experiments
    Study(study::StudyArgs),
    /// Write man pages and shell completions
    #[command(hide = true)]
    Manual(manual::ManualArgs),
    /// Repeat a run from its evidence file and compare
    Rerun(rerun::RerunArgs),
    /// Fractions, surfaces, connectivity, particle sizes, correlation and tortuosity of a label stack
    Measure(measure::MeasureArgs),
}

fn wish(text: &str) -> std::result::Result<Wish, String> {
    match text {
        "auto" => Ok(Wish::Auto),
        "cpu" => Ok(Wish::Cpu),
        "gpu" => Ok(Wish::Gpu),
        "software" => Ok(Wish::Software),
        _ => Err("use auto, cpu or gpu".to_owned()),
    }
}

impl Common {
    /// The device asked for; says on stderr what it is and why.
    fn compute(&self) -> Result<Compute> {
        let (compute, note) = paser_core::device::choose(self.device)?;
        if let Some(note) = note {
            eprintln!("{note}");
        }
        let d = &compute.description;
        eprintln!("device: {} ({}, {})", d.name, d.driver, d.backend);
        Ok(compute)
    }

    /// `bundle` on the device asked for, prepared where it is new to it; on the CPU, said on stderr, where that
    /// cannot do it and none was named.
    fn segmenter(&self, bundle: &Bundle) -> Result<Segmenter> {
        let compute = self.compute()?;
        let mut bar = None;
        let mut told = |done: usize, all: usize| {
            let begin = || {
                eprintln!("preparing the device for this bundle, on the first run only");
                output::bar(all, "checks")
            };
            bar.get_or_insert_with(begin).set_position(done as u64);
        };
        let (segmenter, note) = match self.device {
            Wish::Gpu => (Segmenter::prepared(bundle, compute, &mut told)?, None),
            _ => steady::ready(bundle, compute, &mut told)?,
        };
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        if let Some(note) = note {
            eprintln!("{note}");
        }
        Ok(segmenter)
    }
}

/// Parses the arguments and runs what they ask for.
pub fn main() -> ExitCode {
    crate::heap::share(); // before any other thread is there
    let cli = Cli::parse();
    crate::logs::begin();
    let common = &cli.common;
    let outcome = match cli.command {
        None => open(None, false, common),
        Some(Verb::Open { stack, until_ready }) => open(stack, until_ready, common),
        Some(Verb::Demo { out }) => segment::demo(out, common),
        Some(Verb::Diagnose) => diagnose::run(common),
        Some(Verb::Import(args)) => import::run(&args, common),
        Some(Verb::Models) => models::run(common),
        Some(Verb::Info { stack, opened }) => input::info(&stack, &opened, common),
        Some(Verb::Phantom(args)) => phantom::run(&args, common),
        Some(Verb::Train(args)) => train::run(&args, common),
        Some(Verb::Calibrate(args)) => calibrate::run(&args, common),
        Some(Verb::Segment(args)) => segment::run(&args, common),
        Some(Verb::Evaluate(args)) => evaluate::run(&args, common),
        Some(Verb::Bench(args)) => bench::run(&args, common),
        Some(Verb::Compare(args)) => compare::run(&args, common),
        Some(Verb::Study(args)) => study::run(&args, common),
        Some(Verb::Manual(args)) => manual::run(&args),
        Some(Verb::Rerun(args)) => rerun::run(&args, common),
        Some(Verb::Measure(args)) => measure::run(&args, common),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            tracing::info!("failed: {e}");
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn open(stack: Option<PathBuf>, until_ready: bool, common: &Common) -> Result<()> {
    let sample = places::sample().ok().map(|folder| folder.join("images.tif"));
    let options = window::Options {
        stack,
        bundle: places::bundle().unwrap_or_else(|_| places::BUNDLE.into()),
        sample,
        licences: places::licences().ok(),
        wish: common.device,
        drive: None,
        until_ready,
    };
    window::run(options).map_err(Error::invalid)
}
