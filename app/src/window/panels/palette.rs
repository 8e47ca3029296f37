//! Every command by its name.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::keys::{ACTIONS, Action};
use crate::window::theme;
use egui::{
    Align2, Frame, Id, Key, Margin, Modal, Role, ScrollArea, Sense, Stroke, TextEdit, Ui, WidgetInfo, vec2,
};

/// Draws it where it is open.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let Some(query) = pane.state.palette.clone() else { return };
    let t = theme::of(ui);
    let frame = Frame::new()
        .fill(t.panel)
        .corner_radius(10)
        .stroke(Stroke::new(1.0, t.line))
        .inner_margin(Margin::same(12));
    let modal = Modal::new(Id::unique("palette")).frame(frame).show(ui.ctx(), |ui| card(ui, pane, query));
    if modal.backdrop_response.clicked() {
        pane.push(Command::Palette(None));
    }
}

fn card(ui: &mut Ui, pane: &mut Pane<'_>, mut query: String) {
    ui.set_width(440.0);
    let label = kit::note(ui, "Find a command");
    let edit = TextEdit::singleline(&mut query).desired_width(440.0).margin(vec2(10.0, 8.0));
    let field = ui.add(edit).labelled_by(label.id);
    let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
    if !entered {
        field.request_focus();
    }
    if field.changed() {
        pane.push(Command::Palette(Some(query.clone())));
    }
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let fits = |a: &&Action| words.iter().all(|w| a.name.to_lowercase().contains(w.as_str()));
    let found: Vec<&Action> = ACTIONS.iter().filter(fits).collect();
    if let (true, Some(first)) = (entered, found.first()) {
        run(pane, first);
    }
    ScrollArea::vertical().max_height(380.0).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        for (i, action) in found.iter().enumerate() {
            line(ui, pane, action, i == 0);
        }
        if found.is_empty() {
            kit::note(ui, "No command has this name.");
        }
    });
}

fn line(ui: &mut Ui, pane: &mut Pane<'_>, action: &Action, first: bool) {
    let t = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, action.name));
    if first || response.hovered() {
        ui.painter().rect_filled(rect, 5.0, if response.hovered() { t.hovered } else { t.raised });
    }
    let (left, right) = (rect.left_center() + vec2(10.0, 0.0), rect.right_center() - vec2(10.0, 0.0));
    ui.painter().text(left, Align2::LEFT_CENTER, action.name, theme::body(), t.text);
    let keys = action.keys.split('|').next().unwrap_or_default();
    ui.painter().text(right, Align2::RIGHT_CENTER, keys, theme::figures(), t.dim);
    if response.clicked() {
        run(pane, action);
    }
}

fn run(pane: &mut Pane<'_>, action: &Action) {
    pane.push(Command::Palette(None));
    pane.push((action.command)());
}
