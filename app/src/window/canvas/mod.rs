//! The slice and its layers as textures, made anew only when what they show changes.

mod figure;
pub mod map;
mod training;
pub mod view;

use super::grey::{Grey, Histogram, Window};
use super::overview::{Cut, Overview};
use super::results::Kept;
use super::state::{Layer, Stack};
use super::trial::{Trial, changed};
use super::truth::Score;
use egui::{self, Color32, ColorImage, TextureFilter, TextureHandle, TextureOptions, TextureWrapMode};
use paser_core::data::classes::Class;
use paser_core::metrics::UNLABELLED;
use paser_core::route::live::Audit;
use paser_core::route::tiles::Rect;
use std::path::PathBuf;

const OPTIONS: TextureOptions = TextureOptions {
    magnification: TextureFilter::Nearest,
    minification: TextureFilter::Linear,
    wrap_mode: TextureWrapMode::ClampToEdge,
    mipmap_mode: None,
};

/// Results kept in pictures at once: the one in force and the second one.
const RESULTS: usize = 2;
/// Colour of pixels that differ from the truth, and of those that have none.
const WRONG: [Color32; 2] = [Color32::from_rgb(213, 45, 40), Color32::from_rgb(120, 120, 120)];

/// What a texture shows, so that one knows when it is old.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    Grey { stack: u64, z: usize, window: Window, trial: Option<u64> },
    Layer { stack: u64, z: usize, version: u64, layer: Layer, truth: bool },
    Piece { stack: u64, z: usize, at: Rect, piece: Piece, window: Window },
    Draft(PathBuf, Vec<Option<u32>>),
    Pair(u64),
    Watched { of: (u64, usize), step: usize, piece: usize },
    Cut { stack: u64, cut: Cut, at: usize, window: Window, read: usize },
    Figure { of: (u64, usize), size: [u32; 2] },
}

/// One view of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Its grey values.
    Grey,
    /// What a net says of it.
    Net(usize),
}

/// A result to picture.
pub struct Sheet<'a> {
    /// Its labels and routes.
    pub kept: &'a Kept,
    /// What version of the slice's result it is.
    pub version: u64,
    /// 0 the one in force, 1 the second one.
    pub which: usize,
}

#[derive(Default)]
struct Slot(Option<(Key, TextureHandle)>);

/// How far two results differ, and their IoU where truth is there.
type Changes = (f64, Option<[Option<f64>; 2]>);
/// Stack, slice, version of its results, version of the second one, whether truth is there.
type ChangesKey = (u64, usize, u64, u64, bool);

