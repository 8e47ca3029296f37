//! A graphics device that goes away in earnest, while it computes: the software driver's, destroyed under the program.

use super::{Meanwhile, Place, SLICES, labels};
use paser_core::device::{Compute, Description, adapters, descriptor};
use paser_core::route::Segmenter;

/// A device of the software driver for this test alone, and the handle that it can be destroyed by.
fn card() -> Option<(Compute, wgpu::Device)> {
    crate::software()?; // says aloud where there is none
    let (instance, adapters) = adapters();
    let adapter = adapters.into_iter().find(|a| Description::of(a).kind == "software")?;
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor(&adapter))).unwrap();
    let compute = Compute::shared_from(instance, adapter, device.clone(), queue).unwrap();
    Some((compute, device))
}

#[test]
fn a_device_destroyed_in_a_run_leaves_the_rest_to_the_cpu() {
    let place = Place::new();
    let Some((compute, device)) = card() else { return };
    let on_cpu = place.on_cpu();
    let segmenter = Segmenter::new(&place.bundle, compute.clone()).unwrap();
    let (whole, falls) = place.run(&segmenter, place.volume().as_ref());
    assert!(falls.unwrap().is_empty(), "the device works until it is destroyed");

    let read = Meanwhile(place.volume(), |z| {
        if z == SLICES / 2 {
            device.destroy();
        }
    });
    let (all, falls) = place.run(&segmenter, &read);
    let falls = falls.unwrap();
    // the driver tells of the loss a moment after the first reading that fails of it
    assert!(!falls.is_empty() && falls.iter().all(|f| f.slice == falls[0].slice), "{falls:?}");
    let last = falls.last().unwrap().to_string();
    assert!(last.contains("on the CPU: llvmpipe") && last.contains("the device was lost"), "{last}");
    assert!(compute.faults.lost());
    let from = falls[0].slice - 1;
    assert!((1..SLICES - 1).contains(&from), "in the middle: {last}");
    assert_eq!(labels(&all[..from]), labels(&whole[..from]), "what was finished stays");
    assert_eq!(labels(&all[from..]), labels(&on_cpu[from..]), "the rest is the CPU's");
    assert_eq!(all.len(), SLICES);
}
