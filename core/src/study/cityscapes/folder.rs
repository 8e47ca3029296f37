//! A folder in Cityscapes' layout: `leftImg8bit/PART/CITY/NAME_leftImg8bit.png` and
//! `gtFine/PART/CITY/NAME_gtFine_labelIds.png`.

use crate::data::classes::ClassMap;
use crate::data::dataset::{Sample, hash};
use crate::data::normalise::Range;
use crate::error::{Error, Result};
use crate::metrics::UNLABELLED;
use crate::volume::{Slice, open_image_set};
use std::path::{Path, PathBuf};

/// The 19 classes that the benchmark counts, with their label ids (cityscapesScripts, `labels.py`).
pub(super) const CLASSES: [(&str, u32); 19] = [
    ("road", 7),
    ("sidewalk", 8),
    ("building", 11),
    ("wall", 12),
    ("fence", 13),
    ("pole", 17),
    ("traffic light", 19),
    ("traffic sign", 20),
    ("vegetation", 21),
    ("terrain", 22),
    ("sky", 23),
    ("person", 24),
    ("rider", 25),
    ("car", 26),
    ("truck", 27),
    ("bus", 28),
    ("train", 31),
    ("motorcycle", 32),
    ("bicycle", 33),
];

pub(super) fn classes() -> ClassMap {
    ClassMap {
        names: CLASSES.iter().map(|c| c.0.to_owned()).collect(),
        values: CLASSES.iter().map(|c| c.1).collect(),
    }
}

/// A part of the data set.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Training,
    Validation,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Training => "train",
            Self::Validation => "val",
        }
    }
}

const IMAGE: &str = "_leftImg8bit.png";
const LABELS: &str = "_gtFine_labelIds.png";

/// The photographs of `part` in the order of their names, `shrink` times smaller in each direction: grey
/// values are block means, a block's class is that of its middle pixel.
///
/// # Errors
/// Where the layout is another, labels are missing, or a file cannot be read.
pub(super) fn read(root: &Path, part: Part, shrink: usize) -> Result<Vec<Sample>> {
    let images = listed(&root.join("leftImg8bit").join(part.name()))?;
    if images.is_empty() {
        return Err(Error::bad(
            root,
            format!(
                "there is no photograph in leftImg8bit/{}/CITY/; name the folder that holds leftImg8bit and gtFine with --data",
                part.name()
            ),
        ));
    }
    images.iter().map(|path| sample(root, part, path, shrink)).collect()
}

/// The photographs in the folders of all cities.
fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for city in entries(folder)?.into_iter().filter(|p| p.is_dir()) {
        found.extend(entries(&city)?.into_iter().filter(|p| stem(p).is_some()));
    }
    found.sort();
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let error = |e| Error::io("cannot read", folder, e);
    std::fs::read_dir(folder).map_err(error)?.map(|e| e.map(|e| e.path()).map_err(error)).collect()
}

fn stem(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_suffix(IMAGE)
}

fn sample(root: &Path, part: Part, path: &Path, shrink: usize) -> Result<Sample> {
    let name = stem(path).unwrap_or_default();
    let city = path.parent().and_then(Path::file_name).unwrap_or_default();
    let labels = root.join("gtFine").join(part.name()).join(city).join(format!("{name}{LABELS}"));
    if !labels.is_file() {
        return Err(Error::bad(&labels, format!("the labels of {name} are missing; unpack gtFine, too")));
    }
    let (photograph, truth) = (single(path)?, single(&labels)?);
    let size = [photograph.height / shrink, photograph.width / shrink];
    if [truth.height, truth.width] != [photograph.height, photograph.width] || size.contains(&0) {
        return Err(Error::bad(&labels, "its size is not its photograph's, or too small"));
    }
    let values = means(&photograph, size, shrink);
    let range = Range { low: 0.0, high: 255.0 };
    let image =
        range.apply(&values, size, photograph.channels, 3).map_err(|e| Error::bad(path, e.to_string()))?;
    Ok(Sample { name: name.to_owned(), hash: hash(&values), image, truth: middles(&truth, size, shrink) })
}

fn single(path: &Path) -> Result<Slice> {
    let images = open_image_set(path)?;
    images.first().ok_or_else(|| Error::bad(path, "it holds no image"))?.read()
}

/// Block means, channels interleaved.
fn means(slice: &Slice, [height, width]: [usize; 2], shrink: usize) -> Vec<f32> {
    let c = slice.channels;
    let mut out = Vec::with_capacity(height * width * c);
    for (y, x, channel) in
        (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..c).map(move |channel| (y, x, channel))))
    {
        let row = |dy: usize| ((y * shrink + dy) * slice.width + x * shrink) * c + channel;
        let sum: f32 = (0..shrink)
            .flat_map(|dy| (0..shrink).map(move |dx| (dy, dx)))
            .map(|(dy, dx)| slice.values[row(dy) + dx * c])
            .sum();
        out.push(sum / (shrink * shrink) as f32);
    }
    out
}

/// Classes of the blocks' middle pixels.
fn middles(slice: &Slice, [height, width]: [usize; 2], shrink: usize) -> Vec<u8> {
    let codes = slice.label_codes();
    let class = |code: u32| CLASSES.iter().position(|c| c.1 == code).map_or(UNLABELLED, |place| place as u8);
    let at = |y: usize, x: usize| (y * shrink + shrink / 2) * slice.width + x * shrink + shrink / 2;
    (0..height).flat_map(|y| (0..width).map(move |x| (y, x))).map(|(y, x)| class(codes[at(y, x)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Slice;

    #[test]
    fn blocks_become_their_mean_and_the_class_of_their_middle() {
        let values: Vec<f32> = (0..16).map(|v| v as f32).collect();
        let slice = Slice { width: 4, height: 4, channels: 1, values };
        assert_eq!(means(&slice, [2, 2], 2), [2.5, 4.5, 10.5, 12.5]);
        let mut ids = slice;
        ids.values[5] = 7.0;
        assert_eq!(middles(&ids, [2, 2], 2)[0], 0, "road");
        assert_eq!(middles(&ids, [2, 2], 2)[3], UNLABELLED, "15 counts for nothing");
    }
}
