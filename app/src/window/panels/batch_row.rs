//! One row of the batch table.

use crate::window::batch::{Row, RowState};
use crate::window::command::{BatchCommand, Command};
use crate::window::engine::Stage;
use crate::window::panels::{Pane, kit};
use crate::window::state::Run;
use crate::window::{text, theme};
use egui::text::LayoutJob;
use egui::{
    Align, Align2, Color32, Label, Layout, Rect, RichText, Role, Sense, Stroke, Ui, UiBuilder, WidgetInfo,
    pos2, vec2,
};
use paser_core::export::report::Part;

/// Height of a row, and of one with a sentence to read.
const HEIGHTS: [f32; 2] = [54.0, 68.0];
/// Widths of size, state and what one can do.
const WIDTHS: [f32; 3] = [150.0, 330.0, 160.0];

/// The cells of a line, the first for names.
fn cells(line: Rect) -> [Rect; 4] {
    let mut left = line.left() + (line.width() - WIDTHS.iter().sum::<f32>()).max(120.0);
    let mut cells = [line.with_max_x(left); 4];
    for (cell, width) in cells[1..].iter_mut().zip(WIDTHS) {
        *cell = Rect::from_min_max(pos2(left, line.top()), pos2(left + width, line.bottom()));
        left += width;
    }
    cells
}

/// What the columns hold.
pub(super) fn header(ui: &mut Ui) {
    let t = theme::of(ui);
    let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), 26.0), Sense::hover());
    for (name, cell) in ["Stack", "Size", "State", ""].iter().zip(cells(line)) {
        let font = theme::strong(theme::SMALL - 0.5);
        let at = cell.left_center() + vec2(10.0, 0.0);
        ui.painter().text(at, Align2::LEFT_CENTER, name, font, t.on_canvas_dim);
    }
    ui.painter().hline(line.x_range(), line.bottom(), Stroke::new(1.0, t.line));
}

/// Draws row `i`.
pub(super) fn show(ui: &mut Ui, pane: &mut Pane<'_>, i: usize) {
    let t = theme::of(ui);
    let state = pane.state;
    let Some(row) = state.batch.rows.get(i) else { return };
    let (line, response) = ui.allocate_exact_size(
        vec2(ui.available_width(), HEIGHTS[usize::from(aside(row).is_some())]),
        Sense::hover(),
    );
    let run = state.run.as_ref().filter(|run| run.stack == row.id);
    let said = format!("{}: {}", text::name(&row.path), words(row, run));
    response.widget_info(|| WidgetInfo::labeled(Role::Row, true, said.clone()));
    if row.works() {
        ui.painter().rect_filled(line, 4.0, t.accent.gamma_multiply(0.14));
    }
    ui.painter().hline(line.x_range(), line.bottom(), Stroke::new(1.0, t.line));
    let [name, size, what, todo] = cells(line).map(|cell| cell.shrink2(vec2(10.0, 8.0)));
    within(ui, name, |ui| {
        let full = row.path.display().to_string();
        let strong = RichText::new(text::name(&row.path)).font(theme::body()).color(t.on_canvas);
        ui.add(Label::new(strong).truncate()).on_hover_text(&full);
        let folder = row.path.parent().map_or_else(String::new, |p| p.display().to_string());
        ui.add(Label::new(RichText::new(folder).font(theme::small()).color(t.on_canvas_dim)).truncate());
    });
    within(ui, size, |ui| {
        let Some(info) = &row.info else { return };
        let shape = format!("{} × {} × {}", info.width, info.height, info.slices);
        ui.label(RichText::new(shape).font(theme::figures()).color(t.on_canvas));
        let bytes = format!("{}, {}", info.dtype, text::bytes(info.bytes));
        ui.label(RichText::new(bytes).font(theme::small()).color(t.on_canvas_dim));
    });
    within(ui, what, |ui| outcome(ui, row, run));
    let layout = Layout::right_to_left(Align::Center);
    choices(&mut ui.new_child(UiBuilder::new().max_rect(todo).layout(layout)), pane, row);
}

fn within(ui: &mut Ui, cell: Rect, add: impl FnOnce(&mut Ui)) {
    let mut child = ui.new_child(UiBuilder::new().max_rect(cell).layout(Layout::top_down(Align::LEFT)));
    child.spacing_mut().item_spacing.y = 3.0;
    child.spacing_mut().interact_size.y = 16.0;
    add(&mut child);
}

