//! Pictures, as a file holds them.

use pdf_writer::{Filter, Finish, Pdf, Ref};

use super::file::deflated;
use crate::error::{Error, Result};

/// Pixels, red, green, blue.
pub(super) struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
    rgb: Vec<u8>,
}

impl Picture {
    /// # Errors
    /// Where `png` is none.
    pub(super) fn read(png: &[u8]) -> Result<Self> {
        let read = image::load_from_memory_with_format(png, image::ImageFormat::Png);
        let pixels = read
            .map_err(|e| Error::invalid(format!("the report's picture cannot be read ({e})")))?
            .into_rgb8();
        Ok(Self { width: pixels.width(), height: pixels.height(), rgb: pixels.into_raw() })
    }

    /// Writes it as object `id`.
    pub(super) fn embed(&self, pdf: &mut Pdf, id: Ref) {
        let packed = deflated(&self.rgb);
        let mut object = pdf.image_xobject(id, &packed);
        object.filter(Filter::FlateDecode);
        object.width(self.width as i32).height(self.height as i32);
        object.color_space().device_rgb();
        object.bits_per_component(8).interpolate(false);
        object.finish();
    }
}
