//! One net on every patch: the rows that a router must be measured against.

use super::judge::{Judge, Prices};
use super::{Decision, Way};
use crate::error::Result;
use crate::route::{Choice, Method, Router};

struct Fixed(usize);

/// f0, f1, ... as far as they are wanted.
pub(super) fn ways(nets: usize, wants: &dyn Fn(Method) -> bool) -> Vec<Box<dyn Way>> {
    (0..nets).filter(|net| wants(Method::Net(*net))).map(|net| Box::new(Fixed(net)) as Box<dyn Way>).collect()
}

impl Way for Fixed {
    fn name(&self) -> String {
        format!("f{}", self.0)
    }

    fn decide(&self, judge: &Judge<'_>) -> Result<Decision> {
        let patches = judge.segmenter.manifest.layout.patches();
        let doubting = Prices::doubting(judge.segmenter);
        let prices = Prices { tile: if self.0 == 0 { doubting.tile } else { 0 }, ..doubting };
        Ok(Decision::Patches(vec![vec![vec![self.0 as u8; patches]; judge.table.tiles.len()]], prices))
    }

    fn choice(&self, judge: &Judge<'_>) -> Option<Choice> {
        Some(Choice { method: Method::Net(self.0), router: Router::Fixed(0), seed: judge.seed })
    }
}
