//! Commands that open, leave and turn the pages of a stack, and load a bundle.

use super::{Effect, runs::stop, truth};
use crate::window::engine::{Job, Read};
use crate::window::memory::Memory;
use crate::window::overview::Overview;
use crate::window::project::ENDING;
use crate::window::question::Question;
use crate::window::state::{Loading, Stack, State, Workspace};
use paser_core::noise::Noise;
use paser_core::route::Method;
use paser_core::volume::Opening;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) fn open(state: &mut State, path: PathBuf, eager: bool) -> Vec<Effect> {
    if path.extension().is_some_and(|e| e == ENDING) {
        return vec![Effect::Read(Read::Project(path))];
    }
    open_as(state, path, Opening::default(), eager)
}

pub(super) fn open_as(state: &mut State, path: PathBuf, how: Opening, eager: bool) -> Vec<Effect> {
    let_go(state);
    (state.recovered, state.import, state.question) = (None, None, None);
    state.workspace = Workspace::Segment;
    (state.method, state.router) = (Method::Paser, None);
    state.opening = Some(path.clone());
    state.path_field = None;
    state.eager = eager;
    vec![Effect::Read(Read::Open(path, Box::new(how)))]
}

/// Asks anew which part of the open stack's file is meant.
pub(super) fn ask_anew(state: &mut State) {
    let Some(stack) = &state.stack else { return };
    let Some(offer) = stack.offer.clone() else { return };
    state.question = Some(Box::new(Question::of(stack.path.clone(), offer, &stack.how, None)));
    state.import = None;
}

/// Opens the file in question as decided.
pub(super) fn open_chosen(state: &mut State) -> Vec<Effect> {
    let Some(question) = state.question.take() else { return Vec::new() };
    match question.opening() {
        Ok(how) => open_as(state, question.path, how, false),
        Err(why) => {
            state.notices.warn(why);
            Vec::new()
        }
    }
}

/// Stops the run of the open stack; a batch goes on.
fn let_go(state: &mut State) {
    let own = state.stack.as_ref().map(|stack| stack.id);
    if state.run.as_ref().is_some_and(|run| Some(run.stack) == own) {
        stop(state);
    }
}

pub(super) fn use_bundle(state: &mut State, folder: PathBuf) -> Vec<Effect> {
    if let Some(why) = state.busy() {
        state.notices.warn(why);
        return Vec::new();
    }
    state.model = Loading::Waiting;
    state.bundle = Some(folder.clone());
    vec![Effect::Compute(Job::Load(folder))]
}

pub(super) fn close(state: &mut State) {
    let_go(state);
    state.stack = None;
    state.opening = None;
}

/// Shows the slice that `place` makes of the present one.
pub(super) fn go_to(state: &mut State, place: impl Fn(usize) -> usize) -> Vec<Effect> {
    let Some(stack) = &mut state.stack else { return Vec::new() };
    let z = place(stack.z).min(stack.info.slices.saturating_sub(1));
    if z != stack.z {
        stack.z = z;
        stack.selected = None;
        stack.audit = None;
        state.noise = Noise::None;
    }
    want(stack).into_iter().chain(truth::want(stack)).collect()
}

/// What has to be read so that the slice on show, and then its neighbours, are in memory.
pub fn want(stack: &Stack) -> Option<Effect> {
    let missing =
        |z: &usize| *z < stack.info.slices && stack.slices.get(*z).is_none() && !stack.unreadable.contains(z);
    let mut wanted = [Some(stack.z), stack.z.checked_add(1), stack.z.checked_sub(1)]
        .into_iter()
        .flatten()
        .filter(missing)
        .collect::<Vec<_>>()
        .into_iter();
    let z = wanted.next()?;
    Some(Effect::Read(Read::Slice {
        stack: stack.id,
        volume: stack.volume.clone(),
        z,
        ahead: wanted.collect(),
    }))
}

pub(super) fn toggle_cuts(state: &mut State) -> Vec<Effect> {
    let Some(stack) = &mut state.stack else { return Vec::new() };
    if stack.overview.take().is_some() {
        return Vec::new();
    }
    let overview = Arc::new(Overview::new(&stack.info, stack.ends, stack.memory.cuts()));
    stack.overview = Some(overview.clone());
    vec![Effect::Read(Read::Overview { overview: Arc::downgrade(&overview), volume: stack.volume.clone() })]
}

/// Lets the open stack, and every one after it, have so much memory.
pub(super) fn set_memory(state: &mut State, memory: Memory) -> Vec<Effect> {
    state.memory = memory;
    let Some(stack) = &mut state.stack else { return Vec::new() };
    stack.allow(memory);
    match stack.overview.take() {
        Some(_) => toggle_cuts(state),
        None => Vec::new(),
    }
}
