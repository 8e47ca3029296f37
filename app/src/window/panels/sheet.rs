//! Keyboard and mouse on one sheet; and the field for a path while a stack is open.

use super::{Pane, kit, start};
use crate::window::command::Command;
use crate::window::keys::{ACTIONS, POINTER};
use crate::window::state::Workspace;
use crate::window::theme;
use egui::{Id, Modal, RichText, Ui, vec2};

/// Draws it where it is open.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    if pane.state.sheet {
        let shut = card(ui, "sheet", shortcuts);
        if shut {
            pane.push(Command::ToggleSheet);
        }
    }
    if let (Some(text), true) =
        (&pane.state.path_field, pane.state.stack.is_some() || pane.state.workspace == Workspace::Batch)
    {
        let shut = card(ui, "path", |ui| {
            ui.label(RichText::new("Open a path").font(theme::strong(15.0)));
            ui.add_space(6.0);
            start::path_field(ui, pane, text.clone());
        });
        if shut {
            pane.push(Command::PathField(None));
        }
    }
}

/// A card over the window; whether the user clicked beside it.
fn card(ui: &Ui, name: &str, content: impl FnOnce(&mut Ui)) -> bool {
    let t = theme::of(ui);
    let modal = Modal::new(Id::unique(name)).frame(kit::card(t)).show(ui.ctx(), content);
    modal.backdrop_response.clicked()
}

fn shortcuts(ui: &mut Ui) {
    let t = theme::of(ui);
    ui.label(RichText::new("Keyboard and mouse").font(theme::strong(15.0)).color(t.text));
    ui.add_space(10.0);
    ui.horizontal_top(|ui| {
        let keyed = ACTIONS.iter().filter(|a| !a.keys.is_empty()).map(|a| (a.keys, a.name));
        let all: Vec<(&str, &str)> = POINTER.iter().copied().chain(keyed).collect();
        for column in all.chunks(all.len().div_ceil(2)) {
            ui.vertical(|ui| {
                ui.set_width(340.0);
                ui.spacing_mut().item_spacing = vec2(5.0, 5.0);
                for (keys, meaning) in column {
                    ui.horizontal(|ui| {
                        ui.allocate_ui_with_layout(
                            vec2(138.0, 24.0),
                            egui::Layout::left_to_right(egui::Align::Center),
                            |ui| {
                                ui.set_min_width(138.0);
                                keys.split('|').for_each(|key| kit::key(ui, key));
                            },
                        );
                        ui.label(RichText::new(*meaning).font(theme::small()).color(t.dim));
                    });
                }
            });
        }
    });
    ui.add_space(6.0);
    kit::note(ui, "Esc closes what is open.");
}
