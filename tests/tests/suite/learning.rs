//! Losses, gradients, Adam and the routing figures against golden values.

use crate::golden::{Golden, close, policy, unet, values};
use burn::module::Param;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData, activation};
use paser_core::compare::Table;
use paser_core::data::dataset::Sample;
use paser_core::data::normalise::Prepared;
use paser_core::device::{Wish, choose};
use paser_core::event::Control;
use paser_core::hash::{self, Stream};
use paser_core::metrics::macro_iou;
use paser_core::net::dropout::Off;
use paser_core::net::{Policy, UnetSpec, params};
use paser_core::route::uncertainty::{Uncertainty, entropy};
use paser_core::route::{Choice, Method, Router, Segmenter};
use paser_core::train::loss;

fn autodiff() -> Device {
    Device::flex().autodiff()
}

fn gradient(tensor: &Tensor<4>, loss: &Tensor<1>) -> Vec<f32> {
    values(tensor.grad(&loss.backward()).expect("a gradient"))
}

#[test]
fn cross_entropy_divides_by_pixels() {
    let golden = Golden::read("cross_entropy");
    let truth = golden.bytes("labels");
    for (name, weights) in [("soft_weighted", golden.values("class_weights")), ("soft_plain", vec![1.0; 3])] {
        let logits = golden.tensor::<4>("logits", &autodiff()).require_grad();
        let targets = loss::targets(&truth, [2, 6, 7], &weights, &autodiff());
        let ce = loss::cross_entropy(logits.clone(), targets, loss::labelled(&truth));
        close(name, &values(ce.clone()), &golden.values(&format!("loss.{name}")), 1e-6);
        close(name, &gradient(&logits, &ce), &golden.values(&format!("grad.{name}")), 1e-6);
    }
}

#[test]
fn unlabelled_pixels_have_no_say_in_the_loss() {
    let device = autodiff();
    let logits = Tensor::<4>::from_floats([[[[1.0, 5.0]], [[0.5, -3.0]]]], &device).require_grad();
    let truth = [0, paser_core::metrics::UNLABELLED];
    let ce = loss::cross_entropy(
        logits.clone(),
        loss::targets(&truth, [1, 1, 2], &[1.0, 1.0], &device),
        loss::labelled(&truth),
    );
    let expected = (1.0 + (-0.5f32).exp()).ln();
    close("loss of the labelled pixel", &values(ce.clone()), &[expected], 1e-6);
    let gradient = gradient(&logits, &ce);
    assert_eq!((gradient[1], gradient[3]), (0.0, 0.0));
}

#[test]
fn distillation_gives_the_golden_total() {
    let golden = Golden::read("distill");
    let truth = golden.bytes("labels");
    let student = golden.tensor::<4>("student", &autodiff()).require_grad();
    let targets = loss::targets(&truth, [2, 6, 7], &golden.values("class_weights"), &autodiff());
    let ce = loss::cross_entropy(student.clone(), targets, loss::labelled(&truth));
    let mse = loss::distillation(student.clone(), golden.tensor("teacher", &autodiff()));
    close("ce", &values(ce.clone()), &golden.values("ce"), 1e-6);
    close("mse", &values(mse.clone()), &golden.values("mse"), 1e-6);
    let total = ce * 0.99 + mse * 0.01;
    close("total", &values(total.clone()), &golden.values("total"), 1e-6);
    close("gradient", &gradient(&student, &total), &golden.values("grad_total"), 1e-6);
}

#[test]
fn policy_gradient_gives_the_golden_loss() {
    let golden = Golden::read("policy_loss");
    let logits = golden.tensor::<2>("logits", &autodiff()).require_grad();
    let loss = loss::policy_gradient(
        logits.clone().reshape([2, 16, 3]),
        &golden.bytes("actions"),
        &golden.values("rewards"),
    );
    close("policy loss", &values(loss.clone()), &golden.values("loss"), 1e-6);
    let gradient = values(logits.grad(&loss.backward()).expect("a gradient"));
    close("policy gradient", &gradient, &golden.values("grad_logits"), 1e-6);
}

