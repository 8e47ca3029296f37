//! A picture of each workspace empty, loading, at work, done and after a failure, dark and light, at the
//! smallest size that is promised; and what must not break it.

use super::panes::{compared, filled, started, training};
use super::*;
use paser_app::window::engine::{Live, Stage};
use paser_app::window::log::Log;
use paser_app::window::project::{Project, Relink};
use paser_app::window::recovery::Left;
use paser_app::window::state::Workspace;
use paser_core::export::report::{Course, Part};
use std::time::{Duration, Instant};

const SMALL: [f32; 2] = [1280.0, 720.0];

fn at(workspace: Workspace, mut state: State) -> State {
    handle(&mut state, Command::GoToWorkspace(workspace));
    state
}

/// The program as it starts, on a machine without a graphics card.
fn started_up(mode: Mode) -> State {
    let mut state = State::new(mode, Some(PathBuf::from("/sample.tif")));
    let cpu = Description { driver: "8 threads".to_owned(), ..Description::cpu() };
    absorb(&mut state, Told::Device(cpu, None));
    state
}

fn welcome(mode: Mode) -> State {
    let mut state = started_up(mode);
    absorb(&mut state, Told::Model(Ok(Box::new(model()))));
    state
}

fn opening(mode: Mode) -> State {
    let mut state = started_up(mode);
    handle(&mut state, Command::Open(PathBuf::from("/data/electrode.tif")));
    state
}

fn running(mode: Mode) -> State {
    let mut state = segmented(mode);
    handle(&mut state, Command::SegmentStack);
    let since = Instant::now();
    if let Some(run) = &mut state.run {
        run.done = 17;
        let last = since + Duration::from_millis(4100);
        run.live = Some(Live { run: run.id, stage: Stage::Slices, done: 17, since, last });
    }
    state
}

fn reporting(mode: Mode) -> State {
    let mut state = running(mode);
    let since = Instant::now();
    if let Some(run) = &mut state.run {
        run.done = run.total;
        let last = since + Duration::from_millis(7500);
        let stage = Stage::Report(Course { part: Part::Bars, done: 5, all: 16 });
        run.live = Some(Live { run: run.id, stage, done: 5, since, last });
    }
    state
}

fn audited(mode: Mode) -> State {
    let mut state = segmented(mode);
    handle(&mut state, Command::SelectPatch(Some(18)));
    state.look = None;
    state
}

fn failed(mode: Mode) -> State {
    let mut state = segmented(mode);
    state.notices.error(
        "cannot write /data/electrode_PaSeR_1: no space left on the disk; free some space or choose another folder",
    );
    state
}

fn trained(mode: Mode) -> State {
    let mut state = filled(mode);
    training(&mut state);
    state
}

fn looking(mode: Mode) -> State {
    let mut state = filled(mode);
    (state.pairs, state.previewing) = (None, Some(1));
    state
}

fn untrained(mode: Mode) -> State {
    let mut state = filled(mode);
    let job = training(&mut state);
    let why = "class nickel does not occur in the training images; check its value in the class table";
    absorb(&mut state, Told::Trained(job.id, Err(why.to_owned())));
    state.training.as_mut().expect("a training").took = Some(Duration::from_secs(95));
    state
}

fn side_by_side(mode: Mode) -> State {
    let mut state = segmented(mode);
    state.comparison = compared();
    handle(&mut state, Command::ChooseRow("paser".to_owned(), Some(0.1)));
    state.look = None;
    state
}

fn comparing(mode: Mode) -> State {
    let mut state = filled(mode);
    state.comparison = compared();
    handle(&mut state, Command::Compare);
    absorb(&mut state, Told::Comparing("images".to_owned(), 3, 14));
    state
}

fn not_compared(mode: Mode) -> State {
    let mut state = comparing(mode);
    let why =
        "the bundle was trained on some of these images, so its figures would flatter it; choose others";
    absorb(&mut state, Told::Compared(Err(why.to_owned())));
    state
}

