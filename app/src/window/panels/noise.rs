//! Noise laid over the slice on show, and what it changes.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::state::Stack;
use crate::window::trial::{Kind, Trial};
use crate::window::{text, theme};
use egui::{Align, Layout, RichText, Ui};
use paser_core::noise::Noise;

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack) {
    kit::heading(ui, "Noise test");
    if stack.kept().is_none() {
        kit::note(ui, "Segment this slice, then see how its labels and routing stand noise.");
        return;
    }
    let noise = pane.state.noise;
    let mut names = vec!["off"];
    names.extend(Kind::ALL.map(|k| k.names()[0]));
    let on = Kind::of(noise).and_then(|k| Kind::ALL.iter().position(|other| *other == k));
    if let Some(i) = kit::segments(ui, "Noise", &names, Some(on.map_or(0, |i| i + 1))) {
        let kind = i.checked_sub(1).and_then(|i| Kind::ALL.get(i));
        pane.push(Command::SetNoise(kind.map_or(Noise::None, |k| k.at(0.2))));
    }
    let Some(kind) = Kind::of(noise) else {
        hold(ui, pane, stack);
        return;
    };
    let (place, strength) = Kind::place(noise);
    kit::row(ui, kind.names()[1], &strength.to_string());
    if let Some(place) = kit::slider(ui, kind.names()[1], place, None) {
        let changed = kind.at(place);
        if changed != noise {
            pane.push(Command::SetNoise(changed));
        }
    }
    if let Some(trial) = stack.trial() {
        changes(ui, pane, stack, trial);
    }
}

/// The other use of a second result: hold this one and change something.
fn hold(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack) {
    let small = |said: &str| RichText::new(said.to_owned()).font(theme::small());
    match stack.trial() {
        None => {
            if ui.link(small("Hold this result and compare it with the next")).clicked() {
                pane.push(Command::Hold);
            }
        }
        Some(trial) => {
            changes(ui, pane, stack, trial);
            if ui.link(small("Let the held result go")).clicked() {
                pane.push(Command::LetGo);
            }
        }
    }
}

/// What differs between the result in force and the second one.
fn changes(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack, trial: &Trial) {
    let (Some(kept), Some(summary), Some(model)) = (stack.kept(), stack.summary(), pane.state.model()) else {
        return;
    };
    let (changed, scores) = pane.canvas.changes(stack, kept, trial, model.manifest.classes.len());
    kit::row(ui, "Labels changed", &format!("{} %", text::percent(changed)));
    if let (Some(a), Some(b)) = (summary.entropy, trial.summary.entropy) {
        kit::row(ui, "Mean entropy, nats", &format!("{a:.3} → {b:.3}"));
    }
    let nets = summary.shares.len();
    for (net, (a, b)) in summary.shares.iter().zip(&trial.summary.shares).enumerate() {
        let name = format!("To {}, %", theme::letter(net, nets));
        kit::row(ui, &name, &format!("{:.0} → {:.0}", 100.0 * a, 100.0 * b));
    }
    let cost = format!("{} → {}", text::flops(summary.flops), text::flops(trial.summary.flops));
    kit::row(ui, "Cost", &cost);
    match scores {
        Some([Some(a), Some(b)]) => kit::row(ui, "IoU beside the truth", &format!("{a:.3} → {b:.3}")),
        _ => drop(kit::note(ui, "With truth loaded, the change of IoU stands here.")),
    }
    ui.horizontal(|ui| {
        kit::note(ui, "Side by side, or divided by a line");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let name = if pane.state.overlay.split { "Divide" } else { "Split" };
            if ui.link(RichText::new(name).font(theme::small())).clicked() {
                pane.push(Command::ToggleSplit);
            }
        });
    });
}
