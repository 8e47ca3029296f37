//! The Train, Compare and Report workspaces: what they ask for, what they show, empty, at work and over.

use super::*;
use paser_app::window::choices::CHOICES;
use paser_app::window::comparison::{Column, Comparison};
use paser_app::window::engine::Train;
use paser_app::window::state::Workspace;
use paser_app::window::training::{Field, Form, Pairs};
use paser_core::event::{Figure, Picture, Progress};
use paser_core::route::{Method, Router};
use paser_core::train::{Preset, TrainConfig};

/// A form with everything given and its first pair read.
pub(super) fn filled(mode: Mode) -> State {
    let mut state = ready(mode);
    handle(&mut state, Command::GoToWorkspace(Workspace::Train));
    handle(&mut state, Command::SetField(Field::Images, "/data/scan/images".to_owned()));
    let effects = handle(&mut state, Command::SetField(Field::Labels, "/data/scan/labels".to_owned()));
    assert!(matches!(effects.as_slice(), [Effect::Read(_)]), "the pairs are looked at: {effects:?}");
    let (slice, truth, _) = scene(20);
    let version = state.previewing.expect("a preview was asked for");
    let pairs = Pairs {
        names: vec!["slice_0001.tif".to_owned(); 14],
        grey: Arc::new(Grey::of(&slice)),
        truth,
        classes: 3,
        ignored: 0.0,
        dtype: "8-bit".to_owned(),
        info: info(),
        turnable: true,
        version,
    };
    absorb(&mut state, Told::Pairs(version, Ok(Box::new(pairs))));
    state
}

pub(super) fn started(state: &mut State) -> Train {
    match handle(state, Command::Train).as_slice() {
        [Effect::Compute(Job::Train(job))] => (**job).clone(),
        other => panic!("no training: {other:?}"),
    }
}

/// A tile as it is seen after `done` steps: the less, the more pixels are wrong.
fn pupil(what: &str, done: usize) -> Picture {
    let (slice, truth, _) = scene(20);
    let at = |i: usize| (i / 256) * SIZE[1] + i % 256;
    let truth: Vec<u8> = (0..224 * 256).map(|i| truth[at(i)]).collect();
    let wrong = |i: usize| unit(9, i as u32) < 0.4 * (-(done as f64) / 60.0).exp();
    let labels = truth.iter().enumerate().map(|(i, t)| if wrong(i) { (t + 1) % 3 } else { *t }).collect();
    let grey = (0..224 * 256).map(|i| slice.values[at(i)] as u8).collect();
    let routes = (0..16).map(|i| u8::from(i % 3 == 0) + u8::from(i % 5 == 0)).collect();
    let routes = if what.starts_with("policy") { routes } else { Vec::new() };
    Picture { image: "slice_0011.tif".to_owned(), size: [224, 256], grey, truth, labels, routes }
}

fn progress(what: &str, done: usize, figures: &[(Figure, f64)]) -> Progress {
    Progress {
        what: what.to_owned(),
        done,
        total: 200,
        epoch: Some(done as f64 / 40.0),
        seconds_left: Some((200 - done) as f64),
        seconds_left_in_all: Some(640.0),
        picture: Some(Arc::new(pupil(what, done))),
        figures: figures.to_vec(),
        note: None,
    }
}

/// A training in the middle of its policy.
pub(super) fn training(state: &mut State) -> Train {
    let job = started(state);
    for step in 0..=20 {
        let x = f64::from(step) / 20.0;
        let done = step as usize * 10;
        let loss = [(Figure::Loss, 1.1 * (-2.0 * x).exp() + 0.2)];
        absorb(state, Told::Progress(job.id, progress("pretrain f1", done, &loss)));
    }
    for step in 0..=12 {
        let x = f64::from(step) / 20.0;
        let figures = [
            (Figure::Loss, -0.05 * x),
            (Figure::Reward, 0.02 + 0.05 * x),
            (Figure::Share(0), 0.34 + 0.3 * x),
            (Figure::Share(1), 0.33),
            (Figure::Share(2), 0.33 - 0.3 * x),
        ];
        absorb(state, Told::Progress(job.id, progress("policy λ 0.1", step as usize * 10, &figures)));
    }
    // wall time is no part of a picture
    state.training.as_mut().expect("a training").took = Some(std::time::Duration::from_secs(95));
    job
}

