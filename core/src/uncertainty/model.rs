//! Fits an [`ErrorModel`] to scans with truth: first how far probabilities can be trusted (temperature and one bias a
//! class, by likelihood), then how far errors reach (by the mean square of what is wrong in blocks of several sizes).

use super::draw::ErrorModel;
use super::fit::Subject;
use super::spool::Probabilities;
use crate::error::Result;
use crate::hash::Stream;
use crate::measure::Phase;
use rayon::prelude::*;

/// Voxels looked at for temperature and biases.
const SAMPLE: usize = 60_000;
/// Steps of their descent.
const STEPS: usize = 400;
/// Scans that the fields are fitted to.
const SCANS: usize = 12;
/// Blocks Z, Y, X in which errors are summed; the last is a whole scan.
const BLOCKS: [[usize; 3]; 6] =
    [[1, 4, 4], [1, 16, 16], [1, 64, 64], [4, 4, 4], [8, 16, 16], [usize::MAX, usize::MAX, usize::MAX]];
/// Spacings that are tried within and across slices, and shared parts.
const WITHIN: [f64; 7] = [1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0];
const ACROSS: [f64; 6] = [1.0, 1.5, 2.0, 3.0, 5.0, 8.0];
const SHARED: [f64; 6] = [0.0, 0.01, 0.02, 0.05, 0.1, 0.2];

/// The model of these scans.
pub(super) fn fit(subjects: &[Subject], phases: &[Phase], seed: u64) -> Result<ErrorModel> {
    let classes = phases.len();
    let start =
        ErrorModel { temperature: 1.0, bias: vec![0.0; classes], spacing: [1.0, 2.0, 2.0], shared: 0.0 };
    let mut model = trusted(&start, &sample(subjects, classes, seed)?);
    let some = &subjects[..subjects.len().min(SCANS)];
    let seen = squares(some, &model, |s, _| Ok(s.truth.clone()))?;
    let away = |model: &ErrorModel| -> Result<f64> {
        let drawn = squares(some, model, |s, m| Ok(m.draw(&s.stack, phases, seed, 0)?.voxels))?;
        Ok(seen.iter().zip(drawn).map(|(a, b)| (b.max(1e-300) / a.max(1e-300)).ln().powi(2)).sum())
    };
    let mut least = away(&model)?;
    for _ in 0..2 {
        let within = WITHIN.map(|w| ErrorModel { spacing: [model.spacing[0], w, w], ..model.clone() });
        (model, least) = best(&away, (model, least), within)?;
        let across =
            ACROSS.map(|z| ErrorModel { spacing: [z, model.spacing[1], model.spacing[2]], ..model.clone() });
        (model, least) = best(&away, (model, least), across)?;
        let shared = SHARED.map(|shared| ErrorModel { shared, ..model.clone() });
        (model, least) = best(&away, (model, least), shared)?;
    }
    Ok(model)
}

/// The best of some models and the one so far.
fn best<const N: usize>(
    away: &dyn Fn(&ErrorModel) -> Result<f64>,
    so_far: (ErrorModel, f64),
    tried: [ErrorModel; N],
) -> Result<(ErrorModel, f64)> {
    tried.into_iter().try_fold(so_far, |(model, least), other| {
        let distance = away(&other)?;
        Ok(if distance < least { (other, distance) } else { (model, least) })
    })
}

/// Stored probabilities and the true class of some voxels.
fn sample(subjects: &[Subject], classes: usize, seed: u64) -> Result<Vec<(Vec<u8>, u8)>> {
    let mut stream = Stream::new(seed, "voxels of the fit");
    let (mut found, slices) = (Vec::new(), subjects.iter().map(|s| s.stack.shape()[0]).sum::<usize>().max(1));
    for subject in subjects {
        let [depth, height, width] = subject.stack.shape();
        let plane = height * width;
        for z in 0..depth {
            let bytes = subject.stack.read(z)?;
            for _ in 0..SAMPLE / slices {
                let i = stream.below(plane);
                let stored = (0..classes).map(|c| bytes[c * plane + i]).collect();
                found.push((stored, subject.truth[z * plane + i]));
            }
        }
    }
    Ok(found)
}

/// Temperature and biases of the largest likelihood, by gradient descent.
fn trusted(start: &ErrorModel, sample: &[(Vec<u8>, u8)]) -> ErrorModel {
    let plain = start.weights();
    let logs: Vec<(Vec<f64>, usize)> = sample
        .iter()
        .map(|(stored, truth)| {
            let log = stored.iter().enumerate().map(|(c, v)| f64::from(plain[c][usize::from(*v)]).ln());
            (log.collect(), usize::from(*truth))
        })
        .collect();
    let (mut slope, mut bias) = (1.0, start.bias.clone());
    for _ in 0..STEPS {
        let (mut by_slope, mut by_bias) = (0.0, vec![0.0; bias.len()]);
        for (log, truth) in &logs {
            let powers: Vec<f64> = log.iter().zip(&bias).map(|(l, b)| (slope * l + b).exp()).collect();
            let sum: f64 = powers.iter().sum();
            for (c, power) in powers.iter().enumerate() {
                let error = power / sum - f64::from(u8::from(c == *truth));
                by_bias[c] += error;
                by_slope += error * log[c];
            }
        }
        let n = logs.len().max(1) as f64;
        slope = (slope - 0.1 * by_slope / n).clamp(0.05, 5.0);
        bias.iter_mut().zip(by_bias).for_each(|(b, g)| *b -= g / n);
    }
    ErrorModel { temperature: 1.0 / slope, bias, ..start.clone() }
}

/// Mean square over blocks of the summed difference between a label volume and the probabilities, by size of block.
fn squares(
    subjects: &[Subject],
    model: &ErrorModel,
    labels: impl Fn(&Subject, &ErrorModel) -> Result<Vec<u8>> + Sync,
) -> Result<[f64; BLOCKS.len()]> {
    let each: Vec<[f64; BLOCKS.len()]> = subjects
        .par_iter()
        .map(|s| squares_of(&s.stack, &labels(s, model)?, &model.weights()))
        .collect::<Result<_>>()?;
    Ok(std::array::from_fn(|i| each.iter().map(|e| e[i]).sum::<f64>() / each.len().max(1) as f64))
}

fn squares_of(stack: &Probabilities, labels: &[u8], weights: &[[f32; 256]]) -> Result<[f64; BLOCKS.len()]> {
    let [depth, height, width] = stack.shape();
    let (plane, classes) = (height * width, weights.len());
    let edges = BLOCKS.map(|b| [b[0].min(depth), b[1].min(height), b[2].min(width)]);
    let counts = edges.map(|e| [depth.div_ceil(e[0]), height.div_ceil(e[1]), width.div_ceil(e[2])]);
    let mut sums = counts.map(|c| vec![0.0_f32; c.iter().product::<usize>() * classes]);
    for z in 0..depth {
        let bytes = stack.read(z)?;
        for i in 0..plane {
            let (y, x) = (i / width, i % width);
            let weight = |c: usize| weights[c][usize::from(bytes[c * plane + i])];
            let all: f32 = (0..classes).map(weight).sum();
            for ((sums, e), n) in sums.iter_mut().zip(edges).zip(counts) {
                let block = ((z / e[0] * n[1] + y / e[1]) * n[2] + x / e[2]) * classes;
                for (c, sum) in sums[block..block + classes].iter_mut().enumerate() {
                    *sum += f32::from(u8::from(usize::from(labels[z * plane + i]) == c)) - weight(c) / all;
                }
            }
        }
    }
    Ok(sums.map(|s| s.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / s.len() as f64))
}
