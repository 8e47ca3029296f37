//! Results to stdout, progress to stderr.

use super::Common;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use paser_core::{Error, Result};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

impl Common {
    /// Prints `value` as one JSON document, or `text` for people.
    pub(super) fn print<T: Serialize>(&self, value: &T, text: &str) -> Result<()> {
        let text = if self.json {
            serde_json::to_string_pretty(value).map_err(|e| Error::invalid(e.to_string()))?
        } else {
            text.trim_end().to_owned()
        };
        // a closed pipe is the reader's choice, not an error
        let _ = writeln!(io::stdout(), "{text}");
        Ok(())
    }
}

/// A progress bar on stderr with time left, counting `unit`s; where stderr is no terminal, a line now and then.
pub(super) fn bar(total: usize, unit: &str) -> ProgressBar {
    let (bar, course) = match io::stderr().is_terminal() {
        true => (ProgressBar::new(total as u64), "{wide_bar} "),
        false => {
            let log = ProgressDrawTarget::term_like(Box::new(Log::new()));
            (ProgressBar::with_draw_target(Some(total as u64), log), "")
        }
    };
    let line = format!("{{msg}} {course}{{pos}}/{{len}} {unit}, {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&line) {
        bar.set_style(style);
    }
    bar
}

/// Shows that `done` of `all` are done of `what`; how long the work before it took says nothing of this one's time left.
pub(super) fn show(bar: &ProgressBar, what: &str, done: usize, all: usize) {
    if bar.message() != what {
        bar.reset();
        bar.set_message(what.to_owned());
    }
    bar.set_length(all as u64);
    bar.set_position(done as u64);
}

/// First line of a bar in a log after this, and the next after a tenth more of the time that has gone by.
const FIRST: Duration = Duration::from_secs(10);

/// What a bar draws as lines of a log.
#[derive(Debug)]
struct Log {
    begun: Instant,
    state: Mutex<LogState>,
}

#[derive(Debug)]
struct LogState {
    line: String,
    next: Duration,
}

impl Log {
    fn new() -> Self {
        Self { begun: Instant::now(), state: Mutex::new(LogState { line: String::new(), next: FIRST }) }
    }

    /// What has been drawn, if a line of it is due after `gone`.
    fn due(&self, gone: Duration) -> Option<String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let line = std::mem::take(&mut state.line);
        if gone < state.next || line.trim().is_empty() {
            return None;
        }
        state.next = gone + FIRST.max(gone / 10);
        Some(line.trim().to_owned())
    }
}

impl TermLike for Log {
    fn width(&self) -> u16 {
        200
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).line.push_str(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        self.due(self.begun.elapsed()).map_or(Ok(()), |line| writeln!(io::stderr(), "{line}"))
    }
}

/// Shares as text: "f0 55.0 %, f1 33.0 %, f2 12.0 %".
pub(super) fn shares(shares: &[f64]) -> String {
    let part = |(i, s): (usize, &f64)| format!("f{i} {:.1} %", 100.0 * s);
    shares.iter().enumerate().map(part).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_gets_a_line_now_and_then() {
        let log = Log::new();
        let told = |seconds: u64| {
            log.write_str(&format!(" {seconds} of 900 ")).unwrap();
            log.due(Duration::from_secs(seconds))
        };
        let lines: Vec<String> = (1..900).filter_map(told).collect();
        assert_eq!(lines[..3], ["10 of 900", "20 of 900", "30 of 900"]);
        assert!((20..40).contains(&lines.len()), "{lines:?}");
        assert_eq!(log.due(Duration::from_secs(1000)), None, "nothing was drawn since");
    }
}
