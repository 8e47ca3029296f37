//! Methods side by side on the same images: fixed nets, PaSeR at every λ, random routers, IDK cascades, the
//! oracle, and nets that segment whole tiles on their own. What routes patches is judged by one table of what
//! every net says of every patch; what can be deployed is also run as it runs in earnest, and timed.

mod cascade;
mod curves;
mod fixed;
mod idk;
mod judge;
mod oracle;
mod paser;
mod random;
mod row;
mod table;
mod whole;

pub use cascade::{Cascade, IdkCost, LAMBDA as LAMBDA_IDK};
pub use curves::{KindsCompared, actions, conditioned_curve, curve, iou_at, kinds};
pub(crate) use idk::through;
pub(crate) use oracle::segment as segment_by_oracle;
pub use row::Row;
pub use table::{PatchEntry, Sureness, Table, TileEntry};

use crate::bundle::CascadeEntry;
use crate::data::dataset::Sample;
use crate::error::{Error, Result};
use crate::evaluate::Evaluation;
use crate::event::Control;
use crate::net::params;
use crate::route::segment::Segmenter;
use crate::route::{Choice, Method, Router};
use crate::train::loss;
use judge::{Judge, Prices};

/// How a method decides.
enum Decision {
    /// The net for every patch of every tile of the table, once for each draw of a method that draws, and what
    /// that costs.
    Patches(Vec<Vec<Vec<u8>>>, Prices),
    /// Patches are none of its business: its labels were judged as they are.
    Evaluated(Box<Evaluation>),
}

/// A method of the comparison: what it needs, how it decides, what it costs. A new one is one file here and a
/// line in [`ways`].
trait Way {
    /// Its name in the table.
    fn name(&self) -> String;

    /// λ, where it has one.
    fn lambda(&self) -> Option<f64> {
        None
    }

    /// The TVD threshold that its policy was fine-tuned to.
    fn tvd(&self) -> Option<f64> {
        None
    }

    /// What must be said beside its name.
    fn remark(&self) -> Option<String> {
        None
    }

    /// Whether it is a learned policy, which is told apart from chance and from the oracle.
    fn is_policy(&self) -> bool {
        false
    }

    /// Decides with the table before it, and says what that costs.
    fn decide(&self, judge: &Judge<'_>) -> Result<Decision>;

    /// How it is run in earnest; none where it cannot be, or was already.
    fn choice(&self, _judge: &Judge<'_>) -> Option<Choice> {
        None
    }

    /// Runs it in earnest, where it can be.
    fn run(&self, judge: &Judge<'_>) -> Result<Option<Evaluation>> {
        self.choice(judge).map(|choice| judge.evaluate(judge.segmenter, &choice)).transpose()
    }

    /// The router that it must beat: one that knows nothing and has its shares.
    fn rival(&self, _shares: &[f64]) -> Option<Box<dyn Way>> {
        None
    }
}

/// What a comparison is to hold.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The methods; none: all that the bundle can run.
    pub methods: Option<Vec<Method>>,
    /// What a cascade pays by Eq. 5 when its gates are chosen anew on `gates_on`; none: the bundle's gates.
    pub idk_cost: Option<IdkCost>,
    /// Samples that the gates are then chosen on: the bundle's validation images.
    pub gates_on: Vec<usize>,
    /// Whether every method that can be deployed is also run in earnest and timed.
    pub timed: bool,
}

impl Wanted {
    fn wants(&self, method: Method) -> bool {
        self.methods.as_ref().is_none_or(|m| m.contains(&method))
    }
}

/// C of each net in the reward (Eq. 3), by the formula that the bundle was trained with.
pub fn reward_costs(segmenter: &Segmenter) -> Vec<f64> {
    let parameters: Vec<usize> = segmenter.models.nets.iter().map(params::count).collect();
    if parameters.is_empty() {
        return Vec::new();
    }
    loss::costs(&parameters, segmenter.manifest.cost_printed())
}

/// All methods that the bundle's task nets and policies make, judged by `table`. `costs` are those of the
/// reward, `seed` that of the random routers.
///
/// # Errors
/// Where the device fails.
pub fn rows(
    segmenter: &Segmenter,
    table: &Table,
    samples: &[Sample],
    costs: &[f64],
    seed: u64,
) -> Result<Vec<Row>> {
    let control = Control::default();
    let judge = Judge { segmenter, table, samples, costs, seed, control: &control };
    all_rows(&judge, &Wanted::default(), &mut |_, _| ())
}

