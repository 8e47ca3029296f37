//! TIFF and BigTIFF stacks: pages, or ImageJ's raw planes behind a single directory.

mod chain;
mod layout;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tiff::tags::Tag;

use super::ifd::Source;
use super::imagej::Description;
use super::ome;
use super::part::{self, Hyper, Part, Parts};
use super::{Slice, SliceReader, Volume, VolumeInfo};
use crate::error::{Error, Result};
use chain::Chain;
use layout::{Layout, PageInfo};

/// A stack in one TIFF file. The file is opened anew for each slice, so that any number of threads
/// may read and thousands of files may be open at once.
pub(super) struct TiffStack {
    path: PathBuf,
    planes: Planes,
    info: VolumeInfo,
}

/// Where the planes are.
enum Planes {
    /// The directory of each plane.
    Pages(Vec<u64>),
    /// Planes follow each other without gaps from the pixels of this directory on; the first and from one to the next.
    Contiguous(u64, [u64; 2]),
}

/// What opening finds out about a file.
struct Scan {
    pages: Vec<(u64, PageInfo)>,
    /// ImageJ's plane count where the file has one directory for all planes.
    contiguous: Option<u64>,
    calibration: Option<([f64; 3], String)>,
    /// The channels and times that the planes belong to, where there are several.
    hyper: Option<Hyper>,
}

impl TiffStack {
    /// Reads the directories of `path`, whose pages must agree in size and type.
    pub(super) fn open(path: &Path, part: Option<Part>) -> Result<Self> {
        let scan = Scan::new(path)?;
        let Some((_, first)) = scan.pages.first() else { return Err(no_pages(path)) };
        if let Some(z) = scan.pages.iter().position(|(_, page)| page != first) {
            let [here, there] =
                [&scan.pages[z].1, first].map(|p| VolumeInfo::new([1, p.0, p.1], p.2).slice_text());
            return Err(Error::bad(
                path,
                format!(
                    "its page {z} is {here}, but page 0 is {there}: slices of one stack must agree; resave it"
                ),
            ));
        }
        Self::uniform(path, scan, part)
    }

    /// How many channels and times the file at `path` holds.
    pub(super) fn parts(path: &Path) -> Result<Option<Parts>> {
        Ok(Scan::new(path)?.hyper.map(|hyper| hyper.parts))
    }

    /// The pages of `path` as independent images, which may differ.
    pub(super) fn open_pages(path: &Path) -> Result<Vec<(Volume, usize)>> {
        let scan = Scan::new(path)?;
        if scan.pages.windows(2).all(|pair| pair[0].1 == pair[1].1) {
            let stack: Volume = Arc::new(Self::uniform(path, scan, None)?);
            return Ok((0..stack.info().slices).map(|z| (stack.clone(), z)).collect());
        }
        let single = |page: (u64, PageInfo)| {
            let calibration = scan.calibration.clone();
            let one = Scan { pages: vec![page], contiguous: None, calibration, hyper: None };
            Ok((Arc::new(Self::uniform(path, one, None)?) as Volume, 0))
        };
        scan.pages.into_iter().map(single).collect()
    }

    /// The stack of a scan whose pages agree; `part` of it.
    fn uniform(path: &Path, scan: Scan, part: Option<Part>) -> Result<Self> {
        let Some((offset, (height, width, dtype))) = scan.pages.first().copied() else {
            return Err(no_pages(path));
        };
        let all = scan.contiguous.unwrap_or(scan.pages.len() as u64);
        let chosen = match &scan.hyper {
            Some(hyper) => hyper.planes(part, all, path)?,
            None => {
                Parts { channels: 1, times: 1 }.choose(part, path)?;
                part::Planes { start: 0, step: 1, count: all }
            }
        };
        let slices = usize::try_from(chosen.count).unwrap_or(usize::MAX);
        let planes = match scan.contiguous {
            Some(_) => Planes::Contiguous(offset, [chosen.start, chosen.step]),
            None => {
                let pages = scan.pages.iter().map(|(offset, _)| *offset).skip(chosen.start as usize);
                Planes::Pages(pages.step_by(chosen.step as usize).take(slices).collect())
            }
        };
        let mut info = VolumeInfo::new([slices, height, width], dtype);
        (info.voxel_size, info.unit) = scan.calibration.unzip();
        Ok(Self { path: path.to_owned(), planes, info })
    }
}

impl SliceReader for TiffStack {
    fn info(&self) -> &VolumeInfo {
        &self.info
    }

    fn read(&self, z: usize) -> Result<Slice> {
        self.info.check_slice(z)?;
        let source = Source::open(&self.path)?;
        let (offset, plane) = match &self.planes {
            Planes::Pages(offsets) => (offsets[z], None),
            Planes::Contiguous(offset, [start, step]) => (*offset, Some(start + step * z as u64)),
        };
        let ifd = source.ifd(offset)?;
        let layout = Layout::new(&self.path, &source, &ifd)?;
        let VolumeInfo { height, width, dtype, .. } = self.info;
        if layout.page_info() != (height, width, dtype) {
            return Err(source.bad("it changed since it was opened; open it again"));
        }
        let values = match plane {
            Some(plane) => layout.read_plane(&source, &ifd, plane)?,
            None => layout.read_page(&source, &ifd)?,
        };
        Ok(Slice { height, width, channels: dtype.channels(), values })
    }
}

impl Scan {
    fn new(path: &Path) -> Result<Self> {
        let source = Source::open(path)?;
        let mut pages = Vec::new();
        let (mut contiguous, mut calibration, mut hyper) = (None, None, None);
        for directory in Chain::new(path, &source) {
            let (offset, ifd) = directory?;
            // Bits 0 and 2: previews and masks of another page are no slices.
            if !pages.is_empty() && source.uint(&ifd, Tag::NewSubfileType, 0)? & 0b101 != 0 {
                continue;
            }
            let layout = Layout::new(path, &source, &ifd)?;
            if pages.is_empty() {
                let description = source.text(&ifd, Tag::ImageDescription)?.unwrap_or_default();
                if let Some(imagej) = Description::parse(&description) {
                    hyper = imagej.hyper();
                    calibration = imagej.voxel_size(&source, &ifd)?;
                    if ifd.next == 0 && imagej.images > 1 {
                        layout.check_planes(&source, &ifd, imagej.images)?;
                        contiguous = Some(imagej.images);
                    }
                } else if let Some(pixels) = ome::Pixels::parse(&description) {
                    hyper = pixels.hyper();
                    calibration = pixels.voxel_size();
                }
            }
            pages.push((offset, layout.page_info()));
        }
        Ok(Self { pages, contiguous, calibration, hyper })
    }
}

fn no_pages(path: &Path) -> Error {
    Error::bad(path, "it holds no image; export it again")
}

#[cfg(test)]
mod tests;
