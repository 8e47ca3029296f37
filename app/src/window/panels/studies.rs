//! The paper's experiments: which there are, what the chosen one works on, how it goes and what came out.

#[path = "studies_page.rs"]
mod page;
#[path = "studies_save.rs"]
mod saving;

pub use page::enlarged;
pub use saving::show as save;

use super::train::charts;
use super::{Pane, kit, train};
use crate::window::command::{Ask, Command};
use crate::window::engine::Pick;
use crate::window::notice::sentence;
use crate::window::study::{Ground, Running, SCALES, material};
use crate::window::{text, theme};
use egui::{
    Align2, CentralPanel, Frame, Label, Panel, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2,
};
use paser_core::study::{Needs, Study};

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    Panel::left("studies").exact_size(430.0).resizable(false).frame(kit::panel(t, 0, 0)).show(ui, |ui| {
        Panel::bottom("run a study")
            .frame(kit::panel(t, 18, 14))
            .resizable(false)
            .show(ui, |ui| start(ui, pane));
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            kit::panel(t, 18, 10).show(ui, |ui| {
                ui.set_width(394.0);
                ui.spacing_mut().item_spacing.y = 1.0;
                Study::ALL.iter().for_each(|(study, _)| row(ui, pane, *study));
            });
        });
    });
    CentralPanel::default().frame(Frame::new().fill(t.canvas).inner_margin(20)).show(ui, |ui| {
        let studies = &pane.state.studies;
        let chosen = studies.chosen;
        match (&studies.running, studies.printed(chosen).cloned()) {
            (Some(running), _) if running.study == chosen => at_work(ui, pane, running),
            (_, Some(printed)) => page::show(ui, pane, &printed),
            _ => empty(ui, chosen),
        }
    });
}

fn empty(ui: &mut Ui, study: Study) {
    let t = theme::of(ui);
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.34).max(20.0));
        ui.label(RichText::new(study.name()).font(theme::strong(22.0)).color(t.on_canvas));
        ui.label(RichText::new(study.about()).color(t.on_canvas));
        ui.add_space(6.0);
        let said = "Run it, and its page appears here: tables and figures, with the paper's figures beside.";
        ui.label(RichText::new(said).color(t.on_canvas_dim));
    });
}

/// A study: its name, which part of the paper it repeats, and what it shows.
fn row(ui: &mut Ui, pane: &mut Pane<'_>, study: Study) {
    let t = theme::of(ui);
    let studies = &pane.state.studies;
    let width = ui.available_width();
    let about = ui.painter().layout(study.about().to_owned(), theme::small(), t.dim, width - 20.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, about.size().y + 26.0), Sense::click());
    let chosen = studies.chosen == study;
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, chosen, study.name()));
    if chosen {
        ui.painter().rect_filled(rect, 6.0, t.accent.gamma_multiply(0.2));
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 6.0, t.raised);
    }
    let at = rect.min + vec2(10.0, 12.0);
    let name = ui.painter().text(at, Align2::LEFT_CENTER, study.name(), theme::strong(theme::BODY), t.text);
    let running = studies.running.as_ref().is_some_and(|r| r.study == study);
    if running || studies.printed(study).is_some() {
        let dot = name.right_center() + vec2(11.0, 0.0);
        ui.painter().circle_filled(dot, 3.5, if running { t.accent } else { t.good });
    }
    let right = pos2(rect.right() - 10.0, at.y);
    ui.painter().text(right, Align2::RIGHT_CENTER, study.paper(), theme::small(), t.dim);
    ui.painter().galley(rect.min + vec2(10.0, 22.0), about, t.dim);
    if response.clicked() {
        pane.push(Command::Study(Ask::Choose(study)));
    }
}

/// What the chosen study works on.
fn works_on(ui: &mut Ui, pane: &mut Pane<'_>) {
    kit::heading(ui, "Works on");
    match pane.state.studies.chosen.needs() {
        Needs::Bundle => ground(ui, pane),
        Needs::Folder(what) => {
            match kit::field(ui, "Folder", pane.state.studies.folder(), true) {
                Some(kit::Typed::Text(folder)) => pane.push(Command::Study(Ask::Folder(folder))),
                Some(kit::Typed::Browse) => pane.push(Command::Pick(Pick::StudyData)),
                None => {}
            }
            kit::note(ui, format!("It holds {what}."));
        }
    }
}

