//! The rail at the left: what lies over the slice.

use super::icons::{self, Icon};
use super::{Pane, kit};
use crate::window::canvas::view::View;
use crate::window::command::Command;
use crate::window::state::Layer;
use crate::window::theme;
use egui::{Panel, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, vec2};

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    let overlay = pane.state.overlay;
    let fit = pane.state.stack.as_ref().is_some_and(|s| s.view == View::Fit);
    Panel::left("tools").exact_size(52.0).resizable(false).frame(kit::panel(t, 8, 10)).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        let class = if let Layer::Probability(class) = overlay.layer { class } else { 0 };
        let layers = [
            (Icon::Grey, "Grey values only (G)", Layer::Grey),
            (Icon::Labels, "Labels (L)", Layer::Labels),
            (Icon::Entropy, "Entropy: where the small net doubts (E)", Layer::Entropy),
            (Icon::Probability, "Probability of a class, by the small net (B)", Layer::Probability(class)),
            (Icon::Error, "Error: where labels and truth differ (X)", Layer::Error),
        ];
        for (icon, hint, layer) in layers {
            tool(ui, pane, icon, hint, overlay.layer == layer, Command::Show(layer));
        }
        gap(ui);
        tool(
            ui,
            pane,
            Icon::Routing,
            "Routing: which patch went to which net (R)",
            overlay.routing,
            Command::ToggleRouting,
        );
        let divided = overlay.swipe.is_some();
        tool(ui, pane, Icon::Swipe, "Swipe between grey and layer (S)", divided, Command::ToggleSwipe);
        let cuts = pane.state.stack.as_ref().is_some_and(|s| s.overview.is_some());
        tool(ui, pane, Icon::Cuts, "Cuts XZ and YZ beside the slice (V)", cuts, Command::ToggleCuts);
        gap(ui);
        tool(ui, pane, Icon::Fit, "Fit the slice (F)", fit, Command::SetView(View::Fit));
        tool(
            ui,
            pane,
            Icon::Actual,
            "100 %: one pixel on one of the screen's (1)",
            false,
            Command::ActualSize,
        );
    });
}

fn gap(ui: &mut Ui) {
    let t = theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(36.0, 13.0), Sense::hover());
    ui.painter().hline(rect.x_range().shrink(6.0), rect.center().y, Stroke::new(1.0, t.line));
}

fn tool(ui: &mut Ui, pane: &mut Pane<'_>, icon: Icon, hint: &str, on: bool, command: Command) {
    let t = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(36.0), Sense::click());
    let name = hint.split([':', '(']).next().unwrap_or(hint).trim();
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, name));
    if on || response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 7.0, if response.hovered() { t.hovered } else { t.raised });
    }
    let colour = if on { t.accent } else { t.dim };
    icons::paint(ui.painter(), icon, rect.center(), colour);
    if response.on_hover_text(hint).clicked() {
        pane.push(command);
    }
}
