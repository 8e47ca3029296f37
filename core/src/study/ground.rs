//! What the studies of a bundle stand on: its nets, images with truth, and the table of what every net says.

use super::{Context, counting};
use crate::bundle::Bundle;
use crate::compare::{Table, reward_costs};
use crate::data::classes::ClassMap;
use crate::data::dataset::{Dataset, Sample, Split};
use crate::data::normalise::Range;
use crate::error::{Error, Result};
use crate::route::Segmenter;
use std::path::PathBuf;

/// Images with labels, and the bundle that is asked about them.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// Folder or stack of images.
    pub images: PathBuf,
    /// Folder or stack of labels.
    pub labels: PathBuf,
    /// Classes and their label values.
    pub classes: ClassMap,
    /// The bundle.
    pub bundle: PathBuf,
}

/// The bundle on its test images, or on all that it was not trained on.
pub(super) struct Ground {
    pub(super) bundle: Bundle,
    pub(super) segmenter: Segmenter,
    pub(super) samples: Vec<Sample>,
    /// Samples that the studies are measured on.
    pub(super) numbers: Vec<usize>,
    /// Samples that the bundle was trained on, chosen by and tested on.
    pub(super) split: Split,
    range: Range,
    /// What the images are, in words.
    pub(super) on: String,
}

impl Ground {
    /// # Errors
    /// Where the study was given no images, or the bundle was trained on all of them.
    pub(super) fn of(context: &Context<'_>) -> Result<Self> {
        let none = || {
            Error::invalid(
                "this study needs images with labels; name them with --images, --labels, --classes",
            )
        };
        let given = context.labelled.as_ref().ok_or_else(none)?;
        let bundle = Bundle::open(&given.bundle)?;
        let manifest = &bundle.manifest;
        let names: Vec<&str> = manifest.classes.iter().map(|c| c.name.as_str()).collect();
        if !names.iter().eq(given.classes.names.iter()) {
            return Err(Error::invalid(format!(
                "the bundle tells apart {}; name these classes in this order",
                names.join(", ")
            )));
        }
        let data = Dataset::read(
            &given.images,
            &given.labels,
            &given.classes,
            manifest.normalisation,
            manifest.channels(),
        )?;
        let split = data.recorded(&manifest.split);
        let seen: Vec<usize> = split.train.iter().chain(&split.validation).copied().collect();
        let (numbers, on) = if split.test.is_empty() {
            let unseen: Vec<usize> = (0..data.samples.len()).filter(|n| !seen.contains(n)).collect();
            let on = format!("{} images that the bundle has never seen", unseen.len());
            (unseen, on)
        } else {
            (split.test.clone(), format!("{} test images of the bundle", split.test.len()))
        };
        if numbers.is_empty() {
            return Err(Error::invalid(
                "the bundle was trained on all of these images, so they show nothing; give others",
            ));
        }
        let segmenter = Segmenter::new(&bundle, context.compute.clone())?;
        let Dataset { samples, range, .. } = data;
        Ok(Self { bundle, segmenter, samples, numbers, split, range, on })
    }

    /// What every net of `segmenter` says of every patch.
    pub(super) fn table(
        &self,
        segmenter: &Segmenter,
        context: &mut Context<'_>,
        what: &str,
    ) -> Result<Table> {
        let mut progress = counting(&mut *context.events, what, self.numbers.len());
        Table::build(segmenter, &self.samples, &self.numbers, context.control, &mut progress)
    }

    /// What training again needs beside samples.
    pub(super) fn data(&self) -> Dataset {
        Dataset { samples: Vec::new(), range: self.range, ignored: 0 }
    }

    /// Samples that the bundle was trained on and those that it was chosen by.
    ///
    /// # Errors
    /// Where none of the first is among the images.
    pub(super) fn taught(&self) -> Result<[&[usize]; 2]> {
        if self.split.train.is_empty() {
            return Err(Error::invalid(
                "this study trains nets again, so the images must include those that the bundle was trained on",
            ));
        }
        Ok([&self.split.train, &self.split.validation])
    }

    pub(super) fn costs(&self) -> Vec<f64> {
        reward_costs(&self.segmenter)
    }

    /// The bundle's nets with another manifest.
    pub(super) fn with(
        &self,
        change: impl FnOnce(&mut crate::bundle::Manifest),
        context: &Context<'_>,
    ) -> Result<Segmenter> {
        let mut manifest = self.bundle.manifest.clone();
        change(&mut manifest);
        let models = self.bundle.load(&context.compute.device)?;
        Ok(Segmenter::of(manifest, models, context.compute.clone()))
    }
}
