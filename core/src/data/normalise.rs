//! Grey values to what the nets read: one mapping for a whole volume, so that a slice gets the
//! same answer alone and in its stack.

use crate::error::{Error, Result};
use crate::volume::SliceReader;
use serde::{Deserialize, Serialize};

/// Slices looked at, spread evenly, to find a volume's range.
const SAMPLED_SLICES: usize = 32;
/// Values looked at in each of them.
const SAMPLED_VALUES: usize = 1 << 16;

/// How a volume's range is found. The method stands in the bundle, the range in the run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum Normalisation {
    /// The given percentiles of up to 32 evenly spaced slices become 0 and 1.
    Percentiles {
        /// Lower percentile, 0 to 100.
        low: f64,
        /// Upper percentile, 0 to 100.
        high: f64,
    },
    /// 0 and the given value become 0 and 1 (the authors' code: 255).
    Fixed {
        /// The value that becomes 1.
        high: f64,
    },
}

/// Grey values that become 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// Becomes 0.
    pub low: f32,
    /// Becomes 1.
    pub high: f32,
}

/// A slice ready for the nets.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// Rows and columns.
    pub size: [usize; 2],
    /// Normalised values, row-major, one plane a channel.
    pub planes: Vec<Vec<f32>>,
    /// Voxels without a finite value: computed as 0.5, reported as unlabelled.
    pub masked: Vec<usize>,
}

impl Normalisation {
    /// The range of `volume`.
    ///
    /// # Errors
    /// Where a slice cannot be read or no sampled voxel is finite.
    pub fn range(&self, volume: &dyn SliceReader) -> Result<Range> {
        let slices = volume.info().slices;
        let count = slices.min(SAMPLED_SLICES);
        self.range_of((0..count).map(|i| volume.read(i * slices / count).map(|s| s.values)))
    }

    /// The range of a set of images, given as their values.
    ///
    /// # Errors
    /// As [`Self::range`].
    pub fn range_of(&self, images: impl Iterator<Item = Result<Vec<f32>>>) -> Result<Range> {
        let (low, high) = match *self {
            Self::Fixed { high } => return Ok(Range { low: 0.0, high: high as f32 }),
            Self::Percentiles { low, high } => (low, high),
        };
        let mut sample = Vec::new();
        for values in images {
            let values = values?;
            let step = values.len().div_ceil(SAMPLED_VALUES).max(1);
            sample.extend(values.iter().step_by(step).copied().filter(|v| v.is_finite()));
        }
        if sample.is_empty() {
            return Err(Error::invalid(
                "the volume has no finite voxel; check that it was exported correctly",
            ));
        }
        sample.sort_unstable_by(f32::total_cmp);
        let at = |percent: f64| sample[((sample.len() - 1) as f64 * percent / 100.0).round() as usize];
        Ok(Range { low: at(low), high: at(high) })
    }
}

impl Range {
    /// Maps `values` (interleaved `channels`) of a slice of `size` to planes; a grey slice is
    /// repeated where the nets read several channels, a colour slice averaged where they read one.
    /// Values are kept within [-1, 2], so that a single hot voxel cannot upset a whole tile.
    ///
    /// # Errors
    /// Where no voxel is finite or the channels fit neither way.
    pub fn apply(
        &self,
        values: &[f32],
        size: [usize; 2],
        channels: usize,
        wanted: usize,
    ) -> Result<Prepared> {
        let scale = 1.0 / (self.high - self.low).max(f32::MIN_POSITIVE);
        let map = |v: f32| ((v - self.low) * scale).clamp(-1.0, 2.0);
        let plane = |c: usize| values.iter().skip(c).step_by(channels).map(|v| map(*v)).collect::<Vec<f32>>();
        let mut planes: Vec<Vec<f32>> = (0..channels).map(plane).collect();
        if channels != wanted {
            planes = match (channels, wanted) {
                (1, _) => vec![planes.swap_remove(0); wanted],
                (_, 1) => vec![average(&planes)],
                _ => {
                    return Err(Error::invalid(format!(
                        "the images have {channels} channels and the nets read {wanted}; convert the images to grey"
                    )));
                }
            };
        }
        let masked: Vec<usize> = (0..size[0] * size[1])
            .filter(|i| values[i * channels..(i + 1) * channels].iter().any(|v| !v.is_finite()))
            .collect();
        if masked.len() == size[0] * size[1] {
            return Err(Error::invalid(
                "a slice has no finite voxel; leave it out or export the stack again",
            ));
        }
        for plane in &mut planes {
            masked.iter().for_each(|i| plane[*i] = 0.5);
        }
        Ok(Prepared { size, planes, masked })
    }
}

fn average(planes: &[Vec<f32>]) -> Vec<f32> {
    let count = planes.len() as f32;
    (0..planes[0].len()).map(|i| planes.iter().map(|p| p[i]).sum::<f32>() / count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_bad_voxels_are_masked_and_counted() {
        let range = Range { low: 0.0, high: 10.0 };
        let p = range.apply(&[0.0, f32::NAN, 10.0, f32::INFINITY], [2, 2], 1, 1).expect("two finite voxels");
        assert_eq!(p.planes, [[0.0, 0.5, 1.0, 0.5]]);
        assert_eq!(p.masked, [1, 3]);
    }

    #[test]
    fn a_slice_without_a_finite_voxel_is_refused() {
        let range = Range { low: 0.0, high: 1.0 };
        assert!(range.apply(&[f32::NAN; 4], [2, 2], 1, 1).is_err());
    }

    #[test]
    fn grey_is_repeated_for_nets_that_read_colour() {
        let range = Range { low: 0.0, high: 1.0 };
        let p = range.apply(&[0.25, 0.5], [1, 2], 1, 3).expect("grey to three channels");
        assert_eq!(p.planes, vec![vec![0.25, 0.5]; 3]);
    }

    #[test]
    fn percentiles_ignore_what_is_not_finite() {
        let method = Normalisation::Percentiles { low: 0.0, high: 100.0 };
        let values = vec![f32::NAN, 3.0, 1.0, f32::NEG_INFINITY, 2.0];
        let range = method.range_of(std::iter::once(Ok(values))).expect("finite values");
        assert_eq!(range, Range { low: 1.0, high: 3.0 });
    }
}
