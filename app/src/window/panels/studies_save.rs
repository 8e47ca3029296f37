//! Where a study's page shall be written; files that are there are replaced only after a question.

use crate::window::command::{Ask, Command};
use crate::window::engine::Pick;
use crate::window::panels::{Pane, kit};
use crate::window::study::Saving;
use crate::window::{text, theme};
use egui::{Id, Modal, RichText, Ui};

/// Draws it where a page is to be saved.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let Some(saving) = pane.state.studies.saving.clone() else { return };
    let t = theme::of(ui);
    let modal =
        Modal::new(Id::unique("save page")).frame(kit::card(t)).show(ui.ctx(), |ui| card(ui, pane, &saving));
    if modal.backdrop_response.clicked() {
        pane.push(Command::Study(Ask::SaveTo(None)));
    }
}

fn card(ui: &mut Ui, pane: &mut Pane<'_>, saving: &Saving) {
    let t = theme::of(ui);
    let name = pane.state.studies.chosen.name();
    ui.set_width(520.0);
    ui.label(RichText::new(format!("Save {name}")).font(theme::strong(15.0)).color(t.text));
    kit::note(ui, "The page in Markdown, its tables as CSV, its figures, and every number as JSON.");
    ui.add_space(8.0);
    match kit::field(ui, "Folder", &saving.folder, true) {
        Some(kit::Typed::Text(folder)) => pane.push(Command::Study(Ask::SaveTo(Some(folder)))),
        Some(kit::Typed::Browse) => pane.push(Command::Pick(Pick::StudyOut)),
        None => {}
    }
    if let Some(file) = &saving.taken {
        let said =
            format!("{} is there already, perhaps with others. Nothing was written.", text::name(file));
        ui.label(RichText::new(said).color(t.warn));
    }
    ui.add_space(10.0);
    buttons(ui, pane, saving);
}

fn buttons(ui: &mut Ui, pane: &mut Pane<'_>, saving: &Saving) {
    let named = !saving.folder.trim().is_empty();
    let replace = saving.taken.is_some();
    ui.horizontal(|ui| {
        let write = kit::primary(ui, if replace { "Replace them" } else { "Save" }, 140.0, named);
        if write.on_disabled_hover_text("Name a folder").clicked() {
            pane.push(Command::Study(Ask::Save(replace)));
        }
        if kit::secondary(ui, "Cancel", 110.0, true).clicked() {
            pane.push(Command::Study(Ask::SaveTo(None)));
        }
    });
}
