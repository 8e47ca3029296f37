//! The one dialog for what failed: what, why, what to do.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::theme;
use egui::{Frame, Id, Label, Margin, Modal, RichText, Ui};

/// Draws the oldest failure that nobody has taken note of.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let failures = pane.state.notices.failures();
    let Some(failure) = failures.first().cloned() else { return };
    let further = failures.len() - 1;
    let t = theme::of(ui);
    Modal::new(Id::unique("failure")).frame(kit::card(t)).show(ui.ctx(), |ui| {
        ui.set_width(480.0);
        ui.label(RichText::new("This did not work").font(theme::strong(15.0)).color(t.error));
        ui.add_space(4.0);
        let (cause, remedy) = failure.parts();
        ui.add(Label::new(RichText::new(cause).color(t.text)).wrap().selectable(true));
        if let Some(remedy) = remedy {
            Frame::new().fill(t.raised).corner_radius(6).inner_margin(Margin::symmetric(12, 9)).show(
                ui,
                |ui| {
                    ui.set_width(ui.available_width());
                    kit::heading(ui, "What to do");
                    ui.add(Label::new(RichText::new(remedy).color(t.text)).wrap().selectable(true));
                },
            );
        }
        ui.add_space(10.0);
        buttons(ui, pane, failure.id, &failure.text);
        if further > 0 {
            kit::note(ui, format!("{further} more after this."));
        }
    });
}

fn buttons(ui: &mut Ui, pane: &mut Pane<'_>, id: u64, text: &str) {
    let device = pane.state.device.as_ref().map_or("no device yet", |d| d.name.as_str());
    let report = format!("PaSeR Studio {}, {device}: {text}", env!("CARGO_PKG_VERSION"));
    ui.horizontal(|ui| {
        if kit::primary(ui, "Dismiss", 130.0, true).clicked() {
            pane.push(Command::Dismiss(id));
        }
        let copy = kit::secondary(ui, "Copy", 110.0, true);
        if copy.on_hover_text("Copy the message with version and device, for whoever helps you").clicked() {
            pane.push(Command::Copy(report));
        }
    });
}
