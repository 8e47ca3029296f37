//! Two programs in one place.

use super::Place;
use crate::fixture::{paser, program, refused};
use crate::training;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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
