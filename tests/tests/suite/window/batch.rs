//! The Batch workspace: its pictures, what its names do, and a batch at real work with a broken file in it.

use super::driven::{Desk, place};
use super::*;
use crate::fixture::stack;
use paser_app::window::batch::RowState;
use paser_app::window::command::BatchCommand;
use paser_app::window::engine::{Found, Live, Outcome, Read, Saved, Stage};
use paser_app::window::state::Workspace;
use paser_core::export::LabelFormat;
use std::time::{Duration, Instant};

const SMALL: [f32; 2] = [1280.0, 720.0];

fn empty(mode: Mode) -> State {
    let mut state = State::new(mode, None);
    let card =
        Description { name: "Example RTX".to_owned(), kind: "discrete".to_owned(), ..Description::cpu() };
    absorb(&mut state, Told::Device(card, None));
    absorb(&mut state, Told::Model(Ok(Box::new(model()))));
    handle(&mut state, Command::GoToWorkspace(Workspace::Batch));
    state
}

fn add(state: &mut State, names: &[&str]) -> Vec<u64> {
    let paths = names.iter().map(|n| PathBuf::from(format!("/data/scans/{n}"))).collect();
    let effects = handle(state, Command::Batch(BatchCommand::Add(paths)));
    let row = |e: &Effect| if let Effect::Read(Read::Row(id, _)) = e { *id } else { panic!("{e:?}") };
    effects.iter().map(row).collect()
}

fn volume() -> Volume {
    Arc::new(Fake(info()))
}

/// Five stacks, one of which cannot be read.
fn added(mode: Mode) -> (State, Vec<u64>) {
    let mut state = empty(mode);
    let names = ["anode_top.tif", "anode_middle.tif", "damaged.tif", "anode_bottom.tif", "cell_07_scan_12"];
    let rows = add(&mut state, &names);
    for (i, row) in rows.iter().enumerate() {
        let why =
            "cannot use /data/scans/damaged.tif: it ends in the middle of page 12; copy or export it again";
        let found = if i == 2 { Err(why.to_owned()) } else { Ok(Found::Stack(volume())) };
        absorb(&mut state, Told::Row(*row, found));
    }
    (state, rows)
}

fn begin(state: &mut State) -> Vec<Effect> {
    handle(state, Command::Batch(BatchCommand::Start))
}

/// The run that the stack just opened is segmented in.
fn job(effects: &[Effect]) -> &paser_app::window::engine::Segment {
    match effects {
        [Effect::Compute(Job::Segment(job))] => job,
        other => panic!("nothing is segmented: {other:?}"),
    }
}

fn saved(folder: &str, report: bool, note: Option<&str>) -> Saved {
    let folder = PathBuf::from(folder);
    let page = report.then(|| folder.join("anode_top_report.html"));
    Saved { folder, report: page, note: note.map(str::to_owned) }
}

fn running(mode: Mode) -> State {
    let (mut state, rows) = added(mode);
    state.wanted.formats = vec![LabelFormat::OmeZarr, LabelFormat::Overlays];
    begin(&mut state);
    let effects = absorb(&mut state, Told::Row(rows[0], Ok(Found::Stack(volume()))));
    let saved = saved("/data/scans/anode_top_PaSeR_1", true, None);
    absorb(&mut state, Told::Finished(job(&effects).run, Outcome::Done(Some(saved.clone()))));
    // wall time is no part of a picture
    state.batch.rows[0].state = RowState::Done { saved, seconds: 62.0 };
    absorb(&mut state, Told::Row(rows[1], Ok(Found::Stack(volume()))));
    let since = Instant::now();
    let run = state.run.as_mut().expect("the second stack is at work");
    run.done = 17;
    let last = since + Duration::from_millis(4100);
    run.live = Some(Live { run: run.id, stage: Stage::Slices, done: 17, since, last });
    handle(&mut state, Command::Batch(BatchCommand::Skip(rows[4])));
    state
}

