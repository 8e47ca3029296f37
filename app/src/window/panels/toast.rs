//! Notices over the lower end of the slice.

use super::Pane;
use crate::window::command::Command;
use crate::window::notice::{Notice, Weight};
use crate::window::theme;
use egui::{
    Align, Align2, Area, Button, Color32, Frame, Id, Label, Layout, Margin, Order, RichText, Role, Sense,
    Stroke, Ui, Vec2, WidgetInfo, vec2,
};

const WIDTH: f32 = 520.0;

/// Draws them.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let notices = pane.state.notices.toasts();
    if notices.is_empty() {
        return;
    }
    let side = if pane.state.stack.is_some() { -136.0 } else { 0.0 };
    let up = if pane.state.stack.is_some() { -104.0 } else { -24.0 };
    Area::new(Id::unique("notices"))
        .order(Order::Foreground)
        .anchor(Align2::CENTER_BOTTOM, vec2(side, up))
        .show(ui.ctx(), |ui| {
            ui.set_width(WIDTH);
            for notice in &notices {
                card(ui, pane, notice);
            }
        });
}

fn card(ui: &mut Ui, pane: &mut Pane<'_>, notice: &Notice) {
    let t = theme::of(ui);
    let (ground, colour) = match notice.weight {
        Weight::Done => (t.raised, t.text),
        Weight::Warning => (t.warn_fill, t.warn),
        Weight::Error => (t.error_fill, t.error),
    };
    let frame = Frame::new()
        .fill(ground)
        .corner_radius(8)
        .stroke(Stroke::new(1.0, colour.gamma_multiply(0.35)))
        .inner_margin(Margin::symmetric(14, 10))
        .shadow(egui::Shadow { offset: [0, 4], blur: 16, spread: 0, color: Color32::from_black_alpha(70) });
    frame.show(ui, |ui| {
        ui.with_layout(Layout::right_to_left(Align::TOP), |ui| {
            if cross(ui, colour).clicked() {
                pane.push(Command::Dismiss(notice.id));
            }
            if let Some(path) = &notice.path
                && ui.add(Button::new(RichText::new("Copy path").font(theme::small()))).clicked()
            {
                pane.push(Command::Copy(path.clone()));
            }
            ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
                ui.add(Label::new(RichText::new(&notice.text).color(colour)).wrap().selectable(true));
            });
        });
    });
}

fn cross(ui: &mut Ui, colour: Color32) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(20.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Dismiss"));
    let arm = rect.shrink(6.0);
    let stroke = Stroke::new(1.5, if response.hovered() { colour } else { colour.gamma_multiply(0.7) });
    ui.painter().line_segment([arm.left_top(), arm.right_bottom()], stroke);
    ui.painter().line_segment([arm.right_top(), arm.left_bottom()], stroke);
    response
}
