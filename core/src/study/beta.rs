//! β of the distillation by grid search (Eq. 1; the paper's appendix gives the result, 0.01, and no grid): f0 is
//! trained anew at every β, all else is the bundle's.

use super::again::{Again, nets, still};
use super::diary::Curves;
use super::ground::Ground;
use super::{Context, Page, Scale, Table as Sheet};
use crate::bundle::Bundle;
use crate::data::dataset::{Dataset, Split};
use crate::error::Result;
use crate::evaluate::evaluate;
use crate::metrics::mean;
use crate::route::{Choice, Method, Router, Segmenter};
use crate::train::config::{Length, Stage};
use crate::train::{Own, TrainConfig};
use serde::Serialize;
use serde_json::json;
use std::time::Instant;

/// The paper's choice.
const PAPER: f64 = 0.01;

/// An f0 trained at one β from one seed.
#[derive(Serialize)]
struct Pupil {
    beta: f64,
    seed: u64,
    /// IoU on the images that the bundle was chosen by; none where there are none.
    validation: Option<f64>,
    /// IoU on the images measured on.
    test: f64,
}

pub(super) fn run(context: &mut Context<'_>) -> Result<Page> {
    let since = Instant::now();
    let mut ground = Ground::of(context)?;
    let folder = context.folder_of("beta", &ground.bundle)?;
    let (grid, seeds): (&[f64], u64) = match context.scale {
        Scale::Trial => (&[0.0, PAPER], 1),
        Scale::Workstation => (&[0.0, PAPER, 0.1, 0.5, 1.0], 2),
        Scale::Paper => (&[0.0, 0.001, PAPER, 0.1, 0.5, 1.0], 3),
    };
    let (mut pupils, mut curves) = (Vec::new(), Curves::default());
    for beta in grid {
        for seed in context.seed..context.seed + seeds {
            let (bundle, looks) = pupil(context, &ground, &folder, *beta, seed)?;
            pupils.push(measured(context, &mut ground, &bundle, *beta, seed)?);
            curves = looks;
        }
    }
    let own = bundled(context, &mut ground)?;
    Ok(page(context, &ground, &pupils, own, &curves, since))
}

/// The bundle with an f0 trained at `beta` from `seed`.
fn pupil(
    context: &mut Context<'_>,
    ground: &Ground,
    folder: &std::path::Path,
    beta: f64,
    seed: u64,
) -> Result<(Bundle, Curves)> {
    let [train, validation] = ground.taught()?.map(<[usize]>::to_vec);
    let mut first = nets(ground, &context.compute.device)?;
    first[0] = None;
    let one = [train.clone(), validation.clone()];
    let looked_at = train[..1].to_vec();
    Again {
        ground,
        folder: folder.to_owned(),
        name: format!("β {beta}, seed {seed}"),
        config: config(context, ground, beta, seed),
        samples: ground.samples.clone(),
        // what follows the training of f0, and is not asked for here, looks at one image only
        split: Split { train, validation: looked_at.clone(), test: Vec::new() },
        own: Own { nets: vec![one; first.len()], policy: looked_at },
        first,
        about: "f0 trained anew at one β, all else as it was",
    }
    .bundle(context)
}

fn config(context: &Context<'_>, ground: &Ground, beta: f64, seed: u64) -> TrainConfig {
    let still = still(&ground.bundle.manifest, seed);
    let distil = match context.scale {
        Scale::Paper => Stage { length: Length::Epochs(200), batch: 32, learning_rate: 1e-4, cosine: false },
        Scale::Workstation => {
            Stage { length: Length::Steps(200), batch: 6, learning_rate: 3e-3, cosine: true }
        }
        Scale::Trial => Stage { length: Length::Steps(2), batch: 2, ..still.distil },
    };
    TrainConfig { distil, beta, taught: None, kd_printed: true, ..still }
}

fn measured(
    context: &mut Context<'_>,
    ground: &mut Ground,
    bundle: &Bundle,
    beta: f64,
    seed: u64,
) -> Result<Pupil> {
    let segmenter = Segmenter::new(bundle, context.compute.clone())?;
    let [validation, test] = both(context, ground, &segmenter)?;
    Ok(Pupil { beta, seed, validation, test: test.unwrap_or(f64::NAN) })
}

/// The bundle's own f0.
fn bundled(context: &mut Context<'_>, ground: &mut Ground) -> Result<[Option<f64>; 2]> {
    let segmenter = ground.with(|_| (), context)?;
    both(context, ground, &segmenter)
}

