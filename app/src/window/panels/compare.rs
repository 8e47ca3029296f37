//! The Compare workspace: methods side by side on the same images.

#[path = "compare_chosen.rs"]
mod chosen;

use super::chart::Axes;
use super::{Pane, kit, studies, train};
use crate::window::command::{Ask, Command};
use crate::window::comparison::{Column, Comparison, Row};
use crate::window::theme;
use egui::{
    Align2, CentralPanel, Color32, Frame, Panel, Pos2, Rect, RichText, Role, ScrollArea, Sense, Stroke,
    StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

/// Widths of the columns after the first, and what they hold.
const COLUMNS: [(&str, f32, Option<Column>); 7] = [
    ("λ", 48.0, Some(Column::Lambda)),
    ("IoU", 108.0, Some(Column::Iou)),
    ("GFLOPs", 76.0, Some(Column::Cost)),
    ("IoU/GF", 66.0, Some(Column::Worth)),
    ("Reward", 66.0, Some(Column::Reward)),
    ("S / M / L, %", 96.0, None),
    ("above random (95 %)", 212.0, None),
];

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    views(ui, pane);
    if pane.state.studies.open { studies::show(ui, pane) } else { methods(ui, pane) }
}

/// Methods, or the paper's experiments.
fn views(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    Panel::top("views").frame(kit::panel(t, 18, 8)).show(ui, |ui| {
        let on = Some(usize::from(pane.state.studies.open));
        let names = ["Methods", "The paper's experiments"];
        let view = ui.allocate_ui(vec2(394.0, 28.0), |ui| kit::segments(ui, "Compare", &names, on)).inner;
        if let Some(view) = view {
            pane.push(Command::Study(Ask::Open(view == 1)));
        }
    });
}

fn methods(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    Panel::right("against").exact_size(400.0).resizable(false).frame(kit::panel(t, 18, 16)).show(ui, |ui| {
        Panel::bottom("compare").frame(kit::panel(t, 0, 0)).resizable(false).show(ui, |ui| start(ui, pane));
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            plot(ui, &pane.state.comparison);
            kit::divide(ui);
            chosen::show(ui, pane);
            kit::divide(ui);
            kit::heading(ui, "On your own images");
            train::data(ui, pane);
            ui.add_space(8.0);
        });
    });
    table(ui, pane);
}

/// The button that compares on one's own images, or how far that is.
fn start(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    ui.add_space(10.0);
    match pane.state.comparison.working.clone() {
        Some((what, done, total)) => {
            let share = done as f32 / total.max(1) as f32;
            kit::note(
                ui,
                if what == "methods" {
                    format!("Running each method in earnest: {done} of {total}")
                } else {
                    format!("Every net on every patch: {done} of {total} images")
                },
            );
            kit::progress(ui, share, t.accent);
            if kit::secondary(ui, "Stop comparing", ui.available_width(), true).clicked() {
                pane.push(Command::StopComparing);
            }
        }
        None => {
            let obstacle = pane.state.busy();
            let button = kit::primary(ui, "Compare all methods", ui.available_width(), obstacle.is_none());
            if button.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
                pane.push(Command::Compare);
            }
        }
    }
}

/// The rows.
fn table(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    CentralPanel::default().frame(Frame::new().fill(t.canvas).inner_margin(20)).show(ui, |ui| {
        let comparison = &pane.state.comparison;
        if comparison.rows.is_empty() {
            ui.vertical_centered(|ui| {
                ui.add_space((ui.available_height() * 0.36).max(20.0));
                ui.label(RichText::new("No figures yet").font(theme::strong(22.0)).color(t.on_canvas));
                let said = "This bundle records none. Choose images with labels at the right and compare all methods on them.";
                ui.label(RichText::new(said).color(t.on_canvas_dim));
            });
            return;
        }
        ui.label(RichText::new("Methods side by side").font(theme::strong(18.0)).color(t.on_canvas));
        let said = format!("{}. Click a row to see its patches, and what it makes of the slice on show.", comparison.on);
        ui.label(RichText::new(said).font(theme::small()).color(t.on_canvas_dim));
        ui.add_space(10.0);
        header(ui, pane);
        let order = pane.state.comparison.order();
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for i in order {
                if let Some(line) = pane.state.comparison.rows.get(i).cloned() {
                    row(ui, pane, &line);
                }
            }
        });
    });
}

