//! Commands of the Batch workspace, and what follows when one of its stacks is opened or over.

use super::{Effect, stop};
use crate::window::Command;
use crate::window::batch::{Row, RowState, Settings};
use crate::window::engine::{Found, Job, Outcome, Read, Segment};
use crate::window::notice::Weight;
use crate::window::state::{Loading, Run, State, Workspace};
use paser_core::event::Control;
use paser_core::volume::{Opening, Volume};
use std::path::PathBuf;
use std::time::Instant;

/// An intent about the batch.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchCommand {
    /// Add stacks, folders of slices, or folders of stacks.
    Add(Vec<PathBuf>),
    /// Segment all that wait.
    Start,
    /// Stop; the stack at work waits again.
    Cancel,
    /// Pass a stack over.
    Skip(u64),
    /// Have a stack wait again.
    Retry(u64),
    /// Take a stack out of the table.
    Remove(u64),
    /// Take out all that are not at work.
    Clear,
    /// Open a stack in the window.
    Open(u64),
}

/// Carries out `command`.
pub(super) fn carry_out(state: &mut State, command: BatchCommand) -> Vec<Effect> {
    match command {
        BatchCommand::Add(paths) => return add(state, paths),
        BatchCommand::Start => return start(state),
        BatchCommand::Cancel => cancel(state),
        BatchCommand::Skip(id) => return skip(state, id),
        BatchCommand::Retry(id) => return retry(state, id),
        BatchCommand::Remove(id) => state.batch.rows.retain(|row| row.id != id || row.works()),
        BatchCommand::Clear => state.batch.rows.retain(Row::works),
        BatchCommand::Open(id) => {
            let path = state.batch.row(id).map(|row| row.path.clone());
            return path.map(|path| super::open(state, path, false)).unwrap_or_default();
        }
    }
    Vec::new()
}

fn look(row: &Row) -> Effect {
    Effect::Read(Read::Row(row.id, row.path.clone()))
}

fn add(state: &mut State, paths: Vec<PathBuf>) -> Vec<Effect> {
    state.workspace = Workspace::Batch;
    state.path_field = None;
    let place = state.batch.rows.len();
    insert(state, place, paths)
}

/// Adds rows at `place`, but no stack that waits there already.
fn insert(state: &mut State, place: usize, paths: Vec<PathBuf>) -> Vec<Effect> {
    let mut rows = Vec::new();
    for path in paths {
        if !state.batch.rows.iter().any(|row| row.path == path && row.waits()) {
            rows.push(Row::new(state.count(), path));
        }
    }
    let effects = rows.iter().map(look).collect();
    state.batch.rows.splice(place..place, rows);
    effects
}

fn start(state: &mut State) -> Vec<Effect> {
    let obstacle = match state.model {
        Loading::Waiting => Some("The device is being prepared"),
        Loading::Failed => Some("No model bundle is loaded; choose one"),
        Loading::Ready(_) => state.busy(),
    };
    if let Some(why) = obstacle {
        state.notices.warn(why);
        return Vec::new();
    }
    state.batch.settings = Some(Settings { lambda: state.lambda, wanted: state.wanted.clone() });
    next(state)
}

fn cancel(state: &mut State) {
    state.batch.settings = None;
    for row in &mut state.batch.rows {
        if matches!(row.state, RowState::Opening) {
            row.state = RowState::Waiting;
        }
    }
    stop(state);
}

fn skip(state: &mut State, id: u64) -> Vec<Effect> {
    let Some(row) = state.batch.row(id) else { return Vec::new() };
    match std::mem::replace(&mut row.state, RowState::Skipped) {
        // the next one begins as soon as this one has stopped
        RowState::Running(_) => stop(state),
        RowState::Opening => return next(state),
        RowState::Looking | RowState::Waiting | RowState::Skipped => {}
        over => row.state = over,
    }
    Vec::new()
}

