//! Figures around the slice: place, zoom, the probe, the scale bar; and the divider.

use crate::window::canvas::view::{Transform, scale_bar as round_length};
use crate::window::command::Command;
use crate::window::panels::{Pane, kit};
use crate::window::results::{class_name, largest_entropy};
use crate::window::state::{Layer, Stack};
use crate::window::{text, theme};
use egui::{Align2, Color32, CursorIcon, Id, Rect, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

/// The line above the slice.
pub fn line(ui: &Ui, pane: &Pane<'_>, stack: &Stack, line: Rect, zoom: f32, pointed: Option<[usize; 2]>) {
    let t = theme::of(ui);
    let middle = line.center().y;
    let place = format!("z {} / {}", stack.z + 1, stack.info.slices);
    let at = pos2(line.left() + 16.0, middle);
    let shown = kit::put(ui, at, Align2::LEFT_CENTER, &place, t.on_canvas);
    let at = pos2(shown.right() + 18.0, middle);
    let shown = kit::put(ui, at, Align2::LEFT_CENTER, &format!("{:.0} %", 100.0 * zoom), t.on_canvas);
    let at = pos2(shown.right() + 18.0, middle);
    let shown = kit::put(ui, at, Align2::LEFT_CENTER, &layers(pane, stack), t.on_canvas_dim);
    let Some(pixel) = pointed else { return };
    let probe = probe(pane, stack, pixel);
    let galley = ui.painter().layout_no_wrap(probe, theme::figures(), t.on_canvas);
    let left = line.right() - 16.0 - galley.size().x;
    if left > shown.right() + 12.0 {
        ui.painter().galley(pos2(left, middle - galley.size().y / 2.0), galley, t.on_canvas);
    }
}

fn layers(pane: &Pane<'_>, stack: &Stack) -> String {
    let overlay = pane.state.overlay;
    if stack.kept().is_none() {
        return "grey".to_owned();
    }
    let percent = 100.0 * overlay.opacity;
    let layer = match overlay.layer {
        Layer::Grey => "grey".to_owned(),
        Layer::Labels => format!("labels {percent:.0} %"),
        Layer::Entropy => format!("entropy {percent:.0} %"),
        Layer::Error => format!("error {percent:.0} %"),
        Layer::Probability(class) => {
            let name = pane.state.model().map_or("?", |m| class_name(&m.manifest, class as u8));
            format!("probability of {name} {percent:.0} %")
        }
    };
    if overlay.routing { format!("{layer} · routing") } else { layer }
}

/// What is under the pointer.
fn probe(pane: &Pane<'_>, stack: &Stack, pixel: [usize; 2]) -> String {
    let mut said = format!("x {:>4}  y {:>4}", pixel[0], pixel[1]);
    if let Some(value) = stack.slices.get(stack.z).and_then(|grey| grey.at(pixel)) {
        said += &format!("  grey {:>5}", text::grey(value));
    }
    if let (Some(kept), Some(model)) = (stack.kept(), pane.state.model()) {
        let place = kept.place(pixel);
        if let Some(label) = kept.labels.get(place) {
            said += &format!("  {}", class_name(&model.manifest, *label));
        }
        if let Layer::Probability(class) = pane.state.overlay.layer
            && let Some(share) = kept.probabilities.get(class).and_then(|map| map.get(place))
        {
            said += &format!("  p {:.2}", f32::from(*share) / 255.0);
        }
        if let Some(class) = stack.true_classes().and_then(|t| t.get(place)) {
            said += &format!("  truth {}", class_name(&model.manifest, *class));
        }
        if let Some(entropy) = kept.entropy.get(place) {
            let nats = f32::from(*entropy) / 255.0 * largest_entropy(&model.manifest);
            said += &format!("  {nats:.2} nats");
        }
    }
    said
}

/// A bar of a round length at the lower right.
pub fn scale_bar(ui: &Ui, stack: &Stack, viewport: Rect, transform: &Transform) {
    let t = theme::of(ui);
    let (pixel, unit) = stack.pixel().unwrap_or((1.0, "px"));
    let length = round_length(130.0, pixel, transform.scale);
    let width = (length / pixel) as f32 * transform.scale;
    let label = format!("{} {unit}", text::length(length));
    let right = viewport.right_bottom() - vec2(24.0, 22.0);
    let bar = Rect::from_min_max(right - vec2(width, 3.0), right);
    let painter = ui.painter_at(viewport);
    let galley = painter.layout_no_wrap(label, theme::strong(theme::SMALL), t.on_canvas);
    let at = pos2(bar.center().x - galley.size().x / 2.0, bar.top() - galley.size().y - 3.0);
    let ground = bar.union(Rect::from_min_size(at, galley.size())).expand2(vec2(10.0, 6.0));
    painter.rect_filled(ground, 5.0, t.canvas.gamma_multiply(0.72));
    painter.rect_filled(bar, 0.0, t.on_canvas);
    painter.galley(at, galley, t.on_canvas);
}

/// The line between grey and layer; whether it is being moved.
pub fn swipe(ui: &Ui, pane: &mut Pane<'_>, viewport: Rect, image: Rect, always: bool) -> bool {
    let overlay = pane.state.overlay;
    let layered =
        overlay.layer != Layer::Grey && pane.state.stack.as_ref().is_some_and(|s| s.kept().is_some());
    let at = overlay.swipe.or(always.then_some(0.5));
    let second = pane.state.stack.as_ref().is_some_and(|s| s.trial().is_some());
    let (Some(at), true) = (at, always || (layered && !second)) else { return false };
    let x = image.left() + at * image.width();
    let visible = image.intersect(viewport);
    if !visible.is_positive() || !viewport.x_range().contains(x) {
        return false;
    }
    let grip = Rect::from_x_y_ranges(x - 7.0..=x + 7.0, visible.y_range());
    let response = ui.interact(grip, Id::unique("swipe"), Sense::drag());
    response.widget_info(|| WidgetInfo::slider(true, f64::from(at), "Divider between grey and layer"));
    let painter = ui.painter_at(viewport);
    painter.vline(x, visible.y_range(), Stroke::new(3.0, Color32::from_black_alpha(90)));
    painter.vline(x, visible.y_range(), Stroke::new(1.5, Color32::WHITE));
    let knob = pos2(x, visible.bottom() - 26.0);
    painter.circle(knob, 11.0, Color32::WHITE, Stroke::new(1.0, Color32::from_black_alpha(90)));
    for side in [-1.0, 1.0] {
        let tip = knob + vec2(7.0 * side, 0.0);
        let arrow = vec![tip + vec2(-3.5 * side, -3.5), tip, tip + vec2(-3.5 * side, 3.5)];
        painter.line(arrow, Stroke::new(1.5, theme::ON_ROUTE));
    }
    let moved = response.drag_delta();
    if response.dragged() && moved != Vec2::ZERO {
        let share = response.interact_pointer_pos().map_or(at, |p| (p.x - image.left()) / image.width());
        pane.push(Command::SetSwipe(share));
    }
    let dragged = response.dragged();
    response.on_hover_cursor(CursorIcon::ResizeHorizontal);
    dragged
}
