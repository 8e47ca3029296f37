//! Commands about the paper's experiments.

use super::Effect;
use crate::window::engine::{Job, Pick, Read, RunStudy};
use crate::window::promise::SEED;
use crate::window::state::{State, Workspace};
use crate::window::study::{Ground, Running, Saving, beside, material};
use paser_core::event::Control;
use paser_core::places;
use paser_core::study::{Scale, Study};
use std::path::PathBuf;

/// What one can ask of the paper's experiments.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Show them in the Compare workspace, or the methods.
    Open(bool),
    /// Look at one.
    Choose(Study),
    /// How large.
    Scale(Scale),
    /// What studies of a bundle work on.
    On(Ground),
    /// The folder that the chosen study reads.
    Folder(String),
    /// Run the chosen one.
    Run,
    /// Hold the one at work, or let it go on.
    Pause,
    /// Stop it; what it trained stays.
    Stop,
    /// Show the charts of a stage; none: the newest.
    Stage(Option<usize>),
    /// Look closely at a figure of the chosen one's page; none: no longer.
    Enlarge(Option<usize>),
    /// Ask where the chosen one's page shall be written.
    AskSave,
    /// Write it into this folder; none: not after all.
    SaveTo(Option<String>),
    /// Write it; true replaces files that are there.
    Save(bool),
}

/// Carries it out.
pub(super) fn handle(state: &mut State, ask: Ask) -> Vec<Effect> {
    let studies = &mut state.studies;
    match ask {
        Ask::Open(open) => {
            (studies.open, state.workspace) = (open, Workspace::Compare);
        }
        Ask::Choose(study) => studies.chosen = study,
        Ask::Scale(scale) => studies.scale = scale,
        Ask::On(ground) => studies.on = ground,
        Ask::Folder(folder) => {
            studies.folders.insert(studies.chosen.name().to_owned(), folder);
        }
        Ask::Run => return run(state),
        Ask::Pause => {
            if let Some(running) = &studies.running {
                running.control.set_paused(!running.control.paused());
            }
        }
        Ask::Stop => stop(state),
        Ask::Stage(stage) => {
            if let Some(running) = &mut studies.running {
                running.shown = stage;
            }
        }
        Ask::Enlarge(figure) => studies.enlarged = figure,
        Ask::AskSave => return ask_save(state),
        Ask::SaveTo(None) => studies.saving = None,
        Ask::SaveTo(Some(folder)) => {
            if let Some(saving) = &mut studies.saving {
                *saving = Saving { folder, taken: None };
            }
        }
        Ask::Save(replace) => return save(state, replace),
    }
    Vec::new()
}

/// Runs the chosen study; what an interrupted run had trained is taken up.
fn run(state: &mut State) -> Vec<Effect> {
    state.studies.open = true;
    state.workspace = Workspace::Compare;
    match job(state) {
        Ok(job) => {
            state.studies.running = Some(Running {
                id: job.id,
                study: job.study,
                scale: job.scale,
                control: job.control.clone(),
                stages: Vec::new(),
                shown: None,
                notes: Vec::new(),
            });
            vec![Effect::Compute(Job::Study(Box::new(job)))]
        }
        Err(why) => {
            state.notices.warn(why);
            Vec::new()
        }
    }
}

fn job(state: &mut State) -> Result<RunStudy, String> {
    if let Some(why) = state.busy() {
        return Err(why.to_owned());
    }
    let (labelled, data) = material(state)?;
    let cache = places::cache_dir().ok_or("The system names no cache folder; set PASER_CACHE to one")?;
    Ok(RunStudy {
        id: state.count(),
        study: state.studies.chosen,
        scale: state.studies.scale,
        seed: SEED,
        labelled,
        data,
        cache: cache.join("studies"),
        control: Control::default(),
    })
}

/// Stops the study at work.
pub(super) fn stop(state: &State) {
    if let Some(running) = &state.studies.running {
        running.control.stop();
    }
}

/// Asks for the folder of the chosen study's page.
fn ask_save(state: &mut State) -> Vec<Effect> {
    if state.studies.printed(state.studies.chosen).is_some() {
        state.studies.saving = Some(Saving { folder: beside(state), taken: None });
    }
    Vec::new()
}

fn save(state: &State, replace: bool) -> Vec<Effect> {
    let studies = &state.studies;
    let (Some(saving), Some(page)) = (&studies.saving, studies.printed(studies.chosen)) else {
        return Vec::new();
    };
    let folder = PathBuf::from(saving.folder.trim());
    if folder.as_os_str().is_empty() {
        return vec![Effect::Pick(Pick::StudyOut)];
    }
    vec![Effect::Read(Read::SavePage { page: page.clone(), folder, replace })]
}
