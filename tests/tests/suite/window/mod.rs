//! The window without threads behind it: pictures of its states, and what keys, wheel and commands do.

use egui::{Event, Modifiers, MouseWheelUnit, Pos2, TouchPhase, pos2, vec2};
use egui_kittest::kittest::Queryable;
use egui_kittest::{Harness, SnapshotOptions, SnapshotResults};
use paser_app::window::command::{Command, Effect, handle};
use paser_app::window::engine::{Event as Told, Job, Opened};
use paser_app::window::events::absorb;
use paser_app::window::grey::Grey;
use paser_app::window::results::{Kept, Model, Summary};
use paser_app::window::state::Layer;
use paser_app::window::theme::Mode;
use paser_app::window::{State, Studio};
use paser_core::bundle::{
    CurvePoint, F0Label, Hashed, Manifest, MonteCarlo, NetEntry, PolicyEntry, SplitRecord,
};
use paser_core::data::classes::classes;
use paser_core::data::normalise::Normalisation;
use paser_core::device::Description;
use paser_core::hash::unit;
use paser_core::net::{NetSpec, UnetSpec};
use paser_core::route::segment::Costs;
use paser_core::route::tiles::{Layout, Rect};
use paser_core::route::{PatchRoute, SliceResult};
use paser_core::volume::{Dtype, Slice, SliceReader, Volume, VolumeInfo};
use std::path::PathBuf;
use std::sync::Arc;

mod about;
mod basics;
mod dialogs;
mod driven;
mod live;
mod panes;
mod states;
mod studies;
mod studies_driven;

pub(super) const SLICES: usize = 40;
pub(super) const SIZE: [usize; 2] = [448, 512];
pub(super) const WINDOW: [f32; 2] = [1280.0, 860.0];

/// A stack of round particles in carbon and pore.
pub(super) struct Fake(VolumeInfo);

impl SliceReader for Fake {
    fn info(&self) -> &VolumeInfo {
        &self.0
    }

    fn read(&self, z: usize) -> paser_core::Result<Slice> {
        Ok(scene(z).0)
    }
}

/// Distance to the nearest particle's border, in pixels; negative inside.
pub(super) fn distance(x: usize, y: usize, z: usize) -> f32 {
    let disc = |i: u32| {
        let at = |seed: u32, span: usize| (unit(seed, i) * 1.1 - 0.05) as f32 * span as f32;
        let radius = 16.0 + 60.0 * (unit(3, i) * unit(4, i)) as f32 + 3.0 * (z as f32 / 6.0 + i as f32).sin();
        let (dx, dy) = (x as f32 - at(1, SIZE[1]), y as f32 - at(2, SIZE[0]));
        (dx * dx + dy * dy).sqrt() - radius
    };
    (0..48).map(disc).fold(f32::INFINITY, f32::min)
}

/// A slice and its labels and entropy.
pub(super) fn scene(z: usize) -> (Slice, Vec<u8>, Vec<f32>) {
    let (mut grey, mut labels, mut entropy) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..SIZE[0] * SIZE[1] {
        let d = distance(i % SIZE[1], i / SIZE[1], z);
        let label = if d < 0.0 { 2u8 } else { u8::from(d < 9.0) };
        let (x, y) = ((i % SIZE[1]) as f32, (i / SIZE[1]) as f32);
        let noise = 12.0 * (x / 9.0 + z as f32).sin() * (y / 7.0).cos();
        grey.push(([48.0, 92.0, 180.0][usize::from(label)] + noise).clamp(0.0, 255.0).round());
        labels.push(label);
        let nearest = d.abs().min((d - 9.0).abs());
        entropy.push(1.05 * (-nearest / 3.0).exp() + 0.03);
    }
    (Slice { height: SIZE[0], width: SIZE[1], channels: 1, values: grey }, labels, entropy)
}

pub(super) fn model() -> Model {
    let hashed = || Hashed { file: "f".to_owned(), sha256: String::new() };
    let specs = [UnetSpec::f0(1, 3), UnetSpec::f1(1, 3), UnetSpec::f2(1, 3)];
    let lambdas = [0.0, 0.01, 0.05, 0.1, 0.3];
    let point = |(i, lambda): (usize, &f64)| {
        let t = 1.0 - i as f64 / 4.0;
        let shares = vec![1.0 - 0.8 * t, 0.5 * t, 0.3 * t];
        CurvePoint {
            lambda: *lambda,
            shares,
            iou: 0.61 + 0.15 * t.sqrt(),
            flops: 1e9 + 9e9 * t,
            tvd: 1.0 - t,
        }
    };
    let manifest = Manifest {
        format: Manifest::format(),
        name: "Electrode".to_owned(),
        about: String::new(),
        program: String::new(),
        classes: classes(&["pore", "carbon", "nickel"]),
        layout: Layout::PAPER,
        nets: specs.map(|s| NetEntry { spec: NetSpec::Unet(s), weights: hashed() }).into(),
        policies: lambdas.map(|lambda| PolicyEntry { lambda, tvd: None, weights: hashed() }).into(),
        conditioned: None,
        others: Vec::new(),
        cascade: None,
        lambda: 0.05,
        monte_carlo: MonteCarlo { passes: 8, seed: 1, label: F0Label::Mean, gates: 1, dropout: true },
        normalisation: Normalisation::Fixed { high: 255.0 },
        curve: lambdas.iter().enumerate().map(point).collect(),
        split: SplitRecord::default(),
        training: serde_json::Value::Null,
        answers: Vec::new(),
    };
    let costs = Costs {
        f0: 90_000_000,
        f0_prefix: 0,
        policy: 0,
        conditioned: 0,
        patch: vec![5_000_000, 140_000_000, 2_250_000_000],
    };
    Model { manifest, costs, reward_costs: vec![0.001, 0.06, 0.94] }
}