pub(super) fn compared() -> Comparison {
    let row = |method: &str, lambda: Option<f64>, iou: f64, gflops: f64, shares: [f64; 3]| {
        let above = lambda.filter(|_| method == "paser").map(|l| {
            serde_json::json!({ "mean": 0.004 - 0.003 * l, "low": 0.001 - 0.003 * l, "high": 0.007, "pairs": 18 })
        });
        serde_json::json!({
            "method": method, "lambda": lambda, "images": 18, "iou": iou, "flops": gflops * 1e9,
            "shares": shares, "above_random": above, "reward": lambda.map(|l| 0.08 * (1.0 - l) - 0.1 * l),
            "spread": (method == "random").then_some(0.0021),
            "assignment": above.is_some().then(|| [[31, 12, 2], [9, 180, 14], [3, 21, 16]]),
        })
    };
    let rows = vec![
        row("f0", None, 0.7114, 6.25, [1.0, 0.0, 0.0]),
        row("f1", None, 0.7890, 9.09, [0.0, 1.0, 0.0]),
        row("f2", None, 0.7931, 143.72, [0.0, 0.0, 1.0]),
        row("random", None, 0.7646, 53.1, [0.33, 0.33, 0.34]),
        row("idk", None, 0.7904, 106.2, [0.12, 0.16, 0.72]),
        row("paser", Some(0.0), 0.7928, 136.97, [0.0, 0.1, 0.9]),
        row("random, same shares", Some(0.0), 0.7927, 136.97, [0.0, 0.1, 0.9]),
        row("oracle", Some(0.0), 0.8015, 81.67, [0.2, 0.3, 0.5]),
        row("paser", Some(0.1), 0.7887, 20.98, [0.06, 0.90, 0.04]),
        row("random, same shares", Some(0.1), 0.7838, 20.98, [0.06, 0.90, 0.04]),
        row("oracle", Some(0.1), 0.7945, 18.01, [0.35, 0.61, 0.04]),
        row("paser", Some(0.5), 0.7836, 12.18, [0.46, 0.54, 0.0]),
        row("random, same shares", Some(0.5), 0.7492, 12.18, [0.46, 0.54, 0.0]),
        row("oracle", Some(0.5), 0.7853, 10.45, [0.65, 0.35, 0.0]),
    ];
    let mut manifest = model().manifest;
    manifest.training = serde_json::json!({ "validation": { "test": rows, "measured_on": "test images" } });
    Comparison::recorded(&manifest)
}

#[test]
fn every_choice_of_a_training_is_in_the_form_and_can_be_set_there() {
    let all = serde_json::to_value(TrainConfig::preset(Preset::Quick, 1, 3)).unwrap();
    let named: Vec<&str> = CHOICES.iter().flat_map(|(_, choices)| choices.iter().map(|c| c.name)).collect();
    for name in all.as_object().unwrap().keys().filter(|k| *k != "preset") {
        assert!(named.contains(&name.as_str()), "{name} is not in the form");
    }
    let mut state = ready(Mode::Dark);
    for name in named {
        handle(&mut state, Command::Choose(format!("{name}={}", all[name])));
        assert_eq!(state.form.refused, None, "{name}");
    }
    assert_eq!(state.form.config, Form::default().config);
    handle(&mut state, Command::Choose("beta=0.5".to_owned()));
    assert_eq!(state.form.config.beta, 0.5);
    handle(&mut state, Command::Choose("beta=much".to_owned()));
    assert!(state.form.refused.is_some() && state.form.config.beta == 0.5);
    handle(&mut state, Command::SetPreset(Preset::Paper));
    assert_eq!((state.form.config.preset, state.form.refused.clone()), (Preset::Paper, None));
}