fn reported(mode: Mode) -> State {
    let mut state = segmented(mode);
    state.exports.push(PathBuf::from("/data/electrode_PaSeR_1"));
    state.reports.push(PathBuf::from("/data/electrode_PaSeR_1/electrode_report.html"));
    state
}

fn scenes(mode: Mode) -> Vec<(&'static str, State)> {
    use Workspace::{Compare, Report, Train};
    vec![
        ("segment_empty", welcome(mode)),
        ("segment_loading", opening(mode)),
        ("segment_working", running(mode)),
        ("segment_reporting", reporting(mode)),
        ("segment_done", audited(mode)),
        ("segment_error", failed(mode)),
        ("train_empty", at(Train, ready(mode))),
        ("train_loading", looking(mode)),
        ("train_working", trained(mode)),
        ("train_error", untrained(mode)),
        ("compare_empty", at(Compare, ready(mode))),
        ("compare_working", at(Compare, comparing(mode))),
        ("compare_done", at(Compare, side_by_side(mode))),
        ("compare_error", at(Compare, not_compared(mode))),
        ("report_empty", at(Report, ready(mode))),
        ("report_done", at(Report, reported(mode))),
    ]
}

#[test]
fn every_workspace_in_every_state_dark() {
    pictures(scenes(Mode::Dark).into_iter().map(|(name, state)| (format!("{name}_dark"), state)), SMALL);
}

#[test]
fn every_workspace_in_every_state_light() {
    pictures(scenes(Mode::Light).into_iter().map(|(name, state)| (format!("{name}_light"), state)), SMALL);
}

/// Cards that lie over the window.
#[test]
fn cards_over_the_window() {
    let mut import = segmented(Mode::Light);
    handle(&mut import, Command::AskImport);
    let mut relink = ready(Mode::Dark);
    let project = Project::of(&relink);
    relink.relink = Some(Relink::of(PathBuf::from("/data/cell.paser"), project));
    let mut recovered = welcome(Mode::Light);
    recovered.recovered = Some(Left {
        project: Some(Project::of(&ready(Mode::Light))),
        report: Some("/home/lab/.local/state/paser-studio/log/crash-001795000000000.txt".into()),
    });
    let mut closing = filled(Mode::Dark);
    started(&mut closing);
    handle(&mut closing, Command::AskClose(true));
    let mut palette = segmented(Mode::Light);
    handle(&mut palette, Command::Palette(Some("slice".to_owned())));
    let mut log = ready(Mode::Dark);
    let line =
        |i: u32| format!("2026-03-01T10:{i:02}:07Z  INFO paser_core: from slice {i} on the run went on\n");
    log.log = Some(Log {
        title: "The log",
        path: "/home/lab/.local/state/paser-studio/log/paser.2026-03-01.log".into(),
        text: (10..24).map(line).collect(),
        from_end: true,
    });
    let cards = [
        ("card_import_light", import),
        ("card_relink_dark", relink),
        ("card_recovered_light", recovered),
        ("card_closing_dark", closing),
        ("card_palette_light", palette),
        ("card_log_dark", log),
    ];
    pictures(cards.map(|(name, state)| (name.to_owned(), state)), SMALL);
}

/// Twenty classes with long names, a long path and a long bundle name.
#[test]
fn twenty_classes_and_long_names_fit() {
    let mut state = segmented(Mode::Light);
    let names: Vec<String> = (1..=20).map(|i| format!("conductive binder domain number {i}")).collect();
    let mut model = model();
    model.manifest.classes = classes(&names);
    model.manifest.name = "A bundle with a name that somebody took from a long sentence".to_owned();
    absorb(&mut state, Told::Model(Ok(Box::new(model))));
    let stack = state.stack.as_mut().expect("a stack");
    stack.path = PathBuf::from("/data")
        .join("cathode_at_full_discharge_after_one_thousand_cycles_scan_3_reconstructed.tif");
    let mut harness = harness_of(state, SMALL);
    picture("twenty_classes_light", &mut harness);
    harness.get_by_label("Train").click();
    harness.run_steps(2);
    harness.get_by_label("Compare").click();
    harness.run_steps(2);
    harness.get_by_label("Report").click();
    harness.run_steps(2);
}
