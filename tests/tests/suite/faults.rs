//! Faults, provoked: devices that fail, disks that are full, stacks that change, two programs in one place. What the
//! user sees and what survives stands in docs/FAULTS.md.

use crate::fixture::{Kind, bundle, paser, program, refused, stack};
use crate::training;
use paser_core::Error;
use paser_core::bundle::Bundle;
use paser_core::data::normalise::Range;
use paser_core::device::{Compute, Description};
use paser_core::event::Control;
use paser_core::fault::Faults;
use paser_core::noise::Noise;
use paser_core::route::stack::{Job, segment_with};
use paser_core::route::{Choice, Fall, Method, Router, Segmenter, SliceResult, steady};
use paser_core::volume::{self, Slice, SliceReader, Stamp, Volume, VolumeInfo};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};

const CHOICE: Choice = Choice { method: Method::Paser, router: Router::Fixed(0), seed: 1 };
const SLICES: usize = 20;

/// Slices that arrived, and what became of the device.
type Ran = (Vec<SliceResult>, paser_core::Result<Vec<Fall>>);

/// A stack at whose reading something happens.
struct Meanwhile<F: Fn(usize) + Send + Sync>(Volume, F);

impl<F: Fn(usize) + Send + Sync> SliceReader for Meanwhile<F> {
    fn info(&self) -> &VolumeInfo {
        self.0.info()
    }

    fn read(&self, z: usize) -> paser_core::Result<Slice> {
        (self.1)(z);
        self.0.read(z)
    }
}

struct Place {
    folder: TempDir,
    bundle: Bundle,
}

impl Place {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let bundle = bundle(&folder.path().join("bundle"), &Kind::small());
        stack(&folder.path().join("s.tif"), [SLICES, 70, 90], 3);
        Self { folder, bundle }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    fn volume(&self) -> Volume {
        volume::open(&self.at("s.tif")).unwrap()
    }

    /// The CPU behind the name of a graphics card, with the card's complaints.
    fn card(&self) -> (Segmenter, Faults) {
        let description =
            Description { name: "Card".to_owned(), kind: "discrete".to_owned(), ..Description::cpu() };
        let compute = Compute::of(burn::tensor::Device::flex(), description);
        let faults = compute.faults.clone();
        let models = self.bundle.load(&compute.device).unwrap();
        let segmenter = Segmenter::of(self.bundle.manifest.clone(), models, compute);
        (segmenter.with_bundle(&self.bundle), faults)
    }

    fn run(&self, segmenter: &Segmenter, volume: &dyn SliceReader) -> Ran {
        self.run_with(segmenter, volume, &mut || ())
    }

    /// `between` is called before every few slices.
    fn run_with(&self, segmenter: &Segmenter, volume: &dyn SliceReader, between: &mut dyn FnMut()) -> Ran {
        let range = Range { low: 0.0, high: 255.0 };
        let job = Job { volume, slices: 0..SLICES, range, choice: CHOICE, noise: (Noise::None, 1) };
        let mut all = Vec::new();
        let mut sink = |z: usize, result: SliceResult| {
            assert_eq!(z, all.len(), "every slice once, in order");
            all.push(result);
            Ok(())
        };
        let falls = segment_with(segmenter, &job, &Control::default(), &mut sink, between);
        (all, falls)
    }

    fn on_cpu(&self) -> Vec<SliceResult> {
        let segmenter = Segmenter::new(&self.bundle, Compute::cpu()).unwrap();
        let (all, falls) = self.run(&segmenter, self.volume().as_ref());
        assert!(falls.unwrap().is_empty());
        all
    }
}

fn labels(all: &[SliceResult]) -> Vec<&[u8]> {
    all.iter().map(|r| r.labels.as_slice()).collect()
}

