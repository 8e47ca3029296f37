//! The window's threads at real work on small files: what it shows is what the command line writes, whatever
//! it is given.

use super::*;
use crate::fixture::{self, Kind, bundle, stack, stack_of};
use paser_app::window::engine::{Engine, Look, Source};
use paser_app::window::project::Place;
use paser_app::window::recovery::{Left, Recovery};
use paser_app::window::state::{Loading, Workspace};
use paser_app::window::training::Field;
use paser_core::device::Wish;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};

/// Longest that anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// State and threads without a window.
pub(super) struct Desk {
    pub(super) state: State,
    engine: Engine,
}

impl Desk {
    pub(super) fn new() -> Self {
        let engine = Engine::start(Source::Own(Wish::Cpu), Arc::new(|| ())).expect("threads");
        Self { state: State::new(Mode::Dark, None), engine }
    }

    pub(super) fn with(folder: &Path) -> Self {
        let mut desk = Self::new();
        desk.command(Command::UseBundle(folder.join("bundle")));
        desk.until("the bundle", |s| s.model().is_some());
        desk.command(Command::Open(folder.join("s.tif")));
        desk.until("the stack", |s| s.stack.is_some());
        desk
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Compute(job) => assert!(self.engine.compute(job), "the queue is full"),
                Effect::Read(read) => self.engine.read(read),
                Effect::Pick(_) | Effect::Copy(_) | Effect::Quit => {}
            }
        }
    }

    pub(super) fn command(&mut self, command: Command) {
        let effects = handle(&mut self.state, command);
        self.perform(effects);
    }

    pub(super) fn until(&mut self, what: &str, done: impl Fn(&State) -> bool) {
        let since = Instant::now();
        while !done(&self.state) {
            assert!(since.elapsed() < PATIENCE, "{what} did not come: {:?}", self.state.notices.shown());
            match self.engine.event() {
                Some(event) => {
                    let effects = absorb(&mut self.state, event);
                    self.perform(effects);
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    pub(super) fn failure(&mut self, needle: &str) {
        self.until(needle, |s| !s.notices.failures().is_empty());
        let said = self.state.notices.failures()[0].text.clone();
        assert!(said.contains(needle), "\"{said}\" does not say \"{needle}\"");
        while self.state.notices.dismiss_failure() {}
    }
}

/// A bundle and a stack.
pub(super) fn place() -> TempDir {
    let folder = tempdir().expect("a folder");
    bundle(&folder.path().join("bundle"), &Kind::small());
    stack(&folder.path().join("s.tif"), [6, 40, 48], 1);
    folder
}

fn evidence(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.join("run.json")).expect("run.json")).expect("JSON")
}

#[test]
fn a_run_in_the_window_is_the_command_lines() {
    let folder = place();
    let (text, at) = (|n: &str| folder.path().join(n).display().to_string(), folder.path());
    let mut desk = Desk::with(at);
    desk.command(Command::SetLambda(0.0));
    desk.command(Command::SegmentStack);
    desk.until("the run", |s| s.run.is_none() && !s.exports.is_empty());
    let ours = evidence(&desk.state.exports[0]);
    let (stack, bundle, out) = (text("s.tif"), text("bundle"), text("out"));
    let told = fixture::json(at, &["segment", &stack, "--bundle", &bundle, "--lambda", "0", "--out", &out]);
    let theirs = evidence(&at.join("out"));
    for key in ["labels_sha256", "routes_sha256", "totals", "fractions", "shares", "first_slice"] {
        assert_eq!(ours[key], theirs[key], "{key}");
    }
    for key in ["input_sha256", "bundle", "seed", "router", "lambda", "normalisation", "opened", "volume"] {
        assert_eq!(ours["run"][key], theirs["run"][key], "{key}");
    }
    let shown: u64 = desk.state.stack.as_ref().expect("a stack").results.summaries().map(|s| s.flops).sum();
    assert_eq!(told["flops"], shown, "the FLOPs on show are those of the command line");
    let report = desk.state.exports[0].join("s_report.html");
    assert!(std::fs::read_to_string(report).expect("a report").contains("<svg"));
    let again = fixture::json(at, &["rerun", &desk.state.exports[0].join("run.json").display().to_string()]);
    assert_eq!(again["same"], true, "{again}");
}

#[test]
fn a_slice_is_routed_while_a_run_and_a_training_are_at_work() {
    let folder = place();
    stack(&folder.path().join("long.tif"), [400, 96, 96], 3);
    let mut desk = Desk::with(folder.path());
    desk.command(Command::Open(folder.path().join("long.tif")));
    desk.until("the long stack", |s| s.stack.as_ref().is_some_and(|s| s.info.slices == 400));
    desk.command(Command::SegmentStack);
    desk.until("a first slice", |s| s.run.as_ref().is_some_and(|r| r.done > 0));
    for i in 1..12 {
        desk.command(Command::SegmentSlice);
        desk.command(Command::SetLambda(f64::from(i) / 20.0));
        desk.until("a look", |s| s.look.is_none());
    }
    assert!(desk.state.run.is_some(), "the run still goes on");
    let shown = desk.state.stack.as_ref().and_then(|s| s.summary()).map(|s| s.lambda);
    assert_eq!(shown, Some(0.55));
    desk.command(Command::Stop);
    desk.until("the end of the run", |s| s.run.is_none());
}

#[test]
fn whatever_is_opened_gives_a_volume_or_a_sentence() {
    let folder = place();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("text.tif"), "this is no picture").unwrap();
    let whole = std::fs::read(at("s.tif")).unwrap();
    std::fs::write(at("cut.tif"), &whole[..whole.len() / 3]).unwrap();
    std::fs::write(at("empty.tif"), []).unwrap();
    std::fs::create_dir(at("nothing")).unwrap();
    let mut desk = Desk::with(folder.path());
    for (name, needle) in [
        ("missing.tif", "missing.tif"),
        ("text.tif", "text.tif"),
        ("empty.tif", "empty.tif"),
        ("cut.tif", "cut.tif"),
        ("nothing", "nothing"),
    ] {
        desk.command(Command::Open(at(name)));
        desk.failure(needle);
        assert!(desk.state.opening.is_none() && desk.state.stack.is_some(), "{name}: the old stack stays");
    }
    desk.command(Command::UseBundle(at("nothing")));
    desk.failure("no model bundle");
    assert!(matches!(desk.state.model, Loading::Failed));
    desk.command(Command::UseBundle(at("bundle")));
    desk.until("the bundle", |s| s.model().is_some());
}

