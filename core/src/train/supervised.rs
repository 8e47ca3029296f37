//! Supervised stages of Algorithm 1: pretraining f1 to fm on patches (lines 1 to 6) and distilling
//! f0 from fm on whole tiles (lines 7 to 12, Eq. 1).

use super::config::Stage;
use super::loss;
use super::run::{Run, cosine};
use crate::data::dataset::Crop;
use crate::error::{Error, Result};
use crate::hash::Stream;
use crate::net::Net;
use crate::net::dropout::{Dropout, Off, Random};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Tensor, TensorData};
use std::collections::HashMap;

/// Steps between two readings of the loss from the device.
const CADENCE: usize = 10;

/// Adam as PyTorch sets it (paper, B2).
pub(crate) fn adam() -> ModuleOptimizer {
    AdamConfig::new().with_epsilon(1e-8).init()
}

/// Trains net `index` (1 to m) on patches.
///
/// # Errors
/// Where the run was stopped or the loss is no number any more.
pub(crate) fn pretrain(run: &mut Run<'_>, index: usize) -> Result<Net> {
    let config = run.config;
    let stage = config.pretrain[index - 1];
    let size = config.layout.patch();
    let mut net = config.nets[index].init(&run.device, config.seed.wrapping_add(index as u64));
    let mut optimiser = adam();
    let mut batches = Batches::new(run, &run.stage_images(0), size, &stage, &format!("pretrain f{index}"));
    let steps = stage.length.steps(batches.per_epoch());
    let mut dropout: Box<dyn Dropout> = if config.dropout { Box::new(Random) } else { Box::new(Off) };
    for step in 0..steps {
        run.control.check()?;
        let crops: Vec<Crop> = batches.next(run).into_iter().map(|(_, crop)| crop).collect();
        let (x, targets, pixels) = run.tensors(&crops, size);
        let loss = loss::cross_entropy(net.forward(x, dropout.as_mut()), targets, pixels);
        report(run, &format!("pretrain f{index}"), step, steps, &loss)?;
        let gradients = GradientsParams::from_grads(loss.backward(), &net);
        net = optimiser.step(cosine(&stage, step, steps), net, gradients);
    }
    Ok(net)
}

/// Trains f0 on whole tiles with its dropout on, from the truth and from `teacher`.
///
/// # Errors
/// As [`pretrain`].
pub(crate) fn distil(run: &mut Run<'_>, teacher: &Net) -> Result<Net> {
    let config = run.config;
    let stage = config.distil;
    let size = config.layout.tile;
    let teacher = teacher.valid();
    let mut net = config.nets[0].init(&run.device, config.seed);
    let mut optimiser = adam();
    let mut batches = Batches::new(run, &run.stage_images(0), size, &stage, "distil f0");
    let steps = stage.length.steps(batches.per_epoch());
    let mut known: HashMap<[usize; 3], TensorData> = HashMap::new();
    for step in 0..steps {
        run.control.check()?;
        let batch = batches.next(run);
        let crops: Vec<Crop> = batch.iter().map(|(_, crop)| crop.clone()).collect();
        let (x, targets, pixels) = run.tensors(&crops, size);
        let mut answers = Vec::with_capacity(batch.len());
        for (key, crop) in &batch {
            let answer = known.entry(*key).or_insert_with(|| teach(run, &teacher, crop, size));
            answers.push(Tensor::<4>::from_data(answer.clone(), &run.device));
            if config.augment {
                known.remove(key); // random crops do not come back
            }
        }
        let logits = net.forward(x, &mut Random);
        let ce = loss::cross_entropy(logits.clone(), targets, pixels);
        let kd = loss::distillation(logits, Tensor::cat(answers, 0));
        let own = if config.kd_printed { 1.0 } else { 1.0 - config.beta };
        let total = ce * own + kd * config.beta;
        report(run, "distil f0", step, steps, &total)?;
        let gradients = GradientsParams::from_grads(total.backward(), &net);
        net = optimiser.step(cosine(&stage, step, steps), net, gradients);
    }
    Ok(net)
}

fn teach(run: &Run<'_>, teacher: &Net, crop: &Crop, [h, w]: [usize; 2]) -> TensorData {
    let device = run.device.clone().inner();
    let shape = [1, run.channels(), h, w];
    let x = Tensor::<4>::from_data(TensorData::new(crop.values.clone(), shape), &device);
    teacher.forward(x, &mut Off).into_data()
}

/// Sends the loss out now and then.
pub(crate) fn report(
    run: &mut Run<'_>,
    what: &str,
    step: usize,
    steps: usize,
    loss: &Tensor<1>,
) -> Result<()> {
    if !step.is_multiple_of(CADENCE) && step + 1 != steps {
        return Ok(());
    }
    let value = f64::from(loss.clone().into_scalar::<f32>());
    if !value.is_finite() {
        return Err(Error::invalid(format!(
            "the loss of {what} is no number at step {step}; lower the learning rate, or check the images for extreme values"
        )));
    }
    run.report(what, step + 1, steps, vec![("loss", value)]);
    Ok(())
}

/// Batches of crops: at random places, or over the regular grid in a new order each epoch.
pub(crate) struct Batches {
    /// (image, row, column) of each piece of the grid.
    places: Vec<[usize; 3]>,
    images: Vec<usize>,
    size: [usize; 2],
    batch: usize,
    next: usize,
    stream: Stream,
}

impl Batches {
    pub(crate) fn new(run: &Run<'_>, images: &[usize], size: [usize; 2], stage: &Stage, what: &str) -> Self {
        let grid = |i: &usize| {
            let [height, width] = run.data.samples[*i].image.size;
            let i = *i;
            let columns = move || (0..width).step_by(size[1]);
            (0..height).step_by(size[0]).flat_map(move |y| columns().map(move |x| [i, y, x]))
        };
        let places = images.iter().flat_map(grid).collect();
        let stream = Stream::new(run.config.seed, what);
        Self { places, images: images.to_vec(), size, batch: stage.batch, next: 0, stream }
    }

    pub(crate) fn per_epoch(&self) -> usize {
        self.places.len().div_ceil(self.batch)
    }

    /// The next crops, each with a key that is the same for the same piece of the grid.
    fn next(&mut self, run: &Run<'_>) -> Vec<([usize; 3], Crop)> {
        (0..self.batch).map(|_| self.one(run)).collect()
    }

    fn one(&mut self, run: &Run<'_>) -> ([usize; 3], Crop) {
        if run.config.augment {
            let image = self.images[self.stream.below(self.images.len())];
            let key = [image, self.stream.below(1 << 30), self.stream.below(1 << 30)];
            return (key, run.data.samples[image].random_crop(self.size, &mut self.stream));
        }
        if self.next.is_multiple_of(self.places.len()) {
            self.stream.shuffle(&mut self.places);
        }
        let key = self.places[self.next % self.places.len()];
        self.next += 1;
        (key, run.data.samples[key[0]].crop([key[1], key[2]], self.size))
    }
}
