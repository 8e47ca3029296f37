//! The paper's experiments in the Compare workspace: empty, at work, done and failed; driven by the names
//! that a screen reader says.

use super::*;
use paser_app::window::command::Ask;
use paser_app::window::engine::{Read, RunStudy, Written};
use paser_app::window::figures::draw;
use paser_app::window::study::{Ground, Printed};
use paser_core::event::{self, Progress};
use paser_core::study::{Figure, Page, Scale, Study, Table};

const SMALL: [f32; 2] = [1280.0, 720.0];
/// High enough for a whole page.
const HIGH: [f32; 2] = [1280.0, 1300.0];

/// The workspace with a bundle and the sample at hand.
fn desk(mode: Mode) -> State {
    let mut state = ready(mode);
    state.bundle = Some(PathBuf::from("/models/electrode"));
    handle(&mut state, Command::Study(Ask::Open(true)));
    state
}

fn begun(state: &mut State, study: Study) -> RunStudy {
    handle(state, Command::Study(Ask::Choose(study)));
    match handle(state, Command::Study(Ask::Run)).as_slice() {
        [Effect::Compute(Job::Study(job))] => (**job).clone(),
        other => panic!("no study: {other:?}"),
    }
}

/// The page of a run really made, from docs/studies.
fn printed(id: u64) -> Printed {
    let csv = include_str!("../../../../docs/studies/lambda-curve_curve.csv");
    // a comma within quotes divides nothing
    let cells = |line: &str| {
        let parts = line.split('"').enumerate();
        let parts: String =
            parts.map(|(i, p)| if i % 2 == 1 { p.replace(',', ";") } else { p.to_owned() }).collect();
        parts.split(',').map(|c| c.replace(';', ",")).collect::<Vec<String>>()
    };
    let mut lines = csv.lines().map(cells);
    let columns = lines.next().expect("a heading");
    let svg = include_bytes!("../../../../docs/studies/lambda-curve.svg");
    let page = Page {
        name: "lambda-curve".to_owned(),
        title: "IoU over cost as λ changes (Fig. 5b)".to_owned(),
        text: vec!["Bundle electrode, 18 test images of the bundle. λ = 0, 0.1, 0.3, 0.5, 0.7, 0.9, 1 are the paper's; the mean cost is Eq. 3's, weighted by the shares of the nets.".to_owned()],
        tables: vec![Table { name: "curve".to_owned(), title: "Methods over λ".to_owned(), columns, rows: lines.collect() }],
        figures: vec![Figure { file: "lambda-curve.svg".to_owned(), caption: "IoU over mean cost as λ changes".to_owned(), bytes: svg.to_vec() }],
        notes: vec!["The paper shows only its own policies. The nets alone, a random router with the same shares and the oracle stand on the same axes here, since a router is worth what it adds to them.".to_owned()],
        figures_json: serde_json::Value::Null,
        scale: Scale::Workstation.name(),
        device: Description { name: "CPU".to_owned(), driver: "2 threads".to_owned(), ..Description::cpu() },
        seconds: 62.0,
        seed: 42,
    };
    let pictures = draw(&page.figures);
    Printed { id, page, pictures }
}

/// A page of pictures, from docs/studies.
fn looks(id: u64) -> Printed {
    let Printed { mut page, .. } = printed(id);
    page.name = "where-it-looks".to_owned();
    page.title = "Where the policy looks (Figs. 6, 7, 9)".to_owned();
    page.figures = [
        &include_bytes!("../../../../docs/studies/where-it-looks_1.png")[..],
        &include_bytes!("../../../../docs/studies/where-it-looks_2.png")[..],
    ]
    .iter()
    .enumerate()
    .map(|(i, bytes)| Figure {
        file: format!("where-it-looks_{i}.png"),
        caption: "0001.png: input, truth, PaSeR's labels at λ 0.06, f0's entropy (white: 1.10 nats and more), net of every patch, IoU 0.823".to_owned(),
        bytes: bytes.to_vec(),
    })
    .collect();
    let rows = [["f0", "79", "5.7 %"], ["f1", "957", "18.7 %"], ["f2", "116", "90.2 %"]];
    let rows = rows.map(|r| r.map(str::to_owned).to_vec()).to_vec();
    page.tables = vec![Table::new(
        "doubt",
        "Pixels with an entropy above γ in the patches that went to each net (Fig. 7)",
        &["net", "patches", "pixels above γ"],
        rows,
    )];
    let pictures = draw(&page.figures);
    Printed { id, page, pictures }
}

