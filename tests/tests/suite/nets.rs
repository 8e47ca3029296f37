//! The nets against golden logits, on the CPU and, the small ones, on software Vulkan.

use crate::golden::{Golden, close, policy, unet, values};
use crate::software;
use burn::tensor::{Device, Tensor};
use paser_core::hash;
use paser_core::net::dropout::{Masks, Off, mc_masks};
use paser_core::net::layers::{instance_norm, max_pool_2, max_pool_3, norm_relu, pad_to, upsample_to};
use paser_core::net::{Net, UnetSpec, params};

fn golden_logits(spec: &UnetSpec, net_id: u32, file: &str, tolerance: f32, device: &Device) {
    let golden = Golden::read(file);
    let logits = unet(spec, net_id, device).forward(golden.tensor("input", device), &mut Off);
    close(file, &values(logits), &golden.values("logits"), tolerance);
}

#[test]
fn the_hash_gives_the_golden_numbers() {
    let golden = Golden::read("hash_init");
    let hashes: Vec<f64> = [0, 1, 2, 1000, 1001, u32::MAX].map(|h| f64::from(hash::fmix32(h))).to_vec();
    assert_eq!(hashes, golden.exact("fmix32_of_0_1_2_1000_1001_4294967295"));
    let units: Vec<f64> = (0..8).map(|i| hash::unit(1000, i)).collect();
    assert_eq!(units, golden.exact("unit_seed1000_first8_f64"));
    assert_eq!(hash::uniform(7, 8, 0.0, 1.0), golden.values("input_seed7_first8"));
    let net = params::state(&unet(&UnetSpec::f0(1, 3), 1, &Device::flex()));
    assert_eq!(net["enc.0.c0.w"].data, golden.values("f0_enc0_c0_w"));
    assert_eq!(net["enc.0.c0.b"].data, golden.values("f0_enc0_c0_b"));
}

#[test]
fn u_nets_give_the_golden_logits() {
    let cpu = Device::flex();
    golden_logits(&UnetSpec::f0(1, 3), 1, "f0_small", 1e-4, &cpu);
    golden_logits(&UnetSpec::f0(1, 3), 1, "f0_real", 2e-4, &cpu);
    golden_logits(&UnetSpec::f0(1, 3), 1, "f0_odd", 1e-4, &cpu);
    golden_logits(&UnetSpec::f1(1, 3), 2, "f1_patch", 3e-4, &cpu);
    golden_logits(&UnetSpec::f1(1, 2), 2, "f1_mnist32_2cls", 3e-4, &cpu);
    golden_logits(&UnetSpec::f2(1, 3), 3, "f2_patch", 3e-4, &cpu);
}

#[test]
fn golden_weights_are_the_stored_ones() {
    let stored = Golden::read("f0_small");
    let ours = params::state(&unet(&UnetSpec::f0(1, 3), 1, &Device::flex()));
    for (name, value) in stored.with_prefix("param.") {
        assert_eq!(ours[&name], value, "{name}");
    }
}

fn golden_masks(golden: &Golden, device: &Device) -> Vec<Tensor<4>> {
    ["mask.drop_enc1", "mask.drop_enc2", "mask.drop_dec0"].map(|m| golden.tensor(m, device)).to_vec()
}

#[test]
fn dropout_masks_act_where_the_reference_has_them() {
    let cpu = Device::flex();
    let golden = Golden::read("f0_dropout");
    let masks = golden_masks(&golden, &cpu);
    let logits = unet(&UnetSpec::f0(1, 3), 1, &cpu).forward(golden.tensor("input", &cpu), &mut Masks(&masks));
    close("f0_dropout", &values(logits), &golden.values("logits"), 1e-4);
}

