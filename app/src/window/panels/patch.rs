//! Route audit: the selected patch as every net sees it, what that costs, and what the policy gave up.

use super::{Pane, kit};
use crate::window::canvas::Piece;
use crate::window::results::Model;
use crate::window::state::Stack;
use crate::window::{text, theme};
use egui::{Align2, Color32, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use paser_core::metrics::macro_iou;
use paser_core::route::PatchRoute;
use paser_core::route::live::Audit;
use paser_core::train::loss::reward;

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack) {
    let t = theme::of(ui);
    let route = stack.kept().zip(stack.selected).and_then(|(kept, i)| kept.routes.get(i).cloned());
    let (Some(route), Some(model)) = (route, pane.state.model().cloned()) else {
        kit::heading(ui, "Route audit");
        kit::note(
            ui,
            "Click a patch to see what each net says of it, what that costs and what the policy gave up.",
        );
        return;
    };
    let [height, width] = model.manifest.layout.patch();
    let place = [route.at.y / height.max(1) + 1, route.at.x / width.max(1) + 1];
    kit::heading(ui, &format!("Patch {} · {} — route audit", place[0], place[1]));
    let audit = stack.audit.as_ref().filter(|a| a.at == route.at);
    let ious = audit.map(|audit| ious(stack, audit, &model)).unwrap_or_default();
    cards(ui, pane, stack, &model, (&route, audit, &ious));
    ui.horizontal(|ui| {
        kit::note(ui, format!("Mean entropy {:.2} nats", route.entropy));
        if audit.is_none() && pane.state.look.is_some() {
            ui.add(egui::Spinner::new().size(11.0));
            kit::note(ui, "asking every net…");
        }
    });
    let lambda = stack.summary().map_or(pane.state.lambda, |s| s.lambda);
    match given_up(&ious, &model, usize::from(route.net), lambda) {
        Some(said) => drop(ui.label(RichText::new(said).font(theme::small()).color(t.text)).on_hover_text(
            "Reward by the paper's Eq. 2 and 3: (1 − λ) × what IoU a net gains over f0, less λ × its share of the parameters",
        )),
        None if stack.truth.is_none() => drop(kit::note(ui, "Load the truth to see each net's IoU and what the policy gave up.")),
        None => {}
    }
}

/// IoU of each net in the patch; empty where there is no truth.
fn ious(stack: &Stack, audit: &Audit, model: &Model) -> Vec<f64> {
    let Some(truth) = stack.truth.as_ref().and_then(|t| t.slice(stack.z)) else { return Vec::new() };
    let width = stack.info.width;
    let row = |y: usize| truth.get(y * width + audit.at.x..).and_then(|r| r.get(..audit.at.width));
    let there: Vec<u8> =
        (audit.at.y..audit.at.y + audit.at.height).filter_map(row).flatten().copied().collect();
    audit.labels.iter().filter_map(|l| macro_iou(l, &there, model.manifest.classes.len())).collect()
}

/// The best net's reward less that of the one chosen, in words.
fn given_up(ious: &[f64], model: &Model, chosen: usize, lambda: f64) -> Option<String> {
    let nets = model.manifest.nets.len();
    if ious.len() != nets {
        return None;
    }
    let of = |net: usize| {
        let cost = model.reward_costs.get(net).copied().unwrap_or(0.0);
        reward(ious[net] - ious[0], cost, lambda)
    };
    let best = (0..nets).max_by(|a, b| of(*a).total_cmp(&of(*b)).then(b.cmp(a)))?;
    let letter = theme::letter(best, nets);
    let lost = of(best) - of(chosen);
    Some(if best == chosen || lost <= 0.0 {
        format!("Gave up nothing: {letter} was best at λ {lambda}.")
    } else {
        format!("Gave up {lost:.3} of reward: {letter} was best at λ {lambda}.")
    })
}

