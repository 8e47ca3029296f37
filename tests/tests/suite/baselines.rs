//! The nets of the paper's other rows: golden logits, costs, training, and public weights.

use crate::fixture::{json, refused};
use crate::golden::{Golden, close, folder, values};
use burn::tensor::{Device, Distribution, Tensor};
use paser_core::hash;
use paser_core::net::dropout::{Off, mc_masks};
use paser_core::net::params::{self, State, Values};
use paser_core::net::pass::Pass;
use paser_core::net::resize::{Between, resize};
use paser_core::net::segformer::Decoder;
use paser_core::net::{
    DeeplabSpec, EfficientvitSpec, MatphaseSpec, Net, NetSpec, SegformerSpec, UnetSpec, import, named,
};
use safetensors::{Dtype, tensor::TensorView};
use std::collections::HashMap;
use std::path::Path;
use tempfile::tempdir;

/// Tensors of a reference net in its order: key, shape and values of the hash initialiser.
fn reference(file: &str, net_id: u32) -> Vec<(String, Values)> {
    let text = std::fs::read_to_string(folder().join(format!("ORDER_{file}.txt"))).expect("the order");
    let tensor = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let sizes = fields[2].trim_matches(['(', ')']).split(',').map(str::trim).filter(|s| !s.is_empty());
        let shape: Vec<usize> = sizes.map(|s| s.parse().expect("a size")).collect();
        let w = (3.0 / shape[1..].iter().product::<usize>() as f64).sqrt();
        let (low, high) = match fields[3] {
            "w" => (-w, w),
            "g" | "v" => (0.75, 1.25),
            _ => (-0.1, 0.1),
        };
        let seed = net_id * 1000 + fields[0].parse::<u32>().expect("a place");
        let data = hash::uniform(seed, shape.iter().product(), low, high);
        (fields[1].to_owned(), Values { shape, data })
    };
    text.lines().map(tensor).collect()
}

/// A net with the golden weights: its own order of layers is the reference's.
fn golden_net(spec: &NetSpec, file: &str, net_id: u32, device: &Device) -> Net {
    let net = spec.init(device, 0);
    let (ours, theirs) = (params::shapes(&net), reference(file, net_id));
    assert_eq!(ours.len(), theirs.len(), "{file}: number of tensors");
    let pair = |((name, shape), (key, value)): ((String, Vec<usize>), (String, Values))| {
        assert_eq!(shape.iter().product::<usize>(), value.data.len(), "{name} is not {key}");
        assert_eq!(shape[..value.shape.len()], value.shape, "{name} is not {key}");
        (name, Values { shape, data: value.data })
    };
    params::load(net, ours.into_iter().zip(theirs).map(pair).collect()).expect("names of the net itself")
}

fn golden_logits(spec: &NetSpec, file: &str, net_id: u32, inputs: usize, tolerance: f32) {
    let cpu = Device::flex();
    let golden = Golden::read(file);
    let net = golden_net(spec, file, net_id, &cpu);
    for i in 0..inputs {
        let x = golden.tensor::<4>(&format!("input{i}"), &cpu);
        let logits = net.coarse(x.clone(), &mut Pass::Evaluate);
        let [_, _, height, width] = x.dims();
        let whole = net.forward(x, &mut Off);
        assert_eq!(whole.dims(), [1, spec.classes(), height, width]);
        close(file, &values(logits), &golden.values(&format!("logits{i}")), tolerance);
    }
}

#[test]
fn segformer_gives_the_golden_logits() {
    golden_logits(&NetSpec::Segformer(SegformerSpec::b0(3, 19)), "segformer_b0", 5, 2, 2e-5);
}

#[test]
fn deeplab_gives_the_golden_logits() {
    golden_logits(&NetSpec::Deeplabv3plus(DeeplabSpec::r50_d8(3, 3)), "deeplabv3p_r50_d8", 6, 1, 1e-5);
}

#[test]
fn efficientvit_gives_the_golden_logits() {
    let spec = NetSpec::Efficientvit;
    golden_logits(&spec(EfficientvitSpec::b0(3, 19)), "efficientvit_seg_b0", 7, 2, 1e-5);
    golden_logits(&spec(EfficientvitSpec::l2(3, 19)), "efficientvit_seg_l2", 8, 2, 1e-4);
}

