//! The class table of a label stack, before it is used as truth.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::truth::Draft;
use crate::window::{text, theme};
use egui::{Color32, ComboBox, Id, Modal, Rect, RichText, Sense, Ui, pos2, vec2};

/// Draws it where a label stack waits for its table.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let Some(draft) = pane.state.truth_draft.clone() else { return };
    let t = theme::of(ui);
    let modal =
        Modal::new(Id::unique("truth")).frame(kit::card(t)).show(ui.ctx(), |ui| card(ui, pane, &draft));
    if modal.backdrop_response.clicked() {
        pane.push(Command::TruthTable(None));
    }
}

fn card(ui: &mut Ui, pane: &mut Pane<'_>, draft: &Draft) {
    let t = theme::of(ui);
    let Some(model) = pane.state.model().cloned() else { return };
    ui.set_width(560.0);
    ui.label(RichText::new("Which value is which class?").font(theme::strong(15.0)).color(t.text));
    kit::note(
        ui,
        format!("{}: pixels of other values are left out of every figure.", text::name(&draft.path)),
    );
    ui.add_space(10.0);
    ui.horizontal_top(|ui| {
        let side = 220.0;
        let scale = side / draft.size[0].max(draft.size[1]).max(1) as f32;
        let size = vec2(draft.size[1] as f32, draft.size[0] as f32) * scale;
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let texture = pane.canvas.draft(ui.ctx(), draft, &model.manifest.classes);
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        ui.painter().image(texture, rect, whole, Color32::WHITE);
        ui.add_space(14.0);
        ui.vertical(|ui| {
            for (i, class) in model.manifest.classes.iter().enumerate() {
                ui.horizontal(|ui| {
                    let [r, g, b] = class.colour;
                    kit::swatch(ui, Color32::from_rgb(r, g, b));
                    let layout = egui::Layout::left_to_right(egui::Align::Center);
                    let name = ui.allocate_ui_with_layout(vec2(130.0, 24.0), layout, |ui| {
                        ui.set_min_width(130.0);
                        ui.add(egui::Label::new(&class.name).truncate())
                    });
                    let name = name.inner;
                    value(ui, pane, draft, i, name.id);
                });
            }
        });
    });
    ui.add_space(12.0);
    let obstacle = draft.obstacle();
    ui.horizontal(|ui| {
        let use_it = kit::primary(ui, "Use as truth", 150.0, obstacle.is_none());
        if use_it.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
            pane.push(Command::UseTruth);
        }
        if kit::secondary(ui, "Cancel", 110.0, true).clicked() {
            pane.push(Command::TruthTable(None));
        }
    });
}

fn value(ui: &mut Ui, pane: &mut Pane<'_>, draft: &Draft, class: usize, name: Id) {
    let shown = |v: Option<u32>| v.map_or_else(|| "does not occur".to_owned(), |v| v.to_string());
    let now = draft.table.get(class).copied().flatten();
    let values =
        ComboBox::from_id_salt(("value", class)).selected_text(shown(now)).width(120.0).show_ui(ui, |ui| {
            let choices = draft.values.iter().map(|v| Some(*v)).chain([None]);
            for choice in choices {
                if ui.selectable_label(now == choice, shown(choice)).clicked() {
                    let mut table = draft.table.clone();
                    table[class] = choice;
                    pane.push(Command::TruthTable(Some(table)));
                }
            }
        });
    values.response.labelled_by(name);
}
