//! What segmenting a stack writes beside its labels.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::memory::{self, Memory};
use egui::{DragValue, Ui};
use paser_core::export::LabelFormat;
use paser_core::export::results::DRAWS;

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    kit::heading(ui, "Files of a stack");
    kit::note(ui, "Always: labels, entropy, routes, classes, evidence and the report. Also:");
    let mut wanted = pane.state.wanted.clone();
    for (format, _, name) in LabelFormat::ALL {
        let mut on = wanted.formats.contains(&format);
        if kit::outlined(ui, |ui| ui.checkbox(&mut on, name)).changed() {
            wanted.formats.retain(|f| *f != format);
            wanted.formats.extend(on.then_some(format));
        }
    }
    ui.add_space(4.0);
    let mut bars = wanted.draws > 0;
    let hint =
        "Where the bundle was calibrated: label volumes are drawn from what the nets said, and measured";
    let drawn = kit::outlined(ui, |ui| ui.checkbox(&mut bars, "Error bars in the report"));
    if drawn.on_hover_text(hint).changed() {
        wanted.draws = if bars { DRAWS } else { 0 };
    }
    tortuosity(ui, pane, &mut wanted.tortuosity);
    kit::divide(ui);
    memory(ui, pane, &mut wanted.memory);
    if wanted != pane.state.wanted {
        pane.push(Command::SetWanted(wanted));
    }
}

/// How much of it the program may take.
fn memory(ui: &mut Ui, pane: &mut Pane<'_>, measuring: &mut u64) {
    kit::heading(ui, "Memory");
    let mut viewing = pane.state.memory.0;
    let hint = "Slices, labels and cuts that are kept; what does not fit is read or segmented again when it is needed";
    let value = DragValue::new(&mut viewing).range(memory::RANGE).speed(16).suffix(" MB");
    budget(ui, value, "for the stack on show", hint);
    if viewing != pane.state.memory.0 {
        pane.push(Command::SetMemory(Memory(viewing)));
    }
    let hint = "A stack whose measures would take more has a report without them; the labels are written all the same";
    let range = *memory::RANGE.start() as u64..=*memory::RANGE.end() as u64;
    budget(ui, DragValue::new(measuring).range(range).speed(16).suffix(" MB"), "for measuring", hint);
}

fn budget(ui: &mut Ui, value: DragValue<'_>, what: &str, hint: &str) {
    ui.horizontal(|ui| {
        ui.add(value);
        ui.label(what).on_hover_text(hint);
    });
}

/// Classes whose tortuosity the report states.
fn tortuosity(ui: &mut Ui, pane: &Pane<'_>, names: &mut Vec<String>) {
    let Some(model) = pane.state.model() else { return };
    for class in &model.manifest.classes {
        let mut on = names.contains(&class.name);
        let said = format!("Tortuosity of {}", class.name);
        let hint = "Measured along all axes, which takes longest";
        if kit::outlined(ui, |ui| ui.checkbox(&mut on, said)).on_hover_text(hint).changed() {
            names.retain(|name| *name != class.name);
            names.extend(on.then(|| class.name.clone()));
        }
    }
}
