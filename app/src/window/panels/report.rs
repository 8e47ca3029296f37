//! The Report workspace: what the open stack has come to, and where its files are.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::drift;
use crate::window::results::Summary;
use crate::window::state::{Stack, Workspace};
use crate::window::{text, theme};
use egui::{CentralPanel, Color32, Frame, Margin, RichText, ScrollArea, Stroke, Ui};

const WIDTH: f32 = 620.0;

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    CentralPanel::default().frame(Frame::new().fill(t.canvas).inner_margin(20)).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.vertical_centered(|ui| match &pane.state.stack {
                Some(stack) if stack.results.summaries().next().is_some() => page(ui, pane, stack),
                _ => empty(ui, pane),
            });
        });
    });
}

fn empty(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    ui.add_space(220.0);
    ui.label(RichText::new("Nothing to report yet").font(theme::strong(22.0)).color(t.on_canvas));
    let said = "Segment a stack first: its phases, its routing, its cost and its files are summed up here.";
    ui.label(RichText::new(said).color(t.on_canvas_dim));
    ui.add_space(8.0);
    if ui.link("Go to Segment").clicked() {
        pane.push(Command::GoToWorkspace(Workspace::Segment));
    }
}

fn page(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack) {
    let t = theme::of(ui);
    let frame = Frame::new()
        .fill(t.panel)
        .corner_radius(10)
        .stroke(Stroke::new(1.0, t.line))
        .inner_margin(Margin::same(28));
    frame.show(ui, |ui| {
        ui.set_width(WIDTH);
        ui.spacing_mut().interact_size.y = 18.0;
        ui.with_layout(egui::Layout::top_down(egui::Align::LEFT), |ui| {
            ui.label(RichText::new(stack.name()).font(theme::strong(20.0)).color(t.text));
            let count = stack.results.summaries().count();
            let (w, h) = (stack.info.width, stack.info.height);
            kit::note(ui, format!("{count} of {} slices segmented, {w} × {h} px", stack.info.slices));
            kit::divide(ui);
            phases(ui, pane, stack);
            kit::divide(ui);
            routing(ui, pane, stack);
            kit::divide(ui);
            words(ui, pane, stack);
            kit::divide(ui);
            files(ui, pane);
        });
    });
}

/// Mean over the segmented slices with the spread between slices.
fn phases(ui: &mut Ui, pane: &Pane<'_>, stack: &Stack) {
    kit::heading(ui, "Phases, mean ± spread of the slices");
    let Some(model) = pane.state.model() else { return };
    let all: Vec<Vec<f64>> = stack.results.summaries().map(Summary::fractions).collect();
    for (i, class) in model.manifest.classes.iter().enumerate() {
        let values: Vec<f64> = all.iter().filter_map(|f| f.get(i).copied()).collect();
        let n = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / n;
        let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        ui.horizontal(|ui| {
            let [r, g, b] = class.colour;
            kit::swatch(ui, Color32::from_rgb(r, g, b));
            let spread =
                if values.len() > 1 { format!(" ± {}", text::percent(spread)) } else { String::new() };
            kit::row(ui, &class.name, &format!("{}{spread} %", text::percent(mean)));
        });
    }
}

fn routing(ui: &mut Ui, pane: &Pane<'_>, stack: &Stack) {
    kit::heading(ui, "Routing and cost");
    let Some(model) = pane.state.model() else { return };
    let nets = model.manifest.nets.len();
    let (mut shares, mut flops, mut largest, mut count) = (vec![0.0; nets], 0u64, 0u64, 0.0);
    for summary in stack.results.summaries() {
        shares.iter_mut().zip(&summary.shares).for_each(|(sum, s)| *sum += s);
        flops = flops.saturating_add(summary.flops);
        largest = largest.saturating_add(summary.flops_largest);
        count += 1.0;
    }
    shares.iter_mut().for_each(|s| *s /= f64::max(count, 1.0));
    let names: Vec<String> = (0..nets).map(|net| theme::letter(net, nets)).collect();
    let colours: Vec<Color32> = (0..nets).map(theme::route).collect();
    kit::shares(ui, &shares, &names, &colours, 22.0);
    kit::row(ui, "Cost by the paper's count", &text::flops(flops));
    kit::row(
        ui,
        &format!("f{} on every patch would have cost", nets.saturating_sub(1)),
        &text::flops(largest),
    );
    if let Some(speed) = pane.state.speed {
        kit::row(ui, "Speed of the last run", &text::rate(speed));
    }
    if let Some(device) = &pane.state.device {
        kit::row(ui, "Device", &device.name);
    }
    kit::row(ui, "Bundle", &model.manifest.name);
}

fn words(ui: &mut Ui, pane: &Pane<'_>, stack: &Stack) {
    let t = theme::of(ui);
    kit::heading(ui, "Drift");
    let Some(model) = pane.state.model() else { return };
    let count = stack.results.summaries().filter(|s| s.lambda == pane.state.lambda).count();
    let alarms = drift::alarms(&model.manifest, &stack.results, pane.state.lambda);
    if alarms.is_empty() {
        ui.label(RichText::new("Nothing stands out.").color(t.good));
    }
    for alarm in alarms {
        ui.label(RichText::new(alarm.text).color(t.warn));
    }
    kit::note(ui, drift::basis(count));
}

fn files(ui: &mut Ui, pane: &mut Pane<'_>) {
    kit::heading(ui, "Files");
    if pane.state.exports.is_empty() {
        kit::note(
            ui,
            "Segment the whole stack to write labels, entropy, routes and the evidence (run.json) beside it.",
        );
    }
    for folder in pane.state.exports.clone() {
        ui.horizontal(|ui| {
            ui.add(egui::Label::new(folder.display().to_string()).truncate());
        });
        ui.horizontal(|ui| {
            let report = pane.state.reports.iter().find(|page| page.parent() == Some(&folder)).cloned();
            if let Some(page) = report {
                let printed = page.with_extension("pdf");
                link(ui, pane, "Report (PDF)", Command::Launch(printed));
                link(ui, pane, "Report (HTML)", Command::Launch(page));
            }
            link(ui, pane, "Copy path", Command::Copy(folder.display().to_string()));
            link(ui, pane, "Open folder", Command::Launch(folder));
        });
    }
}

fn link(ui: &mut Ui, pane: &mut Pane<'_>, what: &str, command: Command) {
    if ui.link(what).clicked() {
        pane.push(command);
    }
}
