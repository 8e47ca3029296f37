//! Keys to commands, and the sheet that lists them.

use super::canvas::view::View;
use super::command::Command;
use super::engine::Pick;
use super::state::Layer;
use egui::{Context, Event, Key, Modifiers};

/// What the sheet lists: keys (divided by |) and what they do.
pub const SHEET: &[(&str, &str)] = &[
    ("Wheel", "next or previous slice"),
    ("←|→|,|.", "previous or next slice"),
    ("PgUp|PgDn", "ten slices"),
    ("Home|End", "first or last slice"),
    ("Ctrl+Wheel", "zoom at the pointer"),
    ("+|-", "zoom in or out"),
    ("Space+Drag", "move the slice (or middle drag)"),
    ("F", "fit the slice"),
    ("1", "100 %"),
    ("Click", "select a patch"),
    ("G|L|E", "grey, labels, entropy"),
    ("R", "routing on or off"),
    ("S", "swipe on or off"),
    ("Ctrl+Enter", "segment this slice"),
    ("Ctrl+Shift+Enter", "segment the stack"),
    ("P", "pause or go on"),
    ("Ctrl+O", "open a file"),
    ("Ctrl+Shift+O", "open a folder"),
    ("T", "light or dark"),
    ("?", "this sheet"),
];

/// The commands of the keys pressed now. Text fields keep their keys.
pub fn commands(ctx: &Context) -> Vec<Command> {
    let typing = ctx.text_edit_focused();
    ctx.input(|input| {
        let mut commands = Vec::new();
        for event in &input.events {
            match event {
                Event::Key { key: Key::Escape, pressed: true, .. } => commands.push(Command::Back),
                Event::Key { key, pressed: true, modifiers, .. } if !typing => {
                    commands.extend(of_key(*key, *modifiers));
                }
                _ => {}
            }
        }
        commands
    })
}

fn of_key(key: Key, modifiers: Modifiers) -> Option<Command> {
    if modifiers.command {
        return match (key, modifiers.shift) {
            (Key::O, false) => Some(Command::Pick(Pick::File)),
            (Key::O, true) => Some(Command::Pick(Pick::Folder)),
            (Key::Enter, false) => Some(Command::SegmentSlice),
            (Key::Enter, true) => Some(Command::SegmentStack),
            _ => None,
        };
    }
    if key == Key::Questionmark || (key == Key::Slash && modifiers.shift) {
        return Some(Command::ToggleSheet);
    }
    if modifiers.any() {
        return None;
    }
    Some(match key {
        Key::ArrowRight | Key::ArrowDown | Key::Period => Command::Step(1),
        Key::ArrowLeft | Key::ArrowUp | Key::Comma => Command::Step(-1),
        Key::PageDown => Command::Step(10),
        Key::PageUp => Command::Step(-10),
        Key::Home => Command::GoTo(0),
        Key::End => Command::GoTo(usize::MAX),
        Key::F => Command::SetView(View::Fit),
        Key::Num1 => Command::ActualSize,
        Key::G => Command::Show(Layer::Grey),
        Key::L => Command::Show(Layer::Labels),
        Key::E => Command::Show(Layer::Entropy),
        Key::B => Command::Show(Layer::Probability(0)),
        Key::X => Command::Show(Layer::Error),
        Key::R => Command::ToggleRouting,
        Key::S => Command::ToggleSwipe,
        Key::P => Command::TogglePause,
        Key::T => Command::ToggleMode,
        _ => return None,
    })
}
