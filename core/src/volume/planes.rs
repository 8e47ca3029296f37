//! Slices that follow each other without gaps in one file, plain or compressed as one stream: what raw
//! files, NRRD, MetaImage and NIfTI have in common.

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use flate2::bufread::{MultiGzDecoder, ZlibDecoder};

use super::ifd::Order;
use super::sample::Sample;
use super::{Dtype, MAX_EDGE, Slice, SliceReader, VolumeInfo, checked_size};
use crate::error::{Error, Result};

/// Deflate cannot shrink further than this; a header that claims more lies.
const MAX_RATIO: u64 = 1032;

/// How the voxels are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zlib,
}

/// What a header says about where its voxels are.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Slices, rows, columns.
    pub(super) shape: [u64; 3],
    pub(super) sample: Sample,
    /// Numbers a pixel: 1, or 3 (8-bit red, green, blue).
    pub(super) channels: usize,
    pub(super) order: Order,
    /// The file that holds the voxels.
    pub(super) data: PathBuf,
    /// Bytes before the first voxel, in `data` as it lies on the disk.
    pub(super) skip: u64,
    /// Bytes before the first voxel once unpacked.
    pub(super) skip_unpacked: u64,
    pub(super) packing: Packing,
    /// Stored values times the first plus the second are the volume's.
    pub(super) scale: Option<(f32, f32)>,
    /// Z, Y, X and unit.
    pub(super) voxel_size: Option<([f64; 3], String)>,
}

/// A volume of such slices.
pub(super) struct Planes {
    path: PathBuf,
    layout: Layout,
    info: VolumeInfo,
    unpacked: Option<Mutex<Unpacked>>,
}

impl Planes {
    /// Checks the layout that the header at `path` states against its data file.
    pub(super) fn open(path: &Path, layout: Layout) -> Result<Self> {
        let info = info(path, &layout)?;
        let file = File::open(&layout.data).map_err(|e| Error::io("cannot read", &layout.data, e))?;
        let len = file.metadata().map_err(|e| Error::io("cannot read", &layout.data, e))?.len();
        let stored = len.saturating_sub(layout.skip);
        let possible = match layout.packing {
            Packing::Plain => stored,
            Packing::Gzip | Packing::Zlib => stored.saturating_mul(MAX_RATIO),
        };
        let needed = info.bytes.saturating_add(layout.skip_unpacked);
        if needed > possible {
            return Err(Error::bad(
                &layout.data,
                format!(
                    "{needed} bytes of voxels are announced and the file has room for {possible}: it is \
                     incomplete, or size and type are wrong; correct them, or copy or export it again"
                ),
            ));
        }
        let unpacked = match layout.packing {
            Packing::Plain => None,
            _ => Some(Mutex::new(Unpacked::new(&layout, file)?)),
        };
        Ok(Self { path: path.to_owned(), layout, info, unpacked })
    }

    /// Refuses a raw file that is longer than it was said to be: the size or type is wrong.
    pub(super) fn check_length(&self) -> Result<()> {
        let len = std::fs::metadata(&self.path).map_err(|e| Error::io("cannot read", &self.path, e))?.len();
        let (said, header) = (self.info.bytes, self.layout.skip);
        if len == said.saturating_add(header) {
            return Ok(());
        }
        Err(Error::bad(
            &self.path,
            format!(
                "it is {len} bytes long, but its size and type make {said} bytes after a header of {header}; correct \
                 them (a longer header is given as header=N)"
            ),
        ))
    }

    fn plane_bytes(&self) -> u64 {
        self.info.bytes / self.info.slices as u64
    }

    /// The stored bytes of slice `z`.
    fn bytes(&self, z: usize) -> Result<Vec<u8>> {
        let len = self.plane_bytes();
        let start = self.layout.skip_unpacked + z as u64 * len;
        let mut bytes = vec![0; len as usize];
        let Some(unpacked) = &self.unpacked else {
            let io = |e| Error::io("cannot read", &self.layout.data, e);
            let mut file = File::open(&self.layout.data).map_err(io)?;
            file.seek(SeekFrom::Start(self.layout.skip + start)).map_err(io)?;
            file.read_exact(&mut bytes).map_err(io)?;
            return Ok(bytes);
        };
        let mut unpacked =
            unpacked.lock().map_err(|_| Error::bad(&self.path, "reading it failed; open it again"))?;
        unpacked.read(start, &mut bytes).map_err(|e| {
            Error::bad(
                &self.layout.data,
                format!("its compressed voxels are damaged or cut short ({e}); copy or export it again"),
            )
        })?;
        Ok(bytes)
    }
}

