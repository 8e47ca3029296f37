//! Notices what a test cannot notice of itself: an input that takes too long, and memory.

use crate::fixture;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// More work than this on one input is a hang. Time at work counts, as a busy machine makes anything slow.
const PATIENCE: Duration = Duration::from_secs(20);
/// More than this for one input is a blow-up: the inputs are of a few kilobytes.
pub const MEMORY: u64 = 1 << 30;

type Now = Arc<Mutex<Option<(Duration, String, PathBuf)>>>;

/// Watches the input that is being read.
pub struct Watch {
    now: Now,
    memory: Option<u64>,
}

impl Watch {
    /// Looks after hangs from now on, and after memory where a limit is given (this process must then do nothing
    /// else).
    pub fn start(memory: Option<u64>) -> Self {
        let now = Now::default();
        let seen = now.clone();
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(200));
                let late =
                    seen.lock().unwrap().as_ref().is_some_and(|(began, ..)| worked() > *began + PATIENCE);
                if late {
                    let (_, name, folder) = seen.lock().unwrap().take().unwrap();
                    eprintln!("{name} hangs; its input is {}", keep(&name, &folder).display());
                    std::process::exit(1);
                }
            }
        });
        Self { now, memory }
    }

    /// The input in `folder` is read from now on.
    pub fn begin(&self, name: &str, folder: &Path) {
        if self.memory.is_some() {
            let _ = std::fs::write("/proc/self/clear_refs", "5");
        }
        *self.now.lock().unwrap() = Some((worked(), name.to_owned(), folder.to_owned()));
    }

    /// It was read. Returns the most memory that this process held meanwhile, 0 where nobody looked.
    pub fn end(&self) -> u64 {
        let input = self.now.lock().unwrap().take();
        let peak = if self.memory.is_some() { status("VmHWM:").unwrap_or(0) } else { 0 };
        if let (Some((_, name, folder)), Some(limit)) = (input, self.memory)
            && peak > limit
        {
            panic!("{name} took {} MB; its input is {}", peak >> 20, keep(&name, &folder).display());
        }
        peak
    }
}

/// A figure of this process in bytes, where the system tells.
pub fn status(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// Time that this process and its ended children have been at work, where the system tells.
fn worked() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // the name before the last bracket may hold spaces
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: u64 = fields.skip(11).take(4).filter_map(|n| n.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

/// Copies an input to where it can be looked at.
pub fn keep(name: &str, folder: &Path) -> PathBuf {
    let place = PathBuf::from("fuzz-failures").join(format!("{name}-{}", std::process::id()));
    fixture::copy(folder, &place);
    place
}
