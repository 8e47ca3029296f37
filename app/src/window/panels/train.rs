//! The Train workspace: what to train on, every choice, and how it goes.

#[path = "train_charts.rs"]
pub(super) mod charts;

use super::{Pane, kit};
use crate::window::choices::{CHOICES, Choice};
use crate::window::command::Command;
use crate::window::engine::Pick;
use crate::window::import::AXES;
use crate::window::training::{Field, Pairs, Training};
use crate::window::{text as words, theme};
use egui::{
    Align, CentralPanel, CollapsingHeader, Color32, Frame, Id, Layout, Panel, Rect, RichText, ScrollArea,
    Sense, TextEdit, Ui, pos2, vec2,
};
use paser_core::train::{Preset, TrainConfig};

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    Panel::left("form").exact_size(430.0).resizable(false).frame(kit::panel(t, 0, 0)).show(ui, |ui| {
        Panel::bottom("start").frame(kit::panel(t, 18, 14)).resizable(false).show(ui, |ui| start(ui, pane));
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            kit::panel(t, 18, 16).show(ui, |ui| {
                ui.set_width(394.0);
                let running = pane.state.training.as_ref().is_some_and(Training::runs);
                ui.add_enabled_ui(!running, |ui| form(ui, pane));
            });
        });
    });
    CentralPanel::default().frame(Frame::new().fill(t.canvas).inner_margin(20)).show(ui, |ui| {
        charts::show(ui, pane);
    });
}

fn form(ui: &mut Ui, pane: &mut Pane<'_>) {
    kit::heading(ui, "Images and labels");
    data(ui, pane);
    pairs(ui, pane);
    kit::divide(ui);
    kit::heading(ui, "Bundle");
    text(ui, pane, "Folder to make", Field::Out, None);
    kit::divide(ui);
    kit::heading(ui, "Preset");
    let presets = [("quick", Preset::Quick), ("paper", Preset::Paper), ("authors", Preset::Authors)];
    let names = presets.map(|p| p.0);
    let on = presets.iter().position(|p| p.1 == pane.state.form.config.preset);
    if let Some((_, preset)) = kit::segments(ui, "Preset", &names, on).and_then(|i| presets.get(i)) {
        pane.push(Command::SetPreset(*preset));
    }
    kit::note(
        ui,
        match pane.state.form.config.preset {
            Preset::Quick => "For a workstation: fewer steps, augmentation, the exact policy gradient.",
            Preset::Paper => "The paper's text: Eq. 1 to 4 and Appendix B. Long without a graphics card.",
            Preset::Authors => "The authors' public code where it differs from the text.",
        },
    );
    kit::divide(ui);
    choices(ui, pane);
}

/// The fields that Compare shares.
pub fn data(ui: &mut Ui, pane: &mut Pane<'_>) {
    text(ui, pane, "Images", Field::Images, Some(Pick::Images));
    text(ui, pane, "Labels", Field::Labels, Some(Pick::Labels));
    text(ui, pane, "Classes", Field::Classes, None);
    kit::note(ui, "Folders with the same file names, or two stacks. Classes: name=value in the label files.");
}

fn text(ui: &mut Ui, pane: &mut Pane<'_>, name: &str, field: Field, browse: Option<Pick>) {
    match (kit::field(ui, name, pane.state.form.field(field), browse.is_some()), browse) {
        (Some(kit::Typed::Text(text)), _) => pane.push(Command::SetField(field, text)),
        (Some(kit::Typed::Browse), Some(pick)) => pane.push(Command::Pick(pick)),
        _ => {}
    }
}

/// The first pair as it will be read, or why it cannot be.
fn pairs(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    if pane.state.previewing.is_some() {
        ui.horizontal(|ui| {
            ui.spinner();
            kit::note(ui, "Looking at the first pair…");
        });
        return;
    }
    match pane.state.pairs.clone() {
        None => {}
        Some(Err(why)) => {
            ui.label(RichText::new(why).font(theme::small()).color(t.error));
        }
        Some(Ok(pairs)) => {
            ui.add_space(4.0);
            picture(ui, pane, &pairs);
            let [height, width] = pairs.grey.size;
            let count = pairs.names.len();
            let first = pairs.names.first().map_or("", String::as_str);
            kit::note(
                ui,
                format!(
                    "{count} pairs; {first}: {width} × {height} px, {}; {:.1} % of it without a class",
                    pairs.dtype,
                    100.0 * pairs.ignored
                ),
            );
            order(ui, pane, &pairs);
        }
    }
}

