//! Pictures of the Segment workspace, and what keys, wheel and commands do there.

use burn::tensor::Tensor;
use egui::Key;
use paser_app::window::canvas::map::magma;
use paser_app::window::canvas::view::{View, scale_bar};
use paser_app::window::engine::{Outcome, Read};
use paser_app::window::memory::Memory;
use paser_app::window::results::Results;
use paser_app::window::session::Session;
use paser_app::window::state::Loading;
use paser_app::window::truth::Truth;
use paser_core::data::classes::ClassMap;
use paser_core::device::Compute;

use super::*;

#[test]
fn picture_of_the_entropy_layer() {
    let mut state = segmented(Mode::Dark);
    handle(&mut state, Command::Show(Layer::Entropy));
    handle(&mut state, Command::SetOpacity(0.85));
    picture("entropy_dark", &mut harness(state));
}

#[test]
fn picture_of_the_shortcuts_sheet() {
    let mut state = ready(Mode::Dark);
    handle(&mut state, Command::ToggleSheet);
    picture("sheet_dark", &mut harness(state));
}

/// The window's device made as for a graphics card: it draws while Burn computes on it from a thread.
#[test]
fn one_device_draws_and_computes() {
    if crate::software().is_none() {
        return;
    }
    let mut setup = egui_kittest::wgpu::default_wgpu_setup();
    if let eframe::egui_wgpu::WgpuSetup::CreateNew(new) = &mut setup {
        new.device_descriptor = Arc::new(paser_core::device::descriptor);
    }
    let drawing =
        egui_kittest::wgpu::create_render_state(setup, eframe::egui_wgpu::RendererOptions::PREDICTABLE);
    let (instance, adapter) = (drawing.instance.clone(), drawing.adapter.clone());
    let (device, queue) = (drawing.device.clone(), drawing.queue.clone());
    let computing = std::thread::spawn(move || {
        let compute = Compute::shared_from(instance, adapter, device, queue).expect("a shared device");
        let x = Tensor::<2>::from_data([[1.0, 2.0], [3.0, 4.0]], &compute.device);
        x.clone().matmul(x).into_data().try_into_vec::<f32>().expect("numbers")
    });
    let renderer = egui_kittest::wgpu::WgpuTestRenderer::from_render_state(drawing);
    let mut harness = Harness::builder()
        .with_size(vec2(WINDOW[0], WINDOW[1]))
        .renderer(renderer)
        .build_eframe(|cc| Studio::of(&cc.egui_ctx, segmented(Mode::Dark)));
    for _ in 0..5 {
        harness.run_steps(1);
        harness.render().expect("a picture");
    }
    assert_eq!(computing.join().expect("no panic"), [7.0, 10.0, 15.0, 22.0]);
}

#[test]
fn keys_move_through_the_stack() {
    let mut harness = harness(ready(Mode::Dark));
    for (key, expected) in [
        (Key::ArrowRight, 21),
        (Key::ArrowDown, 22),
        (Key::Comma, 21),
        (Key::Period, 22),
        (Key::ArrowLeft, 21),
        (Key::End, SLICES - 1),
        (Key::ArrowRight, SLICES - 1),
        (Key::Home, 0),
        (Key::ArrowUp, 0),
        (Key::PageDown, 10),
    ] {
        harness.key_press(key);
        harness.run_steps(2);
        assert_eq!(z(&harness), expected, "{key:?}");
    }
}

#[test]
fn the_wheel_changes_the_slice_and_with_ctrl_the_zoom() {
    let mut harness = harness(ready(Mode::Dark));
    wheel(&mut harness, -1.0, Modifiers::NONE);
    assert_eq!(z(&harness), 21);
    wheel(&mut harness, 2.0, Modifiers::NONE);
    assert_eq!(z(&harness), 19);
    wheel(&mut harness, 3.0, Modifiers::CTRL | Modifiers::COMMAND);
    assert_eq!(z(&harness), 19);
    let view = harness.state().state.stack.as_ref().expect("a stack").view;
    assert!(matches!(view, View::Free { zoom, .. } if zoom > 1.0), "{view:?}");
    harness.key_press(Key::F);
    harness.run_steps(2);
    assert_eq!(harness.state().state.stack.as_ref().expect("a stack").view, View::Fit);
}

#[test]
fn an_error_is_one_sentence_shown_once_until_dismissed() {
    let mut state = ready(Mode::Dark);
    let stack = state.stack.as_ref().map_or(0, |s| s.id);
    for _ in 0..2 {
        absorb(&mut state, Told::Slice(stack, 3, Err("the disk\n is full".to_owned())));
    }
    let mut harness = harness(state);
    assert_eq!(harness.query_all_by_label("The disk is full.").count(), 1);
    harness.get_by_label("Dismiss").click();
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label("The disk is full.").count(), 0);
}

fn view(harness: &Harness<'_, Studio>) -> View {
    harness.state().state.stack.as_ref().map(|s| s.view).unwrap_or_default()
}

