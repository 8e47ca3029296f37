//! The program's own page: version, models, fonts, and the licences of everything in it.

use super::{Pane, kit};
use crate::window::about::{Licences, Package, Wish};
use crate::window::command::Command;
use crate::window::theme;
use egui::{
    Align, Align2, FontFamily, FontId, Id, Label, Layout, Modal, RichText, Role, ScrollArea, Sense, TextEdit,
    Ui, WidgetInfo, vec2,
};

/// Size of the two columns of the list.
const LIST: [f32; 2] = [330.0, 300.0];
/// Width of the text of a licence.
const TEXT: f32 = 520.0;
/// Height of a line of the list.
const LINE: f32 = 22.0;

/// Draws it where it is open.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    if !pane.state.about.open {
        return;
    }
    let t = theme::of(ui);
    let modal = Modal::new(Id::unique("about")).frame(kit::card(t)).show(ui.ctx(), |ui| card(ui, pane));
    if modal.backdrop_response.clicked() {
        pane.push(Command::About(Wish::Toggle));
    }
}

fn card(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    ui.set_width(LIST[0] + TEXT + 16.0);
    let title = format!("PaSeR Studio {}", env!("CARGO_PKG_VERSION"));
    ui.label(RichText::new(title).font(theme::strong(18.0)).color(t.text));
    kit::note(ui, "Parsimonious Segmentation with Reinforcement Learning, after the paper of AAAI 2024.");
    ui.add_space(8.0);
    facts(ui, pane);
    kit::divide(ui);
    let Some(licences) = pane.state.about.licences.clone() else {
        kit::heading(ui, "Licences");
        kit::note(ui, unread(pane.state.about.file.is_some()));
        return;
    };
    kit::heading(ui, &format!("{} packages and fonts by others", licences.packages.len()));
    ui.horizontal_top(|ui| {
        ui.vertical(|ui| list(ui, pane, &licences));
        ui.add_space(8.0);
        ui.vertical(|ui| chosen(ui, pane, &licences));
    });
}

fn unread(file: bool) -> &'static str {
    if file {
        "Reading…"
    } else {
        "The licences of all packages are collected when an installer is built; this program runs from its sources."
    }
}

fn facts(ui: &mut Ui, pane: &Pane<'_>) {
    let models = pane.state.model().map_or_else(
        || "no bundle is loaded".to_owned(),
        |m| format!("bundle {}{}", m.manifest.name, trained_on(&m.manifest.about)),
    );
    let rows = [
        ("Licence", "MIT or Apache-2.0, as you like".to_owned()),
        ("Network", "nothing is ever sent or fetched".to_owned()),
        ("Models", models),
        ("Fonts", "Inter (OFL 1.1), Hack, Ubuntu Light, Noto Emoji, Emoji Icons".to_owned()),
    ];
    let t = theme::of(ui);
    for (name, said) in rows {
        ui.horizontal_top(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(76.0, 18.0), Sense::hover());
            ui.painter().text(rect.left_top(), Align2::LEFT_TOP, name, theme::small(), t.dim);
            ui.add(Label::new(RichText::new(said).font(theme::small()).color(t.text)).wrap());
        });
    }
}

fn trained_on(what: &str) -> String {
    if what.is_empty() { String::new() } else { format!(", trained on {what}") }
}

/// An area that scrolls and always has the height of the list.
fn tall(name: impl std::hash::Hash + std::fmt::Debug) -> ScrollArea {
    ScrollArea::vertical().id_salt(name).min_scrolled_height(LIST[1]).max_height(LIST[1]).auto_shrink(false)
}

fn list(ui: &mut Ui, pane: &mut Pane<'_>, licences: &Licences) {
    ui.set_width(LIST[0]);
    let mut query = pane.state.about.query.clone();
    let hint = "Search by name or licence";
    let field = ui.add(TextEdit::singleline(&mut query).hint_text(hint).desired_width(LIST[0] - 20.0));
    if field.changed() {
        pane.push(Command::About(Wish::Search(query.clone())));
    }
    ui.add_space(4.0);
    let found = licences.found(&query);
    ui.spacing_mut().item_spacing.y = 0.0;
    tall("packages").show_rows(ui, LINE, found.len(), |ui, rows| {
        for place in found.get(rows).unwrap_or_default() {
            if let Some(package) = licences.packages.get(*place) {
                line(ui, pane, package, *place);
            }
        }
    });
    if found.is_empty() {
        kit::note(ui, "Nothing in the program has this name or licence.");
    }
}

fn line(ui: &mut Ui, pane: &mut Pane<'_>, package: &Package, place: usize) {
    let t = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width() - 6.0, LINE), Sense::click());
    let on = pane.state.about.chosen == place;
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, on, &package.name));
    if on || response.hovered() {
        ui.painter().rect_filled(rect, 4.0, if on { t.raised } else { t.hovered });
    }
    let painter = ui.painter().with_clip_rect(rect.shrink2(vec2(6.0, 0.0)));
    let (left, right) = (rect.left_center() + vec2(8.0, 0.0), rect.right_center() - vec2(8.0, 0.0));
    let licence = painter.text(right, Align2::RIGHT_CENTER, short(&package.licence), theme::small(), t.dim);
    let name = format!("{} {}", package.name, package.version);
    painter.with_clip_rect(rect.with_max_x(licence.left() - 6.0)).text(
        left,
        Align2::LEFT_CENTER,
        name,
        theme::small(),
        t.text,
    );
    if response.on_hover_text(&package.licence).clicked() {
        pane.push(Command::About(Wish::Choose(place)));
    }
}

/// The first choices of a long expression.
fn short(licence: &str) -> String {
    match licence.char_indices().nth(20) {
        Some((end, _)) => format!("{}…", &licence[..end]),
        None => licence.to_owned(),
    }
}

fn chosen(ui: &mut Ui, pane: &Pane<'_>, licences: &Licences) {
    let t = theme::of(ui);
    ui.set_width(TEXT);
    let Some(package) = licences.packages.get(pane.state.about.chosen) else { return };
    ui.horizontal(|ui| {
        let name = format!("{} {}", package.name, package.version);
        ui.label(RichText::new(name).font(theme::strong(theme::SMALL)).color(t.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| kit::note(ui, &package.licence));
    });
    if let Some(repository) = &package.repository {
        kit::note(ui, repository);
    }
    ui.add_space(4.0);
    tall(("text", pane.state.about.chosen)).show(ui, |ui| {
        let font = FontId::new(11.0, FontFamily::Monospace);
        for text in package.texts.iter().filter_map(|i| licences.texts.get(*i)) {
            ui.add(Label::new(RichText::new(text).font(font.clone()).color(t.dim)).wrap().selectable(true));
            ui.add_space(12.0);
        }
    });
}
