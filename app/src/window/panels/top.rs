//! The bar at the top: what is open, on which device.

use super::icons::{self, Icon};
use super::{Pane, help, kit};
use crate::window::command::Command;
use crate::window::engine::Pick;
use crate::window::state::{Loading, Stack, Workspace};
use crate::window::{text, theme};
use egui::text::{LayoutJob, TextFormat};
use egui::{
    Align, Button, Layout, Panel, Response, RichText, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    Panel::top("top").exact_size(48.0).frame(kit::panel(t, 16, 0)).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            ui.label(RichText::new("PaSeR Studio").font(theme::strong(15.0)).color(t.text));
            ui.add_space(6.0);
            tabs(ui, pane);
            ui.add_space(6.0);
            open_menu(ui, pane);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                device(ui, pane);
                let button = icon(ui, "?", None).on_hover_text("Help");
                help::menu(&button, pane);
                let mode = if ui.visuals().dark_mode { Icon::Sun } else { Icon::Moon };
                if icon(ui, "Theme", Some(mode)).on_hover_text("Light or dark (T)").clicked() {
                    pane.push(Command::ToggleMode);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| opened(ui, pane));
            });
        });
    });
}

/// What is open, or being opened.
fn opened(ui: &mut Ui, pane: &mut Pane<'_>) {
    ui.add_space(4.0);
    if let Some(stack) = &pane.state.stack {
        facts(ui, pane, stack);
    } else if let Some(path) = &pane.state.opening {
        ui.spinner();
        kit::note(ui, format!("Opening {}", text::name(path)));
    }
}

/// The workspaces.
fn tabs(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    ui.spacing_mut().item_spacing.x = 4.0;
    for (workspace, name) in Workspace::ALL {
        let on = pane.state.workspace == workspace;
        let colour = if on { t.text } else { t.dim };
        let galley = ui.painter().layout_no_wrap(name.to_owned(), theme::body(), colour);
        let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 20.0, 48.0), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::Tab, true, on, name));
        let at = rect.center() - galley.size() / 2.0;
        ui.painter().galley_with_override_text_color(
            at,
            galley,
            if response.hovered() { t.text } else { colour },
        );
        if on {
            let line = Stroke::new(2.0, t.accent);
            ui.painter().hline(rect.x_range().shrink(8.0), rect.bottom() - 1.0, line);
        }
        if response.clicked() {
            pane.push(Command::GoToWorkspace(workspace));
        }
    }
    ui.spacing_mut().item_spacing.x = 8.0;
}

fn open_menu(ui: &mut Ui, pane: &mut Pane<'_>) {
    ui.menu_button("Open", |ui| {
        ui.set_min_width(230.0);
        let mut item = |ui: &mut Ui, name: &str, keys: &str, command: Command| {
            if ui.add(Button::new(name).shortcut_text(keys).min_size(vec2(230.0, 28.0))).clicked() {
                pane.push(command);
                ui.close();
            }
        };
        item(ui, "File…", "Ctrl+O", Command::Pick(Pick::File));
        item(ui, "Folder of slices…", "Ctrl+Shift+O", Command::Pick(Pick::Folder));
        item(ui, "Path…", "", Command::PathField(Some(String::new())));
        ui.separator();
        if pane.state.sample.is_some() {
            let mut item = |ui: &mut Ui, name: &str, command: Command| {
                if ui.add(Button::new(name).min_size(vec2(230.0, 28.0))).clicked() {
                    pane.push(command);
                    ui.close();
                }
            };
            item(ui, "The sample stack", Command::OpenSample);
        }
        if ui.add(Button::new("Model bundle…").min_size(vec2(230.0, 28.0))).clicked() {
            pane.push(Command::Pick(Pick::Bundle));
            ui.close();
        }
        ui.separator();
        let open = pane.state.stack.is_some();
        let mut item = |ui: &mut Ui, name: &str, keys: &str, command: Command, on: bool| {
            let button = Button::new(name).shortcut_text(keys).min_size(vec2(230.0, 28.0));
            if ui.add_enabled(on, button).clicked() {
                pane.push(command);
                ui.close();
            }
        };
        item(ui, "Project…", "", Command::Pick(Pick::Project), true);
        item(ui, "Save the project", "Ctrl+S", Command::SaveProject(None), open);
        item(ui, "How this stack is read…", "", Command::AskImport, open);
        item(ui, "Open the log…", "", Command::OpenLog, true);
        if pane.state.stack.is_some()
            && ui.add(Button::new("Close the stack").min_size(vec2(230.0, 28.0))).clicked()
        {
            pane.push(Command::Close);
            ui.close();
        }
    });
}

