//! A clock that jumps back and ahead by years while the program works, by Debian's `faketime`.

use crate::fixture::{self, Kind, program};
use crate::training;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};
use tempfile::tempdir;

/// Where the clock stands, in turns: before 1970, as it is, years ahead, before all that is read was written.
const JUMPS: [&str; 4] = ["-60y", "+0", "+20y", "-20y"];
const TURN: Duration = Duration::from_millis(40);

/// The library that tells programs another time; none, said aloud, where it is not installed.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let found = folders.map(|f| f.path().join("faketime/libfaketimeMT.so.1")).find(|p| p.is_file());
    if found.is_none() {
        println!("SKIPPED: faketime is not installed");
    }
    found
}

/// Runs the program while its clock jumps, and says for how long. What a clock does that only goes on (and no one can
/// set) is left as it is, and so are the times of files.
fn run(library: &Path, place: &Path, arguments: &[&str]) -> (Output, f64) {
    let (file, next) = (place.join("clock"), place.join("clock.next"));
    let set = |jump: &str| {
        std::fs::write(&next, jump).unwrap();
        std::fs::rename(&next, &file).unwrap();
    };
    set(JUMPS[0]);
    let mut command = Command::new(program());
    command.args(arguments).args(["--device", "cpu", "--json"]);
    command.env("PASER_CACHE", place).env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", &file);
    for one in ["FAKETIME_NO_CACHE", "FAKETIME_DONT_FAKE_MONOTONIC", "NO_FAKE_STAT"] {
        command.env(one, "1");
    }
    let since = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut turn = 0;
    while child.try_wait().unwrap().is_none() {
        std::thread::sleep(TURN);
        turn += 1;
        set(JUMPS[turn % JUMPS.len()]);
    }
    assert!(turn > 2 * JUMPS.len(), "it ended after {turn} turns of the clock");
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("panicked"), "{said}");
    (output, since.elapsed().as_secs_f64())
}

/// Every figure of `value` whose name speaks of seconds.
fn seconds(value: &Value, name: &str) -> Vec<(String, f64)> {
    match value {
        Value::Object(all) => all.iter().flat_map(|(key, v)| seconds(v, key)).collect(),
        Value::Array(all) => all.iter().flat_map(|v| seconds(v, name)).collect(),
        Value::Number(n) if name.contains("seconds") => vec![(name.to_owned(), n.as_f64().unwrap())],
        _ => Vec::new(),
    }
}

/// The durations in what was printed are none that the work cannot have taken.
fn sensible((output, took): &(Output, f64)) {
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let told = seconds(&printed, "");
    assert!(!told.is_empty(), "{printed}");
    for (name, told) in told {
        assert!((0.0..=*took).contains(&told), "{name} is {told}, in a run of {took} s");
    }
}

/// The log tells that the program was told another time.
fn saw_another_year(place: &Path) {
    let year =
        |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() / 31_556_952 + 1970;
    let then = format!("{}-", year(SystemTime::now()) - 60);
    let files = std::fs::read_dir(place.join("log")).unwrap().flatten();
    let text: String = files.map(|f| std::fs::read_to_string(f.path()).unwrap()).collect();
    assert!(
        text.lines().any(|line| line.starts_with(&then)),
        "no line of the log begins with {then}: {text}"
    );
}

#[test]
fn a_clock_that_jumps_while_a_stack_is_segmented() {
    let Some(library) = library() else { return };
    let folder = tempdir().unwrap();
    let text = |name: &str| folder.path().join(name).display().to_string();
    fixture::bundle(&folder.path().join("bundle"), &Kind::small());
    fixture::stack(&folder.path().join("s.tif"), [40, 200, 200], 1);
    let bundle = text("bundle");
    let (stack, plain, jumped) = (text("s.tif"), text("plain"), text("jumped"));
    let arguments = |out| ["segment", &stack, "--bundle", &bundle, "--out", out];
    fixture::json(folder.path(), &arguments(&plain));
    sensible(&run(&library, folder.path(), &arguments(&jumped)));
    let written = |out: &str| std::fs::read_to_string(folder.path().join(out).join("run.json")).unwrap();
    assert_eq!(written("jumped"), written("plain"), "hashes and all");
    saw_another_year(folder.path());
}

#[test]
fn a_clock_that_jumps_in_training() {
    let Some(library) = library() else { return };
    let place = training::Place::new("5", "64");
    place.run(&place.train("whole", &[]));
    let arguments = place.train("b", &[]);
    let ran = run(&library, place.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    sensible(&ran);
    assert_eq!(place.weights("b"), place.weights("whole"));
    saw_another_year(place.path());
}
