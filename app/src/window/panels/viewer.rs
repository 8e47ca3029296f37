//! The slice, what lies over it, and what the pointer does to it.

#[path = "viewer_hud.rs"]
mod hud;
#[path = "viewer_input.rs"]
mod input;
#[path = "viewer_layers.rs"]
mod layers;

use super::Pane;
use crate::window::state::Stack;
use crate::window::theme;
use egui::{Align2, CentralPanel, Color32, Frame, Rect, Role, Sense, Ui, WidgetInfo, pos2};

/// Height of the line above the slice.
const LINE: f32 = 36.0;

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    CentralPanel::default().frame(Frame::new().fill(t.canvas)).show(ui, |ui| {
        let Some(stack) = &pane.state.stack else { return };
        let area = ui.available_rect_before_wrap();
        let line = area.with_max_y(area.top() + LINE);
        let viewport = area.with_min_y(line.bottom());
        let transform = stack.view.transform(viewport, stack.size(), ui.pixels_per_point());
        let response = ui.interact(viewport, ui.scope_id().with("slice"), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Slice {}", stack.z + 1)));
        let image = transform.rect([0, 0], [stack.info.width, stack.info.height]);
        slice(ui, pane, stack, viewport, image);
        layers::show(ui, pane, stack, viewport, &transform);
        let dividing = hud::swipe(ui, pane, viewport, image);
        hud::scale_bar(ui, stack, viewport, &transform);
        let pointed = response.hover_pos().and_then(|at| transform.pixel(at, stack.size()));
        hud::line(ui, pane, stack, line, transform.zoom(), pointed);
        if !dividing {
            input::take(ui, pane, stack, &response, &transform);
        }
    });
}

/// The grey slice, or why it is not there.
fn slice(ui: &Ui, pane: &mut Pane<'_>, stack: &Stack, viewport: Rect, image: Rect) {
    let t = theme::of(ui);
    let painter = ui.painter_at(viewport);
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    if let Some(grey) = stack.slices.get(stack.z) {
        painter.image(pane.canvas.grey(ui.ctx(), stack, grey), image, whole, Color32::WHITE);
        return;
    }
    painter.rect_filled(image, 0.0, t.track.gamma_multiply(0.5));
    let said = if stack.unreadable.contains(&stack.z) { "cannot be read" } else { "is being read" };
    let said = format!("Slice {} {said}", stack.z + 1);
    painter.text(
        image.intersect(viewport).center(),
        Align2::CENTER_CENTER,
        said,
        theme::body(),
        t.on_canvas_dim,
    );
}
