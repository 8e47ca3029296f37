//! The panes of the window, one file each. They read the state and push commands.

mod about;
mod bottom;
mod budget;
mod chart;
mod closing;
mod compare;
mod display;
mod drift;
mod failure;
mod help;
mod histogram;
mod icons;
mod import;
mod kit;
mod log;
mod noise;
mod palette;
mod patch;
mod project;
mod report;
mod sheet;
mod side;
mod start;
mod studies;
mod table;
mod toast;
mod tools;
mod top;
mod train;
mod truth;
mod viewer;

use super::canvas::Canvas;
use super::command::Command;
use super::state::{State, Workspace};

/// What a pane is given.
pub(super) struct Pane<'a> {
    /// What to show.
    pub state: &'a State,
    /// Textures.
    pub canvas: &'a mut Canvas,
    /// What the user asks for.
    pub commands: &'a mut Vec<Command>,
}

impl Pane<'_> {
    fn push(&mut self, command: Command) {
        self.commands.push(command);
    }
}

/// Draws the whole window.
pub(super) fn show(ui: &mut egui::Ui, pane: &mut Pane<'_>) {
    top::show(ui, pane);
    match pane.state.workspace {
        Workspace::Train => train::show(ui, pane),
        Workspace::Compare => compare::show(ui, pane),
        Workspace::Report => report::show(ui, pane),
        Workspace::Segment => segment(ui, pane),
    }
    toast::show(ui, pane);
    sheet::show(ui, pane);
    truth::show(ui, pane);
    import::show(ui, pane);
    project::show(ui, pane);
    studies::enlarged(ui, pane);
    studies::save(ui, pane);
    palette::show(ui, pane);
    about::show(ui, pane);
    closing::show(ui, pane);
    log::show(ui, pane);
    failure::show(ui, pane);
    drop_hint(ui);
}

fn segment(ui: &mut egui::Ui, pane: &mut Pane<'_>) {
    if pane.state.stack.is_some() {
        bottom::show(ui, pane);
        side::show(ui, pane);
        tools::show(ui, pane);
        viewer::show(ui, pane);
    } else {
        start::show(ui, pane);
    }
}

/// Says where a file that hovers over the window will go.
fn drop_hint(ui: &egui::Ui) {
    if ui.input(|i| i.raw.hovered_files.is_empty()) {
        return;
    }
    let t = super::theme::of(ui);
    let area = ui.ctx().content_rect();
    let painter =
        ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop")));
    painter.rect_filled(area, 0.0, t.canvas.gamma_multiply(0.8));
    let stroke = egui::Stroke::new(2.0, t.accent);
    painter.rect_stroke(area.shrink(14.0), 12.0, stroke, egui::StrokeKind::Inside);
    let font = super::theme::strong(20.0);
    painter.text(area.center(), egui::Align2::CENTER_CENTER, "Drop to open this stack", font, t.on_canvas);
}