#[test]
fn a_stack_deleted_while_it_is_open_ends_in_a_sentence() {
    let folder = place();
    let slices = folder.path().join("slices");
    std::fs::create_dir(&slices).unwrap();
    for z in 0..30 {
        stack_of(&slices.join(format!("{z:03}.tif")), [1, 40, 48], &|_, i| (i % 251) as u8);
    }
    let mut desk = Desk::with(folder.path());
    desk.command(Command::Open(slices.clone()));
    desk.until("the folder", |s| s.stack.as_ref().is_some_and(|s| s.info.slices == 30));
    std::fs::remove_dir_all(&slices).unwrap();
    desk.command(Command::GoTo(2));
    desk.failure("Cannot read");
    desk.command(Command::SegmentStack);
    desk.failure("annot");
    assert!(desk.state.run.is_none() && desk.state.exports.is_empty());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|e| e.file_name()).collect();
    assert!(
        left.iter().all(|n| !n.to_string_lossy().contains("PaSeR")),
        "nothing half-written stays: {left:?}"
    );
}

#[test]
fn another_bundle_with_other_classes_takes_over() {
    let folder = place();
    let mut four = Kind::small();
    four.nets.iter_mut().for_each(|n| n.classes = 4);
    bundle(&folder.path().join("four"), &four);
    let mut desk = Desk::with(folder.path());
    desk.command(Command::SegmentSlice);
    desk.until("a slice", |s| s.run.is_none() && s.stack.as_ref().is_some_and(|s| s.kept().is_some()));
    desk.command(Command::Show(Layer::Probability(2)));
    desk.command(Command::UseBundle(folder.path().join("four")));
    desk.until("the other bundle", |s| s.model().is_some_and(|m| m.manifest.classes.len() == 4));
    desk.command(Command::SegmentSlice);
    desk.until("a slice of four classes", |s| s.run.is_none());
    desk.until("its figures", |s| {
        s.stack.as_ref().and_then(|s| s.summary()).is_some_and(|s| s.pixels.len() == 4)
    });
    desk.command(Command::Show(Layer::Probability(3)));
    desk.command(Command::UseBundle(folder.path().join("bundle")));
    desk.until("the first bundle", |s| s.model().is_some_and(|m| m.manifest.classes.len() == 3));
    let mut harness = harness(std::mem::take(&mut desk.state));
    harness.run_steps(3);
}

