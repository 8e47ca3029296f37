//! λ, audit, noise, truth and drift: what the window asks for and what it makes of the answers.

use super::*;
use paser_app::window::drift::alarms;
use paser_app::window::engine::{Look, Routed, Seen};
use paser_app::window::promise;
use paser_app::window::state::Dial;
use paser_app::window::truth::Draft;
use paser_core::noise::Noise;
use paser_core::route::Speeds;
use paser_core::route::live::Audit;

fn asked(effects: &[Effect]) -> Look {
    match effects {
        [Effect::Compute(Job::Look(look))] => (**look).clone(),
        other => panic!("not a look: {other:?}"),
    }
}

fn routed(lambda: f64) -> Routed {
    let (kept, summary) = Kept::of(result(20), &model(), lambda);
    Routed { kept, summary, seconds: 0.04, computed: 3, grey: None }
}

fn seen(lambda: f64, audit: Option<Audit>, noisy: Option<Routed>) -> Option<Box<Seen>> {
    Some(Box::new(Seen { routed: routed(lambda), audit, noisy }))
}

/// What every net says of the selected patch: f1 errs less than f0, f2 not at all.
fn audit(state: &State) -> Audit {
    let stack = state.stack.as_ref().expect("a stack");
    let kept = stack.kept().expect("a result");
    let at = kept.routes[stack.selected.expect("a patch")].at;
    let truth: Vec<u8> = (at.y..at.y + at.height)
        .flat_map(|y| kept.labels[y * SIZE[1] + at.x..][..at.width].to_vec())
        .collect();
    let wrong = |every: usize| {
        truth.iter().enumerate().map(move |(i, l)| if i % every == 0 { (l + 1) % 3 } else { *l })
    };
    Audit { at, labels: vec![wrong(5).collect(), wrong(9).collect(), truth.clone()] }
}

/// The truth is what the second net says everywhere, read through a class table.
fn with_truth(state: &mut State) {
    let values = scene(20).1.iter().map(|l| f32::from(*l) + 1.0).collect();
    let slice = Slice { height: SIZE[0], width: SIZE[1], channels: 1, values };
    let draft = Draft::new("/data/truth.tif".into(), Arc::new(Fake(info())), &[slice], 3);
    assert_eq!(draft.table, [Some(1), Some(2), Some(3)]);
    let id = state.stack.as_ref().map_or(0, |s| s.id);
    absorb(state, Told::TruthOpened(id, Ok(Box::new(draft)), None));
    let effects = handle(state, Command::UseTruth);
    assert!(matches!(effects.as_slice(), [Effect::Read(_)]), "{effects:?}");
    let mut truth = scene(20).1;
    truth[..9000].fill(0);
    absorb(state, Told::TruthSlice(id, 20, Ok(Arc::new(truth))));
}

#[test]
fn moving_lambda_routes_the_slice_on_show_and_stops_what_is_out_of_date() {
    let mut state = segmented(Mode::Dark);
    let first = asked(&handle(&mut state, Command::SetLambda(0.1)));
    assert_eq!((first.z, first.lambda, first.patch), (20, 0.1, None));
    let second = asked(&handle(&mut state, Command::SetLambda(0.3)));
    assert!(first.control.stopped() && !second.control.stopped());
    absorb(&mut state, Told::Looked(Box::new(first), Ok(None)));
    assert!(state.look.is_some(), "the second is still at work");
    absorb(&mut state, Told::Looked(Box::new(second), Ok(seen(0.3, None, None))));
    assert!(state.look.is_none());
    assert_eq!(state.stack.as_ref().and_then(|s| s.summary()).map(|s| s.lambda), Some(0.3));
    assert_eq!(state.looked.map(|l| l.computed), Some(3));
}

#[test]
fn the_slider_takes_a_click() {
    let mut state = segmented(Mode::Dark);
    state.lambda = 0.3;
    let mut harness = harness(state);
    harness.get_by_label("Cost weight λ").click();
    harness.run_steps(3);
    assert_eq!(harness.state().state.lambda, 0.05, "the middle of five");
    harness.key_press_modifiers(Modifiers::CTRL | Modifiers::COMMAND, egui::Key::Z);
    harness.run_steps(3);
    assert_eq!(harness.state().state.lambda, 0.3, "undone");
}

#[test]
fn lambda_alone_moves_nothing_that_was_never_segmented() {
    let mut state = ready(Mode::Dark);
    assert!(handle(&mut state, Command::SetLambda(0.1)).is_empty());
    assert_eq!(state.lambda, 0.1);
    assert!(handle(&mut state, Command::SetLambda(7.0)).is_empty());
    assert_eq!(state.lambda, 0.1, "λ lies between 0 and 1");
}

#[test]
fn a_budget_finds_its_lambda_on_the_curve() {
    let mut state = segmented(Mode::Dark);
    let manifest = model().manifest;
    let costs: Vec<f64> = manifest.curve.iter().map(|p| model().flops(&p.shares, SIZE)).collect();
    assert!(costs.windows(2).all(|w| w[0] > w[1]), "the curve gets cheaper with λ: {costs:?}");
    handle(&mut state, Command::SetDial(Dial::Flops(costs[3] * 1.01)));
    assert_eq!(state.lambda, manifest.curve[3].lambda);
    handle(&mut state, Command::SetDial(Dial::Flops(1.0)));
    assert_eq!(state.lambda, manifest.curve[4].lambda, "the cheapest where none is cheap enough");
    handle(&mut state, Command::SetDial(Dial::Iou(0.70)));
    let reached = promise::at(&manifest, state.lambda).expect("a point");
    assert!(reached.iou >= 0.70);
    absorb(&mut state, Told::Speeds(Speeds { tile: 0.1, patch: vec![0.0, 0.01, 0.1] }));
    handle(&mut state, Command::SetDial(Dial::Seconds(1e9)));
    assert_eq!(state.lambda, 0.0, "time enough for the best");
    handle(&mut state, Command::SetTvd(0.5));
    assert_eq!(state.lambda, 0.05);
}

