//! The panel at the right: from the budget to the answer, and what to do next.

use super::{Pane, budget, display, drift, kit, noise, patch, wanted};
use crate::window::command::Command;
use crate::window::engine::{Pick, Stage};
use crate::window::promise;
use crate::window::results::Summary;
use crate::window::state::{Loading, Run, Stack, State, Workspace};
use crate::window::{text, theme};
use egui::{Align, Color32, Layout, RichText, Ui};
use paser_core::export::report::{Course, Part};
use paser_core::route::Method;

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    kit::settings(ui, "side", pane, sections, actions);
}

fn sections(ui: &mut Ui, pane: &mut Pane<'_>) {
    budget::show(ui, pane);
    kit::divide(ui);
    let state = pane.state;
    let Some(stack) = &state.stack else { return };
    routing(ui, pane, stack);
    kit::divide(ui);
    patch::show(ui, pane, stack);
    kit::divide(ui);
    phases(ui, pane, stack);
    kit::divide(ui);
    drift::show(ui, pane, stack);
    kit::divide(ui);
    noise::show(ui, pane, stack);
    kit::divide(ui);
    display::show(ui, pane, stack);
    kit::divide(ui);
    wanted::show(ui, pane);
}

/// Where the patches of this slice went.
fn routing(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack) {
    kit::heading(ui, "Routing of this slice");
    let Some(summary) = stack.summary() else {
        kit::note(ui, "Not segmented yet.");
        return;
    };
    let nets = summary.shares.len();
    let names: Vec<String> = (0..nets).map(|net| theme::letter(net, nets)).collect();
    let colours: Vec<Color32> = (0..nets).map(theme::route).collect();
    kit::shares(ui, &summary.shares, &names, &colours, 20.0);
    kit::row(ui, "Cost", &text::flops(summary.flops));
    truth(ui, pane, stack);
    let state = pane.state;
    if state.look.is_some() {
        ui.horizontal(|ui| {
            ui.add(egui::Spinner::new().size(12.0));
            kit::note(ui, "Routing anew: only patches not yet computed by their net…");
        });
    } else if stack.kept().is_none() {
        kit::note(ui, "Its labels were not kept, to save memory. Segment the slice again to see them.");
    } else if summary.lambda != state.lambda || summary.method != Method::Paser {
        ui.horizontal_wrapped(|ui| {
            kit::note(ui, format!("Segmented by {}.", summary.title()));
            let link = RichText::new(format!("Route at λ {}", state.lambda)).font(theme::small());
            if state.busy().is_none() && ui.link(link).clicked() {
                pane.push(Command::Reroute);
            }
        });
    } else if let Some(looked) = state.looked {
        let patches = match looked.computed {
            0 => "no patch computed".to_owned(),
            1 => "1 patch computed".to_owned(),
            n => format!("{n} patches computed"),
        };
        kit::note(ui, format!("Last change: {}, {patches}.", text::brief(looked.seconds)));
    }
}

/// IoU of the slice beside its truth, or how to have one.
fn truth(ui: &mut Ui, pane: &mut Pane<'_>, stack: &Stack) {
    let Some(model) = pane.state.model().cloned() else { return };
    if stack.truth.is_none() {
        ui.horizontal_wrapped(|ui| {
            kit::note(ui, "Truth:");
            let small = |said: &str| RichText::new(said.to_owned()).font(theme::small());
            let beside = stack.path.with_file_name("labels.tif");
            let sample = pane.state.sample.as_ref() == Some(&stack.path);
            if sample && ui.link(small("the sample's labels")).clicked() {
                pane.push(Command::OpenTruth(beside));
            }
            if ui.link(small("load labels…")).clicked() {
                pane.push(Command::Pick(Pick::Truth));
            }
        });
        return;
    }
    let Some(score) = pane.canvas.score(stack, model.manifest.classes.len()) else { return };
    let iou = score.iou.map_or_else(|| "no labelled pixel".to_owned(), |iou| format!("{iou:.3}"));
    let wrong = format!("{} %", text::percent(score.wrong));
    let figure = |iou: &Option<f64>| iou.map_or_else(|| "–".to_owned(), |i| format!("{i:.3}"));
    let classes = model.manifest.classes.iter().zip(&score.per_class);
    let classes: Vec<String> = classes.map(|(c, iou)| format!("{} {}", c.name, figure(iou))).collect();
    let said = format!("IoU by class: {}", classes.join(", "));
    ui.scope(|ui| kit::row(ui, "IoU beside the truth", &format!("{iou} · {wrong} wrong")))
        .response
        .on_hover_text(said);
}