#[test]
fn the_expected_policy_gradient_is_the_mean_of_the_sampled_one() {
    let logits = [[[0.3f32, -0.2, 0.9]]];
    let rewards = [0.1f32, -0.4, 0.25];
    let at = |loss: &dyn Fn(Tensor<3>) -> Tensor<1>| {
        let logits = Tensor::<3>::from_floats(logits, &autodiff()).require_grad();
        values(logits.grad(&loss(logits.clone()).backward()).expect("a gradient"))
    };
    let expected = at(&|l| loss::expected_policy_gradient(l, &rewards, 0.0));
    let pi = values(activation::softmax(Tensor::<3>::from_floats(logits, &Device::flex()), 2));
    let mut sampled = [0f32; 3];
    for action in 0..3u8 {
        let one = at(&|l| loss::policy_gradient(l, &[action], &[rewards[usize::from(action)]]));
        sampled.iter_mut().zip(one).for_each(|(s, g)| *s += pi[usize::from(action)] * g);
    }
    close("expected against sampled", &expected, &sampled, 1e-6);
}

#[test]
fn a_training_step_of_f0_gives_the_golden_gradients_and_weights() {
    let golden = Golden::read("f0_train_step");
    let device = autodiff();
    let net = unet(&UnetSpec::f0(1, 3), 1, &device);
    let truth = golden.bytes("labels");
    let targets = loss::targets(&truth, [2, 32, 48], &golden.values("class_weights"), &device);
    let loss = loss::cross_entropy(
        net.forward(golden.tensor("input", &device), &mut Off),
        targets,
        loss::labelled(&truth),
    );
    close("loss", &values(loss.clone()), &golden.values("loss"), 1e-6);
    let gradients = loss.backward();
    let ours = params::gradients(&net, &gradients);
    for (name, value) in golden.with_prefix("grad.") {
        close(&name, &ours[&name], &value.data, 1e-6);
    }
    let mut adam = AdamConfig::new().with_epsilon(1e-8).init();
    let stepped = params::state(&adam.step(1e-4, net.clone(), GradientsParams::from_grads(gradients, &net)));
    for (name, after) in golden.with_prefix("after_adam.") {
        let telling: Vec<usize> = (0..after.data.len()).filter(|i| ours[&name][*i].abs() > 1e-5).collect();
        let pick = |v: &[f32]| telling.iter().map(|i| v[*i]).collect::<Vec<_>>();
        close(&format!("{name} after Adam"), &pick(&stepped[&name].data), &pick(&after.data), 1e-6);
    }
}

#[test]
fn a_training_step_of_the_policy_gives_the_golden_gradients_and_running_figures() {
    let golden = Golden::read("policy_train_step");
    let device = autodiff();
    let mut net = policy(&device);
    let logits = net.forward_train(golden.tensor("input", &device));
    close("logits", &values(logits.clone()), &golden.values("logits"), 1e-5);
    let loss = loss::policy_gradient(logits, &golden.bytes("actions"), &golden.values("rewards"));
    close("loss", &values(loss.clone()), &golden.values("loss"), 1e-5);
    let ours = params::gradients(&net, &loss.backward());
    for (name, value) in golden.with_prefix("grad.") {
        close(&name, &ours[&name], &value.data, 1e-5);
    }
    let state = params::state(&net);
    for (name, value) in golden.with_prefix("running_after.") {
        close(&name, &state[&name].data, &value.data, 1e-5);
    }
}

#[test]
fn adam_takes_the_golden_steps() {
    let golden = Golden::read("adam");
    let device = autodiff();
    let mut param: Param<Tensor<1>> = Param::from_tensor(golden.tensor::<1>("param0", &device));
    let mut adam = AdamConfig::new().with_epsilon(1e-8).init();
    for step in 1..=3 {
        let mut gradients = GradientsParams::new();
        gradients.register(param.id, golden.tensor::<1>(&format!("grad{step}"), &Device::flex()));
        param = adam.step(1e-4, param, gradients);
        close(&format!("step {step}"), &values(param.val()), &golden.values(&format!("param{step}")), 1e-7);
    }
}

#[test]
fn entropy_is_in_nats() {
    let golden = Golden::read("entropy");
    let probabilities = golden.tensor::<2>("probs", &Device::flex()).transpose().reshape([1, 3, 7, 1]);
    close("entropy", &values(entropy(probabilities)), &golden.values("entropy_nats"), 1e-6);
}

