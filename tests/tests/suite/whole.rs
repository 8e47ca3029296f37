//! Nets of the comparison trained on whole tiles through the program: beside the nets of a bundle, alone,
//! interrupted, by the clock; and such nets as f1 to fm.

use crate::baselines::checkpoint;
use crate::training::{Place, killed_in};
use burn::tensor::Device;
use paser_core::bundle::Bundle;
use paser_core::net::{import, params};
use serde_json::{Value, json};

const DEEPLAB: [&str; 4] = ["--model", "deeplabv3plus", "--set", "model.width=0.125"];

fn manifest(place: &Place, bundle: &str) -> Value {
    let text = std::fs::read_to_string(place.at(bundle).join("manifest.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn with(arguments: &[String], more: &[&str]) -> Vec<String> {
    arguments.iter().cloned().chain(more.iter().map(|s| (*s).to_owned())).collect()
}

#[test]
fn a_net_joins_the_bundle_beside_its_own_and_runs_on_whole_tiles() {
    let place = Place::new("5", "64");
    place.run(&place.train("b", &["--split", "3,1,1"]));
    let weights = place.weights("b");
    let train = place.train("b", &DEEPLAB);
    let summary = place.run(&train);
    assert_eq!(summary["remark"], "reduced");
    assert_eq!(summary["stages"][0]["steps"], 6);
    assert!(summary["schedule"].as_str().unwrap().contains("6 steps"), "{}", summary["schedule"]);
    assert_eq!(summary["validation"]["images"], 1);
    assert_eq!(place.weights("b"), weights, "the task nets and policies stay as they were");
    assert_eq!(manifest(&place, "b")["others"][0]["training"], summary, "the bundle keeps the record");

    let bundle = place.text("b");
    let evaluate = place.data("evaluate", &["--bundle", &bundle, "--split", "test"]);
    let said = place.run(&with(&evaluate, &["--method", "deeplabv3plus"]));
    assert_eq!((&said["method"], &said["remark"]), (&json!("deeplabv3plus"), &json!("reduced")));
    assert_eq!(said["shares"], json!([]), "it routes nothing");
    // 64 x 64 pixels are four tiles, which run as one batch
    assert_eq!(said["flops_total"].as_u64().unwrap() % 4, 0);
    assert_eq!(said["flops_total"], said["flops_run"]);
    let stack = place.text("p/images");
    let out = place.text("run");
    let segment = ["segment", &stack, "--bundle", &bundle, "--method", "deeplabv3plus", "--out", &out];
    let run = place.run(&segment.map(str::to_owned));
    assert_eq!(run["flops"].as_u64().unwrap(), 5 * said["flops_total"].as_u64().unwrap());
    let again = ["rerun", &place.text("run/run.json")].map(str::to_owned);
    assert_eq!(place.run(&again)["same"], true);

    place.refuses(&train, "holds a deeplabv3plus already");
    let matphase = place.train("b", &["--model", "matphase"]);
    place.refuses(&matphase, "the tiles are too small for the net");
    let b0 = place.train("b", &["--model", "efficientvit-b0"]);
    place.refuses(&with(&b0, &["--split", "2,1,1"]), "with its own split of 3, 1 and 1 images");
    place.refuses(&with(&b0, &["--set", "model.width=0.5"]), "has no width to reduce");
    place.refuses(&with(&b0, &["--set", "layout.tile=[64,64]"]), "with its own tiles of 32 x 32 pixels");
    place.refuses(
        &with(&b0, &["--set", "normalisation={\"method\":\"fixed\",\"high\":255}"]),
        "its own normalisation",
    );
    let others = b0.iter().map(|a| a.replace("pore=1,carbon=2,nickel=3", "carbon=2,pore=1,nickel=3"));
    place.refuses(&others.collect::<Vec<_>>(), "with its own classes in this order: pore, carbon, nickel");
    place.refuses(&with(&evaluate, &["--method", "segformer"]), "the bundle holds no segformer");
    let unlike = Place::new("2", "96");
    let strange = b0.iter().map(|a| a.replace(&place.text("p"), &unlike.text("p")));
    place.refuses(&strange.collect::<Vec<_>>(), "the images that it was trained on");
    let before = manifest(&place, "b");
    assert_eq!(before["others"].as_array().unwrap().len(), 1, "what was refused left nothing");
    place.run(&with(&train, &["--force", "--set", "seed=6"]));
    let after = manifest(&place, "b");
    assert_eq!(after["others"].as_array().unwrap().len(), 1);
    assert_ne!(after["others"][0]["sha256"], before["others"][0]["sha256"], "trained anew with --force");
}

#[test]
fn a_net_alone_makes_a_bundle_that_says_what_it_lacks() {
    let place = Place::new("4", "64");
    let train =
        place.train("alone", &["--model", "efficientvit-b0", "--split", "2,1,1", "--minutes", "0.03"]);
    let summary = place.run(&train);
    let schedule = summary["schedule"].as_str().unwrap();
    assert!(schedule.contains("wall minutes") && schedule.contains("comes from the clock"), "{schedule}");
    let seconds = summary["stages"][0]["seconds"].as_f64().unwrap();
    assert!((1.8..30.0).contains(&seconds), "about 1.8 s were given, {seconds} were taken");
    let bundle = place.text("alone");
    let evaluate = place.data("evaluate", &["--bundle", &bundle, "--split", "test"]);
    assert_eq!(place.run(&with(&evaluate, &["--method", "efficientvit-b0"]))["remark"], "reduced");
    let lacking = "the bundle holds efficientvit-b0 alone, no f0, f1, ... and no policy";
    for method in ["paser", "f0", "f1", "random", "idk", "oracle"] {
        place.refuses(&with(&evaluate, &["--method", method]), lacking);
    }
    let compared = place.run(&place.data("compare", &["--bundle", &bundle, "--split", "test"]));
    let rows = compared["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|r| r["method"].as_str().unwrap()).collect::<Vec<_>>(), ["efficientvit-b0"]);
    assert!(rows[0]["seconds"].as_f64().unwrap() > 0.0 && compared["trained"][0]["schedule"] == schedule);
    std::fs::create_dir(place.at("folder")).unwrap();
    let train = place.train("folder", &["--model", "efficientvit-b0", "--split", "2,1,1", "--force"]);
    place.refuses(&train, "no model bundle");
}

#[test]
fn a_training_of_such_a_net_that_was_killed_ends_with_the_same_weights() {
    let place = Place::new("3", "64");
    let longer = [&DEEPLAB[..], &["--split", "1,1,1", "--set", "model.length.steps=30"]].concat();
    place.run(&place.train("whole", &longer));
    let killed = place.train("killed", &longer);
    let partial = "killed.deeplabv3plus.partial";
    killed_in(&place, &killed, partial, "train deeplabv3plus");
    assert!(!place.at("killed").exists());
    let other = with(&killed, &["--resume", "--set", "model.batch=3"]);
    place.refuses(&other, "it was begun with other choices");
    let summary = place.run(&with(&killed, &["--resume"]));
    assert_eq!(summary["stages"][0]["steps"], 30);
    let hash = |bundle: &str| manifest(&place, bundle)["others"][0]["sha256"].clone();
    assert_eq!(hash("killed"), hash("whole"));
    assert!(!place.at(partial).exists());
}

#[test]
fn any_net_may_be_a_task_net_but_only_a_unet_f0() {
    let place = Place::new("3", "64");
    let net = r#"{"kind":"segformer","channels":3,"classes":3,"widths":[8,16,20,32],"depths":[1,1,1,1],"decoder_width":16,"decoder":"public"}"#;
    let small = ["--split", "1,1,1", "--set", "tvd=null", "--set", "layout.tile=[64,64]"];
    let train = with(&place.train("b", &small), &["--set", &format!("nets.1={net}")]);
    let summary = place.run(&train);
    let rows = summary["validation"]["test"].as_array().unwrap();
    assert!(rows.iter().any(|r| r["method"] == "f1" && r["iou"].as_f64().unwrap() > 0.0));
    let bundle = place.text("b");
    let evaluate = place.data("evaluate", &["--bundle", &bundle, "--split", "test"]);
    let shown = rows.iter().find(|r| r["method"] == "f1").unwrap();
    let said = place.run(&with(&evaluate, &["--method", "f1"]));
    assert_eq!(said["iou"], shown["iou"], "its batch norm came through the file");
    let train = with(&place.train("c", &small), &["--set", &format!("nets.0={net}")]);
    place.refuses(&train, "f0 must be a U-Net");
}

#[test]
fn training_goes_on_from_imported_weights_of_the_right_classes() {
    let place = Place::new("3", "64");
    checkpoint(&place.at("b0.safetensors"), |_| ());
    let import = |classes: &str, out: &str| {
        let (file, out) = (place.text("b0.safetensors"), place.text(out));
        ["import", "--model", "segformer-b0", &file, "--out", &out, "--classes", classes].map(str::to_owned)
    };
    place.run(&import("3", "three.net"));
    place.run(&import("5", "five.net"));
    let one = ["--model", "segformer-b0", "--split", "1,1,1", "--set", "model.length.steps=1"];
    let train = |start: &str| with(&place.train("b", &one), &["--start", &place.text(start)]);
    place.refuses(&train("five.net"), "it is no segformer-b0 of 3 classes for images of 1 channels");
    let larger =
        train("three.net").iter().map(|a| a.replace("segformer-b0", "segformer")).collect::<Vec<_>>();
    place.refuses(&larger, "it is no segformer of 3 classes");
    place.refuses(&train("b0.safetensors"), "it does not say what net it holds");
    place.run(&train("three.net"));
    let manifest = manifest(&place, "b");
    let entry = &manifest["others"][0];
    assert_eq!((&entry["spec"]["channels"], &entry["channels"]), (&json!(3), &json!(1)), "grey is repeated");
    let bundle = Bundle::open(&place.at("b")).unwrap();
    let net = bundle.load_other("segformer-b0", &Device::flex()).unwrap();
    let (_, imported) =
        import::decode(&std::fs::read(place.at("three.net")).unwrap(), &Device::flex()).unwrap();
    let (ours, theirs) = (params::state(&net), params::state(&imported));
    let far =
        ours.iter().flat_map(|(name, v)| v.data.iter().zip(&theirs[name].data)).map(|(a, b)| (a - b).abs());
    let steps = far.filter(|d| *d > 0.0).fold(0.0, f32::max);
    assert!(steps > 0.0 && steps < 1.0, "one step from the imported weights, not fresh ones: {steps}");
}
