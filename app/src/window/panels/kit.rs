//! Small pieces that the panes share, so that they look alike.

use crate::window::theme::{self, Tokens};
use egui::{
    Align, Align2, Button, Color32, CornerRadius, Frame, Layout, Margin, Panel, Rect, Response, RichText,
    Role, ScrollArea, Sense, Stroke, TextEdit, Ui, Vec2, WidgetInfo, pos2, vec2,
};

/// Height of buttons that start work.
const TALL: f32 = 34.0;

/// Frame of a bar or panel.
pub fn panel(t: &Tokens, x: i8, y: i8) -> Frame {
    Frame::new().fill(t.panel).inner_margin(Margin::symmetric(x, y))
}

/// The pane at the right: sections that scroll over actions that stay.
pub fn settings<T>(
    ui: &mut Ui,
    name: &str,
    state: &mut T,
    sections: impl FnOnce(&mut Ui, &mut T),
    actions: impl FnOnce(&mut Ui, &mut T),
) {
    let t = theme::of(ui);
    Panel::right(name.to_owned()).exact_size(324.0).resizable(false).frame(panel(t, 0, 0)).show(ui, |ui| {
        Panel::bottom(format!("{name} actions"))
            .frame(panel(t, 16, 14))
            .resizable(false)
            .show(ui, |ui| actions(ui, state));
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            panel(t, 16, 16).show(ui, |ui| {
                ui.set_width(292.0);
                ui.spacing_mut().interact_size.y = 18.0;
                sections(ui, state);
            });
        });
    });
}

/// The frame of a card that lies over the window.
pub fn card(t: &Tokens) -> Frame {
    Frame::new()
        .fill(t.panel)
        .corner_radius(10)
        .stroke(Stroke::new(1.0, t.line))
        .inner_margin(Margin::same(22))
}

/// Heading of a section.
pub fn heading(ui: &mut Ui, text: &str) {
    let t = theme::of(ui);
    let text = RichText::new(text.to_uppercase()).font(theme::strong(theme::SMALL - 1.0)).color(t.dim);
    ui.label(text.extra_letter_spacing(0.7));
    ui.add_space(1.0);
}

/// Quiet small text that wraps.
pub fn note(ui: &mut Ui, text: impl Into<String>) -> Response {
    let t = theme::of(ui);
    ui.label(RichText::new(text).font(theme::small()).color(t.dim))
}

/// A name at the left and a figure at the right of one line.
pub fn row(ui: &mut Ui, name: &str, figure: &str) {
    let t = theme::of(ui);
    ui.horizontal(|ui| {
        ui.label(RichText::new(name).color(t.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(RichText::new(figure).font(theme::figures()).color(t.text));
        });
    });
}

/// What was done to a field.
pub enum Typed {
    /// It holds this now.
    Text(String),
    /// A dialog is wanted.
    Browse,
}

/// A named field of text, with a button for a dialog where `browse`.
pub fn field(ui: &mut Ui, name: &str, text: &str, browse: bool) -> Option<Typed> {
    let t = theme::of(ui);
    let (mut typed, mut done) = (text.to_owned(), None);
    ui.horizontal(|ui| {
        let label = ui
            .allocate_ui_with_layout(vec2(96.0, 26.0), Layout::left_to_right(Align::Center), |ui| {
                ui.set_min_width(96.0);
                ui.label(RichText::new(name).color(t.text))
            })
            .inner;
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if browse && ui.button("Browse…").clicked() {
                done = Some(Typed::Browse);
            }
            let edit =
                TextEdit::singleline(&mut typed).desired_width(ui.available_width()).margin(vec2(8.0, 5.0));
            if ui.add(edit).labelled_by(label.id).changed() {
                done = Some(Typed::Text(typed));
            }
        });
    });
    done
}

/// Hairline between sections, from border to border of the panel.
pub fn divide(ui: &mut Ui) {
    let t = theme::of(ui);
    ui.add_space(9.0);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    let stroke = Stroke::new(1.0, t.line);
    ui.painter().hline(rect.x_range().expand(16.0), rect.center().y, stroke);
    ui.add_space(9.0);
}