#[test]
fn an_audit_shows_every_net_and_what_was_given_up() {
    let mut state = segmented(Mode::Dark);
    let look = asked(&handle(&mut state, Command::SelectPatch(Some(18))));
    let at = state.stack.as_ref().unwrap().kept().unwrap().routes[18].at;
    assert_eq!(look.patch, Some([at.x, at.y]));
    let answer = audit(&state);
    absorb(&mut state, Told::Looked(Box::new(look), Ok(seen(0.05, Some(answer), None))));
    with_truth(&mut state);
    handle(&mut state, Command::Show(Layer::Error));
    let mut harness = harness(state);
    assert_eq!(harness.query_all_by_label_contains("Gave up").count(), 1);
    assert_eq!(harness.query_all_by_label("0.960 · 2.0 % wrong").count(), 1);
    picture("audit_dark", &mut harness);
}

#[test]
fn noise_stands_beside_the_slice_as_it_is() {
    let mut state = segmented(Mode::Light);
    let look = asked(&handle(&mut state, Command::SetNoise(Noise::SaltPepper(0.1))));
    assert_eq!(look.noise, Noise::SaltPepper(0.1));
    let mut after = routed(0.05);
    for (i, label) in after.kept.labels.iter_mut().enumerate().filter(|(i, _)| i % 10 == 0) {
        *label = (*label + 1 + (i % 2) as u8) % 3;
    }
    let mut grey = Grey::of(&scene(20).0);
    (0..grey.values.len()).step_by(10).for_each(|i| grey.values[i] = 255.0 * (i / 10 % 2) as f32);
    after.grey = Some(Arc::new(grey));
    absorb(&mut state, Told::Looked(Box::new(look), Ok(seen(0.05, None, Some(after)))));
    let mut harness = harness(state);
    assert_eq!(harness.query_all_by_label("10.0 %").count(), 1, "labels changed");
    picture("noise_light", &mut harness);
    handle(&mut harness.state_mut().state, Command::SetNoise(Noise::None));
    assert!(harness.state().state.stack.as_ref().unwrap().trial().is_none());
}

#[test]
fn a_held_result_is_compared_with_the_next() {
    let mut state = segmented(Mode::Dark);
    handle(&mut state, Command::Hold);
    let look = asked(&handle(&mut state, Command::SetLambda(0.3)));
    absorb(&mut state, Told::Looked(Box::new(look), Ok(seen(0.3, None, None))));
    let trial = state.stack.as_ref().unwrap().trial().expect("the held one").clone();
    assert_eq!((trial.summary.lambda, trial.grey.is_none()), (0.05, true));
    handle(&mut state, Command::ToggleSplit);
    let harness = harness(state);
    assert_eq!(harness.query_all_by_label("Let the held result go").count(), 1);
}

#[test]
fn a_class_table_that_contradicts_itself_is_not_used() {
    let mut state = segmented(Mode::Dark);
    let values = vec![0.0; SIZE[0] * SIZE[1]];
    let slice = Slice { height: SIZE[0], width: SIZE[1], channels: 1, values };
    let draft = Draft::new("/data/truth.tif".into(), Arc::new(Fake(info())), &[slice], 3);
    let id = state.stack.as_ref().map_or(0, |s| s.id);
    absorb(&mut state, Told::TruthOpened(id, Ok(Box::new(draft)), None));
    handle(&mut state, Command::TruthTable(Some(vec![Some(0), Some(0), None])));
    assert!(handle(&mut state, Command::UseTruth).is_empty());
    assert!(state.truth_draft.is_some() && state.stack.as_ref().unwrap().truth.is_none());
    handle(&mut state, Command::TruthTable(Some(vec![None, Some(0), None])));
    let harness = harness(state);
    harness.get_by_label("Use as truth").click();
}

#[test]
fn a_scan_that_changes_is_told_in_words() {
    let mut state = segmented(Mode::Dark);
    let stack = state.stack.as_mut().expect("a stack");
    let usual = stack.summary().expect("figures").clone();
    let of = |l: f64| Summary { shares: vec![1.0 - l - 0.25, 0.25, l], lambda: 0.05, ..usual.clone() };
    let kept = stack.kept().expect("a result").as_ref().clone();
    for z in 0..SLICES {
        let l = if (10..16).contains(&z) { 0.3 } else { 0.15 };
        stack.results.put(z, kept.clone(), of(l));
    }
    let mut manifest = model().manifest;
    manifest.curve[2].shares = vec![0.6, 0.25, 0.15];
    let told = alarms(&manifest, &stack.results, 0.05);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].text.starts_with("Slices 11 to 16 send 30 % to L") && told[0].at == Some(10), "{told:?}");
    manifest.curve[2].shares = vec![0.9, 0.1, 0.0];
    let told = alarms(&manifest, &stack.results, 0.05);
    assert!(told.len() == 2 && told[0].text.contains("the bundle's validation slices"), "{told:?}");
}