fn progress(what: &str, done: usize, figures: &[(event::Figure, f64)]) -> Progress {
    Progress {
        what: what.to_owned(),
        done,
        total: 500,
        epoch: None,
        seconds_left: Some(2.4 * (500 - done) as f64),
        seconds_left_in_all: Some(2950.0),
        figures: figures.to_vec(),
        picture: None,
        note: None,
    }
}

fn training(mode: Mode) -> State {
    let mut state = desk(mode);
    handle(&mut state, Command::Study(Ask::Choose(Study::NoisyMnist)));
    handle(&mut state, Command::Study(Ask::Folder("/data/mnist".to_owned())));
    let job = begun(&mut state, Study::NoisyMnist);
    for step in 0..=10 {
        let loss = [(event::Figure::Loss, 0.7 * (-f64::from(step) / 4.0).exp() + 0.05)];
        absorb(&mut state, Told::Progress(job.id, progress("pretrain f1", 50 * step as usize, &loss)));
    }
    for step in 0..=6 {
        let x = f64::from(step) / 10.0;
        let figures =
            [(event::Figure::Loss, 0.6 * (-2.0 * x).exp() + 0.04), (event::Figure::Iou, 0.4 + 0.5 * x)];
        absorb(&mut state, Told::Progress(job.id, progress("pretrain f2", 50 * step as usize, &figures)));
    }
    state
}

fn done(mode: Mode, study: Study, printed: fn(u64) -> Printed) -> State {
    let mut state = desk(mode);
    let job = begun(&mut state, study);
    absorb(&mut state, Told::Studied(job.id, Ok(Some(Box::new(printed(job.id))))));
    state
}

fn failed(mode: Mode) -> State {
    let mut state = desk(mode);
    let job = begun(&mut state, Study::LambdaCurve);
    let why = "the bundle was trained on all of these images, so they show nothing; give others";
    absorb(&mut state, Told::Studied(job.id, Err(why.to_owned())));
    state
}

fn saving(mode: Mode) -> State {
    let mut state = done(mode, Study::LambdaCurve, printed);
    handle(&mut state, Command::Study(Ask::AskSave));
    let there = PathBuf::from("/data/studies/lambda-curve.md");
    absorb(&mut state, Told::PageWritten(Written::Taken(there)));
    state
}

fn enlarged(mode: Mode) -> State {
    let mut state = done(mode, Study::WhereItLooks, looks);
    handle(&mut state, Command::Study(Ask::Enlarge(Some(0))));
    state
}

fn folders(mode: Mode) -> State {
    let mut state = desk(mode);
    state.form.images = "/data/scan/images".to_owned();
    state.form.labels = "/data/scan/labels".to_owned();
    handle(&mut state, Command::Study(Ask::On(Ground::Folders)));
    handle(&mut state, Command::Study(Ask::Choose(Study::McSamples)));
    state
}

fn lacking(mode: Mode) -> State {
    let mut state = desk(mode);
    handle(&mut state, Command::Study(Ask::On(Ground::Stack)));
    state
}

fn scenes(mode: Mode, name: &str) -> Vec<(String, State)> {
    let scenes = [
        ("empty", lacking(mode)),
        ("working", training(mode)),
        ("done", done(mode, Study::LambdaCurve, printed)),
        ("pictures", done(mode, Study::WhereItLooks, looks)),
        ("error", failed(mode)),
        ("saving", saving(mode)),
        ("enlarged", enlarged(mode)),
        ("folders", folders(mode)),
    ];
    scenes.map(|(scene, state)| (format!("studies_{scene}_{name}"), state)).into()
}

#[test]
fn the_papers_experiments_in_every_state_dark() {
    pictures(scenes(Mode::Dark, "dark"), SMALL);
}

#[test]
fn the_papers_experiments_in_every_state_light() {
    pictures(scenes(Mode::Light, "light"), SMALL);
}

#[test]
fn a_whole_page() {
    let page = |mode| done(mode, Study::LambdaCurve, printed);
    let scenes = [("studies_page_dark", page(Mode::Dark)), ("studies_page_light", page(Mode::Light))];
    pictures(scenes.map(|(name, state)| (name.to_owned(), state)), HIGH);
}