/// The button for what one came to do.
pub fn primary(ui: &mut Ui, text: &str, width: f32, enabled: bool) -> Response {
    let t = theme::of(ui);
    let text = RichText::new(text).font(theme::strong(theme::BODY)).color(t.on_primary);
    wide(ui, Button::new(text).fill(t.primary), width, enabled)
}

/// The button for what one may do as well.
pub fn secondary(ui: &mut Ui, text: &str, width: f32, enabled: bool) -> Response {
    wide(ui, Button::new(RichText::new(text).font(theme::body())), width, enabled)
}

/// A tall button with its text in the middle, whatever the layout around it.
fn wide(ui: &mut Ui, button: Button<'_>, width: f32, enabled: bool) -> Response {
    let layout = Layout::left_to_right(Align::Center);
    let add = |ui: &mut Ui| ui.add_enabled(enabled, button.min_size(vec2(width, TALL)));
    ui.allocate_ui_with_layout(vec2(width, TALL), layout, add).inner
}

/// A bar divided by `shares` in `colours`; the pieces are named where there is room.
pub fn shares(ui: &mut Ui, shares: &[f64], names: &[String], colours: &[Color32], height: f32) {
    let t = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let said: Vec<String> =
        names.iter().zip(shares).map(|(n, s)| format!("{n} {:.0} %", 100.0 * s)).collect();
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, said.join(", ")));
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 4.0, t.track);
    let mut left = rect.left();
    let drawn = shares.iter().filter(|s| **s > 0.0).count();
    for (seen, (i, share)) in shares.iter().enumerate().filter(|(_, s)| **s > 0.0).enumerate() {
        let right = left + *share as f32 * rect.width();
        let piece = Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom()));
        let corner = |on: bool| if on { 4 } else { 0 };
        let (first, last) = (corner(seen == 0), corner(seen + 1 == drawn));
        let rounding = CornerRadius { nw: first, sw: first, ne: last, se: last };
        painter.rect_filled(piece, rounding, colours.get(i).copied().unwrap_or(t.dim));
        let label = said.get(i).cloned().unwrap_or_default();
        let galley = painter.layout_no_wrap(label, theme::strong(theme::SMALL - 1.0), theme::ON_ROUTE);
        if galley.size().x + 10.0 < piece.width() {
            let at = pos2(piece.left() + 6.0, piece.center().y - galley.size().y / 2.0);
            painter.galley(at, galley, theme::ON_ROUTE);
        }
        left = right;
    }
}

/// What is ticked or chosen, drawn by `add`: the box is outlined, so that an empty one is seen.
pub fn outlined(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> Response) -> Response {
    let t = theme::of(ui);
    let draw = |ui: &mut Ui| {
        let widgets = &mut ui.visuals_mut().widgets;
        for state in [&mut widgets.inactive, &mut widgets.hovered, &mut widgets.active] {
            state.bg_stroke = Stroke::new(1.0, t.dim);
            state.bg_fill = t.panel;
        }
        add(ui)
    };
    ui.scope(draw).inner
}

/// A small square of colour.
pub fn swatch(ui: &mut Ui, colour: Color32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(11.0), Sense::hover());
    ui.painter().rect_filled(rect, 3.0, colour);
}

/// A key as it stands on the keyboard.
pub fn key(ui: &mut Ui, name: &str) {
    let t = theme::of(ui);
    Frame::new().fill(t.raised).corner_radius(4).inner_margin(Margin::symmetric(6, 2)).show(ui, |ui| {
        ui.label(RichText::new(name).font(theme::figures()).color(t.text));
    });
}

/// A bar that fills from the left.
pub fn progress(ui: &mut Ui, share: f32, colour: Color32) {
    let t = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 6.0), Sense::hover());
    response.widget_info(|| {
        WidgetInfo::labeled(Role::ProgressIndicator, true, format!("{:.0} % done", 100.0 * share))
    });
    ui.painter().rect_filled(rect, 3.0, t.track);
    let mut filled = rect;
    filled.set_width(rect.width() * share.clamp(0.0, 1.0));
    ui.painter().rect_filled(filled, 3.0, colour);
}

