//! Studies end to end on what a test can make: their pages, tables and figures, the same for the same seed.

use crate::fixture::{Kind, bundle, json, refused, stack_of};
use crate::training::Place;
use paser_core::hash::unit;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::{TempDir, tempdir};

/// A small bundle, and a stack with labels.
fn ground() -> TempDir {
    let folder = tempdir().unwrap();
    bundle(&folder.path().join("b"), &Kind::small());
    stack_of(&folder.path().join("x.tif"), [3, 64, 64], &|z, i| (255.0 * unit(z as u32, i as u32)) as u8);
    stack_of(&folder.path().join("y.tif"), [3, 64, 64], &|z, i| 1 + ((i / 9 + z) % 3) as u8);
    folder
}

fn study(folder: &Path, name: &str, out: &str) -> serde_json::Value {
    let text = |name: &str| folder.join(name).display().to_string();
    let (images, labels, bundle, out) = (text("x.tif"), text("y.tif"), text("b"), text(out));
    let classes = "class0=1,class1=2,class2=3";
    let data =
        ["--images", &images, "--labels", &labels, "--classes", classes, "--bundle", &bundle, "--out", &out];
    json(folder, &[&["study", name][..], &data].concat())
}

/// A study's figures without what the clock says.
fn timeless(told: &serde_json::Value) -> serde_json::Value {
    let mut figures = told["figures"].clone();
    for row in figures["rows"].as_array_mut().into_iter().flatten() {
        row["seconds"] = serde_json::Value::Null;
        row["gflops_per_second"] = serde_json::Value::Null;
    }
    figures
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn studies_of_a_bundle_write_page_tables_figures_and_numbers() {
    let folder = ground();
    for (name, table, figure) in [
        ("lambda-curve", "lambda-curve_curve.csv", "lambda-curve.svg"),
        ("battery-table", "battery-table_methods.csv", "battery-table_bars.svg"),
        ("mc-samples", "mc-samples_entropy.csv", "mc-samples.svg"),
        ("where-it-looks", "where-it-looks_doubt.csv", "where-it-looks_1.png"),
    ] {
        let told = study(folder.path(), name, name);
        assert_eq!(told["study"], name);
        let out = folder.path().join(name);
        let written = files(&out);
        for file in [table, figure, &format!("{name}.md"), &format!("{name}.json")] {
            assert!(written.iter().any(|w| w == file), "{file} is not among {written:?}");
        }
        let page = std::fs::read_to_string(out.join(format!("{name}.md"))).unwrap();
        assert!(
            page.contains("3 images that the bundle has never seen") && page.contains("reduced"),
            "{page}"
        );
        let again = study(folder.path(), name, &format!("{name}-again"));
        assert_eq!(timeless(&told), timeless(&again), "{name}: the same seed gives the same figures");
    }
    let (images, labels) = (folder.path().join("x.tif"), folder.path().join("y.tif"));
    let (images, labels) = (images.display().to_string(), labels.display().to_string());
    let bundle = folder.path().join("b").display().to_string();
    let wrong = ["study", "mc-samples", "--images", &images, "--labels", &labels, "--classes", "a=1,b=2"];
    refused(folder.path(), &[&wrong[..], &["--bundle", &bundle]].concat(), "tells apart");
    refused(folder.path(), &["study", "noisy-mnist"], "--data");
}

/// MNIST's files with a few digits.
fn digits(folder: &Path) -> PathBuf {
    let data = folder.join("mnist");
    std::fs::create_dir(&data).unwrap();
    for (name, count) in [("train-images-idx3-ubyte", 36u32), ("t10k-images-idx3-ubyte", 4)] {
        let head = [0x0803, count, 28, 28].into_iter().flat_map(u32::to_be_bytes);
        let pixel = |i: u32| if (i / 28) % 28 > 6 && (i % 28) * 7 % 5 < 2 { 230 } else { 0 };
        let bytes: Vec<u8> = head.chain((0..count * 784).map(pixel)).collect();
        std::fs::write(data.join(name), bytes).unwrap();
    }
    data
}

#[test]
fn noisy_mnist_trains_measures_and_repeats() {
    let folder = tempdir().unwrap();
    let data = digits(folder.path()).display().to_string();
    let cache = |n: &str| folder.path().join(n).display().to_string();
    let run = |n: &str| {
        let cache = cache(n);
        let study = ["study", "noisy-mnist", "--data", &data, "--scale", "trial", "--cache", &cache];
        json(folder.path(), &study)
    };
    let told = run("one");
    assert_eq!(told["figures"]["images"], 12);
    let rows = told["figures"]["rows"].as_array().unwrap();
    let methods: Vec<&str> = rows.iter().map(|r| r["method"].as_str().unwrap()).collect();
    for method in ["f0", "f1", "f2", "random", "idk", "paser"] {
        assert!(methods.contains(&method), "{method} is not among {methods:?}");
    }
    // the paper's counting: five passes of f0 and one of f_RL for every image, then the net it went to
    let paser = rows.iter().find(|r| r["method"] == "paser").unwrap();
    let share = |i: usize| paser["shares"][i].as_f64().unwrap();
    let fixed = 12.0 * (5.0 * 5_574_656.0 + 4_550_704.0);
    let routed = 12.0 * (share(1) * 40_738_816.0 + share(2) * 644_251_648.0);
    assert!((paser["flops_total"].as_f64().unwrap() - fixed - routed).abs() < 2.0, "{paser}");
    let again = run("two");
    for part in ["rows", "assigned"] {
        let strip = |v: &serde_json::Value| v["figures"][part].to_string().replace(char::is_whitespace, "");
        assert_eq!(strip(&told), strip(&again), "{part}");
    }
}

#[test]
fn studies_that_train_again_keep_what_they_do_not_train() {
    let place = Place::new("6", "64");
    place.run(&place.train("b", &["--split", "3,1,2"]));
    let bundle = place.text("b");
    let study = |name: &str, cache: &str| {
        let cache = place.text(cache);
        let mut arguments =
            place.data("study", &["--bundle", &bundle, "--scale", "trial", "--cache", &cache]);
        arguments.insert(1, name.to_owned());
        place.run(&arguments)
    };
    let told = study("noise-robustness", "one");
    for part in ["clean", "noisy", "noisy_unprepared", "clean_retrained"] {
        let rows = told["figures"][part].as_array().unwrap();
        assert!(rows.iter().any(|r| r["method"] == "paser"), "{part}: {rows:?}");
    }
    let trained = std::fs::read_dir(place.at("one")).unwrap().next().unwrap().unwrap().path();
    let trained = trained.join("clean and noisy");
    let [before, after] = [place.weights("b"), place.weights(&trained.display().to_string())];
    let stays = |weights: &[String]| [&weights[..1], &weights[2..4], &weights[weights.len() - 1..]].concat();
    assert_eq!(stays(&before), stays(&after), "f0 and the policies");
    assert_ne!(before[1], after[1], "f1");
    assert!(!told["figures"]["training"].as_object().unwrap().is_empty(), "its curve");

    let told = study("beta", "one");
    let pupils = told["figures"]["pupils"].as_array().unwrap();
    let betas: Vec<f64> = pupils.iter().map(|p| p["beta"].as_f64().unwrap()).collect();
    assert_eq!(betas, [0.0, 0.01]);
    for name in ["noise-robustness", "beta"] {
        let [first, kept, again] = ["one", "one", "two"].map(|cache| timeless(&study(name, cache)));
        assert_eq!(first, kept, "{name}: from the cache");
        assert_eq!(first, again, "{name}: the same seed gives the same figures");
    }
}

/// Three training and two validation photographs in Cityscapes' layout.
fn cityscapes(root: &Path) {
    const IDS: [u8; 21] = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33, 0, 4];
    for (part, count) in [("train", 3), ("val", 2)] {
        for i in 0..count {
            let folder = |kind: &str| root.join(kind).join(part).join("aachen");
            let [images, labels] = [folder("leftImg8bit"), folder("gtFine")];
            std::fs::create_dir_all(&images).unwrap();
            std::fs::create_dir_all(&labels).unwrap();
            let id = |x: u32, y: u32| IDS[((x / 100 + 7 * (y / 90) + i) % 21) as usize];
            let photograph = image::RgbImage::from_fn(2048, 1024, |x, y| {
                image::Rgb([6 * id(x, y), 255 - 7 * id(x, y), (x / 8) as u8])
            });
            let name = format!("aachen_00000{i}_000019");
            photograph.save(images.join(format!("{name}_leftImg8bit.png"))).unwrap();
            let ids = image::GrayImage::from_fn(2048, 1024, |x, y| image::Luma([id(x, y)]));
            ids.save(labels.join(format!("{name}_gtFine_labelIds.png"))).unwrap();
        }
    }
}

