//! What a project no longer finds; and what a program that was killed left behind.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::engine::Pick;
use crate::window::project::{Item, Place, Relink};
use crate::window::recovery::Left;
use crate::window::{text, theme};
use egui::{Id, Label, Modal, RichText, Ui};
use std::path::Path;

/// Draws either where it is asked for.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    if let Some(relink) = pane.state.relink.clone() {
        Modal::new(Id::unique("relink")).frame(kit::card(t)).show(ui.ctx(), |ui| links(ui, pane, &relink));
    } else if let Some(left) = pane.state.recovered.clone() {
        Modal::new(Id::unique("recovered"))
            .frame(kit::card(t))
            .show(ui.ctx(), |ui| recovered(ui, pane, &left));
    }
}

fn links(ui: &mut Ui, pane: &mut Pane<'_>, relink: &Relink) {
    let t = theme::of(ui);
    ui.set_width(560.0);
    let title = format!("{} names files that are not as they were", text::name(&relink.path));
    ui.label(RichText::new(title).font(theme::strong(15.0)).color(t.text));
    for (item, place) in &relink.places {
        let (said, colour, path) = match place {
            Place::There(path) => ("found", t.good, path),
            Place::Changed(path) => ("another content than when the project was saved", t.warn, path),
            Place::Missing(path) => ("not found", t.error, path),
        };
        kit::divide(ui);
        ui.horizontal(|ui| {
            ui.label(RichText::new(item.name()).font(theme::strong(theme::BODY)).color(t.text));
            ui.label(RichText::new(said).color(colour));
        });
        ui.add(
            Label::new(RichText::new(path.display().to_string()).font(theme::small()).color(t.dim)).wrap(),
        );
        if !matches!(place, Place::There(_)) {
            ui.horizontal(|ui| choices(ui, pane, *item, place));
        }
    }
    ui.add_space(12.0);
    ui.horizontal(|ui| {
        if kit::primary(ui, "Open the project", 160.0, relink.settled()).clicked() {
            pane.push(Command::OpenRelinked);
        }
        if kit::secondary(ui, "Cancel", 110.0, true).clicked() {
            pane.push(Command::DropProject);
        }
    });
}

fn choices(ui: &mut Ui, pane: &mut Pane<'_>, item: Item, place: &Place) {
    let name = item.name().to_lowercase();
    if kit::secondary(ui, &format!("Find the {name}…"), 170.0, true).clicked() {
        pane.push(Command::Pick(Pick::Relink(item)));
    }
    if let Place::Changed(path) = place
        && kit::secondary(ui, "Use it all the same", 160.0, true).clicked()
    {
        pane.push(Command::Relink(item, Some(path.clone())));
    }
    if kit::secondary(ui, &format!("Go on without the {name}"), 190.0, true).clicked() {
        pane.push(Command::Relink(item, None));
    }
}

fn recovered(ui: &mut Ui, pane: &mut Pane<'_>, left: &Left) {
    let t = theme::of(ui);
    ui.set_width(460.0);
    ui.label(RichText::new("The program was not closed properly").font(theme::strong(15.0)).color(t.text));
    if let Some((project, stack)) = left.project.as_ref().and_then(|p| p.stack.as_ref().map(|s| (p, s))) {
        let name = text::name(stack.at.path());
        kit::note(
            ui,
            format!(
                "{name} was open at slice {} with λ {}. Go on there? Files that were complete are untouched; an \
                 interrupted training goes on from its last checkpoint when it is started again.",
                stack.z + 1,
                project.lambda
            ),
        );
    }
    if let Some(report) = &left.report {
        crash(ui, pane, report);
    }
    ui.add_space(12.0);
    ui.horizontal(|ui| {
        if left.project.is_none() {
            if kit::primary(ui, "Go on", 140.0, true).clicked() {
                pane.push(Command::DropProject);
            }
            return;
        }
        if kit::primary(ui, "Restore", 140.0, true).clicked() {
            pane.push(Command::Restore);
        }
        if kit::secondary(ui, "Start afresh", 140.0, true).clicked() {
            pane.push(Command::DropProject);
        }
    });
}

/// Where the report of the crash is; it is sent nowhere.
fn crash(ui: &mut Ui, pane: &mut Pane<'_>, report: &Path) {
    let t = theme::of(ui);
    kit::divide(ui);
    kit::note(ui, "It crashed, and wrote down why. The report holds nothing personal and is sent nowhere:");
    let place = RichText::new(report.display().to_string()).font(theme::small()).color(t.dim);
    ui.add(Label::new(place).wrap().selectable(true));
    if kit::secondary(ui, "Show the report", 150.0, true).clicked() {
        pane.push(Command::OpenReport(report.to_owned()));
    }
}
