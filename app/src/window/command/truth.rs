//! Commands about truth.

use super::Effect;
use crate::window::engine::Read;
use crate::window::project::TruthEntry;
use crate::window::state::{Layer, Stack, State};
use crate::window::truth::Truth;
use std::path::PathBuf;

/// Has a label stack opened for the stack on show.
pub(super) fn open(state: &mut State, path: PathBuf) -> Vec<Effect> {
    let Some(classes) = state.model().map(|m| m.manifest.classes.len()) else {
        state.notices.warn("truth is read with the bundle's classes; choose a bundle first");
        return Vec::new();
    };
    let Some(stack) = &state.stack else {
        state.notices.warn("open the stack first, then its labels");
        return Vec::new();
    };
    vec![Effect::Read(Read::Truth { stack: stack.id, path, like: stack.info.clone(), classes, map: None })]
}

/// Changes the class table, or sends the label stack away.
pub(super) fn set_table(state: &mut State, table: Option<Vec<Option<u32>>>) {
    match (table, &mut state.truth_draft) {
        (Some(table), Some(draft)) if table.len() == draft.table.len() => draft.table = table,
        (Some(_), _) => {}
        (None, draft) => *draft = None,
    }
}

/// Takes the label stack as truth.
pub(super) fn accept(state: &mut State) -> Vec<Effect> {
    let Some(model) = state.model().cloned() else { return Vec::new() };
    let Some(draft) = state.truth_draft.take_if(|d| d.obstacle().is_none()) else { return Vec::new() };
    let Some(stack) = &mut state.stack else { return Vec::new() };
    let map = draft.map(&model.manifest);
    stack.truth = Some(Truth::new(draft.path, draft.volume, map, stack.memory.truth()));
    let wanted = want(stack).into_iter().collect();
    if stack.kept().is_some() {
        state.overlay.layer = Layer::Error;
    }
    wanted
}

/// Opens the label stack of a project with its class table.
pub(super) fn reopen(state: &mut State, entry: &TruthEntry) -> Vec<Effect> {
    let Some(stack) = &state.stack else { return Vec::new() };
    let (path, map) = (entry.at.path().to_owned(), Some(entry.map.clone()));
    let (stack, like, classes) = (stack.id, stack.info.clone(), entry.map.names.len());
    vec![Effect::Read(Read::Truth { stack, path, like, classes, map })]
}

/// What has to be read so that the truth of the slice on show is in memory.
pub(crate) fn want(stack: &Stack) -> Option<Effect> {
    let truth = stack.truth.as_ref().filter(|t| t.slice(stack.z).is_none())?;
    Some(Effect::Read(Read::TruthSlice {
        stack: stack.id,
        volume: truth.volume.clone(),
        map: truth.map.clone(),
        z: stack.z,
    }))
}
