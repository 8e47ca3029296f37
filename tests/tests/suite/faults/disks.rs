//! Disks that are full or may not be written to, drives that go away, stacks that change while they are read.

use super::{Meanwhile, Place, SLICES};
use crate::fixture::{refused, stack};
use crate::training;
use paser_core::Error;
use paser_core::bundle::Bundle;
use paser_core::device::Compute;
use paser_core::route::Segmenter;
use paser_core::volume::{self, Stamp};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::{TempDir, tempdir};

/// What a run says when `change` happens to its stack while the slices are read.
fn changed(place: &Place, change: impl Fn() + Send + Sync) -> String {
    let segmenter = Segmenter::new(&place.bundle, Compute::cpu()).unwrap();
    let volume = Meanwhile(place.volume(), |z| {
        if z == 4 {
            change()
        }
    });
    let (all, done) = place.run(&segmenter, &volume);
    assert!(all.len() < SLICES);
    done.unwrap_err().to_string()
}

#[test]
fn a_stack_that_is_cut_replaced_or_deleted_while_it_is_open() {
    let place = Place::new();
    let path = place.at("s.tif");
    let whole = std::fs::read(&path).unwrap();
    let said = changed(&place, || std::fs::write(&path, &whole[..whole.len() / 4]).unwrap());
    assert!(said.contains("s.tif"), "{said}");
    std::fs::write(&path, &whole).unwrap();
    let said = changed(&place, || drop(stack(&path, [SLICES, 70, 91], 3)));
    assert!(said.contains("changed since it was opened"), "{said}");
    std::fs::write(&path, &whole).unwrap();
    let said = changed(&place, || std::fs::remove_file(&path).unwrap());
    assert!(said.contains("cannot read") && said.contains("check that the path exists"), "{said}");
}

#[test]
fn a_stack_whose_values_change_while_it_is_read_is_noticed() {
    let place = Place::new();
    let path = place.at("s.tif");
    let stamp = Stamp::of(&path).unwrap();
    stamp.check().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[2000] ^= 1;
    std::thread::sleep(Duration::from_millis(20));
    std::fs::write(&path, bytes).unwrap();
    let said = stamp.check().unwrap_err().to_string();
    assert!(said.contains("changed while it was read"), "{said}");
}

/// A file system of `kilobytes`, gone when dropped; none, said aloud, where mounting is not allowed.
struct Mount(TempDir);

impl Mount {
    fn new(kilobytes: usize) -> Option<Self> {
        let folder = tempdir().unwrap();
        let size = format!("size={kilobytes}k");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        if mounted.is_ok_and(|o| o.status.success()) {
            return Some(Self(folder));
        }
        println!("SKIPPED: no file system can be mounted here");
        None
    }

    fn text(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn tell(&self, program: &str, arguments: &[&str]) {
        assert!(Command::new(program).args(arguments).arg(self.0.path()).status().unwrap().success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[test]
fn a_disk_that_fills_up() {
    let place = Place::new();
    let Some(disk) = Mount::new(400) else { return };
    let arguments =
        ["segment", &place.text("s.tif"), "--bundle", &place.text("bundle"), "--out", &disk.text("out")];
    refused(place.folder.path(), &arguments, "the disk is full");
    let left: Vec<_> = std::fs::read_dir(disk.text("out")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    let train = training::Place::new("5", "64");
    let Some(disk) = Mount::new(40) else { return };
    let mut arguments = train.train("b", &[]);
    let out = arguments.iter().position(|a| a == "--out").unwrap() + 1;
    arguments[out] = disk.text("b");
    train.refuses(&arguments, "the disk is full");
    disk.tell("mount", &["-o", "remount,size=4000k"]);
    arguments.push("--resume".to_owned());
    train.run(&arguments);
    assert!(Bundle::open(Path::new(&disk.text("b"))).is_ok(), "with more room it goes on and ends");
}

#[test]
fn a_disk_that_may_not_be_written_to() {
    let place = Place::new();
    let Some(disk) = Mount::new(4000) else { return };
    disk.tell("mount", &["-o", "remount,ro"]);
    let arguments =
        ["segment", &place.text("s.tif"), "--bundle", &place.text("bundle"), "--out", &disk.text("out")];
    refused(place.folder.path(), &arguments, "cannot create");
    let train = training::Place::new("5", "64");
    let mut arguments = train.train("b", &[]);
    let out = arguments.iter().position(|a| a == "--out").unwrap() + 1;
    arguments[out] = disk.text("b");
    train.refuses(&arguments, "cannot create");
}

#[test]
fn a_drive_that_goes_away_while_it_is_read() {
    let place = Place::new();
    let Some(drive) = Mount::new(4000) else { return };
    let on_drive = PathBuf::from(drive.text("s.tif"));
    std::fs::copy(place.at("s.tif"), &on_drive).unwrap();
    let segmenter = Segmenter::new(&place.bundle, Compute::cpu()).unwrap();
    let volume = Meanwhile(volume::open(&on_drive).unwrap(), |z| {
        if z == 4 {
            drive.tell("umount", &["-l"])
        }
    });
    let (all, done) = place.run(&segmenter, &volume);
    let error = done.unwrap_err();
    assert!(all.len() < SLICES && matches!(error, Error::Io { .. }), "{error}");
    assert!(error.to_string().contains("cannot read") && error.to_string().contains("s.tif"), "{error}");
}
