//! Which device computes: the window's shared GPU, a headless GPU, or the CPU.

use crate::error::{Error, Result};
use crate::fault::{Faults, is_loss};
use burn::tensor::wgpu::WgpuSetup;
use burn::tensor::{Device, TensorData};
use cubecl_runtime::config::cache::CacheConfig;
use cubecl_runtime::config::{CubeClRuntimeConfig, RuntimeConfig};
use serde::{Deserialize, Serialize};

/// What the user asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wish {
    /// A real GPU where there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A real GPU, or nothing.
    Gpu,
    /// The graphics driver that computes on the CPU: for checks, far slower than [`Wish::Cpu`].
    Software,
}

/// A device as the user should see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Card or "CPU".
    pub name: String,
    /// Driver and its version; the number of threads for the CPU.
    pub driver: String,
    /// Graphics interface, or "flex" for the CPU.
    pub backend: String,
    /// "discrete", "integrated", "virtual", "software" or "cpu".
    pub kind: String,
    /// Largest single buffer in bytes, where known.
    pub largest_buffer: Option<u64>,
}

impl Description {
    /// Whether it is a graphics card and not a CPU that acts as one.
    pub fn is_real_gpu(&self) -> bool {
        matches!(self.kind.as_str(), "discrete" | "integrated" | "virtual")
    }

    /// The CPU.
    pub fn cpu() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            name: "CPU".to_owned(),
            driver: format!("{threads} threads"),
            backend: "flex".to_owned(),
            kind: "cpu".to_owned(),
            largest_buffer: None,
        }
    }

    /// Of a graphics adapter.
    pub fn of(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => "discrete",
            wgpu::DeviceType::IntegratedGpu => "integrated",
            wgpu::DeviceType::VirtualGpu => "virtual",
            wgpu::DeviceType::Cpu => "software",
            wgpu::DeviceType::Other => "unknown",
        };
        Self {
            name: info.name,
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            backend: format!("{:?}", info.backend).to_lowercase(),
            kind: kind.to_owned(),
            largest_buffer: Some(adapter.limits().max_buffer_size),
        }
    }
}

/// A device that computes.
#[derive(Clone, Debug)]
pub struct Compute {
    /// Burn's handle; not for gradients.
    pub device: Device,
    /// What it is.
    pub description: Description,
    /// What it complained of.
    pub faults: Faults,
    /// Largest batch that it is given.
    pub largest_batch: usize,
}

impl Compute {
    /// The CPU, always there.
    pub fn cpu() -> Self {
        Self::of(Device::flex(), Description::cpu())
    }

    /// `device`, which is what `description` says.
    pub fn of(device: Device, description: Description) -> Self {
        Self { device, description, faults: Faults::default(), largest_batch: usize::MAX }
    }

    /// The graphics device that `setup` holds, shared with whoever made it. Register a setup once.
    ///
    /// # Errors
    /// Where Burn refuses the setup.
    pub fn shared(setup: WgpuSetup) -> Result<Self> {
        let description = Description::of(&setup.adapter);
        keep_tuning();
        let graphics = setup.device.clone();
        let device = Device::wgpu_options().setup(setup).init().map_err(|e| {
            Error::Device(format!("{} cannot compute ({e}); the CPU is used instead", description.name))
        })?;
        let compute = Self::of(device, description);
        // Burn's own handler ends the program; a lost frame or a lack of memory must not. Kernels that are refused
        // while they are tried never come here, and Burn watches by itself whether the device is lost.
        let (faults, name) = (compute.faults.clone(), compute.description.name.clone());
        graphics.on_uncaptured_error(std::sync::Arc::new(move |e| {
            tracing::error!("graphics device: {e}");
            let why = format!("{name} failed ({})", first_line(&e.to_string()));
            if why.contains("lost") { faults.lose(why) } else { faults.report(why) }
        }));
        Ok(compute)
    }

    /// The graphics device with these handles, shared with whoever made it. Register a device once.
    ///
    /// # Errors
    /// As [`Self::shared`].
    pub fn shared_from(
        instance: wgpu::Instance,
        adapter: wgpu::Adapter,
        device: wgpu::Device,
        queue: wgpu::Queue,
    ) -> Result<Self> {
        let backend = adapter.get_info().backend;
        Self::shared(WgpuSetup { instance, adapter, device, queue, backend })
    }