/// Text at a place, right-aligned figures and the like.
pub fn put(ui: &Ui, at: egui::Pos2, align: Align2, text: &str, colour: Color32) -> Rect {
    ui.painter().text(at, align, text, theme::figures(), colour)
}

/// A slider from 0 to 1 in `steps` (none: smooth); its new place where it was moved. Arrow keys stay
/// with the slices, so it takes no keyboard focus.
pub fn slider(ui: &mut Ui, name: &str, at: f32, steps: Option<usize>) -> Option<f32> {
    let t = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::slider(true, f64::from(at), name));
    let rail = Rect::from_center_size(rect.center(), vec2(rect.width() - 16.0, 4.0));
    let knob = pos2(rail.left() + at.clamp(0.0, 1.0) * rail.width(), rail.center().y);
    ui.painter().rect_filled(rail, 2.0, t.track);
    ui.painter().rect_filled(rail.with_max_x(knob.x), 2.0, t.accent);
    if let Some(steps) = steps.filter(|n| (1..=24).contains(n)) {
        for i in 0..=steps {
            let x = rail.left() + i as f32 / steps as f32 * rail.width();
            ui.painter().circle_filled(pos2(x, rail.center().y), 1.5, t.dim);
        }
    }
    let lively = response.hovered() || response.dragged();
    ui.painter().circle(
        knob,
        if lively { 8.5 } else { 7.5 },
        Color32::WHITE,
        Stroke::new(1.0, t.dim.gamma_multiply(0.6)),
    );
    let pointer = response
        .interact_pointer_pos()
        .filter(|_| response.is_pointer_button_down_on() || response.clicked())?;
    let free = ((pointer.x - rail.left()) / rail.width()).clamp(0.0, 1.0);
    let place = steps.map_or(free, |n| (free * n as f32).round() / n.max(1) as f32);
    (place != at).then_some(place)
}

/// Name, slider and figure on one line; the slider's new place where it was moved.
pub fn dial(
    ui: &mut Ui,
    name: &str,
    hint: &str,
    (at, steps): (f32, Option<usize>),
    figure: &str,
) -> Option<f32> {
    let t = theme::of(ui);
    let mut moved = None;
    ui.horizontal(|ui| {
        let (rect, response) = ui.allocate_exact_size(vec2(104.0, 22.0), Sense::hover());
        ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, name, theme::body(), t.text);
        response.on_hover_text(hint);
        let width = ui.available_width() - 66.0;
        ui.scope(|ui| {
            ui.set_max_width(width);
            moved = slider(ui, name, at, steps);
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(RichText::new(figure).font(theme::figures()).color(t.text));
        });
    });
    moved
}

/// Choices side by side of which one is in force; the number of the one clicked.
pub fn segments(ui: &mut Ui, name: &str, choices: &[&str], on: Option<usize>) -> Option<usize> {
    let t = theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
    ui.painter().rect(rect, 6.0, t.raised, Stroke::new(1.0, t.line), egui::StrokeKind::Inside);
    let width = rect.width() / choices.len().max(1) as f32;
    let mut clicked = None;
    for (i, choice) in choices.iter().enumerate() {
        let left = rect.left() + i as f32 * width;
        let piece = Rect::from_min_max(pos2(left, rect.top()), pos2(left + width, rect.bottom())).shrink(2.5);
        let response = ui.interact(piece, ui.scope_id().with((name, i)), Sense::click());
        let chosen = on == Some(i);
        response.widget_info(|| {
            WidgetInfo::selected(Role::RadioButton, true, chosen, format!("{name} {choice}"))
        });
        if chosen || response.hovered() {
            let ground = if chosen { t.primary.gamma_multiply(0.45) } else { t.hovered };
            ui.painter().rect_filled(piece, 4.0, ground);
        }
        let colour = if chosen { t.text } else { t.dim };
        ui.painter().text(piece.center(), Align2::CENTER_CENTER, choice, theme::small(), colour);
        if response.clicked() && !chosen {
            clicked = Some(i);
        }
    }
    clicked
}
