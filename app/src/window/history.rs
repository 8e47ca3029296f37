//! Undo and redo of how the slice is routed and shown.

use super::command::Command;
use super::grey::Window;
use super::state::{Dial, Overlay, State};
use paser_core::route::Method;
use std::mem::{Discriminant, discriminant};
use std::time::{Duration, Instant};

/// Steps that can be undone.
const DEEP: usize = 100;
/// Changes of one kind within this time are one step: a slider being dragged.
const TOGETHER: Duration = Duration::from_millis(800);

/// What undo brings back.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    lambda: f64,
    method: Method,
    dial: Dial,
    overlay: Overlay,
    window: Option<Window>,
}

impl Settings {
    /// Those in force.
    pub fn of(state: &State) -> Self {
        Self {
            lambda: state.lambda,
            method: state.method,
            dial: state.dial,
            overlay: state.overlay,
            window: state.stack.as_ref().map(|s| s.window),
        }
    }

    /// Puts them in force; whether the slice has to be routed anew.
    fn restore(&self, state: &mut State) -> bool {
        let moved = (self.lambda, self.method) != (state.lambda, state.method);
        (state.lambda, state.method, state.dial) = (self.lambda, self.method, self.dial);
        state.overlay = self.overlay;
        if let (Some(stack), Some(window)) = (&mut state.stack, self.window) {
            stack.window = window;
        }
        moved
    }
}

/// What was and what was undone.
#[derive(Clone, Debug, Default)]
pub struct History {
    past: Vec<Settings>,
    future: Vec<Settings>,
    last: Option<(Discriminant<Command>, Instant)>,
}

impl History {
    /// `command` has changed `before`.
    pub fn note(&mut self, command: Discriminant<Command>, before: Settings) {
        let now = Instant::now();
        let goes_on = self.last.is_some_and(|(kind, at)| kind == command && now - at < TOGETHER);
        self.last = Some((command, now));
        self.future.clear();
        if goes_on && !self.past.is_empty() {
            return;
        }
        self.past.push(before);
        if self.past.len() > DEEP {
            self.past.remove(0);
        }
    }
}

/// The kind of a command.
pub fn kind(command: &Command) -> Discriminant<Command> {
    discriminant(command)
}

/// Goes a step back, or forward where `again`; whether the slice has to be routed anew.
pub fn step(state: &mut State, again: bool) -> bool {
    let now = Settings::of(state);
    let History { past, future, .. } = &mut state.history;
    let (from, to) = if again { (future, past) } else { (past, future) };
    let Some(settings) = from.pop() else { return false };
    to.push(now);
    state.history.last = None;
    settings.restore(state)
}
