//! Labels or entropy, and the patches by net.

use super::{Face, place};
use crate::window::canvas::Sheet;
use crate::window::canvas::view::Transform;
use crate::window::panels::Pane;
use crate::window::results::Kept;
use crate::window::state::Stack;
use crate::window::theme;
use egui::{Align2, Color32, FontId, Painter, Rect, Stroke, StrokeKind, Ui, pos2, vec2};
use paser_core::export::overlay::QUIET;
use paser_core::route::PatchRoute;

/// Draws them: the layer in `part`, all else in `viewport`.
pub(super) fn show(
    ui: &Ui,
    pane: &mut Pane<'_>,
    stack: &Stack,
    face: &Face,
    (viewport, part): (Rect, Rect),
    transform: &Transform,
) {
    let Some(kept) = face.kept.clone() else { return };
    let overlay = pane.state.overlay;
    let image = transform.rect([0, 0], [stack.info.width, stack.info.height]);
    let classes = pane.state.model().map(|m| m.manifest.classes.clone()).unwrap_or_default();
    let sheet = Sheet { kept: &kept, version: face.version, which: usize::from(face.trial.is_some()) };
    if let Some(texture) = pane.canvas.layer(ui.ctx(), stack, &sheet, overlay.layer, &classes) {
        let part = part.intersect(viewport);
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        let tint = Color32::WHITE.gamma_multiply(overlay.opacity);
        ui.painter_at(part).image(texture, image, whole, tint);
    }
    if overlay.routing {
        let nets = pane.state.model().map_or(3, |m| m.manifest.nets.len());
        patches(&ui.painter_at(viewport), &kept, nets, transform, viewport);
    }
    if let Some(route) = stack.selected.and_then(|i| kept.routes.get(i)) {
        let rect = place(route.at, transform).expand(1.0);
        let painter = ui.painter_at(viewport);
        painter.rect_stroke(rect, 2.0, Stroke::new(4.0, theme::LETTER_GROUND), StrokeKind::Middle);
        painter.rect_stroke(rect, 2.0, Stroke::new(2.0, theme::SELECTED), StrokeKind::Middle);
    }
}

/// Outlines: quiet where the small net kept the patch, bright and lettered where it was sent on.
fn patches(painter: &Painter, kept: &Kept, nets: usize, transform: &Transform, viewport: Rect) {
    let visible = |r: &&PatchRoute| place(r.at, transform).intersects(viewport);
    let (kept_here, sent): (Vec<&PatchRoute>, Vec<&PatchRoute>) =
        kept.routes.iter().filter(visible).partition(|r| r.net == 0);
    let quiet = theme::route(0).gamma_multiply(QUIET);
    for route in kept_here {
        let rect = place(route.at, transform);
        painter.rect_stroke(rect, 0.0, Stroke::new(0.5, quiet), StrokeKind::Middle);
        if rect.width() > 44.0 && rect.height() > 28.0 {
            let ground = Rect::from_min_size(rect.min + vec2(4.0, 4.0), vec2(11.0, 12.0));
            painter.rect_filled(ground, 3.0, theme::LETTER_GROUND.gamma_multiply(0.7));
            let name = theme::letter(0, nets);
            let font = FontId::proportional(9.0);
            painter.text(ground.center(), Align2::CENTER_CENTER, name, font, theme::QUIET_LETTER);
        }
    }
    for route in sent {
        let rect = place(route.at, transform);
        let colour = theme::route(usize::from(route.net));
        let room = rect.width().min(rect.height());
        let width = if room > 24.0 { 1.5 } else { 1.0 };
        painter.rect_stroke(rect.shrink(0.5), 1.0, Stroke::new(width, colour), StrokeKind::Inside);
        if room > 20.0 {
            letter(painter, rect, &theme::letter(usize::from(route.net), nets), colour);
        }
    }
}

fn letter(painter: &Painter, patch: Rect, letter: &str, colour: Color32) {
    let galley = painter.layout_no_wrap(letter.to_owned(), theme::strong(10.5), colour);
    let ground = Rect::from_min_size(patch.min + vec2(3.5, 3.5), galley.size() + vec2(6.0, 2.0));
    painter.rect_filled(ground, 3.0, theme::LETTER_GROUND);
    painter.galley(ground.min + vec2(3.0, 1.0), galley, colour);
}
