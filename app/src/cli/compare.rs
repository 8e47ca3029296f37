//! `paser compare`: fixed nets, PaSeR, random routers and the oracle on the same images.

use super::Common;
use super::evaluate::DataArgs;
use super::output::{bar, shares};
use paser_core::Result;
use paser_core::compare::{Row, Table, rows};
use paser_core::event::Control;
use paser_core::net::params;
use paser_core::route::Segmenter;
use paser_core::train::loss;
use serde_json::json;

pub(super) fn run(args: &DataArgs, common: &Common) -> Result<()> {
    let (bundle, data, numbers) = args.read()?;
    let segmenter = Segmenter::new(&bundle, common.compute()?)?;
    let bar = bar(numbers.len(), "images");
    let mut progress = |done| bar.set_position(done as u64);
    let table = Table::build(&segmenter, &data.samples, &numbers, &Control::default(), &mut progress)?;
    bar.finish_and_clear();
    let parameters: Vec<usize> = segmenter.models.nets.iter().map(params::count).collect();
    let rows = rows(&segmenter, &table, &data.samples, &loss::costs(&parameters, true), common.seed)?;
    let text: String = rows.iter().map(line).collect();
    common.print(&json!({ "rows": rows, "lambda": bundle.manifest.lambda }), &text)
}

/// A row for people.
pub(super) fn line(row: &Row) -> String {
    let lambda = row.lambda.map_or_else(String::new, |l| format!(" λ {l}"));
    let above = row.above_random.map_or_else(String::new, |p| {
        format!(", {:+.4} [{:+.4}, {:+.4}] above random with the same shares", p.mean, p.low, p.high)
    });
    let gflops = row.flops / 1e9;
    format!(
        "{}{lambda}: IoU {:.4}, {gflops:.2} GFLOPs an image, {}{above}\n",
        row.method,
        row.iou,
        shares(&row.shares)
    )
}