/// What the slice consists of.
fn phases(ui: &mut Ui, pane: &Pane<'_>, stack: &Stack) {
    let t = theme::of(ui);
    kit::heading(ui, "Phases of this slice");
    let Some(model) = pane.state.model() else {
        kit::note(ui, "The bundle names them once it is loaded.");
        return;
    };
    let fractions = stack.summary().map(Summary::fractions);
    for (i, class) in model.manifest.classes.iter().enumerate() {
        ui.horizontal(|ui| {
            let [r, g, b] = class.colour;
            kit::swatch(ui, Color32::from_rgb(r, g, b));
            ui.label(RichText::new(capital(&class.name)).color(t.text));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let share = fractions.as_ref().and_then(|f| f.get(i));
                let (figure, colour) = match share {
                    Some(share) => (format!("{:>5} %", text::percent(*share)), t.text),
                    None => ("–".to_owned(), t.dim),
                };
                ui.label(RichText::new(figure).font(theme::figures()).color(colour));
            });
        });
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|c| c.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

/// The buttons, or how far the run has come.
fn actions(ui: &mut Ui, pane: &mut Pane<'_>) {
    let state = pane.state;
    if state.batch.runs() {
        kit::note(ui, "The batch is at work; slices can be looked at meanwhile.");
        if kit::secondary(ui, "Show the batch", ui.available_width(), true).clicked() {
            pane.push(Command::GoToWorkspace(Workspace::Batch));
        }
        return;
    }
    if let Some(run) = &state.run {
        running(ui, pane, run);
        return;
    }
    if matches!(state.model, Loading::Failed) {
        kit::note(ui, "No model bundle is loaded, so nothing can be segmented.");
        if kit::primary(ui, "Choose a bundle…", ui.available_width(), true).clicked() {
            pane.push(Command::Pick(Pick::Bundle));
        }
        return;
    }
    let obstacle = state.obstacle();
    let cpu = state.device.as_ref().is_some_and(|d| d.kind == "cpu");
    let cpu = if cpu { "No graphics card: computing on the CPU. " } else { "" };
    let time = expected(state).map(|s| format!("The stack takes about {}.", text::span(s)));
    let said = format!("{cpu}{}", time.unwrap_or_default());
    if !said.is_empty() {
        kit::note(ui, said);
    }
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 8.0) / 2.0;
        let stack = kit::primary(ui, "Segment stack", width, obstacle.is_none());
        let stack =
            stack.on_hover_text("Segment all slices and save the labels beside the stack (Ctrl+Shift+Enter)");
        if stack.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
            pane.push(Command::SegmentStack);
        }
        let obstacle = state.slice_obstacle();
        let slice = kit::secondary(ui, "Segment slice", width, obstacle.is_none());
        let slice = slice.on_hover_text("Segment only this slice (Ctrl+Enter)");
        if slice.on_disabled_hover_text(obstacle.unwrap_or_default()).clicked() {
            pane.push(Command::SegmentSlice);
        }
    });
}

/// Seconds that the stack is expected to take at the λ in force.
fn expected(state: &State) -> Option<f64> {
    let (model, stack, speeds) = (state.model()?, state.stack.as_ref()?, state.speeds.as_ref()?);
    let point = promise::at(&model.manifest, state.lambda)?;
    Some(stack.info.slices as f64 * model.seconds(speeds, &point.shares, stack.size()))
}

fn running(ui: &mut Ui, pane: &mut Pane<'_>, run: &Run) {
    let t = theme::of(ui);
    let paused = run.paused_since.is_some();
    let stage = match run.live.as_ref().map(|l| l.stage) {
        _ if run.stopping => "Stopping after this batch…".to_owned(),
        _ if paused => format!("Paused at {} of {}", run.done, run.total),
        None => "Starting…".to_owned(),
        Some(Stage::Range) => "Sampling the stack's grey values…".to_owned(),
        Some(Stage::Report(course)) => match course.part {
            Part::Measures => "Measuring the labels for the report…".to_owned(),
            Part::Bars => format!("Error bars: {} of {} draws", course.done, course.all),
        },
        Some(Stage::Slices) if run.total == 1 => "Segmenting the slice…".to_owned(),
        Some(Stage::Slices) => format!("{} of {} slices", run.done, run.total),
    };
    ui.horizontal(|ui| {
        ui.label(RichText::new(stage).color(t.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let figures = if paused || run.stopping { None } else { figures(run) };
            if let Some(figures) = figures {
                ui.label(RichText::new(figures).font(theme::small()).color(t.dim));
            }
        });
    });
    let (done, all) = run.course().map_or((run.done, run.total), |course| (course.done, course.all));
    kit::progress(ui, done as f32 / all.max(1) as f32, if paused { t.amber } else { t.accent });
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 8.0) / 2.0;
        if kit::secondary(ui, if paused { "Go on" } else { "Pause" }, width, !run.stopping).clicked() {
            pane.push(Command::TogglePause);
        }
        if kit::secondary(ui, "Cancel", width, !run.stopping).clicked() {
            pane.push(Command::Stop);
        }
    });
}

/// How fast it goes and what is left. The steps of measuring differ too much to tell from some how long the others take.
fn figures(run: &Run) -> Option<String> {
    let left = format!("{} left", text::span(run.left()?));
    match run.live.as_ref()?.stage {
        Stage::Slices => Some(format!("{} · {left}", text::rate(run.rate()?))),
        Stage::Report(Course { part: Part::Bars, .. }) => Some(left),
        Stage::Report(_) | Stage::Range => None,
    }
}