/// In which order the file's axes are read, and its voxel size; both stacks can be turned in one click.
fn order(ui: &mut Ui, pane: &mut Pane<'_>, pairs: &Pairs) {
    let info = &pairs.info;
    let voxel = info.voxel_size.zip(info.unit.as_deref()).map_or_else(
        || "voxel size not stated".to_owned(),
        |([z, y, x], unit)| {
            let [z, y, x] = [z, y, x].map(words::length);
            format!("voxel Z {z}, Y {y}, X {x} {}", words::unit(unit))
        },
    );
    let axes = pane.state.form.config.axes.map_or([0, 1, 2], |a| a.0);
    let named: String = axes.iter().map(|a| AXES[*a]).collect();
    kit::note(ui, format!("Axes {} read as {named}, {} · {voxel}", info.axes, info.dtype));
    if !pairs.turnable {
        return;
    }
    ui.horizontal(|ui| {
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            if ui.button(format!("Swap {} and {}", AXES[a], AXES[b])).clicked() {
                let mut turned = axes;
                turned.swap(a, b);
                let asked = if turned == [0, 1, 2] { "null".to_owned() } else { format!("{turned:?}") };
                pane.push(Command::Choose(format!("axes={asked}")));
            }
        }
    });
}

fn picture(ui: &mut Ui, pane: &mut Pane<'_>, pairs: &Pairs) {
    let [height, width] = pairs.grey.size;
    let each = (ui.available_width() - 8.0) / 2.0;
    let size = vec2(each, (each * height as f32 / width.max(1) as f32).min(190.0));
    let textures = pane.canvas.pairs(ui.ctx(), pairs);
    ui.horizontal(|ui| {
        for texture in textures {
            let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture, rect, whole, Color32::WHITE);
        }
    });
}

/// Every choice with the paper's symbol and a sentence.
fn choices(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    kit::heading(ui, "Every choice");
    if let Some(why) = &pane.state.form.refused {
        ui.label(RichText::new(why).font(theme::small()).color(t.error));
    }
    let Ok(all) = serde_json::to_value(&pane.state.form.config) else { return };
    for (group, choices) in CHOICES {
        CollapsingHeader::new(*group).id_salt(group).show(ui, |ui| {
            for choice in *choices {
                one(ui, pane, choice, &all[choice.name]);
            }
        });
    }
}

fn one(ui: &mut Ui, pane: &mut Pane<'_>, choice: &Choice, value: &serde_json::Value) {
    let t = theme::of(ui);
    let config: &TrainConfig = &pane.state.form.config;
    let label = ui.horizontal(|ui| {
        let label = ui.label(RichText::new(choice.name.replace('_', " ")).color(t.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(RichText::new(choice.symbol).font(theme::figures()).color(t.accent));
        });
        label.id
    });
    kit::note(ui, choice.about);
    if let serde_json::Value::Bool(on) = value {
        let word = if *on { "yes" } else { "no" };
        let mut on = *on;
        if kit::outlined(ui, |ui| ui.checkbox(&mut on, word)).changed() {
            pane.push(Command::Choose(format!("{}={on}", choice.name)));
        }
        return;
    }
    // what is being typed is kept until the field is left, as half a number is none
    let id = Id::unique(("choice", choice.name));
    let kept: Option<(TrainConfig, String)> = ui.data(|d| d.get_temp(id));
    let mut typed = kept.filter(|(of, _)| of == config).map_or_else(|| value.to_string(), |(_, typed)| typed);
    let edit = TextEdit::multiline(&mut typed)
        .desired_rows(1)
        .desired_width(ui.available_width())
        .font(theme::figures())
        .margin(vec2(8.0, 5.0));
    let response = ui.add(edit).labelled_by(label.inner);
    let entered = response.has_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
    if response.lost_focus() || entered {
        let typed = typed.replace('\n', "");
        let shown = value.to_string();
        if typed.trim() != shown {
            pane.push(Command::Choose(format!("{}={}", choice.name, typed.trim())));
        }
        ui.data_mut(|d| d.remove::<(TrainConfig, String)>(id));
    } else if response.has_focus() {
        ui.data_mut(|d| d.insert_temp(id, (config.clone(), typed)));
    }
    ui.add_space(6.0);
}

fn start(ui: &mut Ui, pane: &mut Pane<'_>) {
    let state = pane.state;
    let width = (ui.available_width() - 16.0) / 3.0;
    let Some(training) = state.training.as_ref().filter(|t| t.runs()) else {
        let obstacle = state.busy();
        let button = kit::primary(ui, "Start training", ui.available_width(), obstacle.is_none());
        let hint = "A training that was stopped goes on where it was, if folder and choices are the same";
        if button.on_hover_text(hint).on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
            pane.push(Command::Train);
        }
        return;
    };
    let paused = training.control.paused();
    ui.horizontal(|ui| {
        if kit::secondary(ui, if paused { "Go on" } else { "Pause" }, width, true).clicked() {
            pane.push(Command::PauseTraining);
        }
        let keep = kit::secondary(ui, "Stop and keep", width, !training.control.finishing());
        if keep.on_hover_text("End every stage where it is and make a bundle of what there is").clicked() {
            pane.push(Command::EndTraining(true));
        }
        let stop = kit::secondary(ui, "Stop", width, !training.control.stopped());
        if stop
            .on_hover_text("Stop; finished stages are kept, and the same training goes on from there")
            .clicked()
        {
            pane.push(Command::EndTraining(false));
        }
    });
}
