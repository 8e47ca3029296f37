//! Damaged files by the thousand: valid ones, changed by chance, go through every reader. A panic, a hang or a
//! blow-up of memory fails, and the input stays in `fuzz-failures/`. The chance is seeded, so that every input
//! can be made again.
//!
//! `PASER_FUZZ_SECONDS=3600 cargo test --release --workspace --test suite fuzz::for_long -- --ignored --nocapture
//! --test-threads 1` goes on for that long (`PASER_FUZZ_SEED`, `PASER_FUZZ_ONLY` choose chance and reader).

mod mutate;
mod repair;
mod seeds;
mod targets;
mod watch;

use mutate::Mutator;
use seeds::Seed;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use targets::{TARGETS, Target};
use watch::Watch;

/// Inputs of each reader in the tests that always run.
const FEW: usize = 40;
/// Inputs of one reader before it is the next one's turn.
const TURN: Duration = Duration::from_secs(5);

/// What one reader went through.
#[derive(Default)]
struct Tally {
    inputs: usize,
    accepted: usize,
    time: Duration,
    slowest: Duration,
    most_memory: u64,
}

/// A reader with the valid files that its inputs are made of.
struct Course {
    target: &'static Target,
    seeds: Vec<Seed>,
    mutator: Mutator,
    tally: Tally,
    /// Where its inputs lie while they are read.
    folder: tempfile::TempDir,
}

impl Course {
    fn new(target: &'static Target, seed: u64) -> Self {
        let seeds = (target.seeds)();
        let (mutator, tally, folder) = (Mutator::new(seed, target.name), Tally::default(), scratch());
        let course = Self { target, seeds, mutator, tally, folder };
        for seed in &course.seeds {
            let folder = scratch();
            seed.write(folder.path());
            assert!((target.read)(&folder.path().join(&seed.entry)), "{}: a seed is refused", target.name);
        }
        course
    }

    /// Feeds the next input.
    fn next(&mut self, watch: &Watch) {
        let folder = self.folder.path();
        let input = self.mutator.input(&self.seeds);
        input.write(folder);
        let entry = folder.join(&input.entry);
        watch.begin(self.target.name, folder);
        let began = Instant::now();
        let read = catch_unwind(AssertUnwindSafe(|| (self.target.read)(&entry)));
        let (time, memory) = (began.elapsed(), watch.end());
        let accepted = read.unwrap_or_else(|_| {
            panic!(
                "{} panicked; its input is {}",
                self.target.name,
                watch::keep(self.target.name, folder).display()
            )
        });
        let t = &mut self.tally;
        t.inputs += 1;
        t.accepted += usize::from(accepted);
        t.time += time;
        t.slowest = t.slowest.max(time);
        t.most_memory = t.most_memory.max(memory);
        input.remove(folder);
    }

    fn line(&self) -> String {
        let t = &self.tally;
        format!(
            "{:<10} {:>9} inputs, {:>8} of them accepted, {:>7.1} s, mean {:>8.1} us, slowest {:>6.1} ms, most memory {} MB",
            self.target.name,
            t.inputs,
            t.accepted,
            t.time.as_secs_f64(),
            1e6 * t.time.as_secs_f64() / t.inputs.max(1) as f64,
            1e3 * t.slowest.as_secs_f64(),
            t.most_memory >> 20
        )
    }
}

/// A folder in memory where there is one, so that the disk is not worn.
fn scratch() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a temporary folder")
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|v| v.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn every_reader_survives_a_few() {
    let watch = Watch::start(None);
    for target in TARGETS.iter().filter(|t| !t.slow) {
        let mut course = Course::new(target, 1);
        (0..FEW).for_each(|_| course.next(&watch));
        assert_eq!(course.tally.inputs, FEW);
    }
}

#[test]
#[ignore = "takes as long as PASER_FUZZ_SECONDS says"]
fn for_long() {
    let seconds = Duration::from_secs(number("PASER_FUZZ_SECONDS", 60));
    let seed = number("PASER_FUZZ_SEED", 1);
    let only = std::env::var("PASER_FUZZ_ONLY").ok();
    let watch = Watch::start(Some(watch::MEMORY));
    let chosen = TARGETS.iter().filter(|t| only.as_deref().is_none_or(|name| name == t.name));
    let mut courses: Vec<Course> = chosen.map(|target| Course::new(target, seed)).collect();
    let began = Instant::now();
    while began.elapsed() < seconds {
        for course in &mut courses {
            let turn = Instant::now();
            while turn.elapsed() < TURN && began.elapsed() < seconds {
                course.next(&watch);
            }
        }
        println!("after {:.0} s, seed {seed}:", began.elapsed().as_secs_f64());
        courses.iter().for_each(|course| println!("{}", course.line()));
    }
}
