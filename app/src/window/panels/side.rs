//! The panel at the right: from the budget to the answer, and what to do next.

use super::{Pane, budget, display, kit, patch};
use crate::window::command::Command;
use crate::window::engine::{Pick, Stage};
use crate::window::results::Summary;
use crate::window::state::{Loading, Run, Stack};
use crate::window::{text, theme};
use egui::{Align, Color32, Layout, Panel, RichText, ScrollArea, Ui};

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    Panel::right("side").exact_size(324.0).resizable(false).frame(kit::panel(t, 0, 0)).show(ui, |ui| {
        Panel::bottom("actions")
            .frame(kit::panel(t, 16, 14))
            .resizable(false)
            .show(ui, |ui| actions(ui, pane));
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            kit::panel(t, 16, 16).show(ui, |ui| {
                ui.set_width(292.0);
                ui.spacing_mut().interact_size.y = 18.0;
                sections(ui, pane);
            });
        });
    });
}

fn sections(ui: &mut Ui, pane: &mut Pane<'_>) {
    budget::show(ui, pane);
    kit::divide(ui);
    let state = pane.state;
    let Some(stack) = &state.stack else { return };
    routing(ui, pane, stack);
    kit::divide(ui);
    patch::show(ui, pane, stack);
    kit::divide(ui);
    phases(ui, pane, stack);
    kit::divide(ui);
    display::show(ui, pane, stack);
}

/// Where the patches of this slice went.
fn routing(ui: &mut Ui, pane: &Pane<'_>, stack: &Stack) {
    kit::heading(ui, "Routing of this slice");
    let Some(summary) = stack.summary() else {
        kit::note(ui, "Not segmented yet.");
        return;
    };
    let nets = summary.shares.len();
    let names: Vec<String> = (0..nets).map(|net| theme::letter(net, nets)).collect();
    let colours: Vec<Color32> = (0..nets).map(theme::route).collect();
    kit::shares(ui, &summary.shares, &names, &colours, 20.0);
    kit::row(ui, "Cost", &text::flops(summary.flops));
    if stack.kept().is_none() {
        kit::note(ui, "Its labels were not kept, to save memory. Segment the slice again to see them.");
    } else if summary.policy != pane.state.policy {
        kit::note(ui, format!("Segmented at λ {}.", lambda(pane, summary)));
    }
}

fn lambda(pane: &Pane<'_>, summary: &Summary) -> String {
    let policies = pane.state.model().map(|m| &m.manifest.policies);
    policies.and_then(|p| p.get(summary.policy)).map_or_else(|| "?".to_owned(), |p| p.lambda.to_string())
}

/// What the slice consists of.
fn phases(ui: &mut Ui, pane: &Pane<'_>, stack: &Stack) {
    let t = theme::of(ui);
    kit::heading(ui, "Phases of this slice");
    let Some(model) = pane.state.model() else {
        kit::note(ui, "The bundle names them once it is loaded.");
        return;
    };
    let fractions = stack.summary().map(Summary::fractions);
    for (i, class) in model.manifest.classes.iter().enumerate() {
        ui.horizontal(|ui| {
            let [r, g, b] = class.colour;
            kit::swatch(ui, Color32::from_rgb(r, g, b));
            ui.label(RichText::new(capital(&class.name)).color(t.text));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let share = fractions.as_ref().and_then(|f| f.get(i));
                let (figure, colour) = match share {
                    Some(share) => (format!("{:>5} %", text::percent(*share)), t.text),
                    None => ("–".to_owned(), t.dim),
                };
                ui.label(RichText::new(figure).font(theme::figures()).color(colour));
            });
        });
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|c| c.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

/// The buttons, or how far the run has come.
fn actions(ui: &mut Ui, pane: &mut Pane<'_>) {
    let state = pane.state;
    if let Some(run) = &state.run {
        running(ui, pane, run);
        return;
    }
    if matches!(state.model, Loading::Failed) {
        kit::note(ui, "No model bundle is loaded, so nothing can be segmented.");
        if kit::primary(ui, "Choose a bundle…", ui.available_width(), true).clicked() {
            pane.push(Command::Pick(Pick::Bundle));
        }
        return;
    }
    let obstacle = state.obstacle();
    if state.device.as_ref().is_some_and(|d| d.kind == "cpu") {
        kit::note(ui, "No graphics card: computing on the CPU.");
    }
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 8.0) / 2.0;
        let stack = kit::primary(ui, "Segment stack", width, obstacle.is_none());
        let stack =
            stack.on_hover_text("Segment all slices and save the labels beside the stack (Ctrl+Shift+Enter)");
        if stack.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
            pane.push(Command::SegmentStack);
        }
        let slice = kit::secondary(ui, "Segment slice", width, obstacle.is_none());
        let slice = slice.on_hover_text("Segment only this slice (Ctrl+Enter)");
        if slice.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
            pane.push(Command::SegmentSlice);
        }
    });
}

fn running(ui: &mut Ui, pane: &mut Pane<'_>, run: &Run) {
    let t = theme::of(ui);
    let paused = run.paused_since.is_some();
    let stage = match run.live.as_ref().map(|l| l.stage) {
        _ if run.stopping => "Stopping after this batch…".to_owned(),
        _ if paused => format!("Paused at {} of {}", run.done, run.total),
        None => "Starting…".to_owned(),
        Some(Stage::Range) => "Sampling the stack's grey values…".to_owned(),
        Some(Stage::Slices) if run.total == 1 => "Segmenting the slice…".to_owned(),
        Some(Stage::Slices) => format!("{} of {} slices", run.done, run.total),
    };
    ui.horizontal(|ui| {
        ui.label(RichText::new(stage).color(t.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let (Some(rate), Some(left), false) = (run.rate(), run.left(), paused || run.stopping) {
                let figures = format!("{} · {} left", text::rate(rate), text::span(left));
                ui.label(RichText::new(figures).font(theme::small()).color(t.dim));
            }
        });
    });
    kit::progress(ui, run.done as f32 / run.total.max(1) as f32, if paused { t.amber } else { t.accent });
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 8.0) / 2.0;
        if kit::secondary(ui, if paused { "Go on" } else { "Pause" }, width, !run.stopping).clicked() {
            pane.push(Command::TogglePause);
        }
        if kit::secondary(ui, "Cancel", width, !run.stopping).clicked() {
            pane.push(Command::Stop);
        }
    });
}
