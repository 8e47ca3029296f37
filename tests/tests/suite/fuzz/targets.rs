//! Every reader of what comes from outside.

use super::repair::Repair;
use super::seeds::{self, Seed};
use crate::fixture::{self, Kind};
use burn::tensor::Device;
use paser_app::window::project::{Project, Relink};
use paser_app::window::session::Session;
use paser_app::window::{State, theme::Mode};
use paser_core::bundle::Bundle;
use paser_core::data::classes::ClassMap;
use paser_core::device::Compute;
use paser_core::net::{NetSpec, UnetSpec, import};
use paser_core::route::Segmenter;
use paser_core::study::Digits;
use paser_core::train::{Preset, TrainConfig};
use paser_core::uncertainty::Calibration;
use paser_core::{trust, volume};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// A reader.
pub struct Target {
    pub name: &'static str,
    pub seeds: fn() -> Vec<Seed>,
    /// Reads what lies at a path; whether it was accepted.
    pub read: fn(&Path) -> bool,
    /// Whether each input takes a program of its own.
    pub slow: bool,
}

const fn quick(name: &'static str, seeds: fn() -> Vec<Seed>, read: fn(&Path) -> bool) -> Target {
    Target { name, seeds, read, slow: false }
}

pub const TARGETS: [Target; 16] = [
    quick("tiff", seeds::tiff, stack),
    quick("png", seeds::png, stack),
    quick("nrrd", seeds::nrrd, stack),
    quick("metaimage", seeds::metaimage, stack),
    quick("nifti", seeds::nifti, stack),
    quick("hdf5", seeds::hdf5, stack),
    quick("raw", seeds::raw, stack),
    quick("zarr", seeds::zarr, stack),
    quick("idx", idx_seeds, idx),
    quick("bundle", seeds::bundle, bundle),
    quick("net", net_seeds, net),
    quick("project", project_seeds, project),
    quick("session", session_seeds, session),
    quick("config", config_seeds, config),
    quick("classes", class_seeds, class_table),
    Target { name: "rerun", seeds: run_seeds, read: rerun, slow: true },
];

/// Opens a volume, then reads slices of it in both ways that the program reads them.
fn stack(path: &Path) -> bool {
    let sound = volume::open(path).and_then(|volume| {
        let info = volume.info();
        assert!(info.slices > 0 && info.height > 0 && info.width > 0, "an empty volume was accepted");
        for z in [info.slices - 1, 0] {
            let slice = volume.read(z)?;
            assert_eq!(slice.values.len(), info.height * info.width * info.dtype.channels());
        }
        Ok(())
    });
    if let Ok(images) = volume::open_image_set(path) {
        images.iter().take(3).for_each(|image| drop(image.read()));
    }
    sound.is_ok()
}

fn idx_seeds() -> Vec<Seed> {
    let head = [0x0803_u32, 2, 28, 28].map(u32::to_be_bytes).concat();
    let bytes = [head, vec![130; 2 * 28 * 28]].concat();
    vec![Seed::one("d.gz", Repair::gzip(&bytes)), Seed::one("d", bytes)]
}

fn idx(path: &Path) -> bool {
    let Ok(digits) = Digits::read(path.parent().unwrap(), "d") else { return false };
    (0..digits.count().min(2)).for_each(|i| drop(digits.sample(i, 0, 1)));
    true
}

/// Everything that a run reads of a bundle, and the check of its answers.
fn bundle(folder: &Path) -> bool {
    let calibration = Calibration::read(folder).is_ok();
    let cpu = Compute::cpu();
    let proved = Bundle::open(folder).and_then(|bundle| {
        let models = bundle.load(&cpu.device)?;
        let answers = bundle.manifest.answers.clone();
        let segmenter = Segmenter::of(bundle.manifest, models, cpu);
        trust::check(&segmenter.compute, &segmenter.models, &answers, &mut |_, _| ())
    });
    calibration && proved.is_ok()
}

fn net_seeds() -> Vec<Seed> {
    let spec = NetSpec::Unet(UnetSpec { channels: 1, classes: 3, stem: 2, levels: vec![4, 4] });
    vec![Seed::one("a.net", import::encode(&spec, &spec.init(&Device::flex(), 1)).unwrap())]
}

fn net(path: &Path) -> bool {
    import::decode(&std::fs::read(path).unwrap(), &Device::flex()).is_ok()
}

