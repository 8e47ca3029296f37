//! `paser train`.

use super::Common;
use super::input::LabelledArgs;
use super::output::bar;
use indicatif::ProgressBar;
use paser_core::bundle::Bundle;
use paser_core::data::dataset::SplitRule;
use paser_core::device::Compute;
use paser_core::event::{Control, Progress};
use paser_core::fault::guarded;
use paser_core::net::NAMES;
use paser_core::train::config::Length;
use paser_core::train::{Preset, Request, Summary, TrainConfig, Wanted, train, train_whole};
use paser_core::{Error, Result};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    labelled: LabelledArgs,
    /// Folder of the bundle to make
    #[arg(long, value_name = "BUNDLE")]
    out: PathBuf,
    /// quick (no GPU), paper (the text) or authors (their code)
    #[arg(long, value_name = "PRESET", default_value = "quick")]
    preset: Preset,
    /// Train one other net on whole tiles: deeplabv3plus, segformer, segformer-b0, efficientvit, efficientvit-b0, matphase; a bundle that exists gets it beside its own
    #[arg(long, value_name = "NAME", value_parser = NAMES)]
    model: Option<String>,
    /// Wall minutes that the net of --model is trained
    #[arg(long, value_name = "M", requires = "model")]
    minutes: Option<f64>,
    /// Numbers of images for training, validation and test
    #[arg(long, value_name = "10,1,3", value_parser = split)]
    split: Option<SplitRule>,
    /// JSON file of all choices, as a bundle's manifest shows them; flags given beside it win
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One choice by its name in that file, as in policy.batch=8 or lambdas=[0,0.1]; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Write the choices to this file and train nothing
    #[arg(long, value_name = "FILE")]
    write_config: Option<PathBuf>,
    /// One sentence on what the images are, kept in the bundle
    #[arg(long, value_name = "TEXT", default_value = "trained by its user")]
    about: String,
    /// Bundle of the same nets whose weights training goes on from; with --model a net of paser import
    #[arg(long, value_name = "BUNDLE")]
    start: Option<PathBuf>,
    /// Go on with what an interrupted run of the same choices finished
    #[arg(long)]
    resume: bool,
}

fn split(text: &str) -> std::result::Result<SplitRule, String> {
    let numbers: Vec<usize> = text.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    match numbers[..] {
        [a, b, c] if text.split(',').count() == 3 => Ok(SplitRule::Counts([a, b, c])),
        _ => Err("three numbers are needed, as in 10,1,3".to_owned()),
    }
}

impl TrainArgs {
    fn config(&self, seed: u64) -> Result<TrainConfig> {
        let mut config: TrainConfig = match &self.config {
            Some(path) => TrainConfig::read(path)?,
            None => {
                TrainConfig { seed, ..TrainConfig::preset(self.preset, 1, self.labelled.classes.names.len()) }
            }
        };
        if self.model.is_some() && self.config.is_none() && self.out.exists() {
            let manifest = Bundle::open(&self.out)?.manifest;
            (config.layout, config.normalisation) = (manifest.layout, manifest.normalisation);
        }
        if let Some(split) = self.split {
            config.split = split;
        }
        if let Some(minutes) = self.minutes {
            config.model.stage.length = Length::Minutes(minutes);
        }
        self.set.iter().try_fold(config, |config, choice| config.with(choice))
    }
}

pub(super) fn run(args: &TrainArgs, common: &Common) -> Result<()> {
    let config = args.config(common.seed)?;
    if let Some(path) = &args.write_config {
        return config.write(path, common.force);
    }
    let compute = common.compute()?;
    if let Some(name) = &args.model {
        return whole(name, args, &config, &compute, common);
    }
    let start = args.start.as_deref().map(Bundle::open).transpose()?;
    let request = Request {
        classes: &args.labelled.classes,
        config: &config,
        out: &args.out,
        about: &args.about,
        force: common.force,
        resume: args.resume,
    };
    let mut display = Display::default();
    let summary = kept(&compute, || {
        train(args.labelled.paths(), start.as_ref(), &request, &compute, &Control::default(), &mut |p| {
            display.show(&p);
        })
    })?;
    display.end();
    common.print(&summary, &describe(&summary, args))
}

/// What `work` gives; says how to go on where a graphics device fails.
fn kept<T>(compute: &Compute, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let done = if compute.is_graphics() { guarded(work) } else { work() };
    done.map_err(|e| match e {
        Error::Device(why) => Error::Device(format!(
            "{why}; what was trained is kept: go on with --resume, on the processor with --device cpu"
        )),
        other => other,
    })
}

/// One net of the comparison on whole tiles.
fn whole(
    name: &str,
    args: &TrainArgs,
    config: &TrainConfig,
    compute: &Compute,
    common: &Common,
) -> Result<()> {
    let request = Request {
        classes: &args.labelled.classes,
        config,
        out: &args.out,
        about: &args.about,
        force: common.force,
        resume: args.resume,
    };
    let wanted = Wanted { name, start: args.start.as_deref() };
    let mut display = Display::default();
    let summary = kept(compute, || {
        train_whole(args.labelled.paths(), wanted, &request, compute, &Control::default(), &mut |p| {
            display.show(&p);
        })
    })?;
    display.end();
    let remark = summary.remark.as_ref().map_or_else(String::new, |r| format!(" ({r})"));
    let validation = summary.validation.as_ref().map_or_else(
        || "no validation images were set aside".to_owned(),
        |v| format!("IoU {:.4} on {} validation images", v.iou, v.images),
    );
    let text = format!(
        "{name}{remark} is in {}: {} parameters, {validation}\n{}\n",
        args.out.display(),
        summary.parameters,
        summary.schedule
    );
    common.print(&summary, &text)
}

/// One bar a stage.
#[derive(Default)]
pub(super) struct Display {
    stage: String,
    bar: Option<ProgressBar>,
}

impl Display {
    pub(super) fn show(&mut self, p: &Progress) {
        if let Some(note) = &p.note {
            eprintln!("{note}");
            return;
        }
        if p.what != self.stage {
            self.end();
            eprintln!("{}", p.what);
            self.stage.clone_from(&p.what);
            self.bar = Some(bar(p.total, "steps"));
        }
        if let Some(bar) = &self.bar {
            bar.set_length(p.total as u64); // the clock may end a stage, and then this is an estimate
            bar.set_position(p.done as u64);
            let figures: Vec<String> =
                p.figures.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
            bar.set_message(figures.join(" "));
        }
    }

    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn describe(summary: &Summary, args: &TrainArgs) -> String {
    let v = &summary.validation;
    let mut text =
        format!("bundle {} with λ {}; measured on {}:\n", args.out.display(), v.lambda, v.measured_on);
    text.extend(v.test.iter().map(super::compare::line));
    text + &summary.card.advice + "\n"
}
