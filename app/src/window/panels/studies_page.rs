//! A study's page: what was done, figures, tables, and what differs from the paper.

use crate::window::command::{Ask, Command};
use crate::window::panels::{Pane, kit, table};
use crate::window::study::Printed;
use crate::window::{text, theme};
use egui::{
    Align, Color32, CursorIcon, Frame, Id, Image, Label, Layout, Margin, Modal, Rect, RichText, Role,
    ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, epaint::RectShape, pos2, vec2,
};
use paser_core::study::{Figure, Page};

/// Widest that text is set.
const WIDE: f32 = 1000.0;
/// Highest that a figure is shown.
const HIGH: f32 = 380.0;

/// Draws it.
pub(super) fn show(ui: &mut Ui, pane: &mut Pane<'_>, printed: &Printed) {
    let t = theme::of(ui);
    ScrollArea::vertical().id_salt(printed.id).auto_shrink(false).show(ui, |ui| {
        let frame = Frame::new()
            .fill(t.panel)
            .corner_radius(10)
            .stroke(Stroke::new(1.0, t.line))
            .inner_margin(Margin::same(24));
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width().min(WIDE));
            head(ui, pane, &printed.page);
            for paragraph in &printed.page.text {
                ui.add_space(6.0);
                prose(ui, paragraph);
            }
            for (i, figure) in printed.page.figures.iter().enumerate() {
                picture(ui, pane, printed, i, figure);
            }
            for (i, sheet) in printed.page.tables.iter().enumerate() {
                kit::divide(ui);
                ui.label(RichText::new(&sheet.title).font(theme::strong(theme::BODY)).color(t.text));
                ui.add_space(4.0);
                table::show(ui, (printed.id, i), &sheet.columns, &sheet.rows);
            }
            notes(ui, &printed.page.notes);
        });
    });
}

/// Title, how it was made, and the button that writes it.
fn head(ui: &mut Ui, pane: &mut Pane<'_>, page: &Page) {
    let t = theme::of(ui);
    ui.with_layout(Layout::right_to_left(Align::TOP), |ui| {
        let save = kit::secondary(ui, "Save…", 84.0, true);
        if save.on_hover_text("Write page, tables, figures and numbers into a folder").clicked() {
            pane.push(Command::Study(Ask::AskSave));
        }
        ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
            ui.add(Label::new(RichText::new(&page.title).font(theme::strong(20.0)).color(t.text)).wrap());
            let device = match page.device.driver.as_str() {
                "" => page.device.name.clone(),
                driver => format!("{} ({driver})", page.device.name),
            };
            let wall = text::span(page.seconds);
            kit::note(ui, format!("{} · {device} · seed {} · {wall}", page.scale, page.seed));
        });
    });
}

fn prose(ui: &mut Ui, text: &str) {
    let t = theme::of(ui);
    ui.add(Label::new(RichText::new(text).color(t.text)).wrap().selectable(true));
}

/// A figure as wide as the page, no larger than it was made or than one can see at once, with its caption.
fn picture(ui: &mut Ui, pane: &mut Pane<'_>, printed: &Printed, number: usize, figure: &Figure) {
    ui.add_space(12.0);
    let Some(Some(pixels)) = printed.pictures.get(number) else {
        kit::note(ui, format!("{} cannot be shown here; saving the page writes it.", figure.file));
        return;
    };
    let scale = ui.ctx().pixels_per_point();
    let size = vec2(pixels.width() as f32, pixels.height() as f32);
    let shown = size * (ui.available_width() / size.x).min(HIGH / size.y).min(1.0 / scale);
    let (rect, response) = ui.allocate_exact_size(shown, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, figure.caption.as_str()));
    let wanted = [shown.x, shown.y].map(|edge| (edge * scale).round() as u32);
    let texture = pane.canvas.figure(ui.ctx(), (printed.id, number), pixels, wanted);
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    ui.painter().add(RectShape::filled(rect, 4.0, Color32::WHITE).with_texture(texture, whole));
    let edge = Stroke::new(1.0, theme::of(ui).line);
    ui.painter().rect_stroke(rect, 4.0, edge, StrokeKind::Outside);
    kit::note(ui, figure.caption.as_str());
    if response.on_hover_cursor(CursorIcon::ZoomIn).clicked() {
        pane.push(Command::Study(Ask::Enlarge(Some(number))));
    }
}

/// The figure that is looked at closely, with all its pixels.
pub fn enlarged(ui: &mut Ui, pane: &mut Pane<'_>) {
    let studies = &pane.state.studies;
    let Some((number, printed)) = studies.enlarged.zip(studies.printed(studies.chosen).cloned()) else {
        return;
    };
    let (Some(Some(pixels)), Some(figure)) = (printed.pictures.get(number), printed.page.figures.get(number))
    else {
        return;
    };
    let t = theme::of(ui);
    let room = ui.ctx().content_rect().size() - vec2(80.0, 130.0);
    let size = vec2(pixels.width() as f32, pixels.height() as f32) / ui.ctx().pixels_per_point();
    let texture = pane.canvas.enlarged(ui.ctx(), (printed.id, number), pixels);
    let modal = Modal::new(Id::unique("figure")).frame(kit::card(t)).show(ui.ctx(), |ui| {
        ui.set_max_size(room);
        ScrollArea::both().max_width(room.x).max_height(room.y).show(ui, |ui| {
            let image = Image::new((texture, size)).alt_text(figure.caption.as_str());
            ui.add(image.fit_to_exact_size(size));
        });
        ui.add_space(6.0);
        kit::note(ui, figure.caption.as_str());
    });
    if modal.backdrop_response.clicked() {
        pane.push(Command::Study(Ask::Enlarge(None)));
    }
}

fn notes(ui: &mut Ui, notes: &[String]) {
    if notes.is_empty() {
        return;
    }
    kit::divide(ui);
    kit::heading(ui, "What differs from the paper, and why");
    for note in notes {
        prose(ui, note);
    }
}
