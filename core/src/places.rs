//! Where the program keeps what it may lose: caches, never results.

use std::path::PathBuf;

/// The folder of the program's log and crash reports, by each system's convention; `log` in `PASER_CACHE` where that
/// is set. None where the system names no home.
pub fn log_dir() -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(dir) = from("PASER_CACHE") {
        return Some(dir.join("log"));
    }
    let base = if cfg!(windows) {
        from("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        from("HOME").map(|h| h.join("Library/Logs"))
    } else {
        from("XDG_STATE_HOME").or_else(|| from("HOME").map(|h| h.join(".local/state")))
    };
    base.map(|b| b.join("paser-studio").join("log"))
}

/// The program's cache folder, by each system's convention; `PASER_CACHE` overrides it. None where
/// the system names no home.
pub fn cache_dir() -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(dir) = from("PASER_CACHE") {
        return Some(dir);
    }
    let base = if cfg!(windows) {
        from("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        from("HOME").map(|h| h.join("Library/Caches"))
    } else {
        from("XDG_CACHE_HOME").or_else(|| from("HOME").map(|h| h.join(".cache")))
    };
    base.map(|b| b.join("paser-studio"))
}
