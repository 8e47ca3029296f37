//! The stages of Algorithm 1, one after the other; each is taken from its checkpoint where it is finished.

use super::checkpoint::Checkpoint;
use super::finetune::{self, Joint};
use super::report::{StageReport, Summary};
use super::run::Run;
use super::{Policies, Request, fresh_policy, loss, supervised};
use super::{reinforce, to_tvd};
use crate::bundle::{Bundle, Sees};
use crate::compare::Table;
use crate::device::Compute;
use crate::error::Result;
use crate::net::{Net, Policy, params};
use std::time::Instant;

pub(super) struct Trainer<'a> {
    pub(super) request: &'a Request<'a>,
    /// What the weights came from, where they were not fresh.
    pub(super) start: Option<&'a Bundle>,
    pub(super) compute: &'a Compute,
    pub(super) kept: Checkpoint,
    pub(super) stages: Vec<StageReport>,
}

impl Trainer<'_> {
    pub(super) fn all_stages(&mut self, run: &mut Run<'_>) -> Result<Summary> {
        let config = run.config;
        let mut nets = vec![config.nets[0].init(&run.device, config.seed)];
        for index in 1..config.nets.len() {
            let stage = format!("pretrain f{index}");
            nets.push(self.net(run, index, &stage, &mut |run, kept| supervised::pretrain(run, kept, index))?);
        }
        let teacher = nets[nets.len() - 1].clone();
        nets[0] = self.net(run, 0, "distil f0", &mut |run, kept| supervised::distil(run, kept, &teacher))?;
        let costs = loss::costs(&nets.iter().map(params::count).collect::<Vec<_>>(), config.cost_printed);
        let start = self.together(run, &mut nets, &costs)?;
        let policies = self.policies(run, &nets, &costs, &start)?;
        self.finish(run, &nets, &policies, &costs)
    }

    /// A stage whose product is net `index`, taken from the checkpoint where it is finished.
    pub(super) fn net<'r>(
        &mut self,
        run: &mut Run<'r>,
        index: usize,
        stage: &str,
        work: &mut dyn FnMut(&mut Run<'r>, &Checkpoint) -> Result<Net>,
    ) -> Result<Net> {
        let name = format!("f{index}");
        if let Some(net) = self.kept.load(&name, || run.config.nets[index].init(&run.device, 0))? {
            return Ok(net);
        }
        let started = Instant::now();
        let net = work(run, &self.kept)?;
        self.kept.save(&name, &net)?;
        self.kept.finished(stage)?;
        self.stages.push(StageReport::of(&name, run, index, started.elapsed().as_secs_f64()));
        Ok(net)
    }

    /// A stage whose product is a policy, taken from the checkpoint where it is finished.
    pub(super) fn policy<'r>(
        &mut self,
        run: &mut Run<'r>,
        stage: &str,
        sees: Sees,
        work: &mut dyn FnMut(&mut Run<'r>, &Checkpoint) -> Result<Policy>,
    ) -> Result<Policy> {
        if let Some(policy) = self.kept.load(stage, || fresh_policy(run, sees))? {
            return Ok(policy);
        }
        let started = Instant::now();
        let policy = work(run, &self.kept)?;
        self.kept.save(stage, &policy)?;
        self.kept.finished(stage)?;
        self.stages.push(StageReport::policy(stage, run, started.elapsed().as_secs_f64()));
        Ok(policy)
    }

    /// The first policy and the joint fine-tuning with it, at the λ given or at the middle one. Returns the
    /// policy that those for all λ go on from.
    pub(super) fn together(&mut self, run: &mut Run<'_>, nets: &mut [Net], costs: &[f64]) -> Result<Policy> {
        let config = run.config;
        let lambda = config.lambda.unwrap_or(config.lambdas[config.lambdas.len() / 2]);
        if config.finetune.length.steps(1) == 0 {
            return Ok(fresh_policy(run, Sees::Tile));
        }
        let mut table = None;
        let first = "first policy";
        let policy = match self.kept.load(first, || fresh_policy(run, Sees::Tile))? {
            Some(policy) => policy,
            None => {
                let rewards = self.reward_table(run, nets, &run.stage_images(1), "reward table")?;
                let policy = self.policy(run, first, Sees::Tile, &mut |run, kept| {
                    reinforce::train_policy(
                        run,
                        kept,
                        first,
                        &rewards,
                        fresh_policy(run, Sees::Tile),
                        costs,
                        lambda,
                    )
                })?;
                table = Some(rewards);
                policy
            }
        };
        self.finetune(run, nets, policy, costs, table, lambda)
    }

    /// Joint fine-tuning; `table` serves again where both stages see the same images.
    pub(super) fn finetune(
        &mut self,
        run: &mut Run<'_>,
        nets: &mut [Net],
        policy: Policy,
        costs: &[f64],
        table: Option<Table>,
        lambda: f64,
    ) -> Result<Policy> {
        let names: Vec<String> = (1..nets.len()).map(|i| format!("finetuned-f{i}")).collect();
        if let Some(policy) = self.kept.load("finetuned-policy", || policy.clone())? {
            for (i, name) in names.iter().enumerate() {
                let old = nets[i + 1].clone();
                nets[i + 1] = self.kept.load(name, || old.clone())?.unwrap_or(old);
            }
            return Ok(policy);
        }
        let images = run.stage_images(2);
        let table = match table.filter(|t| t.samples == images) {
            Some(table) => table,
            None => self.reward_table(run, nets, &images, "fine-tuning table")?,
        };
        let started = Instant::now();
        let joint = Joint { nets: nets.to_vec(), policy };
        let joint = finetune::finetune(run, &self.kept, &table, joint, costs, lambda)?;
        nets.clone_from_slice(&joint.nets);
        for (i, name) in names.iter().enumerate() {
            self.kept.save(name, &nets[i + 1])?;
        }
        self.kept.save("finetuned-policy", &joint.policy)?;
        self.kept.finished(finetune::FINETUNE)?;
        self.stages.push(StageReport::finetune(run, started.elapsed().as_secs_f64()));
        Ok(joint.policy)
    }

    /// All policies of the bundle, on the rewards of the nets as they now are: one for each λ, each going on
    /// from the one before; the one for every λ; those fine-tuned to a TVD.
    pub(super) fn policies(
        &mut self,
        run: &mut Run<'_>,
        nets: &[Net],
        costs: &[f64],
        start: &Policy,
    ) -> Result<Policies> {
        let config = run.config;
        let table = self.reward_table(run, nets, &run.stage_images(1), "reward table")?;
        let mut at: Vec<Policy> = Vec::new();
        for lambda in &config.lambdas {
            let name = format!("policy-{lambda}");
            let from = run.start_policy(*lambda).unwrap_or_else(|| at.last().unwrap_or(start).clone());
            at.push(self.policy(run, &name, Sees::Tile, &mut |run, kept| {
                reinforce::train_policy(run, kept, &name, &table, from.clone(), costs, *lambda)
            })?);
        }
        let conditioned = match config.conditioned {
            Some(conditioning) => {
                Some(self.policy(run, reinforce::CONDITIONED, conditioning.sees, &mut |run, kept| {
                    let start = run.start.conditioned.clone();
                    let start = start.unwrap_or_else(|| fresh_policy(run, conditioning.sees));
                    reinforce::train_conditioned(run, kept, &table, start, costs, conditioning)
                })?)
            }
            None => None,
        };
        let zero = config.lambdas.iter().position(|l| *l == 0.0).map(|i| at[i].clone());
        let reached = match (&config.tvd, zero) {
            (Some(tvd), Some(zero)) => to_tvd::finetune_to_tvd(run, &self.kept, &table, &zero, costs, tvd)?,
            _ => Vec::new(),
        };
        Ok(Policies { at, reached, conditioned })
    }
}