/// All over: three done, two failed.
fn over(mode: Mode) -> State {
    let (mut state, rows) = added(mode);
    begin(&mut state);
    for (i, row) in rows.iter().enumerate().filter(|(i, _)| *i != 2) {
        let effects = absorb(&mut state, Told::Row(*row, Ok(Found::Stack(volume()))));
        let note = match i {
            0 => Some("out of memory on the graphics card: the CPU took over"),
            3 => Some("the report was left out, as asked"),
            _ => None,
        };
        let saved = saved(&format!("/data/scans/{i}_PaSeR_1"), i != 3, note);
        let outcome = match i {
            1 => Outcome::Failed("the disk is full, so /data/scans/anode_middle_PaSeR_1 was not written; free some space or choose another place".to_owned()),
            _ => Outcome::Done(Some(saved.clone())),
        };
        absorb(&mut state, Told::Finished(job(&effects).run, outcome));
        if i != 1 {
            state.batch.rows[i].state = RowState::Done { saved, seconds: 58.0 };
        }
    }
    state
}

#[test]
fn a_row_has_its_report_whatever_became_of_the_device() {
    let state = over(Mode::Dark);
    let harness = harness_of(state, SMALL);
    let link = |name: &str| harness.query_by_label(&format!("Report {name}")).is_some();
    assert!(link("anode_top.tif"), "a note of the device does not hide the report");
    assert!(
        link("cell_07_scan_12") && !link("anode_bottom.tif"),
        "where the report was left out there is no link"
    );
}

#[test]
fn pictures_of_the_batch() {
    let mut scenes = Vec::new();
    for (mode, name) in [(Mode::Dark, "dark"), (Mode::Light, "light")] {
        scenes.push((format!("batch_empty_{name}"), empty(mode)));
        scenes.push((format!("batch_working_{name}"), running(mode)));
        scenes.push((format!("batch_error_{name}"), over(mode)));
    }
    pictures(scenes, SMALL);
}

#[test]
fn a_failed_stack_stops_nobody_and_the_settings_stay_those_of_the_start() {
    let (mut state, rows) = added(Mode::Dark);
    handle(&mut state, Command::SetLambda(0.1));
    let effects = begin(&mut state);
    assert!(matches!(effects.as_slice(), [Effect::Read(Read::Row(id, _))] if *id == rows[0]), "{effects:?}");
    assert!(state.busy().is_some() && begin(&mut state).is_empty(), "one batch at a time");
    handle(&mut state, Command::SetLambda(0.3));
    let effects = absorb(&mut state, Told::Row(rows[0], Err("it is gone; find it".to_owned())));
    assert!(matches!(effects.as_slice(), [Effect::Read(Read::Row(id, _))] if *id == rows[1]), "{effects:?}");
    let effects = absorb(&mut state, Told::Row(rows[1], Ok(Found::Stack(volume()))));
    let first = job(&effects);
    assert_eq!((first.lambda, first.slices.clone()), (0.1, 0..SLICES));
    assert_eq!(first.beside, Some(PathBuf::from("/data/scans/anode_middle.tif")));
    let effects = absorb(
        &mut state,
        Told::Finished(first.run, Outcome::Failed("the device failed; restart".to_owned())),
    );
    assert!(matches!(effects.as_slice(), [Effect::Read(Read::Row(id, _))] if *id == rows[3]), "{effects:?}");
    assert!(state.notices.failures().is_empty(), "the table says it, no dialog stops the batch");
    assert_eq!(state.batch.counts(), [0, 3, 2]);
}