/// Textures and what the pointer is doing.
#[derive(Default)]
pub struct Canvas {
    grey: [Slot; RESULTS],
    layer: [Slot; RESULTS],
    pieces: Vec<Slot>,
    draft: Slot,
    watched: [Slot; 4],
    pair: [Slot; 2],
    cuts: [Slot; 2],
    figures: Vec<Slot>,
    enlarged: Slot,
    magma: Vec<Color32>,
    histogram: Option<((u64, usize), Histogram)>,
    score: Option<((u64, usize, u64), Score)>,
    changes: Option<(ChangesKey, Changes)>,
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
    /// The grey slice on show, or `trial`'s own grey values.
    pub fn grey(
        &mut self,
        ctx: &egui::Context,
        stack: &Stack,
        grey: &Grey,
        trial: Option<u64>,
    ) -> egui::TextureId {
        let key = Key::Grey { stack: stack.id, z: stack.z, window: stack.window, trial };
        let slot = &mut self.grey[usize::from(trial.is_some())];
        slot.get(ctx, key, |side| {
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

    /// How the slice on show stands beside its truth.
    pub fn score(&mut self, stack: &Stack, classes: usize) -> Option<&Score> {
        let (kept, truth) = (stack.kept()?, stack.true_classes()?);
        let key = (stack.id, stack.z, stack.results.version);
        let old = self.score.take().filter(|(k, _)| *k == key);
        let new = || (key, Score::of(&kept.labels, truth, classes));
        Some(&self.score.insert(old.unwrap_or_else(new)).1)
    }

    /// How far the second result lies from the one in force.
    pub fn changes(&mut self, stack: &Stack, kept: &Kept, trial: &Trial, classes: usize) -> Changes {
        let truth = stack.true_classes();
        let key = (stack.id, stack.z, stack.results.version, trial.version, truth.is_some());
        let old = self.changes.take().filter(|(k, _)| *k == key);
        let iou = |labels: &[u8], truth: &[u8]| Score::of(labels, truth, classes).iou;
        let new = || {
            let scores = truth.map(|t| [iou(&kept.labels, t), iou(&trial.kept.labels, t)]);
            (key, (changed(kept, &trial.kept), scores))
        };
        self.changes.insert(old.unwrap_or_else(new)).1
    }

    /// The layer over it; none where there is nothing to show.
    pub fn layer(
        &mut self,
        ctx: &egui::Context,
        stack: &Stack,
        sheet: &Sheet<'_>,
        layer: Layer,
        classes: &[Class],
    ) -> Option<egui::TextureId> {
        if self.magma.is_empty() {
            self.magma = map::table();
        }
        let kept = sheet.kept;
        let palette = colours(classes);
        let magma = &self.magma;
        let truth = stack.true_classes();
        let of = |values: &[u8], colours: &[Color32], i: usize| {
            values.get(i).and_then(|v| colours.get(usize::from(*v))).copied().unwrap_or(Color32::TRANSPARENT)
        };
        let colour: Box<dyn Fn(usize) -> Color32 + '_> = match layer {
            Layer::Grey => return None,
            Layer::Labels => Box::new(|i| of(&kept.labels, &palette, i)),
            Layer::Entropy if kept.entropy.is_empty() => return None,
            Layer::Entropy => Box::new(|i| of(&kept.entropy, magma, i)),
            Layer::Probability(class) => {
                let map = kept.probabilities.get(class)?;
                Box::new(move |i| of(map, magma, i))
            }
            Layer::Error => {
                let truth = truth?;
                Box::new(|i| match (kept.labels.get(i), truth.get(i)) {
                    (_, Some(&UNLABELLED)) => WRONG[1],
                    (Some(label), Some(class)) if label != class => WRONG[0],
                    _ => Color32::TRANSPARENT,
                })
            }
        };
        let key =
            Key::Layer { stack: stack.id, z: stack.z, version: sheet.version, layer, truth: truth.is_some() };
        let slot = self.layer.get_mut(sheet.which)?;
        Some(slot.get(ctx, key, |side| picture(kept.size, side, colour)))
    }

    /// A view of the patch at `at`.
    pub fn piece(
        &mut self,
        ctx: &egui::Context,
        stack: &Stack,
        at: Rect,
        audit: Option<&Audit>,
        piece: Piece,
        classes: &[Class],
    ) -> Option<egui::TextureId> {
        let place = match piece {
            Piece::Grey => 0,
            Piece::Net(net) => net + 1,
        };
        self.pieces.resize_with(self.pieces.len().max(place + 1), Slot::default);
        let key = Key::Piece { stack: stack.id, z: stack.z, at, piece, window: stack.window };
        let palette = colours(classes);
        let colour: Box<dyn Fn(usize) -> Color32> = match piece {
            Piece::Grey => {
                let (grey, window) = (stack.slices.get(stack.z)?.clone(), stack.window);
                Box::new(move |i| {
                    let value = grey.at([at.x + i % at.width, at.y + i / at.width]);
                    value.map_or(Color32::BLACK, |v| Color32::from_gray(window.shade(v)))
                })
            }
            Piece::Net(net) => {
                let labels = audit?.labels.get(net)?.clone();
                Box::new(move |i| {
                    let class = labels.get(i).map(|l| usize::from(*l));
                    class.and_then(|c| palette.get(c)).copied().unwrap_or(Color32::TRANSPARENT)
                })
            }
        };
        Some(self.pieces[place].get(ctx, key, |side| picture([at.height, at.width], side, colour)))
    }

    /// A cut along the stack through row or column `at`.
    pub fn cut(
        &mut self,
        ctx: &egui::Context,
        stack: &Stack,
        overview: &Overview,
        cut: Cut,
        at: usize,
    ) -> egui::TextureId {
        let key = Key::Cut { stack: stack.id, cut, at, window: stack.window, read: overview.read() };
        let window = stack.window;
        self.cuts[usize::from(cut == Cut::Yz)].get(ctx, key, |side| {
            let (size, values) = overview.cut(cut, at);
            let shade = |v: &u8| Color32::from_gray(window.shade(overview.grey(*v)));
            picture(size, side, |i| values.get(i).map_or(Color32::BLACK, shade))
        })
    }
}

fn colours(classes: &[Class]) -> Vec<Color32> {
    classes.iter().map(|c| Color32::from_rgb(c.colour[0], c.colour[1], c.colour[2])).collect()
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
