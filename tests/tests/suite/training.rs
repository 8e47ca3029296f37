//! Training through the program: from images to a bundle, interrupted, gone wrong, and the choice of λ after it.

use crate::fixture::{json, paser, program, refused, spawn, stack_of};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};

const CLASSES: &str = "pore=1,carbon=2,nickel=3";

/// A folder with a small phantom and the tiny configuration.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new(slices: &str, edge: &str) -> Self {
        let place = Self(tempdir().unwrap());
        let out = place.text("p");
        let size = ["--slices", slices, "--height", edge, "--width", edge, "--every", "9"];
        json(place.path(), &[&["phantom", "--out", &out][..], &size].concat());
        std::fs::write(place.at("c.json"), include_str!("../data/tiny-training.json")).unwrap();
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    /// Arguments of a command on the phantom.
    pub(crate) fn data(&self, command: &str, more: &[&str]) -> Vec<String> {
        let (images, labels) = (self.text("p/images"), self.text("p/labels"));
        let fixed = [command, "--images", &images, "--labels", &labels, "--classes", CLASSES];
        fixed.iter().chain(more).map(|s| (*s).to_owned()).collect()
    }

    pub(crate) fn train(&self, out: &str, more: &[&str]) -> Vec<String> {
        let (out, config) = (self.text(out), self.text("c.json"));
        self.data("train", &[&["--out", &out, "--config", &config][..], more].concat())
    }

    pub(crate) fn run(&self, arguments: &[String]) -> serde_json::Value {
        json(self.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub(crate) fn refuses(&self, arguments: &[String], needle: &str) {
        refused(self.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>(), needle);
    }

    /// Hashes of all weights of a bundle.
    pub(crate) fn weights(&self, bundle: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.at(bundle).join("manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        let lists = ["nets", "policies"].into_iter().flat_map(|k| manifest[k].as_array().unwrap().clone());
        let all = lists.chain([manifest["conditioned"].clone()]);
        all.map(|entry| entry["sha256"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn training_ends_with_a_bundle_that_evaluates_and_refuses_its_own_training_images() {
    let place = Place::new("5", "64");
    let train = place.train("b", &["--split", "3,1,1"]);
    let summary = place.run(&train);
    assert_eq!(summary["validation"]["images"], serde_json::json!([3, 1, 1]));
    let rows = summary["validation"]["test"].as_array().unwrap();
    let methods: Vec<&str> = rows.iter().map(|r| r["method"].as_str().unwrap()).collect();
    let wanted = ["f0", "f1", "paser", "paser, λ-conditioned", "random, same shares", "oracle"];
    assert!(wanted.iter().all(|m| methods.contains(m)), "{methods:?}");
    assert!(summary["card"]["advice"].as_str().unwrap().contains("f0"), "{}", summary["card"]);
    let bundle = place.text("b");
    let evaluate = place.data("evaluate", &["--bundle", &bundle]);
    let with = |more: &[&str]| {
        let more: Vec<String> = more.iter().map(|s| (*s).to_owned()).collect();
        place.run(&[&evaluate[..], &more].concat())
    };
    let tested = with(&["--split", "test"]);
    assert_eq!(tested["images"], 1);
    let shown = rows
        .iter()
        .find(|r| r["method"] == "paser" && r["lambda"] == summary["validation"]["lambda"])
        .unwrap();
    let (a, b) = (tested["iou"].as_f64().unwrap(), shown["iou"].as_f64().unwrap());
    assert!((a - b).abs() < 1e-9, "evaluate says {a}, training said {b}");
    place.refuses(&evaluate, "trained on 3 of these 5 images");
    place.refuses(&train, "exists already");

    // λ and TVD after training, with nothing trained again
    let flops = |e: &serde_json::Value| e["flops_total"].as_u64().unwrap();
    let at = |lambda: &str| with(&["--split", "test", "--policy", "conditioned", "--lambda", lambda]);
    let costs: Vec<u64> = ["0", "0.01", "0.1", "0.5", "1"].map(|l| flops(&at(l))).to_vec();
    assert!(costs.is_sorted_by(|a, b| a >= b), "cost falls as λ rises: {costs:?}");
    assert_eq!(at("1")["shares"], serde_json::json!([1.0, 0.0]), "at λ = 1 only the cost counts");
    let all = with(&["--split", "test", "--tvd", "1"]);
    assert_eq!(all["lambda"], 0.3, "every λ is within a distance of 1, and 0.3 is the largest trained");
    let still = with(&["--split", "test", "--tvd", "0"]);
    let zero = with(&["--split", "test", "--lambda", "0"]);
    assert_eq!(still["shares"], zero["shares"], "no distance, no change of the shares");
}

/// Whether a checkpoint of an unfinished stage whose name begins with `stage` is there.
pub(crate) fn under_way(partial: &Path, stage: &str) -> bool {
    let entries = std::fs::read_dir(partial).into_iter().flatten().flatten();
    entries
        .filter_map(|e| e.file_name().into_string().ok())
        .any(|n| n.starts_with(stage) && n.contains(" at "))
}

/// Runs the program until `stage` has a checkpoint in `partial`, and kills it.
pub fn killed_in(place: &Place, arguments: &[String], partial: &str, stage: &str) {
    let mut running = spawn(place.path(), arguments);
    let began = Instant::now();
    while !under_way(&place.at(partial), stage) {
        assert!(began.elapsed().as_secs() < 120, "{stage} never came to a checkpoint");
        assert!(running.try_wait().unwrap().is_none(), "it ended before {stage} was caught");
        std::thread::sleep(Duration::from_millis(1));
    }
    running.kill().unwrap();
    running.wait().unwrap();
}

#[test]
fn a_training_killed_three_times_ends_with_the_weights_of_one_that_was_not() {
    let place = Place::new("3", "96");
    let longer = [
        "--split",
        "1,1,1",
        "--set",
        "pretrain.0.length.steps=60",
        "--set",
        "distil.length.steps=40",
        "--set",
        "conditioned.length.steps=60",
    ];
    place.run(&place.train("whole", &longer));
    let interrupted = place.train("killed", &longer);
    let mut resume: Vec<String> = Vec::new();
    for stage in ["pretrain f1", "distil f0", "policy for every"] {
        killed_in(&place, &[&interrupted[..], &resume].concat(), "killed.partial", stage);
        assert!(!place.at("killed").exists(), "a bundle appears only when it is whole");
        resume = vec!["--resume".to_owned()];
    }
    let summary = place.run(&[&interrupted[..], &resume].concat());
    let stages = summary["stages"].as_array().unwrap();
    assert!(stages.iter().all(|s| s["name"] != "f1"), "f1 was finished before: {stages:?}");
    assert_eq!(place.weights("killed"), place.weights("whole"));
    assert!(!place.at("killed.partial").exists());
}

#[test]
fn a_loss_gone_bad_is_told_and_the_last_good_state_kept() {
    let place = Place::new("3", "64");
    let wild = place.train("b", &["--split", "1,1,1", "--set", "pretrain.0.learning_rate=1e30"]);
    let output = paser(place.path(), &wild.iter().map(String::as_str).collect::<Vec<_>>());
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("half the learning rate") && told.contains("is kept"), "{told}");
    assert!(under_way(&place.at("b.partial"), "pretrain f1"));
    assert!(!place.at("b").exists());
}

#[test]
fn fine_tuning_to_a_tvd_keeps_a_policy_for_each_threshold_that_it_reaches() {
    let place = Place::new("3", "64");
    let summary = place.run(&place.train("b", &["--split", "1,1,1", "--set", "tvd.rise=0.2"]));
    let text = std::fs::read_to_string(place.at("b/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let reached: Vec<f64> =
        manifest["policies"].as_array().unwrap().iter().filter_map(|p| p["tvd"].as_f64()).collect();
    assert_eq!(reached.first(), Some(&0.0), "no distance is reached at once");
    let rows = summary["validation"]["test"].as_array().unwrap();
    assert_eq!(rows.iter().filter(|r| r["tvd"].is_number()).count(), 3 * reached.len());
}

#[test]
fn images_and_labels_that_cannot_train() {
    let place = Place::new("2", "64");
    place.refuses(&place.train("b", &["--split", "2,1,1"]), "cannot be split");
    // a grey image in the place of a label
    for entry in std::fs::read_dir(place.at("p/labels")).unwrap().flatten() {
        stack_of(&entry.path(), [1, 64, 64], &|_, i| (i % 251) as u8);
    }
    place.refuses(&place.train("b", &["--split", "1,1,0"]), "looks like a photograph");
    let first = std::fs::read_dir(place.at("p/labels")).unwrap().flatten().next().unwrap().path();
    std::fs::remove_file(first).unwrap();
    place.refuses(&place.train("b", &["--split", "1,1,0"]), "no label file for image");
    assert!(!place.at("b").exists());
}

#[cfg(unix)]
#[test]
fn a_disk_that_fills_during_a_checkpoint_costs_nothing_that_was_kept() {
    let place = Place::new("3", "64");
    let train = place.train("b", &["--split", "1,1,1"]);
    let quoted: Vec<String> = train.iter().map(|a| format!("'{a}'")).collect();
    // no file may grow beyond 20 kB, as on a disk that is full
    let command =
        format!("trap '' XFSZ; ulimit -f 40; exec {} {} --device cpu", program().display(), quoted.join(" "));
    let output = Command::new("sh").args(["-c", &command]).env("PASER_CACHE", place.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("was not written") && !told.contains("panicked"), "{told}");
    let left: Vec<String> = std::fs::read_dir(place.at("b.partial"))
        .unwrap()
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    assert!(left.iter().all(|n| !n.contains("draft") && !n.contains("tmp")), "{left:?}");
    place.run(&[&train[..], &["--resume".to_owned()]].concat());
}
