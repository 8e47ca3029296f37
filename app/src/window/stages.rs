//! The stages of long work and their figures, as they come in.

use paser_core::event::{Figure, Picture, Progress};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Points that a chart keeps of a figure; beyond, every second one goes.
const MOST: usize = 2000;

/// A stage and its figures.
#[derive(Clone, Debug, Default)]
pub struct StageLog {
    /// Name, as in "pretrain f2".
    pub name: String,
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
    /// Passes over the images so far.
    pub epoch: Option<f64>,
    /// Seconds that it still takes.
    pub left: Option<f64>,
    /// Seconds that the whole training still takes.
    pub left_in_all: Option<f64>,
    /// A tile through the eyes of what is being trained, the newest last.
    pub pictures: Vec<(usize, Arc<Picture>)>,
    /// Each figure by step.
    pub series: BTreeMap<Figure, Vec<[f64; 2]>>,
}

/// Takes in what the work says: a new stage, a step of the newest, or a note.
pub fn hear(stages: &mut Vec<StageLog>, notes: &mut Vec<String>, progress: Progress) {
    if let Some(note) = progress.note {
        notes.push(note);
        return;
    }
    if stages.last().is_none_or(|s| s.name != progress.what) {
        stages.push(StageLog { name: progress.what.clone(), ..StageLog::default() });
    }
    if let Some(stage) = stages.last_mut() {
        stage.step(progress);
    }
}

impl StageLog {
    fn step(&mut self, progress: Progress) {
        (self.done, self.total) = (progress.done, progress.total);
        (self.epoch, self.left) = (progress.epoch, progress.seconds_left);
        self.left_in_all = progress.seconds_left_in_all;
        self.pictures.extend(progress.picture.map(|p| (progress.done, p)));
        for (figure, value) in progress.figures.into_iter().filter(|(_, v)| v.is_finite()) {
            let line = self.series.entry(figure).or_default();
            line.push([progress.done as f64, value]);
            if line.len() > MOST {
                let mut keep = false;
                line.retain(|_| {
                    keep = !keep;
                    keep
                });
            }
        }
    }
}
