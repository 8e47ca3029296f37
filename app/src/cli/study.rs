//! `paser study`: one of the paper's experiments.

use super::Common;
use super::input::bundle;
use super::places::sample;
use super::train::Display;
use paser_core::data::classes::ClassMap;
use paser_core::event::Control;
use paser_core::study::{Context, Labelled, Needs, Scale, Study, run as study};
use paser_core::{Error, Result, places};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct StudyArgs {
    /// battery-table, noise-robustness, noisy-mnist, lambda-curve, mc-samples, cityscapes, beta, placement, where-it-looks
    #[arg(value_name = "NAME")]
    name: Study,
    /// Folder of a data set that the study reads itself: of MNIST's four idx files, or of leftImg8bit and gtFine
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder or stack of images, for studies of a bundle; the bundled sample where not given
    #[arg(long, value_name = "DIR", requires = "labels", requires = "classes")]
    images: Option<PathBuf>,
    /// Folder or stack of labels under the same names
    #[arg(long, value_name = "DIR", requires = "images")]
    labels: Option<PathBuf>,
    /// Classes in order and their values in the label files
    #[arg(long, value_name = "pore=2,carbon=1,nickel=0", requires = "images")]
    classes: Option<ClassMap>,
    /// Bundle; the shipped one where not given
    #[arg(long, value_name = "B")]
    bundle: Option<PathBuf>,
    /// trial (a few steps), workstation (about an hour without a graphics card, reduced) or paper
    #[arg(long, value_name = "SCALE", default_value = "workstation")]
    scale: Scale,
    /// Where trained nets stay, for this study and others; the program's cache folder where not given
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Folder for the page, its tables and figures
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl StudyArgs {
    /// What was named, or the bundled sample with the shipped bundle; nothing for a study that reads a data
    /// set of its own.
    fn labelled(&self) -> Result<Option<Labelled>> {
        if self.images.is_none() && self.name.needs() != Needs::Bundle {
            return Ok(None);
        }
        let bundle = bundle(self.bundle.as_deref())?;
        let (images, labels, classes) = match (&self.images, &self.labels, &self.classes) {
            (Some(images), Some(labels), Some(classes)) => (images.clone(), labels.clone(), classes.clone()),
            _ => {
                let folder = sample()?;
                let names: Vec<String> = bundle.manifest.classes.iter().map(|c| c.name.clone()).collect();
                let classes = ClassMap::in_order(names);
                (folder.join("images.tif"), folder.join("labels.tif"), classes)
            }
        };
        Ok(Some(Labelled { images, labels, classes, bundle: bundle.folder().to_owned() }))
    }
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
            data: args.data.as_deref(),
            labelled: args.labelled()?,
            cache: &cache,
            scale: args.scale,
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