/// IoU of f0 on the images that the bundle was chosen by, and on those measured on.
fn both(context: &Context<'_>, ground: &mut Ground, segmenter: &Segmenter) -> Result<[Option<f64>; 2]> {
    let choice = Choice { method: Method::Net(0), router: Router::Fixed(0), seed: context.seed };
    let data = Dataset { samples: std::mem::take(&mut ground.samples), ..ground.data() };
    let iou = |numbers: &[usize]| {
        let all = || evaluate(segmenter, &data, numbers, &choice, context.control, &mut |_| ());
        (!numbers.is_empty()).then(all).transpose().map(|e| e.map(|e| e.iou))
    };
    let found = (iou(&ground.split.validation), iou(&ground.numbers));
    ground.samples = data.samples;
    Ok([found.0?, found.1?])
}

fn page(
    context: &Context<'_>,
    ground: &Ground,
    pupils: &[Pupil],
    own: [Option<f64>; 2],
    curves: &Curves,
    since: Instant,
) -> Page {
    let best = best(pupils);
    let steps = if context.scale == Scale::Paper { "200 epochs" } else { "200 steps of 6 tiles" };
    let mut notes = vec![format!(
        "The best mean IoU on the validation images is at β {}; the paper's grid search, whose grid it does not give, ended at {PAPER}.",
        best.map_or_else(|| "–".to_owned(), |b| b.to_string())
    )];
    notes.extend(spread(pupils).map(|[between, within]| {
        format!("Between the β, means differ by up to {between:.4}; between seeds at one β, by up to {within:.4}. A difference below the second says nothing.")
    }));
    Page {
        name: "beta".to_owned(),
        title: "β, the weight of the distillation (Eq. 1, appendix)".to_owned(),
        text: vec![
            format!(
                "Bundle {}, {}. f0 was trained from fresh weights at every β and seed: loss CE + β KD as printed, the teacher is the bundle's largest net on every tile, no augmentation, {steps}.",
                ground.bundle.manifest.name, ground.on
            ),
            "IoU is f0's alone on whole images, mean of its Monte Carlo passes.".to_owned(),
        ],
        tables: vec![grid(pupils, own), curves.table()],
        figures: curves.figure("beta").into_iter().collect(),
        notes,
        figures_json: json!({ "on": ground.on, "pupils": pupils, "bundle": own, "training": curves }),
        scale: context.scale.name(),
        device: context.compute.description.clone(),
        seconds: since.elapsed().as_secs_f64(),
        seed: context.seed,
    }
}

/// Every β once, in order.
fn betas(pupils: &[Pupil]) -> Vec<f64> {
    let mut betas: Vec<f64> = pupils.iter().map(|p| p.beta).collect();
    betas.dedup();
    betas
}

fn over(pupils: &[Pupil], beta: f64, f: &dyn Fn(&Pupil) -> Option<f64>) -> Vec<f64> {
    pupils.iter().filter(|p| p.beta == beta).filter_map(f).collect()
}

/// The β with the best mean on the validation images, on the test images where there are none.
fn best(pupils: &[Pupil]) -> Option<f64> {
    let judged = |beta: &f64| mean(&over(pupils, *beta, &|p| p.validation.or(Some(p.test))));
    betas(pupils).into_iter().max_by(|a, b| judged(a).total_cmp(&judged(b)))
}

/// How far the means of the β lie apart, and how far seeds do at most at one β.
fn spread(pupils: &[Pupil]) -> Option<[f64; 2]> {
    let range = |values: &[f64]| {
        let (low, high) =
            values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
        high - low
    };
    let each: Vec<Vec<f64>> =
        betas(pupils).iter().map(|beta| over(pupils, *beta, &|p| Some(p.test))).collect();
    if each.iter().all(|seeds| seeds.len() < 2) {
        return None;
    }
    let means: Vec<f64> = each.iter().map(|seeds| mean(seeds)).collect();
    Some([range(&means), each.iter().map(|seeds| range(seeds)).fold(0.0, f64::max)])
}

fn grid(pupils: &[Pupil], own: [Option<f64>; 2]) -> Sheet {
    let none = || "–".to_owned();
    let line = |beta: &f64| {
        let [validation, test] =
            [over(pupils, *beta, &|p| p.validation), over(pupils, *beta, &|p| Some(p.test))];
        let show = |values: &[f64]| {
            let all: Vec<String> = values.iter().map(|v| format!("{v:.4}")).collect();
            if values.is_empty() {
                [none(), none()]
            } else {
                [format!("{:.4}", mean(values)), all.join(", ")]
            }
        };
        let ([v, v_seeds], [t, t_seeds]) = (show(&validation), show(&test));
        vec![format!("{beta}"), v, v_seeds, t, t_seeds]
    };
    let mut rows: Vec<Vec<String>> = betas(pupils).iter().map(line).collect();
    let [v, t] = own.map(|iou| iou.map_or_else(none, |i| format!("{i:.4}")));
    rows.push(vec!["the bundle's f0 (longer, with augmentation)".to_owned(), v, none(), t, none()]);
    let columns = ["β", "IoU, validation", "by seed", "IoU, test", "by seed"];
    Sheet::new("grid", "f0 at every β", &columns, rows)
}
