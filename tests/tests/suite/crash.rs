//! A panic, on any thread, leaves a report and what a restart needs. Each panics in a program of its own: this test's.

use paser_app::logs;
use std::path::Path;
use std::process::Command;
use tempfile::tempdir;

/// Panics as it is told; a part of the test below.
#[test]
#[ignore = "it is a part of another test"]
fn victim() {
    let Ok(thread) = std::env::var("PASER_TEST_PANIC") else { return };
    logs::report_panics();
    let kept = Path::new(&std::env::var("PASER_CACHE").unwrap()).join("running-0.json");
    logs::keep_for_panics(kept, "what was open".to_owned());
    let secret = format!("{}/secret-scan.tif", std::env::var("HOME").unwrap());
    let work = move || panic!("provoked while reading {secret}");
    let named = std::thread::Builder::new().name(thread).spawn(work).unwrap();
    std::process::exit(i32::from(named.join().is_err()));
}

#[test]
fn a_panic_on_any_thread_is_written_down_without_names() {
    for thread in ["main", "paser-compute", "paser-reader"] {
        let cache = tempdir().unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--ignored", "--exact", "crash::victim", "--nocapture"])
            .env("PASER_TEST_PANIC", thread);
        let output =
            command.env("PASER_CACHE", cache.path()).env("HOME", "/home/ada-lovelace").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(std::fs::read(cache.path().join("running-0.json")).unwrap(), b"what was open");
        let reports: Vec<_> = std::fs::read_dir(cache.path().join("log")).unwrap().flatten().collect();
        assert_eq!(reports.len(), 1);
        let text = std::fs::read_to_string(reports[0].path()).unwrap();
        for part in
            ["crashed", &format!("thread: {thread}"), "provoked while reading ~/secret-scan.tif", "crash.rs"]
        {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(!text.contains("ada-lovelace"), "{text}");
    }
}