/// Patches by their doubt: the upper ones to M, the highest to L.
pub(super) fn result(z: usize) -> SliceResult {
    let (_, labels, entropy) = scene(z);
    let layout = Layout::PAPER;
    let mut routes = Vec::new();
    for corner in layout.tiles(SIZE) {
        for at in (0..layout.patches()).filter_map(|i| layout.patch_in_slice(corner, i, SIZE)) {
            let mean = mean(&entropy, at);
            let net = u8::from(mean > 0.24) + u8::from(mean > 0.31);
            let probabilities =
                [[0.61, 0.27, 0.12], [0.21, 0.58, 0.21], [0.11, 0.27, 0.62]][usize::from(net)];
            routes.push(PatchRoute { at, net, probabilities: probabilities.into(), entropy: mean });
        }
    }
    let flops = routes.iter().map(|r| [45, 185, 2295][usize::from(r.net)] * 1_000_000).sum();
    SliceResult {
        size: SIZE,
        labels,
        entropy,
        routes,
        flops_total: flops,
        flops_run: flops,
        masked: 0,
        probabilities: Vec::new(),
    }
}

pub(super) fn mean(entropy: &[f32], at: Rect) -> f32 {
    let rows = (at.y..at.y + at.height).flat_map(|y| &entropy[y * SIZE[1] + at.x..][..at.width]);
    rows.sum::<f32>() / at.area() as f32
}

pub(super) fn info() -> VolumeInfo {
    VolumeInfo {
        slices: SLICES,
        height: SIZE[0],
        width: SIZE[1],
        dtype: Dtype::U8,
        voxel_size: Some([0.32; 3]),
        unit: Some("um".to_owned()),
        axes: "ZYX".to_owned(),
        bytes: (SLICES * SIZE[0] * SIZE[1]) as u64,
    }
}

pub(super) fn opened(path: &str) -> Opened {
    let volume: Volume = Arc::new(Fake(info()));
    let first = Arc::new(Grey::of(&scene(20).0));
    let ends = first.ends(Dtype::U8);
    let window = first.histogram(ends).window();
    let (path, how) = (PathBuf::from(path), paser_core::volume::View::default());
    Opened { path, volume, info: info(), file: info(), how, z: 20, first, ends, window }
}

/// A window with bundle and stack, nothing segmented.
pub(super) fn ready(mode: Mode) -> State {
    let mut state = State::new(mode, Some(PathBuf::from("/sample.tif")));
    let card =
        Description { name: "Example RTX".to_owned(), kind: "discrete".to_owned(), ..Description::cpu() };
    absorb(&mut state, Told::Device(card, None));
    absorb(&mut state, Told::Model(Ok(Box::new(model()))));
    handle(&mut state, Command::Open(PathBuf::from("/data/electrode.tif")));
    absorb(&mut state, Told::Opened(Ok(Box::new(opened("/data/electrode.tif")))));
    state
}

/// The same with results for most slices.
pub(super) fn segmented(mode: Mode) -> State {
    let mut state = ready(mode);
    let (kept, summary) = Kept::of(result(20), &model(), 0.05);
    let stack = state.stack.as_mut().expect("a stack");
    for z in (0..34).filter(|z| *z != 20) {
        let hard = if (24..30).contains(&z) { 0.22 } else { 0.08 };
        let (l, m) = (hard + 0.04 * unit(5, z as u32), 0.3 + 0.08 * unit(6, z as u32));
        let summary = Summary { shares: vec![1.0 - l - m, m, l], ..summary.clone() };
        stack.results.put(z, Kept { labels: Vec::new(), entropy: Vec::new(), ..kept.clone() }, summary);
    }
    stack.results.put(20, kept, summary);
    state.speed = Some(41.0);
    state
}

pub(super) fn harness(state: State) -> Harness<'static, Studio> {
    harness_of(state, WINDOW)
}

pub(super) fn harness_of(state: State, size: [f32; 2]) -> Harness<'static, Studio> {
    let mut harness = Harness::builder()
        .with_size(vec2(size[0], size[1]))
        .build_eframe(|cc| Studio::of(&cc.egui_ctx, state));
    harness.run_steps(3);
    harness
}

pub(super) fn z(harness: &Harness<'_, Studio>) -> usize {
    harness.state().state.stack.as_ref().map_or(0, |s| s.z)
}

pub(super) const ON_SLICE: Pos2 = pos2(300.0, 300.0);

pub(super) fn wheel(harness: &mut Harness<'_, Studio>, lines: f32, modifiers: Modifiers) {
    harness.hover_at(ON_SLICE);
    let delta = vec2(0.0, lines);
    let (unit, phase, source) = (MouseWheelUnit::Line, TouchPhase::Move, egui::MouseWheelSource::Wheel);
    harness.event_modifiers(Event::MouseWheel { unit, delta, phase, source, modifiers }, modifiers);
    harness.run_steps(4);
}

/// Pictures of several windows in one test.
pub(super) fn pictures(scenes: impl IntoIterator<Item = (String, State)>, size: [f32; 2]) {
    let mut results = SnapshotResults::new();
    for (name, state) in scenes {
        let mut harness = harness_of(state, size);
        picture(&name, &mut harness);
        results.extend(harness.take_snapshot_results());
    }
}

pub(super) fn picture(name: &str, harness: &mut Harness<'_, Studio>) {
    if super::software().is_none() {
        return;
    }
    // Drivers round colours and edges a little differently; a moved or missing part is far more.
    let options = SnapshotOptions::new().threshold(1.5).max_failed_pixels(400);
    harness.snapshot_options(name, &options);
}
