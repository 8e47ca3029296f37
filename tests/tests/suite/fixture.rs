//! Bundles with random weights and small stacks, made for a test.

use paser_core::bundle::{
    self, Bundle, ConditionedEntry, F0Label, MANIFEST, Manifest, MonteCarlo, NetEntry, PolicyEntry, Sees,
    SplitRecord,
};
use paser_core::data::classes::classes;
use paser_core::data::normalise::Normalisation;
use paser_core::export::{StackMeta, StackWriter};
use paser_core::hash::{self, Stream};
use paser_core::net::{NetSpec, Policy, UnetSpec, params};
use paser_core::route::tiles::Layout;
use paser_core::trust;
use paser_core::volume::Dtype;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// What a test bundle is made of.
pub struct Kind {
    pub layout: Layout,
    pub nets: Vec<UnetSpec>,
}

impl Kind {
    /// Two small nets over 2x2 patches of 16x16.
    pub fn small() -> Self {
        let net =
            |stem, levels: &[usize]| UnetSpec { channels: 1, classes: 3, stem, levels: levels.to_vec() };
        Self {
            layout: Layout { tile: [32, 32], grid: [2, 2] },
            nets: vec![net(2, &[4, 4]), net(4, &[8, 8, 8])],
        }
    }
}

/// Writes a bundle with random weights and its own known answers.
pub fn bundle(folder: &Path, kind: &Kind) -> Bundle {
    std::fs::create_dir_all(folder).unwrap();
    let cpu = burn::tensor::Device::flex();
    let count = kind.nets.len();
    let net = |(i, spec): (usize, &UnetSpec)| {
        let spec = NetSpec::Unet(spec.clone());
        let state = params::state(&spec.init(&cpu, i as u64));
        NetEntry {
            spec,
            weights: bundle::write_weights(folder, &format!("f{i}.safetensors"), &state, true).unwrap(),
        }
    };
    let policy = |lambda: f64| {
        let net = Policy::new(
            kind.layout.patches(),
            count,
            &cpu,
            &mut Stream::new(lambda.to_bits(), "test policy"),
        );
        let weights = bundle::write_weights(
            folder,
            &format!("policy-{lambda}.safetensors"),
            &params::state(&net),
            false,
        );
        PolicyEntry { lambda, tvd: None, weights: weights.unwrap() }
    };
    let names: Vec<String> = (0..kind.nets[0].classes).map(|i| format!("class{i}")).collect();
    let mut manifest = Manifest {
        format: Manifest::format(),
        name: "test".to_owned(),
        about: "random weights, for tests".to_owned(),
        program: "0".to_owned(),
        classes: classes(&names),
        layout: kind.layout,
        nets: kind.nets.iter().enumerate().map(net).collect(),
        policies: [0.0, 0.5].map(policy).to_vec(),
        conditioned: Some(ConditionedEntry {
            costs: (0..count).map(|i| i as f64 / count as f64).collect(),
            temperature: 0.1,
            sees: Sees::Tile,
            preferred: false,
            curve: Vec::new(),
            weights: policy(0.25).weights,
        }),
        others: Vec::new(),
        cascade: None,
        lambda: 0.5,
        monte_carlo: MonteCarlo { passes: 3, seed: 1, label: F0Label::Mean, gates: 1, dropout: true },
        normalisation: Normalisation::Percentiles { low: 0.5, high: 99.5 },
        curve: Vec::new(),
        split: SplitRecord::default(),
        training: serde_json::Value::Null,
        answers: Vec::new(),
    };
    let save = |m: &Manifest| std::fs::write(folder.join(MANIFEST), serde_json::to_vec(m).unwrap()).unwrap();
    save(&manifest);
    let models = Bundle::open(folder).unwrap().load(&cpu).unwrap();
    manifest.answers = trust::answers(&models, &kind.layout, kind.nets[0].channels).unwrap();
    save(&manifest);
    Bundle::open(folder).unwrap()
}

/// A grey stack of random values.
pub fn stack(path: &Path, shape: [usize; 3], seed: u32) -> PathBuf {
    stack_of(path, shape, &|z, i| (255.0 * hash::unit(seed + z as u32, i as u32)) as u8)
}

/// A stack whose pixel `i` of slice `z` has the value `value(z, i)`.
pub fn stack_of(path: &Path, shape: [usize; 3], value: &dyn Fn(usize, usize) -> u8) -> PathBuf {
    let mut writer = StackWriter::create(path, shape, Dtype::U8, &StackMeta::default(), true).unwrap();
    for z in 0..shape[0] {
        writer.push_u8(&(0..shape[1] * shape[2]).map(|i| value(z, i)).collect::<Vec<_>>()).unwrap();
    }
    writer.finish().unwrap()
}

/// The program as `tests/run` built it.
pub fn program() -> PathBuf {
    let deps = std::env::current_exe().expect("the test's own path");
    let folder = deps.parent().and_then(Path::parent).expect("the target folder");
    let program = folder.join(format!("paser{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is missing; build it first (tests/run does)", program.display());
    program
}

/// Runs the program on the CPU with a cache of its own.
pub fn paser(cache: &Path, arguments: &[&str]) -> Output {
    Command::new(program())
        .args(arguments)
        .args(["--device", "cpu"])
        .env("PASER_CACHE", cache)
        .output()
        .expect("the program runs")
}

/// Starts the program on the CPU with a cache of its own; what it says is not kept.
pub fn spawn(cache: &Path, arguments: &[String]) -> Child {
    let mut command = Command::new(program());
    command.args(arguments).args(["--device", "cpu"]).env("PASER_CACHE", cache);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}

/// Runs the program, which must succeed, and reads its JSON.
pub fn json(cache: &Path, arguments: &[&str]) -> serde_json::Value {
    let output = paser(cache, &[arguments, &["--json"]].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{arguments:?} printed no JSON document: {e}"))
}

/// Runs the program, which must fail with exit 1 and end with one sentence that holds `needle`.
pub fn refused(cache: &Path, arguments: &[&str], needle: &str) {
    let output = paser(cache, arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {errors}");
    assert!(output.stdout.is_empty(), "{arguments:?} printed a result");
    let last = errors.trim_end().lines().last().unwrap_or_default();
    assert!(last.contains(needle), "{arguments:?}: \"{last}\" does not say \"{needle}\"");
    assert!(!errors.contains("panicked"), "{arguments:?}: {errors}");
}

/// Copies a folder with all in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}
