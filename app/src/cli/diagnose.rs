//! `paser diagnose`: what computes here, how fast, and whether it can be trusted. Nothing personal.

use super::Common;
use crate::impersonal::Impersonal;
use paser_core::device::{Compute, Description, Wish, adapters, choose};
use paser_core::hash::Stream;
use paser_core::net::dropout::Off;
use paser_core::net::{NetSpec, UnetSpec};
use paser_core::route::tiles::Layout;
use paser_core::trust::{self, remembered};
use paser_core::{Error, Result, hash};
use serde::Serialize;
use std::time::Instant;

#[derive(Serialize)]
struct Diagnosis {
    program: String,
    system: String,
    session: Option<String>,
    threads: usize,
    memory_gigabytes: Option<f64>,
    adapters: Vec<Description>,
    devices: Vec<Measured>,
    bundle: Option<String>,
    sample: Option<String>,
    cache: Option<String>,
    trust: std::collections::BTreeMap<String, trust::Verdict>,
}

#[derive(Serialize)]
struct Measured {
    device: Description,
    usable: bool,
    problem: Option<String>,
    /// Seconds of one pass: f0 on a tile, f1 and f2 on the patches of a tile.
    seconds: Vec<(String, f64)>,
}

pub(super) fn run(common: &Common) -> Result<()> {
    let found = adapters().1.iter().map(Description::of).collect();
    let mut devices = vec![measure(Compute::cpu())];
    match choose(Wish::Gpu) {
        Ok((compute, _)) => devices.push(measure(compute)),
        Err(e) => eprintln!("{e}"),
    }
    let path = |p: Result<std::path::PathBuf>| p.ok().map(|p| p.display().to_string());
    let diagnosis = Diagnosis {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        system: format!("{}, {} {}", system(), std::env::consts::OS, std::env::consts::ARCH),
        session: std::env::var("XDG_SESSION_TYPE").ok(),
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        memory_gigabytes: memory(),
        adapters: found,
        devices,
        bundle: path(super::places::bundle()),
        sample: path(super::places::sample()),
        cache: paser_core::places::cache_dir().map(|p| p.display().to_string()),
        trust: remembered(),
    };
    let json = serde_json::to_string(&diagnosis).map_err(|e| Error::invalid(e.to_string()))?;
    let impersonal = Impersonal::here();
    let value: serde_json::Value =
        serde_json::from_str(&impersonal.text(&json)).map_err(|e| Error::invalid(e.to_string()))?;
    common.print(&value, &impersonal.text(&describe(&diagnosis)))
}

/// Name and version of the system, where it says them.
fn system() -> String {
    let text = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text.lines().find_map(|l| l.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| "system unnamed".to_owned(), |n| n.trim_matches('"').to_owned())
}

/// Memory of the machine, where the system tells it without being asked by an unsafe call.
fn memory() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes = text.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
    Some(kilobytes.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1e6)
}

fn measure(compute: Compute) -> Measured {
    let outcome = trust::check_gradients(&compute).and_then(|()| speeds(&compute));
    let problem = outcome.as_ref().err().map(ToString::to_string);
    Measured {
        device: compute.description,
        usable: problem.is_none(),
        problem,
        seconds: outcome.unwrap_or_default(),
    }
}

fn speeds(compute: &Compute) -> Result<Vec<(String, f64)>> {
    let Layout { tile, .. } = Layout::PAPER;
    let (patch, patches) = (Layout::PAPER.patch(), Layout::PAPER.patches());
    let nets = [
        ("f0, one tile", UnetSpec::f0(1, 3), 1, tile),
        ("f1, 16 patches", UnetSpec::f1(1, 3), patches, patch),
        ("f2, 16 patches", UnetSpec::f2(1, 3), patches, patch),
    ];
    let one = |(name, spec, batch, size): (&str, UnetSpec, usize, [usize; 2])| {
        let net = NetSpec::Unet(spec).init(&compute.device, Stream::new(0, name).seed().into());
        let x = hash::uniform(7, batch * size[0] * size[1], 0.0, 1.0);
        let mut best = f64::INFINITY;
        for _ in 0..3 {
            let started = Instant::now();
            let logits = net.forward_values(&x, [batch, 1, size[0], size[1]], &compute.device, &mut Off);
            if logits.is_empty() {
                return Err(Error::Device(format!("{} gave no numbers back", compute.description.name)));
            }
            best = best.min(started.elapsed().as_secs_f64());
        }
        Ok((name.to_owned(), best))
    };
    nets.into_iter().map(one).collect()
}

fn describe(d: &Diagnosis) -> String {
    let mut text = format!("PaSeR Studio {} on {}, {} threads", d.program, d.system, d.threads);
    text += &d.memory_gigabytes.map_or_else(String::new, |gb| format!(", {gb:.1} GB of memory"));
    text += &d.session.as_ref().map_or_else(String::new, |s| format!(", {s} session"));
    text += if d.adapters.is_empty() { "\nadapter: none that can compute\n" } else { "\n" };
    for a in &d.adapters {
        text += &format!("adapter: {} ({}), {}, {}\n", a.name, a.kind, a.backend, a.driver);
    }
    for m in &d.devices {
        let state = m.problem.as_deref().unwrap_or("usable");
        text += &format!("device: {} ({}): {state}\n", m.device.name, m.device.driver);
        for (name, seconds) in &m.seconds {
            text += &format!("  {name}: {:.1} ms\n", 1e3 * seconds);
        }
    }
    for (key, verdict) in &d.trust {
        text += &format!("known answers: {key}: {}\n", verdict.failure.as_deref().unwrap_or("right"));
    }
    let show = |p: &Option<String>| p.clone().unwrap_or_else(|| "not found".to_owned());
    text + &format!("bundle: {}\nsample: {}\ncache: {}\n", show(&d.bundle), show(&d.sample), show(&d.cache))
}