#[test]
fn five_passes_with_a_shared_beginning_equal_five_whole_passes() {
    let cpu = Device::flex();
    let spec = UnetSpec::f0(1, 3);
    let net = unet(&spec, 1, &cpu);
    let x = Golden::read("f0_small").tensor::<4>("input", &cpu);
    let passes: Vec<_> = (0..5).map(|p| mc_masks(&spec.dropout_shapes([32, 48]), 9, p, &cpu)).collect();
    let shared = Net::Unet(net.clone()).forward_mc(x.clone(), &passes);
    for (pass, (masks, shared)) in passes.iter().zip(shared).enumerate() {
        let whole = net.forward(x.clone(), &mut Masks(masks));
        assert_eq!(values(whole), values(shared), "pass {pass}");
    }
}

#[test]
fn monte_carlo_masks_depend_on_seed_pass_and_site_and_keep_half() {
    let cpu = Device::flex();
    let shapes = UnetSpec::f0(1, 3).dropout_shapes([224, 256]);
    let mask = |seed, pass| mc_masks(&shapes, seed, pass, &cpu).into_iter().map(values).collect::<Vec<_>>();
    assert_eq!(mask(1, 0), mask(1, 0));
    assert_ne!(mask(1, 0), mask(1, 1));
    assert_ne!(mask(1, 0), mask(2, 0));
    for site in mask(1, 0) {
        let mean = site.iter().sum::<f32>() / site.len() as f32;
        assert!((mean - 1.0).abs() < 0.02, "the mean of a mask is {mean}");
        assert!(site.iter().all(|v| *v == 0.0 || *v == 2.0));
    }
}

#[test]
fn the_policy_gives_the_golden_logits() {
    let cpu = Device::flex();
    let golden = Golden::read("policy_eval");
    let logits = policy(&cpu).forward(golden.tensor("input", &cpu));
    close("policy_eval", &values(logits), &golden.values("logits"), 1e-5);
    let golden = Golden::read("policy_eval_real");
    let class = golden.tensor::<3>("input_class_u8", &cpu).unsqueeze_dim(1);
    let entropy = golden.tensor::<3>("input_entropy", &cpu).unsqueeze_dim(1);
    let logits = policy(&cpu).forward(Tensor::cat(vec![class, entropy], 1));
    close("policy_eval_real", &values(logits), &golden.values("logits"), 1e-5);
}

fn golden_ops(device: &Device) {
    let golden = Golden::read("ops");
    let up = golden.tensor::<4>("up_in", device);
    let got = |t: Tensor<4>| values(t);
    close("upsampling", &got(upsample_to(up.clone(), [6, 8])), &golden.values("up_align_corners"), 1e-6);
    close("padding", &got(upsample_to(up, [7, 8])), &golden.values("up_padded_to_7x8"), 1e-6);
    let x = golden.tensor::<4>("in_in", device);
    let norm = golden.values("in_out");
    close("instance norm", &got(instance_norm(x.clone())), &norm, 1e-6);
    let relu: Vec<f32> = norm.iter().map(|v| v.max(0.0)).collect();
    close("instance norm and ReLU", &got(norm_relu(x)), &relu, 1e-6);
    let pool = golden.tensor::<4>("mp_in", device);
    close("max-pool 2", &got(max_pool_2(pool.clone())), &golden.values("mp2_out"), 1e-6);
    close("max-pool 3", &got(max_pool_3(pool)), &golden.values("mp3s2p1_out"), 1e-6);
}

#[test]
fn operations_give_the_golden_values() {
    golden_ops(&Device::flex());
    let x = Tensor::<4>::ones([1, 1, 2, 2], &Device::flex());
    assert_eq!(values(pad_to(x.clone(), [2, 2])), values(x));
}

#[test]
fn software_vulkan_gives_the_golden_values_too() {
    let Some(compute) = software() else { return };
    golden_ops(&compute.device);
    golden_logits(&UnetSpec::f0(1, 3), 1, "f0_small", 1e-4, &compute.device);
    let golden = Golden::read("policy_eval");
    let logits = policy(&compute.device).forward(golden.tensor("input", &compute.device));
    close("policy_eval on software Vulkan", &values(logits), &golden.values("logits"), 1e-5);
}

#[test]
fn software_vulkan_gives_the_gradients_of_the_cpu() {
    let Some(compute) = software() else { return };
    paser_core::trust::check_gradients(compute).expect("right gradients");
}
