//! Figures of a study's page at the size that they have on the screen.

use super::{Canvas, Key, Slot};
use crate::window::figures::resized;
use egui::{Color32, ColorImage, Context, TextureId};
use image::RgbaImage;

impl Canvas {
    /// Figure `of` (its page and its number there), `size` pixels wide and high.
    pub fn figure(
        &mut self,
        ctx: &Context,
        of: (u64, usize),
        pixels: &RgbaImage,
        size: [u32; 2],
    ) -> TextureId {
        self.figures.resize_with(self.figures.len().max(of.1 + 1), Slot::default);
        self.figures[of.1].get(ctx, Key::Figure { of, size }, |side| image(pixels, size, side))
    }

    /// The same with all its pixels.
    pub fn enlarged(&mut self, ctx: &Context, of: (u64, usize), pixels: &RgbaImage) -> TextureId {
        let size = [pixels.width(), pixels.height()];
        self.enlarged.get(ctx, Key::Figure { of, size }, |side| image(pixels, size, side))
    }
}

/// `pixels` in a picture of `size`, at most `side` pixels a side.
fn image(pixels: &RgbaImage, size: [u32; 2], side: usize) -> ColorImage {
    let pixels = resized(pixels, size.map(|edge| edge.clamp(1, side as u32)));
    let size = [pixels.width() as usize, pixels.height() as usize];
    let colour = |p: &image::Rgba<u8>| Color32::from_rgba_unmultiplied(p.0[0], p.0[1], p.0[2], p.0[3]);
    ColorImage::new(size, pixels.pixels().map(colour).collect())
}
