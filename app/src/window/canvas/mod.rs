//! The slice and its layers as textures, made anew only when what they show changes.

pub mod map;
pub mod view;

use super::grey::{Grey, Histogram, Window};
use super::results::Kept;
use super::state::{Layer, Stack};
use egui::{self, Color32, ColorImage, TextureFilter, TextureHandle, TextureOptions, TextureWrapMode};
use paser_core::data::classes::Class;

const OPTIONS: TextureOptions = TextureOptions {
    magnification: TextureFilter::Nearest,
    minification: TextureFilter::Linear,
    wrap_mode: TextureWrapMode::ClampToEdge,
    mipmap_mode: None,
};

/// What a texture shows, so that one knows when it is old.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Key {
    Grey { stack: u64, z: usize, window: Window },
    Layer { stack: u64, z: usize, version: u64, layer: Layer },
}

#[derive(Default)]
struct Slot(Option<(Key, TextureHandle)>);

/// Textures and what the pointer is doing.
#[derive(Default)]
pub struct Canvas {
    grey: Slot,
    layer: Slot,
    magma: Vec<Color32>,
    histogram: Option<((u64, usize), Histogram)>,
    /// Wheel travel that does not make a slice yet.
    pub wheel: f32,
}

impl Slot {
    fn get(
        &mut self,
        ctx: &egui::Context,
        key: Key,
        image: impl FnOnce(usize) -> ColorImage,
    ) -> egui::TextureId {
        if let Some((old, texture)) = &self.0
            && *old == key
        {
            return texture.id();
        }
        let image = image(ctx.input(|i| i.max_texture_side));
        let texture = match self.0.take() {
            Some((_, mut texture)) => {
                texture.set(image, OPTIONS);
                texture
            }
            None => ctx.load_texture("slice", image, OPTIONS),
        };
        let id = texture.id();
        self.0 = Some((key, texture));
        id
    }
}

impl Canvas {
    /// The grey slice on show.
    pub fn grey(&mut self, ctx: &egui::Context, stack: &Stack, grey: &Grey) -> egui::TextureId {
        let key = Key::Grey { stack: stack.id, z: stack.z, window: stack.window };
        self.grey.get(ctx, key, |side| {
            picture(grey.size, side, |i| {
                grey.values.get(i).map_or(Color32::BLACK, |v| Color32::from_gray(stack.window.shade(*v)))
            })
        })
    }

    /// How often grey values occur in the slice on show.
    pub fn histogram(&mut self, stack: &Stack, grey: &Grey) -> &Histogram {
        let key = (stack.id, stack.z);
        let old = self.histogram.take().filter(|(k, _)| *k == key);
        &self.histogram.insert(old.unwrap_or_else(|| (key, grey.histogram(stack.ends)))).1
    }

    /// The layer over it; none where there is nothing to show.
    pub fn layer(
        &mut self,
        ctx: &egui::Context,
        stack: &Stack,
        kept: &Kept,
        layer: Layer,
        classes: &[Class],
    ) -> Option<egui::TextureId> {
        let (values, colours) = match layer {
            Layer::Grey => return None,
            Layer::Labels => (
                &kept.labels,
                classes.iter().map(|c| Color32::from_rgb(c.colour[0], c.colour[1], c.colour[2])).collect(),
            ),
            Layer::Entropy => {
                if self.magma.is_empty() {
                    self.magma = map::table();
                }
                (&kept.entropy, self.magma.clone())
            }
        };
        if values.is_empty() {
            return None;
        }
        let colour = |i: usize| {
            values.get(i).and_then(|v| colours.get(usize::from(*v))).copied().unwrap_or(Color32::TRANSPARENT)
        };
        let key = Key::Layer { stack: stack.id, z: stack.z, version: stack.results.version, layer };
        Some(self.layer.get(ctx, key, |side| picture(kept.size, side, colour)))
    }
}

/// A picture of at most `side` pixels a side; every so-many-th pixel where the slice is larger.
fn picture([rows, columns]: [usize; 2], side: usize, colour: impl Fn(usize) -> Color32) -> ColorImage {
    let step = rows.max(columns).div_ceil(side.max(1)).max(1);
    let (height, width) = (rows.div_ceil(step), columns.div_ceil(step));
    let mut pixels = Vec::with_capacity(height * width);
    for y in (0..rows).step_by(step) {
        pixels.extend((0..columns).step_by(step).map(|x| colour(y * columns + x)));
    }
    ColorImage::new([width, height], pixels)
}
