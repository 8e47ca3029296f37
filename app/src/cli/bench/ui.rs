//! `paser bench ui`: frame times of the real window, which drives itself.

use crate::cli::{Common, places};
use crate::window::bench::{Course, Row};
use crate::window::{self, Options};
use paser_core::export::{StackMeta, StackWriter};
use paser_core::volume::{self, Dtype, SliceReader};
use paser_core::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

/// Slices, rows and columns of the stack that is scrolled: 4.2 GB.
const SHAPE: [usize; 3] = [2000, 1448, 1448];

/// Opens the window and lets it drive itself: over `stack`, to look at it alone, or over a large one made for it.
pub(super) fn run(stack: Option<PathBuf>, common: &Common) -> Result<Vec<Row>> {
    let place = std::env::temp_dir();
    let folder = tempfile::tempdir().map_err(|e| Error::io("cannot write to", &place, e))?;
    let sample = places::sample()?;
    let only_look = stack.is_some();
    let stack = match stack {
        Some(stack) => stack,
        None => large(folder.path(), &sample.join("images.tif"))?,
    };
    let (rows, told) = mpsc::channel();
    let course = Course {
        stack,
        images: sample.join("images.tif"),
        labels: sample.join("labels.tif"),
        out: folder.path().join("bundle"),
        only_look,
        rows,
    };
    let options = Options {
        stack: None,
        bundle: places::bundle()?,
        sample: None,
        licences: None,
        wish: common.device,
        drive: Some(course),
        until_ready: false,
    };
    window::run(options).map_err(Error::invalid)?;
    Ok(told.iter().collect())
}

/// A large stack in `folder`.
fn large(folder: &Path, sample: &Path) -> Result<PathBuf> {
    let stack = folder.join("large.tif");
    let gigabytes = SHAPE.iter().product::<usize>() as f64 / 1e9;
    eprintln!("writing a stack of {gigabytes:.1} GB to {}", folder.display());
    write(&stack, sample)?;
    Ok(stack)
}

/// The sample side by side with itself until a slice is full.
fn write(path: &Path, sample: &Path) -> Result<()> {
    let sample = volume::open(sample)?;
    let [slices, rows, columns] = SHAPE;
    let mut writer = StackWriter::create(path, SHAPE, Dtype::U8, &StackMeta::default(), false)?;
    let pages = (0..sample.info().slices).map(|z| page(sample.as_ref(), z, [rows, columns]));
    let pages: Vec<Vec<u8>> = pages.collect::<Result<_>>()?;
    for z in 0..slices {
        writer.push_u8(&pages[z % pages.len().max(1)])?;
    }
    writer.finish().map(|_| ())
}

fn page(sample: &dyn SliceReader, z: usize, [rows, columns]: [usize; 2]) -> Result<Vec<u8>> {
    let slice = sample.read(z)?;
    let grey = slice.grey();
    let at =
        |y: usize, x: usize| grey[y % slice.height * slice.width + x % slice.width].clamp(0.0, 255.0) as u8;
    Ok((0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))).map(|(y, x)| at(y, x)).collect())
}
