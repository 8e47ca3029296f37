//! `paser bench`: measured times and ratios, side by side in one run.

mod start;
mod ui;

use super::Common;
use super::input::bundle;
use crate::window::bench::Row;
use paser_core::Result;
use paser_core::data::classes::ClassMap;
use paser_core::data::dataset::Dataset;
use paser_core::route::Segmenter;
use paser_core::train::{Speed, Spread, net_speeds, reward_speeds};
use serde_json::json;
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Name {
    /// Seconds of each net, forward pass and training step
    Nets,
    /// The reward table against computing rewards anew
    Rl,
    /// Frame times of the window, which drives itself (needs a display and 4.2 GB of disk)
    Ui,
    /// Milliseconds from the program's start to the window's first frame (needs a display)
    Start,
}

#[derive(Debug, clap::Args)]
pub(super) struct BenchArgs {
    /// What to measure; all that need no display where not given
    name: Option<Name>,
    /// With ui: times only what looking at this stack takes (first slice, scrolling, jumping, cuts)
    #[arg(long, value_name = "STACK")]
    stack: Option<PathBuf>,
}

pub(super) fn run(args: &BenchArgs, common: &Common) -> Result<()> {
    match args.name {
        Some(Name::Ui) => {
            let rows = ui::run(args.stack.clone(), common)?;
            return common.print(&json!({ "rows": rows }), &window(&rows));
        }
        Some(Name::Start) => {
            let rows = start::run()?;
            return common.print(&json!({ "rows": rows }), &window(&rows));
        }
        _ => {}
    }
    let compute = common.compute()?;
    let wanted = |name| args.name.is_none_or(|n| n == name);
    let mut rows: Vec<Speed> = Vec::new();
    let mut spreads: Vec<Spread> = Vec::new();
    if wanted(Name::Nets) {
        rows.extend(net_speeds(&compute)?);
    }
    if wanted(Name::Rl) {
        let bundle = bundle(None)?;
        let data = sample(&bundle.manifest)?;
        let segmenter = Segmenter::new(&bundle, compute)?;
        if let Some(sample) = data.samples.first() {
            let (speeds, spread) = reward_speeds(&segmenter, sample)?;
            rows.extend(speeds);
            spreads.push(spread);
        }
    }
    let mut text: String = rows.iter().map(line).collect();
    text.extend(spreads.iter().map(|s| {
        format!("{}: spreads {:.3} times the expected gradient's length around it\n", s.name, s.relative)
    }));
    common.print(&json!({ "rows": rows, "spreads": spreads }), &text)
}

/// Times of the window.
fn window(rows: &[Row]) -> String {
    let line = |r: &Row| {
        let most = if r.count < 100 { "at most" } else { "99 of 100 below" };
        format!("{}: median {:.1} ms, {most} {:.1} ms ({} times)\n", r.name, r.median_ms, r.p99_ms, r.count)
    };
    rows.iter().map(line).collect()
}

/// The bundled sample with its truth.
pub(super) fn sample(manifest: &paser_core::bundle::Manifest) -> Result<Dataset> {
    let folder = super::places::sample()?;
    let names: Vec<String> = manifest.classes.iter().map(|c| c.name.clone()).collect();
    let map = ClassMap::in_order(names);
    let channels = manifest.channels();
    Dataset::read(
        &folder.join("images.tif"),
        &folder.join("labels.tif"),
        &map,
        manifest.normalisation,
        channels,
    )
}

fn line(speed: &Speed) -> String {
    let against = speed.ratio.zip(speed.against.as_ref()).map_or_else(String::new, |(ratio, other)| {
        format!(", {:.6} s {other}: {ratio:.1} times", speed.against_seconds.unwrap_or_default())
    });
    format!("{}: {:.6} s{against}\n", speed.name, speed.seconds)
}
