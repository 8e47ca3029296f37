//! `paser study`: one of the paper's experiments.

use super::Common;
use super::train::Display;
use paser_core::event::Control;
use paser_core::study::{Context, Scale, Study, run as study};
use paser_core::{Error, Result, places};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct StudyArgs {
    /// noisy-mnist
    #[arg(value_name = "NAME")]
    name: Study,
    /// Folder of the study's data: of MNIST's four idx files
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The paper's numbers of steps and images instead of those that a workstation does in about an hour
    #[arg(long)]
    full: bool,
    /// Where trained nets stay, for this study and others; the program's cache folder where not given
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Folder for the page, its tables and figures
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &StudyArgs, common: &Common) -> Result<()> {
    let none = || Error::invalid("the system names no cache folder; give one with --cache");
    let cache = match &args.cache {
        Some(folder) => folder.clone(),
        None => places::cache_dir().ok_or_else(none)?.join("studies"),
    };
    let compute = common.compute()?;
    let (control, mut display) = (Control::default(), Display::default());
    let page = study(
        args.name,
        &mut Context {
            data: &args.data,
            cache: &cache,
            scale: if args.full { Scale::Paper } else { Scale::Workstation },
            seed: common.seed,
            compute: &compute,
            control: &control,
            events: &mut |p| display.show(&p),
        },
    )?;
    display.end();
    if let Some(out) = &args.out {
        page.write(out, common.force)?;
    }
    common.print(&page.json(), &page.markdown())
}
