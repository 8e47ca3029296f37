//! The XZ and YZ cuts beside the slice, linked with it by a crosshair.

use crate::window::command::Command;
use crate::window::overview::{Cut, Overview};
use crate::window::panels::Pane;
use crate::window::state::Stack;
use crate::window::{text, theme};
use egui::{Align2, Color32, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

/// Colour of the crosshair.
const CROSS: Color32 = Color32::from_rgba_premultiplied(200, 140, 20, 200);

/// Draws both in `area`.
pub(super) fn show(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack, area: Rect) {
    let t = theme::of(ui);
    let Some(overview) = stack.overview.clone() else { return };
    let middle = area.center().y;
    one(ui, pane, stack, &overview, Cut::Xz, area.with_max_y(middle));
    one(ui, pane, stack, &overview, Cut::Yz, area.with_min_y(middle));
    ui.painter().vline(area.left(), area.y_range(), Stroke::new(1.0, t.line));
    ui.painter().hline(area.x_range(), middle, Stroke::new(1.0, t.line));
}

fn one(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack, overview: &Overview, cut: Cut, area: Rect) {
    let t = theme::of(ui);
    let [x, y] = stack.cross;
    let (across, at, name, fixed) = match cut {
        Cut::Xz => (stack.info.width, x, "XZ", format!("y {y}")),
        Cut::Yz => (stack.info.height, y, "YZ", format!("x {x}")),
    };
    let [dz, dy, dx] = stack.info.voxel_size.unwrap_or([1.0; 3]);
    let edge = if cut == Cut::Xz { dx } else { dy };
    let extent = vec2(across as f32, stack.info.slices as f32 * (dz / edge) as f32);
    let room = area.shrink2(vec2(16.0, 28.0));
    let scale = (room.size() / extent).min_elem().max(1e-3);
    let image = Rect::from_center_size(room.center(), extent * scale);
    let place = if cut == Cut::Xz { y } else { x };
    let texture = pane.canvas.cut(ui.ctx(), stack, overview, cut, place);
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    ui.painter_at(area).image(texture, image, whole, Color32::WHITE);
    let line = Stroke::new(1.0, CROSS);
    let slices = stack.info.slices.max(1) as f32;
    let level = image.top() + (stack.z as f32 + 0.5) / slices * image.height();
    ui.painter().hline(image.x_range(), level, line);
    ui.painter().vline(image.left() + (at as f32 + 0.5) * scale, image.y_range(), line);
    let read = overview.read();
    let state =
        if read < overview.size[0] { format!(" · {read} of {}", overview.size[0]) } else { String::new() };
    let thin = overview.step.iter().any(|s| *s > 1);
    let thinned = if thin {
        format!(" · every {}", overview.step.map(|s| s.to_string()).join(", "))
    } else {
        String::new()
    };
    let title = format!("{name}  {fixed}{state}{thinned}");
    ui.painter().text(
        area.left_top() + vec2(16.0, 8.0),
        Align2::LEFT_TOP,
        title,
        theme::figures(),
        t.on_canvas_dim,
    );
    let response = ui.interact(image, ui.scope_id().with(name), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Cut {name}")));
    if let (true, Some(at)) = (response.clicked() || response.dragged(), response.interact_pointer_pos()) {
        let part = |v: f32, low: f32, size: f32, count: usize| {
            (((v - low) / size).clamp(0.0, 1.0) * count as f32).min(count.saturating_sub(1) as f32) as usize
        };
        let column = part(at.x, image.left(), image.width(), across);
        pane.push(Command::SetCross(if cut == Cut::Xz { [column, y] } else { [x, column] }));
        pane.push(Command::GoTo(part(at.y, image.top(), image.height(), stack.info.slices)));
    }
    response.on_hover_text(format!(
        "Click or drag to move the crosshair; slice {}",
        text::grey(stack.z as f32 + 1.0)
    ));
}

/// The crosshair on the slice itself.
pub(super) fn cross(
    ui: &Ui,
    stack: &Stack,
    viewport: Rect,
    transform: &crate::window::canvas::view::Transform,
) {
    let [x, y] = stack.cross;
    let at = transform.to_screen(x as f32 + 0.5, y as f32 + 0.5);
    let painter = ui.painter_at(viewport);
    painter.hline(viewport.x_range(), at.y, Stroke::new(1.0, CROSS));
    painter.vline(at.x, viewport.y_range(), Stroke::new(1.0, CROSS));
}
