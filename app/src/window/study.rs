//! The paper's experiments in the window: what is asked for, how it goes, what came out.

use super::stages::StageLog;
use super::state::{Loading, Stack, State};
use image::RgbaImage;
use paser_core::data::classes::ClassMap;
use paser_core::event::Control;
use paser_core::study::{Labelled, Needs, Page, Scale, Study};
use paser_core::volume::{Opening, View};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The scales with their names and what they mean.
pub const SCALES: [(Scale, &str, &str); 3] = [
    (Scale::Trial, "trial", "A few steps: shows that it runs. What it trains means nothing."),
    (Scale::Workstation, "workstation", "Reduced: about an hour on a CPU where nets are trained."),
    (Scale::Paper, "paper", "The paper's steps and images. Long without a graphics card."),
];

/// Studies of a bundle work on one of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ground {
    /// The bundled sample.
    #[default]
    Sample,
    /// The open stack and its truth.
    Stack,
    /// The folders named for comparisons.
    Folders,
}

impl Ground {
    /// All, with their names.
    pub const ALL: [(Self, &str); 3] =
        [(Self::Sample, "the sample"), (Self::Stack, "the open stack"), (Self::Folders, "your images")];
}

/// What is asked for, what runs and what came out.
#[derive(Debug)]
pub struct Studies {
    /// Whether the Compare workspace shows them.
    pub open: bool,
    /// The one that is looked at.
    pub chosen: Study,
    /// How large.
    pub scale: Scale,
    /// What studies of a bundle work on.
    pub on: Ground,
    /// Folders of the data sets that studies read themselves, by the study's name.
    pub folders: BTreeMap<String, String>,
    /// The one at work.
    pub running: Option<Running>,
    /// What came out, the newest of each.
    pub results: Vec<(Study, Arc<Printed>)>,
    /// The figure of the chosen one's page that is looked at closely.
    pub enlarged: Option<usize>,
    /// The folder that a page shall be written into, while that is asked.
    pub saving: Option<Saving>,
}

/// A study at work.
#[derive(Debug)]
pub struct Running {
    /// Tells runs apart.
    pub id: u64,
    /// Which.
    pub study: Study,
    /// How large.
    pub scale: Scale,
    /// Pauses and stops it.
    pub control: Control,
    /// Its stages so far.
    pub stages: Vec<StageLog>,
    /// The stage whose charts are shown; none: the newest.
    pub shown: Option<usize>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// A page, its figures ready to be drawn.
#[derive(Debug)]
pub struct Printed {
    /// Tells pages apart.
    pub id: u64,
    /// It.
    pub page: Page,
    /// Its figures, in order; none where one cannot be drawn.
    pub pictures: Vec<Option<RgbaImage>>,
}

/// Where a page shall be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saving {
    /// The folder as typed.
    pub folder: String,
    /// A file that is there already, where that was found.
    pub taken: Option<PathBuf>,
}

impl Default for Studies {
    fn default() -> Self {
        Self {
            open: false,
            chosen: Study::ALL[0].0,
            scale: Scale::default(),
            on: Ground::default(),
            folders: BTreeMap::new(),
            running: None,
            results: Vec::new(),
            enlarged: None,
            saving: None,
        }
    }
}

impl Running {
    /// The stage whose charts are shown.
    pub fn stage(&self) -> Option<&StageLog> {
        self.shown.and_then(|i| self.stages.get(i)).or(self.stages.last())
    }
}

impl Studies {
    /// What came out of `study` last.
    pub fn printed(&self, study: Study) -> Option<&Arc<Printed>> {
        self.results.iter().find(|r| r.0 == study).map(|r| &r.1)
    }

    /// Puts what came out in place of what had come out before.
    pub fn keep(&mut self, study: Study, printed: Arc<Printed>) {
        self.results.retain(|r| r.0 != study);
        self.results.push((study, printed));
    }

    /// The folder of the chosen study's own data set, as typed.
    pub fn folder(&self) -> &str {
        self.folders.get(self.chosen.name()).map_or("", String::as_str)
    }
}

/// What the chosen study would work on: images with labels or a folder.
///
/// # Errors
/// A sentence where that is not at hand.
pub fn material(state: &State) -> Result<(Option<Labelled>, Option<PathBuf>), String> {
    match state.studies.chosen.needs() {
        Needs::Bundle => labelled(state).map(|l| (Some(l), None)),
        Needs::Folder(what) => match state.studies.folder().trim() {
            "" => Err(format!("Name the folder with {what}")),
            folder => Ok((None, Some(PathBuf::from(folder)))),
        },
    }
}

fn labelled(state: &State) -> Result<Labelled, String> {
    let (Some(bundle), Some(model)) = (state.bundle.clone(), state.model()) else {
        let waits = matches!(state.model, Loading::Waiting);
        return Err(
            if waits { "The device is being prepared" } else { "Choose a model bundle first" }.to_owned()
        );
    };
    let (images, labels, classes) = match state.studies.on {
        Ground::Sample => {
            let images = state.sample.clone().ok_or("The sample was not found beside the program")?;
            let names = model.manifest.classes.iter().map(|c| c.name.clone()).collect();
            (images.clone(), images.with_file_name("labels.tif"), ClassMap::in_order(names))
        }
        Ground::Stack => truth_of(state.stack.as_ref().ok_or("Open a stack and load its labels as truth")?)?,
        Ground::Folders => {
            let data = state.form.labelled()?;
            if data.axes.is_some() {
                return Err("Studies read files as they are; take the axes' turn back".to_owned());
            }
            (data.images, data.labels, data.map)
        }
    };
    Ok(Labelled { images, labels, classes, bundle })
}

/// Path, labels and class table of the open stack.
fn truth_of(stack: &Stack) -> Result<(PathBuf, PathBuf, ClassMap), String> {
    let truth = stack.truth.as_ref().ok_or("Load the labels of the open stack as truth first")?;
    let seen = View { voxel: None, ..stack.how.view.clone() };
    if (Opening { view: seen, ..stack.how.clone() }) != Opening::default() {
        let why = "Studies read files as they are; this stack is a part of its file, or shown turned, cut or binned";
        return Err(why.to_owned());
    }
    Ok((stack.path.clone(), truth.path.clone(), truth.map.clone()))
}

/// The folder that is offered for a page: beside the project, or beside the stack.
pub fn beside(state: &State) -> String {
    let at = state.project.as_ref().or(state.stack.as_ref().map(|s| &s.path));
    at.map_or_else(String::new, |p| p.with_file_name("studies").display().to_string())
}
