//! The strip at the bottom: the route mix of every slice, which is the scroll bar as well.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::state::Stack;
use crate::window::{text, theme};
use egui::{
    Align2, Color32, CursorIcon, Id, Mesh, Panel, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
};

/// Width of the text at the left and at the right.
const ASIDE: [f32; 2] = [92.0, 300.0];

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    Panel::bottom("mix").exact_size(88.0).resizable(false).frame(kit::panel(t, 16, 12)).show(ui, |ui| {
        let Some(stack) = &pane.state.stack else { return };
        let area = ui.available_rect_before_wrap();
        let middle = area.center().y;
        let left = pos2(area.left(), middle);
        ui.painter().text(left - vec2(0.0, 1.0), Align2::LEFT_BOTTOM, "Route mix", theme::small(), t.dim);
        ui.painter().text(left + vec2(0.0, 1.0), Align2::LEFT_TOP, "by slice", theme::small(), t.dim);
        let strip = Rect::from_min_max(
            pos2(area.left() + ASIDE[0], area.top()),
            pos2(area.right() - ASIDE[1], area.bottom()),
        );
        mix(ui, pane, stack, strip);
        totals(ui, stack, pane.state.model().map_or(0, |m| m.manifest.nets.len()), area);
    });
}

fn mix(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack, strip: Rect) {
    let t = theme::of(ui);
    let response = ui.interact(strip, Id::unique("mix strip"), Sense::click_and_drag());
    response.widget_info(|| {
        WidgetInfo::slider(true, stack.z as f64 + 1.0, format!("Slice of {}", stack.info.slices))
    });
    let bars = strip.with_max_y(strip.bottom() - 10.0);
    ui.painter().add(columns(stack, bars, t.track));
    marker(ui, stack, bars);
    let slice_at = |x: f32| {
        let share = ((x - strip.left()) / strip.width()).clamp(0.0, 1.0);
        ((share * stack.info.slices as f32) as usize).min(stack.info.slices.saturating_sub(1))
    };
    if let (true, Some(at)) = (response.dragged() || response.clicked(), response.interact_pointer_pos()) {
        pane.push(Command::GoTo(slice_at(at.x)));
    }
    let hover = response.hover_pos().map(|at| slice_at(at.x));
    let response = response.on_hover_cursor(CursorIcon::PointingHand);
    if let Some(z) = hover {
        response.on_hover_text_at_pointer(describe(stack, z));
    }
}

fn describe(stack: &Stack, z: usize) -> String {
    let Some(summary) = stack.results.summary(z) else {
        return format!("slice {}: not segmented yet", z + 1);
    };
    let nets = summary.shares.len();
    let shares: Vec<String> = summary
        .shares
        .iter()
        .enumerate()
        .map(|(net, s)| format!("{} {:.0} %", theme::letter(net, nets), 100.0 * s))
        .collect();
    format!("slice {}: {}", z + 1, shares.join(", "))
}

/// One bar a slice, or one a pixel where there are more slices.
fn columns(stack: &Stack, bars: Rect, track: Color32) -> Mesh {
    let slices = stack.info.slices.max(1);
    let count = slices.min(bars.width().max(1.0) as usize);
    let width = bars.width() / count as f32;
    let gap = if width > 4.0 { 1.0 } else { 0.0 };
    let mut mesh = Mesh::default();
    for column in 0..count {
        let left = bars.left() + column as f32 * width;
        let mut bottom = bars.bottom();
        let mut piece = |height: f32, colour: Color32| {
            let rect = Rect::from_min_max(pos2(left, bottom - height), pos2(left + width - gap, bottom));
            mesh.add_colored_rect(rect, colour);
            bottom -= height;
        };
        let members =
            column * slices / count..((column + 1) * slices / count).max(column * slices / count + 1);
        match average(stack, members) {
            None => piece(bars.height(), track),
            Some(shares) => {
                for (net, share) in shares.iter().enumerate().rev() {
                    let colour =
                        if net == 0 { theme::route(0).gamma_multiply(0.45) } else { theme::route(net) };
                    piece(bars.height() * *share as f32, colour);
                }
            }
        }
    }
    mesh
}

fn average(stack: &Stack, members: std::ops::Range<usize>) -> Option<Vec<f64>> {
    let mut sum: Vec<f64> = Vec::new();
    let mut count = 0.0;
    for summary in members.filter_map(|z| stack.results.summary(z)) {
        sum.resize(summary.shares.len().max(sum.len()), 0.0);
        sum.iter_mut().zip(&summary.shares).for_each(|(a, b)| *a += b);
        count += 1.0;
    }
    (count > 0.0).then(|| sum.into_iter().map(|s| s / count).collect())
}

fn marker(ui: &Ui, stack: &Stack, bars: Rect) {
    let t = theme::of(ui);
    let x = bars.left() + (stack.z as f32 + 0.5) / stack.info.slices.max(1) as f32 * bars.width();
    ui.painter().vline(x, bars.y_range().expand(2.0), Stroke::new(1.5, t.text));
    let tip = pos2(x, bars.bottom() + 2.0);
    let triangle = vec![tip, tip + vec2(5.0, 7.0), tip + vec2(-5.0, 7.0)];
    ui.painter().add(Shape::convex_polygon(triangle, t.text, Stroke::NONE));
}

/// What was done and what it saved.
fn totals(ui: &Ui, stack: &Stack, nets: usize, area: Rect) {
    let t = theme::of(ui);
    let (mut count, mut flops, mut largest) = (0usize, 0u64, 0u64);
    for summary in stack.results.summaries() {
        count += 1;
        flops = flops.saturating_add(summary.flops);
        largest = largest.saturating_add(summary.flops_largest);
    }
    let right = pos2(area.right(), area.center().y);
    let done = format!("{count} of {} slices · {}", stack.info.slices, text::flops(flops));
    if count == 0 {
        let said = format!("{} slices, none segmented yet", stack.info.slices);
        ui.painter().text(right, Align2::RIGHT_CENTER, said, theme::small(), t.dim);
        return;
    }
    ui.painter().text(right - vec2(0.0, 1.0), Align2::RIGHT_BOTTOM, done, theme::small(), t.dim);
    if largest > 0 && nets > 1 {
        let saved = 1.0 - flops as f64 / largest as f64;
        let (word, colour) = if saved >= 0.0 { ("less", t.good) } else { ("more", t.warn) };
        let said = format!("{:.0} % {word} work than f{} everywhere", 100.0 * saved.abs(), nets - 1);
        ui.painter().text(right + vec2(0.0, 1.0), Align2::RIGHT_TOP, said, theme::small(), colour);
    }
}
