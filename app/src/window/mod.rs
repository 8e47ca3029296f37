//! The window: opens a stack, segments it, and shows which patch went to which net.
//!
//! One way: events change the [`State`], panes read it and push [`Command`]s, one handler carries
//! them out. Tensors stay on the compute thread.

pub mod about;
mod app;
pub mod arrival;
pub mod batch;
pub mod bench;
pub mod canvas;
pub mod choices;
pub mod command;
pub mod comparison;
mod dialog;
pub mod drift;
pub mod engine;
pub mod events;
pub mod figures;
pub mod grey;
pub mod history;
pub mod import;
pub mod keys;
pub mod log;
pub mod memory;
pub mod notice;
pub mod overview;
mod panels;
pub mod project;
pub mod promise;
pub mod question;
pub mod recovery;
pub mod results;
pub mod session;
pub mod stages;
pub mod state;
pub mod study;
mod text;
pub mod theme;
pub mod training;
pub mod trial;
pub mod truth;
mod unopened;

pub use app::Studio;
pub use command::Command;
pub use state::State;

use crate::logs;
use arrival::Arrival;
use bench::{Course, Drive};
use eframe::egui_wgpu::{self, SurfaceConfig, WgpuSetup, WgpuSetupCreateNew};
use eframe::{CreationContext, NativeOptions};
use engine::{Engine, Handles, Source};
use paser_core::device::{Description, Wish, descriptor};
use paser_core::fault::said;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use theme::Mode;
use unopened::unopened;

/// Name of the program for the system: its folder of settings bears it.
const APP: &str = "paser-studio";

/// Frames as fast as they come, to time them.
const UNTHROTTLED: SurfaceConfig =
    SurfaceConfig { present_mode: wgpu::PresentMode::AutoNoVsync, ..SurfaceConfig::HIGH_THROUGHPUT };

/// How the window starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// A stack to open at once.
    pub stack: Option<PathBuf>,
    /// Folder of the shipped bundle.
    pub bundle: PathBuf,
    /// The bundled sample stack.
    pub sample: Option<PathBuf>,
    /// The licences of everything in the program.
    pub licences: Option<PathBuf>,
    /// Where to compute.
    pub wish: Wish,
    /// Lets the window drive itself and time its frames.
    pub drive: Option<Course>,
    /// Says on stdout how far the window has come, and closes it.
    pub until_ready: bool,
}

/// Opens the window and stays until it is closed.
///
/// # Errors
/// A sentence with the remedy where no window can be opened.
pub fn run(options: Options) -> Result<(), String> {
    let native = NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_app_id(APP)
            .with_title("PaSeR Studio")
            .with_inner_size([1360.0, 850.0])
            .with_min_inner_size([980.0, 640.0])
            .with_drag_and_drop(true),
        wgpu_options: egui_wgpu::WgpuConfiguration {
            wgpu_setup: graphics(),
            surface: if options.drive.is_some() { UNTHROTTLED } else { SurfaceConfig::HIGH_THROUGHPUT },
            ..Default::default()
        },
        ..Default::default()
    };
    let opened = Arc::new(AtomicBool::new(false));
    let there = opened.clone();
    let create =
        move |cc: &CreationContext<'_>| -> Result<Box<dyn eframe::App>, Box<dyn Error + Send + Sync>> {
            there.store(true, Ordering::SeqCst);
            logs::expect_panics(false);
            Ok(Box::new(studio(cc, options)?))
        };
    logs::expect_panics(true);
    let end = catch_unwind(AssertUnwindSafe(|| eframe::run_native("PaSeR Studio", native, Box::new(create))));
    logs::expect_panics(false);
    match end {
        Ok(end) => end.map_err(|e| unopened(&e.to_string())),
        Err(panic) if opened.load(Ordering::SeqCst) => resume_unwind(panic),
        Err(panic) => Err(unopened(&said(panic.as_ref()))),
    }
}

/// The window's device: made so that it can compute too where it is a real card.
fn graphics() -> WgpuSetup {
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    let usual = setup.device_descriptor.clone();
    setup.device_descriptor = Arc::new(move |adapter| {
        if Description::of(adapter).is_real_gpu() && can_compute(adapter) {
            descriptor(adapter)
        } else {
            usual(adapter)
        }
    });
    WgpuSetup::CreateNew(setup)
}

/// OpenGL draws, but its compute shaders lack what the nets' kernels need.
fn can_compute(adapter: &wgpu::Adapter) -> bool {
    adapter.get_info().backend != wgpu::Backend::Gl
}

fn studio(cc: &CreationContext<'_>, options: Options) -> Result<Studio, String> {
    let ctx = cc.egui_ctx.clone();
    let wake = Arc::new(move || ctx.request_repaint());
    let engine = Engine::start(source(cc, options.wish), wake)?;
    let mut state = State::new(Mode::default(), options.sample);
    if let Some(session) = app::remembered(cc.storage) {
        session.restore(&mut state);
    }
    let mut studio = Studio::with(&cc.egui_ctx, state, engine);
    match (options.drive, eframe::storage_dir(APP)) {
        (Some(course), _) => studio.drive = Some(Drive::new(course)),
        (None, Some(folder)) => studio.keep_in(&folder),
        (None, None) => {}
    }
    studio.state.about.file = options.licences;
    studio.arrival = options.until_ready.then(Arrival::begin);
    studio.begin(&cc.egui_ctx, options.bundle, options.stack);
    Ok(studio)
}

/// Where to compute: on the window's own device if it is a real card, else as wished.
fn source(cc: &CreationContext<'_>, wish: Wish) -> Source {
    let shared = cc.wgpu_render_state.as_ref().filter(|state| {
        matches!(wish, Wish::Auto | Wish::Gpu)
            && Description::of(&state.adapter).is_real_gpu()
            && can_compute(&state.adapter)
    });
    match shared {
        Some(state) => Source::Shared(Box::new(Handles {
            instance: state.instance.clone(),
            adapter: state.adapter.clone(),
            device: state.device.clone(),
            queue: state.queue.clone(),
        })),
        None => Source::Own(wish),
    }
}