/// Name, size, type and voxel size of the stack.
fn facts(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack) {
    let t = theme::of(ui);
    let info = &stack.info;
    let voxel = match (info.voxel_size, info.unit.as_deref()) {
        (Some([z, y, x]), Some(unit)) if z == y && y == x => {
            format!("{} {}", text::length(x), text::unit(unit))
        }
        (Some([z, y, x]), Some(unit)) => {
            let [z, y, x] = [z, y, x].map(text::length);
            format!("Z {z}, Y {y}, X {x} {}", text::unit(unit))
        }
        _ => "voxel size unknown".to_owned(),
    };
    let facts = format!("{} × {} × {}  ·  {}  ·  {voxel}", info.width, info.height, info.slices, info.dtype);
    let mut job = LayoutJob::default();
    let format =
        |font, color| TextFormat { font_id: font, color, valign: Align::Center, ..TextFormat::default() };
    job.append(&stack.name(), 0.0, format(theme::body(), t.text));
    job.append(&facts, 10.0, format(theme::small(), t.dim));
    let facts = ui.add(egui::Label::new(job).truncate().sense(Sense::click()));
    let hint = format!("{}\nHow this stack is read: axes, voxel size, part", stack.path.display());
    if facts.on_hover_text(hint).clicked() {
        pane.push(Command::AskImport);
    }
}

/// A square button with an icon, or with its name where it has none.
fn icon(ui: &mut Ui, name: &str, icon: Option<Icon>) -> Response {
    let t = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(30.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, theme::ROUND, t.hovered);
    }
    let colour = if response.hovered() { t.text } else { t.dim };
    match icon {
        Some(icon) => icons::paint(ui.painter(), icon, rect.center(), colour),
        None => {
            let align = egui::Align2::CENTER_CENTER;
            ui.painter().text(rect.center(), align, name, theme::strong(15.0), colour);
        }
    }
    response
}

/// The pill: which device, how fast.
fn device(ui: &mut Ui, pane: &Pane<'_>) {
    let t = theme::of(ui);
    let waiting = matches!(pane.state.model, Loading::Waiting);
    let (dot, name, hint) = match &pane.state.device {
        None => {
            (t.amber, "Preparing device…".to_owned(), "The first run on a device takes longest".to_owned())
        }
        Some(d) if d.is_real_gpu() => (t.good, d.name.clone(), format!("{}, {}", d.driver, d.backend)),
        Some(d) if d.kind == "cpu" => {
            let chosen = || "Computing on the CPU, as asked for".to_owned();
            let hint = pane.state.device_note.clone().unwrap_or_else(chosen);
            (t.amber, format!("CPU · {}", d.driver), hint)
        }
        Some(d) => (t.amber, format!("{} (software)", d.name), d.driver.clone()),
    };
    let mut said = name;
    if waiting && pane.state.device.is_some() {
        said.push_str(" · preparing…");
    } else if let Some(speed) = pane.state.speed {
        said.push_str(" · ");
        said.push_str(&text::rate(speed));
    }
    let galley = ui.painter().layout_no_wrap(said, theme::small(), t.text);
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 40.0, 28.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, galley.text()));
    ui.painter().rect(rect, 14.0, t.raised, Stroke::new(1.0, t.line), StrokeKind::Inside);
    ui.painter().circle_filled(rect.left_center() + vec2(16.0, 0.0), 4.0, dot);
    let at = pos2(rect.left() + 27.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, t.text);
    response.on_hover_text(hint);
}