#[test]
fn rows_are_skipped_retried_cancelled_and_opened_by_name() {
    let (state, rows) = added(Mode::Light);
    let mut harness = harness_of(state, SMALL);
    harness.get_by_label("Skip anode_middle.tif").click();
    harness.get_by_label("Segment 4 stacks").click();
    harness.run_steps(3);
    let state = &mut harness.state_mut().state;
    assert!(matches!(state.batch.rows[1].state, RowState::Skipped));
    let effects = absorb(state, Told::Row(rows[0], Ok(Found::Stack(volume()))));
    let run = job(&effects).run;
    harness.run_steps(3);
    harness.get_by_label("Skip anode_top.tif").click();
    harness.run_steps(3);
    let state = &mut harness.state_mut().state;
    assert!(state.run.as_ref().is_some_and(|r| r.stopping), "the stack at work stops");
    absorb(state, Told::Finished(run, Outcome::Stopped));
    assert!(matches!(state.batch.rows[0].state, RowState::Skipped));
    assert!(matches!(state.batch.rows[3].state, RowState::Opening), "the next one begins");
    let effects = absorb(state, Told::Row(rows[3], Ok(Found::Stack(volume()))));
    let run = job(&effects).run;
    harness.run_steps(3);
    harness.get_by_label("Pause").click();
    harness.run_steps(3);
    harness.get_by_label("Go on").click();
    harness.run_steps(3);
    harness.get_by_label("Cancel the batch").click();
    harness.run_steps(3);
    let state = &mut harness.state_mut().state;
    absorb(state, Told::Finished(run, Outcome::Stopped));
    assert!(matches!(state.batch.rows[3].state, RowState::Waiting) && state.busy().is_none());
    harness.run_steps(3);
    harness.get_by_label("Retry damaged.tif").click();
    harness.run_steps(3);
    let state = &mut harness.state_mut().state;
    assert!(matches!(state.batch.rows[2].state, RowState::Looking));
    absorb(state, Told::Row(rows[2], Ok(Found::Stack(volume()))));
    harness.run_steps(3);
    harness.get_by_label("Remove damaged.tif").click();
    harness.run_steps(3);
    harness.get_by_label("Retry anode_top.tif").click();
    harness.run_steps(3);
    let state = &mut harness.state_mut().state;
    assert_eq!(state.batch.rows.len(), 4);
    handle(state, Command::Batch(BatchCommand::Open(rows[0])));
    assert_eq!(state.opening, Some(PathBuf::from("/data/scans/anode_top.tif")));
}

#[test]
fn what_is_written_is_chosen_once_for_batch_and_single_runs() {
    let mut harness = harness_of(empty(Mode::Dark), SMALL);
    for name in ["OME-Zarr", "Overlays with routes", "Error bars in the report", "Tortuosity of pore"] {
        harness.get_by_label(name).click();
        harness.run_steps(3);
    }
    let wanted = harness.state().state.wanted.clone();
    assert_eq!(wanted.formats, [LabelFormat::OmeZarr, LabelFormat::OverlaysRoutes]);
    assert_eq!((wanted.draws, wanted.tortuosity.as_slice()), (0, &["pore".to_owned()][..]));
    let mut state = ready(Mode::Dark);
    handle(&mut state, Command::SetWanted(wanted.clone()));
    assert_eq!(job(&handle(&mut state, Command::SegmentStack)).wanted, wanted);
}

