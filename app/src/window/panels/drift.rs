//! Words of warning where a stack does not look like what the bundle knows.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::drift::{alarms, basis};
use crate::window::state::Stack;
use crate::window::theme;
use egui::{Frame, Margin, RichText, Stroke, Ui};

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack) {
    let t = theme::of(ui);
    let Some(model) = pane.state.model().cloned() else { return };
    let lambda = pane.state.lambda;
    let count = stack.results.summaries().filter(|s| s.lambda == lambda).count();
    kit::heading(ui, "Drift");
    if count == 0 {
        kit::note(ui, "Once slices are segmented, their routing is compared with the bundle's validation.");
        return;
    }
    let alarms = alarms(&model.manifest, &stack.results, lambda);
    if alarms.is_empty() {
        let said = if count == 1 { "1 slice looks".to_owned() } else { format!("{count} slices look") };
        ui.label(RichText::new(format!("{said} like what the bundle was validated on.")).color(t.good))
            .on_hover_text(basis(count));
        return;
    }
    for alarm in alarms {
        let frame = Frame::new()
            .fill(t.warn_fill)
            .corner_radius(6)
            .stroke(Stroke::new(1.0, t.warn.gamma_multiply(0.35)))
            .inner_margin(Margin::symmetric(11, 8));
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.label(RichText::new(&alarm.text).font(theme::small()).color(t.warn))
                .on_hover_text(basis(count));
            if let Some(z) = alarm.at
                && ui.link(RichText::new("Look").font(theme::small())).clicked()
            {
                pane.push(Command::GoTo(z));
            }
        });
    }
}
