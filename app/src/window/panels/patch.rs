//! Why the selected patch went where it did.

use super::{Pane, kit};
use crate::window::results::Model;
use crate::window::state::Stack;
use crate::window::{text, theme};
use egui::{Align2, RichText, Sense, Ui, pos2, vec2};
use paser_core::route::PatchRoute;

/// Draws it.
pub fn show(ui: &mut Ui, pane: &Pane<'_>, stack: &Stack) {
    let route = stack.kept().zip(stack.selected).and_then(|(kept, i)| kept.routes.get(i).cloned());
    let (Some(route), Some(model)) = (route, pane.state.model()) else {
        kit::heading(ui, "Patch");
        kit::note(ui, "Click a patch to see why it went where it did.");
        return;
    };
    let [height, width] = model.manifest.layout.patch();
    let place = format!("Patch {} · {}", route.at.y / height.max(1) + 1, route.at.x / width.max(1) + 1);
    kit::heading(ui, &place);
    probabilities(ui, model, &route);
    let t = theme::of(ui);
    let letter = theme::letter(usize::from(route.net), model.manifest.nets.len());
    let said = if route.net == 0 { "kept by the small net".to_owned() } else { format!("sent to {letter}") };
    let said = format!("{said}; mean entropy {:.2} nats", route.entropy);
    ui.label(RichText::new(said).font(theme::small()).color(t.dim));
}

/// The policy's probability of each net, and what the net adds to the cost.
fn probabilities(ui: &mut Ui, model: &Model, route: &PatchRoute) {
    let t = theme::of(ui);
    let nets = model.manifest.nets.len();
    for (net, probability) in route.probabilities.iter().enumerate() {
        let chosen = net == usize::from(route.net);
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
        let painter = ui.painter_at(rect);
        let colour = if chosen { t.text } else { t.dim };
        let middle = rect.center().y;
        let font = if chosen { theme::strong(theme::SMALL) } else { theme::small() };
        painter.text(pos2(rect.left(), middle), Align2::LEFT_CENTER, theme::letter(net, nets), font, colour);
        let cost = if net == 0 { 0 } else { model.costs.patch.get(net).copied().unwrap_or(0) };
        let cost = if cost == 0 { "no extra cost".to_owned() } else { format!("+ {}", text::flops(cost)) };
        painter.text(pos2(rect.right(), middle), Align2::RIGHT_CENTER, cost, theme::small(), t.dim);
        let bar = egui::Rect::from_min_max(
            pos2(rect.left() + 22.0, middle - 4.0),
            pos2(rect.right() - 142.0, middle + 4.0),
        );
        painter.rect_filled(bar, 4.0, t.track);
        let mut filled = bar;
        filled.set_width(bar.width() * probability.clamp(0.0, 1.0));
        painter.rect_filled(filled, 4.0, theme::route(net).gamma_multiply(if chosen { 1.0 } else { 0.6 }));
        let figure = format!("{probability:.2}");
        painter.text(
            pos2(bar.right() + 38.0, middle),
            Align2::RIGHT_CENTER,
            figure,
            theme::figures(),
            colour,
        );
    }
}
