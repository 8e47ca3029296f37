//! The menu behind the question mark.

use super::Pane;
use crate::window::about::Wish;
use crate::window::command::Command;
use egui::{Button, Popup, Response, vec2};

const WIDTH: f32 = 230.0;

/// Opens the menu where `button` was clicked.
pub fn menu(button: &Response, pane: &mut Pane<'_>) {
    let items = [
        ("Keyboard and mouse", "?", Command::ToggleSheet),
        ("About and licences", "", Command::About(Wish::Toggle)),
    ];
    Popup::menu(button).show(|ui| {
        ui.set_min_width(WIDTH);
        for (name, keys, command) in items {
            if ui.add(Button::new(name).shortcut_text(keys).min_size(vec2(WIDTH, 28.0))).clicked() {
                pane.push(command);
                ui.close();
            }
        }
    });
}