/// Images with labels, and the bundle.
fn ground(ui: &mut Ui, pane: &mut Pane<'_>) {
    let names = Ground::ALL.map(|g| g.1);
    let on = Ground::ALL.iter().position(|g| g.0 == pane.state.studies.on);
    if let Some((ground, _)) = kit::segments(ui, "Works on", &names, on).and_then(|i| Ground::ALL.get(i)) {
        pane.push(Command::Study(Ask::On(*ground)));
    }
    if pane.state.studies.on == Ground::Folders {
        train::data(ui, pane);
    }
    let t = theme::of(ui);
    let bundle = pane.state.model().map_or("none", |m| m.manifest.name.as_str());
    let (said, colour) = match material(pane.state) {
        Ok((Some(on), _)) => {
            (format!("{} with {}, bundle {bundle}", text::name(&on.images), text::name(&on.labels)), t.dim)
        }
        Ok((None, _)) => return,
        Err(why) => (sentence(&why), t.warn),
    };
    ui.add(Label::new(RichText::new(said).font(theme::small()).color(colour)).truncate());
}

/// What the chosen study works on, its scale and the button that runs it; or how far the one at work is.
fn start(ui: &mut Ui, pane: &mut Pane<'_>) {
    if let Some(running) = &pane.state.studies.running {
        return going(ui, pane, running);
    }
    works_on(ui, pane);
    ui.add_space(8.0);
    kit::heading(ui, "Scale");
    let names = SCALES.map(|s| s.1);
    let on = SCALES.iter().position(|s| s.0 == pane.state.studies.scale);
    if let Some((scale, ..)) = kit::segments(ui, "Scale", &names, on).and_then(|i| SCALES.get(i)) {
        pane.push(Command::Study(Ask::Scale(*scale)));
    }
    kit::note(ui, on.and_then(|i| SCALES.get(i)).map_or("", |s| s.2));
    ui.add_space(6.0);
    run(ui, pane);
}

fn run(ui: &mut Ui, pane: &mut Pane<'_>) {
    let obstacle = pane.state.busy().map(str::to_owned).or_else(|| material(pane.state).err());
    let name = format!("Run {}", pane.state.studies.chosen.name());
    let button = kit::primary(ui, &name, ui.available_width(), obstacle.is_none());
    let hint = "A study that was stopped goes on with what it had trained";
    if button.on_hover_text(hint).on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
        pane.push(Command::Study(Ask::Run));
    }
}

/// How far the study at work is, and what holds or ends it.
fn going(ui: &mut Ui, pane: &mut Pane<'_>, running: &Running) {
    let t = theme::of(ui);
    let stage = running.stages.last();
    let share = stage.map_or(0.0, |s| s.done as f32 / s.total.max(1) as f32);
    kit::row(ui, running.study.name(), &format!("{:.0} %", 100.0 * share));
    let said = RichText::new(told(running)).font(theme::small()).color(t.dim);
    ui.add(Label::new(said).truncate());
    kit::progress(ui, share, t.accent);
    ui.add_space(8.0);
    let paused = running.control.paused();
    let width = (ui.available_width() - 8.0) / 2.0;
    ui.horizontal(|ui| {
        if kit::secondary(ui, if paused { "Go on" } else { "Pause" }, width, true).clicked() {
            pane.push(Command::Study(Ask::Pause));
        }
        let stop = kit::secondary(ui, "Stop", width, !running.control.stopped());
        let hint = "Stop; what it trained is kept, and the same study goes on from there";
        if stop.on_hover_text(hint).clicked() {
            pane.push(Command::Study(Ask::Stop));
        }
    });
}

/// The newest stage in words.
fn told(running: &Running) -> String {
    if running.control.stopped() {
        return "stopping…".to_owned();
    }
    let Some(stage) = running.stages.last() else { return "reading…".to_owned() };
    let mut told = format!("{}, {} of {}", stage.name, stage.done, stage.total);
    if running.control.paused() {
        told += " · paused";
    } else if let Some(left) = stage.left {
        told += &format!(" · {} left", text::span(left));
    }
    if let Some(left) = stage.left_in_all.filter(|l| Some(*l) != stage.left) {
        told += &format!(", about {} in all", text::span(left));
    }
    told
}

/// The stages so far, and the charts of one.
fn at_work(ui: &mut Ui, pane: &mut Pane<'_>, running: &Running) {
    let t = theme::of(ui);
    ui.label(RichText::new(running.study.name()).font(theme::strong(18.0)).color(t.on_canvas));
    let line = format!("{} · {}", running.scale.name(), told(running));
    ui.label(RichText::new(line).font(theme::small()).color(t.on_canvas_dim));
    ui.add_space(12.0);
    if let Some(stage) = charts::chips(ui, &running.stages, running.shown, true) {
        pane.push(Command::Study(Ask::Stage(stage)));
    }
    ui.add_space(12.0);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        if let Some(stage) = running.stage().filter(|s| !s.series.is_empty()) {
            charts::figures(ui, stage);
        }
        for note in &running.notes {
            ui.add_space(6.0);
            ui.label(RichText::new(note).font(theme::small()).color(t.on_canvas_dim));
        }
    });
}
