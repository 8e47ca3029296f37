//! `paser measure`: figures of a label stack.

use super::Common;
use super::output::bar;
use super::stack::StackArgs;
use paser_core::data::classes::ClassMap;
use paser_core::event::Control;
use paser_core::measure::{Labels, Measures, PhaseMeasures, Request, Scale, measure, memory};
use paser_core::volume::VolumeInfo;
use paser_core::{Error, Result};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct MeasureArgs {
    /// Label stack: a file or a folder of slices
    labels: PathBuf,
    /// Classes and their values in the label files; every value present where not given
    #[arg(long, value_name = "pore=2,carbon=1,nickel=0")]
    classes: Option<ClassMap>,
    /// Edges of a voxel, instead of those in the file
    #[arg(long, value_name = "Z,Y,X", value_parser = voxel, requires = "unit")]
    voxel_size: Option<[f64; 3]>,
    /// Unit of the voxel's edges, as in um
    #[arg(long, value_name = "UNIT", requires = "voxel_size")]
    unit: Option<String>,
    /// Phases whose tortuosity is found, separated by commas; all where not given, "none" for none
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    tortuosity: Option<Vec<String>>,
    #[command(flatten)]
    opened: StackArgs,
}

fn voxel(text: &str) -> std::result::Result<[f64; 3], String> {
    let edges: Vec<f64> = text.split(',').filter_map(|t| t.trim().parse().ok()).collect();
    <[f64; 3]>::try_from(edges).map_err(|_| "three numbers Z,Y,X are needed, as in 0.5,0.1,0.1".to_owned())
}

impl MeasureArgs {
    fn request(&self, info: &VolumeInfo) -> Result<Request> {
        let flags = self.voxel_size.zip(self.unit.clone());
        let scale = Scale::new(flags.or_else(|| info.voxel_size.zip(info.unit.clone())))?;
        let named = |names: &Vec<String>| names.iter().filter(|n| *n != "none").cloned().collect();
        Ok(Request { scale, transport: self.tortuosity.as_ref().map(named) })
    }
}

pub(super) fn run(args: &MeasureArgs, common: &Common) -> Result<()> {
    let volume = args.opened.open(&args.labels)?;
    let info = volume.info();
    let needed = memory([info.slices, info.height, info.width]).div_ceil(1 << 20);
    if let Some(limit) = args.opened.memory.filter(|limit| (*limit as u64) < needed) {
        return Err(Error::invalid(format!(
            "measuring {} needs about {needed} MB and --memory allows {limit}; crop the stack, or allow more",
            args.labels.display()
        )));
    }
    let request = args.request(info)?;
    if !request.scale.calibrated {
        eprintln!("the voxel size is unknown: lengths are in voxels; give it with --voxel-size and --unit");
    }
    let control = Control::default();
    let labels = Labels::read(volume.as_ref(), args.classes.as_ref(), &control)?;
    let bar = bar(1, "steps");
    let measures = measure(&labels, &request, &control, &mut |what, done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
        bar.set_message(what.to_owned());
    })?;
    bar.finish_and_clear();
    common.print(&measures, &describe(&measures))
}

fn describe(measures: &Measures) -> String {
    let [z, y, x] = measures.shape;
    let mut text = format!("{z} slices of {y} x {x} voxels, {} without a phase\n", measures.unlabelled);
    measures.phases.iter().for_each(|p| text += &phase(p, &measures.scale.unit));
    text
}

fn phase(p: &PhaseMeasures, unit: &str) -> String {
    let interval = p.interval.map_or_else(String::new, |i| {
        let doubt = if i.resolved { "" } else { " at least; the volume is too small to tell" };
        format!(" [{:.2}, {:.2}]{doubt}", 100.0 * i.low, 100.0 * i.high)
    });
    let s = &p.specific_surface;
    let c = &p.connectivity;
    let percent = |v: [f64; 3]| v.map(|f| format!("{:.1}", 100.0 * f)).join(", ");
    let factors = p.tortuosity.map(|t| t.map_or_else(|| "-".to_owned(), |t| t.to_string())).join(", ");
    let size = p.particles.by_number.map_or_else(String::new, |[a, b, c]| {
        format!(
            ", equivalent diameters of those inside {a:.3}, {b:.3}, {c:.3} {unit} (D10, D50, D90 by number)"
        )
    });
    format!(
        "{} (value {}): {:.2} %{interval}\n  surface {:.5} 1/{unit} by faces, {:.5} 1/{unit} by marching cubes\n  \
         {} parts, the largest {:.1} %, percolating {} % along Z, Y, X\n  {} parts inside, {} at the boundary{size}\n  \
         tortuosity factor {factors} along Z, Y, X\n",
        p.name,
        p.value,
        100.0 * p.fraction,
        s.face_counting,
        s.marching_cubes,
        c.components,
        100.0 * c.largest,
        percent(c.percolating),
        p.particles.inside,
        p.particles.touching_boundary,
    )
}
