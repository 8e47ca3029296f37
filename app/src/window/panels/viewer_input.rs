//! What wheel, drags and clicks on the slice mean.

use crate::window::canvas::view::Transform;
use crate::window::command::Command;
use crate::window::panels::Pane;
use crate::window::state::Stack;
use egui::{CursorIcon, Event, Key, MouseWheelUnit, PointerButton, Response, Ui};

/// Travel of a touch pad that makes a slice, in points.
const TRAVEL: f32 = 24.0;
/// Zoom of a key press.
const STEP: f32 = 1.25;

/// Takes in the pointer and the keys that need its place.
pub fn take(ui: &Ui, pane: &mut Pane<'_>, stack: &Stack, response: &Response, transform: &Transform) {
    let space = ui.input(|i| i.key_down(Key::Space)) && !ui.ctx().text_edit_focused();
    if space && response.hovered() {
        ui.ctx().set_cursor_icon(CursorIcon::Grab);
    }
    let moving =
        response.dragged_by(PointerButton::Middle) || (space && response.dragged_by(PointerButton::Primary));
    if moving && response.drag_delta() != egui::Vec2::ZERO {
        ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
        pane.push(Command::SetView(transform.panned(response.drag_delta())));
    }
    if let (true, false, Some(at)) = (response.clicked(), space, response.interact_pointer_pos()) {
        let pixel = transform.pixel(at, stack.size());
        if let Some(pixel) = pixel {
            pane.push(Command::SetCross(pixel));
        }
        let patch = stack.kept().zip(pixel).and_then(|(kept, pixel)| kept.patch_at(pixel));
        pane.push(Command::SelectPatch(patch));
    }
    if response.contains_pointer() {
        wheel(ui, pane, transform);
    }
    keys(ui, pane, transform);
}

fn wheel(ui: &Ui, pane: &mut Pane<'_>, transform: &Transform) {
    let (factor, pointer) = ui.input(|i| (i.zoom_delta(), i.pointer.hover_pos()));
    if let (true, Some(at)) = ((factor - 1.0).abs() > 1e-4, pointer) {
        pane.push(Command::SetView(transform.zoomed(factor, at)));
        return;
    }
    let travel: f32 = ui.input(|i| i.events.iter().map(slices).sum());
    pane.canvas.wheel += travel;
    let whole = pane.canvas.wheel.trunc();
    if whole != 0.0 {
        pane.canvas.wheel -= whole;
        pane.push(Command::Step(whole as isize));
    }
}

/// Slices that a movement of the wheel stands for; down is on.
fn slices(event: &Event) -> f32 {
    match event {
        Event::MouseWheel { unit, delta, modifiers, .. } if !modifiers.ctrl && !modifiers.command => {
            match unit {
                MouseWheelUnit::Point => -delta.y / TRAVEL,
                MouseWheelUnit::Line => -delta.y.signum() * delta.y.abs().max(f32::from(delta.y != 0.0)),
                MouseWheelUnit::Page => -10.0 * delta.y,
            }
        }
        _ => 0.0,
    }
}

fn keys(ui: &Ui, pane: &mut Pane<'_>, transform: &Transform) {
    if ui.ctx().text_edit_focused() {
        return;
    }
    let factor = ui.input(|i| match () {
        () if i.modifiers.command => 1.0,
        () if i.key_pressed(Key::Plus) || i.key_pressed(Key::Equals) => STEP,
        () if i.key_pressed(Key::Minus) => 1.0 / STEP,
        () => 1.0,
    });
    if factor != 1.0 {
        pane.push(Command::SetView(transform.zoomed(factor, transform.middle())));
    }
}
