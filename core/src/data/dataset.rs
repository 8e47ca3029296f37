//! Labelled images in memory, split by whole image.

use super::classes::ClassMap;
use super::normalise::{Normalisation, Prepared, Range};
use crate::bundle::{ImageId, SplitRecord};
use crate::error::{Error, Result};
use crate::hash::Stream;
use crate::metrics::UNLABELLED;
use crate::route::tiles;
use crate::volume::{Axes, ImageRef, open_image_set, open_turned};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::Path;

/// A label image with more different values than this is none.
const MOST_VALUES: usize = 100;

/// One image with its truth.
#[derive(Clone, Debug)]
pub struct Sample {
    /// File name (and page).
    pub name: String,
    /// SHA-256 of its grey values as read.
    pub hash: String,
    /// Normalised values.
    pub image: Prepared,
    /// Class of every pixel, [`UNLABELLED`] where none.
    pub truth: Vec<u8>,
}

/// Images with truth.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The images.
    pub samples: Vec<Sample>,
    /// Grey values that became 0 and 1.
    pub range: Range,
    /// Pixels without a class in all.
    pub ignored: usize,
}

/// How many images train, validate and test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitRule {
    /// These numbers of images; the sum must not exceed what there is.
    Counts([usize; 3]),
    /// These parts of what there is; each part that is not zero gets at least one image.
    Parts([f64; 3]),
}

/// Numbers of the images in each part of a data set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Trained on.
    pub train: Vec<usize>,
    /// Chosen by (λ, curves).
    pub validation: Vec<usize>,
    /// Reported on.
    pub test: Vec<usize>,
}

impl Dataset {
    /// Reads the images and labels of the same names in two folders (or two stack files).
    ///
    /// # Errors
    /// Where names or sizes do not match, a file cannot be read, or no named value occurs.
    pub fn read(
        images: &Path,
        labels: &Path,
        map: &ClassMap,
        normalisation: Normalisation,
        channels: usize,
    ) -> Result<Self> {
        Self::read_along(images, labels, map, normalisation, channels, None)
    }

    /// The same; `axes` exchanges those of two stacks first.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_along(
        images: &Path,
        labels: &Path,
        map: &ClassMap,
        normalisation: Normalisation,
        channels: usize,
        axes: Option<Axes>,
    ) -> Result<Self> {
        let pairs = pairs(images, labels, axes)?;
        let range = normalisation.range_of(pairs.iter().map(|(image, _)| image.read().map(|s| s.values)))?;
        let samples: Vec<Sample> = pairs
            .iter()
            .map(|(image, label)| sample(image, label, map, &range, channels))
            .collect::<Result<_>>()?;
        let ignored = samples.iter().flat_map(|s| &s.truth).filter(|c| **c == UNLABELLED).count();
        if ignored == samples.iter().map(|s| s.truth.len()).sum::<usize>() {
            return Err(Error::invalid(format!(
                "none of the values {:?} occurs in {}; check --classes against the label files",
                map.values,
                labels.display()
            )));
        }
        Ok(Self { samples, range, ignored })
    }
}

impl Dataset {
    /// The images of `split` by content, as a bundle records them.
    pub fn record(&self, split: &Split) -> SplitRecord {
        let id = |n: &usize| ImageId {
            name: self.samples[*n].name.clone(),
            sha256: self.samples[*n].hash.clone(),
        };
        let ids = |numbers: &[usize]| numbers.iter().map(id).collect();
        SplitRecord { train: ids(&split.train), validation: ids(&split.validation), test: ids(&split.test) }
    }

    /// Where the images of `record` are in this data set; those that it does not hold are left out.
    pub fn recorded(&self, record: &SplitRecord) -> Split {
        let within = |part: &[ImageId]| {
            let known = |n: &usize| part.iter().any(|id| id.sha256 == self.samples[*n].hash);
            (0..self.samples.len()).filter(known).collect()
        };
        Split {
            train: within(&record.train),
            validation: within(&record.validation),
            test: within(&record.test),
        }
    }
}

/// The images and labels of the same names in two folders (or two stack files), unread; `axes` exchanges
/// those of two stacks first.
///
/// # Errors
/// Where a path cannot be read or an image has no labels.
pub fn pairs(images: &Path, labels: &Path, axes: Option<Axes>) -> Result<Vec<(ImageRef, ImageRef)>> {
    let open = |path: &Path| match axes.filter(|a| a.0 != [0, 1, 2]) {
        Some(axes) => open_turned(path, axes),
        None => open_image_set(path),
    };
    pair(open(images)?, open(labels)?, labels)
}