#[test]
fn a_training_in_the_window_shows_itself_pauses_stops_and_goes_on() {
    let folder = place();
    let phantom = folder.path().join("p");
    let size = ["--slices", "6", "--height", "64", "--width", "64", "--every", "9"];
    let out = phantom.display().to_string();
    fixture::json(folder.path(), &[&["phantom", "--out", &out][..], &size].concat());
    let mut desk = Desk::with(folder.path());
    desk.command(Command::SetField(Field::Images, phantom.join("images").display().to_string()));
    desk.command(Command::SetField(Field::Labels, phantom.join("labels").display().to_string()));
    desk.until("the pairs", |s| matches!(&s.pairs, Some(Ok(p)) if p.names.len() == 6));
    desk.command(Command::SetField(Field::Out, folder.path().join("made").display().to_string()));
    desk.state.form.config = serde_json::from_str(include_str!("../../data/tiny-training.json")).unwrap();
    desk.command(Command::SegmentSlice);
    desk.until("a slice", |s| s.run.is_none());
    desk.command(Command::Train);
    let seen = |s: &State| s.training.as_ref().is_some_and(|t| t.stages.iter().any(|s| s.pictures.len() > 1));
    desk.until("pictures", seen);
    desk.command(Command::SetLambda(0.25));
    desk.until("a look during the training", |s| s.look.is_none());
    desk.command(Command::PauseTraining);
    desk.command(Command::PauseTraining);
    desk.command(Command::EndTraining(false));
    desk.until("the stop", |s| s.training.as_ref().is_some_and(|t| !t.runs()));
    assert!(matches!(&desk.state.training.as_ref().unwrap().outcome, Some(Ok(None))));
    desk.command(Command::Train);
    desk.until("the bundle", |s| s.training.as_ref().is_some_and(|t| !t.runs()));
    let training = desk.state.training.as_ref().unwrap();
    assert_eq!(training.outcome, Some(Ok(Some(folder.path().join("made")))), "{:?}", training.notes);
    assert!(training.stages.iter().any(|s| s.pictures.iter().any(|(_, p)| !p.routes.is_empty())));
    assert!(training.stages.iter().any(|s| s.left_in_all.is_some()));
    desk.command(Command::UseBundle(folder.path().join("made")));
    desk.until("it", |s| s.model().is_some_and(|m| m.manifest.name == "made"));
    assert!(!desk.state.comparison.rows.is_empty(), "its record fills the Compare workspace");
}

#[test]
fn a_project_is_saved_moved_and_opened_again() {
    let folder = place();
    let home = folder.path().join("work");
    std::fs::create_dir(&home).unwrap();
    for name in ["bundle", "s.tif"] {
        std::fs::rename(folder.path().join(name), home.join(name)).unwrap();
    }
    let mut desk = Desk::with(&home);
    desk.command(Command::GoTo(4));
    desk.command(Command::SetLambda(0.0));
    desk.command(Command::SegmentSlice);
    desk.until("a slice", |s| s.run.is_none());
    desk.command(Command::GoToWorkspace(Workspace::Report));
    desk.command(Command::SaveProject(Some(home.join("cell"))));
    desk.until("the project", |s| s.project.is_some());
    assert_eq!(desk.state.project, Some(home.join("cell.paser")));
    let moved = folder.path().join("moved");
    drop(desk);
    std::fs::rename(&home, &moved).unwrap();
    let mut desk = Desk::new();
    desk.command(Command::Open(moved.join("cell.paser")));
    desk.until("all of it", |s| s.stack.as_ref().is_some_and(|s| s.summary().is_some()));
    let stack = desk.state.stack.as_ref().unwrap();
    assert_eq!((stack.z, stack.path.clone()), (4, moved.join("s.tif")));
    assert_eq!((desk.state.lambda, desk.state.workspace), (0.0, Workspace::Report));
    assert_eq!(desk.state.bundle, Some(moved.join("bundle")));
    drop(desk);
    stack_of(&moved.join("s.tif"), [6, 40, 48], &|_, i| (i % 7) as u8);
    let mut desk = Desk::new();
    desk.command(Command::Open(moved.join("cell.paser")));
    desk.until("the question", |s| s.relink.is_some());
    let places = &desk.state.relink.as_ref().unwrap().places;
    assert!(places.iter().any(|(_, p)| matches!(p, Place::Changed(_))), "{places:?}");
}

#[test]
fn what_a_killed_program_left_is_offered_once_and_not_to_a_second_one() {
    let folder = tempdir().unwrap();
    let project = paser_app::window::project::Project::of(&ready(Mode::Dark));
    let (mut first, left) = Recovery::begin(folder.path()).expect("a place");
    assert!(left.is_none());
    let (path, text) = first.changed(&project).expect("something new");
    assert!(first.changed(&project).is_none(), "the same is not written twice");
    std::fs::write(&path, text).unwrap();
    let (_second, left) = Recovery::begin(folder.path()).expect("another place");
    assert!(left.is_none(), "a running program's place is its own");
    drop(first); // as when it is killed: the lock goes, the file stays
    let (third, left) = Recovery::begin(folder.path()).expect("the place again");
    assert_eq!(left, Some(Left { project: Some(project), report: None }));
    third.end();
    drop(third);
    assert!(
        Recovery::begin(folder.path()).expect("the place again").1.is_none(),
        "a proper end leaves nothing"
    );
}

#[test]
fn looks_do_not_pile_up_behind_long_work() {
    let folder = place();
    let mut desk = Desk::with(folder.path());
    desk.command(Command::SegmentSlice);
    desk.until("a slice", |s| s.run.is_none());
    let volume = desk.state.stack.as_ref().unwrap().volume.clone();
    for id in 0..200 {
        let look = Look {
            id,
            stack: 1,
            volume: volume.clone(),
            z: 0,
            lambda: 0.5,
            method: paser_core::route::Method::Paser,
            router: None,
            patch: None,
            noise: paser_core::noise::Noise::None,
            control: paser_core::event::Control::default(),
        };
        assert!(desk.engine.compute(Job::Look(Box::new(look))), "look {id} found no room");
    }
}