#[test]
fn a_study_by_names() {
    let mut state = desk(Mode::Dark);
    state.studies.open = false;
    let mut harness = harness(state);
    harness.get_by_label("Compare The paper's experiments").click();
    harness.run_steps(3);
    for (_, name) in Study::ALL {
        assert!(harness.query_all_by_label(name).count() > 0, "{name} is in the list");
    }
    harness.get_by_label("Scale trial").click();
    harness.get_by_role_and_label(egui::Role::RadioButton, "lambda-curve").click();
    harness.run_steps(3);
    harness.get_by_label("Run lambda-curve").click();
    harness.run_steps(3);
    let state = &mut harness.state_mut().state;
    assert!(
        state.busy().is_some() && handle(state, Command::Study(Ask::Run)).is_empty(),
        "one work at a time"
    );
    let running = state.studies.running.as_ref().expect("a study");
    assert_eq!((running.study, running.scale), (Study::LambdaCurve, Scale::Trial));
    let (id, control) = (running.id, running.control.clone());
    absorb(state, Told::Progress(id, progress("every net on every patch", 7, &[])));
    harness.run_steps(2);
    harness.get_by_label("Pause").click();
    harness.run_steps(3);
    assert!(control.paused());
    harness.get_by_label("Go on").click();
    harness.run_steps(3);
    assert!(!control.paused());
    harness.get_by_label("Stop").click();
    harness.run_steps(3);
    assert!(control.stopped());
    let state = &mut harness.state_mut().state;
    absorb(state, Told::Studied(id, Ok(None)));
    assert!(state.busy().is_none() && state.notices.failures().is_empty(), "a stop is no failure");
    let job = begun(state, Study::LambdaCurve);
    absorb(state, Told::Studied(job.id, Ok(Some(Box::new(printed(job.id))))));
    harness.run_steps(3);
    assert!(harness.query_all_by_label("IoU over mean cost as λ changes").count() > 0);
    assert_eq!(harness.query_all_by_label("f0, –, 0.7114, 0.0009, 6.25, 100.0 / 0.0 / 0.0").count(), 1);
    let figure = |h: &mut Harness<'_, Studio>| {
        h.get_by_role_and_label(egui::Role::Image, "IoU over mean cost as λ changes").click();
        h.run_steps(3);
    };
    figure(&mut harness);
    assert_eq!(harness.state().state.studies.enlarged, Some(0));
    harness.key_press(egui::Key::Escape);
    harness.run_steps(3);
    assert_eq!(harness.state().state.studies.enlarged, None);
    harness.get_by_label("Save…").click();
    harness.run_steps(3);
    let offered = harness.state().state.studies.saving.as_ref().map(|s| s.folder.clone());
    assert_eq!(offered.as_deref(), Some("/data/studies"), "beside the stack");
    harness.get_by_label("Save").click();
    harness.run_steps(3);
    let state = &mut harness.state_mut().state;
    let there = PathBuf::from("/data/studies/lambda-curve.md");
    absorb(state, Told::PageWritten(Written::Taken(there)));
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label("Replace them").count(), 1);
    let state = &mut harness.state_mut().state;
    let effects = handle(state, Command::Study(Ask::Save(true)));
    assert!(
        matches!(effects.as_slice(), [Effect::Read(Read::SavePage { replace: true, .. })]),
        "{effects:?}"
    );
    absorb(state, Told::PageWritten(Written::Done(PathBuf::from("/data/studies"))));
    assert!(state.studies.saving.is_none());
}

#[test]
fn what_a_study_lacks_is_said_and_nothing_runs() {
    let mut state = desk(Mode::Dark);
    let refused = |state: &mut State, needle: &str| {
        assert!(handle(state, Command::Study(Ask::Run)).is_empty(), "{needle}");
        let said: Vec<String> = state.notices.shown().iter().map(|n| n.text.clone()).collect();
        assert!(said.iter().any(|s| s.contains(needle)), "{said:?} does not say {needle}");
    };
    handle(&mut state, Command::Study(Ask::On(Ground::Stack)));
    refused(&mut state, "truth");
    handle(&mut state, Command::Study(Ask::On(Ground::Folders)));
    refused(&mut state, "images");
    handle(&mut state, Command::Study(Ask::Choose(Study::NoisyMnist)));
    refused(&mut state, "folder");
    handle(&mut state, Command::Study(Ask::Choose(Study::LambdaCurve)));
    handle(&mut state, Command::Study(Ask::On(Ground::Sample)));
    state.bundle = None;
    refused(&mut state, "bundle");
}
