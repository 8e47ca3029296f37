//! Tables of text: figures right-aligned, columns as wide as they need, headings that stay.

use crate::window::theme;
use egui::text::LayoutJob;
use egui::{
    Align, Align2, FontId, Galley, Rect, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};
use std::sync::Arc;

/// Height of a row, and how many of them are seen at once.
const LINE: f32 = 23.0;
const ROWS: usize = 14;
/// Room at both sides of a column.
const SIDE: f32 = 9.0;
/// Narrowest that a heading is set in lines, and widest that a cell is shown in full.
const HEADING: f32 = 84.0;
const WIDEST: f32 = 360.0;

/// A column as it is drawn.
struct Column {
    heading: Arc<Galley>,
    width: f32,
    figures: bool,
}

/// Draws it; `id` tells tables apart.
pub fn show(ui: &mut Ui, id: (u64, usize), columns: &[String], rows: &[Vec<String>]) {
    let columns: Vec<Column> =
        columns.iter().enumerate().map(|(i, name)| column(ui, name, rows, i)).collect();
    let width: f32 = columns.iter().map(|c| c.width).sum();
    ScrollArea::horizontal().id_salt(id).show(ui, |ui| {
        ui.vertical(|ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = 0.0;
            header(ui, &columns, width);
            let body = ScrollArea::vertical().id_salt((id, "rows")).max_height(LINE * ROWS as f32);
            body.show_rows(ui, LINE, rows.len(), |ui, seen| {
                rows.iter()
                    .skip(seen.start)
                    .take(seen.len())
                    .for_each(|cells| row(ui, &columns, width, cells));
            });
        });
    });
}

fn font(figures: bool) -> FontId {
    if figures { theme::figures() } else { theme::body() }
}

/// Whether a cell is a figure, or the dash that stands for none.
fn is_figure(cell: &str) -> bool {
    cell.starts_with(|c: char| c.is_ascii_digit() || "+-−–".contains(c))
}

fn column(ui: &Ui, name: &str, rows: &[Vec<String>], number: usize) -> Column {
    let t = theme::of(ui);
    let cells = || rows.iter().filter_map(|row| row.get(number));
    let figures = !rows.is_empty() && cells().all(|c| is_figure(c));
    let wide = |text: &str, font: FontId| ui.painter().layout_no_wrap(text.to_owned(), font, t.text).size().x;
    let widest = cells().map(|c| wide(c, font(figures))).fold(0.0, f32::max).min(WIDEST);
    let strong = || theme::strong(theme::SMALL - 0.5);
    let word = name.split(' ').map(|w| wide(w, strong())).fold(0.0, f32::max);
    let room = widest.max(word).max(HEADING.min(wide(name, strong()))) + 1.0;
    let mut job = LayoutJob::simple(name.to_owned(), strong(), t.dim, room);
    job.halign = if figures { Align::RIGHT } else { Align::LEFT };
    Column { width: room + 2.0 * SIDE, heading: ui.painter().layout_job(job), figures }
}

fn header(ui: &mut Ui, columns: &[Column], width: f32) {
    let t = theme::of(ui);
    let high = columns.iter().map(|c| c.heading.size().y).fold(0.0, f32::max) + 8.0;
    let (line, _) = ui.allocate_exact_size(vec2(width, high), Sense::hover());
    let mut left = line.left();
    for column in columns {
        let x = if column.figures { left + column.width - SIDE } else { left + SIDE };
        let y = line.bottom() - 5.0 - column.heading.size().y;
        ui.painter().galley(pos2(x, y), column.heading.clone(), t.dim);
        left += column.width;
    }
    ui.painter().hline(line.x_range(), line.bottom(), Stroke::new(1.0, t.line));
}

fn row(ui: &mut Ui, columns: &[Column], width: f32, cells: &[String]) {
    let t = theme::of(ui);
    let (line, response) = ui.allocate_exact_size(vec2(width, LINE), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Row, true, cells.join(", ")));
    if response.hovered() {
        ui.painter().rect_filled(line, 3.0, t.raised);
    }
    let mut left = line.left();
    for (column, cell) in columns.iter().zip(cells) {
        let area = Rect::from_min_max(pos2(left, line.top()), pos2(left + column.width, line.bottom()));
        let (at, align) = if column.figures {
            (area.right_center() - vec2(SIDE, 0.0), Align2::RIGHT_CENTER)
        } else {
            (area.left_center() + vec2(SIDE, 0.0), Align2::LEFT_CENTER)
        };
        let clip = ui.painter().with_clip_rect(area.intersect(ui.clip_rect()));
        clip.text(at, align, cell, font(column.figures), t.text);
        left += column.width;
    }
}