fn project_seeds() -> Vec<Seed> {
    let plain = Project::of(&State::new(Mode::default(), None)).text().unwrap();
    let full = plain.replacen(
        "\"stack\": null",
        r#""stack": {"at": {"relative": "p.paser", "absolute": "/none/s.tif", "fingerprint": ""}, "how": {"axes": [1, 0, 2], "crop":
        [[0, 4], [1, null], [0, null]], "bin": 2, "voxel": {"size": [1.0, 1.0, 1.0], "unit": "um"}}, "z": 1, "segmented": true,
        "window": {"low": 0.0, "high": 255.0}, "truth": {"at": {"relative": null, "absolute": "/none/t.tif", "fingerprint": "00"},
        "map": {"names": ["a", "b"], "values": [0, 1]}}}"#,
        1,
    );
    assert_ne!(full, plain);
    vec![Seed::one("p.paser", plain), Seed::one("p.paser", full)]
}

/// Reads a project, looks for what it names, and opens a stack as it says.
fn project(path: &Path) -> bool {
    let Ok(project) = Project::load(path) else { return false };
    let view = project.stack.as_ref().map(|s| s.how.clone());
    let relink = Relink::of(path.to_owned(), project);
    let _ = relink.settled();
    let project = relink.project();
    assert!(project.text().is_ok());
    view.is_none_or(|view| {
        let opened = volume::open(sample()).and_then(|v| view.of(v, None));
        opened.and_then(|v| v.read(v.info().slices - 1)).is_ok()
    })
}

/// A small stack, made once.
fn sample() -> &'static Path {
    static PLACE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = PLACE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        fixture::stack(&folder.path().join("s.tif"), [4, 40, 48], 1);
        folder
    });
    static FILE: OnceLock<std::path::PathBuf> = OnceLock::new();
    FILE.get_or_init(|| folder.path().join("s.tif"))
}

fn session_seeds() -> Vec<Seed> {
    vec![Seed::one("s", Session::of(&State::new(Mode::default(), None)).write())]
}

fn session(path: &Path) -> bool {
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    let mut state = State::new(Mode::default(), None);
    Session::read(&text).map(|session| session.restore(&mut state)).is_some()
}

fn config_seeds() -> Vec<Seed> {
    let text = |preset| serde_json::to_string(&TrainConfig::preset(preset, 1, 3)).unwrap();
    [Preset::Quick, Preset::Paper, Preset::Authors].map(|p| Seed::one("c.json", text(p))).to_vec()
}

fn config(path: &Path) -> bool {
    TrainConfig::read(path).and_then(|config| config.check()).is_ok()
}

fn class_seeds() -> Vec<Seed> {
    ["pore=2,carbon=1,nickel=0", "pore=#0000ff,solid=#ff0000"].map(|text| Seed::one("c", text)).to_vec()
}

fn class_table(path: &Path) -> bool {
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    let map = text.parse::<ClassMap>();
    map.map(|map| map.truth(&[0, 1, 255, u32::MAX])).is_ok()
}

/// A place with a bundle, a stack and a run's evidence, made once.
fn place() -> &'static Path {
    static PLACE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = PLACE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        fixture::bundle(&folder.path().join("bundle"), &Kind::small());
        fixture::stack(&folder.path().join("s.tif"), [2, 32, 32], 1);
        let flags = ["segment", &at("s.tif"), "--bundle", &at("bundle"), "--out", &at("out"), "--no-report"];
        fixture::json(folder.path(), &flags);
        folder
    });
    made.path()
}

fn run_seeds() -> Vec<Seed> {
    let text = std::fs::read_to_string(place().join("out/run.json")).unwrap();
    // without the recorded machine the text is short, so that changes meet what is read
    let mut run: serde_json::Value = serde_json::from_str(&text).unwrap();
    run["run"]["device"] = serde_json::json!({ "name": "CPU" });
    vec![Seed::one("run.json", run.to_string())]
}

/// Repeats a run by the program, which may take 4 GB and must end by itself.
fn rerun(path: &Path) -> bool {
    let place = place();
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "ulimit -v 4000000; exec \"$0\" rerun \"$1\" --bundle \"$2\" --stack \"$3\" --device cpu",
    ]);
    command.arg(fixture::program()).arg(path).arg(place.join("bundle")).arg(place.join("s.tif"));
    let output = command.env("PASER_CACHE", place).env("RAYON_NUM_THREADS", "1").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)) && !errors.contains("panicked"), "{errors}");
    output.status.success()
}
