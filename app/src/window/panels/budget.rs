//! What a unit of cost is worth: λ, and what the bundle promises for it.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::results::Model;
use crate::window::state::Loading;
use crate::window::{text, theme};
use egui::{
    Align, Align2, Layout, Pos2, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use paser_core::bundle::CurvePoint;

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    kit::heading(ui, "Budget");
    match &pane.state.model {
        Loading::Waiting => {
            ui.horizontal(|ui| {
                ui.spinner();
                kit::note(ui, "Preparing device: loading the nets and checking their known answers. This takes longest the first time.");
            });
        }
        Loading::Failed => {
            kit::note(ui, "Needs a model bundle.");
        }
        Loading::Ready(model) => {
            let model = model.clone();
            slider(ui, pane, &model);
            if let Some(point) = model.manifest.curve.get(pane.state.policy) {
                promise(ui, point, model.manifest.nets.len());
            }
            if model.manifest.curve.len() > 1 {
                ui.add_space(2.0);
                curve(ui, pane, &model.manifest.curve);
            }
        }
    }
}

fn slider(ui: &mut Ui, pane: &mut Pane<'_>, model: &Model) {
    let t = theme::of(ui);
    let policies = &model.manifest.policies;
    let lambda = policies.get(pane.state.policy).map_or(0.0, |p| p.lambda);
    ui.horizontal(|ui| {
        ui.label(RichText::new("Cost weight λ").color(t.text))
            .on_hover_text("Larger: cheaper, fewer patches go to the larger nets");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(RichText::new(lambda.to_string()).font(theme::figures()).color(t.text));
        });
    });
    if policies.len() < 2 {
        kit::note(ui, "The bundle holds this policy only.");
        return;
    }
    let steps = policies.len() - 1;
    let at = pane.state.policy as f32 / steps as f32;
    if let Some(at) = kit::slider(ui, "Cost weight λ", at, Some(steps)) {
        pane.push(Command::SetPolicy((at * steps as f32).round() as usize));
    }
}

/// What validation found for this λ.
fn promise(ui: &mut Ui, point: &CurvePoint, nets: usize) {
    let shares: Vec<String> = point
        .shares
        .iter()
        .enumerate()
        .map(|(net, share)| format!("{} {:.0}", theme::letter(net, nets), 100.0 * share))
        .collect();
    kit::row(ui, "Expected IoU", &format!("{:.3}", point.iou));
    kit::row(ui, "Expected shares, %", &shares.join("  "));
}

/// IoU over cost on the validation slices; a click chooses.
fn curve(ui: &mut Ui, pane: &mut Pane<'_>, curve: &[CurvePoint]) {
    let t = theme::of(ui);
    let (frame, response) = ui.allocate_exact_size(vec2(ui.available_width(), 100.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Group, true, "Cost curve"));
    let painter = ui.painter_at(frame);
    painter.rect_stroke(frame, 6.0, Stroke::new(1.0, t.line), StrokeKind::Inside);
    let places = places(curve, frame.shrink2(vec2(18.0, 20.0)).translate(vec2(4.0, -4.0)));
    let mut line: Vec<Pos2> = places.clone();
    line.sort_by(|a, b| a.x.total_cmp(&b.x));
    painter.line(line, Stroke::new(1.5, t.accent.gamma_multiply(0.7)));
    for (i, (place, point)) in places.iter().zip(curve).enumerate() {
        if i == pane.state.policy {
            painter.circle(*place, 5.0, t.accent, Stroke::new(2.0, t.text));
            // The curve rises and flattens, so there is room below its right side.
            let label = format!("{:.3} · {}", point.iou, text::flops(point.flops as u64));
            let galley = painter.layout_no_wrap(label, theme::figures(), t.text);
            let left = (place.x + 7.0).min(frame.right() - 8.0 - galley.size().x);
            painter.galley(pos2(left, place.y + 7.0), galley, t.text);
        } else {
            painter.circle_filled(*place, 3.0, t.dim);
        }
    }
    painter.text(frame.left_top() + vec2(8.0, 5.0), Align2::LEFT_TOP, "IoU", theme::small(), t.dim);
    let corner = frame.right_bottom() - vec2(8.0, 4.0);
    painter.text(corner, Align2::RIGHT_BOTTOM, "cost of a slice", theme::small(), t.dim);
    let response =
        response.on_hover_text("On the bundle's validation slices: a bundle's promise, not your stack's");
    if let (true, Some(at)) = (response.clicked(), response.interact_pointer_pos()) {
        let distances = places.iter().map(|p| p.distance(at)).enumerate();
        if let Some((nearest, _)) = distances.min_by(|a, b| a.1.total_cmp(&b.1)) {
            pane.push(Command::SetPolicy(nearest));
        }
    }
}

fn places(curve: &[CurvePoint], area: Rect) -> Vec<Pos2> {
    let ends = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        (low, (high - low).max(f64::MIN_POSITIVE))
    };
    let (x0, dx) = ends(&mut curve.iter().map(|p| p.flops));
    let (y0, dy) = ends(&mut curve.iter().map(|p| p.iou));
    let at = |p: &CurvePoint| {
        let (x, y) = ((p.flops - x0) / dx, (p.iou - y0) / dy);
        pos2(area.left() + x as f32 * area.width(), area.bottom() - y as f32 * area.height())
    };
    curve.iter().map(at).collect()
}
