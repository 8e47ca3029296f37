//! Curves over λ and comparisons of policies, from the same table as the rows.

use super::judge::{Measured, Prices};
use super::paser::{decide, outputs};
use super::table::Table;
use crate::bundle::CurvePoint;
use crate::error::Result;
use crate::metrics::{Paired, mean, paired, total_variation};
use crate::route::Router;
use crate::route::segment::Segmenter;
use serde::Serialize;

/// IoU of the bundle's routing at its own λ.
///
/// # Errors
/// Where the device fails.
pub fn iou_at(segmenter: &Segmenter, table: &Table) -> Result<f64> {
    let router = segmenter.manifest.router(segmenter.manifest.lambda);
    Ok(mean(&table.iou(&decide(segmenter, &outputs(segmenter, table, router)?, router))))
}

/// The net for every patch of every tile of `table` by the policy of `router`.
///
/// # Errors
/// Where the bundle has no such policy or the device fails.
pub fn actions(segmenter: &Segmenter, table: &Table, router: Router) -> Result<Vec<Vec<u8>>> {
    Ok(decide(segmenter, &outputs(segmenter, table, router)?, router))
}

/// IoU, shares and cost of every policy trained at one λ on `table`'s images.
///
/// # Errors
/// Where the device fails.
pub fn curve(segmenter: &Segmenter, table: &Table) -> Result<Vec<CurvePoint>> {
    let mut points: Vec<CurvePoint> = Vec::new();
    for (i, entry) in segmenter.manifest.policies.iter().enumerate() {
        let router = Router::Fixed(i);
        let measured = routed(segmenter, table, &outputs(segmenter, table, router)?, router);
        points.push(point(entry.lambda, &measured, points.first()));
    }
    Ok(points)
}

/// The same for the λ-conditioned policy at each of `lambdas`, rising from 0; empty where there is none.
///
/// # Errors
/// Where the device fails.
pub fn conditioned_curve(segmenter: &Segmenter, table: &Table, lambdas: &[f64]) -> Result<Vec<CurvePoint>> {
    if segmenter.models.conditioned.is_none() {
        return Ok(Vec::new());
    }
    let z = outputs(segmenter, table, Router::Conditioned(0.0))?;
    let mut points: Vec<CurvePoint> = Vec::new();
    for lambda in lambdas {
        let router = Router::Conditioned(*lambda);
        let measured = routed(segmenter, table, &z, router);
        points.push(point(*lambda, &measured, points.first()));
    }
    Ok(points)
}

fn routed(segmenter: &Segmenter, table: &Table, outputs: &[Vec<f32>], router: Router) -> Measured {
    let prices = Prices::routed(segmenter, router);
    Measured::of(table, &decide(segmenter, outputs, router), &prices)
}

fn point(lambda: f64, measured: &Measured, zero: Option<&CurvePoint>) -> CurvePoint {
    let tvd = zero.map_or(0.0, |zero| total_variation(&measured.shares, &zero.shares));
    let Measured { shares, flops, .. } = measured;
    CurvePoint { lambda, shares: shares.clone(), iou: mean(&measured.iou), flops: *flops, tvd }
}

/// The two kinds of policy at one λ.
#[derive(Clone, Debug, Serialize)]
pub struct KindsCompared {
    /// λ.
    pub lambda: f64,
    /// Reward (Eq. 2) of the λ-conditioned policy less that of the one trained at λ, image by image.
    pub reward: Option<Paired>,
}

/// Compares the λ-conditioned policy with each that was trained at one λ by the reward that both were
/// trained for, mean over an image's patches, paired over images.
///
/// # Errors
/// Where the device fails.
pub fn kinds(segmenter: &Segmenter, table: &Table, costs: &[f64]) -> Result<Vec<KindsCompared>> {
    if segmenter.models.conditioned.is_none() {
        return Ok(Vec::new());
    }
    let z = outputs(segmenter, table, Router::Conditioned(0.0))?;
    let entries = segmenter.manifest.policies.iter().enumerate().filter(|(_, e)| e.tvd.is_none());
    entries
        .map(|(i, entry)| {
            let lambda = entry.lambda;
            let fixed = decide(segmenter, &outputs(segmenter, table, Router::Fixed(i))?, Router::Fixed(i));
            let ours = decide(segmenter, &z, Router::Conditioned(lambda));
            let reward = |actions: &[Vec<u8>]| table.image_rewards(actions, costs, lambda);
            Ok(KindsCompared { lambda, reward: paired(&reward(&ours), &reward(&fixed)) })
        })
        .collect()
}
