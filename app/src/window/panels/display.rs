//! How the slice is shown; nothing here touches labels or files.

use super::{Pane, histogram, kit};
use crate::window::canvas::map;
use crate::window::command::Command;
use crate::window::results::largest_entropy;
use crate::window::state::{Layer, Stack};
use crate::window::{text, theme};
use egui::{Align, Layout, RichText, Sense, Ui, pos2, vec2};

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack) {
    let t = theme::of(ui);
    kit::heading(ui, "Display");
    histogram::show(ui, pane, stack);
    ui.horizontal(|ui| {
        let span = stack.ends[1] - stack.ends[0];
        let point = |value: f32| text::within(value, span);
        let said = format!("black {}   white {}", point(stack.window.low), point(stack.window.high));
        ui.label(RichText::new(said).font(theme::figures()).color(t.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if stack.window != stack.auto_window
                && ui.link(RichText::new("Reset").font(theme::small())).clicked()
            {
                pane.push(Command::AutoWindow);
            }
        });
    });
    kit::note(ui, "Display only: labels and files do not depend on it.");
    ui.add_space(4.0);
    opacity(ui, pane);
    match pane.state.overlay.layer {
        Layer::Entropy => {
            ui.add_space(4.0);
            entropy_legend(ui, pane);
        }
        Layer::Probability(class) => {
            ui.add_space(4.0);
            probability(ui, pane, stack, class);
        }
        Layer::Grey | Layer::Labels | Layer::Error => {}
    }
}

fn opacity(ui: &mut Ui, pane: &mut Pane<'_>) {
    let opacity = pane.state.overlay.opacity;
    kit::row(ui, "Opacity of the layer", &format!("{:.0} %", 100.0 * opacity));
    if let Some(opacity) = kit::slider(ui, "Opacity of the layer", opacity, None) {
        pane.push(Command::SetOpacity(opacity));
    }
}

/// Which class, and the scale.
fn probability(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack, class: usize) {
    let Some(model) = pane.state.model().cloned() else { return };
    let name = |i: usize| model.manifest.classes.get(i).map_or("?", |c| c.name.as_str()).to_owned();
    ui.horizontal(|ui| {
        let label = ui.label("Probability of");
        let classes =
            egui::ComboBox::from_id_salt("probability").selected_text(name(class)).show_ui(ui, |ui| {
                for i in 0..model.manifest.classes.len() {
                    if ui.selectable_label(i == class, name(i)).clicked() {
                        pane.push(Command::Show(Layer::Probability(i)));
                    }
                }
            });
        classes.response.labelled_by(label.id);
    });
    if stack.kept().is_some_and(|k| k.probabilities.is_empty()) {
        kit::note(ui, "Kept for slices that were looked at one by one: segment this slice to see it.");
    }
    scale(ui, ["0", "1"]);
}

fn entropy_legend(ui: &mut Ui, pane: &Pane<'_>) {
    let Some(model) = pane.state.model() else { return };
    let most = largest_entropy(&model.manifest);
    kit::row(ui, "Entropy, nats", &format!("0 to ln {} = {most:.2}", model.manifest.classes.len()));
    scale(ui, ["sure", "in full doubt"]);
}

fn scale(ui: &mut Ui, ends: [&str; 2]) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 10.0), Sense::hover());
    let mut mesh = egui::Mesh::default();
    for i in 0..64u16 {
        let x = |i: u16| rect.left() + rect.width() * f32::from(i) / 64.0;
        let piece = egui::Rect::from_min_max(pos2(x(i), rect.top()), pos2(x(i + 1), rect.bottom()));
        mesh.add_colored_rect(piece, map::magma(f32::from(i) / 63.0));
    }
    ui.painter().add(mesh);
    ui.horizontal(|ui| {
        kit::note(ui, ends[0]);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| kit::note(ui, ends[1]));
    });
}
