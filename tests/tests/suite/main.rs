//! Golden-number, pipeline, command-line and window tests across the public interfaces.

mod baselines;
mod commands;
mod comparison;
mod crash;
mod error_bars;
mod faults;
mod fixture;
mod fuzz;
mod golden;
mod house;
mod kernels;
mod kills;
mod learning;
mod live;
mod measures;
mod nets;
mod packaging;
mod pipeline;
mod refusals;
mod report;
mod runs;
mod shipped;
mod soak;
mod studies;
mod training;
mod whole;
mod window;

use paser_core::device::{Compute, Wish, choose};
use std::sync::OnceLock;

/// The software Vulkan device, opened once; absent (and said aloud) where none is installed.
fn software() -> Option<&'static Compute> {
    static DEVICE: OnceLock<Option<Compute>> = OnceLock::new();
    let device = DEVICE.get_or_init(|| match choose(Wish::Software) {
        Ok((compute, _)) => Some(compute),
        Err(e) => {
            println!("SKIPPED: no software Vulkan here ({e})");
            None
        }
    });
    device.as_ref()
}
