//! Commands that route the slice on show anew, or look into it.

use super::Effect;
use crate::window::comparison::Row;
use crate::window::engine::{Job, Look};
use crate::window::promise;
use crate::window::state::{Dial, Pending, Stack, State};
use crate::window::trial::Trial;
use paser_core::event::Control;
use paser_core::noise::Noise;
use paser_core::route::{Method, PatchRoute};

/// Sets λ; a slice on show that is segmented follows at once.
pub(super) fn set_lambda(state: &mut State, lambda: Option<f64>) -> Vec<Effect> {
    let Some(lambda) = lambda.filter(|l| *l != state.lambda && (0.0..=1.0).contains(l)) else {
        return Vec::new();
    };
    state.lambda = lambda;
    (state.method, state.router) = (Method::Paser, None);
    look(state, lambda)
}

/// Chooses a row of the comparison; a slice on show that is segmented is routed that way.
pub(super) fn choose_row(state: &mut State, method: String, lambda: Option<f64>) -> Vec<Effect> {
    state.comparison.chosen = Some((method, lambda));
    let Some(method) = state.comparison.row().and_then(Row::shown) else { return Vec::new() };
    state.method = method;
    state.lambda = lambda.unwrap_or(state.lambda);
    state.router = state.model().and_then(|m| state.comparison.row()?.router(&m.manifest));
    look_anew(state, state.lambda)
}

/// The λ that a budget asks for.
pub(super) fn budgeted(state: &State, dial: Dial) -> Option<f64> {
    let model = state.model()?;
    let size = state.stack.as_ref().map_or(model.manifest.layout.tile, Stack::size);
    match dial {
        Dial::Lambda => None,
        Dial::Iou(iou) => promise::for_iou(&model.manifest, iou),
        Dial::Flops(most) => promise::for_cost(&model.manifest, most, |p| model.flops(&p.shares, size)),
        Dial::Seconds(most) => {
            let speeds = state.speeds.as_ref()?;
            promise::for_cost(&model.manifest, most, |p| model.seconds(speeds, &p.shares, size))
        }
    }
}

/// Asks for the slice on show at `lambda`, with its selected patch looked into; one look at a time, the
/// newest.
pub(super) fn look(state: &mut State, lambda: f64) -> Vec<Effect> {
    match &state.stack {
        Some(stack) if stack.kept().is_some() => look_anew(state, lambda),
        _ => Vec::new(),
    }
}

/// The same where the slice was not segmented yet. Longer work makes room for it.
pub(super) fn look_anew(state: &mut State, lambda: f64) -> Vec<Effect> {
    if state.model().is_none() {
        return Vec::new();
    }
    let id = state.count();
    let Some(stack) = &state.stack else { return Vec::new() };
    let control = Control::default();
    let patch = stack.selected.and_then(|i| stack.kept()?.routes.get(i)).map(PatchRoute::pixel);
    let look = Look {
        id,
        stack: stack.id,
        volume: stack.volume.clone(),
        z: stack.z,
        lambda,
        method: state.method,
        router: state.router,
        patch,
        noise: state.noise,
        control: control.clone(),
    };
    if let Some(old) = state.look.replace(Pending { id, control }) {
        old.control.stop();
    }
    vec![Effect::Compute(Job::Look(Box::new(look)))]
}

pub(super) fn set_noise(state: &mut State, noise: Noise) -> Vec<Effect> {
    if state.noise == noise {
        return Vec::new();
    }
    state.noise = noise;
    let Some(stack) = &mut state.stack else { return Vec::new() };
    if noise == Noise::None {
        stack.trial = None;
        return Vec::new();
    }
    let lambda = stack.summary().map_or(state.lambda, |s| s.lambda);
    look(state, lambda)
}

pub(super) fn hold(state: &mut State) {
    let version = state.count();
    let Some(stack) = &mut state.stack else { return };
    let (Some(kept), Some(summary)) = (stack.kept().cloned(), stack.summary().cloned()) else { return };
    let title = format!("held: {}", summary.title());
    stack.trial = Some(Trial { title, z: stack.z, kept, summary, grey: None, version });
}

pub(super) fn select(state: &mut State, patch: Option<usize>) -> Vec<Effect> {
    let Some(stack) = &mut state.stack else { return Vec::new() };
    if stack.selected == patch {
        return Vec::new();
    }
    stack.selected = patch;
    stack.audit = None;
    // the patch is explained at the λ that the slice was routed at
    let lambda = stack.summary().map(|s| s.lambda).filter(|_| patch.is_some());
    lambda.map(|lambda| look(state, lambda)).unwrap_or_default()
}
