//! How a training goes: its stages, and the figures of one of them.

use crate::window::command::Command;
use crate::window::panels::chart::{Line, lines};
use crate::window::panels::{Pane, kit};
use crate::window::stages::StageLog;
use crate::window::training::Training;
use crate::window::{text, theme};
use egui::{
    Color32, Frame, Label, Margin, Rect, Response, RichText, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2, vec2,
};
use paser_core::event::Figure;

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let state = pane.state;
    let Some(training) = &state.training else {
        empty(ui);
        return;
    };
    head(ui, training);
    ui.add_space(12.0);
    stages(ui, pane, training);
    ui.add_space(12.0);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        if let Some(stage) = training.stage() {
            watched(ui, pane, training, stage);
            figures(ui, stage);
        }
        let t = theme::of(ui);
        for note in &training.notes {
            ui.add_space(6.0);
            ui.label(RichText::new(note).font(theme::small()).color(t.on_canvas_dim));
        }
    });
}

fn empty(ui: &mut Ui) {
    let t = theme::of(ui);
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.34).max(20.0));
        ui.label(RichText::new("Train a bundle of your own").font(theme::strong(22.0)).color(t.on_canvas));
        ui.add_space(6.0);
        let said = "Choose images with their labels at the left and press Start training.\nLosses, reward, IoU and the shares of the nets appear here, stage by stage:\nf1 and f2 learn from patches, f0 from the largest of them, the policy from what each net is worth.";
        ui.label(RichText::new(said).color(t.on_canvas_dim));
    });
}

fn head(ui: &mut Ui, training: &Training) {
    let t = theme::of(ui);
    let (said, colour) = match &training.outcome {
        Some(Ok(Some(folder))) => (format!("Done: the bundle is in {}", folder.display()), t.good),
        Some(Ok(None)) => ("Stopped; finished stages are kept".to_owned(), t.amber),
        Some(Err(why)) => (why.clone(), t.error),
        None if training.control.paused() => ("Paused".to_owned(), t.amber),
        None if training.control.finishing() => {
            ("Ending; a bundle is made of what there is".to_owned(), t.amber)
        }
        None if training.stages.is_empty() => {
            ("Reading images and checking the device…".to_owned(), t.on_canvas)
        }
        None => ("Training".to_owned(), t.on_canvas),
    };
    ui.label(RichText::new(said).font(theme::strong(18.0)).color(colour));
    let spent = training.took.unwrap_or_else(|| training.since.elapsed()).as_secs_f64();
    let mut line = format!("{} so far", text::span(spent));
    if let (Some(stage), true) = (training.stages.last(), training.runs()) {
        line = format!("{line} · {}: step {} of {}", stage.name, stage.done, stage.total);
        if let Some(epoch) = stage.epoch {
            line += &format!(", epoch {epoch:.1}");
        }
        if let Some(left) = stage.left {
            line += &format!(" · {} left in this stage", text::span(left));
        }
        if let Some(left) = stage.left_in_all {
            line += &format!(", about {} in all", text::span(left));
        }
    }
    ui.label(RichText::new(line).font(theme::small()).color(t.on_canvas_dim));
}

fn stages(ui: &mut Ui, pane: &mut Pane<'_>, training: &Training) {
    if let Some(stage) = chips(ui, &training.stages, training.shown, training.runs()) {
        pane.push(Command::ShowStage(stage));
    }
}

/// One chip a stage, to choose whose charts are shown; the one clicked, none for the newest.
pub fn chips(
    ui: &mut Ui,
    stages: &[StageLog],
    chosen: Option<usize>,
    running: bool,
) -> Option<Option<usize>> {
    let mut clicked = None;
    ui.horizontal_wrapped(|ui| {
        for (i, stage) in stages.iter().enumerate() {
            let newest = i + 1 == stages.len();
            let shown = chosen.map_or(newest, |s| s == i);
            if chip(ui, stage, shown, newest && running).clicked() {
                clicked = Some((!newest).then_some(i));
            }
        }
    });
    clicked
}

fn chip(ui: &mut Ui, stage: &StageLog, shown: bool, at_work: bool) -> Response {
    let t = theme::of(ui);
    let done = stage.done as f32 / stage.total.max(1) as f32;
    let frame = Frame::new()
        .fill(if shown { t.hovered } else { t.raised })
        .corner_radius(6)
        .stroke(Stroke::new(1.0, if shown { t.accent } else { t.line }))
        .inner_margin(Margin::symmetric(10, 6));
    let chip = frame.show(ui, |ui| {
        ui.set_width(118.0);
        ui.vertical(|ui| {
            ui.add(Label::new(RichText::new(&stage.name).font(theme::small()).color(t.text)).truncate());
            kit::progress(ui, done, if at_work { t.accent } else { t.good });
        });
    });
    let response = chip.response.interact(Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, shown, format!("Stage {}", stage.name)));
    response.on_hover_text(&stage.name)
}