/// Pairs images with labels by file name; two single stacks pair page by page.
fn pair(
    images: Vec<ImageRef>,
    mut labels: Vec<ImageRef>,
    folder: &Path,
) -> Result<Vec<(ImageRef, ImageRef)>> {
    let single = |set: &[ImageRef]| set.iter().all(|i| i.name.contains('#'));
    if single(&images) && single(&labels) && images.len() == labels.len() {
        return Ok(images.into_iter().zip(labels).collect());
    }
    let stem = |name: &str| Path::new(name).with_extension("");
    images
        .into_iter()
        .map(|image| {
            let exact = labels.iter().position(|l| l.name == image.name);
            let found = exact.or_else(|| labels.iter().position(|l| stem(&l.name) == stem(&image.name)));
            match found {
                Some(i) => Ok((image, labels.swap_remove(i))),
                None => Err(Error::invalid(format!(
                    "there is no label file for image {} in {}; labels must bear the names of their images",
                    image.name,
                    folder.display()
                ))),
            }
        })
        .collect()
}

fn sample(
    image: &ImageRef,
    label: &ImageRef,
    map: &ClassMap,
    range: &Range,
    channels: usize,
) -> Result<Sample> {
    let (grey, labels) = (image.read()?, label.read()?);
    if (grey.height, grey.width) != (labels.height, labels.width) {
        return Err(Error::invalid(format!(
            "image {} is {}x{} and its labels are {}x{} (height x width); they must match",
            image.name, grey.height, grey.width, labels.height, labels.width
        )));
    }
    let prepared = range
        .apply(&grey.values, [grey.height, grey.width], grey.channels, channels)
        .map_err(|e| Error::invalid(format!("image {}: {e}", image.name)))?;
    let codes = labels.label_codes();
    let values = codes.iter().collect::<HashSet<_>>().len();
    if values > MOST_VALUES {
        return Err(Error::invalid(format!(
            "the labels of {} hold {values} different values, and label files hold one value a class; this looks like a photograph or a grey image, so check --labels",
            label.name
        )));
    }
    let mut truth = map.truth(&codes).classes;
    prepared.masked.iter().for_each(|v| truth[*v] = UNLABELLED);
    Ok(Sample { name: image.name.clone(), hash: hash(&grey.values), image: prepared, truth })
}

/// SHA-256 of values, as a name for an image's content.
pub fn hash(values: &[f32]) -> String {
    crate::bundle::sha256(bytemuck::cast_slice(values))
}

impl SplitRule {
    /// Splits `count` images in an order drawn from `seed`.
    ///
    /// # Errors
    /// Where there are too few.
    pub fn split(&self, count: usize, seed: u64) -> Result<Split> {
        let sizes = match *self {
            Self::Counts(sizes) => sizes,
            Self::Parts(parts) => {
                let total: f64 = parts.iter().sum();
                let size = |i: usize| {
                    ((count as f64 * parts[i] / total).round() as usize).max(usize::from(parts[i] > 0.0))
                };
                let (validation, test) = (size(1), size(2));
                [count.saturating_sub(validation + test), validation, test]
            }
        };
        if sizes.iter().sum::<usize>() > count || sizes[0] == 0 {
            return Err(Error::invalid(format!(
                "{count} images cannot be split into {}, {} and {} for training, validation and test; ask for less with --split",
                sizes[0], sizes[1], sizes[2]
            )));
        }
        let mut order: Vec<usize> = (0..count).collect();
        Stream::new(seed, "split").shuffle(&mut order);
        let mut parts = order.into_iter();
        let mut take = |n: usize| {
            let mut part: Vec<usize> = parts.by_ref().take(n).collect();
            part.sort_unstable();
            part
        };
        Ok(Split { train: take(sizes[0]), validation: take(sizes[1]), test: take(sizes[2]) })
    }
}

/// A piece of a sample at the size that a net reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Crop {
    /// Values [C,H,W].
    pub values: Vec<f32>,
    /// Class of every pixel.
    pub truth: Vec<u8>,
}

impl Sample {
    /// The piece of `size` at `corner`, reflected at the borders.
    pub fn crop(&self, corner: [usize; 2], size: [usize; 2]) -> Crop {
        let from = self.image.size;
        let inside = |y: usize, x: usize| y < from[0] && x < from[1];
        let mut truth = tiles::cut(&self.truth, from, corner, size);
        for (i, class) in truth.iter_mut().enumerate() {
            if !inside(corner[0] + i / size[1], corner[1] + i % size[1]) {
                *class = UNLABELLED;
            }
        }
        let values = self.image.planes.iter().flat_map(|p| tiles::cut(p, from, corner, size)).collect();
        Crop { values, truth }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_uses_no_image_twice_and_repeats_for_its_seed() {
        let rule = SplitRule::Parts([0.34, 0.33, 0.33]);
        let split = rule.split(100, 42).expect("100 images");
        let mut all = [split.train.clone(), split.validation.clone(), split.test.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        assert_eq!(split, rule.split(100, 42).expect("again"));
        assert_ne!(split, rule.split(100, 43).expect("another seed"));
    }

    #[test]
    fn too_few_images_are_refused() {
        assert!(SplitRule::Counts([10, 1, 3]).split(13, 0).is_err());
        assert!(SplitRule::Parts([0.7, 0.15, 0.15]).split(2, 0).is_err());
    }
}