#[test]
fn cityscapes_is_read_trained_on_and_judged() {
    let folder = tempdir().unwrap();
    let data = folder.path().join("cityscapes");
    cityscapes(&data);
    let (data, cache) = (data.display().to_string(), folder.path().join("cache").display().to_string());
    let arguments = ["study", "cityscapes", "--data", &data, "--scale", "trial", "--cache", &cache];
    let told = json(folder.path(), &arguments);
    let rows = told["figures"]["rows"].as_array().unwrap();
    let at = |lambda: f64| rows.iter().find(|r| r["method"] == "paser" && r["lambda"] == lambda);
    let row = at(0.1).expect("the paper's λ");
    assert_eq!((&row["images"], row["shares"].as_array().unwrap().len()), (&serde_json::json!(2), 3));
    assert_eq!(row["iou_per_class"].as_array().unwrap().len(), 19);
    std::fs::remove_dir_all(Path::new(&data).join("gtFine/val")).unwrap();
    refused(folder.path(), &arguments, "labels");
    refused(folder.path(), &["study", "cityscapes", "--data", &cache], "leftImg8bit");
}

#[test]
fn a_study_that_does_not_exist_is_wrong_usage() {
    let out = Command::new(crate::fixture::program()).args(["study", "astrology"]).output().unwrap();
    assert_eq!(out.status.code(), Some(2));
}