    /// Sizes of batches of patches that this device runs: few, so that each is tuned and checked once.
    pub fn patch_batches(&self) -> &'static [usize] {
        self.allowed(if self.description.is_real_gpu() { &[1, 4, 16, 64] } else { &[1, 4, 16] })
    }

    /// The same for whole tiles.
    pub fn tile_batches(&self) -> &'static [usize] {
        self.allowed(if self.description.is_real_gpu() { &[1, 4, 16] } else { &[1, 4] })
    }

    fn allowed(&self, sizes: &'static [usize]) -> &'static [usize] {
        &sizes[..sizes.iter().filter(|n| **n <= self.largest_batch).count().max(1)]
    }

    /// The largest batch to try after a fault; none where only another device helps.
    pub fn smaller_batch(&self) -> Option<usize> {
        let sizes = self.patch_batches();
        let next = sizes.len().checked_sub(2).map(|i| sizes[i]);
        next.filter(|_| !self.faults.lost())
    }

    /// Whether the CPU could go on where this device fails.
    pub fn is_graphics(&self) -> bool {
        self.description.kind != "cpu"
    }

    /// Values read back from the device.
    ///
    /// # Errors
    /// Where it gave none, or complained of something meanwhile.
    pub fn read(&self, data: TensorData) -> Result<Vec<f32>> {
        let values = crate::route::segment::floats(data);
        if let Some(lost) = values.as_ref().err().filter(|e| is_loss(e)) {
            self.faults.lose(format!("{}: {lost}", self.description.name));
        }
        self.faults.check()?;
        values
    }
}

/// The device for `wish`, and a sentence where it is not what one would expect.
///
/// # Errors
/// Where a GPU was asked for and there is none that works.
pub fn choose(wish: Wish) -> Result<(Compute, Option<String>)> {
    let wanted = |d: &Description| match wish {
        Wish::Cpu => false,
        Wish::Software => d.kind == "software",
        Wish::Auto | Wish::Gpu => d.is_real_gpu(),
    };
    if wish == Wish::Cpu {
        return Ok((Compute::cpu(), None));
    }
    let (instance, found) = adapters();
    let missing = missing(&found.iter().map(Description::of).collect::<Vec<_>>());
    let opened = match found.into_iter().find(|a| wanted(&Description::of(a))) {
        Some(adapter) => open(instance, adapter).and_then(Compute::shared),
        None => Err(Error::Device(missing)),
    };
    match (opened, wish) {
        (Ok(compute), _) => Ok((compute, None)),
        (Err(e), Wish::Auto) => Ok((Compute::cpu(), Some(format!("computing on the CPU: {e}")))),
        (Err(e), _) => Err(e),
    }
}

/// Why none of the adapters `found` is a graphics card.
fn missing(found: &[Description]) -> String {
    let remedy =
        "if this machine has a card, install its Vulkan driver; the CPU does the same work more slowly";
    match found.iter().find(|d| !d.is_real_gpu()) {
        Some(d) => {
            let name = d.name.split(" (").next().unwrap_or_default();
            format!("the only graphics driver found ({name}) is software, not a card; {remedy}")
        }
        None => format!("no graphics card that can compute was found; {remedy}"),
    }
}

/// Kernels that were tuned for a card are found again at the next start, beside the program's other caches: by itself
/// Burn would keep them in the folder of whatever Rust project the program was started in, and read its settings there.
fn keep_tuning() {
    let mut config = CubeClRuntimeConfig::default();
    if let Some(folder) = crate::places::cache_dir() {
        config.environment.path = CacheConfig::Directory(folder.join("tuning"));
    }
    // false where a device of this program has said so before
    CubeClRuntimeConfig::try_set(config);
}

/// All adapters that can compute, real cards first.
pub fn adapters() -> (wgpu::Instance, Vec<wgpu::Adapter>) {
    let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters = pollster::block_on(instance.enumerate_adapters(backends));
    adapters.sort_by_key(|a| match a.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        _ => 3,
    });
    (instance, adapters)
}

/// What a graphics device must be created with so that it can compute too: all the adapter has, as
/// the compute kernels are chosen by the adapter's abilities.
pub fn descriptor(adapter: &wgpu::Adapter) -> wgpu::DeviceDescriptor<'static> {
    let features = adapter.features()
        - wgpu::Features::MAPPABLE_PRIMARY_BUFFERS
        - wgpu::Features::all_experimental_mask();
    wgpu::DeviceDescriptor {
        label: Some("PaSeR"),
        required_features: features,
        required_limits: adapter.limits(),
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        ..Default::default()
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or("no reason given").chars().take(160).collect()
}

fn open(instance: wgpu::Instance, adapter: wgpu::Adapter) -> Result<WgpuSetup> {
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor(&adapter)))
        .map_err(|e| Error::Device(format!("{} cannot be opened ({e})", adapter.get_info().name)))?;
    let backend = adapter.get_info().backend;
    Ok(WgpuSetup { instance, adapter, device, queue, backend })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_software_driver_and_no_driver_are_told_apart() {
        let software = Description {
            name: "llvmpipe (LLVM 15, 256 bits)".to_owned(),
            kind: "software".to_owned(),
            ..Description::cpu()
        };
        assert!(missing(&[software]).starts_with("the only graphics driver found (llvmpipe)"));
        assert!(missing(&[]).starts_with("no graphics card"));
    }
}