#[test]
fn macro_iou_follows_the_golden_rule() {
    let golden = Golden::read("jaccard");
    let (prediction, target) = (golden.bytes("pred"), golden.bytes("target"));
    let expected = golden.values("macro_iou");
    for (case, classes) in golden.bytes("num_classes").into_iter().enumerate() {
        let at = case * 256..(case + 1) * 256;
        let iou = macro_iou(&prediction[at.clone()], &target[at], classes.into()).expect("labelled pixels");
        assert!((iou - f64::from(expected[case])).abs() < 1e-6, "case {case}: {iou} and {}", expected[case]);
    }
}

/// Patch (y, x) of a 2x2 grid of 4x6 patches in a map of 8x12.
fn patch(map: &[u8], index: usize) -> Vec<u8> {
    let (top, left) = (index / 2 * 4, index % 2 * 6);
    (top..top + 4).flat_map(|y| map[y * 12 + left..y * 12 + left + 6].to_vec()).collect()
}

fn labels(golden: &Golden, name: &str) -> Vec<u8> {
    values(golden.tensor::<4>(name, &Device::flex()).argmax(1).float()).iter().map(|l| *l as u8).collect()
}

#[test]
fn the_routing_pipeline_gives_the_golden_figures() {
    let golden = Golden::read("pipeline");
    let cpu = Device::flex();
    let logits = golden.tensor::<5>("mc_logits", &cpu);
    let passes: Vec<Tensor<4>> = (0..5).map(|s| logits.clone().narrow(0, s, 1).squeeze_dim::<4>(0)).collect();
    let first = values(passes[0].clone().argmax(1).float());
    let said = Uncertainty::of(passes);
    close("mean probabilities", &values(said.probabilities.clone()), &golden.values("mean_probs"), 1e-6);
    close("entropy", &values(said.entropy.clone()), &golden.values("entropy"), 1e-6);
    assert_eq!(values(said.labels.clone()), golden.values("mean_pred"));
    close("policy input", &values(said.policy_input()), &golden.values("policy_input"), 1e-6);
    assert_eq!(first, golden.values("f0_pred_first_sample"));

    // The golden file was made as the authors' code does it: f0's label is its first sample.
    let truth = golden.bytes("labels");
    let actions = golden.bytes("actions");
    let said =
        [golden.bytes("f0_pred_first_sample"), labels(&golden, "f1_logits"), labels(&golden, "f2_logits")];
    let costs = loss::costs(&[16_571, 1_080_595, 17_275_459], false);
    let (mut rewards, mut f0_iou, mut final_iou, mut cost) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (place, action) in actions.iter().enumerate() {
        let image = place / 4 * 96..(place / 4 + 1) * 96;
        let iou = |net: usize| {
            let (map, truth) =
                (patch(&said[net][image.clone()], place % 4), patch(&truth[image.clone()], place % 4));
            macro_iou(&map, &truth, 3).expect("labelled pixels")
        };
        let net = usize::from(*action);
        f0_iou.push(iou(0) as f32);
        final_iou.push(iou(net) as f32);
        cost.push(costs[net] as f32);
        rewards.push(loss::reward(iou(net) - iou(0), costs[net], 0.5) as f32);
    }
    close("patch IoU of f0", &f0_iou, &golden.values("patch_iou_f0"), 1e-6);
    close("patch IoU", &final_iou, &golden.values("patch_iou_final"), 1e-6);
    close("cost", &cost, &golden.values("cost"), 1e-6);
    close("reward", &rewards, &golden.values("reward"), 1e-6);

    let logits = golden.tensor::<2>("policy_logits", &autodiff()).require_grad();
    let loss = loss::policy_gradient(logits.clone().reshape([2, 4, 3]), &actions, &rewards);
    close("loss", &values(loss.clone()), &golden.values("loss"), 1e-6);
    let gradient = values(logits.grad(&loss.backward()).expect("a gradient"));
    close("gradient", &gradient, &golden.values("grad_policy_logits"), 1e-6);
}

