//! Whether choices hold together.

use super::{ClassWeights, Length, Stage, TrainConfig};
use crate::error::{Error, Result};
use crate::net::{F0_MUST_DOUBT, NetSpec};

impl TrainConfig {
    /// # Errors
    /// A sentence on the first choice that contradicts another.
    pub fn check(&self) -> Result<()> {
        let sound = |ok: bool, why: &str| if ok { Ok(()) } else { Err(Error::invalid(why)) };
        sound(self.layout.is_valid(), "the patch grid must divide the tile")?;
        sound(self.nets.len() >= 2, "at least two nets are needed: f0 and one larger")?;
        sound(self.nets[0].can_doubt(), F0_MUST_DOUBT)?;
        let channels = self.nets[0].channels();
        sound(self.nets.iter().all(|n| n.takes(channels)), "the nets read different numbers of channels")?;
        sound(self.pretrain.len() + 1 == self.nets.len(), "each of f1 to fm needs a pretraining stage")?;
        let side = self.layout.patch().into_iter().min().unwrap_or(0);
        let fits =
            |n: &NetSpec| n.is_valid() && n.smallest_side() <= side && n.classes() == self.nets[0].classes();
        sound(
            self.nets.iter().all(fits),
            "the patches are too small for the nets, or the nets differ in their classes",
        )?;
        sound(!self.lambdas.is_empty(), "at least one λ is needed")?;
        let unit = |v: &f64| (0.0..=1.0).contains(v);
        sound(
            self.lambdas.iter().chain(&self.lambda).chain(&self.alpha).all(unit),
            "λ and α must lie between 0 and 1",
        )?;
        sound((1..=1000).contains(&self.passes), "1 to 1000 Monte Carlo passes are possible")?;
        if let Some(c) = &self.conditioned {
            let positive = c.temperature > 0.0 && c.power > 0.0;
            sound(positive, "temperature and power of the λ-conditioned policy must be positive")?;
        }
        if let Some(tvd) = &self.tvd {
            sound(
                tvd.rise > 0.0 && tvd.thresholds.iter().all(unit) && tvd.thresholds.is_sorted(),
                "TVD thresholds must rise and lie between 0 and 1, and λ must rise",
            )?;
            sound(self.lambdas.contains(&0.0), "fine-tuning to a TVD starts from the policy at λ = 0")?;
        }
        let stages = self.pretrain.iter().chain([&self.distil, &self.policy, &self.finetune]);
        let stages = stages.chain(self.conditioned.iter().map(|c| &c.stage));
        let stages = stages.chain(self.tvd.iter().map(|t| &t.stage));
        sound(
            stages.clone().all(|s| s.batch > 0 && s.learning_rate > 0.0),
            "batches and learning rates must be positive",
        )?;
        let timed = |s: &Stage| matches!(s.length, Length::Minutes(_));
        let routed =
            [&self.policy, &self.finetune].into_iter().chain(self.conditioned.iter().map(|c| &c.stage));
        sound(
            !routed.chain(self.tvd.iter().map(|t| &t.stage)).any(timed),
            "only the training of a net can last a number of minutes; give the policies steps or epochs",
        )?;
        stages.map(|s| s.length).try_for_each(check_length)?;
        self.check_weights(self.nets[0].classes())
    }

    /// # Errors
    /// A sentence where the training of `spec` on whole tiles of `classes` classes contradicts itself.
    pub fn check_whole(&self, spec: &NetSpec, classes: usize) -> Result<()> {
        let sound = |ok: bool, why: &str| if ok { Ok(()) } else { Err(Error::invalid(why)) };
        sound(self.layout.is_valid(), "the patch grid must divide the tile")?;
        let side = self.layout.tile[0].min(self.layout.tile[1]);
        sound(spec.is_valid() && spec.smallest_side() <= side, "the tiles are too small for the net")?;
        let Stage { length, batch, learning_rate, .. } = self.model.stage;
        sound(batch >= 2, "batch norm needs at least two tiles in a batch")?;
        sound(learning_rate > 0.0, "batches and learning rates must be positive")?;
        check_length(length)?;
        self.check_weights(classes)
    }

    fn check_weights(&self, classes: usize) -> Result<()> {
        match &self.class_weights {
            ClassWeights::Given(w) if w.len() != classes => {
                Err(Error::invalid("one weight a class is needed"))
            }
            _ => Ok(()),
        }
    }
}

fn check_length(length: Length) -> Result<()> {
    match length {
        Length::Minutes(minutes) if !(minutes > 0.0 && minutes <= 1e6) => {
            Err(Error::invalid("a stage must last a positive number of minutes"))
        }
        _ => Ok(()),
    }
}
