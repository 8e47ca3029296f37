//! Methods side by side: cascades at their ends, the oracle's bound, costs by hand, the files.

use crate::fixture::{Kind, bundle};
use crate::training::Place;
use paser_core::bundle::{Bundle, CascadeEntry};
use paser_core::compare::{Cascade, IdkCost, Row, Table, Wanted, compare, reward_costs};
use paser_core::data::dataset::Sample;
use paser_core::data::normalise::Prepared;
use paser_core::device::Compute;
use paser_core::event::Control;
use paser_core::hash;
use paser_core::net::UnetSpec;
use paser_core::route::tiles::Layout;
use paser_core::route::{Choice, Method, Router, Segmenter};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::path::Path;
use tempfile::tempdir;

const NETS: usize = 3;
const PATCHES: usize = 4;

/// A bundle of three nets with random weights and open gates, where f1's gate takes `passes` passes.
fn segmenter_with(folder: &Path, passes: usize) -> Segmenter {
    let net = |stem, levels: &[usize]| UnetSpec { channels: 1, classes: 3, stem, levels: levels.to_vec() };
    let nets = vec![net(2, &[4, 4]), net(3, &[6, 6, 6]), net(4, &[8, 8, 8])];
    let kind = Kind { layout: Layout { tile: [32, 32], grid: [2, 2] }, nets };
    let bundle: Bundle = bundle(folder, &kind);
    let compute = Compute::cpu();
    let mut manifest = bundle.manifest.clone();
    manifest.cascade = Some(gates([0.9, 0.9]));
    manifest.monte_carlo.gates = passes;
    Segmenter::of(manifest, bundle.load(&compute.device).unwrap(), compute)
}

fn segmenter(folder: &Path) -> Segmenter {
    segmenter_with(folder, 1)
}

fn gates(gates: [f64; NETS - 1]) -> CascadeEntry {
    let cascade = Cascade::with_gates(gates.to_vec());
    CascadeEntry { chosen: cascade.clone(), matched: cascade }
}

/// Two slices of two whole tiles each, with random values and truth.
fn slices() -> Vec<Sample> {
    let size = [32, 64];
    let pixels = size[0] * size[1];
    let one = |seed: u32| Sample {
        name: seed.to_string(),
        hash: seed.to_string(),
        image: Prepared { size, planes: vec![hash::uniform(seed, pixels, 0.0, 1.0)], masked: Vec::new() },
        truth: hash::uniform(seed + 9, pixels, 0.0, 3.0).into_iter().map(|v| (v as u8).min(2)).collect(),
    };
    vec![one(1), one(2)]
}

fn rows(segmenter: &Segmenter, wanted: &Wanted) -> Vec<Row> {
    let control = Control::default();
    compare(segmenter, &slices(), &[0, 1], wanted, (1, &control), &mut |_, _, _| ()).unwrap()
}

fn table(segmenter: &Segmenter) -> Table {
    Table::build(segmenter, &slices(), &[0, 1], &Control::default(), &mut |_| ()).unwrap()
}

#[test]
fn a_cascade_of_three_nets_at_its_ends_is_its_first_or_its_last_net() {
    let folder = tempdir().unwrap();
    let mut segmenter = segmenter_with(folder.path(), 3);
    let image = [slices().swap_remove(0).image];
    let names = [String::new()];
    let run = |segmenter: &Segmenter, method| {
        let choice = Choice { method, router: Router::Fixed(0), seed: 1 };
        segmenter.segment(&image, &names, &choice).unwrap().swap_remove(0)
    };
    for (ends, alone) in [([f64::NEG_INFINITY; 2], Method::Net(2)), ([f64::INFINITY; 2], Method::Net(0))] {
        segmenter.manifest.cascade = Some(gates(ends));
        let (cascade, alone) = (run(&segmenter, Method::Idk), run(&segmenter, alone));
        assert_eq!(cascade.labels, alone.labels, "gates at {}", ends[0]);
        let rows = rows(&segmenter, &Wanted::default());
        let named = |name: &str| rows.iter().find(|r| r.method == name).unwrap();
        let net = if ends[0] > 0.0 { "f0" } else { "f2" };
        assert_eq!(named("idk").iou, named(net).iou, "in the table, gates at {}", ends[0]);
        assert_eq!(named("idk").shares, named(net).shares);
    }
}

