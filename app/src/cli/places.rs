//! Where the shipped bundle and sample lie: beside the program, or in the source tree it was built from.

use paser_core::{Error, Result};
use std::path::PathBuf;

/// Where the shipped bundle lies under the program's folder.
pub const BUNDLE: &str = "models/electrode";

/// The bundle that ships with the program.
pub fn bundle() -> Result<PathBuf> {
    find(BUNDLE)
}

/// The folder of the bundled sample: `images.tif` and `labels.tif`.
pub fn sample() -> Result<PathBuf> {
    find("assets/sample")
}

/// The licences of everything in the program, made when a package is built.
pub fn licences() -> Result<PathBuf> {
    find("licences.json")
}

fn find(relative: &str) -> Result<PathBuf> {
    let mut roots = Vec::new();
    roots.extend(std::env::var_os("PASER_HOME").map(PathBuf::from));
    if let Some(folder) = std::env::current_exe().ok().and_then(|e| e.parent().map(PathBuf::from)) {
        roots.extend([folder.clone(), folder.join("../share/paser-studio"), folder.join("../Resources")]);
    }
    roots.push(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".."));
    let found = roots.into_iter().map(|r| r.join(relative)).find(|p| p.exists());
    found.ok_or_else(|| {
        Error::invalid(format!(
            "{relative} was not found beside the program; install it again, or set PASER_HOME to its folder"
        ))
    })
}
