//! Whether a stack looks like what the bundle was validated on, in words.

use super::promise;
use super::results::{Results, Summary};
use super::theme;
use paser_core::bundle::Manifest;
use paser_core::metrics::total_variation;

/// Routing farther than this from the bundle's validation slices is worth a word.
const FAR: f64 = 0.15;
/// A slice with this many times the stack's usual figure stands out.
const UNUSUAL: f64 = 1.5;
/// Slices that a stack's own median needs.
const LEAST: usize = 8;

/// What is worth a word.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// The sentence.
    pub text: String,
    /// A slice to look at.
    pub at: Option<usize>,
}

/// All alarms for slices routed at `lambda`, the stack's first.
pub fn alarms(manifest: &Manifest, results: &Results, lambda: f64) -> Vec<Alarm> {
    let slices: Vec<(usize, &Summary)> = results.numbered().filter(|(_, s)| s.lambda == lambda).collect();
    let mut alarms = Vec::new();
    alarms.extend(routing(manifest, &slices, lambda));
    alarms.extend(stretches(manifest, &slices));
    alarms.extend(entropy(&slices));
    alarms
}

/// What is compared, for those who ask.
pub fn basis(count: usize) -> String {
    let slices = if count == 1 { "1 slice".to_owned() } else { format!("{count} slices") };
    format!(
        "Compared: the route shares of the {slices} segmented at this λ with those of the bundle's validation slices (alarm from a TVD of {FAR}). A bundle states no entropy, so entropy, and L's share along the stack, are compared with the stack's own median, from {LEAST} slices on."
    )
}

fn routing(manifest: &Manifest, slices: &[(usize, &Summary)], lambda: f64) -> Option<Alarm> {
    let expected = promise::at(manifest, lambda)?.shares;
    let nets = expected.len();
    let mut shares = vec![0.0; nets];
    for (_, summary) in slices {
        shares.iter_mut().zip(&summary.shares).for_each(|(sum, s)| *sum += s / slices.len() as f64);
    }
    let tvd = total_variation(&shares, &expected);
    if slices.is_empty() || tvd < FAR {
        return None;
    }
    let most = (0..nets).max_by(|a, b| {
        let off = |i: usize| (shares[i] - expected[i]).abs();
        off(*a).total_cmp(&off(*b))
    })?;
    let text = format!(
        "This stack sends {:.0} % of its patches to {}, the bundle's validation slices sent {:.0} % (TVD {tvd:.2}): the scan differs from what the bundle knows, so check the labels before you trust them.",
        100.0 * shares[most],
        theme::letter(most, nets),
        100.0 * expected[most],
    );
    Some(Alarm { text, at: None })
}

/// The longest stretch of slices that send far more than usual to the largest net.
fn stretches(manifest: &Manifest, slices: &[(usize, &Summary)]) -> Option<Alarm> {
    let nets = manifest.nets.len();
    let share = |s: &Summary| s.shares.last().copied().unwrap_or(0.0);
    let usual = median(slices.iter().map(|(_, s)| share(s)))?;
    let (first, last) = longest(slices, |s| share(s) > UNUSUAL * usual && share(s) > usual + 0.05)?;
    let inside = || slices.iter().filter(|(z, _)| (first..=last).contains(z)).map(|(_, s)| share(s));
    let mean = inside().sum::<f64>() / inside().count().max(1) as f64;
    let text = format!(
        "{} send {:.0} % to {}, where {:.0} % is usual in this stack: the scan may have changed there.",
        named(first, last),
        100.0 * mean,
        theme::letter(nets.saturating_sub(1), nets),
        100.0 * usual,
    );
    Some(Alarm { text, at: Some(first) })
}

fn entropy(slices: &[(usize, &Summary)]) -> Option<Alarm> {
    let of = |s: &Summary| s.entropy.unwrap_or(0.0);
    let usual = median(slices.iter().filter_map(|(_, s)| s.entropy))?;
    let (first, last) = longest(slices, |s| of(s) > UNUSUAL * usual)?;
    let inside = || slices.iter().filter(|(z, _)| (first..=last).contains(z)).map(|(_, s)| of(s));
    let mean = inside().sum::<f64>() / inside().count().max(1) as f64;
    let text = format!(
        "{} leave the small net in more doubt than usual: {mean:.2} nats, where {usual:.2} is the stack's median.",
        named(first, last)
    );
    Some(Alarm { text, at: Some(first) })
}

fn named(first: usize, last: usize) -> String {
    if first == last {
        format!("Slice {}", first + 1)
    } else {
        format!("Slices {} to {}", first + 1, last + 1)
    }
}

/// Of at least [`LEAST`] values.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    (values.len() >= LEAST).then(|| values[values.len() / 2])
}

/// First and last slice of the longest run of neighbours for which `is` holds.
fn longest(slices: &[(usize, &Summary)], is: impl Fn(&Summary) -> bool) -> Option<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (z, summary) in slices {
        if !is(summary) {
            continue;
        }
        match runs.last_mut().filter(|(_, last)| last + 1 == *z) {
            Some((_, last)) => *last = *z,
            None => runs.push((*z, *z)),
        }
    }
    runs.into_iter().rev().max_by_key(|(first, last)| last - first)
}