#[test]
fn resizing_gives_the_golden_values_and_has_gradients() {
    let golden = Golden::read("ops");
    let cpu = Device::flex();
    let x = golden.tensor::<4>("up_in", &cpu);
    let [_, _, h, w] = x.dims();
    let twice = |between| values(resize(x.clone(), [2 * h, 2 * w], between));
    close("aligned", &twice(Between::LinearAligned), &golden.values("up_align_corners"), 1e-6);
    close("bilinear", &twice(Between::Linear), &golden.values("up_half_pixel"), 1e-6);
    close("bicubic", &twice(Between::Cubic), &golden.values("up_bicubic_half_pixel"), 1e-6);
    let x = Tensor::<4>::ones([1, 1, 3, 4], &Device::flex().autodiff()).require_grad();
    let gradients = resize(x.clone(), [6, 8], Between::Cubic).sum().backward();
    let total: f32 = values(x.grad(&gradients).expect("a gradient")).iter().sum();
    assert!((total - 48.0).abs() < 1e-4, "every new pixel's weights sum to one, not {total} in all");
}

#[test]
fn costs_and_parameters_follow_the_reference() {
    let cpu = Device::flex();
    let count = |spec: &NetSpec, side: [usize; 2]| {
        let net = spec.init(&cpu, 0);
        (params::count(&net), net.flops(side))
    };
    let at = |name: &str, classes, side| count(&named(name, 3, classes).expect("a known name"), side);
    let tile = [224, 256];
    assert_eq!(at("deeplabv3plus", 3, tile), (41_216_979, 38_607_496_192));
    assert_eq!(at("deeplabv3plus", 3, [32, 32]).1, 690_450_432);
    assert_eq!(at("segformer", 3, tile), (81_969_603, 14_575_335_936));
    assert_eq!(at("segformer", 19, [32, 32]).1, 252_031_680);
    assert_eq!(at("efficientvit", 3, tile), (52_603_811, 10_850_832_384));
    assert_eq!(at("efficientvit", 19, [256, 256]).1, 12_405_145_600);
    let b5 = SegformerSpec::b5(3, 19);
    assert_eq!(count(&NetSpec::Segformer(b5), tile), (84_607_955, 22_401_645_056));
    let openmmlab = SegformerSpec { decoder: Decoder::OpenMmlab, ..SegformerSpec::b5_256(3, 19) };
    assert_eq!(count(&NetSpec::Segformer(openmmlab), tile).1, 14_590_016_000 + 2_437_120);
    // 40 images cost .00494e12 by the reference, which gives three digits here
    let (_, b0) = at("efficientvit-b0", 3, tile);
    assert!((40.0 * b0 as f64 - 4.94e9).abs() < 0.005e9, "{b0}");
}

/// Reduced nets of every kind for quick tests, on grey images of three classes.
fn small() -> Vec<NetSpec> {
    let segformer = SegformerSpec {
        widths: [8, 16, 20, 32],
        depths: [1; 4],
        decoder_width: 16,
        decoder: Decoder::OpenMmlab,
        ..SegformerSpec::b0(3, 3)
    };
    let unet = UnetSpec { channels: 1, classes: 3, stem: 2, levels: vec![4, 4] };
    vec![
        NetSpec::Segformer(segformer),
        NetSpec::Deeplabv3plus(DeeplabSpec { channels: 3, classes: 3, width: 8 }),
        NetSpec::Efficientvit(EfficientvitSpec::b0(3, 3)),
        NetSpec::Matphase(MatphaseSpec { net: unet, grid: [2, 3], local: 2 }),
    ]
}

fn grey(size: [usize; 2], device: &Device) -> Tensor<4> {
    Tensor::random([2, 1, size[0], size[1]], Distribution::Uniform(0.0, 1.0), device)
}

#[test]
fn every_net_reads_grey_of_any_size_and_stands_in_a_manifest() {
    let cpu = Device::flex();
    for spec in small() {
        assert!(spec.is_valid() && spec.takes(1) && !spec.takes(2));
        let text = serde_json::to_string(&spec).expect("a specification as JSON");
        assert_eq!(serde_json::from_str::<NetSpec>(&text).expect("and back"), spec);
        let net = spec.init(&cpu, 1);
        for size in [[spec.smallest_side(); 2], [37, 50]] {
            let logits = net.forward(grey(size, &cpu), &mut Off);
            assert_eq!(logits.dims(), [2, 3, size[0], size[1]], "{text}");
            assert!(values(logits).iter().all(|v| v.is_finite()), "{text}");
        }
        assert!(spec.dropout_shapes([32, 32]).is_empty());
        let passes: Vec<_> = (0..3).map(|p| mc_masks(&[], 1, p, &cpu)).collect();
        let x = grey([32, 32], &cpu);
        let answers = net.forward_mc(x.clone(), &passes);
        let alone = values(net.forward(x, &mut Off));
        assert!(answers.len() == 3 && answers.into_iter().all(|a| values(a) == alone));
        assert_eq!(net.prefix_flops([32, 32]), net.flops([32, 32]), "one pass serves all");
    }
}

