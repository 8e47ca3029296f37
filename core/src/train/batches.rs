//! Which pieces of which images a step sees: a function of the seed, the stage and the step alone.

use super::config::Stage;
use super::run::Run;
use crate::data::dataset::Crop;
use crate::hash::Stream;

/// Batches of crops: at random places, or over the regular grid in a new order each epoch.
pub(crate) struct Batches {
    /// (image, row, column) of each piece of the grid.
    places: Vec<[usize; 3]>,
    images: Vec<usize>,
    size: [usize; 2],
    batch: usize,
    seed: u64,
    what: String,
    shuffled: Shuffled,
}

impl Batches {
    pub(crate) fn new(run: &Run<'_>, images: &[usize], size: [usize; 2], stage: &Stage, what: &str) -> Self {
        let grid = |i: &usize| {
            let [height, width] = run.data.samples[*i].image.size;
            let i = *i;
            let columns = move || (0..width).step_by(size[1]);
            (0..height).step_by(size[0]).flat_map(move |y| columns().map(move |x| [i, y, x]))
        };
        let places: Vec<[usize; 3]> = images.iter().flat_map(grid).collect();
        let (seed, what) = (run.config.seed, what.to_owned());
        let shuffled = Shuffled::new(places.len(), seed, &what);
        Self { places, images: images.to_vec(), size, batch: stage.batch, seed, what, shuffled }
    }

    pub(crate) fn per_epoch(&self) -> usize {
        self.places.len().div_ceil(self.batch)
    }

    /// The crops of `step`, each with a key that is the same for the same piece of the grid and none for a
    /// random place.
    pub(crate) fn at(&mut self, run: &Run<'_>, step: usize) -> Vec<(Option<[usize; 3]>, Crop)> {
        let augment = run.config.augment;
        let mut stream = Stream::new(self.seed, &format!("{} crops {step}", self.what));
        let indices: Vec<usize> = self.shuffled.at(step, self.batch);
        let one = |index: usize| {
            let [image, y, x] = self.places[index];
            if !augment.crop {
                let crop = run.data.samples[image].crop([y, x], self.size);
                return (
                    augment.is_off().then_some([image, y, x]),
                    augment.apply(crop, self.size, &mut stream),
                );
            }
            let image = self.images[stream.below(self.images.len())];
            (None, augment.random_crop(&run.data.samples[image], self.size, &mut stream))
        };
        indices.into_iter().map(one).collect()
    }
}

/// The numbers below `count` in a new random order each epoch.
pub(crate) struct Shuffled {
    order: Vec<usize>,
    epoch: Option<usize>,
    seed: u64,
    what: String,
}

impl Shuffled {
    pub(crate) fn new(count: usize, seed: u64, what: &str) -> Self {
        Self { order: (0..count).collect(), epoch: None, seed, what: what.to_owned() }
    }

    /// The numbers of `step` when each takes `size` of them.
    pub(crate) fn at(&mut self, step: usize, size: usize) -> Vec<usize> {
        (step * size..(step + 1) * size).map(|i| self.one(i)).collect()
    }

    fn one(&mut self, i: usize) -> usize {
        let count = self.order.len().max(1);
        if self.epoch != Some(i / count) {
            self.epoch = Some(i / count);
            self.order.sort_unstable();
            Stream::new(self.seed, &format!("{} epoch {}", self.what, i / count)).shuffle(&mut self.order);
        }
        self.order.get(i % count).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_sees_everything_once_and_a_step_does_not_depend_on_those_before() {
        let mut all = Shuffled::new(10, 3, "x");
        let steps: Vec<Vec<usize>> = (0..6).map(|step| all.at(step, 3)).collect();
        let mut first: Vec<usize> = steps.concat()[..10].to_vec();
        first.sort_unstable();
        assert_eq!(first, (0..10).collect::<Vec<_>>());
        assert_eq!(Shuffled::new(10, 3, "x").at(4, 3), steps[4]);
    }
}
