//! Faults, provoked: devices that fail, disks that are full, stacks that change, two programs in one place. What the
//! user sees and what survives stands in docs/FAULTS.md.

mod cards;
mod clock;
mod disks;
mod places;

use crate::fixture::{Kind, bundle, stack};
use crate::training;
use paser_core::bundle::Bundle;
use paser_core::data::normalise::Range;
use paser_core::device::{Compute, Description};
use paser_core::event::Control;
use paser_core::fault::Faults;
use paser_core::noise::Noise;
use paser_core::route::stack::{Job, segment_with};
use paser_core::route::{Choice, Fall, Method, Router, Segmenter, SliceResult, steady};
use paser_core::train::{Request, TrainConfig, train};
use paser_core::volume::{self, Slice, SliceReader, Volume, VolumeInfo};
use std::path::PathBuf;
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

#[test]
fn a_card_that_fails_in_training_leaves_a_checkpoint_that_the_cpu_goes_on_from() {
    let place = training::Place::new("5", "64");
    place.run(&place.train("whole", &[]));
    let config = TrainConfig::read(&place.at("c.json")).unwrap();
    let request = Request {
        classes: &"pore=1,carbon=2,nickel=3".parse().unwrap(),
        config: &config,
        out: &place.at("b"),
        about: "trained by its user",
        force: false,
        resume: false,
    };
    let description =
        Description { name: "Card".to_owned(), kind: "discrete".to_owned(), ..Description::cpu() };
    let card = Compute::of(burn::tensor::Device::flex(), description);
    let mut told = 0;
    let labelled = [place.at("p/images"), place.at("p/labels")];
    let failed = train([&labelled[0], &labelled[1]], None, &request, &card, &Control::default(), &mut |_| {
        told += 1;
        if told == 8 {
            card.faults.lose("Card was lost (unplugged)");
        }
    });
    assert!(failed.unwrap_err().to_string().contains("Card was lost"));
    assert!(!place.at("b").exists());
    place.run(&place.train("b", &["--resume"]));
    assert_eq!(place.weights("b"), place.weights("whole"));
}
