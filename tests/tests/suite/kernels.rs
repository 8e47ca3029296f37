//! The CPU's own kernels against Burn's general operations, values and gradients.

use crate::golden::{close, values};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData, activation};
use paser_core::hash::{Stream, uniform};
use paser_core::net::conv::{Conv2d, Window};
use paser_core::net::layers::{Conv, instance_norm, norm_relu};
use paser_core::net::start::Start;
use proptest::prelude::*;

fn random(shape: [usize; 4], seed: u32, device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(uniform(seed, shape.iter().product(), -1.0, 1.0), shape), device)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn convolution_and_its_gradients(
        n in 1usize..4, c in 1usize..5, o in 1usize..5, h in 1usize..40, w in 1usize..12, wide in any::<bool>(), seed in any::<u32>(),
    ) {
        let device = Device::flex().autodiff();
        let kernel = if wide { 3 } else { 1 };
        let conv = Conv::new([c, o], kernel, &device, &mut Stream::new(seed.into(), "kernels"));
        let x = random([n, c, h, w], seed, &device).require_grad();
        let weigh = random([n, o, h, w], seed ^ 1, &device);
        let bias = conv.b.as_ref().expect("a bias").val();
        let run = |y: Tensor<4>| {
            let gradients = (y.clone() * weigh.clone()).sum().backward();
            let of = |t: Option<Vec<f32>>| t.expect("a gradient");
            let gradients = [
                of(x.grad(&gradients).map(values)),
                of(conv.w.val().grad(&gradients).map(values)),
                of(bias.grad(&gradients).map(values)),
            ];
            (values(y), gradients)
        };
        let options = ConvOptions::new([1, 1], [kernel / 2; 2], [1, 1], 1);
        let (ours, our_gradients) = run(conv.forward(x.clone()));
        let (theirs, their_gradients) = run(conv2d(x.clone(), conv.w.val(), Some(bias.clone()), options));
        close("convolution", &ours, &theirs, 1e-4);
        for (ours, theirs) in our_gradients.iter().zip(&their_gradients) {
            close("gradient", ours, theirs, 1e-3);
        }
    }

    #[test]
    fn depthwise_convolution_and_its_gradients(
        n in 1usize..3, c in 1usize..5, h in 1usize..20, w in 1usize..20, wide in any::<bool>(),
        stride in 1usize..3, dilation in 1usize..14, seed in any::<u32>(),
    ) {
        let device = Device::flex().autodiff();
        let kernel = if wide { 5 } else { 3 };
        let window = Window::depthwise(c, kernel).stride(stride).dilation(dilation);
        let seeds = &mut Stream::new(seed.into(), "kernels");
        let conv = Conv2d::new(window, false, &mut Start { device: &device, seeds });
        let x = random([n, c, h, w], seed, &device).require_grad();
        let run = |y: Tensor<4>| {
            let weigh = random(y.dims(), seed ^ 1, &device);
            let gradients = (y.clone() * weigh).sum().backward();
            let of = |t: &Tensor<4>| values(t.grad(&gradients).expect("a gradient"));
            [values(y), of(&x), of(&conv.w.val())]
        };
        let padding = dilation * (kernel / 2);
        let options = ConvOptions::new([stride; 2], [padding; 2], [dilation; 2], c);
        let ours = run(conv.forward(x.clone()));
        let theirs = run(conv2d(x.clone(), conv.w.val(), None, options));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            close("depthwise convolution", ours, theirs, 1e-3);
        }
    }

    #[test]
    fn instance_norm_with_relu_and_its_gradient(n in 1usize..3, c in 1usize..4, h in 2usize..30, w in 2usize..30, seed in any::<u32>()) {
        let device = Device::flex().autodiff();
        let x = random([n, c, h, w], seed, &device).require_grad();
        let weigh = random([n, c, h, w], seed ^ 1, &device);
        let run = |y: Tensor<4>| {
            let gradients = (y.clone() * weigh.clone()).sum().backward();
            (values(y), values(x.grad(&gradients).expect("a gradient")))
        };
        let (ours, our_gradient) = run(norm_relu(x.clone()));
        let (theirs, their_gradient) = run(activation::relu(instance_norm(x.clone())));
        close("instance norm and ReLU", &ours, &theirs, 1e-4);
        close("gradient", &our_gradient, &their_gradient, 1e-3);
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let step = || {
        let device = Device::flex().autodiff();
        let conv = Conv::new([16, 24], 3, &device, &mut Stream::new(5, "threads"));
        let y = norm_relu(conv.forward(random([3, 16, 50, 33], 1, &device)));
        let gradients = y.clone().square().sum().backward();
        (values(y), values(conv.w.val().grad(&gradients).expect("a gradient")))
    };
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(step);
    let many = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap().install(step);
    assert_eq!(alone, many);
}
