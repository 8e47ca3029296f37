//! What one sees before a stack is open.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::engine::Pick;
use crate::window::state::Loading;
use crate::window::{notice, text, theme};
use egui::{Align, CentralPanel, Frame, Layout, RichText, Stroke, TextEdit, Ui, vec2};
use std::path::PathBuf;

const WIDTH: f32 = 460.0;

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    CentralPanel::default().frame(Frame::new().fill(t.canvas)).show(ui, |ui| {
        let above = ((ui.available_height() - 380.0) * 0.42).max(16.0);
        ui.vertical_centered(|ui| {
            ui.add_space(above);
            let frame = Frame::new().fill(t.panel).corner_radius(14).inner_margin(40);
            frame.stroke(Stroke::new(1.0, t.line)).show(ui, |ui| {
                ui.set_width(WIDTH);
                match &pane.state.opening {
                    Some(path) => opening(ui, &text::name(path)),
                    None => welcome(ui, pane),
                }
            });
            ui.add_space(18.0);
            status(ui, pane);
        });
    });
}

fn opening(ui: &mut Ui, name: &str) {
    let t = theme::of(ui);
    ui.add_space(60.0);
    ui.spinner();
    ui.add_space(8.0);
    ui.label(RichText::new(format!("Opening {name}")).color(t.text));
    ui.add_space(60.0);
}

fn welcome(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    ui.label(RichText::new("Segment a tomography stack").font(theme::strong(24.0)).color(t.text));
    ui.add_space(2.0);
    let line = "A small net labels each slice; patches in doubt go to larger nets.\nYou see which, and what it cost.";
    ui.label(RichText::new(line).color(t.dim));
    ui.add_space(22.0);
    ui.spacing_mut().item_spacing.y = 10.0;
    if pane.state.sample.is_some() && kit::primary(ui, "Open the sample stack", WIDTH, true).clicked() {
        pane.push(Command::OpenSample);
    }
    ui.allocate_ui_with_layout(vec2(WIDTH, 34.0), Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 10.0;
        let width = (WIDTH - 10.0) / 2.0;
        if kit::secondary(ui, "Open file…", width, true).clicked() {
            pane.push(Command::Pick(Pick::File));
        }
        if kit::secondary(ui, "Open folder of slices…", width, true).clicked() {
            pane.push(Command::Pick(Pick::Folder));
        }
    });
    path(ui, pane);
    recent(ui, pane);
    ui.add_space(10.0);
    let hint = "or drop a TIFF stack or a folder of slices anywhere on this window";
    ui.label(RichText::new(hint).font(theme::small()).color(t.dim));
}

/// Stacks that were opened before.
fn recent(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    for path in pane.state.recent.iter().take(3).cloned().collect::<Vec<_>>() {
        let name =
            RichText::new(format!("Again: {}", text::name(&path))).font(theme::small()).color(t.accent);
        if ui.link(name).on_hover_text(path.display().to_string()).clicked() {
            pane.push(Command::Open(path));
        }
    }
}

/// A field for those whose desktop has no dialogs, or who copy paths.
fn path(ui: &mut Ui, pane: &mut Pane<'_>) {
    let Some(text) = &pane.state.path_field else {
        let link = RichText::new("Type a path instead").font(theme::small());
        if ui.link(link).clicked() {
            pane.push(Command::PathField(Some(String::new())));
        }
        return;
    };
    path_field(ui, pane, text.clone());
}

/// The field itself.
pub fn path_field(ui: &mut Ui, pane: &mut Pane<'_>, mut text: String) {
    let edit = TextEdit::singleline(&mut text)
        .hint_text("Path of a stack or a folder of slices")
        .desired_width(WIDTH)
        .margin(vec2(10.0, 8.0));
    let response = ui.add(edit);
    if !ui.memory(|m| m.focused().is_some()) && !response.lost_focus() {
        response.request_focus();
    }
    let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
    let path = text.trim().trim_matches(['"', '\'']).trim_start_matches("file://").to_owned();
    if entered && !path.is_empty() {
        pane.push(Command::Open(PathBuf::from(path)));
    } else if response.changed() {
        pane.push(Command::PathField(Some(text)));
    }
}

/// What a device that is new to the bundle makes one wait for.
fn preparing(ui: &mut Ui, pane: &Pane<'_>) {
    let t = theme::of(ui);
    let line = match (pane.state.preparing, &pane.state.device) {
        (Some((done, all)), Some(device)) => {
            format!("Preparing {} for this bundle, on the first start only: {done} of {all}", device.name)
        }
        _ => "Loading the nets…".to_owned(),
    };
    ui.label(RichText::new(line).font(theme::small()).color(t.on_canvas_dim));
    if let Some((done, all)) = pane.state.preparing {
        ui.allocate_ui(vec2(WIDTH, 8.0), |ui| {
            kit::progress(ui, done as f32 / all.max(1) as f32, t.accent);
        });
    }
}

/// Device and bundle, so that nobody wonders.
fn status(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    if let Some(note) = &pane.state.device_note {
        let (what, remedy) = notice::parts(note);
        ui.label(RichText::new(what).font(theme::small()).color(t.on_canvas));
        if let Some(remedy) = remedy {
            ui.label(RichText::new(remedy).font(theme::small()).color(t.on_canvas_dim));
        }
    }
    match &pane.state.model {
        Loading::Waiting => preparing(ui, pane),
        Loading::Ready(model) => {
            let m = &model.manifest;
            let classes: Vec<&str> = m.classes.iter().map(|c| c.name.as_str()).collect();
            let line =
                format!("Bundle {}: {} nets, tells apart {}", m.name, m.nets.len(), classes.join(", "));
            ui.label(RichText::new(line).font(theme::small()).color(t.on_canvas_dim));
        }
        Loading::Failed => {
            let line = "No model bundle is loaded: stacks can be viewed, not segmented.";
            ui.label(RichText::new(line).font(theme::small()).color(t.on_canvas_dim));
            if ui.link(RichText::new("Choose a bundle…").font(theme::small())).clicked() {
                pane.push(Command::Pick(Pick::Bundle));
            }
        }
    }
}
