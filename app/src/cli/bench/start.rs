//! `paser bench start`: from the start of the program to the first frame of its window.

use crate::window::arrival::STEPS;
use crate::window::bench::Row;
use paser_core::{Error, Result};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Starts that are timed; one more before them warms the disk.
const STARTS: usize = 7;

/// Starts the program again and again, and times how far it comes.
pub(super) fn run() -> Result<Vec<Row>> {
    once()?;
    let starts: Vec<Vec<Duration>> = (0..STARTS).map(|_| once()).collect::<Result<_>>()?;
    let row = |(step, (_, name)): (usize, &(&str, &str))| {
        let mut times: Vec<f64> = starts.iter().map(|s| 1e3 * s[step].as_secs_f64()).collect();
        times.sort_by(f64::total_cmp);
        let last = times.last().copied().unwrap_or_default();
        Row { name: (*name).to_owned(), count: times.len(), median_ms: times[times.len() / 2], p99_ms: last }
    };
    Ok(STEPS.iter().enumerate().map(row).collect())
}

/// One start: when each step was told.
fn once() -> Result<Vec<Duration>> {
    let program =
        std::env::current_exe().map_err(|e| Error::invalid(format!("no program to start ({e})")))?;
    let since = Instant::now();
    let mut child = Command::new(&program)
        .args(["open", "--until-ready"])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| Error::io("cannot start", &program, e))?;
    let lines = child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines());
    let told: Vec<Duration> = lines.map_while(std::io::Result::ok).map(|_| since.elapsed()).collect();
    child.wait().map_err(|e| Error::io("cannot wait for", &program, e))?;
    if told.len() == STEPS.len() {
        Ok(told)
    } else {
        Err(Error::invalid("the window did not come up, so nothing was timed; see the message above"))
    }
}
