//! Nets that segment whole tiles on their own: DeepLabV3+, SegFormer, EfficientViT, MatPhase.

use super::judge::Judge;
use super::{Decision, Way};
use crate::bundle::Manifest;
use crate::error::Result;
use crate::net::NAMES;
use crate::route::{Choice, Method, Router};

struct Whole {
    name: &'static str,
    remark: Option<String>,
}

/// Those that the bundle holds and that are wanted.
pub(super) fn ways(manifest: &Manifest, wants: &dyn Fn(Method) -> bool) -> Vec<Box<dyn Way>> {
    let way = |name: &'static str| {
        let entry = manifest.other(name).filter(|_| wants(Method::Whole(name)))?;
        let remark = entry.spec.remark().map(str::to_owned);
        Some(Box::new(Whole { name, remark }) as Box<dyn Way>)
    };
    NAMES.into_iter().filter_map(way).collect()
}

impl Way for Whole {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn remark(&self) -> Option<String> {
        self.remark.clone()
    }

    fn decide(&self, judge: &Judge<'_>) -> Result<Decision> {
        let method = Method::Whole(self.name);
        let choice = Choice { method, router: Router::Fixed(0), seed: judge.seed };
        Ok(Decision::Evaluated(Box::new(judge.evaluate(judge.segmenter, &choice)?)))
    }
}
