//! Training and comparing on the compute thread, and the reader's preview of what they would read.

use super::{Event, Outbox};
use crate::window::grey::Grey;
use crate::window::promise;
use crate::window::training::Pairs;
use paser_core::compare::{Row, Wanted, compare as side_by_side};
use paser_core::data::classes::ClassMap;
use paser_core::data::dataset::{Dataset, pairs};
use paser_core::device::Compute;
use paser_core::error::{Error, Result};
use paser_core::event::Control;
use paser_core::metrics::UNLABELLED;
use paser_core::route::Segmenter;
use paser_core::train::{Request, TrainConfig, train};
use paser_core::volume::Axes;
use std::path::PathBuf;
use std::sync::Arc;

/// Images with labels.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// Folder or stack of images.
    pub images: PathBuf,
    /// Folder or stack of labels.
    pub labels: PathBuf,
    /// Class table.
    pub map: ClassMap,
    /// The axes of two stacks that become Z, Y, X.
    pub axes: Option<Axes>,
}

/// A training to run.
#[derive(Clone, Debug)]
pub struct Train {
    /// Tells trainings apart.
    pub id: u64,
    /// What on.
    pub data: Labelled,
    /// All choices.
    pub config: TrainConfig,
    /// Folder of the bundle.
    pub out: PathBuf,
    /// Pauses, ends, stops.
    pub control: Control,
}

/// A comparison to run.
#[derive(Clone, Debug)]
pub struct Compare {
    /// What on.
    pub data: Labelled,
    /// Stops it.
    pub control: Control,
}

/// Runs a training; finished stages of an interrupted one are taken up. `between` is called whenever the
/// training has something to say.
pub(super) fn run(
    job: &Train,
    compute: &Compute,
    out: &Outbox,
    between: &mut dyn FnMut(),
) -> Result<PathBuf> {
    let request = Request {
        classes: &job.data.map,
        config: &job.config,
        out: &job.out,
        about: "trained in the window by its user",
        force: false,
        resume: true,
    };
    train([&job.data.images, &job.data.labels], None, &request, compute, &job.control, &mut |progress| {
        out.send(Event::Progress(job.id, progress));
        between();
    })?;
    Ok(job.out.clone())
}

/// All methods on the images, as the command line compares them.
pub(super) fn compare(
    job: &Compare,
    segmenter: &Segmenter,
    out: &Outbox,
    between: &mut dyn FnMut(),
) -> Result<Vec<Row>> {
    let manifest = &segmenter.manifest;
    let names: Vec<String> = manifest.classes.iter().map(|c| c.name.clone()).collect();
    if job.data.map.names != names {
        return Err(Error::invalid(format!(
            "the bundle tells apart {}, and the class table names {}; name the same classes in this order",
            names.join(", "),
            job.data.map.names.join(", ")
        )));
    }
    let channels = manifest.channels();
    let Labelled { images, labels, map, axes } = &job.data;
    let data = Dataset::read_along(images, labels, map, manifest.normalisation, channels, *axes)?;
    let numbers: Vec<usize> = (0..data.samples.len()).collect();
    let trained = manifest.split.train.iter().filter(|id| data.samples.iter().any(|s| s.hash == id.sha256));
    if trained.count() > 0 {
        return Err(Error::invalid(
            "the bundle was trained on some of these images, so its figures would flatter it; choose others",
        ));
    }
    let wanted = Wanted { timed: true, ..Wanted::default() };
    let chance = (promise::SEED, &job.control);
    side_by_side(segmenter, &data.samples, &numbers, &wanted, chance, &mut |what, done, all| {
        out.send(Event::Comparing(what.to_owned(), done, all));
        between();
    })
}

/// Pairs images with labels and reads the first of them.
pub(super) fn preview(data: &Labelled, version: u64) -> Result<Pairs> {
    let pairs = pairs(&data.images, &data.labels, data.axes)?;
    let none = || Error::invalid(format!("{} holds no image", data.images.display()));
    let (image, label) = pairs.first().ok_or_else(none)?;
    let (slice, labels) = (image.read()?, label.read()?);
    if (slice.height, slice.width) != (labels.height, labels.width) {
        return Err(Error::invalid(format!(
            "image {} is {}x{} and its labels are {}x{} (height x width); they must match",
            image.name, slice.height, slice.width, labels.height, labels.width
        )));
    }
    let truth = data.map.truth(&labels.label_codes());
    if truth.classes.iter().all(|c| *c == UNLABELLED) {
        return Err(Error::invalid(format!(
            "none of the values of the class table occurs in the labels of {}; check the table",
            image.name
        )));
    }
    Ok(Pairs {
        names: pairs.iter().map(|(image, _)| image.name.clone()).collect(),
        grey: Arc::new(Grey::of(&slice)),
        ignored: truth.ignored as f64 / truth.classes.len().max(1) as f64,
        truth: truth.classes,
        classes: data.map.names.len(),
        dtype: image.reader.info().dtype.to_string(),
        info: image.reader.info().clone(),
        turnable: data.images.is_file() && data.labels.is_file() && pairs.len() > 1,
        version,
    })
}