/// Left ends of the columns in a line, the first for names.
fn cells(line: Rect) -> Vec<Rect> {
    let rest: f32 = COLUMNS.iter().map(|c| c.1).sum();
    let mut left = line.left() + (line.width() - rest).max(120.0);
    let mut cells = vec![line.with_max_x(left)];
    for (_, width, _) in COLUMNS {
        cells.push(Rect::from_min_max(pos2(left, line.top()), pos2(left + width, line.bottom())));
        left += width;
    }
    cells
}

fn header(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), 26.0), Sense::hover());
    let (sorted, falling) = pane.state.comparison.sort;
    let names = [("Method", 0.0, Some(Column::Given))].into_iter().chain(COLUMNS);
    for ((name, _, column), cell) in names.zip(cells(line)) {
        let on = column == Some(sorted) && sorted != Column::Given;
        let arrow = if !on {
            ""
        } else if falling {
            " ↓"
        } else {
            " ↑"
        };
        let (at, align) = if column == Some(Column::Given) {
            (cell.left_center() + vec2(10.0, 0.0), Align2::LEFT_CENTER)
        } else {
            (cell.right_center() - vec2(10.0, 0.0), Align2::RIGHT_CENTER)
        };
        let colour = if on { t.on_canvas } else { t.on_canvas_dim };
        ui.painter().text(at, align, format!("{name}{arrow}"), theme::strong(theme::SMALL - 0.5), colour);
        let Some(column) = column else { continue };
        let response = ui.interact(cell, ui.scope_id().with(("sort", name)), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Sort by {name}")));
        if response.clicked() {
            pane.push(Command::SortBy(
                column,
                if on { !falling } else { column != Column::Lambda && column != Column::Given },
            ));
        }
    }
    ui.painter().hline(line.x_range(), line.bottom(), Stroke::new(1.0, t.line));
}

fn row(ui: &mut Ui, pane: &mut Pane<'_>, row: &Row) {
    let t = theme::of(ui);
    let (line, response) = ui.allocate_exact_size(vec2(ui.available_width(), 27.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, row.title()));
    let chosen = pane.state.comparison.chosen.as_ref();
    if chosen.is_some_and(|(method, lambda)| *method == row.method && *lambda == row.lambda) {
        ui.painter().rect_filled(line, 4.0, t.accent.gamma_multiply(0.2));
    } else if response.hovered() {
        ui.painter().rect_filled(line, 4.0, t.raised);
    }
    let shares: Vec<String> = row.shares.iter().map(|s| format!("{:.0}", 100.0 * s)).collect();
    let above = row
        .above_random
        .map_or_else(String::new, |p| format!("{:+.4} [{:+.4}, {:+.4}]", p.mean, p.low, p.high));
    let figures = [
        row.lambda.map_or_else(String::new, |l| l.to_string()),
        row.spread.map_or_else(|| format!("{:.4}", row.iou), |s| format!("{:.4} ± {s:.4}", row.iou)),
        format!("{:.2}", row.flops / 1e9),
        format!("{:.4}", row.per_gigaflop()),
        row.reward.map_or_else(String::new, |r| format!("{r:.4}")),
        shares.join(" / "),
        above,
    ];
    let cells = cells(line);
    let (colour, strong) = (colour(ui, &row.method), row.method.starts_with("paser"));
    let dot = cells[0].left_center() + vec2(14.0, 0.0);
    ui.painter().circle_filled(dot, 3.5, colour);
    let font = if strong { theme::strong(theme::BODY) } else { theme::body() };
    let name = ui.painter().layout_no_wrap(row.name(), font, t.on_canvas);
    let clip = ui.painter_at(cells[0]);
    clip.galley(dot + vec2(12.0, -name.size().y / 2.0), name, t.on_canvas);
    for (figure, cell) in figures.iter().zip(&cells[1..]) {
        let gains = row.above_random.is_some_and(|p| p.low > 0.0) && figure.starts_with('+');
        let colour = if gains { t.good } else { t.on_canvas };
        kit::put(ui, cell.right_center() - vec2(10.0, 0.0), Align2::RIGHT_CENTER, figure, colour);
    }
    if response.clicked() {
        pane.push(Command::ChooseRow(row.method.clone(), row.lambda));
    }
}

