//! How the open stack is read: axes, voxel size, part and binning.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::import::{AXES, Import};
use crate::window::{text, theme};
use egui::{Id, Modal, RichText, TextEdit, Ui, vec2};

/// Draws it where it is asked for.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let Some(import) = pane.state.import.clone() else { return };
    let t = theme::of(ui);
    let modal =
        Modal::new(Id::unique("import")).frame(kit::card(t)).show(ui.ctx(), |ui| card(ui, pane, &import));
    if modal.backdrop_response.clicked() {
        pane.push(Command::Import(None));
    }
}

fn card(ui: &mut Ui, pane: &mut Pane<'_>, import: &Import) {
    let t = theme::of(ui);
    ui.set_width(520.0);
    ui.spacing_mut().item_spacing.y = 7.0;
    ui.label(RichText::new("How this stack is read").font(theme::strong(15.0)).color(t.text));
    let file = &import.file;
    kit::row(ui, "File", &text::name(&import.path));
    let size = format!("Z {} · Y {} · X {}, {}", file.slices, file.height, file.width, file.dtype);
    kit::row(ui, "As stored", &size);
    held(ui, pane, import);
    let mut changed = import.clone();
    kit::divide(ui);
    axes(ui, &mut changed);
    kit::divide(ui);
    voxel(ui, &mut changed);
    kit::divide(ui);
    part(ui, &mut changed);
    ui.add_space(10.0);
    let wrong = changed.view().err();
    if let Some(wrong) = &wrong {
        ui.label(RichText::new(wrong).font(theme::small()).color(t.error));
    }
    kit::note(ui, "The stack is opened anew; what was segmented of it in this window is let go, files stay.");
    ui.horizontal(|ui| {
        if kit::primary(ui, "Open this way", 150.0, wrong.is_none()).clicked() {
            pane.push(Command::Reopen);
        }
        if kit::secondary(ui, "Cancel", 110.0, true).clicked() {
            pane.push(Command::Import(None));
        }
    });
    if changed != *import {
        pane.push(Command::Import(Some(Box::new(changed))));
    }
}

/// Which part of the file it is, where there are others.
fn held(ui: &mut Ui, pane: &mut Pane<'_>, import: &Import) {
    if pane.state.stack.as_ref().is_none_or(|stack| stack.offer.is_none()) {
        return;
    }
    let how = &import.opening;
    let part = how.part.map(|p| format!("channel {}, time {}", p.channel, p.time));
    let said = match (&how.raw, &how.dataset) {
        (Some(spec), _) => format!("{}, header of {} bytes", spec.dtype, spec.header),
        (None, Some(name)) => part.map_or(name.clone(), |part| format!("{name}, {part}")),
        (None, None) => part.unwrap_or_else(|| "as the file suggests".to_owned()),
    };
    kit::row(ui, "Part of the file", &said);
    if kit::secondary(ui, "Choose another…", 160.0, true).clicked() {
        pane.push(Command::AskAnew);
    }
}

fn axes(ui: &mut Ui, import: &mut Import) {
    let [z, y, x] = import.shape();
    let order: String = import.axes.iter().map(|a| AXES[*a]).collect();
    kit::row(ui, "Read as", &format!("{z} slices of {x} × {y} px ({order})"));
    ui.horizontal(|ui| {
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            if kit::secondary(ui, &format!("Swap {} and {}", AXES[a], AXES[b]), 160.0, true).clicked() {
                import.swap(a, b);
            }
        }
    });
}

fn voxel(ui: &mut Ui, import: &mut Import) {
    ui.horizontal(|ui| {
        ui.label("Voxel size");
        ui.add_space(8.0);
        for (i, axis) in AXES.iter().enumerate() {
            let name = ui.label(*axis);
            field(ui, &mut import.voxel[i], 66.0, name.id);
        }
        let name = ui.label("unit");
        field(ui, &mut import.unit, 56.0, name.id);
    });
    kit::note(ui, "Along the axes as stored. Leave it empty while unknown: figures then stay in pixels.");
}

fn part(ui: &mut Ui, import: &mut Import) {
    ui.horizontal(|ui| {
        let name = ui.label("Part kept");
        ui.add_space(12.0);
        field(ui, &mut import.crop, 170.0, name.id);
        kit::note(ui, "as in 11:20,:,101: along Z,Y,X");
    });
    ui.horizontal(|ui| {
        ui.label("Binning");
        ui.add_space(22.0);
        ui.scope(|ui| {
            ui.set_max_width(240.0);
            let steps = [1, 2, 4, 8];
            let on = steps.iter().position(|s| *s == import.bin);
            if let Some(i) = kit::segments(ui, "Binning", &["none", "2", "4", "8"], on) {
                import.bin = steps[i];
            }
        });
    });
}

fn field(ui: &mut Ui, text: &mut String, width: f32, name: Id) {
    ui.add(TextEdit::singleline(text).desired_width(width).margin(vec2(7.0, 5.0))).labelled_by(name);
}
