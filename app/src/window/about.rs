//! The program's own page: whose work it contains, and under which licences.

use super::command::Effect;
use super::engine::Read;
use super::state::State;
use paser_core::{Error, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Whether it is open.
    pub open: bool,
    /// The file with the licences, where a package brought one.
    pub file: Option<PathBuf>,
    /// Its content, once read.
    pub licences: Option<Arc<Licences>>,
    /// What is typed in the search field.
    pub query: String,
    /// The package whose licence is on show.
    pub chosen: usize,
}

/// What the user wants of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Open it, or close it.
    Toggle,
    /// Packages whose name or licence holds this.
    Search(String),
    /// The licence of this package.
    Choose(usize),
}

/// All packages in the program, as `paser-supply` writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Licences {
    /// The packages, by name.
    pub packages: Vec<Package>,
    /// Texts that they share.
    pub texts: Vec<String>,
}

/// A package that the program contains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Package {
    /// Name.
    pub name: String,
    /// Version; empty for what has none.
    pub version: String,
    /// SPDX expression.
    pub licence: String,
    /// Where its source is kept.
    pub repository: Option<String>,
    /// Places of its licences among the texts.
    pub texts: Vec<usize>,
}

impl Licences {
    /// Reads the file of a package.
    ///
    /// # Errors
    /// Where it cannot be read or is damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io("cannot read", path, e))?;
        serde_json::from_slice(&bytes)
            .map_err(|e| Error::bad(path, format!("it is damaged ({e}); install the program again")))
    }

    /// Places of the packages whose name or licence holds all words of `query`.
    pub fn found(&self, query: &str) -> Vec<usize> {
        let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        let holds = |p: &Package| {
            let text = format!("{} {}", p.name, p.licence).to_lowercase();
            words.iter().all(|w| text.contains(w.as_str()))
        };
        let numbered = self.packages.iter().enumerate();
        numbered.filter(|(_, package)| holds(package)).map(|(i, _)| i).collect()
    }
}

/// Carries out a wish.
pub(super) fn handle(state: &mut State, wish: Wish) -> Vec<Effect> {
    let about = &mut state.about;
    match wish {
        Wish::Toggle => about.open = !about.open,
        Wish::Search(query) => about.query = query,
        Wish::Choose(package) => about.chosen = package,
    }
    let unread = about.open && about.licences.is_none();
    about.file.iter().filter(|_| unread).map(|file| Effect::Read(Read::Licences(file.clone()))).collect()
}