/// A tile as what is being trained sees it: at the stage's beginning and now.
fn watched(ui: &mut Ui, pane: &mut Pane<'_>, training: &Training, stage: &StageLog) {
    let (Some(first), Some(now)) = (stage.pictures.first(), stage.pictures.last()) else { return };
    let t = theme::of(ui);
    let number = training.stages.iter().position(|s| s.name == stage.name).unwrap_or_default();
    let classes = training.classes;
    let textures = pane.canvas.watched(ui.ctx(), (training.id, number), [first, now], classes);
    let titles = [
        now.1.image.clone(),
        "Truth".to_owned(),
        format!("At step {}", first.0),
        format!("Now, at step {}", now.0),
    ];
    let [rows, columns] = now.1.size;
    let gap = 12.0;
    let width = ((ui.available_width() - 3.0 * gap) / 4.0).min(220.0);
    let size = vec2(width, width * rows as f32 / columns.max(1) as f32);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing = vec2(gap, 4.0);
        for (i, (texture, title)) in textures.into_iter().zip(&titles).enumerate() {
            ui.vertical(|ui| {
                ui.set_width(width);
                let title = RichText::new(title).font(theme::small()).color(t.on_canvas_dim);
                ui.add(Label::new(title).truncate());
                let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
                response.widget_info(|| WidgetInfo::labeled(Role::Image, true, titles[i].as_str()));
                let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                ui.painter().image(texture, rect, whole, Color32::WHITE);
                let routes = [None, None, Some(&first.1.routes), Some(&now.1.routes)][i];
                if let Some(routes) = routes {
                    patches(ui, rect, routes, training.grid);
                }
            });
        }
    });
    ui.add_space(12.0);
}

/// Patches outlined by the net that the policy sends them to.
fn patches(ui: &Ui, image: Rect, routes: &[u8], [rows, columns]: [usize; 2]) {
    let size = vec2(image.width() / columns.max(1) as f32, image.height() / rows.max(1) as f32);
    for (i, net) in routes.iter().enumerate() {
        let (row, column) = (i / columns.max(1), i % columns.max(1));
        let corner = image.min + vec2(column as f32 * size.x, row as f32 * size.y);
        let rect = Rect::from_min_size(corner, size).shrink(1.0);
        let width = if *net == 0 { 0.5 } else { 2.0 };
        let stroke = Stroke::new(width, theme::route(usize::from(*net)));
        ui.painter().rect_stroke(rect, 0.0, stroke, StrokeKind::Inside);
    }
}

/// One chart a figure; the shares of the nets together in one.
pub fn figures(ui: &mut Ui, stage: &StageLog) {
    let t = theme::of(ui);
    let columns = if ui.available_width() > 700.0 { 2.0 } else { 1.0 };
    let size = vec2((ui.available_width() - 12.0 * (columns - 1.0)) / columns, 190.0);
    ui.spacing_mut().item_spacing = vec2(12.0, 12.0);
    ui.horizontal_wrapped(|ui| {
        for (figure, points) in &stage.series {
            let title = match figure {
                Figure::Loss => "Loss",
                Figure::Reward => "Reward of a patch (Eq. 2)",
                Figure::Iou => "IoU on held-out pieces",
                Figure::Lambda => "λ, weight of the cost",
                Figure::Tvd => "TVD from λ = 0",
                Figure::Alpha => "α, chance of acting by the policy",
                Figure::Share(_) => continue,
            };
            let name = figure.to_string();
            lines(ui, title, size, &[Line { name, colour: t.accent, points }]);
        }
        let nets = stage.series.keys().filter(|f| matches!(f, Figure::Share(_))).count();
        let shares: Vec<Line<'_>> = stage
            .series
            .iter()
            .filter_map(|(figure, points)| match figure {
                Figure::Share(i) => Some((usize::from(*i), points)),
                _ => None,
            })
            .map(|(net, points)| Line { name: theme::letter(net, nets), colour: share(ui, net), points })
            .collect();
        if !shares.is_empty() {
            lines(ui, "Share of patches", size, &shares);
        }
    });
    if stage.series.is_empty() {
        kit::note(ui, format!("{} of {} done.", stage.done, stage.total));
    }
}

/// The colour of a net's line: yellow does not show on white.
fn share(ui: &Ui, net: usize) -> Color32 {
    let colour = theme::route(net);
    if ui.visuals().dark_mode || net != 2 { colour } else { Color32::from_rgb(0xb0, 0x9a, 0x00) }
}