#[test]
fn flops_of_every_method_are_those_counted_by_hand() {
    let folder = tempdir().unwrap();
    let gate_passes = 3;
    let mut segmenter = segmenter_with(folder.path(), gate_passes);
    let entropies: Vec<f32> =
        table(&segmenter).tiles.iter().flat_map(|t| &t.patches).map(|p| p.sureness[0].entropy).collect();
    let middle = f64::from(entropies.iter().sum::<f32>() / entropies.len() as f32);
    segmenter.manifest.cascade = Some(gates([middle, middle]));
    let costs = segmenter.costs().clone();
    let passes = segmenter.manifest.monte_carlo.passes as f64;
    // two slices of two tiles of four patches
    let (tiles, patches) = (4.0, 16.0);
    let doubt = tiles * passes * costs.f0 as f64;
    let nets =
        |shares: &[f64]| -> f64 { (1..NETS).map(|i| patches * shares[i] * costs.patch[i] as f64).sum() };
    let rows = rows(&segmenter, &Wanted { timed: true, ..Wanted::default() });
    for row in &rows {
        let by_hand = match row.method.as_str() {
            "f0" => doubt,
            "f1" => patches * costs.patch[1] as f64,
            "f2" => patches * costs.patch[2] as f64,
            "random" => doubt + nets(&row.shares),
            // every patch but those that f0 keeps went through f1's passes, and those that f2 keeps through both
            "idk" | "idk-match" => {
                let f1 = (1.0 - row.shares[0]) * gate_passes as f64 * costs.patch[1] as f64;
                doubt + patches * (f1 + row.shares[2] * costs.patch[2] as f64)
            }
            // both kinds of policy have the same size here
            "paser" | "paser, λ-conditioned" | "random, same shares" | "oracle" => {
                doubt + tiles * costs.policy as f64 + nets(&row.shares)
            }
            other => panic!("{other} was not counted"),
        };
        let (total, hand) = (row.flops_total as f64, by_hand);
        assert!((total - hand).abs() <= 2.0, "{}: {total} by the table, {hand} by hand", row.method);
        assert!((row.iou_per_gigaflop - row.iou / (hand / 1e9)).abs() < 1e-6 * row.iou_per_gigaflop);
        let timed = !matches!(row.method.as_str(), "oracle" | "random, same shares");
        assert_eq!(row.seconds.is_some(), timed, "{}", row.method);
        assert_eq!(row.flops_run.is_some(), timed, "{}", row.method);
    }
    let idk = rows.iter().find(|r| r.method == "idk").unwrap();
    assert!(idk.shares[0] > 0.0 && idk.shares[0] < 1.0, "gates in the middle: {:?}", idk.shares);
    // f1's patches run without padding, f0's passes share their beginning
    let run = |name: &str| rows.iter().find(|r| r.method == name).and_then(|r| r.flops_run).unwrap();
    assert_eq!(run("f1") as f64, patches * costs.patch[1] as f64);
    let shared = (costs.f0_prefix as f64) * (passes - 1.0) * tiles;
    assert_eq!(run("f0") as f64, doubt - shared);
}

#[test]
fn what_runs_in_earnest_is_what_the_table_says() {
    for passes in [1, 3] {
        earnest(passes);
    }
}

