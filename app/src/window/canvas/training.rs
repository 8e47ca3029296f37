//! What a training reads and how it goes, and a label stack before it is truth, as textures.

use super::{Canvas, Key, colours, picture};
use crate::window::grey::Window;
use crate::window::training::Pairs;
use crate::window::truth::Draft;
use egui::Color32;
use paser_core::data::classes::Class;
use paser_core::event::Picture;
use paser_core::volume::Dtype;
use std::sync::Arc;

impl Canvas {
    /// The first pair of a training: grey values and classes in their usual colours.
    pub fn pairs(&mut self, ctx: &egui::Context, pairs: &Pairs) -> [egui::TextureId; 2] {
        let names: Vec<String> = (0..pairs.classes).map(|i| i.to_string()).collect();
        let palette = colours(&paser_core::data::classes::classes(&names));
        let [low, high] = pairs.grey.ends(Dtype::F32);
        let window = Window { low, high };
        let grey = self.pair[0].get(ctx, Key::Pair(pairs.version), |side| {
            picture(pairs.grey.size, side, |i| Color32::from_gray(window.shade(pairs.grey.values[i])))
        });
        let truth = self.pair[1].get(ctx, Key::Pair(pairs.version), |side| {
            let class = |i: usize| pairs.truth.get(i).and_then(|c| palette.get(usize::from(*c)));
            picture(pairs.grey.size, side, |i| class(i).copied().unwrap_or(Color32::BLACK))
        });
        [grey, truth]
    }

    /// A tile of a training: grey values, truth, what the pupil said first, and what it says now. `of` tells
    /// training and stage apart, the steps tell the pictures apart.
    pub fn watched(
        &mut self,
        ctx: &egui::Context,
        of: (u64, usize),
        [first, now]: [&(usize, Arc<Picture>); 2],
        classes: usize,
    ) -> [egui::TextureId; 4] {
        let names: Vec<String> = (0..classes).map(|i| i.to_string()).collect();
        let palette = colours(&paser_core::data::classes::classes(&names));
        let class = |c: &u8| palette.get(usize::from(*c)).copied().unwrap_or(Color32::BLACK);
        let grey: Vec<Color32> = now.1.grey.iter().map(|g| Color32::from_gray(*g)).collect();
        let [truth, before, after] = [&now.1.truth, &first.1.labels, &now.1.labels]
            .map(|map| map.iter().map(class).collect::<Vec<Color32>>());
        let shown = [(now.0, grey), (now.0, truth), (first.0, before), (now.0, after)];
        let mut piece = 0;
        shown.map(|(step, pixels)| {
            let key = Key::Watched { of, step, piece };
            piece += 1;
            self.watched[piece - 1].get(ctx, key, |side| {
                picture(now.1.size, side, |i| pixels.get(i).copied().unwrap_or(Color32::BLACK))
            })
        })
    }

    /// What the class table makes of a label stack's middle slice.
    pub fn draft(&mut self, ctx: &egui::Context, draft: &Draft, classes: &[Class]) -> egui::TextureId {
        let palette = colours(classes);
        let key = Key::Draft(draft.path.clone(), draft.table.clone());
        self.draft.get(ctx, key, |side| {
            let pixels: Vec<Color32> = draft
                .preview()
                .map(|class| class.and_then(|c| palette.get(c)).copied().unwrap_or(Color32::BLACK))
                .collect();
            picture(draft.size, side, |i| pixels.get(i).copied().unwrap_or(Color32::BLACK))
        })
    }
}
