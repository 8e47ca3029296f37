//! A day's work in one process, shortened: the same stack again and again, with memory, files and threads watched.
//!
//! `cargo test --release --workspace --test suite soak -- --ignored --nocapture --test-threads 1`

use paser_core::bundle::Bundle;
use paser_core::device::Compute;
use paser_core::event::Control;
use paser_core::export::report::{RunReport, run::MEMORY};
use paser_core::export::run::{RunMeta, RunWriter};
use paser_core::noise::Noise;
use paser_core::route::stack::{Job, segment};
use paser_core::route::{Choice, Method, Segmenter};
use paser_core::volume;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::tempdir;

const SLICES: usize = 50;
const ROUNDS: usize = 20;

/// What a process holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    megabytes: f64,
    files: usize,
    threads: usize,
}

impl Held {
    fn now() -> Self {
        let text = std::fs::read_to_string("/proc/self/status").unwrap();
        let kilobytes =
            text.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap().split_whitespace().next().unwrap();
        let count = |folder: &str| std::fs::read_dir(folder).unwrap().count();
        Self {
            megabytes: kilobytes.parse::<f64>().unwrap() / 1024.0,
            files: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
        }
    }
}

fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// Opens, segments, exports and reports the stack, as the program does it.
fn round(segmenter: &Segmenter, bundle: &Bundle, stack: &Path, out: &Path) {
    let volume = volume::open(stack).unwrap();
    let info = volume.info().clone();
    let range = bundle.manifest.normalisation.range(volume.as_ref()).unwrap();
    let router = bundle.manifest.router(bundle.manifest.lambda);
    let choice = Choice { method: Method::Paser, router, seed: 1 };
    let meta = RunMeta {
        name: "s".to_owned(),
        shape: [SLICES, info.height, info.width],
        first_slice: 0,
        voxel_size: None,
        unit: None,
        classes: bundle.manifest.classes.clone(),
        nets: bundle.manifest.nets.len(),
        entropy: true,
        evidence: serde_json::json!({}),
    };
    let mut writer = RunWriter::create(out, meta, true).unwrap();
    let job = Job { volume: volume.as_ref(), slices: 0..SLICES, range, choice, noise: (Noise::None, 1) };
    segment(segmenter, &job, &Control::default(), &mut |z, result| writer.push(z, &result)).unwrap();
    let mut finished = writer.finish().unwrap();
    let report = RunReport {
        folder: finished.folder(),
        name: "s",
        seconds: 0.0,
        bundle,
        tortuosity: Vec::new(),
        memory: MEMORY,
        bars: Err("not here".to_owned()),
    };
    let files = report.write(&Control::default(), true, &mut |_| ()).unwrap();
    finished.also(files);
    finished.publish().unwrap();
}

#[test]
#[ignore = "minutes of segmenting"]
fn memory_files_and_threads_stay_as_they_are() {
    paser_app::heap::share(); // as the program does when it starts
    let folder = tempdir().unwrap();
    let stack = folder.path().join("s.tif");
    crate::fixture::stack(&stack, [SLICES, 224, 256], 1);
    let bundle = Bundle::open(&repository("models/electrode")).unwrap();
    let segmenter = Segmenter::new(&bundle, Compute::cpu()).unwrap();
    let mut all = Vec::new();
    for i in 0..ROUNDS {
        let since = Instant::now();
        round(&segmenter, &bundle, &stack, &folder.path().join("out"));
        let held = Held::now();
        println!("round {:>2}: {:.1} s, {held:?}", i + 1, since.elapsed().as_secs_f64());
        all.push(held);
    }
    let (second, last) = (all[1], all[ROUNDS - 1]);
    let growth = last.megabytes / second.megabytes - 1.0;
    println!(
        "{:.1} MB after the second round, {:.1} MB after the last: {:+.2} %",
        second.megabytes,
        last.megabytes,
        100.0 * growth
    );
    assert!(growth <= 0.05, "memory grew by {:.1} %", 100.0 * growth);
    assert_eq!((last.files, last.threads), (second.files, second.threads));
}
