//! Programs killed at random moments: what comes after is the state before or the state that was to be, and a restart
//! ends where a run without a kill ends.
//!
//! `cargo test --release --workspace --test suite kills -- --ignored --nocapture --test-threads 1` kills 200 times
//! (`PASER_KILLS` times each of four kinds of work, 50 where not set; `PASER_KILLS_SEED` chooses the moments).

use crate::fixture::{self, Kind, spawn};
use crate::training;
use paser_app::window::project::Project;
use paser_app::window::{State, theme::Mode};
use paser_core::hash::Stream;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|v| v.parse().ok()).unwrap_or(otherwise)
}

fn kills() -> usize {
    number("PASER_KILLS", 50) as usize
}

/// Random moments, and what was done at them.
struct Reaper {
    chance: Stream,
    killed: usize,
    ended: usize,
    /// Of each kill, as part of the work's usual time.
    moments: Vec<f64>,
}

impl Reaper {
    fn new(work: &str) -> Self {
        let chance = Stream::new(number("PASER_KILLS_SEED", 1), work);
        Self { chance, killed: 0, ended: 0, moments: Vec::new() }
    }

    /// Ends `child` at a random moment within `usual`, every fourth time with SIGTERM; whether it was still at work.
    fn reap(&mut self, mut child: Child, usual: Duration) -> bool {
        let part = self.chance.unit();
        std::thread::sleep(usual.mul_f64(part));
        if child.try_wait().unwrap().is_some() {
            self.ended += 1;
            return false;
        }
        if self.killed % 4 == 3 {
            Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        } else {
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        if status.code().is_some() {
            self.ended += 1; // it ended by itself just before
            return false;
        }
        self.killed += 1;
        self.moments.push(part);
        true
    }

    fn tell(&self, work: &str) {
        let in_part = |i: usize| self.moments.iter().filter(|m| (**m * 4.0) as usize == i).count();
        println!(
            "{work}: {} kills (by quarter of the usual time {:?}), {} runs ended before their moment, every restart clean",
            self.killed,
            [0, 1, 2, 3].map(in_part),
            self.ended
        );
    }
}

/// Runs to the end; whether it succeeded, and what it said.
fn finish(cache: &Path, arguments: &[String]) -> (bool, String) {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = fixture::paser(cache, &arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    (output.status.success(), said)
}

fn timed(work: impl FnOnce()) -> Duration {
    let since = Instant::now();
    work();
    since.elapsed()
}

#[test]
#[ignore = "minutes of killing"]
fn training() {
    let place = training::Place::new("5", "64");
    let usual = timed(|| drop(place.run(&place.train("whole", &[]))));
    let expected = place.weights("whole");
    let mut reaper = Reaper::new("training");
    while reaper.killed < kills() {
        let mut more: &[&str] = &[];
        // up to four kills in a row, each followed by a restart that goes on
        for _ in 0..4 {
            if !reaper.reap(spawn(place.path(), &place.train("b", more)), usual) {
                break;
            }
            more = &["--resume"];
        }
        if !place.at("b").exists() {
            place.run(&place.train("b", &["--resume"]));
        }
        assert_eq!(place.weights("b"), expected, "the same weights as without a kill");
        let left = names(&place.at("b"));
        assert!(left.iter().all(|name| !name.starts_with('.')), "{left:?}");
        std::fs::remove_dir_all(place.at("b")).unwrap();
        let _ = std::fs::remove_dir_all(place.at("b.partial")); // where the kill came after the bundle had its name
    }
    reaper.tell("training");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).map(|d| d.flatten().collect::<Vec<_>>()).unwrap_or_default();
    entries.iter().map(|e| e.file_name().to_string_lossy().into_owned()).collect()
}

/// A bundle and a stack, and what segmenting it in full gives.
struct Segmenting(TempDir);

impl Segmenting {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        fixture::bundle(&folder.path().join("bundle"), &Kind::small());
        fixture::stack(&folder.path().join("s.tif"), [16, 70, 70], 1);
        Self(folder)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn arguments(&self, out: &str, more: &[&str]) -> Vec<String> {
        let text = |name: &str| self.at(name).display().to_string();
        let fixed = ["segment", &text("s.tif"), "--bundle", &text("bundle"), "--out", &text(out)];
        let exports = ["--export", "nrrd,ome-zarr,raw,phases"];
        fixed.iter().chain(&exports).chain(more).map(|s| (*s).to_owned()).collect()
    }