#[test]
fn a_card_out_of_memory_works_on_in_smaller_batches_and_then_the_cpu_does() {
    let place = Place::new();
    let expected = place.on_cpu();
    let (segmenter, faults) = place.card();
    // each reading brings another complaint, as from the driver's own thread
    let volume = Meanwhile(place.volume(), |z| {
        if z > 3 {
            faults.report("Card failed (out of memory)")
        }
    });
    let (all, falls) = place.run(&segmenter, &volume);
    let falls = falls.unwrap();
    assert_eq!(labels(&all), labels(&expected), "what the CPU computed instead is what it always computes");
    assert!(!falls.is_empty() && falls.iter().all(|f| f.why.contains("out of memory")), "{falls:?}");
    assert_eq!(falls[0].largest_batch, Some(16));
    assert!(
        falls.windows(2).all(|p| p[1].largest_batch < p[0].largest_batch && p[0].slice <= p[1].slice),
        "{falls:?}"
    );
    assert!(falls[0].to_string().contains("in batches of at most 16"), "{}", falls[0]);
}

#[test]
fn a_card_that_fails_again_and_again_leaves_the_run_to_the_cpu() {
    let place = Place::new();
    let expected = place.on_cpu();
    let (segmenter, faults) = place.card();
    // four slices at a time go to the card, and each time it complains
    let (all, falls) =
        place.run_with(&segmenter, place.volume().as_ref(), &mut || faults.report("out of memory"));
    let told: Vec<(usize, Option<usize>)> =
        falls.unwrap().iter().map(|f| (f.slice, f.largest_batch)).collect();
    assert_eq!(told, [(1, Some(16)), (5, Some(4)), (9, Some(1)), (13, None)]);
    assert_eq!(labels(&all), labels(&expected));
}

#[test]
fn a_lost_card_leaves_the_rest_to_the_cpu_at_once() {
    let place = Place::new();
    let expected = place.on_cpu();
    let (segmenter, faults) = place.card();
    let volume = Meanwhile(place.volume(), |z| {
        if z == SLICES - 1 {
            faults.lose("Card was lost (unplugged)")
        }
    });
    let (all, falls) = place.run(&segmenter, &volume);
    let falls = falls.unwrap();
    assert_eq!(falls.len(), 1, "{falls:?}");
    assert!(falls[0].largest_batch.is_none() && falls[0].to_string().contains("on the CPU: Card was lost"));
    assert_eq!(labels(&all), labels(&expected));
}

#[test]
fn a_card_that_refuses_a_kernel_is_not_used() {
    let place = Place::new();
    let (_, faults) = place.card();
    let description =
        Description { name: "Card".to_owned(), kind: "discrete".to_owned(), ..Description::cpu() };
    let compute =
        Compute { faults: faults.clone(), ..Compute::of(burn::tensor::Device::flex(), description) };
    faults.lose("Card failed (shader validation error)");
    let (segmenter, note) = steady::ready(&place.bundle, compute, &mut |_, _| ()).unwrap();
    assert_eq!(segmenter.compute.description.kind, "cpu");
    assert!(note.unwrap().contains("computing on the CPU: Card failed (shader validation error)"));
}

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

#[test]
fn two_runs_into_one_folder() {
    let place = Place::new();
    let arguments = [
        "segment",
        &place.text("s.tif"),
        "--bundle",
        &place.text("bundle"),
        "--out",
        &place.text("out"),
        "--force",
    ];
    let held = paser_core::lock::take(&{
        std::fs::create_dir_all(place.at("out/.paser-run")).unwrap();
        place.at("out/.paser-run/lock")
    });
    refused(place.folder.path(), &arguments, "another run is writing its results");
    assert_eq!(std::fs::read_dir(place.at("out")).unwrap().count(), 1, "nothing was written");
    drop(held);
    assert!(paser(place.folder.path(), &arguments).status.success());
    assert!(!place.at("out/.paser-run").exists());
}

#[test]
fn two_trainings_of_one_bundle() {
    let place = training::Place::new("5", "64");
    let train = place.train("b", &[]);
    let mut command = Command::new(program());
    command.args(&train).args(["--device", "cpu"]).env("PASER_CACHE", place.path());
    let mut first = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for(&place.at("b.partial/config.json"));
    place.refuses(&place.train("b", &[]), "another training for");
    let _ = first.kill();
    first.wait().unwrap();
    place.run(&place.train("b", &["--resume"]));
    assert!(!place.at("b.partial").exists());
}

fn wait_for(path: &Path) {
    let since = Instant::now();
    while !path.exists() {
        assert!(since.elapsed() < Duration::from_secs(60), "{} does not appear", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
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
