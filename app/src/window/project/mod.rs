//! The project file: what is open, how it is read, routed and shown. Paths are kept relative to it with a
//! fingerprint of what they name, so that a moved folder still opens and a changed file is noticed.

mod held;
mod link;

pub use held::Held;
pub use link::{Link, Place};

use super::grey::Window;
use super::state::{Overlay, State, Workspace};
use super::training::Form;
use paser_core::data::classes::ClassMap;
use paser_core::error::{Error, Result};
use paser_core::export::write_atomic;
use paser_core::route::Method;
use paser_core::volume::{Opening, Part, RawSpec, View};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Version of the file's form.
const VERSION: u32 = 1;
/// Ending of a project file.
pub const ENDING: &str = "paser";

/// What a project holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Project {
    version: u32,
    program: String,
    /// The stack.
    pub stack: Option<StackEntry>,
    /// The bundle.
    pub bundle: Option<Link>,
    /// Weight of the cost.
    pub lambda: f64,
    /// How patches are sent to nets.
    pub method: Method,
    /// What is drawn over the slice.
    pub overlay: Overlay,
    /// The workspace on show.
    pub workspace: Workspace,
    /// What to train or compare on.
    pub form: Form,
    /// Folders with results that were written.
    pub exports: Vec<PathBuf>,
}

/// The open stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StackEntry {
    /// Where it is.
    pub at: Link,
    /// How it is seen.
    pub how: View,
    /// What a file without header holds.
    #[serde(default)]
    pub raw: Option<RawSpec>,
    /// The data set of a file that holds several.
    #[serde(default)]
    pub dataset: Option<String>,
    /// The channel and time of a file that holds several.
    #[serde(default)]
    pub part: Option<Part>,
    /// The slice on show.
    pub z: usize,
    /// Whether that slice was segmented.
    pub segmented: bool,
    /// Black and white point.
    pub window: Window,
    /// Its truth.
    pub truth: Option<TruthEntry>,
}

/// A label stack with its class table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TruthEntry {
    /// Where it is.
    pub at: Link,
    /// Which value is which class.
    pub map: ClassMap,
}

/// What a project names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// The stack.
    Stack,
    /// The bundle.
    Bundle,
    /// The label stack.
    Truth,
}

impl Item {
    /// Name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stack => "Stack",
            Self::Bundle => "Model bundle",
            Self::Truth => "Truth",
        }
    }
}

impl StackEntry {
    /// How it is opened.
    pub fn opening(&self) -> Opening {
        let (raw, dataset, view) = (self.raw.clone(), self.dataset.clone(), self.how.clone());
        Opening { raw, dataset, part: self.part, view }
    }
}

impl Project {
    /// Of a window.
    pub fn of(state: &State) -> Self {
        let stack = state.stack.as_ref().map(|stack| StackEntry {
            at: Link::to(&stack.path),
            how: stack.how.view.clone(),
            raw: stack.how.raw.clone(),
            dataset: stack.how.dataset.clone(),
            part: stack.how.part,
            z: stack.z,
            segmented: stack.summary().is_some(),
            window: stack.window,
            truth: stack
                .truth
                .as_ref()
                .map(|truth| TruthEntry { at: Link::to(&truth.path), map: truth.map.clone() }),
        });
        Self {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            stack,
            bundle: state.bundle.as_deref().map(Link::to),
            lambda: state.lambda,
            method: state.method,
            overlay: state.overlay,
            workspace: state.workspace,
            form: Form { refused: None, ..state.form.clone() },
            exports: state.exports.clone(),
        }
    }

    /// From its text.
    ///
    /// # Errors
    /// Where it is no project, or one of a newer program.
    pub fn read(text: &[u8]) -> std::result::Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let none =
            |e: serde_json::Error| format!("it is no project of this program ({e}); choose a .{ENDING} file");
        let head: Head = serde_json::from_slice(text).map_err(none)?;
        if head.version > VERSION {
            return Err(format!(
                "it was written by a newer version of this program (form {}, this one reads {VERSION}); update the program",
                head.version
            ));
        }
        serde_json::from_slice(text).map_err(none)
    }

    /// From its file.
    ///
    /// # Errors
    /// Where the file cannot be read or is no project.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).map_err(|e| Error::io("cannot read", path, e))?;
        Self::read(&text).map_err(|why| Error::bad(path, why))
    }

    /// Into its file; what it names gets relative paths and fingerprints.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(mut self, path: &Path) -> Result<()> {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        for (_, link) in self.links_mut() {
            link.seal(&folder);
        }
        write_atomic(path, self.text()?.as_bytes(), true)
    }

    /// Its text.
    ///
    /// # Errors
    /// Never, as all of it can be written down.
    pub fn text(&self) -> Result<String> {
        serde_json::to_string_pretty(self)
            .map_err(|e| Error::invalid(format!("the project cannot be written ({e})")))
    }

    /// Everything that it names.
    pub fn links(&self) -> Vec<(Item, &Link)> {
        let truth = self.stack.as_ref().and_then(|s| s.truth.as_ref());
        let stack = self.stack.as_ref().map(|s| (Item::Stack, &s.at));
        let bundle = self.bundle.as_ref().map(|b| (Item::Bundle, b));
        [stack, bundle, truth.map(|t| (Item::Truth, &t.at))].into_iter().flatten().collect()
    }

    fn links_mut(&mut self) -> Vec<(Item, &mut Link)> {
        let mut links = Vec::new();
        if let Some(stack) = &mut self.stack {
            links.push((Item::Stack, &mut stack.at));
            links.extend(stack.truth.as_mut().map(|t| (Item::Truth, &mut t.at)));
        }
        links.extend(self.bundle.as_mut().map(|b| (Item::Bundle, b)));
        links
    }

    /// Has `item` point to `path`.
    pub fn relink(&mut self, item: Item, path: &Path) {
        let link = self.links_mut().into_iter().find(|(i, _)| *i == item);
        if let Some((_, link)) = link {
            *link = Link::to(path);
        }
    }

    /// Lets go of `item`.
    pub fn leave_out(&mut self, item: Item) {
        match (item, &mut self.stack) {
            (Item::Stack, stack) => *stack = None,
            (Item::Bundle, _) => self.bundle = None,
            (Item::Truth, Some(stack)) => stack.truth = None,
            (Item::Truth, None) => {}
        }
    }
}

/// A project whose links are being looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Relink {
    /// Its file.
    pub path: PathBuf,
    /// It.
    pub project: Project,
    /// What it names, and where that is.
    pub places: Vec<(Item, Place)>,
}

impl Relink {
    /// Looks for everything that `project`, read from `path`, names.
    pub fn of(path: PathBuf, project: Project) -> Self {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let places = project.links().into_iter().map(|(item, link)| (item, link.find(&folder))).collect();
        Self { path, project, places }
    }

    /// Whether everything is where it was.
    pub fn settled(&self) -> bool {
        self.places.iter().all(|(_, place)| matches!(place, Place::There(_)))
    }

    /// Takes `path` for `item`.
    pub fn put(&mut self, item: Item, path: &Path) {
        for (_, place) in self.places.iter_mut().filter(|(i, _)| *i == item) {
            *place = Place::There(path.to_owned());
        }
    }

    /// Goes on without `item`.
    pub fn leave_out(&mut self, item: Item) {
        self.places.retain(|(i, _)| *i != item);
        self.project.leave_out(item);
    }

    /// The project with the places found.
    pub fn project(mut self) -> Project {
        for (item, place) in &self.places {
            if let Place::There(path) = place {
                self.project.relink(*item, path);
            }
        }
        self.project
    }
}
