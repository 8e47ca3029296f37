//! Closing the window during work asks first.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::theme;
use crate::window::training::Training;
use egui::{Id, Modal, RichText, Ui};

/// Draws it where the user wants to close.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    if !pane.state.closing {
        return;
    }
    let t = theme::of(ui);
    Modal::new(Id::unique("closing")).frame(kit::card(t)).show(ui.ctx(), |ui| {
        ui.set_width(430.0);
        ui.label(RichText::new("Close while work is in progress?").font(theme::strong(15.0)).color(t.text));
        let training = pane.state.training.as_ref().is_some_and(Training::runs);
        kit::note(ui, if training {
            "Training stops. What it finished is kept beside the bundle's folder, and the same training goes on from there."
        } else if pane.state.studies.running.is_some() {
            "The study stops. What it trained stays in the cache, and the same study goes on from there."
        } else {
            "The run stops. Its unfinished files are removed; nothing else is touched."
        });
        ui.add_space(12.0);
        ui.horizontal(|ui| {
            if kit::primary(ui, "Stay", 130.0, true).clicked() {
                pane.push(Command::AskClose(false));
            }
            if kit::secondary(ui, "Stop and close", 150.0, true).clicked() {
                pane.push(Command::Quit);
            }
        });
    });
}