fn earnest(passes: usize) {
    let folder = tempdir().unwrap();
    let mut segmenter = segmenter_with(folder.path(), passes);
    let all = table(&segmenter);
    let doubt = |net: usize| {
        let each = all.tiles.iter().flat_map(|t| &t.patches).map(move |p| f64::from(p.sureness[net].entropy));
        let mut each: Vec<f64> = each.collect();
        each.sort_by(f64::total_cmp);
        each[each.len() / 2]
    };
    segmenter.manifest.cascade = Some(gates([doubt(0), doubt(1)]));
    let (samples, control) = (slices(), Control::default());
    let data = paser_core::data::dataset::Dataset {
        samples: samples.clone(),
        range: paser_core::data::normalise::Range { low: 0.0, high: 1.0 },
        ignored: 0,
    };
    let rows = rows(&segmenter, &Wanted::default());
    let lambda = segmenter.manifest.policies[1].lambda;
    for (name, method) in [
        ("f0", Method::Net(0)),
        ("f2", Method::Net(2)),
        ("idk", Method::Idk),
        ("paser", Method::Paser),
        ("oracle", Method::Oracle),
    ] {
        let choice = Choice { method, router: Router::Fixed(1), seed: 1 };
        let said = paser_core::evaluate::evaluate(&segmenter, &data, &[0, 1], &choice, &control, &mut |_| ());
        let said = said.unwrap();
        let row = rows.iter().find(|r| r.method == name && r.lambda.is_none_or(|l| l == lambda)).unwrap();
        assert!((said.iou - row.iou).abs() < 1e-12, "{name}: {} and {}", said.iou, row.iou);
        assert_eq!((said.flops_total, &said.shares), (row.flops_total, &row.shares), "{name}");
        assert_eq!(said.iou_per_class, row.iou_per_class, "{name}");
    }
}

#[test]
fn the_oracle_is_never_beaten_on_the_reward() {
    let folder = tempdir().unwrap();
    let segmenter = segmenter(folder.path());
    let table = table(&segmenter);
    let costs = reward_costs(&segmenter);
    let rows = rows(&segmenter, &Wanted::default());
    for oracle in rows.iter().filter(|r| r.method == "oracle") {
        let rivals = rows.iter().filter(|r| r.lambda == oracle.lambda);
        let best = rivals.filter_map(|r| r.reward).fold(f64::NEG_INFINITY, f64::max);
        assert!(best <= oracle.reward.unwrap() + 1e-9, "λ {:?}", oracle.lambda);
    }
    let bound: Vec<(f64, f64)> =
        rows.iter().filter(|r| r.method == "oracle").filter_map(|r| Some((r.lambda?, r.reward?))).collect();
    let actions = prop::collection::vec(prop::collection::vec(0..NETS as u8, PATCHES), table.tiles.len());
    TestRunner::new(Config::with_cases(300))
        .run(&(actions, 0..bound.len()), |(actions, which)| {
            let (lambda, most) = bound[which];
            let each = table.image_rewards(&actions, &costs, lambda);
            let reward = each.iter().sum::<f64>() / each.len() as f64;
            prop_assert!(reward <= most + 1e-6, "{reward} above {most} at λ {lambda}");
            Ok(())
        })
        .unwrap();
}

#[test]
fn assignment_and_the_way_to_the_oracle_add_up() {
    let folder = tempdir().unwrap();
    let segmenter = segmenter(folder.path());
    let rows = rows(&segmenter, &Wanted::default());
    let patches = 2 * 2 * PATCHES as u64;
    for row in &rows {
        let counts = row.assignment.as_ref().unwrap();
        assert_eq!(counts.iter().flatten().sum::<u64>(), patches, "{}: every patch once", row.method);
        if row.method == "oracle" {
            let off = (0..NETS).flat_map(|i| (0..NETS).map(move |j| (i, j))).filter(|(i, j)| i != j);
            assert!(off.into_iter().all(|(i, j)| counts[i][j] == 0), "the oracle agrees with itself");
        }
        if row.spread.is_none() {
            let chosen = |net: usize| counts.iter().map(|r| r[net]).sum::<u64>() as f64 / patches as f64;
            assert!((0..NETS).all(|net| (chosen(net) - row.shares[net]).abs() < 1e-12), "{}", row.method);
        }
        let part = row.to_oracle.filter(|_| row.method.starts_with("paser"));
        assert!(part.is_none_or(|p| p <= 1.0 + 1e-9), "{}: {part:?}", row.method);
        assert_eq!(row.to_oracle.is_some(), row.method.starts_with("paser"), "{}", row.method);
    }
}