#[test]
fn every_group_of_choices_opens_and_takes_what_is_typed() {
    let mut state = ready(Mode::Dark);
    handle(&mut state, Command::GoToWorkspace(Workspace::Train));
    let mut harness = harness(state);
    for (group, _) in CHOICES {
        harness.get_by_label(group).click();
        harness.run_steps(8);
        harness.get_by_label(group).click();
        harness.run_steps(8);
    }
    harness.get_by_label("Distillation of f0").click();
    harness.run_steps(8);
    assert_eq!(harness.query_all_by_label("β").count(), 1);
}

#[test]
fn a_training_starts_pauses_ends_and_is_the_only_work() {
    let mut state = filled(Mode::Dark);
    let job = training(&mut state);
    assert_eq!(job.data.map.names, ["pore", "carbon", "nickel"]);
    assert_eq!(job.out, PathBuf::from("/data/scan/bundle"));
    assert!(
        handle(&mut state, Command::Train).is_empty() && handle(&mut state, Command::SegmentStack).is_empty()
    );
    let mut harness = harness(state);
    harness.get_by_label("Pause").click();
    harness.run_steps(2);
    assert!(job.control.paused());
    harness.get_by_label("Go on").click();
    harness.run_steps(2);
    assert!(!job.control.paused());
    harness.get_by_label("Stop and keep").click();
    harness.run_steps(2);
    assert!(job.control.finishing() && !job.control.stopped());
    let state = &mut harness.state_mut().state;
    absorb(state, Told::Trained(job.id, Ok(Some(job.out.clone()))));
    assert!(state.busy().is_none());
}

#[test]
fn a_form_that_lacks_something_trains_nothing() {
    let mut state = ready(Mode::Dark);
    assert!(handle(&mut state, Command::Train).is_empty());
    let mut state = filled(Mode::Dark);
    handle(&mut state, Command::SetField(Field::Classes, "pore".to_owned()));
    assert!(handle(&mut state, Command::Train).is_empty());
    assert_eq!(state.notices.shown().len(), 1);
}

#[test]
fn the_table_sorts_and_a_row_shows_its_method_on_the_slice() {
    let mut state = segmented(Mode::Light);
    state.comparison = compared();
    handle(&mut state, Command::GoToWorkspace(Workspace::Compare));
    let mut harness = harness(state);
    harness.get_by_label("Sort by IoU").click();
    harness.run_steps(2);
    let comparison = &harness.state().state.comparison;
    assert_eq!(comparison.sort, (Column::Iou, true));
    assert_eq!(comparison.rows[comparison.order()[0]].title(), "oracle, λ 0");
    harness.get_by_label("paser, λ 0.1").click();
    harness.run_steps(2);
    let state = &harness.state().state;
    assert_eq!(
        (state.lambda, state.router),
        (0.1, Some(Router::Fixed(3))),
        "the policy that was trained there"
    );
    harness.get_by_label("f2").click();
    harness.run_steps(2);
    let state = &harness.state().state;
    assert_eq!((state.workspace, state.method), (Workspace::Compare, Method::Net(2)));
    assert!(state.look.is_some());
}

#[test]
fn empty_workspaces_say_what_to_do() {
    let mut state = ready(Mode::Dark);
    handle(&mut state, Command::GoToWorkspace(Workspace::Report));
    let mut harness = harness(state);
    assert_eq!(harness.query_all_by_label("Nothing to report yet").count(), 1);
    harness.get_by_label("Compare").click();
    harness.run_steps(2);
    assert_eq!(harness.query_all_by_label("No figures yet").count(), 1);
    harness.get_by_label("Train").click();
    harness.run_steps(2);
    assert_eq!(harness.query_all_by_label("Train a bundle of your own").count(), 1);
}
