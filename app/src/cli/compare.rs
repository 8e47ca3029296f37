//! `paser compare`: every method that the bundle can run, side by side on the same images.

use super::Common;
use super::evaluate::DataArgs;
use super::output::{bar, shares};
use indicatif::ProgressBar;
use paser_core::compare::{IdkCost, Row, Wanted, compare};
use paser_core::event::Control;
use paser_core::export::comparison::Comparison;
use paser_core::noise::Noise;
use paser_core::route::Method;
use paser_core::{Error, Result};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct CompareArgs {
    #[command(flatten)]
    data: DataArgs,
    /// all, or names separated by commas: f0, f1, f2, random, idk, idk-match, paser, oracle, deeplabv3plus, segformer, segformer-b0, efficientvit, efficientvit-b0, matphase
    #[arg(long, value_name = "NAMES", default_value = "all")]
    methods: String,
    /// Noise laid over the images: none, salt-pepper:RATE, gaussian-blur:RADIUS, box-blur:RADIUS, gaussian:SIGMA
    #[arg(long, value_name = "N", default_value = "none")]
    noise: Noise,
    /// Choose the cascade's gates anew on the bundle's validation images, a patch paying C of the accepting net or the sum over those that ran; the bundle's gates where not given
    #[arg(long, value_name = "accepting|sum")]
    idk_cost: Option<IdkCost>,
    /// Folder for the table (CSV, JSON, Markdown) and the plot (SVG)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl CompareArgs {
    fn methods(&self) -> Result<Option<Vec<Method>>> {
        if self.methods == "all" {
            return Ok(None);
        }
        self.methods.split(',').map(|name| name.trim().parse()).collect::<Result<Vec<Method>>>().map(Some)
    }
}

pub(super) fn run(args: &CompareArgs, common: &Common) -> Result<()> {
    let methods = args.methods()?;
    let (bundle, mut data, numbers) = args.data.read()?;
    let validation = data.recorded(&bundle.manifest.split).validation;
    if args.idk_cost.is_some() && validation.is_empty() {
        return Err(Error::invalid(
            "the gates can be chosen anew only on the bundle's validation images, and none of them is among the images; leave --idk-cost out, or give the folder that the bundle was trained from",
        ));
    }
    let segmenter = common.segmenter(&bundle)?;
    args.noise.apply_all(&mut data.samples, common.seed);
    let wanted = Wanted { methods, idk_cost: args.idk_cost, gates_on: validation, timed: true };
    let mut display = Display::default();
    let control = Control::default();
    let rows = compare(
        &segmenter,
        &data.samples,
        &numbers,
        &wanted,
        (common.seed, &control),
        &mut |what, done, all| {
            display.show(what, done, all);
        },
    )?;
    display.end();
    let comparison = Comparison::new(&rows, &bundle.manifest, args.data.words(), args.noise);
    let mut text = comparison.text();
    if let Some(out) = &args.out {
        let written = comparison.write(out, common.force)?;
        let paths: Vec<String> = written.iter().map(|p| p.display().to_string()).collect();
        text += &format!("written: {}\n", paths.join(", "));
    }
    common.print(&comparison, &text)
}

/// One bar for each part of the work.
#[derive(Default)]
struct Display {
    what: String,
    bar: Option<ProgressBar>,
}

impl Display {
    fn show(&mut self, what: &str, done: usize, all: usize) {
        if what != self.what {
            self.end();
            what.clone_into(&mut self.what);
            eprintln!("{what}");
            self.bar = Some(bar(all, if what == "methods" { "methods" } else { "images" }));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// A row for people, in one line.
pub(super) fn line(row: &Row) -> String {
    let lambda = row.lambda.map_or_else(String::new, |l| format!(" λ {l}"));
    let above = row.above_random.map_or_else(String::new, |p| {
        format!(", {:+.4} [{:+.4}, {:+.4}] above random with the same shares", p.mean, p.low, p.high)
    });
    let gflops = row.flops / 1e9;
    format!(
        "{}{lambda}: IoU {:.4}, {gflops:.2} GFLOPs an image, {}{above}\n",
        row.title(),
        row.iou,
        shares(&row.shares)
    )
}