/// What became of it, in words.
fn words(row: &Row, run: Option<&Run>) -> String {
    match (&row.state, run) {
        (RowState::Looking, _) => "reading its header".to_owned(),
        (RowState::Waiting, _) => "waiting".to_owned(),
        (RowState::Skipped, Some(_)) => "skipped, stopping after this batch of patches".to_owned(),
        (RowState::Skipped, None) => "skipped".to_owned(),
        (RowState::Done { seconds, .. }, _) => format!("done in {}", text::span(*seconds)),
        (RowState::Failed(_), _) => "failed".to_owned(),
        (RowState::Running(_), Some(run)) => match run.live.as_ref().map(|live| live.stage) {
            _ if run.stopping => "stopping".to_owned(),
            Some(Stage::Slices) => {
                let rate = run.rate().zip(run.left());
                let left =
                    rate.map(|(rate, left)| format!(" · {} · {} left", text::rate(rate), text::span(left)));
                format!("{} of {} slices{}", run.done, run.total, left.unwrap_or_default())
            }
            Some(Stage::Report(course)) => match course.part {
                Part::Measures => "measuring its labels".to_owned(),
                Part::Bars => format!("error bars, {} of {} draws", course.done, course.all),
            },
            Some(Stage::Range) | None => "sampling its grey values".to_owned(),
        },
        (RowState::Opening | RowState::Running(_), _) => "opening".to_owned(),
    }
}

/// The sentence that belongs to it.
fn aside(row: &Row) -> Option<&str> {
    match &row.state {
        RowState::Done { saved, .. } => saved.note.as_deref(),
        RowState::Failed(why) => Some(why),
        _ => None,
    }
}

fn outcome(ui: &mut Ui, row: &Row, run: Option<&Run>) {
    let t = theme::of(ui);
    let colour = match &row.state {
        RowState::Done { saved, .. } if saved.note.is_none() => t.good,
        RowState::Done { .. } => t.warn,
        RowState::Failed(_) => t.error,
        RowState::Opening | RowState::Running(_) => t.on_canvas,
        RowState::Looking | RowState::Waiting | RowState::Skipped => t.on_canvas_dim,
    };
    ui.add(Label::new(RichText::new(words(row, run)).font(theme::body()).color(colour)).truncate());
    if let Some(aside) = aside(row) {
        sentence(ui, aside, t.on_canvas_dim);
    }
    if let (Some(run), RowState::Running(_)) = (run, &row.state) {
        kit::progress(ui, run.done as f32 / run.total.max(1) as f32, t.accent);
    }
}

/// A sentence on two lines; all of it under the pointer.
fn sentence(ui: &mut Ui, said: &str, colour: Color32) {
    let mut job = LayoutJob::simple(said.to_owned(), theme::small(), colour, ui.available_width());
    job.wrap.max_rows = 2;
    ui.label(job).on_hover_text(said);
}

/// What one can do with it.
fn choices(ui: &mut Ui, pane: &mut Pane<'_>, row: &Row) {
    let name = text::name(&row.path);
    let mut link = |ui: &mut Ui, what: &str, command: Command| {
        let response = ui.link(RichText::new(what.to_owned()).font(theme::small()));
        response.widget_info(|| WidgetInfo::labeled(Role::Link, true, format!("{what} {name}")));
        if response.clicked() {
            pane.push(command);
        }
    };
    let of = |make: fn(u64) -> BatchCommand| Command::Batch(make(row.id));
    match &row.state {
        RowState::Looking | RowState::Waiting => {
            link(ui, "Remove", of(BatchCommand::Remove));
            link(ui, "Skip", of(BatchCommand::Skip));
        }
        RowState::Opening | RowState::Running(_) => link(ui, "Skip", of(BatchCommand::Skip)),
        RowState::Failed(_) | RowState::Skipped => {
            link(ui, "Remove", of(BatchCommand::Remove));
            link(ui, "Retry", of(BatchCommand::Retry));
        }
        RowState::Done { saved, .. } => {
            link(ui, "Folder", Command::Launch(saved.folder.clone()));
            if let Some(report) = &saved.report {
                link(ui, "Report", Command::Launch(report.clone()));
            }
            link(ui, "Open", of(BatchCommand::Open));
        }
    }
}
