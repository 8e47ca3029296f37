//! Reading the golden files and filling nets the way they were made (see tests/golden/README.md).

use burn::tensor::{Device, Tensor, TensorData};
use paser_core::hash;
use paser_core::net::params::{self, State, Values};
use paser_core::net::{Policy, Unet, UnetSpec};
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One golden file: every tensor as f64 with its shape.
pub struct Golden(BTreeMap<String, (Vec<usize>, Vec<f64>)>);

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

impl Golden {
    pub fn read(name: &str) -> Self {
        let bytes = std::fs::read(folder().join(format!("{name}.safetensors"))).expect("the golden file");
        let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
        let tensors = file.tensors().into_iter().map(|(name, view)| {
            let d = view.data();
            let values = match view.dtype() {
                Dtype::F32 => d.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).into()).collect(),
                Dtype::F64 => d.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
                Dtype::I64 => d.chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect(),
                Dtype::U8 => d.iter().map(|b| f64::from(*b)).collect(),
                other => panic!("golden tensors of type {other:?} are not expected"),
            };
            (name, (view.shape().to_vec(), values))
        });
        Self(tensors.collect())
    }

    pub fn values(&self, name: &str) -> Vec<f32> {
        self.0[name].1.iter().map(|v| *v as f32).collect()
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        self.0[name].1.iter().map(|v| *v as u8).collect()
    }

    pub fn exact(&self, name: &str) -> &[f64] {
        &self.0[name].1
    }

    pub fn tensor<const D: usize>(&self, name: &str, device: &Device) -> Tensor<D> {
        Tensor::from_data(TensorData::new(self.values(name), self.0[name].0.clone()), device)
    }

    /// Tensors whose names begin with `prefix`, which is cut off.
    pub fn with_prefix(&self, prefix: &str) -> Vec<(String, Values)> {
        let own = self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value)));
        own.map(|(name, (shape, data))| {
            (ours(name), Values { shape: shape.clone(), data: data.iter().map(|v| *v as f32).collect() })
        })
        .collect()
    }
}

/// "enc0.c1.w" -> "enc.0.c1.w", as the nets name their tensors.
fn ours(golden: &str) -> String {
    match golden.split_once('.') {
        Some((block, rest)) if block.starts_with("enc") || block.starts_with("dec") => {
            format!("{}.{}.{rest}", &block[..3], &block[3..])
        }
        _ => golden.to_owned(),
    }
}

/// A U-Net with the golden weights of `net_id`.
pub fn unet(spec: &UnetSpec, net_id: u32, device: &Device) -> Unet {
    let fresh = Unet::new(spec, device, &mut hash::Stream::new(0, "golden"));
    let blocks = |name: &str, count: usize| {
        (0..count)
            .flat_map(|i| ["c0.w", "c0.b", "c1.w", "c1.b"].map(|t| format!("{name}.{i}.{t}")))
            .collect::<Vec<_>>()
    };
    let levels = spec.levels.len();
    let mut names = vec!["stem.w".to_owned(), "stem.b".to_owned()];
    names.extend(blocks("enc", levels));
    names.extend(blocks("dec", levels - 1));
    names.extend(["head.w".to_owned(), "head.b".to_owned()]);
    params::load(fresh.clone(), hashed(&params::state(&fresh), &names, net_id))
        .expect("names and shapes of a U-Net")
}

/// The policy with its golden weights.
pub fn policy(device: &Device) -> Policy {
    let fresh = Policy::new(16, 3, device, &mut hash::Stream::new(0, "golden"));
    let norm = |name: &str| ["g", "b", "mean", "var"].map(|t| format!("{name}.{t}")).to_vec();
    let mut names = vec!["conv1.w".to_owned()];
    names.extend(norm("bn1"));
    for (conv, bn) in [("res.conv1", "res.bn1"), ("res.conv2", "res.bn2"), ("res.proj", "res.projbn")] {
        names.push(format!("{conv}.w"));
        names.extend(norm(bn));
    }
    names.extend(["fc.w".to_owned(), "fc.b".to_owned()]);
    params::load(fresh.clone(), hashed(&params::state(&fresh), &names, 4))
        .expect("names and shapes of the policy")
}

fn hashed(state: &State, names: &[String], net_id: u32) -> State {
    assert_eq!(names.len(), state.len(), "every tensor has a place in the golden order");
    let fill = |(t, name): (usize, &String)| {
        let shape = state[name].shape.clone();
        let fan_in: usize = shape[1..].iter().product();
        let w = (6.0 / fan_in as f64).sqrt();
        let (low, high) = match name.rsplit('.').next() {
            Some("w") => (-w, w),
            Some("g" | "var") => (0.75, 1.25),
            _ => (-0.1, 0.1),
        };
        let data = hash::uniform(net_id * 1000 + t as u32, shape.iter().product(), low, high);
        (name.clone(), Values { shape, data })
    };
    names.iter().enumerate().map(fill).collect()
}

/// Asserts that no value differs by more than `tolerance`; says the largest difference.
pub fn close(what: &str, ours: &[f32], golden: &[f32], tolerance: f32) {
    assert_eq!(ours.len(), golden.len(), "{what}: number of values");
    let worst = ours
        .iter()
        .zip(golden)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |m: f32, d| if d.is_nan() { d } else { m.max(d) });
    assert!(worst <= tolerance, "{what}: largest difference {worst:e}, allowed {tolerance:e}");
    println!("{what}: largest difference {worst:.1e} (allowed {tolerance:.0e})");
}

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_into_vec().expect("values of a tensor")
}