#[test]
fn training_moves_the_running_figures_and_reaches_every_weight() {
    let device = Device::flex().autodiff();
    for spec in small() {
        let mut net = spec.init(&device, 1);
        let before = params::state(&net);
        let x = grey([48, 64], &device);
        let logits = net.forward_train(x.clone(), &mut Off);
        let gradients = params::gradients(&net, &logits.square().mean().backward());
        let after = params::state(&net);
        for (name, old) in &before {
            let figure = name.ends_with(".mean") || name.ends_with(".var");
            assert_eq!(figure, after[name] != *old, "{name}");
            assert_eq!(figure, !gradients.contains_key(name), "{name}");
        }
        let alike = values(net.forward(x.clone(), &mut Off));
        assert_eq!(alike, values(net.forward(x, &mut Off)), "evaluation changes nothing");
        assert_eq!(params::state(&net), after);
    }
}

#[test]
fn matphase_looks_where_it_does_not_know() {
    let cpu = Device::flex();
    let unet = UnetSpec { channels: 1, classes: 3, stem: 2, levels: vec![4, 4] };
    let all = MatphaseSpec { net: unet, grid: [2, 2], local: 4 };
    let one = MatphaseSpec { local: 1, ..all.clone() };
    let weights = params::state(&NetSpec::Matphase(all.clone()).init(&cpu, 3));
    let x = grey([32, 48], &cpu);
    let logits = |spec: MatphaseSpec| {
        let net = params::load(NetSpec::Matphase(spec).init(&cpu, 0), weights.clone()).expect("its weights");
        let Net::Matphase(inner) = &net else { unreachable!("a MatPhase") };
        let global = burn::tensor::activation::softmax(inner.global_logits(x.clone(), &mut Off), 1);
        (net.forward(x.clone(), &mut Off), global.narrow(1, 3, 1))
    };
    let ((everywhere, unknown), (once, _)) = (logits(all), logits(one));
    for image in 0..2 {
        let part = |t: &Tensor<4>, p: usize, margin: usize| {
            let (row, column) = (p / 2 * 16 + margin, p % 2 * 24 + margin);
            let t = t.clone().narrow(0, image, 1).narrow(2, row, 16 - 2 * margin);
            values(t.narrow(3, column, 24 - 2 * margin))
        };
        let doubt: Vec<f32> = (0..4).map(|p| part(&unknown, p, 0).iter().sum()).collect();
        let most = (0..4).max_by(|a, b| doubt[*a].total_cmp(&doubt[*b])).expect("a patch");
        for patch in 0..4 {
            // two pixels at a border see the neighbouring patch through the aggregator
            let same = part(&everywhere, patch, 2) == part(&once, patch, 2);
            assert_eq!(same, patch == most, "image {image}, patch {patch}: {doubt:?}");
        }
    }
}

/// A checkpoint in the public layout with the golden weights, its counter included.
pub(crate) fn checkpoint(path: &Path, change: impl Fn(&mut State)) {
    let mut state: State = reference("segformer_b0", 5).into_iter().collect();
    change(&mut state);
    let raw: Vec<(String, Vec<usize>, Vec<u8>)> = state
        .into_iter()
        .map(|(name, v)| (name, v.shape, v.data.iter().flat_map(|x| x.to_le_bytes()).collect()))
        .collect();
    let mut views: Vec<(&str, TensorView<'_>)> = raw
        .iter()
        .map(|(name, shape, bytes)| {
            (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).expect("a tensor"))
        })
        .collect();
    let counter = 7_i64.to_le_bytes();
    let counted = TensorView::new(Dtype::I64, Vec::new(), &counter).expect("a counter");
    views.push(("decode_head.batch_norm.num_batches_tracked", counted));
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    std::fs::write(path, safetensors::serialize(views, Some(metadata)).expect("bytes")).expect("the file");
}

