//! The Batch workspace: many stacks, one row each, segmented with one set of settings.

#[path = "batch_row.rs"]
mod row;

use super::{Pane, budget, kit, wanted};
use crate::window::batch::Batch;
use crate::window::command::{BatchCommand, Command};
use crate::window::engine::Pick;
use crate::window::state::{Loading, Run};
use crate::window::{text, theme};
use egui::{CentralPanel, Frame, RichText, ScrollArea, Ui};

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    kit::settings(ui, "batch settings", pane, settings, actions);
    CentralPanel::default().frame(Frame::new().fill(t.canvas).inner_margin(20)).show(ui, |ui| {
        if pane.state.batch.rows.is_empty() {
            empty(ui, pane);
        } else {
            table(ui, pane);
        }
    });
}

fn settings(ui: &mut Ui, pane: &mut Pane<'_>) {
    budget::show(ui, pane);
    kit::divide(ui);
    wanted::show(ui, pane);
    if pane.state.batch.runs() {
        ui.add_space(6.0);
        kit::note(ui, "The batch in progress keeps the settings it was started with.");
    }
}

fn empty(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.34).max(20.0));
        ui.label(RichText::new("Segment many stacks").font(theme::strong(22.0)).color(t.on_canvas));
        let said = "Drop stacks, folders of slices or a folder of stacks here. Each is segmented with the settings at the right.";
        ui.label(RichText::new(said).color(t.on_canvas_dim));
        ui.add_space(14.0);
        ui.horizontal(|ui| {
            ui.add_space((ui.available_width() - 2.0 * ADD - 8.0) / 2.0);
            add(ui, pane);
        });
    });
}

/// Width of the buttons that add stacks.
const ADD: f32 = 150.0;

fn add(ui: &mut Ui, pane: &mut Pane<'_>) {
    if kit::secondary(ui, "Add stacks…", ADD, true).clicked() {
        pane.push(Command::Pick(Pick::Stacks));
    }
    if kit::secondary(ui, "Add folders…", ADD, true).clicked() {
        pane.push(Command::Pick(Pick::StackFolders));
    }
}

fn table(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    ui.label(RichText::new("Batch").font(theme::strong(18.0)).color(t.on_canvas));
    let said = format!("{}. The results of each go to a folder beside it.", summed(&pane.state.batch));
    ui.label(RichText::new(said).font(theme::small()).color(t.on_canvas_dim));
    ui.add_space(10.0);
    row::header(ui);
    let below = 48.0;
    let height = (ui.available_height() - below).max(60.0);
    ScrollArea::vertical().auto_shrink([false, true]).max_height(height).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for i in 0..pane.state.batch.rows.len() {
            row::show(ui, pane, i);
        }
    });
    ui.add_space(10.0);
    ui.horizontal(|ui| {
        add(ui, pane);
        if kit::secondary(ui, "Clear the table", ADD, !pane.state.batch.runs()).clicked() {
            pane.push(Command::Batch(BatchCommand::Clear));
        }
    });
}

/// How many stacks, and what became of them.
fn summed(batch: &Batch) -> String {
    let stacks = batch.rows.len();
    let [done, failed, _] = batch.counts();
    let slices: usize = batch.rows.iter().filter_map(|r| Some(r.info.as_ref()?.slices)).sum();
    let mut said = format!("{stacks} stack{}, {slices} slices", if stacks == 1 { "" } else { "s" });
    for (count, what) in [(done, "done"), (failed, "failed")].into_iter().filter(|(count, _)| *count > 0) {
        said.push_str(&format!(" · {count} {what}"));
    }
    said
}

/// The button that begins, or how far the batch is.
fn actions(ui: &mut Ui, pane: &mut Pane<'_>) {
    if pane.state.batch.runs() {
        running(ui, pane);
        return;
    }
    if matches!(pane.state.model, Loading::Failed) {
        kit::note(ui, "No model bundle is loaded, so nothing can be segmented.");
        if kit::primary(ui, "Choose a bundle…", ui.available_width(), true).clicked() {
            pane.push(Command::Pick(Pick::Bundle));
        }
        return;
    }
    let [.., waiting] = pane.state.batch.counts();
    let obstacle = match pane.state.busy() {
        None if matches!(pane.state.model, Loading::Waiting) => Some("The device is being prepared"),
        None if waiting == 0 => Some("Add stacks first, or have one wait again"),
        other => other,
    };
    let said = match waiting {
        0 => "Segment the stacks".to_owned(),
        1 => "Segment 1 stack".to_owned(),
        n => format!("Segment {n} stacks"),
    };
    let button = kit::primary(ui, &said, ui.available_width(), obstacle.is_none());
    if button.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
        pane.push(Command::Batch(BatchCommand::Start));
    }
}

fn running(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    let (batch, run) = (&pane.state.batch, pane.state.run.as_ref());
    let [done, failed, waiting] = batch.counts();
    let (over, all) = (done + failed, done + failed + waiting);
    let share = run.map_or(0.0, |r| r.done as f32 / r.total.max(1) as f32);
    let left = run.and_then(|r| batch.left(r)).map(|s| format!(" · {} left", text::span(s)));
    kit::row(
        ui,
        &format!("Stack {} of {all}", (over + 1).min(all)),
        left.unwrap_or_default().trim_start_matches(" · "),
    );
    let paused = run.is_some_and(|r| r.paused_since.is_some());
    kit::progress(ui, (over as f32 + share) / all.max(1) as f32, if paused { t.amber } else { t.accent });
    ui.add_space(2.0);
    let stopping = run.is_some_and(|r: &Run| r.stopping);
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 8.0) / 2.0;
        let name = if paused { "Go on" } else { "Pause" };
        if kit::secondary(ui, name, width, run.is_some() && !stopping).clicked() {
            pane.push(Command::TogglePause);
        }
        if kit::secondary(ui, "Cancel the batch", width, !stopping).clicked() {
            pane.push(Command::Batch(BatchCommand::Cancel));
        }
    });
}
