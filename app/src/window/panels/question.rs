//! Which volume of a file is meant, or what a file without a header holds.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::question::{Question, RawForm, TYPES, described};
use crate::window::{text, theme};
use egui::{Align, ComboBox, DragValue, Id, Layout, Modal, RichText, ScrollArea, TextEdit, Ui, vec2};
use paser_core::volume::{DatasetInfo, Offer, Parts, RawSpec, guesses};

/// Draws it where it is asked for.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let Some(question) = pane.state.question.clone() else { return };
    let t = theme::of(ui);
    let modal =
        Modal::new(Id::unique("question")).frame(kit::card(t)).show(ui.ctx(), |ui| card(ui, pane, &question));
    if modal.backdrop_response.clicked() {
        pane.push(Command::Question(None));
    }
}

fn card(ui: &mut Ui, pane: &mut Pane<'_>, question: &Question) {
    let t = theme::of(ui);
    ui.set_width(520.0);
    ui.spacing_mut().item_spacing.y = 7.0;
    let mut changed = question.clone();
    let title = match &question.offer {
        Offer::Volumes(all) if all.len() > 1 => "Which data set is the stack?",
        Offer::Volumes(_) => "Which channel and time is the stack?",
        Offer::Raw(_) => "What does this file hold?",
    };
    ui.label(RichText::new(title).font(theme::strong(15.0)).color(t.text));
    kit::row(ui, "File", &text::name(&question.path));
    match &question.offer {
        Offer::Volumes(all) => volumes(ui, all, &mut changed),
        Offer::Raw(bytes) => raw(ui, *bytes, &mut changed),
    }
    ui.add_space(10.0);
    let wrong = changed.opening().err();
    // the reason stands until something is changed
    if let Some(said) = wrong.as_ref().or(question.why.as_ref().filter(|_| changed == *question)) {
        ui.label(RichText::new(said).font(theme::small()).color(t.warn));
    }
    ui.horizontal(|ui| {
        if kit::primary(ui, "Open it so", 150.0, wrong.is_none()).clicked() {
            pane.push(Command::OpenChosen);
        }
        if kit::secondary(ui, "Cancel", 110.0, true).clicked() {
            pane.push(Command::Question(None));
        }
    });
    if changed != *question {
        pane.push(Command::Question(Some(Box::new(Question { why: None, ..changed }))));
    }
}

/// The volumes of the file, and the channels and times of the one chosen.
fn volumes(ui: &mut Ui, all: &[(DatasetInfo, Parts)], question: &mut Question) {
    if all.len() > 1 {
        kit::divide(ui);
        ScrollArea::vertical().max_height(260.0).show(ui, |ui| {
            for (i, (volume, _)) in all.iter().enumerate() {
                ui.horizontal(|ui| {
                    if kit::outlined(ui, |ui| ui.radio(question.volume == i, &volume.name)).clicked() {
                        question.volume = i;
                    }
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        let edges: Vec<String> = volume.shape.iter().map(u64::to_string).collect();
                        kit::note(ui, format!("{}, {}", edges.join(" × "), volume.dtype));
                    });
                });
            }
        });
    }
    let Some((_, parts)) = all.get(question.volume) else { return };
    let counts = [
        ("Channel", parts.channels, &mut question.part.channel),
        ("Time", parts.times, &mut question.part.time),
    ];
    for (name, count, chosen) in counts.into_iter().filter(|(_, count, _)| *count > 1) {
        ui.horizontal(|ui| {
            let label = ui.label(name);
            ui.add(DragValue::new(chosen).range(1..=count).speed(0.05)).labelled_by(label.id);
            kit::note(ui, format!("of {count}"));
        });
    }
}

/// Size, type, byte order and header of a raw file, beside its length.
fn raw(ui: &mut Ui, bytes: u64, question: &mut Question) {
    kit::row(ui, "Its length", &format!("{} bytes", grouped(bytes)));
    kit::divide(ui);
    let form = &mut question.raw;
    ui.horizontal(|ui| {
        for (name, text) in ["Slices", "Rows", "Columns"].into_iter().zip(&mut form.size) {
            let name = ui.label(name);
            field(ui, text, 70.0, name.id);
        }
    });
    ui.horizontal(|ui| {
        let label = ui.label("Type");
        let chosen =
            ComboBox::from_id_salt("raw type").selected_text(TYPES[form.dtype].1).show_ui(ui, |ui| {
                for (i, (_, name)) in TYPES.iter().enumerate() {
                    ui.selectable_value(&mut form.dtype, i, *name);
                }
            });
        chosen.response.labelled_by(label.id);
        let name = ui.label("Header, bytes");
        field(ui, &mut form.header, 70.0, name.id);
    });
    ui.horizontal(|ui| {
        ui.label("Byte order");
        ui.scope(|ui| {
            ui.set_max_width(260.0);
            let on = Some(usize::from(form.big_endian));
            if let Some(i) = kit::segments(ui, "Byte order", &["least first", "most first"], on) {
                form.big_endian = i == 1;
            }
        });
    });
    balance(ui, form, bytes);
    let offered = guesses(&question.path, bytes);
    if !offered.is_empty() {
        kit::divide(ui);
        kit::note(ui, "Sizes that make this length:");
    }
    for spec in offered {
        if ui.link(RichText::new(said(&spec)).font(theme::small())).clicked() {
            question.raw = RawForm { big_endian: question.raw.big_endian, ..RawForm::of(&spec) };
        }
    }
}

/// Whether size, type and header make the file's length.
fn balance(ui: &mut Ui, form: &RawForm, bytes: u64) {
    let t = theme::of(ui);
    let Some(made) = form.spec().ok().as_ref().and_then(described) else { return };
    let (said, colour) = match made.cmp(&bytes) {
        std::cmp::Ordering::Equal => ("These make the file's length.".to_owned(), t.good),
        std::cmp::Ordering::Less => {
            (format!("{} bytes of the file are left over.", grouped(bytes - made)), t.warn)
        }
        std::cmp::Ordering::Greater => {
            (format!("The file is {} bytes too short for these.", grouped(made - bytes)), t.warn)
        }
    };
    ui.label(RichText::new(said).font(theme::small()).color(colour));
}

fn said(spec: &RawSpec) -> String {
    let [z, y, x] = spec.shape;
    let name =
        TYPES.iter().find(|(name, _)| *name == spec.dtype).map_or(spec.dtype.as_str(), |(_, name)| *name);
    let header = if spec.header > 0 { format!(", after {} bytes", spec.header) } else { String::new() };
    format!("{z} slices of {x} × {y}, {name}{header}")
}

/// A count in groups of three digits.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|g| std::str::from_utf8(g).ok()).collect();
    groups.join("\u{202f}")
}

fn field(ui: &mut Ui, text: &mut String, width: f32, name: Id) {
    ui.add(TextEdit::singleline(text).desired_width(width).margin(vec2(7.0, 5.0))).labelled_by(name);
}