fn retry(state: &mut State, id: u64) -> Vec<Effect> {
    let Some(row) = state.batch.row(id).filter(|row| !row.works()) else { return Vec::new() };
    row.state = RowState::Looking;
    vec![look(row)]
}

/// Opens the next stack that waits; without any, and with none at work, the batch is over.
fn next(state: &mut State) -> Vec<Effect> {
    if !state.batch.runs() || state.batch.rows.iter().any(Row::works) {
        return Vec::new();
    }
    if let Some(row) = state.batch.rows.iter_mut().find(|row| matches!(row.state, RowState::Waiting)) {
        row.state = RowState::Opening;
        return vec![look(row)];
    }
    if !state.batch.rows.iter().any(Row::waits) {
        state.batch.settings = None;
        let [done, failed, _] = state.batch.counts();
        let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        state.notices.say(Weight::Done, format!("The batch is over: {done} stacks segmented{failed}"), None);
    }
    Vec::new()
}

/// A stack of the batch was opened, or not.
pub(crate) fn found(state: &mut State, id: u64, found: Result<Found, String>) -> Vec<Effect> {
    let Some(place) = state.batch.rows.iter().position(|row| row.id == id) else { return Vec::new() };
    let row = &mut state.batch.rows[place];
    match (found, &row.state) {
        (Ok(Found::Several(paths)), RowState::Looking | RowState::Opening) => {
            state.batch.rows.remove(place);
            let mut effects = insert(state, place, paths);
            effects.extend(next(state));
            return effects;
        }
        (Ok(Found::Stack(volume)), RowState::Opening) => return segment(state, place, volume),
        (Ok(Found::Stack(volume)), RowState::Looking) => {
            (row.info, row.state) = (Some(volume.info().clone()), RowState::Waiting);
        }
        (Err(why), RowState::Looking | RowState::Opening) => row.state = RowState::Failed(why),
        _ => return Vec::new(), // passed over meanwhile
    }
    next(state)
}

/// Segments the stack in row `place` the way a single one is.
fn segment(state: &mut State, place: usize, volume: Volume) -> Vec<Effect> {
    let Some(settings) = state.batch.settings.clone() else { return Vec::new() };
    let (run, control, info) = (state.count(), Control::default(), volume.info().clone());
    let row = &mut state.batch.rows[place];
    let slices = 0..info.slices;
    state.run = Some(Run::new(run, row.id, control.clone(), slices.len()));
    (row.info, row.state) = (Some(info), RowState::Running(Instant::now()));
    let job = Segment {
        run,
        stack: row.id,
        volume,
        slices,
        lambda: settings.lambda,
        opened: Opening::default(),
        beside: Some(row.path.clone()),
        wanted: settings.wanted,
        control,
    };
    vec![Effect::Compute(Job::Segment(Box::new(job)))]
}

/// Whether the run of a stack of the batch is over, and what follows.
pub(crate) fn finished(state: &mut State, ended: &Run, outcome: &Outcome) -> Option<Vec<Effect>> {
    let row = state.batch.row(ended.stack)?;
    match (outcome, &row.state) {
        (Outcome::Done(Some(saved)), RowState::Running(since)) => {
            row.state = RowState::Done { saved: saved.clone(), seconds: since.elapsed().as_secs_f64() };
            state.keep(saved);
        }
        (Outcome::Failed(why), RowState::Running(_)) => row.state = RowState::Failed(why.clone()),
        (Outcome::Stopped, RowState::Running(_)) => row.state = RowState::Waiting,
        _ => {} // passed over meanwhile
    }
    Some(next(state))
}

/// A folder that was to be opened holds several stacks: they make a batch.
pub(crate) fn several(state: &mut State, stacks: Vec<PathBuf>) -> Vec<Effect> {
    (state.opening, state.resume) = (None, None);
    super::handle(state, Command::Batch(BatchCommand::Add(stacks)))
}