#[test]
fn a_match_is_the_cheapest_cascade_within_a_thousandth_where_there_is_one() {
    let folder = tempdir().unwrap();
    let segmenter = segmenter(folder.path());
    let table = table(&segmenter);
    let through = [0, 1, 11];
    let start = Cascade::choose(&table, &[0.1, 0.3, 0.6], 0.01, IdkCost::Accepting);
    let fixed = |gate: f64| Cascade::with_gates(vec![gate; 2]);
    let cost = |c: &Cascade| table.flops(&c.decide(&table), 0, &through);
    let (sure, doubting) = (fixed(9.0).iou(&table), fixed(-9.0).iou(&table));
    for goal in [sure, doubting, f64::midpoint(sure, doubting)] {
        let matched = start.matching(&table, goal, &through);
        let reached = matched.iou(&table);
        assert!(reached >= goal - 1e-12, "an IoU between the ends can be reached: {reached} for {goal}");
        assert!(cost(&matched) <= cost(&fixed(-9.0)), "no cascade costs more than one that always doubts");
    }
    assert_eq!(start.matching(&table, 2.0, &through).grid, start.grid, "the grid stays with the gates");
}

#[test]
fn a_cascade_that_pays_for_all_its_nets_doubts_less() {
    let folder = tempdir().unwrap();
    let table = table(&segmenter(folder.path()));
    let costs = [0.1, 0.3, 0.6];
    let last = |cost| {
        let cascade = Cascade::choose(&table, &costs, 0.5, cost);
        assert_eq!(cascade.cost, cost);
        let actions = cascade.decide(&table);
        let paid: f64 =
            actions.iter().flatten().map(|net| costs[..=usize::from(*net)].iter().sum::<f64>()).sum();
        (paid, cascade.loss)
    };
    let ((sum, dear), (accepting, cheap)) = (last(IdkCost::Sum), last(IdkCost::Accepting));
    assert!(
        sum <= accepting + 1e-9,
        "paying for all nets cannot choose the dearer cascade: {sum}, {accepting}"
    );
    assert!(dear >= cheap - 1e-9, "the same gates never look cheaper when all nets are paid for");
}

#[test]
fn the_table_is_written_whole_and_overwrites_nothing() {
    let place = Place::new("5", "64");
    place.run(&place.train("b", &["--split", "3,1,1", "--set", "tvd=null"]));
    let (bundle, out) = (place.text("b"), place.text("out"));
    let compare = |more: &[&str]| {
        place.data("compare", &[&["--bundle", &bundle, "--split", "test", "--out", &out][..], more].concat())
    };
    let said = place.run(&compare(&[]));
    let rows = said["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|r| r["method"].as_str().unwrap()).collect();
    for wanted in ["f0", "f1", "random", "idk", "idk-match", "paser", "paser, λ-conditioned", "oracle"] {
        assert!(names.contains(&wanted), "{names:?}");
    }
    let read =
        |end: &str| std::fs::read_to_string(place.at("out").join(format!("comparison.{end}"))).unwrap();
    assert_eq!(read("csv").lines().count(), rows.len() + 1);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&read("json")).unwrap(), said);
    assert_eq!(read("md").lines().filter(|l| l.starts_with("| ")).count(), rows.len() + 1);
    let svg = read("svg");
    assert!(
        svg.contains("macro IoU") && svg.contains("GFLOPs") && svg.contains(">f1<") && !svg.contains("NaN")
    );
    place.refuses(&compare(&[]), "exists already");
    let some = place.run(&compare(&[
        "--force",
        "--methods",
        "f1,oracle",
        "--idk-cost",
        "sum",
        "--noise",
        "gaussian:0.1",
    ]));
    let rows = some["rows"].as_array().unwrap();
    assert!(rows.iter().all(|r| r["method"] == "f1" || r["method"] == "oracle"), "{rows:?}");
    assert_eq!(some["noise"], "gaussian:0.1");
    place.refuses(&compare(&["--force", "--methods", "f1,matphase"]), "the bundle holds no matphase");
    place.refuses(&compare(&["--force", "--methods", "f7"]), "no net f7");
    place.refuses(&compare(&["--force", "--methods", "best"]), "no method of this program");
}
