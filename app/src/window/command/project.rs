//! Commands about the project, and about how the stack is read.

use super::{Effect, handle, open_as, truth, use_bundle};
use crate::window::Command;
use crate::window::engine::{Pick, Read};
use crate::window::project::{ENDING, Item, Project, Relink};
use crate::window::state::State;
use paser_core::volume::Opening;
use std::path::PathBuf;

/// Writes the project to its file, or asks for one.
pub(super) fn save(state: &mut State, path: Option<PathBuf>) -> Vec<Effect> {
    let Some(path) = path.or_else(|| state.project.clone()) else {
        return vec![Effect::Pick(Pick::SaveProject)];
    };
    let path = if path.extension().is_none() { path.with_extension(ENDING) } else { path };
    vec![Effect::Read(Read::SaveProject { path, project: Box::new(Project::of(state)) })]
}

/// Where a project is kept when nobody can be asked: beside the stack.
pub(crate) fn beside(state: &State) -> Option<PathBuf> {
    state.stack.as_ref().map(|stack| stack.path.with_extension(ENDING))
}

/// A project was read: it is opened at once where everything is found.
pub(crate) fn read(state: &mut State, relink: Relink) -> Vec<Effect> {
    if !relink.settled() {
        state.relink = Some(relink);
        return Vec::new();
    }
    let path = relink.path.clone();
    let effects = take_up(state, relink.project());
    state.project = Some(path);
    effects
}

/// Decides where something that the project names is; none: it goes on without.
pub(super) fn relink(state: &mut State, item: Item, path: Option<PathBuf>) {
    let Some(relink) = &mut state.relink else { return };
    match path {
        Some(path) => relink.put(item, &path),
        None => relink.leave_out(item),
    }
}

/// Opens the project as it is linked now.
pub(super) fn open(state: &mut State) -> Vec<Effect> {
    state.relink.take_if(|r| r.settled()).map(|relink| read(state, relink)).unwrap_or_default()
}

/// Puts the window where `project` was. Stack and bundle are loaded first; the rest follows in [`resume`].
pub(super) fn take_up(state: &mut State, project: Project) -> Vec<Effect> {
    if let Some(why) = state.busy() {
        state.notices.warn(why);
        return Vec::new();
    }
    (state.overlay, state.form) = (project.overlay, project.form.clone());
    state.exports.clone_from(&project.exports);
    let bundle =
        project.bundle.as_ref().map(|b| b.path().to_owned()).filter(|b| state.bundle.as_ref() != Some(b));
    let mut effects = bundle.map(|folder| use_bundle(state, folder)).unwrap_or_default();
    if let Some(stack) = &project.stack {
        effects.extend(open_as(state, stack.at.path().to_owned(), stack.opening(), false));
    }
    state.workspace = project.workspace;
    state.resume = Some(Box::new(project));
    effects.extend(resume(state));
    effects
}

/// Goes on with the project that is being opened, once its stack and bundle are there.
pub(crate) fn resume(state: &mut State) -> Vec<Effect> {
    if state.model().is_none() || state.opening.is_some() {
        return Vec::new();
    }
    let Some(project) = state.resume.take() else { return Vec::new() };
    (state.lambda, state.method) = (project.lambda, project.method);
    let Some(entry) = &project.stack else { return Vec::new() };
    let mut effects = Vec::new();
    if let Some(stack) = &mut state.stack {
        stack.window = entry.window;
    }
    if let Some(truth) = &entry.truth {
        effects.extend(truth::reopen(state, truth));
    }
    effects.extend(handle(state, Command::GoTo(entry.z)));
    if entry.segmented && state.obstacle().is_none() {
        effects.extend(handle(state, Command::SegmentSlice));
    }
    effects
}

/// Opens the stack anew as the import card says.
pub(super) fn reopen(state: &mut State) -> Vec<Effect> {
    let Some(import) = state.import.take() else { return Vec::new() };
    match import.view() {
        Ok(view) => open_as(state, import.path, Opening { view, ..import.opening }, false),
        Err(why) => {
            state.notices.warn(why);
            Vec::new()
        }
    }
}
