//! Choosing λ by how far the routing may move from that at λ = 0, on the stack at hand.

use super::method::{Router, argmax};
use super::segment::{Segmenter, shares};
use crate::data::normalise::Prepared;
use crate::error::Result;
use crate::event::Control;
use crate::metrics::total_variation;
use serde::Serialize;

/// λ at which the λ-conditioned policy is tried: finer where the larger nets begin to pay.
pub const GRID: [f64; 26] = [
    0.0, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.12, 0.15, 0.2,
    0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0,
];

/// A routing and its total variation distance from that at λ = 0: half the sum of the absolute differences
/// of the shares of patches (section R4), and beside it the share of patches that changed their net.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// The policy.
    pub router: Router,
    /// Its λ.
    pub lambda: f64,
    /// TVD of the aggregate shares.
    pub tvd: f64,
    /// Mean TVD over patches: the share of patches that go to another net than at λ = 0.
    pub tvd_patches: f64,
    /// Share of patches to each net.
    pub shares: Vec<f64>,
}

/// Every routing of the bundle at hand on `slices`, by rising λ; runs f0 and the policies on all of them.
///
/// # Errors
/// Where a slice cannot be read, the device fails or the work was stopped.
pub fn routings(
    segmenter: &Segmenter,
    slices: &mut dyn Iterator<Item = Result<Prepared>>,
    control: &Control,
) -> Result<Vec<Moved>> {
    let manifest = &segmenter.manifest;
    let conditioned = manifest.conditioned.as_ref().filter(|c| c.preferred);
    let trained = (0..manifest.policies.len()).filter(|i| manifest.policies[*i].tvd.is_none());
    let asked: Vec<Router> = match conditioned {
        Some(_) => vec![Router::Conditioned(0.0)],
        None => trained.map(Router::Fixed).collect(),
    };
    let mut outputs: Vec<Vec<Vec<f32>>> = vec![Vec::new(); asked.len()];
    for slice in slices {
        control.check()?;
        let slice = [slice?];
        for (router, all) in asked.iter().zip(&mut outputs) {
            all.extend(segmenter.policy_outputs(&slice, *router)?);
        }
    }
    let actions = |logits: &[Vec<f32>]| logits.iter().map(|l| argmax(l)).collect::<Vec<u8>>();
    let routed: Vec<(Router, Vec<u8>)> = match conditioned {
        Some(entry) => GRID
            .iter()
            .map(|lambda| {
                let at: Vec<Vec<f32>> = outputs[0].iter().map(|z| entry.logits(z, *lambda)).collect();
                (Router::Conditioned(*lambda), actions(&at))
            })
            .collect(),
        None => asked.iter().copied().zip(outputs.iter().map(|o| actions(o))).collect(),
    };
    Ok(moved(segmenter, &routed))
}

fn moved(segmenter: &Segmenter, routed: &[(Router, Vec<u8>)]) -> Vec<Moved> {
    let nets = segmenter.models.nets.len();
    let Some((_, first)) = routed.first() else { return Vec::new() };
    let zero = shares(first.iter().copied(), nets);
    let one = |(router, actions): &(Router, Vec<u8>)| {
        let shares = shares(actions.iter().copied(), nets);
        let changed = actions.iter().zip(first).filter(|(a, b)| a != b).count();
        Moved {
            router: *router,
            lambda: segmenter.manifest.lambda_of(*router),
            tvd: total_variation(&shares, &zero),
            tvd_patches: changed as f64 / first.len().max(1) as f64,
            shares,
        }
    };
    routed.iter().map(one).collect()
}

/// The routing with the largest λ whose TVD is at most `tvd`; λ = 0 always is.
pub fn within(routings: &[Moved], tvd: f64) -> Option<&Moved> {
    routings.iter().filter(|m| m.tvd <= tvd + 1e-12).max_by(|a, b| a.lambda.total_cmp(&b.lambda))
}
