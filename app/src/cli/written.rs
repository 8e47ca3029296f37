//! The report of a run that was just written.

use super::segment::SegmentArgs;
use paser_core::bundle::Bundle;
use paser_core::data::classes::ClassMap;
use paser_core::event::Control;
use paser_core::export::report::Report;
use paser_core::measure::{Labels, Measures, Request, Scale, measure, memory};
use paser_core::{Error, Result, volume};
use std::path::{Path, PathBuf};

/// Memory that measuring may take where --memory says nothing, in MB.
const MEMORY: u64 = 4096;

/// Measures the labels of the run `name` in `folder` and writes its report.
pub(super) fn report(
    folder: &Path,
    name: &str,
    seconds: f64,
    bundle: &Bundle,
    args: &SegmentArgs,
    force: bool,
) -> Result<Vec<PathBuf>> {
    let file = |end: &str| folder.join(format!("{name}_{end}"));
    let read = |path: PathBuf| std::fs::read(&path).map_err(|e| Error::io("cannot read", &path, e));
    let run = super::rerun::read(&folder.join("run.json"))?;
    let limit = args.opened.memory.map_or(MEMORY, |mb| mb as u64);
    let measured = measures(&file("labels.tif"), bundle, args, limit)?;
    let report = Report {
        name,
        run: &run,
        classes: &bundle.manifest.classes,
        seconds,
        curve: &bundle.manifest.curve,
        measures: measured.as_ref().map_err(String::as_str),
        preview: &read(file("preview.png"))?,
    };
    report.write(folder, force)
}

/// What the labels measure, or why they are too large.
fn measures(
    labels: &Path,
    bundle: &Bundle,
    args: &SegmentArgs,
    limit: u64,
) -> Result<std::result::Result<Measures, String>> {
    let volume = volume::open(labels)?;
    let info = volume.info();
    let needed = memory([info.slices, info.height, info.width]).div_ceil(1 << 20);
    if needed > limit {
        return Ok(Err(format!(
            "that needs about {needed} MB, and {limit} may be used; allow more with --memory, or use \"paser measure\" on \
             a crop"
        )));
    }
    let names: Vec<String> = bundle.manifest.classes.iter().map(|c| c.name.clone()).collect();
    let map = ClassMap { values: (1..=names.len() as u32).collect(), names };
    let scale = Scale::new(info.voxel_size.zip(info.unit.clone()))?;
    let transport = Some(args.tortuosity.clone());
    let control = Control::default();
    let labels = Labels::read(volume.as_ref(), Some(&map), &control)?;
    measure(&labels, &Request { scale, transport }, &control, &mut |_, _, _| ()).map(Ok)
}