fn drag(harness: &mut Harness<'_, Studio>, button: egui::PointerButton, steps: &[Pos2]) {
    let modifiers = Modifiers::NONE;
    harness.hover_at(ON_SLICE);
    harness.event(Event::PointerButton { pos: ON_SLICE, button, pressed: true, modifiers });
    harness.run_steps(1);
    for pos in steps {
        harness.hover_at(*pos);
        harness.run_steps(1);
    }
    let pos = steps.last().copied().unwrap_or(ON_SLICE);
    harness.event(Event::PointerButton { pos, button, pressed: false, modifiers });
    harness.run_steps(2);
}

#[test]
fn middle_drag_and_space_drag_move_the_slice_and_a_plain_drag_does_not() {
    let path = [pos2(330.0, 310.0), pos2(380.0, 330.0), pos2(400.0, 350.0)];
    let mut harness = harness(ready(Mode::Dark));
    drag(&mut harness, egui::PointerButton::Primary, &path);
    assert_eq!(view(&harness), View::Fit);
    drag(&mut harness, egui::PointerButton::Middle, &path);
    let View::Free { centre: first, .. } = view(&harness) else { panic!("the view did not move") };
    harness.key_down(Key::Space);
    harness.run_steps(1);
    drag(&mut harness, egui::PointerButton::Primary, &path);
    harness.key_up(Key::Space);
    let View::Free { centre: second, .. } = view(&harness) else { panic!("the view did not move") };
    assert!(second[0] < first[0] && second[1] < first[1], "{first:?} {second:?}");
}

#[test]
fn the_strip_at_the_bottom_scrolls() {
    let mut harness = harness(ready(Mode::Dark));
    let strip = pos2(120.0, 805.0);
    harness.hover_at(strip);
    for pressed in [true, false] {
        let (button, modifiers) = (egui::PointerButton::Primary, Modifiers::NONE);
        harness.event(Event::PointerButton { pos: strip, button, pressed, modifiers });
        harness.run_steps(2);
    }
    assert_eq!(z(&harness), 0);
}

#[test]
fn a_click_selects_the_patch_under_it() {
    let mut harness = harness(segmented(Mode::Dark));
    harness.hover_at(ON_SLICE);
    harness.drag_at(ON_SLICE);
    harness.run_steps(1);
    harness.event(Event::PointerButton {
        pos: ON_SLICE,
        button: egui::PointerButton::Primary,
        pressed: false,
        modifiers: Modifiers::NONE,
    });
    harness.run_steps(2);
    assert!(harness.state().state.stack.as_ref().expect("a stack").selected.is_some());
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert!(harness.state().state.stack.as_ref().expect("a stack").selected.is_none());
}

#[test]
fn nothing_is_segmented_before_stack_and_bundle_are_there() {
    let mut state = State::new(Mode::Dark, None);
    assert!(handle(&mut state, Command::SegmentStack).is_empty());
    assert!(handle(&mut state, Command::OpenSample).is_empty());
    assert!(state.run.is_none());
    let mut state = ready(Mode::Dark);
    state.model = Loading::Failed;
    assert!(handle(&mut state, Command::SegmentSlice).is_empty());
    assert_eq!(state.notices.shown().len(), 1);
}