/// Files, a folder of slices and a broken file at real work: the others finish.
#[test]
fn a_batch_at_work_passes_over_a_broken_file() {
    let folder = place();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("slices")).unwrap();
    (0..3).for_each(|i| _ = stack(&at(&format!("slices/{i}.tif")), [1, 40, 48], i));
    stack(&at("t.tif"), [4, 40, 48], 9);
    let whole = std::fs::read(at("t.tif")).unwrap();
    std::fs::write(at("cut.tif"), &whole[..whole.len() / 2]).unwrap();
    let mut desk = Desk::with(folder.path());
    let wanted =
        paser_core::export::results::Wanted { formats: vec![LabelFormat::Overlays], ..Default::default() };
    desk.command(Command::SetWanted(wanted));
    let paths = ["s.tif", "cut.tif", "slices", "t.tif"].map(at).to_vec();
    desk.command(Command::Batch(BatchCommand::Add(paths)));
    desk.command(Command::Batch(BatchCommand::Start));
    desk.until("the batch", |s| !s.batch.runs() && s.run.is_none());
    let states: Vec<String> = desk.state.batch.rows.iter().map(|r| format!("{:?}", r.state)).collect();
    assert_eq!(desk.state.batch.counts(), [3, 1, 0], "{states:?}");
    assert!(states[1].contains("cut.tif"), "the sentence names the file: {}", states[1]);
    for (row, slices) in [(0, 6), (2, 3), (3, 4)] {
        let row = &desk.state.batch.rows[row];
        let report = row.saved().and_then(|s| s.report.clone()).expect("a report");
        assert!(std::fs::read_to_string(&report).expect("its file").contains("<svg"));
        let name = row.path.file_stem().unwrap().to_string_lossy().into_owned();
        let overlays = report.with_file_name(format!("{name}_overlays"));
        let info = paser_core::volume::open(&overlays).expect("overlays").info().clone();
        assert_eq!([info.slices, info.height, info.width], [slices, 40, 48]);
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(
        !left.iter().any(|n| n.to_string_lossy().starts_with("cut_PaSeR")),
        "nothing half-made stays: {left:?}"
    );
}

/// A calibration as `paser calibrate` leaves it, for the run that `evidence` tells of.
fn calibrate(bundle: &std::path::Path, evidence: &serde_json::Value) {
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(bundle.join("manifest.json")).unwrap()).unwrap();
    let hash = |entry: &serde_json::Value| entry["sha256"].clone();
    let mut weights: Vec<_> = manifest["nets"].as_array().unwrap().iter().map(hash).collect();
    weights.push(hash(&manifest["conditioned"]));
    let classes = manifest["classes"].as_array().unwrap().len();
    let figure = serde_json::json!({
        "phase": "class0", "quantity": "fraction", "axis": "", "centre": "segmented", "shift": 0.0, "unexplained": 0.05,
        "reach": 2.0, "explained": 0.3, "fitted": 40, "tested": 50, "covered": 48, "shown": true,
    });
    let calibration = serde_json::json!({
        "format": 2, "program": "0", "weights": weights, "method": "paser", "router": evidence["run"]["router"],
        "scans": "none", "shape": [6, 40, 48], "draws": 16, "counts": [40, 50],
        "confusion": vec![vec![1; classes]; classes],
        "model": { "temperature": 1.0, "bias": vec![0.0; classes], "spacing": [2.0, 4.0, 4.0], "shared": 0.02 },
        "figures": [figure],
    });
    std::fs::write(bundle.join("uncertainty.json"), calibration.to_string()).unwrap();
}

#[test]
fn the_windows_report_has_the_error_bars_of_a_calibrated_bundle() {
    let folder = place();
    let mut desk = Desk::with(folder.path());
    let mut run = || {
        let before = desk.state.exports.len();
        desk.command(Command::SegmentStack);
        desk.until("the run", |s| s.run.is_none() && s.exports.len() > before);
        let read = |name: &str| -> serde_json::Value {
            let path = desk.state.exports[before].join(name);
            serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
        };
        (read("run.json"), read("s_measures.json"))
    };
    let (evidence, measures) = run();
    assert!(measures["error_bars"].is_null(), "an uncalibrated bundle has none");
    calibrate(&folder.path().join("bundle"), &evidence);
    let (_, measures) = run();
    let bars = &measures["error_bars"];
    assert_eq!((bars["draws"].as_u64(), bars["bars"][0]["quantity"].as_str()), (Some(16), Some("fraction")));
    let [low, high] = ["low", "high"].map(|end| bars["bars"][0][end].as_f64().unwrap());
    assert!(low < high, "{bars}");
}
