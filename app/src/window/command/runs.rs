//! Commands about segmenting.

use super::Effect;
use super::looks::look_anew;
use crate::window::engine::{Job, Segment};
use crate::window::state::{Run, State};
use paser_core::event::Control;
use paser_core::route::Method;
use std::time::Instant;

pub(super) fn segment_slice(state: &mut State) -> Vec<Effect> {
    let Some(z) = state.stack.as_ref().map(|s| s.z) else { return Vec::new() };
    if state.busy().is_some() && state.slice_obstacle().is_none() {
        (state.method, state.router) = (Method::Paser, None);
        return look_anew(state, state.lambda);
    }
    begin(state, z..z + 1, false)
}

pub(super) fn segment_stack(state: &mut State) -> Vec<Effect> {
    let Some(slices) = state.stack.as_ref().map(|s| s.info.slices) else { return Vec::new() };
    begin(state, 0..slices, true)
}

fn begin(state: &mut State, slices: std::ops::Range<usize>, write: bool) -> Vec<Effect> {
    if let Some(why) = state.obstacle() {
        state.notices.warn(why);
        return Vec::new();
    }
    let run = state.count();
    if let Some(look) = state.look.take() {
        look.control.stop();
    }
    let Some(stack) = &state.stack else { return Vec::new() };
    let control = Control::default();
    let job = Segment {
        run,
        stack: stack.id,
        volume: stack.volume.clone(),
        slices: slices.clone(),
        lambda: state.lambda,
        opened: stack.how.clone(),
        beside: write.then(|| stack.path.clone()),
        wanted: state.wanted.clone(),
        control: control.clone(),
    };
    state.run = Some(Run::new(run, stack.id, control, slices.len()));
    vec![Effect::Compute(Job::Segment(Box::new(job)))]
}

pub(super) fn toggle_pause(state: &mut State) {
    let Some(run) = &mut state.run else { return };
    match run.paused_since.take() {
        Some(since) => run.paused += since.elapsed(),
        None => run.paused_since = Some(Instant::now()),
    }
    run.control.set_paused(run.paused_since.is_some());
}

pub(super) fn stop(state: &mut State) {
    if let Some(run) = &mut state.run {
        run.control.stop();
        run.stopping = true;
    }
}
