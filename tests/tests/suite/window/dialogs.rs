//! The palette, the dialogs over the window, and a session driven by the names that a screen reader says.

use super::panes::{filled, started};
use super::*;
use egui::Key;
use paser_app::window::engine::Read;
use paser_app::window::keys::ACTIONS;
use paser_app::window::project::{Item, Place, Project, Relink};
use paser_app::window::state::Workspace;

fn type_text(harness: &mut Harness<'_, Studio>, text: &str) {
    harness.event(Event::Text(text.to_owned()));
    harness.run_steps(3);
}

#[test]
fn the_palette_finds_a_command_and_runs_it() {
    let mut harness = harness(segmented(Mode::Dark));
    harness.key_press_modifiers(Modifiers::CTRL | Modifiers::COMMAND, Key::P);
    harness.run_steps(3);
    assert_eq!(harness.state().state.palette.as_deref(), Some(""));
    type_text(&mut harness, "errors");
    assert_eq!(harness.query_all_by_label("errors beside the truth").count(), 1);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    let state = &harness.state().state;
    assert_eq!((state.palette.clone(), state.overlay.layer), (None, Layer::Error));
    harness.key_press_modifiers(Modifiers::CTRL | Modifiers::COMMAND, Key::P);
    harness.run_steps(3);
    type_text(&mut harness, "no such thing");
    assert_eq!(harness.query_all_by_label("No command has this name.").count(), 1);
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert_eq!(harness.state().state.palette, None);
}

#[test]
fn no_two_commands_share_a_key_or_a_name() {
    let keys: Vec<&str> = ACTIONS.iter().flat_map(|a| a.keys.split('|')).filter(|k| !k.is_empty()).collect();
    let names: Vec<&str> = ACTIONS.iter().map(|a| a.name).collect();
    for list in [keys, names] {
        let mut once = list.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), list.len(), "{list:?}");
    }
}

#[test]
fn closing_during_a_training_asks_and_staying_loses_nothing() {
    let mut state = filled(Mode::Dark);
    let job = started(&mut state);
    handle(&mut state, Command::AskClose(true));
    let mut harness = harness(state);
    harness.get_by_label("Stay").click();
    harness.run_steps(3);
    assert!(!harness.state().state.closing && !job.control.stopped());
    handle(&mut harness.state_mut().state, Command::AskClose(true));
    harness.run_steps(3);
    harness.get_by_label("Stop and close").click();
    harness.run_steps(3);
    assert!(
        job.control.stopped() && !job.control.finishing(),
        "its place is kept, no bundle is made in haste"
    );
}

#[test]
fn a_failure_says_cause_and_remedy_one_at_a_time() {
    let mut state = ready(Mode::Dark);
    state.notices.error("cannot write labels.tif: the disk is full; free some space and segment again");
    state.notices.error("the label stack is gone");
    let mut harness = harness(state);
    assert_eq!(harness.query_all_by_label("Cannot write labels.tif: the disk is full.").count(), 1);
    assert_eq!(harness.query_all_by_label("Free some space and segment again.").count(), 1);
    harness.get_by_label("Copy").click();
    harness.run_steps(1);
    harness.get_by_label("Dismiss").click();
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label("The label stack is gone.").count(), 1);
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(harness.state().state.notices.shown().is_empty());
}

#[test]
fn a_stack_that_is_gone_is_told_once_and_shown_on_every_slice() {
    let mut state = ready(Mode::Dark);
    let id = state.stack.as_ref().map_or(0, |s| s.id);
    for z in [20, 21, 22] {
        absorb(&mut state, Told::Slice(id, z, Err(format!("slice {z} cannot be read; the file is gone"))));
    }
    assert_eq!(state.notices.failures().len(), 1);
    assert_eq!(state.stack.as_ref().map(|s| s.unreadable.len()), Some(3));
}

