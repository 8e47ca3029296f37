//! Man pages and shell completions, made from the definition of the command line itself when a package is built.

use super::Cli;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use paser_core::{Error, Result};
use std::path::{Path, PathBuf};

/// Completions by the folder under `share` in which each shell looks for them.
const SHELLS: [(Shell, &str); 3] = [
    (Shell::Bash, "bash-completion/completions"),
    (Shell::Zsh, "zsh/vendor-completions"),
    (Shell::Fish, "fish/vendor_completions.d"),
];

#[derive(Debug, Args)]
pub(super) struct ManualArgs {
    /// The package's `share` folder, which exists
    share: PathBuf,
}

pub(super) fn run(args: &ManualArgs) -> Result<()> {
    let pages = folder(&args.share.join("man/man1"))?;
    clap_mangen::generate_to(Cli::command(), &pages)
        .map_err(|e| Error::io("cannot write man pages to", &pages, e))?;
    for (shell, place) in SHELLS {
        let place = folder(&args.share.join(place))?;
        clap_complete::generate_to(shell, &mut Cli::command(), "paser", &place)
            .map_err(|e| Error::io("cannot write completions to", &place, e))?;
    }
    Ok(())
}

fn folder(path: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(path).map_err(|e| Error::io("cannot create", path, e))?;
    Ok(path.to_owned())
}
