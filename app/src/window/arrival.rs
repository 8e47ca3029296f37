//! How far the window has come since the program was started: told line by line to `paser bench start`.

use super::app::Studio;
use super::command::Command;
use super::state::Loading;
use std::io::Write;

/// What is told, in this order.
pub const STEPS: [(&str, &str); 3] = [
    ("device", "display and graphics device answer"),
    ("frame", "first frame on show"),
    ("ready", "bundle loaded and checked, ready to segment"),
];

/// Steps that have been told.
pub(super) struct Arrival {
    told: usize,
}

impl Arrival {
    /// The graphics device is there.
    pub(super) fn begin() -> Self {
        let mut arrival = Self { told: 0 };
        arrival.tell();
        arrival
    }

    fn tell(&mut self) {
        if let Some((step, _)) = STEPS.get(self.told) {
            let mut out = std::io::stdout();
            // whoever does not listen misses nothing
            let _ = writeln!(out, "{step}").and_then(|()| out.flush());
        }
        self.told += 1;
    }
}

impl Studio {
    /// Tells of the frame before this one, and closes the window when there is nothing left to tell.
    pub(super) fn arrive(&mut self, ctx: &egui::Context) {
        let drawn = ctx.cumulative_frame_nr() > 0;
        let settled = !matches!(self.state.model, Loading::Waiting);
        let Some(arrival) = self.arrival.as_mut().filter(|_| drawn) else { return };
        if arrival.told == 1 || (arrival.told == 2 && settled) {
            arrival.tell();
        }
        if arrival.told == STEPS.len() {
            self.arrival = None;
            self.command(ctx, Command::Quit);
        }
    }
}
