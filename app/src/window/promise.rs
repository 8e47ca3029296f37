//! What the bundle's validation promises for a λ, and the λ that a budget asks for. The one place
//! of the window that knows how λ is decided with a bundle.

use paser_core::bundle::{CurvePoint, Manifest};
use paser_core::route::{Choice, Method, Router};

/// Seed of everything that chance decides: the command line's where none is given.
pub const SEED: u64 = 42;

/// The choice that λ means with this bundle.
pub fn choice(manifest: &Manifest, lambda: f64) -> Choice {
    Choice { method: Method::Paser, router: manifest.router(lambda), seed: SEED }
}

/// Whether one policy serves every λ, so that λ need not stop anywhere.
pub fn continuous(manifest: &Manifest) -> bool {
    matches!(manifest.router(manifest.lambda), Router::Conditioned(_))
}

/// Figures on validation slices by rising λ, of the policies that decide.
pub fn curve(manifest: &Manifest) -> Vec<&CurvePoint> {
    match manifest.conditioned.as_ref().filter(|_| continuous(manifest)) {
        Some(entry) => entry.curve.iter().collect(),
        None => {
            let trained = manifest.curve.iter().zip(&manifest.policies).filter(|(_, p)| p.tvd.is_none());
            trained.map(|(point, _)| point).collect()
        }
    }
}

/// What validation found at λ; between two points of a policy for every λ, in proportion.
pub fn at(manifest: &Manifest, lambda: f64) -> Option<CurvePoint> {
    let curve = curve(manifest);
    let near = |p: &CurvePoint| (p.lambda - lambda).abs();
    let nearest = curve.iter().min_by(|a, b| near(a).total_cmp(&near(b)))?;
    let pair = curve.windows(2).find(|w| (w[0].lambda..=w[1].lambda).contains(&lambda));
    match pair {
        Some(w) if continuous(manifest) => Some(between(w[0], w[1], lambda)),
        _ => Some((*nearest).clone()),
    }
}

fn between(a: &CurvePoint, b: &CurvePoint, lambda: f64) -> CurvePoint {
    let part = (lambda - a.lambda) / (b.lambda - a.lambda).max(f64::MIN_POSITIVE);
    let mix = |a: f64, b: f64| a + part * (b - a);
    CurvePoint {
        lambda,
        shares: a.shares.iter().zip(&b.shares).map(|(a, b)| mix(*a, *b)).collect(),
        iou: mix(a.iou, b.iou),
        flops: mix(a.flops, b.flops),
        tvd: mix(a.tvd, b.tvd),
    }
}

/// The next λ of the curve above or below `lambda`; none at its end.
pub fn next(manifest: &Manifest, lambda: f64, above: bool) -> Option<f64> {
    let curve = curve(manifest);
    let mut lambdas = curve.iter().map(|p| p.lambda);
    if above { lambdas.find(|l| *l > lambda + 1e-9) } else { lambdas.rfind(|l| *l < lambda - 1e-9) }
}

/// Where λ stands on a slider from 0 to 1, and its number of steps where it has to stop at some.
/// A policy for every λ gets more room at small λ, where the larger nets begin to pay.
pub fn place(manifest: &Manifest, lambda: f64) -> (f32, Option<usize>) {
    if continuous(manifest) {
        return (lambda.sqrt() as f32, None);
    }
    let curve = curve(manifest);
    let steps = curve.len().saturating_sub(1).max(1);
    let near = |p: &CurvePoint| (p.lambda - lambda).abs();
    let nearest = curve.iter().enumerate().min_by(|a, b| near(a.1).total_cmp(&near(b.1)));
    (nearest.map_or(0, |n| n.0) as f32 / steps as f32, Some(steps))
}

/// The λ at a place of the slider.
pub fn lambda_at(manifest: &Manifest, place: f32) -> Option<f64> {
    let place = f64::from(place.clamp(0.0, 1.0));
    if continuous(manifest) {
        return Some((place * place * 1000.0).round() / 1000.0);
    }
    let curve = curve(manifest);
    let steps = curve.len().saturating_sub(1).max(1) as f64;
    curve.get((place * steps).round() as usize).map(|p| p.lambda)
}

/// The λ whose routing lies nearest to `tvd` from that at λ = 0.
pub fn for_tvd(manifest: &Manifest, tvd: f64) -> Option<f64> {
    let near = |p: &CurvePoint| (p.tvd - tvd).abs();
    candidates(manifest).into_iter().min_by(|a, b| near(a).total_cmp(&near(b))).map(|p| p.lambda)
}

/// The λ of the cheapest point that reaches `iou`; of the best one where none does.
pub fn for_iou(manifest: &Manifest, iou: f64) -> Option<f64> {
    let all = candidates(manifest);
    let cheapest = all.iter().filter(|p| p.iou >= iou).min_by(|a, b| a.flops.total_cmp(&b.flops));
    cheapest.or_else(|| all.iter().max_by(|a, b| a.iou.total_cmp(&b.iou))).map(|p| p.lambda)
}

/// The λ of the best point that costs at most `budget` by `cost`; of the cheapest where none does.
pub fn for_cost(manifest: &Manifest, budget: f64, cost: impl Fn(&CurvePoint) -> f64) -> Option<f64> {
    let all = candidates(manifest);
    let best = all.iter().filter(|p| cost(p) <= budget).max_by(|a, b| a.iou.total_cmp(&b.iou));
    best.or_else(|| all.iter().min_by(|a, b| cost(a).total_cmp(&cost(b)))).map(|p| p.lambda)
}

/// The λ to choose among: all of the curve, and where λ need not stop, some between.
fn candidates(manifest: &Manifest) -> Vec<CurvePoint> {
    let curve = curve(manifest);
    let mut all: Vec<CurvePoint> = curve.iter().map(|p| (*p).clone()).collect();
    if continuous(manifest) {
        let pairs = curve.windows(2).filter(|w| w[0].lambda < w[1].lambda);
        all.extend(pairs.flat_map(|w| {
            (1..8).map(move |i| {
                between(w[0], w[1], w[0].lambda + f64::from(i) / 8.0 * (w[1].lambda - w[0].lambda))
            })
        }));
    }
    all
}