/// A card a net: what it says, the policy's probability, cost and IoU; and the pixels first.
fn cards(
    ui: &mut Ui,
    pane: &mut Pane<'_>,
    stack: &Stack,
    model: &Model,
    (route, audit, ious): (&PatchRoute, Option<&Audit>, &[f64]),
) {
    let nets = model.manifest.nets.len();
    let columns = (nets + 1).min(4);
    let gap = 6.0;
    let width = (ui.available_width() - gap * (columns as f32 - 1.0)) / columns as f32;
    let picture = vec2(width - 8.0, (width - 8.0) * route.at.height as f32 / route.at.width.max(1) as f32);
    let card = vec2(width, picture.y + 62.0);
    let rows = (nets + 1).div_ceil(columns);
    let (all, _) = ui
        .allocate_exact_size(vec2(ui.available_width(), rows as f32 * (card.y + gap) - gap), Sense::hover());
    for i in 0..=nets {
        let corner = vec2((i % columns) as f32 * (width + gap), (i / columns) as f32 * (card.y + gap));
        let rect = Rect::from_min_size(all.min + corner, card);
        let inner = Rect::from_min_size(rect.min + vec2(4.0, 4.0), picture);
        let piece = match i.checked_sub(1) {
            None => Some(Piece::Grey),
            Some(net) => audit.map(|_| Piece::Net(net)),
        };
        let lines = match i.checked_sub(1) {
            None => ["Grey".to_owned(), "as read".to_owned(), String::new()],
            Some(net) => lines(model, route, ious, net),
        };
        frame(ui, rect, &lines, i.checked_sub(1), route, nets);
        let texture = piece.and_then(|piece| {
            pane.canvas.piece(ui.ctx(), stack, route.at, audit, piece, &model.manifest.classes)
        });
        let t = theme::of(ui);
        match texture {
            Some(texture) => {
                let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                ui.painter().image(texture, inner, whole, Color32::WHITE);
            }
            None => drop(ui.painter().rect_filled(inner, 3.0, t.track)),
        }
    }
}

/// Name and probability, cost, IoU.
fn lines(model: &Model, route: &PatchRoute, ious: &[f64], net: usize) -> [String; 3] {
    let nets = model.manifest.nets.len();
    let probability = route.probabilities.get(net).map(|p| format!("  {p:.2}")).unwrap_or_default();
    let layout = model.manifest.layout;
    let passes = model.manifest.monte_carlo.passes as u64 * model.costs.f0 / layout.patches().max(1) as u64;
    let cost = if net == 0 { passes } else { model.costs.patch.get(net).copied().unwrap_or(0) };
    let iou = ious.get(net).map(|iou| format!("IoU {iou:.2}")).unwrap_or_default();
    [format!("{}{probability}", theme::letter(net, nets)), text::short_flops(cost), iou]
}

fn frame(ui: &Ui, rect: Rect, lines: &[String; 3], net: Option<usize>, route: &PatchRoute, nets: usize) {
    let t = theme::of(ui);
    let chosen = net == Some(usize::from(route.net));
    let colour = if chosen { net.map_or(t.line, theme::route) } else { t.line };
    let response = ui.interact(rect, ui.scope_id().with(("audit", net)), Sense::hover());
    let said = lines.iter().filter(|l| !l.is_empty()).cloned().collect::<Vec<_>>().join(", ");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, said.clone()));
    ui.painter().rect(
        rect,
        5.0,
        t.raised,
        Stroke::new(if chosen { 1.5 } else { 1.0 }, colour),
        StrokeKind::Inside,
    );
    for (i, line) in lines.iter().enumerate() {
        let at = pos2(rect.left() + 6.0, rect.bottom() - 49.0 + 16.0 * i as f32);
        let font = if i == 0 { theme::strong(theme::SMALL) } else { egui::FontId::proportional(11.0) };
        let colour = if i == 0 { t.text } else { t.dim };
        ui.painter().text(at, Align2::LEFT_CENTER, line, font, colour);
    }
    let hint = match net {
        None => "The patch as the file holds it".to_owned(),
        Some(0) => format!(
            "{}: f0's Monte Carlo passes, which every patch pays; the figure beside the letter is the policy's probability",
            theme::letter(0, nets)
        ),
        Some(net) => format!(
            "{}: what f{net} says, beside the letter the policy's probability, below what the net adds to the cost",
            theme::letter(net, nets)
        ),
    };
    response.on_hover_text(hint);
}