fn colour(ui: &Ui, method: &str) -> Color32 {
    let t = theme::of(ui);
    match method {
        m if m.starts_with("paser") => t.accent,
        m if m.starts_with("random") => Color32::from_rgb(0xcc, 0x79, 0xa7),
        "oracle" => Color32::from_rgb(0xd5, 0x5e, 0x00),
        _ => t.dim,
    }
}

/// A place beside the point `at` for a label of `size` that covers nothing of `taken`, where there is one.
fn free(at: Pos2, size: Vec2, within: Rect, taken: &[Rect]) -> Rect {
    let (right, left, middle) = (7.0, -7.0 - size.x, -size.x / 2.0);
    let (below, above, level) = (5.0, -5.0 - size.y, -size.y / 2.0);
    let near = [(right, level), (right, below), (right, above), (left, level), (left, below), (left, above)];
    let far = (0..5u8).flat_map(|row| {
        let away = f32::from(row) * size.y;
        [(middle, below + away), (left, below + away), (middle, above - away), (left, above - away)]
    });
    let mut rects = near.into_iter().chain(far).map(|(x, y)| Rect::from_min_size(at + vec2(x, y), size));
    let fits = |r: &Rect| within.shrink(2.0).contains_rect(*r) && taken.iter().all(|t| !t.intersects(*r));
    rects.clone().find(fits).or_else(|| rects.next()).unwrap_or(within)
}

/// IoU over cost; PaSeR's λ joined by a line.
fn plot(ui: &mut Ui, comparison: &Comparison) {
    let t = theme::of(ui);
    kit::heading(ui, "IoU over cost");
    let (frame, response) = ui.allocate_exact_size(vec2(ui.available_width(), 300.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Group, true, "IoU over cost of every method"));
    ui.painter().rect_stroke(frame, 6.0, Stroke::new(1.0, t.line), StrokeKind::Inside);
    if comparison.rows.is_empty() {
        return;
    }
    let area = Rect::from_min_max(frame.min + vec2(54.0, 22.0), frame.max - vec2(22.0, 30.0));
    let point = |r: &Row| [r.flops / 1e9, r.iou];
    let axes = Axes::over(comparison.rows.iter().map(point), area, true);
    axes.label(ui, frame, "GFLOPs an image, by the logarithm", |v| format!("{v:.3}"));
    for prefix in ["oracle", "random", "paser, ", "paser"] {
        let exact = prefix == "paser";
        let of = |r: &&Row| if exact { r.method == "paser" } else { r.method.starts_with(prefix) };
        let along = comparison.rows.iter().filter(|r| r.lambda.is_some());
        let mut places: Vec<[f64; 2]> = along.filter(of).map(point).collect();
        places.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let colour = colour(ui, prefix);
        let line = places.iter().map(|p| axes.place(*p)).collect();
        ui.painter().line(line, Stroke::new(if exact { 2.0 } else { 1.0 }, colour.gamma_multiply(0.8)));
        places.iter().for_each(|p| _ = ui.painter().circle_filled(axes.place(*p), 3.0, colour));
    }
    let mut taken: Vec<Rect> = comparison
        .rows
        .iter()
        .map(|r| Rect::from_center_size(axes.place(point(r)), vec2(8.0, 8.0)))
        .collect();
    for row in comparison.rows.iter().filter(|r| r.lambda.is_none()) {
        let at = axes.place(point(row));
        ui.painter().circle(at, 4.0, t.panel, Stroke::new(1.5, t.text));
        let name = ui.painter().layout_no_wrap(row.method.clone(), theme::strong(theme::SMALL), t.text);
        let place = free(at, name.size(), area.expand2(vec2(22.0, 6.0)), &taken);
        taken.push(place);
        ui.painter().galley(place.min, name, t.text);
    }
    ui.horizontal(|ui| {
        for name in ["paser", "random", "oracle"] {
            let (dot, _) = ui.allocate_exact_size(vec2(8.0, 16.0), Sense::hover());
            ui.painter().circle_filled(dot.center(), 3.5, colour(ui, name));
            kit::note(
                ui,
                if name == "paser" {
                    "PaSeR by λ"
                } else if name == "random" {
                    "random, same shares"
                } else {
                    name
                },
            );
        }
    });
}
