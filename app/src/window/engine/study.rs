//! The paper's experiments on the compute thread, and their pages on the disk.

use super::{Event, Outbox};
use crate::window::figures;
use crate::window::study::Printed;
use paser_core::device::Compute;
use paser_core::error::{Error, Result};
use paser_core::event::Control;
use paser_core::study::{Context, Labelled, Scale, Study, run as study};
use std::path::{Path, PathBuf};

/// A study to run.
#[derive(Clone, Debug)]
pub struct RunStudy {
    /// Tells runs apart.
    pub id: u64,
    /// Which.
    pub study: Study,
    /// How large.
    pub scale: Scale,
    /// Decides everything that chance decides.
    pub seed: u64,
    /// Images with labels and a bundle, for studies of a bundle.
    pub labelled: Option<Labelled>,
    /// Folder of a data set that the study reads itself.
    pub data: Option<PathBuf>,
    /// Where trained nets stay.
    pub cache: PathBuf,
    /// Pauses and stops it.
    pub control: Control,
}

/// How writing a page ended.
#[derive(Debug)]
pub enum Written {
    /// It is in this folder.
    Done(PathBuf),
    /// This file is there already; nothing was written.
    Taken(PathBuf),
    /// It could not be written, and why.
    Failed(String),
}

/// Runs a study; what an interrupted one had trained is taken up. `between` is called whenever it has
/// something to say.
pub(super) fn run(
    job: &RunStudy,
    compute: &Compute,
    out: &Outbox,
    between: &mut dyn FnMut(),
) -> Result<Printed> {
    let mut events = |progress| {
        out.send(Event::Progress(job.id, progress));
        between();
    };
    let page = study(
        job.study,
        &mut Context {
            data: job.data.as_deref(),
            labelled: job.labelled.clone(),
            cache: &job.cache,
            scale: job.scale,
            seed: job.seed,
            compute,
            control: &job.control,
            events: &mut events,
        },
    )?;
    let pictures = figures::draw(&page.figures);
    Ok(Printed { id: job.id, page, pictures })
}

/// Writes a page, its tables, figures and numbers.
pub(super) fn write(printed: &Printed, folder: &Path, replace: bool) -> Written {
    match printed.page.write(folder, replace) {
        Ok(_) => Written::Done(folder.to_owned()),
        Err(Error::Exists(path)) => Written::Taken(path),
        Err(e) => Written::Failed(e.to_string()),
    }
}
