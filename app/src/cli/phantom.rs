//! `paser phantom`: a simulated electrode scan with exact truth.

use super::Common;
use super::output::bar;
use paser_core::data::classes::ClassMap;
use paser_core::data::classes::classes;
use paser_core::data::phantom::{Microstructure, PhantomConfig};
use paser_core::data::scan::{PhantomSlice, ScanConfig, phantom_slice, simulate};
use paser_core::export::png::png_grey;
use paser_core::export::{StackMeta, StackWriter};
use paser_core::volume::{self, Dtype};
use paser_core::{Error, Result};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Voxel edge that a phantom states, in µm: of the order of the scans it imitates.
const VOXEL: f64 = 0.1;

#[derive(Debug, clap::Args)]
pub(super) struct PhantomArgs {
    /// Folder for images/ and labels/
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Number of slices
    #[arg(long, value_name = "N", default_value_t = 96)]
    slices: usize,
    /// Rows of a slice
    #[arg(long, value_name = "H", default_value_t = 224)]
    height: usize,
    /// Columns of a slice
    #[arg(long, value_name = "W", default_value_t = 256)]
    width: usize,
    /// Distance between the slices kept, in voxels
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    every: u16,
    /// Write images.tif and labels.tif, one multi-page file each, instead of folders of PNG
    #[arg(long)]
    stack: bool,
    /// Simulate the scan of this label stack instead of a generated electrode
    #[arg(long, value_name = "LABELS", requires = "classes")]
    from: Option<PathBuf>,
    /// Values of pore, carbon and nickel in that stack
    #[arg(long, value_name = "MAP")]
    classes: Option<ClassMap>,
}

pub(super) fn run(args: &PhantomArgs, common: &Common) -> Result<()> {
    let scan = ScanConfig { seed: common.seed, ..ScanConfig::default() };
    let every = usize::from(args.every);
    if let (Some(labels), Some(map)) = (&args.from, &args.classes) {
        let volume = volume::open(labels)?;
        let info = volume.info().clone();
        if map.names != ["pore", "carbon", "nickel"] {
            return Err(Error::invalid(
                "a scan is simulated of pore, carbon and nickel: name them so and in this order with --classes",
            ));
        }
        let make = |z: usize| {
            let codes = volume.read(z)?.label_codes();
            let truth = map.truth(&codes).classes;
            if truth.iter().any(|c| *c > 2) {
                return Err(Error::invalid(
                    "the label stack holds values that --classes does not name; name every phase",
                ));
            }
            let grey = simulate(&truth, info.height, info.width, 1, z, &scan);
            Ok(PhantomSlice { grey, truth })
        };
        return write(args, common, [info.slices.div_ceil(every), info.height, info.width], &|i| {
            make(i * every)
        });
    }
    let config = PhantomConfig {
        slices: args.slices.saturating_mul(every),
        height: args.height,
        width: args.width,
        seed: common.seed,
        ..PhantomConfig::default()
    };
    let electrode = Microstructure::new(&config)?;
    write(args, common, [args.slices, args.height, args.width], &|i| {
        Ok(phantom_slice(&electrode, &scan, i * every))
    })
}

fn write(
    args: &PhantomArgs,
    common: &Common,
    shape: [usize; 3],
    make: &dyn Fn(usize) -> Result<PhantomSlice>,
) -> Result<()> {
    let mut sink: Box<dyn Sink> = if args.stack {
        Box::new(Stacks::create(&args.out, shape, common.force)?)
    } else {
        Box::new(Folders::create(&args.out, shape, common.force)?)
    };
    let mut counts = [0u64; 3];
    let bar = bar(shape[0], "slices");
    for index in 0..shape[0] {
        let slice = make(index)?;
        slice.truth.iter().for_each(|c| counts[usize::from(*c)] += 1);
        sink.push(&slice)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    sink.finish()?;
    let total = counts.iter().sum::<u64>() as f64;
    let fractions = counts.map(|c| c as f64 / total);
    let value = json!({
        "slices": shape[0], "height": shape[1], "width": shape[2], "simulated": true,
        "fractions": {"pore": fractions[0], "carbon": fractions[1], "nickel": fractions[2]},
        "classes": "pore=1,carbon=2,nickel=3",
    });
    let text = format!(
        "{} simulated slices in {}: pore {:.3}, carbon {:.3}, nickel {:.3}\nread the labels with --classes pore=1,carbon=2,nickel=3",
        shape[0],
        args.out.display(),
        fractions[0],
        fractions[1],
        fractions[2]
    );
    common.print(&value, &text)
}

trait Sink {
    fn push(&mut self, slice: &PhantomSlice) -> Result<()>;
    fn finish(self: Box<Self>) -> Result<()>;
}

struct Stacks {
    images: StackWriter,
    labels: StackWriter,
}

impl Stacks {
    fn create(folder: &Path, shape: [usize; 3], force: bool) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|e| Error::io("cannot create", folder, e))?;
        let scale =
            StackMeta { voxel_size: Some([VOXEL; 3]), unit: Some("um".to_owned()), ..StackMeta::default() };
        let mut palette = vec![[0, 0, 0]];
        palette.extend(classes(&["pore", "carbon", "nickel"]).iter().map(|c| c.colour));
        let coloured = StackMeta { palette: Some(palette), ..scale.clone() };
        Ok(Self {
            images: StackWriter::create(&folder.join("images.tif"), shape, Dtype::U8, &scale, force)?,
            labels: StackWriter::create(&folder.join("labels.tif"), shape, Dtype::U8, &coloured, force)?,
        })
    }
}

impl Sink for Stacks {
    fn push(&mut self, slice: &PhantomSlice) -> Result<()> {
        self.images.push_u8(&slice.grey)?;
        self.labels.push_u8(&values(&slice.truth))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.images.finish()?;
        self.labels.finish().map(drop)
    }
}

struct Folders {
    folders: [PathBuf; 2],
    shape: [usize; 3],
    next: usize,
    force: bool,
}

impl Folders {
    fn create(folder: &Path, shape: [usize; 3], force: bool) -> Result<Self> {
        let folders = ["images", "labels"].map(|f| folder.join(f));
        for folder in &folders {
            if folder.exists() && !force {
                return Err(Error::Exists(folder.clone()));
            }
            std::fs::create_dir_all(folder).map_err(|e| Error::io("cannot create", folder, e))?;
        }
        Ok(Self { folders, shape, next: 0, force })
    }
}

impl Sink for Folders {
    fn push(&mut self, slice: &PhantomSlice) -> Result<()> {
        let name = format!("{:04}.png", self.next);
        self.next += 1;
        let [_, height, width] = self.shape;
        png_grey(&self.folders[0].join(&name), width, height, &slice.grey, self.force)?;
        png_grey(&self.folders[1].join(&name), width, height, &values(&slice.truth), self.force)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// Label values: class + 1, as in every export.
fn values(truth: &[u8]) -> Vec<u8> {
    truth.iter().map(|c| c + 1).collect()
}
