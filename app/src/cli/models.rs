//! `paser models`: every net, counted from its own layers.

use super::Common;
use paser_core::Result;
use paser_core::cost::Flops;
use paser_core::hash::Stream;
use paser_core::net::{NAMES, NetSpec, Policy, UnetSpec, named, params};
use paser_core::route::tiles::Layout;
use serde::Serialize;

/// Classes of the comparison's nets in the paper's count: those of Cityscapes, on three channels.
const CITYSCAPES: usize = 19;

#[derive(Serialize)]
struct Row {
    name: &'static str,
    parameters: usize,
    input: [usize; 3],
    flops: Flops,
}

pub(super) fn run(common: &Common) -> Result<()> {
    let rows = rows();
    let line = |r: &Row| {
        let [c, h, w] = r.input;
        format!("{:25} {:>12} parameters  {:>15} FLOPs at [{c},{h},{w}]\n", r.name, r.parameters, r.flops)
    };
    common.print(&rows, &rows.iter().map(line).collect::<String>())
}

fn rows() -> Vec<Row> {
    let device = paser_core::device::Compute::cpu().device;
    let Layout { tile, .. } = Layout::PAPER;
    let patch = Layout::PAPER.patch();
    let row = |name, spec: &NetSpec, size: [usize; 2]| {
        let net = spec.init(&device, 0);
        let input = [spec.channels(), size[0], size[1]];
        Row { name, parameters: params::count(&net), input, flops: net.flops(size) }
    };
    let unet = |name, spec, size| row(name, &NetSpec::Unet(spec), size);
    let policy = Policy::new(Layout::PAPER.patches(), 3, &device, &mut Stream::new(0, "models"));
    let mut rows = vec![
        unet("f0", UnetSpec::f0(1, 3), tile),
        unet("f1", UnetSpec::f1(1, 3), patch),
        unet("f2", UnetSpec::f2(1, 3), patch),
        Row {
            name: "policy",
            parameters: params::count(&policy),
            input: [2, tile[0], tile[1]],
            flops: policy.flops(tile),
        },
    ];
    rows.extend(NAMES.iter().filter_map(|name| match *name {
        "matphase" => Some(row("matphase (reconstruction)", &named(name, 1, 3)?, tile)),
        name => Some(row(name, &named(name, 3, CITYSCAPES)?, tile)),
    }));
    rows
}