/// What a layout is, if it is plausible.
fn info(path: &Path, layout: &Layout) -> Result<VolumeInfo> {
    let [slices, height, width] = layout.shape;
    let (width, height) = checked_size(path, width, height)?;
    if !(1..=MAX_EDGE).contains(&slices) {
        return Err(Error::bad(
            path,
            format!("its header claims {slices} slices; correct it or export it again"),
        ));
    }
    let dtype = match (layout.channels, layout.sample, layout.scale) {
        (3, Sample::U8, None) => Dtype::Rgb8,
        (1, sample, None) => sample.dtype(),
        (1, _, Some(_)) => Dtype::F32,
        _ => return Err(Error::bad(path, "it holds several channels; export one of them, or 8-bit RGB")),
    };
    let mut info = VolumeInfo::new([slices as usize, height, width], dtype);
    info.bytes = slices * (height * width * layout.channels * layout.sample.bytes()) as u64;
    (info.voxel_size, info.unit) = layout.voxel_size.clone().unzip();
    Ok(info)
}

impl SliceReader for Planes {
    fn info(&self) -> &VolumeInfo {
        &self.info
    }

    fn read(&self, z: usize) -> Result<Slice> {
        self.info.check_slice(z)?;
        let mut values = self.layout.sample.values(&self.bytes(z)?, self.layout.order);
        if let Some((slope, intercept)) = self.layout.scale {
            values.iter_mut().for_each(|v| *v = *v * slope + intercept);
        }
        let VolumeInfo { height, width, dtype, .. } = self.info;
        Ok(Slice { height, width, channels: dtype.channels(), values })
    }
}

/// A compressed stream, unpacked as far as it was needed into a nameless temporary file, so that
/// memory stays small and slices can be read in any order.
struct Unpacked {
    stream: Box<dyn Read + Send>,
    file: File,
    /// Bytes unpacked so far.
    have: u64,
}

impl fmt::Debug for Unpacked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes unpacked", self.have)
    }
}

impl Unpacked {
    fn new(layout: &Layout, mut file: File) -> Result<Self> {
        file.seek(SeekFrom::Start(layout.skip)).map_err(|e| Error::io("cannot read", &layout.data, e))?;
        let file = BufReader::new(file);
        let stream: Box<dyn Read + Send> = match layout.packing {
            Packing::Zlib => Box::new(ZlibDecoder::new(file)),
            _ => Box::new(MultiGzDecoder::new(file)),
        };
        let folder = std::env::temp_dir();
        let file =
            tempfile::tempfile().map_err(|e| Error::io("cannot unpack a compressed stack in", &folder, e))?;
        Ok(Self { stream, file, have: 0 })
    }

    /// Fills `bytes` from position `start` of the unpacked stream.
    fn read(&mut self, start: u64, bytes: &mut [u8]) -> std::io::Result<()> {
        let end = start + bytes.len() as u64;
        if end > self.have {
            self.file.seek(SeekFrom::Start(self.have))?;
        }
        let mut block = [0; 1 << 16];
        while self.have < end {
            let wanted = block.len().min((end - self.have) as usize);
            self.stream.read_exact(&mut block[..wanted])?;
            self.file.write_all(&block[..wanted])?;
            self.have += wanted as u64;
        }
        self.file.seek(SeekFrom::Start(start))?;
        self.file.read_exact(bytes)
    }
}

/// The file `name` that a header at `path` names, which must lie in the header's folder or below.
pub(super) fn beside(path: &Path, name: &str) -> Result<PathBuf> {
    let inside = Path::new(name)
        .components()
        .all(|c| matches!(c, std::path::Component::Normal(_) | std::path::Component::CurDir));
    if name.is_empty() || !inside {
        return Err(Error::bad(
            path,
            format!(
                "it names \"{name}\" as its data file; only files beside the header are read, so move it there"
            ),
        ));
    }
    Ok(path.with_file_name(name))
}

/// Three edges in the order Z, Y, X with their unit, if they can be a voxel's.
pub(super) fn calibration(edges: [f64; 3], unit: Option<&str>) -> Option<([f64; 3], String)> {
    let unit = unit.and_then(super::imagej::normalise_unit)?;
    edges.iter().all(|e| e.is_finite() && *e > 0.0).then_some((edges, unit))
}
