//! The row that was chosen: which patches it sends where, and what it makes of the slice on show.

use crate::window::canvas::Sheet;
use crate::window::command::Command;
use crate::window::comparison::Row;
use crate::window::panels::{Pane, kit};
use crate::window::state::{Layer, Stack, Workspace};
use crate::window::{text, theme};
use egui::{Align2, Color32, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

/// Largest height of the slice.
const HIGH: f32 = 230.0;

/// Draws it.
pub(super) fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let Some(row) = pane.state.comparison.row().cloned() else {
        kit::heading(ui, "The row you choose");
        kit::note(ui, "Its patches by net, beside the oracle's choice, and its labels on the slice on show.");
        return;
    };
    let t = theme::of(ui);
    ui.label(RichText::new(row.title()).font(theme::strong(theme::BODY)).color(t.text));
    slice(ui, pane, &row);
    if let Some(seconds) = row.seconds {
        let each = seconds / row.images.max(1) as f64;
        kit::row(ui, "Time an image took here", &text::brief(each));
    }
    if let Some(assignment) = &row.assignment {
        matrix(ui, assignment);
    }
}

fn slice(ui: &mut Ui, pane: &mut Pane<'_>, row: &Row) {
    let Some(stack) = &pane.state.stack else {
        kit::note(ui, "Open a stack to see what this method makes of a slice.");
        return;
    };
    if row.shown().is_none() {
        kit::note(ui, "It needs the truth of every patch, so it is only measured, not shown.");
        return;
    }
    picture(ui, pane, stack);
    let what = if pane.state.look.is_some() { "is being routed…" } else { "as this method labels it." };
    ui.horizontal_wrapped(|ui| {
        kit::note(ui, format!("Slice {} {what}", stack.z + 1));
        if ui.link("Look at it in Segment").clicked() {
            pane.push(Command::GoToWorkspace(Workspace::Segment));
        }
    });
}

fn picture(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack) {
    let [rows, columns] = stack.size();
    let scale = (ui.available_width() / columns.max(1) as f32).min(HIGH / rows.max(1) as f32);
    let (rect, response) = ui.allocate_exact_size(vec2(columns as f32, rows as f32) * scale, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "The slice by the chosen method"));
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    if let Some(grey) = stack.slices.get(stack.z).cloned() {
        let texture = pane.canvas.grey(ui.ctx(), stack, &grey, None);
        ui.painter().image(texture, rect, whole, Color32::WHITE);
    }
    let (Some(kept), Some(model)) = (stack.kept().cloned(), pane.state.model().cloned()) else { return };
    let sheet = Sheet { kept: &kept, version: stack.results.version, which: 0 };
    let classes = &model.manifest.classes;
    if let Some(texture) = pane.canvas.layer(ui.ctx(), stack, &sheet, Layer::Labels, classes) {
        let tint = Color32::WHITE.gamma_multiply(pane.state.overlay.opacity);
        ui.painter().image(texture, rect, whole, tint);
    }
}

/// Patches by the net that the oracle chooses (rows) and the one that the method chose (columns).
fn matrix(ui: &mut Ui, assignment: &[Vec<u64>]) {
    let t = theme::of(ui);
    let nets = assignment.len();
    let total = assignment.iter().flatten().sum::<u64>().max(1);
    let agreed: u64 = assignment.iter().enumerate().filter_map(|(i, row)| row.get(i)).sum();
    ui.add_space(6.0);
    kit::row(
        ui,
        "Patches sent as the oracle would",
        &format!("{:.1} %", 100.0 * agreed as f64 / total as f64),
    );
    let (cell, aside) = (vec2(74.0, 28.0), 96.0);
    let size = vec2(aside + cell.x * nets as f32, cell.y * (nets as f32 + 1.0));
    let (area, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Group, true, "Assignment beside the oracle"));
    let painter = ui.painter();
    painter.text(area.min + vec2(0.0, 14.0), Align2::LEFT_CENTER, "oracle ↓ sent →", theme::small(), t.dim);
    for net in 0..nets {
        let name = format!("f{net} ({})", theme::letter(net, nets));
        let column = area.min + vec2(aside + (net as f32 + 0.5) * cell.x, 14.0);
        painter.text(column, Align2::CENTER_CENTER, &name, theme::small(), t.dim);
        let row = area.min + vec2(0.0, (net as f32 + 1.5) * cell.y);
        painter.text(row, Align2::LEFT_CENTER, &name, theme::small(), t.dim);
    }
    for (i, counts) in assignment.iter().enumerate() {
        let most = counts.iter().sum::<u64>().max(1) as f32;
        for (j, count) in counts.iter().enumerate() {
            let corner = area.min + vec2(aside + j as f32 * cell.x, (i as f32 + 1.0) * cell.y);
            let rect = Rect::from_min_size(corner, cell).shrink(1.5);
            let share = *count as f32 / most;
            painter.rect_filled(rect, 3.0, t.accent.gamma_multiply(0.06 + 0.5 * share));
            if i == j {
                painter.rect_stroke(rect, 3.0, Stroke::new(1.0, t.accent), StrokeKind::Inside);
            }
            kit::put(ui, rect.center(), Align2::CENTER_CENTER, &count.to_string(), t.text);
        }
    }
}