#[test]
fn axes_are_swapped_in_one_click_and_the_stack_is_opened_anew() {
    let mut state = ready(Mode::Light);
    handle(&mut state, Command::AskImport);
    let mut harness = harness(state);
    harness.get_by_label("Swap Z and Y").click();
    harness.run_steps(3);
    let said = format!("{} slices of {} × {} px (YZX)", SIZE[0], SIZE[1], SLICES);
    assert_eq!(harness.query_all_by_label(&said).count(), 1);
    let import = harness.state().state.import.clone().expect("the card");
    assert_eq!(import.voxel, ["0.32", "0.32", "0.32"]);
    let state = &mut harness.state_mut().state;
    handle(
        state,
        Command::Import(Some(Box::new(paser_app::window::import::Import {
            voxel: ["0.5".to_owned(), "0,25".to_owned(), "0.25".to_owned()],
            crop: "2:30,:,:".to_owned(),
            ..*import.clone()
        }))),
    );
    let effects = handle(state, Command::Reopen);
    let [Effect::Read(Read::Open(path, how))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(path, &PathBuf::from("/data/electrode.tif"));
    let view = &how.view;
    assert_eq!(view.axes.map(|a| a.0), Some([1, 0, 2]));
    assert_eq!(view.voxel.as_ref().map(|v| v.size), Some([0.5, 0.25, 0.25]));
    assert_eq!(view.crop.as_ref().map(ToString::to_string), Some("2:30,:,:".to_owned()));
    let mut wrong = *import;
    wrong.voxel[1] = "wide".to_owned();
    assert!(wrong.view().is_err());
    wrong.voxel = Default::default();
    assert_eq!(wrong.view().expect("unknown is a size").voxel, None);
}

#[test]
fn a_project_whose_stack_is_gone_asks_where_it_is() {
    let mut state = ready(Mode::Light);
    state.overlay.opacity = 0.7;
    let project = Project::of(&state);
    let text = project.text().expect("text");
    assert_eq!(Project::read(text.as_bytes()).expect("the same"), project);
    assert!(
        Project::read(text.replace("\"version\": 1", "\"version\": 9").as_bytes())
            .unwrap_err()
            .contains("newer")
    );
    assert!(Project::read(b"{}").is_err() && Project::read(b"[1, 2").is_err());
    let relink = Relink::of(PathBuf::from("/nowhere/cell.paser"), project);
    assert!(matches!(relink.places.as_slice(), [(Item::Stack, Place::Missing(_))]), "{:?}", relink.places);
    let mut state = ready(Mode::Light);
    absorb(&mut state, Told::Project(Ok(Box::new(relink))));
    let mut harness = harness(state);
    assert_eq!(harness.query_all_by_label("not found").count(), 1);
    let state = &mut harness.state_mut().state;
    assert!(handle(state, Command::OpenRelinked).is_empty(), "nothing opens before all is found");
    handle(state, Command::Relink(Item::Stack, Some(PathBuf::from("/moved/electrode.tif"))));
    let effects = handle(state, Command::OpenRelinked);
    assert!(
        matches!(effects.as_slice(), [Effect::Read(Read::Open(path, _))] if path == &PathBuf::from("/moved/electrode.tif")),
        "{effects:?}"
    );
    absorb(state, Told::Opened(Ok(Box::new(opened("/moved/electrode.tif")))));
    assert_eq!(
        (state.overlay.opacity, state.project.clone()),
        (0.7, Some(PathBuf::from("/nowhere/cell.paser")))
    );
}

/// From the first click to the report, by the names that a screen reader says.
#[test]
fn a_session_by_names() {
    let mut state = State::new(Mode::Dark, Some(PathBuf::from("/sample.tif")));
    absorb(&mut state, Told::Device(Description::cpu(), None));
    absorb(&mut state, Told::Model(Ok(Box::new(model()))));
    let mut harness = harness(state);
    harness.get_by_label("Open the sample stack").click();
    harness.run_steps(3);
    let state = &mut harness.state_mut().state;
    let effects = absorb(state, Told::Opened(Ok(Box::new(opened("/sample.tif")))));
    let Some(Effect::Compute(Job::Segment(job))) =
        effects.into_iter().find(|e| matches!(e, Effect::Compute(_)))
    else {
        panic!("the first slice is segmented at once")
    };
    absorb(state, Told::Segmented(job.run, 20, Box::new(Kept::of(result(20), &model(), 0.05))));
    absorb(state, Told::Finished(job.run, paser_app::window::engine::Outcome::Done(None)));
    harness.run_steps(3);
    harness.get_by_label("Cost weight λ").click();
    harness.run_steps(3);
    harness.key_press(Key::S); // the divider stands in the middle, where the click goes
    harness.run_steps(3);
    harness.get_by_label("Slice 21").click();
    harness.run_steps(3);
    assert!(
        harness.state().state.stack.as_ref().is_some_and(|s| s.selected.is_some()),
        "a patch is looked into"
    );
    harness.get_by_label("Segment stack").click();
    harness.run_steps(3);
    assert_eq!(harness.state().state.run.as_ref().map(|r| r.total), Some(SLICES));
    harness.get_by_label("Pause").click();
    harness.run_steps(3);
    assert!(harness.state().state.run.as_ref().is_some_and(|r| r.control.paused()));
    harness.get_by_label("Cancel").click();
    harness.run_steps(3);
    harness.get_by_label("Report").click();
    harness.run_steps(3);
    assert_eq!(harness.state().state.workspace, Workspace::Report);
    assert_eq!(harness.query_all_by_label("Nothing to report yet").count(), 0);
}