/// Every method asked for on the samples `numbers`, judged, run in earnest and timed as `wanted` says.
/// `progress` hears what is being done and how much of it.
///
/// # Errors
/// Where the bundle lacks what a method asked for by name needs, the device fails or the work was stopped.
pub fn compare(
    segmenter: &Segmenter,
    samples: &[Sample],
    numbers: &[usize],
    wanted: &Wanted,
    (seed, control): (u64, &Control),
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Vec<Row>> {
    let costs = reward_costs(segmenter);
    let mut tabled = |on: &[usize], what: &str| {
        if segmenter.models.nets.is_empty() {
            return Ok(Table::empty(segmenter, on));
        }
        Table::build(segmenter, samples, on, control, &mut |done| progress(what, done, on.len()))
    };
    let table = tabled(numbers, "every net on every patch")?;
    let anew = match (wanted.idk_cost, &segmenter.manifest.cascade) {
        (Some(cost), Some(_)) if !wanted.gates_on.is_empty() => {
            Some((tabled(&wanted.gates_on, "gates of the cascade")?, cost))
        }
        _ => None,
    };
    let chosen = anew.map(|(table, cost)| {
        let chosen = Cascade::choose(&table, &costs, LAMBDA_IDK, cost);
        segmenter.with_cascade(CascadeEntry { matched: chosen.clone(), chosen })
    });
    let segmenter = chosen.as_ref().unwrap_or(segmenter);
    let judge = Judge { segmenter, table: &table, samples, costs: &costs, seed, control };
    all_rows(&judge, wanted, &mut |done, all| progress("methods", done, all))
}

fn all_rows(judge: &Judge<'_>, wanted: &Wanted, progress: &mut dyn FnMut(usize, usize)) -> Result<Vec<Row>> {
    let ways = ways(judge, wanted)?;
    let mut rows = Vec::new();
    for (done, way) in ways.iter().enumerate() {
        judge.control.check()?;
        let (mut row, iou) = judge.row(way.as_ref())?;
        if wanted.timed
            && row.seconds.is_none()
            && let Some(evaluation) = way.run(judge)?
        {
            row.timed(&evaluation);
        }
        let rival = way.rival(&row.shares);
        let rival = rival.map(|rival| judge.row(rival.as_ref())).transpose()?;
        if let Some((_, rival)) = &rival {
            row.above_random = crate::metrics::paired(&iou, rival);
        }
        rows.push(row);
        rows.extend(rival.map(|(row, _)| row));
        progress(done + 1, ways.len());
    }
    Ok(rows)
}

/// The methods wanted, in the table's order; those that the bundle cannot run are left out where nobody asked
/// for them by name.
fn ways(judge: &Judge<'_>, wanted: &Wanted) -> Result<Vec<Box<dyn Way>>> {
    for method in wanted.methods.iter().flatten() {
        if let Some(lacks) = lacks(judge.segmenter, *method) {
            return Err(Error::invalid(lacks));
        }
    }
    let wants = |method: Method| wanted.wants(method) && lacks(judge.segmenter, method).is_none();
    let mut ways = fixed::ways(judge.segmenter.models.nets.len(), &wants);
    ways.extend(random::way(&wants));
    ways.extend(idk::ways(judge, &wants)?);
    ways.extend(paser::ways(judge.segmenter, &wants));
    ways.extend(whole::ways(&judge.segmenter.manifest, &wants));
    Ok(ways)
}

/// Why `segmenter`'s bundle cannot run `method`; none where it can.
fn lacks(segmenter: &Segmenter, method: Method) -> Option<String> {
    match method {
        Method::Whole(name) if segmenter.manifest.other(name).is_some() => None,
        Method::Whole(name) => Some(format!(
            "the bundle holds no {name}; add it with paser train --model {name}, or leave it out of --methods"
        )),
        Method::Oracle => segmenter.check_nets().err().map(|e| e.to_string()),
        _ => {
            let choice = Choice { method, router: Router::Fixed(0), seed: 0 };
            segmenter.check(&choice).err().map(|e| e.to_string())
        }
    }
}
