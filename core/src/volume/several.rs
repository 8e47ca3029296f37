//! Folders that hold several stacks, rather than the slices of one.

use std::fs;
use std::path::{Path, PathBuf};

use super::{file_name, list_images, natural_cmp, open, zarr};
use crate::error::{Error, Result};

/// Endings of files that are stacks by themselves.
pub(super) const STACKS: [&str; 10] =
    ["tif", "tiff", "nrrd", "nhdr", "mhd", "mha", "nii", "gz", "h5", "hdf5"];

/// The stacks at `path`: itself, or in natural order what lies in a folder that is no stack. A folder is one stack
/// where it is a Zarr image or holds images of one slice each.
///
/// # Errors
/// Where the folder cannot be read.
pub fn stacks_in(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() || zarr::is_zarr(path) || holds_slices(path)? {
        return Ok(vec![path.to_owned()]);
    }
    let io = |e| Error::io("cannot read", path, e);
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(io)? {
        let inner = entry.map_err(io)?.path();
        if !file_name(&inner).starts_with('.') && is_stack(&inner) {
            found.push(inner);
        }
    }
    found.sort_by(|a, b| natural_cmp(&file_name(a), &file_name(b)));
    Ok(if found.is_empty() { vec![path.to_owned()] } else { found })
}

/// Whether the images of a folder are single slices; those that cannot be read say nothing.
fn holds_slices(folder: &Path) -> Result<bool> {
    let images = list_images(folder)?;
    let mut slices = images.iter().filter_map(|image| open(image).ok()).map(|image| image.info().slices);
    Ok(!images.is_empty() && slices.all(|n| n == 1))
}

/// A file by its ending, so that a broken one is told of rather than passed over; a folder that is a stack.
fn is_stack(path: &Path) -> bool {
    if path.is_dir() {
        return zarr::is_zarr(path) || holds_slices(path).unwrap_or(false);
    }
    path.extension().is_some_and(|ext| STACKS.iter().any(|known| ext.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{StackMeta, StackWriter};
    use crate::volume::Dtype;

    fn stack(path: &Path, slices: usize) {
        let shape = [slices, 2, 3];
        let mut file = StackWriter::create(path, shape, Dtype::U8, &StackMeta::default(), false).unwrap();
        (0..slices).for_each(|_| file.push_u8(&[0; 6]).unwrap());
        file.finish().unwrap();
    }

    #[test]
    fn a_folder_of_slices_is_one_stack_and_a_folder_of_stacks_is_several() {
        let folder = tempfile::tempdir().unwrap();
        let (slices, stacks) = (folder.path().join("slices"), folder.path().join("stacks"));
        for new in [&slices, &stacks] {
            fs::create_dir(new).unwrap();
        }
        (1..4).for_each(|i| stack(&slices.join(format!("{i}.tif")), 1));
        stack(&stacks.join("b10.tif"), 4);
        stack(&stacks.join("b9.tif"), 3);
        fs::write(stacks.join("b1.tif"), b"").unwrap();
        fs::write(stacks.join("notes.txt"), b"x").unwrap();
        fs::rename(&slices, stacks.join("a")).unwrap();
        let slices = stacks.join("a");
        assert_eq!(stacks_in(&slices).unwrap(), [slices.clone()]);
        let names: Vec<String> = stacks_in(&stacks).unwrap().iter().map(|p| file_name(p)).collect();
        assert_eq!(names, ["a", "b1.tif", "b9.tif", "b10.tif"]);
        let one = stacks.join("b9.tif");
        assert_eq!(stacks_in(&one).unwrap(), [one]);
        let empty = folder.path().join("empty");
        fs::create_dir(&empty).unwrap();
        assert_eq!(stacks_in(&empty).unwrap(), [empty], "which then fails with its own sentence");
    }
}
