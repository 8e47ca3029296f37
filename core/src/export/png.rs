//! PNG previews.

use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::write_atomic;
use crate::error::{Error, Result};

/// Writes an 8-bit grey PNG of `width * height` values, row by row; see
/// [`write_atomic`] for `force`.
pub fn png_grey(path: &Path, width: usize, height: usize, values: &[u8], force: bool) -> Result<()> {
    write(path, [width, height], values, ExtendedColorType::L8, force)
}

/// Writes an 8-bit colour PNG of `width * height * 3` values (red, green, blue), row by row; see
/// [`write_atomic`] for `force`.
pub fn png_rgb(path: &Path, width: usize, height: usize, values: &[u8], force: bool) -> Result<()> {
    write(path, [width, height], values, ExtendedColorType::Rgb8, force)
}

/// The bytes of an 8-bit colour PNG of `width * height * 3` values.
///
/// # Errors
/// Where the values are not as many as that.
pub fn bytes_rgb(width: usize, height: usize, values: &[u8]) -> Result<Vec<u8>> {
    encode([width, height], values, ExtendedColorType::Rgb8)
}

fn write(path: &Path, size: [usize; 2], values: &[u8], color: ExtendedColorType, force: bool) -> Result<()> {
    write_atomic(path, &encode(size, values, color)?, force)
}

fn encode(size: [usize; 2], values: &[u8], color: ExtendedColorType) -> Result<Vec<u8>> {
    let [width, height] = size.map(|edge| u32::try_from(edge).unwrap_or(0));
    let expected = u64::from(width) * u64::from(height) * u64::from(color.channel_count());
    if expected == 0 || expected != values.len() as u64 {
        let [width, height] = size;
        let have = values.len();
        return Err(Error::invalid(format!(
            "a picture of {width} x {height} pixels cannot be made of {have} values"
        )));
    }
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(values, width, height, color)
        .map_err(|e| Error::invalid(format!("the picture could not be encoded: {e}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let (grey, rgb) = (folder.path().join("g.png"), folder.path().join("c.png"));
        png_grey(&grey, 3, 2, &[0, 1, 2, 3, 4, 255], false).unwrap();
        png_rgb(&rgb, 1, 2, &[1, 2, 3, 4, 5, 6], false).unwrap();
        let read = |path: &Path| crate::volume::open(path).unwrap().read(0).unwrap();
        assert_eq!(read(&grey).values, [0.0, 1.0, 2.0, 3.0, 4.0, 255.0]);
        assert_eq!(read(&rgb).label_codes(), [0x01_02_03, 0x04_05_06]);
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let path = Path::new("/nonexistent/a.png");
        for (width, height) in [(2, 2), (0, 0), (usize::MAX, usize::MAX)] {
            assert!(matches!(png_grey(path, width, height, &[0; 3], false), Err(Error::Invalid(_))));
        }
    }
}
