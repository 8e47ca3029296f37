//! What the state makes of the threads' events.

use super::command::{Command, Effect, handle, want};
use super::engine::{Event, Opened, Outcome, Pick};
use super::grey::Grey;
use super::notice::Weight;
use super::results::{Kept, Model, Summary};
use super::state::{Loading, State};
use paser_core::route::Router;
use std::path::PathBuf;
use std::sync::Arc;

/// Takes in an event.
pub fn absorb(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::Device(description, note) => {
            state.device = Some(description);
            state.speed = None;
            if let Some(note) = note {
                state.notices.warn(note);
            }
        }
        Event::Model(loaded) => return model(state, loaded),
        Event::Opened(opened) => return stack(state, opened),
        Event::Slice(id, z, slice) => self::slice(state, id, z, slice),
        Event::Segmented(run, z, result) => segmented(state, run, z, *result),
        Event::Finished(run, outcome) => {
            finished(state, run, outcome);
            // The sample may have been opened during the old run's last moments.
            return begin_if_eager(state);
        }
        Event::Picked(pick, path, unseen) => return picked(state, pick, path, unseen),
    }
    Vec::new()
}

fn model(state: &mut State, loaded: Result<Box<Model>, String>) -> Vec<Effect> {
    match loaded {
        Ok(model) => {
            if let Router::Fixed(policy) = model.manifest.fixed(model.manifest.lambda) {
                state.policy = policy;
            }
            state.model = Loading::Ready(Arc::new(*model));
            begin_if_eager(state)
        }
        Err(why) => {
            state.model = Loading::Failed;
            state.notices.error(why);
            Vec::new()
        }
    }
}

fn stack(state: &mut State, opened: Result<Box<Opened>, String>) -> Vec<Effect> {
    match opened {
        // The user has asked for another one, or closed it, meanwhile.
        Ok(opened) if state.opening.as_ref() != Some(&opened.path) => Vec::new(),
        Ok(opened) => {
            state.opening = None;
            state.take_stack(*opened);
            let mut effects: Vec<Effect> = state.stack.as_ref().and_then(want).into_iter().collect();
            effects.extend(begin_if_eager(state));
            effects
        }
        Err(why) => {
            state.opening = None;
            state.notices.error(why);
            Vec::new()
        }
    }
}

fn begin_if_eager(state: &mut State) -> Vec<Effect> {
    if !state.eager || state.opening.is_some() || state.obstacle().is_some() {
        return Vec::new();
    }
    state.eager = false;
    handle(state, Command::SegmentSlice)
}

fn slice(state: &mut State, id: u64, z: usize, slice: Result<Arc<Grey>, String>) {
    let Some(stack) = state.stack.as_mut().filter(|s| s.id == id) else { return };
    match slice {
        Ok(grey) => stack.slices.put(z, grey, stack.z),
        Err(why) => {
            stack.unreadable.insert(z);
            state.notices.error(why);
        }
    }
}

fn segmented(state: &mut State, run: u64, z: usize, (kept, summary): (Kept, Summary)) {
    let Some(run) = state.run.as_mut().filter(|r| r.id == run) else { return };
    run.done += 1;
    if let Some(stack) = state.stack.as_mut().filter(|s| s.id == run.stack) {
        stack.results.put(z, kept, summary);
    }
}

fn finished(state: &mut State, run: u64, outcome: Outcome) {
    let Some(ended) = state.run.take_if(|r| r.id == run) else { return };
    if ended.done > 1 {
        state.speed = ended.rate();
    }
    match outcome {
        Outcome::Done(None) => {}
        Outcome::Done(Some(folder)) => {
            let text = format!("Saved {} labelled slices in {}", ended.total, folder.display());
            state.notices.say(Weight::Done, text, Some(folder.display().to_string()));
        }
        Outcome::Stopped if ended.total > 1 => state.notices.say(
            Weight::Done,
            format!(
                "Stopped after {} of {} slices: those stay on show, no file was written",
                ended.done, ended.total
            ),
            None,
        ),
        Outcome::Stopped => {}
        Outcome::Failed(why) => state.notices.error(why),
    }
}

fn picked(state: &mut State, pick: Pick, path: Option<PathBuf>, unseen: bool) -> Vec<Effect> {
    match (path, pick) {
        (Some(path), Pick::Bundle) => handle(state, Command::UseBundle(path)),
        (Some(path), Pick::File | Pick::Folder) => handle(state, Command::Open(path)),
        (None, pick) if unseen => {
            state.notices.warn(
                "this desktop offers no file dialog (xdg-desktop-portal is missing); type or paste the path instead, or drop the file on the window",
            );
            if pick != Pick::Bundle {
                state.path_field = Some(String::new());
            }
            Vec::new()
        }
        (None, _) => Vec::new(),
    }
}
