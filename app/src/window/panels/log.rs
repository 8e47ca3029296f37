//! The program's log or the report of a crash, to read and to copy.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::theme;
use egui::{FontId, Id, Label, Modal, RichText, ScrollArea, Ui};

/// Draws it where it was asked for.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let Some(log) = pane.state.log.clone() else { return };
    let t = theme::of(ui);
    let shown = Modal::new(Id::unique("log")).frame(kit::card(t)).show(ui.ctx(), |ui| {
        ui.set_width(760.0);
        ui.label(RichText::new(log.title).font(theme::strong(15.0)).color(t.text));
        let place = log.path.display().to_string();
        ui.add(Label::new(RichText::new(&place).font(theme::small()).color(t.dim)).wrap().selectable(true));
        ui.add_space(6.0);
        ScrollArea::both().max_height(420.0).auto_shrink([false, false]).stick_to_bottom(log.from_end).show(
            ui,
            |ui| {
                let text = RichText::new(&log.text).font(FontId::monospace(11.0)).color(t.text);
                ui.add(Label::new(text).extend().selectable(true));
            },
        );
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            if kit::primary(ui, "Close", 130.0, true).clicked() {
                pane.push(Command::CloseLog);
            }
            if kit::secondary(ui, "Copy", 110.0, true).clicked() {
                pane.push(Command::Copy(log.text.clone()));
            }
            if kit::secondary(ui, "Copy its place", 140.0, true).clicked() {
                pane.push(Command::Copy(place));
            }
        });
    });
    if shown.should_close() {
        pane.push(Command::CloseLog);
    }
}
