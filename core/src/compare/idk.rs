//! The IDK cascade as a method: the bundle's gates, and gates moved until the IoU matches PaSeR's.

use super::cascade::{Cascade, MATCHED};
use super::curves::iou_at;
use super::judge::{Judge, Prices};
use super::{Decision, Way};
use crate::bundle::CascadeEntry;
use crate::cost::Flops;
use crate::error::Result;
use crate::evaluate::Evaluation;
use crate::route::{Choice, Method, Router, Segmenter};

struct Idk {
    method: Method,
    cascade: Cascade,
    remark: Option<String>,
}

/// The cascades that are wanted.
pub(super) fn ways(judge: &Judge<'_>, wants: &dyn Fn(Method) -> bool) -> Result<Vec<Box<dyn Way>>> {
    let Some(entry) = &judge.segmenter.manifest.cascade else { return Ok(Vec::new()) };
    let mut ways: Vec<Box<dyn Way>> = Vec::new();
    if wants(Method::Idk) {
        ways.push(Box::new(Idk { method: Method::Idk, cascade: entry.chosen.clone(), remark: None }));
    }
    if wants(Method::IdkMatch) {
        let goal = iou_at(judge.segmenter, judge.table)?;
        let cascade = entry.chosen.matching(judge.table, goal, &through(judge.segmenter));
        let reached = cascade.iou(judge.table);
        let remark = if (reached - goal).abs() <= MATCHED {
            None
        } else if reached < goal {
            Some(format!("no gates reach PaSeR's {goal:.4}"))
        } else {
            Some(format!("no gates come as low as PaSeR's {goal:.4}"))
        };
        ways.push(Box::new(Idk { method: Method::IdkMatch, cascade, remark }));
    }
    Ok(ways)
}

/// What a patch costs in a cascade by the net that keeps it: all passes of all nets that it went through.
pub fn through(segmenter: &Segmenter) -> Vec<Flops> {
    let cost = |net: usize| segmenter.gate_passes(net) as Flops * segmenter.costs().patch[net];
    (0..segmenter.models.nets.len()).map(|last| (1..=last).map(cost).sum()).collect()
}

impl Way for Idk {
    fn name(&self) -> String {
        self.method.to_string()
    }

    fn remark(&self) -> Option<String> {
        self.remark.clone()
    }

    fn decide(&self, judge: &Judge<'_>) -> Result<Decision> {
        let doubting = Prices::doubting(judge.segmenter);
        let prices = Prices { patch: through(judge.segmenter), gated: true, ..doubting };
        Ok(Decision::Patches(vec![self.cascade.decide(judge.table)], prices))
    }

    fn choice(&self, judge: &Judge<'_>) -> Option<Choice> {
        Some(Choice { method: self.method, router: Router::Fixed(0), seed: judge.seed })
    }

    /// With these gates, which may not be the bundle's.
    fn run(&self, judge: &Judge<'_>) -> Result<Option<Evaluation>> {
        let entry = CascadeEntry { chosen: self.cascade.clone(), matched: self.cascade.clone() };
        let segmenter = judge.segmenter.with_cascade(entry);
        self.choice(judge).map(|choice| judge.evaluate(&segmenter, &choice)).transpose()
    }
}
