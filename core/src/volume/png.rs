//! PNG images as volumes of one slice.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use image::codecs::png::PngDecoder;
use image::{ColorType, ImageDecoder, ImageError, Limits};

use super::{Dtype, Slice, SliceReader, VolumeInfo, checked_size, unsupported_values};
use crate::error::{Error, Result};

/// One PNG file: 8 or 16-bit grey, or 8-bit colour (palettes become their colours).
pub(super) struct PngImage {
    path: PathBuf,
    info: VolumeInfo,
}

impl PngImage {
    /// Reads the header of `path`.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let decoder = decoder(path)?;
        let (width, height) = decoder.dimensions();
        let (width, height) = checked_size(path, width.into(), height.into())?;
        let dtype = match decoder.color_type() {
            ColorType::L8 | ColorType::La8 => Dtype::U8,
            ColorType::L16 | ColorType::La16 => Dtype::U16,
            ColorType::Rgb8 | ColorType::Rgba8 => Dtype::Rgb8,
            _ => return Err(unsupported_values(path, "16-bit colour")),
        };
        Ok(Self { path: path.to_owned(), info: VolumeInfo::new([1, height, width], dtype) })
    }
}

impl SliceReader for PngImage {
    fn info(&self) -> &VolumeInfo {
        &self.info
    }

    fn read(&self, z: usize) -> Result<Slice> {
        self.info.check_slice(z)?;
        let decoder = decoder(&self.path)?;
        let (size, color) = (decoder.dimensions(), decoder.color_type());
        let VolumeInfo { height, width, dtype, .. } = self.info;
        let stored = usize::from(color.channel_count());
        let bytes_per_sample = usize::from(color.bytes_per_pixel()) / stored;
        if size != (width as u32, height as u32)
            || bytes_per_sample != dtype.bytes_per_sample()
            || stored < dtype.channels()
        {
            return Err(Error::bad(&self.path, "it changed since it was opened; open it again"));
        }
        let mut bytes = vec![0; width * height * stored * bytes_per_sample];
        decoder.read_image(&mut bytes).map_err(|e| png_error(&self.path, e))?;
        let all = match dtype {
            Dtype::U16 => {
                bytes.chunks_exact(2).map(|v| f32::from(u16::from_ne_bytes([v[0], v[1]]))).collect()
            }
            _ => bytes.into_iter().map(f32::from).collect::<Vec<_>>(),
        };
        let channels = dtype.channels();
        let values = match stored == channels {
            true => all,
            false => all.chunks_exact(stored).flat_map(|pixel| &pixel[..channels]).copied().collect(),
        };
        Ok(Slice { height, width, channels, values })
    }
}

fn decoder(path: &Path) -> Result<PngDecoder<BufReader<File>>> {
    let file = File::open(path).map_err(|e| Error::io("cannot read", path, e))?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(8 * super::MAX_PIXELS);
    PngDecoder::with_limits(BufReader::new(file), limits).map_err(|e| png_error(path, e))
}

fn png_error(path: &Path, error: ImageError) -> Error {
    match error {
        ImageError::IoError(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => {
            Error::io("cannot read", path, e)
        }
        other => Error::bad(path, format!("it is damaged or cut short ({other}); export it again")),
    }
}