#[test]
fn the_public_names_are_the_published_ones() {
    for (file, spec) in [("b0", SegformerSpec::b0(3, 19)), ("b5", SegformerSpec::b5(3, 19))] {
        let text =
            std::fs::read_to_string(folder().join(format!("keys_segformer_{file}.txt"))).expect("keys");
        let keys = text.lines().filter_map(|line| line.split('\t').next());
        let mut theirs: Vec<String> =
            keys.filter(|k| !k.ends_with("num_batches_tracked")).map(str::to_owned).collect();
        let net = NetSpec::Segformer(spec).init(&Device::flex(), 0);
        let mut ours: Vec<String> =
            params::shapes(&net).iter().map(|(name, _)| import::published(name)).collect();
        theirs.sort();
        ours.sort();
        assert_eq!(ours, theirs);
    }
}

#[test]
fn a_public_checkpoint_is_imported_whole_and_gives_the_golden_logits() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    checkpoint(&folder.path().join("b0.safetensors"), |_| ());
    let command = ["import", "--model", "segformer-b0", &at("b0.safetensors"), "--out", &at("b0.net")];
    let report = json(folder.path(), &command);
    let expected =
        serde_json::json!({"name": "segformer-b0", "parameters": 3_719_027, "missing": [], "extra": []});
    assert_eq!(report, expected);
    let cpu = Device::flex();
    let (spec, net) = import::decode(&std::fs::read(at("b0.net")).unwrap(), &cpu).unwrap();
    assert_eq!(spec, NetSpec::Segformer(SegformerSpec::b0(3, 19)));
    let golden = Golden::read("segformer_b0");
    let logits = net.coarse(golden.tensor("input0", &cpu), &mut Pass::Evaluate);
    close("the imported SegFormer-B0", &values(logits), &golden.values("logits0"), 2e-5);
    refused(folder.path(), &command, "exists already");
}

#[test]
fn a_new_head_keeps_the_rest() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    checkpoint(&folder.path().join("b0.safetensors"), |_| ());
    checkpoint(&folder.path().join("encoder.safetensors"), |state| {
        state.retain(|name, _| name.starts_with("segformer."));
        state.insert("classifier.bias".to_owned(), Values { shape: vec![4], data: vec![0.0; 4] });
    });
    let import = |file: &str, out: &str| {
        let command = ["import", "--model", "segformer-b0", &at(file), "--out", &at(out), "--classes", "3"];
        json(folder.path(), &command)
    };
    let report = import("b0.safetensors", "three.net");
    assert_eq!(
        report["missing"],
        serde_json::json!(["decode_head.classifier.weight", "decode_head.classifier.bias"])
    );
    let read = |name: &str| import::decode(&std::fs::read(at(name)).unwrap(), &Device::flex()).unwrap();
    let (spec, net) = read("three.net");
    assert_eq!(spec.classes(), 3);
    let weights = reference("segformer_b0", 5).into_iter().collect::<State>();
    let fusion = "decode_head.linear_fuse.weight";
    assert_eq!(params::state(&net)["Segformer.decode_head.linear_fuse.w"].data, weights[fusion].data);
    let report = import("encoder.safetensors", "encoder.net");
    assert_eq!(report["missing"].as_array().map(Vec::len), Some(15));
    assert_eq!(report["extra"], serde_json::json!(["classifier.bias"]));
    assert_eq!(read("encoder.net").0.classes(), 3);
}

#[test]
fn a_wrong_or_partial_checkpoint_says_what_is_wrong() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    checkpoint(&folder.path().join("bad.safetensors"), |state| {
        state.remove("segformer.encoder.layer_norm.2.bias");
        state.insert("surplus".to_owned(), Values { shape: vec![1], data: vec![0.0] });
        let value = Values { shape: vec![5], data: vec![0.0; 5] };
        state.insert("decode_head.batch_norm.weight".to_owned(), value);
    });
    let import = |file: &str, model: &str, needle: &str| {
        refused(folder.path(), &["import", "--model", model, &at(file), "--out", &at("net")], needle);
        assert!(!folder.path().join("net").exists(), "nothing is written");
    };
    for needle in [
        "1 missing (segformer.encoder.layer_norm.2.bias)",
        "1 extra (surplus)",
        "1 of another shape (decode_head.batch_norm.weight [5] for [256])",
    ] {
        import("bad.safetensors", "segformer-b0", needle);
    }
    import("bad.safetensors", "segformer", "missing");
    import("bad.safetensors", "efficientvit", "name segformer or segformer-b0");
    std::fs::write(at("text"), "no safetensors").unwrap();
    import("text", "segformer-b0", "it is no safetensors file");
}