    /// Every file below `out` with a hash; of what holds seconds only that it is there.
    fn state(&self, out: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        hashes(&self.at(out), &self.at(out), &mut found);
        found
    }
}

fn hashes(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            hashes(root, &path, found);
            continue;
        }
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        let timed = name.ends_with("_report.html") || name.ends_with("_report.pdf");
        let bytes = std::fs::read(&path).unwrap();
        found.insert(name, if timed { String::new() } else { paser_core::bundle::sha256(&bytes) });
    }
}

#[test]
#[ignore = "minutes of killing"]
fn segmenting() {
    let place = Segmenting::new();
    let run = |out: &str| finish(place.0.path(), &place.arguments(out, &[]));
    let usual = timed(|| assert!(run("whole").0));
    let expected = place.state("whole");
    let mut reaper = Reaper::new("segmenting");
    while reaper.killed < kills() {
        reaper.reap(spawn(place.0.path(), &place.arguments("out", &[])), usual);
        let (done, said) = run("out");
        assert!(done || said.contains("exists already"), "{said}");
        assert_eq!(place.state("out"), expected, "all files, none else: {said}");
        std::fs::remove_dir_all(place.at("out")).unwrap();
    }
    reaper.tell("segmenting");
}

#[test]
#[ignore = "minutes of killing"]
fn exporting() {
    let place = Segmenting::new();
    let run = |out: &str, more: &[&str]| finish(place.0.path(), &place.arguments(out, more));
    assert!(run("old", &["--method", "f0"]).0);
    assert!(run("new", &[]).0);
    let (old, new) = (place.state("old"), place.state("new"));
    assert_ne!(old, new);
    let mut reaper = Reaper::new("exporting");
    let mut seen = [0, 0];
    while reaper.killed < kills() {
        let _ = std::fs::remove_dir_all(place.at("out"));
        fixture::copy(&place.at("old"), &place.at("out"));
        let child = spawn(place.0.path(), &place.arguments("out", &["--force"]));
        // the files are completed, and then given their places, from here on
        wait_for(&place.at("out/.paser-run/s_labels.tif"), &child);
        let killed = reaper.reap(child, Duration::from_millis(number("PASER_KILLS_WINDOW", 60)));
        // without --force nothing is written anew: what was interrupted is settled, and the run refused
        let (done, said) = run("out", &[]);
        assert!(!done && said.contains("exists already"), "{said}");
        let state = place.state("out");
        assert!(state == old || state == new, "a mixture: {:?}", state.keys());
        seen[usize::from(state == new)] += usize::from(killed);
    }
    reaper.tell("exporting");
    println!("exporting: after {} kills the results before, after {} the new ones", seen[0], seen[1]);
}

fn wait_for(path: &Path, child: &Child) {
    let since = Instant::now();
    while !path.exists()
        && since.elapsed() < Duration::from_secs(60)
        && Path::new(&format!("/proc/{}", child.id())).exists()
    {
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// The project that `saver` writes the `turn`th time.
fn project(turn: usize) -> Project {
    let mut state = State::new(Mode::default(), None);
    state.lambda = turn as f64 / 1024.0;
    Project::of(&state)
}

/// Saves a project again and again; a program of its own, for the test below.
#[test]
#[ignore = "it is a part of another test"]
fn saver() {
    let Some(path) = std::env::var_os("PASER_SAVE_TO") else { return };
    (0..).for_each(|turn| project(turn % 1024).save(Path::new(&path)).unwrap());
}

#[test]
#[ignore = "minutes of killing"]
fn saving() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("p.paser");
    project(0).save(&path).unwrap();
    let mut reaper = Reaper::new("saving");
    let mut last = BTreeMap::new();
    while reaper.killed < kills() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "kills::saver"]).env("PASER_SAVE_TO", &path);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        reaper.reap(child, Duration::from_millis(300));
        let saved = Project::load(&path).expect("a whole project");
        let turn = (saved.lambda * 1024.0).round() as usize;
        assert_eq!(saved.text().unwrap(), project(turn).text().unwrap(), "one state, no mixture");
        *last.entry(turn).or_insert(0) += 1;
        project(turn).save(&path).expect("what was left behind is not in the way");
    }
    assert!(last.len() > 1, "some saved before they were killed");
    reaper.tell("saving");
}