#[test]
fn a_run_begins_pauses_stops_and_ends() {
    let mut state = ready(Mode::Dark);
    let effects = handle(&mut state, Command::SegmentStack);
    let [Effect::Compute(Job::Segment(job))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(
        (job.slices.clone(), job.beside.as_deref()),
        (0..SLICES, Some("/data/electrode.tif".as_ref()))
    );
    let (run, control) = (job.run, job.control.clone());
    assert!(handle(&mut state, Command::SegmentStack).is_empty(), "one run at a time");
    let meanwhile = handle(&mut state, Command::SegmentSlice);
    assert!(
        matches!(meanwhile.as_slice(), [Effect::Compute(Job::Look(_))]),
        "a slice finds room: {meanwhile:?}"
    );
    handle(&mut state, Command::TogglePause);
    assert!(control.paused());
    handle(&mut state, Command::TogglePause);
    assert!(!control.paused());
    absorb(&mut state, Told::Segmented(run, 7, Box::new(Kept::of(result(7), &model(), 0.05))));
    absorb(&mut state, Told::Segmented(run + 1, 8, Box::new(Kept::of(result(8), &model(), 0.05))));
    let results = &state.stack.as_ref().expect("a stack").results;
    assert!(results.summary(7).is_some() && results.summary(8).is_none(), "only its own run's");
    handle(&mut state, Command::Stop);
    assert!(control.stopped());
    absorb(&mut state, Told::Finished(run, Outcome::Stopped));
    assert!(state.run.is_none());
}

#[test]
fn the_sample_is_segmented_as_soon_as_all_is_ready() {
    let mut state = State::new(Mode::Dark, Some(PathBuf::from("/sample.tif")));
    handle(&mut state, Command::OpenSample);
    let effects = absorb(&mut state, Told::Opened(Ok(Box::new(opened("/sample.tif")))));
    assert!(effects.iter().all(|e| matches!(e, Effect::Read(_))), "the bundle is not there yet");
    let effects = absorb(&mut state, Told::Model(Ok(Box::new(model()))));
    let [Effect::Compute(Job::Segment(job))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((job.slices.clone(), job.beside.is_none()), (20..21, true));
}

#[test]
fn a_stack_that_is_no_longer_wanted_is_not_shown() {
    let mut state = ready(Mode::Dark);
    handle(&mut state, Command::Open(PathBuf::from("/data/other.tif")));
    absorb(&mut state, Told::Opened(Ok(Box::new(opened("/data/first.tif")))));
    assert_eq!(state.stack.as_ref().map(|s| s.path.clone()), Some(PathBuf::from("/data/electrode.tif")));
}

#[test]
fn old_maps_make_room_and_their_figures_stay() {
    let mut results = Results::within(3, 3 * SIZE[0] * SIZE[1]);
    for z in 0..3 {
        let (kept, summary) = Kept::of(result(z), &model(), 0.05);
        results.put(z, kept, summary);
    }
    assert!(results.kept(0).is_none() && results.kept(2).is_some());
    assert_eq!(results.summaries().count(), 3);
}

#[test]
fn the_stack_on_show_takes_no_more_memory_than_it_may() {
    let mut state = ready(Mode::Dark);
    let grey = Arc::new(Grey::of(&scene(20).0));
    let slices = state.stack.as_ref().unwrap().info.slices;
    let stack = state.stack.as_mut().unwrap();
    (0..slices).for_each(|z| stack.slices.put(z, grey.clone(), stack.z));
    let kept = |state: &State| {
        let stack = state.stack.as_ref().unwrap();
        assert!(stack.slices.get(stack.z).is_some(), "the slice on show stays");
        (0..slices).filter(|z| stack.slices.get(*z).is_some()).count()
    };
    assert_eq!(kept(&state), slices);
    handle(&mut state, Command::ToggleCuts);
    let memory = Memory(64);
    let effects = handle(&mut state, Command::SetMemory(memory));
    assert!(
        matches!(effects.as_slice(), [Effect::Read(Read::Overview { .. })]),
        "the cuts are made anew: {effects:?}"
    );
    let cuts = state.stack.as_ref().unwrap().overview.as_ref().unwrap().size;
    assert!(cuts.iter().product::<usize>() <= memory.cuts(), "{cuts:?}");
    assert_eq!(kept(&state), memory.slices() / (4 * SIZE[0] * SIZE[1]));

    let mut next = State::new(Mode::Dark, None);
    Session::read(&Session::of(&state).write()).unwrap().restore(&mut next);
    assert_eq!(next.memory, memory, "the next start remembers it");
}

#[test]
fn truth_makes_room_where_the_slice_on_show_was_not_read() {
    let map = ClassMap { names: Vec::new(), values: Vec::new() };
    let mut truth = Truth::new(PathBuf::from("/data/t.tif"), opened("/data/a.tif").volume, map, 1 << 20);
    (0..20).for_each(|z| truth.put(z, Arc::new(vec![0; 100])));
    truth.allow(500, 30);
    let kept: Vec<usize> = (0..20).filter(|z| truth.slice(*z).is_some()).collect();
    assert_eq!(kept, [15, 16, 17, 18, 19]);
}

#[test]
fn zooming_keeps_what_is_under_the_pointer() {
    let viewport = egui::Rect::from_min_size(pos2(50.0, 80.0), vec2(900.0, 600.0));
    let before = View::Fit.transform(viewport, SIZE, 1.0);
    let anchor = pos2(420.0, 300.0);
    let after = before.zoomed(3.0, anchor).transform(viewport, SIZE, 1.0);
    let moved = before.to_slice(anchor) - after.to_slice(anchor);
    assert!(moved.length() < 0.5, "{moved:?}");
    assert!((after.zoom() / before.zoom() - 3.0).abs() < 1e-3);
}

#[test]
fn scale_bars_are_round() {
    for (scale, pixel, expected) in [(1.0, 0.32, 20.0), (1.0, 1.0, 100.0), (7.3, 0.0055, 0.05)] {
        let length = scale_bar(130.0, pixel, scale);
        assert!((length - expected).abs() < 1e-9, "{length} is not {expected}");
    }
}

#[test]
fn the_entropy_map_gets_lighter_throughout() {
    let light = |t: f32| {
        let c = magma(t);
        0.2126 * f32::from(c.r()) + 0.7152 * f32::from(c.g()) + 0.0722 * f32::from(c.b())
    };
    let steps: Vec<f32> = (0..=50u8).map(|i| light(f32::from(i) / 50.0)).collect();
    assert!(steps.windows(2).all(|w| w[1] > w[0] - 0.5), "{steps:?}");
    assert!(steps[50] - steps[0] > 200.0);
}
