//! Commands of the Train and Compare workspaces.

use super::Effect;
use crate::window::engine::{Compare, Job, Read, Train};
use crate::window::state::State;
use crate::window::training::{Field, Training};
use paser_core::event::Control;
use paser_core::train::{Preset, TrainConfig};
use std::path::PathBuf;

/// Takes in a field; the pairs are looked at as soon as all are given.
pub(super) fn set_field(state: &mut State, field: Field, text: String) -> Vec<Effect> {
    if state.form.field(field) == text {
        return Vec::new();
    }
    let beside = |images: &str| PathBuf::from(images).with_file_name("bundle").display().to_string();
    let untouched = state.form.out.is_empty() || state.form.out == beside(&state.form.images);
    *state.form.field_mut(field) = text;
    if field == Field::Out {
        return Vec::new();
    }
    if field == Field::Images && untouched {
        state.form.out = beside(&state.form.images);
    }
    state.pairs = None;
    preview(state)
}

fn preview(state: &mut State) -> Vec<Effect> {
    let Ok(data) = state.form.labelled() else { return Vec::new() };
    let version = state.count();
    state.previewing = Some(version);
    vec![Effect::Read(Read::Pairs { data, version })]
}

/// Takes over all choices of a preset.
pub(super) fn set_preset(state: &mut State, preset: Preset) {
    let classes = state.form.map().map_or(3, |m| m.names.len());
    state.form.config =
        TrainConfig { seed: state.form.config.seed, ..TrainConfig::preset(preset, 1, classes) };
    state.form.refused = None;
}

/// Changes one choice, given as in "beta=0.1"; the pairs are looked at again where it says how they are read.
pub(super) fn choose(state: &mut State, choice: &str) -> Vec<Effect> {
    let axes = state.form.config.axes;
    set_choice(state, choice);
    if state.form.config.axes == axes { Vec::new() } else { preview(state) }
}

fn set_choice(state: &mut State, choice: &str) {
    match state.form.config.with(choice) {
        Ok(config) => {
            state.form.config = config;
            state.form.refused = None;
        }
        Err(e) => state.form.refused = Some(e.to_string().replace("--set ", "")),
    }
}

/// Starts the training that the form asks for.
pub(super) fn train(state: &mut State) -> Vec<Effect> {
    if let Some(why) = state.busy() {
        state.notices.warn(why);
        return Vec::new();
    }
    let ready = state.form.labelled().and_then(|data| Ok((data, state.form.ready()?.1)));
    let (data, config) = match ready {
        Ok(ready) => ready,
        Err(why) => {
            state.notices.warn(why);
            return Vec::new();
        }
    };
    let out = PathBuf::from(state.form.out.trim());
    if out.as_os_str().is_empty() {
        state.notices.warn("say in which folder the bundle shall be made");
        return Vec::new();
    }
    let (id, control) = (state.count(), Control::default());
    control.watch();
    state.training = Some(Training::new(id, control.clone(), &config));
    vec![Effect::Compute(Job::Train(Box::new(Train { id, data, config, out, control })))]
}

/// Holds the training, or lets it go on.
pub(super) fn toggle_pause(state: &mut State) {
    if let Some(training) = state.training.as_ref().filter(|t| t.runs()) {
        training.control.set_paused(!training.control.paused());
    }
}

/// Ends the training: with a bundle of what it has, or keeping only the finished stages.
pub(super) fn end(state: &mut State, keep: bool) {
    if let Some(training) = state.training.as_ref().filter(|t| t.runs()) {
        if keep {
            training.control.finish();
        } else {
            training.control.stop();
        }
        training.control.set_paused(false);
    }
}

/// Compares all methods on the form's images.
pub(super) fn compare(state: &mut State) -> Vec<Effect> {
    if let Some(why) = state.busy() {
        state.notices.warn(why);
        return Vec::new();
    }
    if state.model().is_none() {
        state.notices.warn("choose a bundle first");
        return Vec::new();
    }
    match state.form.labelled() {
        Ok(data) => {
            let control = Control::default();
            state.comparison.working = Some(("images".to_owned(), 0, 0));
            state.comparison.control = control.clone();
            vec![Effect::Compute(Job::Compare(Box::new(Compare { data, control })))]
        }
        Err(why) => {
            state.notices.warn(why);
            Vec::new()
        }
    }
}

/// Stops the comparison.
pub(super) fn stop_comparing(state: &State) {
    if state.comparison.working.is_some() {
        state.comparison.control.stop();
    }
}
