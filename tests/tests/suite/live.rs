//! Live routing gives what a run gives, and computes nothing twice.

use crate::fixture::{Kind, bundle};
use paser_core::data::normalise::Prepared;
use paser_core::device::Compute;
use paser_core::event::Control;
use paser_core::hash::uniform;
use paser_core::net::UnetSpec;
use paser_core::route::tiles::Layout;
use paser_core::route::{Choice, Live, Method, Router, Segmenter, SliceResult};
use tempfile::tempdir;

const SIZE: [usize; 2] = [70, 45];

/// Three nets, so that λ = 0 and 0.5 send patches to different ones.
fn segmenter(folder: &std::path::Path) -> Segmenter {
    let net = |stem, levels: &[usize]| UnetSpec { channels: 1, classes: 3, stem, levels: levels.to_vec() };
    let kind = Kind {
        layout: Layout { tile: [32, 32], grid: [2, 2] },
        nets: vec![net(2, &[4, 4]), net(4, &[8, 8, 8]), net(8, &[8, 16, 16])],
    };
    let bundle = bundle(folder, &kind);
    let compute = Compute::cpu();
    let models = bundle.load(&compute.device).unwrap();
    Segmenter::of(bundle.manifest.clone(), models, compute)
}

fn slice() -> Prepared {
    Prepared { size: SIZE, planes: vec![uniform(8, SIZE[0] * SIZE[1], 0.0, 1.0)], masked: vec![3, 900] }
}

fn alike(live: &SliceResult, run: &SliceResult, what: &str) {
    assert_eq!(
        SliceResult { flops_run: 0, ..live.clone() },
        SliceResult { flops_run: 0, ..run.clone() },
        "{what}"
    );
}

#[test]
fn every_policy_and_method_gives_what_a_run_gives() {
    let folder = tempdir().unwrap();
    let segmenter = segmenter(folder.path());
    let control = Control::default();
    let mut live = Live::new(&segmenter, slice(), "7".to_owned()).unwrap();
    let conditioned = [0.0, 0.02, 0.4]
        .map(Router::Conditioned)
        .into_iter()
        .filter(|_| segmenter.models.conditioned.is_some());
    assert!(segmenter.models.conditioned.is_some(), "the bundle has a policy for every λ");
    let methods = [Method::Random, Method::Net(0), Method::Net(1), Method::Net(2), Method::Paser];
    for router in [Router::Fixed(0), Router::Fixed(1), Router::Fixed(0)].into_iter().chain(conditioned) {
        for method in methods {
            let choice = Choice { method, router, seed: 5 };
            let run = segmenter.segment(&[slice()], &["7".to_owned()], &choice).unwrap().swap_remove(0);
            let what = format!("{method} by {router:?}");
            alike(&live.route(&segmenter, &choice, &control).unwrap(), &run, &what);
            let again = live.route(&segmenter, &choice, &control).unwrap();
            assert_eq!(again.flops_run, 0, "{what} was computed twice");
        }
    }
}

#[test]
fn an_audit_says_what_each_net_says_there() {
    let folder = tempdir().unwrap();
    let segmenter = segmenter(folder.path());
    let control = Control::default();
    let mut live = Live::new(&segmenter, slice(), "7".to_owned()).unwrap();
    let audit = live.audit(&segmenter, [40, 69], &control).unwrap().expect("a pixel of the slice");
    assert_eq!((audit.at.y, audit.at.x, audit.at.height, audit.at.width), (64, 32, 6, 13));
    assert_eq!(live.computed(), 2);
    for net in 0..3 {
        let choice = Choice { method: Method::Net(net), router: Router::Fixed(0), seed: 0 };
        let whole = live.route(&segmenter, &choice, &control).unwrap().labels;
        let there: Vec<u8> =
            (64..70).flat_map(|y| whole[y * SIZE[1] + 32..(y + 1) * SIZE[1]].to_vec()).collect();
        assert_eq!(audit.labels[net], there, "f{net}");
    }
    assert!(live.audit(&segmenter, [45, 0], &control).unwrap().is_none());
}

#[test]
fn probabilities_sum_to_one_and_a_stopped_route_keeps_what_it_had() {
    let folder = tempdir().unwrap();
    let segmenter = segmenter(folder.path());
    let mut live = Live::new(&segmenter, slice(), "7".to_owned()).unwrap();
    let maps: Vec<Vec<f32>> = (0..3).map(|class| live.probability(&segmenter, class)).collect();
    for i in 0..SIZE[0] * SIZE[1] {
        assert!((maps.iter().map(|m| m[i]).sum::<f32>() - 1.0).abs() < 1e-5);
    }
    let stopped = Control::default();
    stopped.stop();
    let choice = Choice { method: Method::Net(2), router: Router::Fixed(0), seed: 0 };
    assert!(live.route(&segmenter, &choice, &stopped).is_err());
    assert_eq!(live.computed(), 0);
    let run = segmenter.segment(&[slice()], &["7".to_owned()], &choice).unwrap().swap_remove(0);
    alike(&live.route(&segmenter, &choice, &Control::default()).unwrap(), &run, "after a stop");
}
