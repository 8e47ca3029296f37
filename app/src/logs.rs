//! The program's log, and what it writes down of itself when it panics. Nothing leaves the machine.

use std::backtrace::Backtrace;
use std::fmt::Write;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::impersonal::Impersonal;
use paser_core::export::write_atomic;
use paser_core::places::log_dir;
use tracing::{Level, level_filters::LevelFilter};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Days of which a log is kept.
const DAYS: usize = 7;
/// Crash reports that are kept.
const REPORTS: usize = 10;
/// Beginning of a crash report's name.
const CRASH: &str = "crash-";

/// A file to be written when the program panics: what a restart needs.
static LAST_WORDS: Mutex<Option<(PathBuf, String)>> = Mutex::new(None);

/// Whether panics are left to whoever expects them.
static EXPECTED: AtomicBool = AtomicBool::new(false);

/// Has warnings told on stderr and more written to the log, and panics to crash reports.
pub fn begin() {
    let stderr = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(LevelFilter::WARN);
    let ours = ["paser", "paser_app", "paser_core"].map(|target| (target, Level::INFO));
    let told = Targets::new().with_default(Level::WARN).with_targets(ours);
    let file = log_dir().and_then(|dir| appender(&dir)).map(|file| {
        tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Mutex::new(file)).with_filter(told)
    });
    tracing_subscriber::registry().with(stderr).with(file).init();
    report_panics();
    let (version, system) = (env!("CARGO_PKG_VERSION"), std::env::consts::OS);
    tracing::info!("PaSeR Studio {version} begins, on {system} {}", std::env::consts::ARCH);
}

fn appender(dir: &Path) -> Option<RollingFileAppender> {
    std::fs::create_dir_all(dir).ok()?;
    let daily = RollingFileAppender::builder().rotation(Rotation::DAILY).max_log_files(DAYS);
    daily.filename_prefix("paser").filename_suffix("log").build(dir).ok()
}

/// Has every panic, on any thread, leave a crash report.
pub fn report_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !EXPECTED.load(Ordering::SeqCst) {
            usual(panic);
            crashed(panic);
        }
    }));
}

/// Whether panics are expected now, and told by whoever expects them: libraries of the window panic where one is missing.
pub fn expect_panics(expected: bool) {
    EXPECTED.store(expected, Ordering::SeqCst);
}

/// Keeps `text` to be written to `path` should the program panic before that is done otherwise.
pub fn keep_for_panics(path: PathBuf, text: String) {
    *LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner) = Some((path, text));
}

fn crashed(panic: &PanicHookInfo<'_>) {
    // a panic while these are held must not wait for itself
    if let Some((path, text)) = LAST_WORDS.try_lock().ok().and_then(|mut words| words.take()) {
        let _ = write_atomic(&path, text.as_bytes(), true);
    }
    let Some(dir) = log_dir() else { return };
    let text = Impersonal::here().text(&report(panic));
    let when = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_millis());
    let written = std::fs::create_dir_all(&dir).is_ok()
        && write_atomic(&dir.join(format!("{CRASH}{when:015}.txt")), text.as_bytes(), true).is_ok();
    if written {
        forget_old(&dir);
    }
}

fn report(panic: &PanicHookInfo<'_>) -> String {
    let mut text = format!("PaSeR Studio {} crashed.\n", env!("CARGO_PKG_VERSION"));
    let thread = std::thread::current();
    let _ = writeln!(text, "system: {} {}", std::env::consts::OS, std::env::consts::ARCH);
    let _ = writeln!(text, "thread: {}", thread.name().unwrap_or("without a name"));
    let _ = writeln!(text, "{panic}\n\n{}", Backtrace::force_capture());
    text
}

fn reports(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let ours = |path: &PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(CRASH));
    let mut all: Vec<PathBuf> = entries.map(|e| e.path()).filter(ours).collect();
    all.sort();
    all
}

fn forget_old(dir: &Path) {
    for old in reports(dir).iter().rev().skip(REPORTS) {
        let _ = std::fs::remove_file(old);
    }
}

/// The last crash report that was written after `since`.
pub fn crash_since(since: SystemTime) -> Option<PathBuf> {
    let last = reports(&log_dir()?).pop()?;
    std::fs::metadata(&last).and_then(|m| m.modified()).is_ok_and(|written| written >= since).then_some(last)
}

/// The newest file of the log.
pub fn newest() -> Option<PathBuf> {
    let entries = std::fs::read_dir(log_dir()?).ok()?.flatten().map(|e| e.path());
    entries.filter(|path| path.extension().is_some_and(|e| e == "log")).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_reports_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        (0..13).for_each(|i| std::fs::write(dir.path().join(format!("{CRASH}{i:015}.txt")), "").unwrap());
        forget_old(dir.path());
        let left = reports(dir.path());
        assert_eq!(left.len(), REPORTS);
        assert!(left[0].ends_with(format!("{CRASH}{:015}.txt", 3)));
    }
}
