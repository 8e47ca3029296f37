//! Grey values of the slice on show, with black and white point to drag.

use super::Pane;
use crate::window::command::Command;
use crate::window::grey::{Histogram, Window};
use crate::window::state::Stack;
use crate::window::theme;
use egui::{
    CursorIcon, Id, Mesh, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
};

/// What is being dragged.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Grip {
    Low,
    High,
    Both,
}

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack) {
    let t = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 64.0), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, "Black and white point"));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 5.0, t.raised);
    let area = rect.shrink2(vec2(8.0, 5.0));
    if let Some(grey) = stack.slices.get(stack.z) {
        let histogram = pane.canvas.histogram(stack, grey);
        painter.add(bars(histogram, area, stack.window, t.dim, t.dim.gamma_multiply(0.35)));
    }
    for value in [stack.window.low, stack.window.high] {
        let x = place(area, stack.ends, value);
        painter.vline(x, rect.y_range().shrink(3.0), Stroke::new(1.5, t.accent));
        let tip = pos2(x, rect.bottom() - 2.0);
        let triangle = vec![tip + vec2(0.0, -6.0), tip + vec2(4.5, 0.0), tip + vec2(-4.5, 0.0)];
        painter.add(Shape::convex_polygon(triangle, t.accent, Stroke::NONE));
    }
    if response.double_clicked() {
        pane.push(Command::AutoWindow);
    } else if let Some(window) = dragged(ui, &response, area, stack) {
        pane.push(Command::SetWindow(window));
    }
    response.on_hover_cursor(CursorIcon::ResizeHorizontal).on_hover_text(
        "Grey values of this slice. Drag black and white point; double click for the values found at opening.",
    );
}

fn bars(
    histogram: &Histogram,
    area: Rect,
    window: Window,
    inside: egui::Color32,
    outside: egui::Color32,
) -> Mesh {
    let most = histogram.bars.iter().copied().max().unwrap_or(1).max(1) as f32;
    let width = area.width() / histogram.bars.len().max(1) as f32;
    let step = (histogram.high - histogram.low) / histogram.bars.len().max(1) as f32;
    let mut mesh = Mesh::default();
    for (i, count) in histogram.bars.iter().enumerate() {
        let left = area.left() + i as f32 * width;
        let height = (*count as f32 / most).sqrt() * area.height();
        let bar = Rect::from_min_max(pos2(left, area.bottom() - height), pos2(left + width, area.bottom()));
        let value = histogram.low + (i as f32 + 0.5) * step;
        let shown = (window.low..=window.high).contains(&value);
        mesh.add_colored_rect(bar, if shown { inside } else { outside });
    }
    mesh
}

fn place(area: Rect, [low, high]: [f32; 2], value: f32) -> f32 {
    let t = (value - low) / (high - low).max(f32::MIN_POSITIVE);
    area.left() + t.clamp(0.0, 1.0) * area.width()
}

/// The window that the pointer asks for.
fn dragged(ui: &Ui, response: &Response, area: Rect, stack: &Stack) -> Option<Window> {
    let at: Pos2 = response.interact_pointer_pos()?;
    let id: Id = response.id.with("grip");
    let [low, high] = stack.ends;
    let Window { low: black, high: white } = stack.window;
    let (left, right) = (place(area, stack.ends, black), place(area, stack.ends, white));
    if response.drag_started() {
        let origin = ui.input(|i| i.pointer.press_origin()).unwrap_or(at);
        let near = |x: f32| (origin.x - x).abs();
        let grip = match (near(left), near(right)) {
            (l, r) if l.min(r) > 12.0 && origin.x > left && origin.x < right => Grip::Both,
            (l, r) if l <= r => Grip::Low,
            _ => Grip::High,
        };
        ui.data_mut(|d| d.insert_temp(id, grip));
    }
    if !response.dragged() {
        return None;
    }
    let grip: Grip = ui.data(|d| d.get_temp(id))?;
    let value = low + ((at.x - area.left()) / area.width()).clamp(0.0, 1.0) * (high - low);
    let least = (high - low) / 500.0;
    let moved = response.drag_delta().x / area.width() * (high - low);
    Some(match grip {
        Grip::Low => Window { low: value.min(white - least), high: white },
        Grip::High => Window { low: black, high: value.max(black + least) },
        Grip::Both => {
            let moved = moved.clamp(low - black.max(low), high - white.min(high));
            Window { low: black + moved, high: white + moved }
        }
    })
}
