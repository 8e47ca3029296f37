//! Routers that know nothing: every net alike (PaSeR-RandPol. of the paper), or with another router's shares.

use super::judge::{Judge, Prices};
use super::{Decision, Way};
use crate::error::Result;
use crate::hash::Stream;
use crate::route::{Choice, Method, Router};

/// Draws that the figures of a random router are the mean of.
const DRAWS: usize = 20;

struct Uniform;

/// The uniform random policy, where it is wanted.
pub(super) fn way(wants: &dyn Fn(Method) -> bool) -> Option<Box<dyn Way>> {
    wants(Method::Random).then(|| Box::new(Uniform) as Box<dyn Way>)
}

impl Way for Uniform {
    fn name(&self) -> String {
        "random".to_owned()
    }

    fn decide(&self, judge: &Judge<'_>) -> Result<Decision> {
        let nets = judge.costs.len();
        let mut stream = Stream::new(judge.seed, "uniform router");
        let prices = Prices::doubting(judge.segmenter);
        Ok(Decision::Patches(drawn(judge, &mut || stream.below(nets) as u8), prices))
    }

    fn choice(&self, judge: &Judge<'_>) -> Option<Choice> {
        Some(Choice { method: Method::Random, router: Router::Fixed(0), seed: judge.seed })
    }
}

/// A random router with given shares, at the price of the policy whose shares they are.
pub(super) struct SameShares {
    pub(super) shares: Vec<f64>,
    pub(super) lambda: f64,
    pub(super) tvd: Option<f64>,
    pub(super) router: Router,
}

impl Way for SameShares {
    fn name(&self) -> String {
        "random, same shares".to_owned()
    }

    fn lambda(&self) -> Option<f64> {
        Some(self.lambda)
    }

    fn tvd(&self) -> Option<f64> {
        self.tvd
    }

    fn decide(&self, judge: &Judge<'_>) -> Result<Decision> {
        let mut stream = Stream::new(judge.seed, "random router");
        let prices = Prices::routed(judge.segmenter, self.router);
        Ok(Decision::Patches(drawn(judge, &mut || draw(&self.shares, &mut stream)), prices))
    }
}

fn drawn(judge: &Judge<'_>, one: &mut dyn FnMut() -> u8) -> Vec<Vec<Vec<u8>>> {
    let tiles = &judge.table.tiles;
    let mut all = || tiles.iter().map(|t| t.patches.iter().map(|_| one()).collect()).collect();
    (0..DRAWS).map(|_| all()).collect()
}

fn draw(shares: &[f64], stream: &mut Stream) -> u8 {
    let mut left = stream.unit();
    let chosen = shares.iter().position(|s| {
        left -= s;
        left < 0.0
    });
    chosen.unwrap_or(shares.len() - 1) as u8
}
