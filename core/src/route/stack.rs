//! A whole stack, slice by slice: reading, computing and writing overlap, and memory does not grow
//! with the number of slices.

use super::method::Choice;
use super::segment::{Segmenter, SliceResult};
use super::steady::{Fall, Steady};
use crate::data::normalise::{Prepared, Range};
use crate::error::{Error, Result};
use crate::event::Control;
use crate::noise::Noise;
use crate::volume::SliceReader;
use std::sync::mpsc;

/// Slices that wait between two stages.
const QUEUE: usize = 4;

/// What to segment.
pub struct Job<'a> {
    /// The stack.
    pub volume: &'a dyn SliceReader,
    /// First slice and the one after the last.
    pub slices: std::ops::Range<usize>,
    /// Grey values that become 0 and 1.
    pub range: Range,
    /// Method.
    pub choice: Choice,
    /// Noise laid over every slice, and its seed.
    pub noise: (Noise, u64),
}

/// Segments `job` and hands every slice, in order, to `sink` (on a thread of its own). `control`
/// can pause and stop between batches; what `sink` got before stays. Where the device fails, others go on: what
/// became of it is returned.
///
/// # Errors
/// The first that reading, computing or `sink` meets.
pub fn segment(
    segmenter: &Segmenter,
    job: &Job<'_>,
    control: &Control,
    sink: &mut (dyn FnMut(usize, SliceResult) -> Result<()> + Send),
) -> Result<Vec<Fall>> {
    segment_with(segmenter, job, control, sink, &mut || ())
}

/// The same, with `between` called between batches on the thread that computes, so that the device can
/// answer something small meanwhile.
///
/// # Errors
/// As [`segment`].
pub fn segment_with(
    segmenter: &Segmenter,
    job: &Job<'_>,
    control: &Control,
    sink: &mut (dyn FnMut(usize, SliceResult) -> Result<()> + Send),
    between: &mut dyn FnMut(),
) -> Result<Vec<Fall>> {
    let (read, ready) = mpsc::sync_channel::<Result<(usize, Prepared)>>(QUEUE);
    let (done, write) = mpsc::sync_channel::<(usize, SliceResult)>(QUEUE);
    std::thread::scope(|scope| {
        scope.spawn(move || read_slices(segmenter, job, &read));
        let writer = scope.spawn(move || write.into_iter().try_for_each(|(z, result)| sink(z, result)));
        let computed = compute(segmenter, job, control, between, &ready, &done);
        drop((ready, done));
        let written = writer
            .join()
            .unwrap_or_else(|_| Err(Error::invalid("writing stopped unexpectedly; see the log")));
        written.and(computed)
    })
}

fn read_slices(segmenter: &Segmenter, job: &Job<'_>, out: &mpsc::SyncSender<Result<(usize, Prepared)>>) {
    let channels = segmenter.manifest.channels();
    for z in job.slices.clone() {
        let slice = prepare(job.volume, z, &job.range, channels, job.noise);
        let failed = slice.is_err();
        if out.send(slice.map(|s| (z, s))).is_err() || failed {
            return;
        }
    }
}

/// Reads and normalises slice `z` and lays `noise` (with its seed) over it.
///
/// # Errors
/// Where it cannot be read or has no finite voxel.
pub fn prepare(
    volume: &dyn SliceReader,
    z: usize,
    range: &Range,
    channels: usize,
    (noise, seed): (Noise, u64),
) -> Result<Prepared> {
    let slice = volume.read(z)?;
    let mut prepared = range
        .apply(&slice.values, [slice.height, slice.width], slice.channels, channels)
        .map_err(|e| Error::invalid(format!("slice {}: {e}", z + 1)))?;
    noise.apply(&mut prepared, seed, &z.to_string());
    Ok(prepared)
}

fn compute(
    segmenter: &Segmenter,
    job: &Job<'_>,
    control: &Control,
    between: &mut dyn FnMut(),
    ready: &mpsc::Receiver<Result<(usize, Prepared)>>,
    done: &mpsc::SyncSender<(usize, SliceResult)>,
) -> Result<Vec<Fall>> {
    let layout = segmenter.manifest.layout;
    let mut steady = Steady::new(segmenter);
    let (mut places, mut slices, mut tiles) = (Vec::new(), Vec::new(), 0);
    loop {
        let next = ready.recv().ok().transpose()?;
        let last = next.is_none();
        if let Some((z, slice)) = next {
            tiles += layout.tiles(slice.size).len();
            places.push(z);
            slices.push(slice);
        }
        if tiles >= segmenter.tiles_wanted() || (last && tiles > 0) {
            control.check()?;
            between();
            let names: Vec<String> = places.iter().map(usize::to_string).collect();
            let first = places.first().copied().unwrap_or_default();
            let results = steady.segment(&slices, &names, &job.choice, first)?;
            for result in places.drain(..).zip(results) {
                if done.send(result).is_err() {
                    return Ok(steady.falls); // the writer has failed and says why
                }
            }
            slices.clear();
            tiles = 0;
        }
        if last {
            return Ok(steady.falls);
        }
    }
}