#[test]
fn the_stitched_image_is_the_golden_one() {
    use paser_core::route::tiles::{Layout, paste};
    let golden = Golden::read("pipeline");
    let layout = Layout { tile: [8, 12], grid: [2, 2] };
    let said =
        [golden.bytes("f0_pred_first_sample"), labels(&golden, "f1_logits"), labels(&golden, "f2_logits")];
    let (truth, actions) = (golden.bytes("labels"), golden.bytes("actions"));
    let mut stitched = vec![0u8; 2 * 96];
    for (place, action) in actions.iter().enumerate() {
        let image = place / 4 * 96..(place / 4 + 1) * 96;
        let at = layout.patch_in_slice([0, 0], place % 4, [8, 12]).expect("a patch inside");
        paste(&mut stitched[image.clone()], 12, at, &patch(&said[usize::from(*action)][image], place % 4), 6);
    }
    assert_eq!(stitched, golden.bytes("final_pred"));
    let iou: Vec<f32> =
        stitched.chunks(96).zip(truth.chunks(96)).map(|(p, t)| macro_iou(p, t, 3).unwrap() as f32).collect();
    close("image IoU", &iou, &golden.values("image_iou_final"), 1e-6);
}

#[test]
fn costs_follow_the_printed_equation_and_the_authors_code() {
    let parameters = [16_571, 1_080_595, 17_275_459];
    close(
        "printed",
        &to_f32(&loss::costs(&parameters, true)),
        &[0.000_902_77, 0.058_868_59, 0.941_131_4],
        1e-7,
    );
    close("authors", &to_f32(&loss::costs(&parameters, false)), &[0.0, 0.058_815_49, 0.940_282_57], 1e-7);
}

fn to_f32(values: &[f64]) -> Vec<f32> {
    values.iter().map(|v| *v as f32).collect()
}

#[test]
fn the_reward_table_gives_the_gradient_of_the_step_by_step_form() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = crate::fixture::bundle(folder.path(), &crate::fixture::Kind::small());
    let segmenter = Segmenter::new(&bundle, choose(Wish::Cpu).unwrap().0).unwrap();
    let size = [32, 32];
    let image = Prepared { size, planes: vec![hash::uniform(3, 1024, 0.0, 1.0)], masked: Vec::new() };
    let truth: Vec<u8> = hash::uniform(4, 1024, 0.0, 3.0).iter().map(|v| *v as u8).collect();
    let sample = Sample { name: "x".to_owned(), hash: String::new(), image, truth };
    let costs = [0.1, 0.9];
    let table =
        Table::build(&segmenter, std::slice::from_ref(&sample), &[0], &Control::default(), &mut |_| ());
    let table = table.unwrap();

    // step by step: every action's net reads its patch anew, and its IoU is taken less f0's
    let actions = [1u8, 0, 1, 1];
    let labels = |method| {
        let choice = Choice { method, router: Router::Fixed(0), seed: 0 };
        let image = std::slice::from_ref(&sample.image);
        segmenter.segment(image, &[String::new()], &choice).unwrap().swap_remove(0).labels
    };
    let answers = [labels(Method::Net(0)), labels(Method::Net(1))];
    let cut = |map: &[u8], patch: usize| -> Vec<u8> {
        let corner = [patch / 2 * 16, patch % 2 * 16];
        (0..256).map(|i| map[(corner[0] + i / 16) * 32 + corner[1] + i % 16]).collect()
    };
    let iou = |net: u8, patch: usize| {
        macro_iou(&cut(&answers[usize::from(net)], patch), &cut(&sample.truth, patch), 3).unwrap()
    };
    let reward = |(patch, net): (usize, &u8)| {
        loss::reward(iou(*net, patch) - iou(0, patch), costs[usize::from(*net)], 0.3) as f32
    };
    let step_by_step: Vec<f32> = actions.iter().enumerate().map(reward).collect();
    let all = table.rewards(&[0], &costs, 0.3);
    let looked_up: Vec<f32> = actions.iter().enumerate().map(|(p, a)| all[p * 2 + usize::from(*a)]).collect();

    let gradient = |rewards: &[f32]| {
        let mut policy = Policy::new(4, 2, &autodiff(), &mut Stream::new(1, "gradient"));
        let values = TensorData::new(table.tiles[0].examined.policy_input.clone(), [1, 2, 32, 32]);
        let logits = policy.forward_train(Tensor::from_data(values, &autodiff()));
        let loss = loss::policy_gradient(logits, &actions, rewards);
        params::gradients(&policy, &loss.backward())
    };
    assert_eq!(step_by_step, looked_up);
    let (ours, theirs) = (gradient(&looked_up), gradient(&step_by_step));
    assert!(ours.values().flatten().any(|g| *g != 0.0), "a gradient that is not zero");
    assert_eq!(ours, theirs);
}
