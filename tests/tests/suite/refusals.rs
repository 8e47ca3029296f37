//! Bad input: one clear sentence, exit 1, nothing half-written, nothing overwritten.

use crate::fixture::{Kind, bundle, paser, program, refused, stack, stack_of};
use paser_core::export::{StackMeta, StackWriter};
use paser_core::volume::Dtype;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::{TempDir, tempdir};

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        bundle(&folder.path().join("bundle"), &Kind::small());
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// `segment` on `stack` must be refused with a sentence that holds `needle` and leave nothing behind.
    fn refuses(&self, stack: &str, needle: &str) {
        let arguments =
            ["segment", &self.text(stack), "--bundle", &self.text("bundle"), "--out", &self.text("out")];
        refused(self.folder.path(), &arguments, needle);
        assert!(
            leftovers(&self.path("out")).is_empty(),
            "{stack}: {:?} was left behind",
            leftovers(&self.path("out"))
        );
    }
}

fn leftovers(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).map(|d| d.map(|e| e.unwrap().path()).collect()).unwrap_or_default()
}

#[test]
fn files_that_are_no_stack() {
    let place = Place::new();
    place.refuses("absent.tif", "absent.tif");
    std::fs::write(place.path("empty.tif"), b"").unwrap();
    place.refuses("empty.tif", "empty.tif");
    std::fs::write(place.path("text.tif"), b"this is no image, whatever its name").unwrap();
    place.refuses("text.tif", "text.tif");
    std::fs::create_dir(place.path("nothing")).unwrap();
    place.refuses("nothing", "nothing");
    std::fs::write(place.path("notes.txt"), b"not an image").unwrap();
    place.refuses("notes.txt", "notes.txt");
}

#[test]
fn a_truncated_file_and_a_lying_header() {
    let place = Place::new();
    let whole = std::fs::read(stack(&place.path("whole.tif"), [4, 40, 40], 1)).unwrap();
    std::fs::write(place.path("cut.tif"), &whole[..whole.len() / 2]).unwrap();
    place.refuses("cut.tif", "cut.tif");
    let width_tag =
        whole.windows(8).position(|w| w == [0, 1, 3, 0, 1, 0, 0, 0] || w == [0, 1, 4, 0, 1, 0, 0, 0]);
    let at = width_tag.expect("the tag of the width") + 8;
    let mut lying = whole;
    lying[at..at + 2].copy_from_slice(&60_000u16.to_le_bytes());
    std::fs::write(place.path("lying.tif"), lying).unwrap();
    place.refuses("lying.tif", "lying.tif");
}

#[test]
fn slices_of_different_sizes_in_a_folder() {
    let place = Place::new();
    std::fs::create_dir(place.path("mixed")).unwrap();
    stack(&place.path("mixed/a1.tif"), [1, 40, 40], 1);
    stack(&place.path("mixed/a2.tif"), [1, 40, 44], 1);
    place.refuses("mixed", "a2.tif");
}

#[test]
fn a_slice_without_a_finite_voxel() {
    let place = Place::new();
    let mut writer =
        StackWriter::create(&place.path("nan.tif"), [2, 32, 32], Dtype::F32, &StackMeta::default(), true)
            .unwrap();
    writer.push_f32(&vec![0.5; 1024]).unwrap();
    writer.push_f32(&vec![f32::NAN; 1024]).unwrap();
    writer.finish().unwrap();
    place.refuses("nan.tif", "slice 2");
}

#[test]
fn labels_without_a_named_value() {
    let place = Place::new();
    stack(&place.path("images.tif"), [2, 40, 40], 1);
    stack_of(&place.path("labels.tif"), [2, 40, 40], &|_, i| (i % 3) as u8);
    let data = ["--images", &place.text("images.tif"), "--labels", &place.text("labels.tif")];
    let classes = ["--classes", "class0=1000,class1=1001,class2=1002", "--bundle", &place.text("bundle")];
    refused(place.folder.path(), &[&["evaluate"], &data[..], &classes].concat(), "none of the values");
}

#[test]
fn a_bundle_whose_weights_were_changed() {
    let place = Place::new();
    stack(&place.path("s.tif"), [2, 40, 40], 1);
    let weights = place.path("bundle/f1.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    place.refuses("s.tif", "does not match the hash");
    std::fs::write(place.path("bundle/manifest.json"), b"{}").unwrap();
    place.refuses("s.tif", "manifest");
}

#[test]
fn an_output_that_exists_stays_as_it_is() {
    let place = Place::new();
    stack(&place.path("s.tif"), [2, 40, 40], 1);
    std::fs::create_dir(place.path("out")).unwrap();
    std::fs::write(place.path("out/s_labels.tif"), b"precious").unwrap();
    let arguments =
        ["segment", &place.text("s.tif"), "--bundle", &place.text("bundle"), "--out", &place.text("out")];
    refused(place.folder.path(), &arguments, "exists already");
    assert_eq!(std::fs::read(place.path("out/s_labels.tif")).unwrap(), b"precious");
    assert_eq!(leftovers(&place.path("out")).len(), 1);
    let forced = paser(place.folder.path(), &[&arguments[..], &["--force"]].concat());
    assert!(forced.status.success());
}

#[cfg(unix)]
#[test]
fn a_full_disk() {
    let place = Place::new();
    stack(&place.path("s.tif"), [40, 100, 100], 1);
    let command = format!(
        "trap '' XFSZ; ulimit -f 100; exec {} segment {} --bundle {} --out {} --device cpu",
        program().display(),
        place.text("s.tif"),
        place.text("bundle"),
        place.text("out")
    );
    let output =
        Command::new("sh").args(["-c", &command]).env("PASER_CACHE", place.folder.path()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("s_") && !errors.contains("panicked"), "{errors}");
    assert!(leftovers(&place.path("out")).is_empty(), "{:?} was left behind", leftovers(&place.path("out")));
}

#[test]
fn wrong_usage_is_exit_two() {
    let folder = tempdir().unwrap();
    for arguments in [
        &["segment"][..],
        &["segment", "x.tif", "--lambda", "0.1", "--tvd", "0.1"],
        &["segment", "x", "--lambda", "7"],
        &["nonsense"],
    ] {
        assert_eq!(paser(folder.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
}
